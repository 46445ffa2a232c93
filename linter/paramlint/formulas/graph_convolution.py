"""Graph convolutions as PyTorch Geometric counts them (``GCNConv``, ``SAGEConv``, ``GATConv``, ``GINConv``).

What is counted are the matrix products at the nodes and edges. Passing messages along edges (scaling, summing up)
is element by element and counts no multiply-accumulates, so no number depends on how the graph is connected.
"""

MEANING = {
    "i": "input features of a node",
    "j": "input features of a target node",
    "o": "output features, of one head where there are several",
    "H": "heads",
    "v": "features of an edge",
    "n": "nodes",
    "m": "target nodes",
    "E": "edges",
    "a": "aggregations side by side",
    "q": "features of all heads together, of one where they are averaged",
}
KERNEL = "i * o"
BIAS = "o"
MACS = "n * i * o"

# SAGEConv: what the neighbours hold, and the node itself
NEIGHBOUR_KERNEL = "a * i * o"
ROOT_KERNEL = "j * o"
PROJECTION = "i * i"
PROJECTION_BIAS = "i"
NEIGHBOUR_MACS = "m * a * i * o"
ROOT_MACS = "m * j * o"
PROJECTION_MACS = "n * i * i"
LSTM_KERNEL = "4 * i * i"
LSTM_BIAS = "4 * i"

# GATConv: one vector per head scores the source, the target and the edge
HEADS_KERNEL = "i * H * o"
TARGET_KERNEL = "j * H * o"
SCORE = "H * o"
EDGE_KERNEL = "v * H * o"
RESIDUAL = "j * q"
HEADS_BIAS = "q"
HEADS_MACS = "n * i * H * o"
TARGET_MACS = "m * j * H * o"
EDGE_MACS = "E * v * H * o"
RESIDUAL_MACS = "m * j * q"

SINGLE = "1"  # one number: GINConv's weight of the node itself, SAGEConv's quantile
