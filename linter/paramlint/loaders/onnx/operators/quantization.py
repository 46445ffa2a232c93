"""Quantise and dequantise: a weight is followed through input 0; scales and zero points are settings."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class QuantizeLinear(Operator):
    kinds = ("QuantizeLinear",)
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free


@operator
class DequantizeLinear(Operator):
    kinds = ("DequantizeLinear",)
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free


@operator
class ContribQuantizeLinear(QuantizeLinear):
    domain = "com.microsoft"


@operator
class ContribDequantizeLinear(DequantizeLinear):
    domain = "com.microsoft"


@operator
class DynamicQuantizeLinear(Operator):
    kinds = ("DynamicQuantizeLinear",)
    passes = frozenset({0})
    macs = free
