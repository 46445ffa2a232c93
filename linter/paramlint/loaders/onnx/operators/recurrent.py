"""Recurrent layers: RNN, GRU, LSTM and the quantised LSTM of ONNX Runtime."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, operator


@operator
class Recurrent(Operator):
    kinds = ("RNN", "GRU")
    slots = {1: "kernel", 2: "recurrent_kernel", 3: "bias"}
    settings = frozenset({4, 5})


@operator
class LSTM(Recurrent):
    kinds = ("LSTM",)
    slots = {1: "kernel", 2: "recurrent_kernel", 3: "bias", 7: "peephole"}
    settings = frozenset({4, 5, 6})


@operator
class DynamicQuantizeLSTM(LSTM):
    kinds = ("DynamicQuantizeLSTM",)
    domain = "com.microsoft"
    settings = frozenset({4, 5, 6, 8, 9, 10, 11})
