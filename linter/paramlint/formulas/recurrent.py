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

# The sums as textbooks write them, without a bias, with one bias vector, and with two.
CLOSED = ("g * (h + i) * h", "g * ((h + i) * h + h)", "g * ((h + i) * h + 2 * h)")

# Keras ConvLSTM: the products of an LSTM are convolutions.
WINDOW_MEANING = {
    "g": "gates",
    "K": "elements of the kernel window",
    "i": "input channels",
    "o": "filters, channels of the state",
    "T": "time steps",
    "P": "output positions",
}
WINDOW_KERNEL = "g * K * i * o"
WINDOW_RECURRENT_KERNEL = "g * K * o * o"
WINDOW_BIAS = "g * o"
WINDOW_MACS = "T * P * g * o * K * (i + o)"
