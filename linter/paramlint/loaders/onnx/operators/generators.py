"""Operators that make tensors: constants, ranges, random numbers, windows; and those that read a shape."""

from __future__ import annotations

import math
from typing import Any

from paramlint.ir import Dim, DType, Shape
from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.operators import EVERY, Node, Operator, Output, Value, free, operator, values
from paramlint.loaders.onnx.operators.shapes import integers, size


@operator
class Constant(Operator):
    """``Constant``: the scalar and list forms; a tensor is a stored weight and its shape comes with it."""

    kinds = ("Constant",)
    macs = free

    def infer(self, node: Node) -> list[Output] | None:
        attributes = node.attributes
        for name, dtype in (("int", DType.INT64), ("float", DType.FLOAT32), ("string", DType.STRING)):
            if f"value_{name}" in attributes:
                return [Output((), dtype, Value((), (attributes[f"value_{name}"],)))]
            if f"value_{name}s" in attributes:
                elements = attributes[f"value_{name}s"]
                return [
                    Output(
                        (len(elements),),
                        dtype,
                        Value((len(elements),), elements) if len(elements) <= values.MAX_ELEMENTS else None,
                    )
                ]
        value = attributes.get("value")
        if isinstance(value, Value) and value.dtype is not None:
            return [Output(value.shape, value.dtype, value)]
        return None


@operator
class ConstantOfShape(Operator):
    """``ConstantOfShape``: one value, float32 zero where absent, in the shape of input 0."""

    kinds = ("ConstantOfShape",)
    settings = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        filling = node.attributes.get("value")
        single = isinstance(filling, Value) and len(filling.elements) == 1
        dtype = (filling.dtype or DType.UNDEFINED) if isinstance(filling, Value) else DType.FLOAT32
        element = filling.elements[0] if single else 0.0 if filling is None else None  # type: ignore[union-attr]  # single says it is a Value
        asked = node.value(0)
        if asked is None:
            length = node.shape(0)
            rank = length[0] if length else None
            return [Output((None,) * rank if type(rank) is int and 0 <= rank <= 64 else None, dtype)]
        whole = values.fits(asked.elements)
        if whole is None or element is None:
            return [Output(asked.elements, dtype)]
        return [Output(asked.elements, dtype, Value(whole, (element,) * math.prod(whole)))]


@operator
class ShapeOf(Operator):
    """``Shape``: the sizes of input 0, cut by ``start`` and ``end`` since opset 15."""

    kinds = ("Shape",)
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape is None:
            return [Output((None,), DType.INT64)]
        if node.attributes:
            start, end = node.attributes.get("start", 0), node.attributes.get("end")
            if type(start) is int and (end is None or type(end) is int):
                shape = shape[start:end]
        return [Output((len(shape),), DType.INT64, Value((len(shape),), shape))]


@operator
class Size(Operator):
    """``Size``: the number of elements."""

    kinds = ("Size",)
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        total: Dim = None
        if shape is not None:
            named = [dim for dim in shape if dim != 1]
            total = named[0] if len(named) == 1 else size(shape)
        return [Output((), DType.INT64, Value((), (total,)))]


@operator
class Range(Operator):
    """``Range(start, limit, delta)``: max(ceil((limit - start) / delta), 0) numbers."""

    kinds = ("Range",)
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        parts = [node.value(index) for index in range(min(3, len(node.inputs)))]
        known: list[Any] = [
            part.elements[0] if part is not None and len(part.elements) == 1 else None for part in parts
        ]
        start, limit, delta = (*known, 1)[:3]
        if start == 0 and delta == 1 and isinstance(limit, str):
            return [Output((limit,))]
        finite = all(isinstance(part, (int, float)) and math.isfinite(part) for part in (start, limit, delta))
        if not finite or delta == 0:
            return [Output((None,))]
        count = _count(start, limit, delta)
        if count > values.MAX_ELEMENTS:
            return [Output((count,))]
        return [Output((count,), None, Value((count,), tuple([start + index * delta for index in range(count)])))]


def _count(start: float, limit: float, delta: float) -> int:
    if type(start) is int and type(limit) is int and type(delta) is int:
        return max(-((start - limit) // delta), 0)
    return max(math.ceil((limit - start) / delta), 0)


@operator
class ContribRange(Range):
    """ONNX Runtime's Range, older than the standard's; the step is optional."""

    domain = "com.microsoft"


@operator
class RandomLike(Operator):
    """Random tensors and identity matrices shaped as input 0; ``dtype`` overrides its type."""

    kinds = ("RandomNormalLike", "RandomUniformLike", "EyeLike", "Bernoulli")
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        dtype = node.attributes.get("dtype")
        return [Output(node.shape(0), None if dtype is None else element_type(dtype))]


@operator
class Random(Operator):
    """Random tensors of a stated shape."""

    kinds = ("RandomNormal", "RandomUniform")
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(integers(node, "shape"), element_type(node.attributes.get("dtype", 1)))]


@operator
class Multinomial(Operator):
    """``Multinomial``: ``sample_size`` draws per row."""

    kinds = ("Multinomial",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        rows = shape[0] if shape else None
        return [Output((rows, node.attributes.get("sample_size", 1)), element_type(node.attributes.get("dtype", 6)))]


@operator
class Window(Operator):
    """Window functions of a given size."""

    kinds = ("BlackmanWindow", "HammingWindow", "HannWindow")
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        length = node.value(0)
        count = length.elements[0] if length is not None and len(length.elements) == 1 else None
        return [Output((count,), element_type(node.attributes.get("output_datatype", 1)))]


@operator
class MelWeightMatrix(Operator):
    """``MelWeightMatrix``: [dft_length // 2 + 1, num_mel_bins]."""

    kinds = ("MelWeightMatrix",)
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        bins, length = (
            part.elements[0] if part and len(part.elements) == 1 else None for part in (node.value(0), node.value(1))
        )
        rows = length // 2 + 1 if type(length) is int else None
        return [Output((rows, bins), element_type(node.attributes.get("output_datatype", 1)))]


@operator
class ConstantFill(Operator):
    """An experimental operator of opset 1 that early Caffe2 exports still hold."""

    kinds = ("ConstantFill", "GivenTensorFill")
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape: Shape | None = integers(node, "shape")
        return [Output(shape, element_type(node.attributes.get("dtype", 1)))]
