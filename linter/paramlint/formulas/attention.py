"""Multi-head attention of PyTorch, whose width is that of all heads together (``nn.MultiheadAttention``).

``e * e`` per projection; key and value projections read their own widths. Scores and weighted sums are counted in
full: a causal mask does not reduce them.
"""

MEANING = {
    "e": "embedding, all heads",
    "k": "key features",
    "v": "value features",
    "t": "query positions",
    "s": "key positions",
    "x": "key positions added by a bias or a zero",
    "H": "query heads",
    "N": "key and value heads",
    "d": "size of a query and key head",
    "w": "size of a value head",
    "P": "product of the batch-like axes",
    "L": "layers",
}
PACKED_KERNEL = "3 * e * e"
QUERY_KERNEL = "e * e"
KEY_KERNEL = "e * k"
VALUE_KERNEL = "e * v"
PACKED_BIAS = "3 * e"
OUT_KERNEL = "e * e"
OUT_BIAS = "e"
EXTRA_KEY = "e"
EXTRA_VALUE = "e"
MACS = "t * e * e + s * e * (k + v) + 2 * t * (s + x) * e + t * e * e"
SCALED_DOT_PRODUCT_MACS = "P * H * t * s * (d + w)"
PRODUCT_MEANING = {
    "P": "product of the batch-like axes",
    "t": "rows of the left matrix",
    "d": "common size",
    "s": "columns of the right matrix",
}
PRODUCT_MACS = "P * t * d * s"

# Query heads that share fewer key and value heads (Ainslie and others, "GQA"); widths are per head.
GROUPED_MEANING = {
    "e": "features of a position",
    "H": "query heads",
    "N": "key and value heads",
    "d": "features of a head",
    "t": "positions",
}
GROUPED_QUERY_KERNEL = "e * H * d"
GROUPED_QUERY_BIAS = "H * d"
GROUPED_KEY_KERNEL = "e * N * d"
GROUPED_KEY_BIAS = "N * d"
GROUPED_OUT_KERNEL = "H * d * e"
GROUPED_OUT_BIAS = "e"
GROUPED_MACS = "2 * t * e * H * d + 2 * t * e * N * d + 2 * t * t * H * d"
