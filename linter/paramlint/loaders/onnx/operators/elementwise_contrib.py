"""ONNX Runtime's fused elementwise operators (domain com.microsoft)."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class BiasActivation(Operator):
    kinds = ("BiasGelu", "FastGelu", "BiasSplitGelu")
    domain = "com.microsoft"
    slots = {1: "bias"}
    macs = free


@operator
class BiasAdd(Operator):
    kinds = ("BiasAdd",)
    domain = "com.microsoft"
    slots = {1: "bias"}
    operands = frozenset({0, 2})
    macs = free


@operator
class BiasSoftmax(Operator):
    kinds = ("BiasSoftmax",)
    domain = "com.microsoft"
    operands = frozenset({1})
    macs = free


@operator
class BiasDropout(Operator):
    kinds = ("BiasDropout", "BitmaskBiasDropout")
    domain = "com.microsoft"
    slots = {1: "bias"}
    operands = frozenset({2})
    settings = frozenset({3, 4})
    macs = free


@operator
class ContribUnary(Operator):
    kinds = ("Gelu", "QuickGelu", "ScaledSiLU", "Inverse")
    domain = "com.microsoft"
    macs = free


@operator
class QLinearArithmetic(Operator):
    kinds = ("QLinearAdd", "QLinearMul")
    domain = "com.microsoft"
    operands = frozenset({0, 3})
    settings = frozenset({1, 2, 4, 5, 6, 7})
    macs = free


@operator
class QLinearUnary(Operator):
    kinds = ("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax")
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3, 4})
    macs = free


@operator
class QOrderedGelu(Operator):
    kinds = ("QOrderedGelu",)
    domain = "com.microsoft"
    settings = frozenset({1, 2})
    macs = free
