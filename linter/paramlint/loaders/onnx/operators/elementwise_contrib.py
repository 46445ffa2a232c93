"""ONNX Runtime's fused elementwise operators (domain com.microsoft)."""

from __future__ import annotations

from paramlint.formulas import formula
from paramlint.ir import DType, Formula, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, free, operator
from paramlint.loaders.onnx.operators.shapes import (
    axis_of,
    broadcast,
    broadcast_all,
    divided,
    integer,
    like,
    plus,
    same,
    stored,
    times,
)

MEANING = {"o": "features"}


class Biased(Operator):
    """An activation of ``x + bias``, one bias per feature of the last axis."""

    domain = "com.microsoft"
    slots = {1: "bias"}
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)

    def params(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        if not stored(node, 1):
            return None
        if not shape or type(shape[-1]) is not int:
            return Unknown("features not known")
        return formula({"bias": "o"}, {"o": shape[-1]}, MEANING)


@operator
class BiasActivation(Biased):
    """``BiasGelu``, ``FastGelu``."""

    kinds = ("BiasGelu", "FastGelu")


@operator
class BiasSplitGelu(Biased):
    """``BiasSplitGelu``: half of the features gates the other half."""

    kinds = ("BiasSplitGelu",)

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        return [Output((*shape[:-1], divided(shape[-1], 2)) if shape else None)]


@operator
class BiasAdd(Biased):
    """``BiasAdd``: ``x + bias + skip``."""

    kinds = ("BiasAdd",)
    operands = frozenset({0, 2})


@operator
class BiasDropout(Biased):
    """``BiasDropout``: ``x + bias + residual``; the mask is output 1."""

    kinds = ("BiasDropout", "BitmaskBiasDropout")
    operands = frozenset({2})
    settings = frozenset({3, 4})

    def infer(self, node: Node) -> list[Output]:
        shape, plain = node.shape(0), node.kind == "BiasDropout"
        mask = Output(shape, DType.BOOL) if plain else Output(None, DType.UINT32)
        return [Output(shape), mask][: node.output_count]


@operator
class BitmaskDropout(Operator):
    """``BitmaskDropout``: the mask is packed in 32-bit words."""

    kinds = ("BitmaskDropout",)
    domain = "com.microsoft"
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(node.shape(0)), Output(None, DType.UINT32)][: node.output_count]


@operator
class BiasSoftmax(Operator):
    """``BiasSoftmax``: the softmax of ``data + bias``."""

    kinds = ("BiasSoftmax",)
    domain = "com.microsoft"
    operands = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class ContribUnary(Operator):
    """One tensor in, the same shape out."""

    kinds = ("Gelu", "QuickGelu", "Trilu", "QuantizeBFP")
    domain = "com.microsoft"
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(node.shape(0)), *[Output(None)] * (node.output_count - 1)]


@operator
class QLinearArithmetic(Operator):
    """``QLinearAdd``, ``QLinearMul``: A and B at 0 and 3, each with scale and zero point."""

    kinds = ("QLinearAdd", "QLinearMul")
    domain = "com.microsoft"
    operands = frozenset({0, 3})
    settings = frozenset({1, 2, 4, 5, 6, 7})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(broadcast(node.shape(0), node.shape(3)))]


@operator
class QLinearWhere(Operator):
    """``QLinearWhere``: test, X at 1, Y at 4."""

    kinds = ("QLinearWhere",)
    domain = "com.microsoft"
    settings = frozenset(range(9))
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(broadcast_all([node.shape(0), node.shape(1), node.shape(4)]), node.dtype(1))]


@operator
class QLinearConcat(Operator):
    """``QLinearConcat``: the output's scale and zero point, then (tensor, scale, zero point) for each part."""

    kinds = ("QLinearConcat",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shapes = [node.shape(index) for index in range(2, len(node.inputs), 3)]
        first = shapes[0] if shapes else None
        if first is None:
            return [Output(None, node.dtype(2))]
        axis, dims = axis_of(integer(node, "axis"), len(first)), list(first)
        for shape in shapes[1:]:
            if shape is None or len(shape) != len(dims):
                return [Output(None, node.dtype(2))]
            for place, dim in enumerate(shape):
                if place != axis:
                    dims[place] = same(dims[place], dim, f"sizes of axis {place}")
                else:
                    dims[place] = plus(dims[place], dim) if type(dim) is int else None
        return [Output(tuple(dims), node.dtype(2))]


@operator
class QLinearUnary(Operator):
    """Quantised activations: scale and zero point of input and output follow the data."""

    kinds = ("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax")
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3, 4})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class QOrderedGelu(Operator):
    """The int8 form in cublasLt order."""

    kinds = ("QOrderedGelu",)
    domain = "com.microsoft"
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class MulInteger(Operator):
    """``MulInteger``: int8 times int8, each with a zero point, int32 out."""

    kinds = ("MulInteger",)
    domain = "com.microsoft"
    operands = frozenset({0, 2})
    settings = frozenset({1, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(broadcast(node.shape(0), node.shape(2)), DType.INT32)]


@operator
class ComplexProduct(Operator):
    """``ComplexMul``, ``ComplexMulConj``: the last axis holds real and imaginary parts."""

    kinds = ("ComplexMul", "ComplexMulConj", "GatedAdd")
    domain = "com.microsoft"
    operands = frozenset({0, 1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(broadcast(node.shape(0), node.shape(1)))]


@operator
class ContribSwiGLU(Operator):
    """``SwiGLU``: gate and value apart, or side by side in the last axis."""

    kinds = ("SwiGLU",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if len(node.inputs) > 1 and node.inputs[1] is not None:
            return like(node)
        return [Output((*shape[:-1], divided(shape[-1], 2)) if shape else None)]


@operator
class RemovePadding(Operator):
    """``RemovePadding``: [n, t, e] -> [tokens, e]; how many remain is in the data."""

    kinds = ("RemovePadding",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        n, t, e = shape if shape and len(shape) == 3 else (None, None, None)
        lengths = [(None, e), (n, t), (plus(n, 1),), (1,)]
        outputs = [Output(dims, None if place == 0 else DType.INT32) for place, dims in enumerate(lengths)]
        return outputs[: node.output_count]


@operator
class RestorePadding(Operator):
    """``RestorePadding``: [tokens, e] -> [n, t, e]; the offsets say n and t."""

    kinds = ("RestorePadding",)
    domain = "com.microsoft"
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, offsets = node.shape(0), node.shape(1)
        return [Output((*offsets, shape[-1]) if shape and offsets else None)]


@operator
class Blocked(Operator):
    """Reorderings between the standard layout and ONNX Runtime's blocked one."""

    kinds = ("ReorderInput", "ReorderOutput")
    domain = "com.microsoft.nchwc"
    passes = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if node.kind == "ReorderOutput" and shape is not None and len(shape) > 1:
            channels = integer(node, "channels")
            if integer(node, "channels_last", 0):
                return [Output((shape[0], *shape[2:], channels))]
            return [Output((shape[0], channels, *shape[2:]))]
        if shape is not None and len(shape) > 1 and integer(node, "channels_last", 0):
            return [Output((shape[0], times(shape[-1], 1), *shape[1:-1]))]
        return like(node)
