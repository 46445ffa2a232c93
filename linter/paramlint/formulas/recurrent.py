"""Recurrent layers with g gates: RNN 1, GRU 3, LSTM 4 (ONNX RNN/GRU/LSTM-22; PyTorch ``nn.RNN``, ``nn.GRU``, ``nn.LSTM``).

ONNX and PyTorch hold two bias vectors per gate, one of the input and one of the state.
"""

MEANING = {
    "g": "gates",
    "h": "hidden units",
    "i": "input features",
    "D": "directions",
    "T": "time steps",
    "n": "batch",
}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
KERNEL = "D * g * h * i"
RECURRENT_KERNEL = "D * g * h * h"
DOUBLE_BIAS = "D * 2 * g * h"
PEEPHOLE = "D * 3 * h"
MACS = "n * T * D * g * h * (i + h)"
