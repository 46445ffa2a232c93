"""Recurrent layers with g gates: RNN 1, GRU 3, LSTM 4 (ONNX RNN/GRU/LSTM-22; PyTorch ``nn.RNN``, Keras ``SimpleRNN``).

ONNX and PyTorch hold two bias vectors per gate, one of the input and one of the state; Keras only in a GRU whose
reset gate stands behind the product.
"""

MEANING = {
    "g": "gates",
    "h": "hidden units",
    "i": "input features",
    "D": "directions",
    "T": "time steps",
    "n": "batch",
    "q": "projected state features",
    "r": "state features that are fed back, h or the projected q",
}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
KERNEL = "D * g * h * i"
RECURRENT_KERNEL = "D * g * h * h"
DOUBLE_BIAS = "D * 2 * g * h"
PEEPHOLE = "D * 3 * h"
MACS = "n * T * D * g * h * (i + h)"

# One layer in one direction, as PyTorch holds it; ``r`` is h unless an LSTM projects its state.
ONE_KERNEL = "g * h * i"
ONE_RECURRENT_KERNEL = "g * h * r"
ONE_BIAS = "g * h"
PROJECTION = "q * h"
ONE_MACS = "T * g * h * (i + r)"
PROJECTED_MACS = "T * (g * h * (i + r) + q * h)"

# One layer in one direction, as Keras holds it: one bias vector, or two under ``reset_after``.
SQUARE_KERNEL = "g * h * h"
PAIRED_BIAS = "2 * g * h"
SEQUENCE_MACS = "T * g * h * (i + h)"
CELL_MACS = "g * h * (i + h)"
