"""Quantise and dequantise: a weight is followed through input 0; scales and zero points are settings."""

from __future__ import annotations

from paramlint.ir import DType
from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.operators import Node, Operator, Output, free, operator
from paramlint.loaders.onnx.operators.shapes import given, like


@operator
class QuantizeLinear(Operator):
    """``QuantizeLinear``: the zero point's type, else ``output_dtype``, else uint8."""

    kinds = ("QuantizeLinear",)
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        if given(node, 2):
            return like(node, 0, node.dtype(2))
        number = node.attributes.get("output_dtype", 0)
        return like(node, 0, element_type(number) if number else DType.UINT8)


@operator
class DequantizeLinear(Operator):
    """``DequantizeLinear``: ``output_dtype``, else the scale's type."""

    kinds = ("DequantizeLinear",)
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        number = node.attributes.get("output_dtype", 0)
        return like(node, 0, element_type(number) if number else node.dtype(1))


@operator
class ContribQuantizeLinear(QuantizeLinear):
    """ONNX Runtime's QuantizeLinear for types the standard lacked."""

    domain = "com.microsoft"


@operator
class ContribDequantizeLinear(DequantizeLinear):
    """ONNX Runtime's DequantizeLinear for types the standard lacked."""

    domain = "com.microsoft"


@operator
class DynamicQuantizeLinear(Operator):
    """``DynamicQuantizeLinear``: uint8 data, a float scale and a uint8 zero point."""

    kinds = ("DynamicQuantizeLinear",)
    passes = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        outputs = [Output(node.shape(0), DType.UINT8), Output((), DType.FLOAT32), Output((), DType.UINT8)]
        return outputs[: node.output_count]


@operator
class OrderedQuantize(Operator):
    """ONNX Runtime's quantisation for cublasLt matrix orders."""

    kinds = ("QuantizeWithOrder",)
    domain = "com.microsoft"
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node, 0, DType.INT8)


@operator
class OrderedDequantize(Operator):
    """The way back of QuantizeWithOrder; ``to`` is the float type."""

    kinds = ("DequantizeWithOrder",)
    domain = "com.microsoft"
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node, 0, element_type(node.attributes.get("to", 1)))
