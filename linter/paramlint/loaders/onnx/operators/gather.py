"""Look-ups: Gather and its relatives, where an embedding table is the weight."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from paramlint.ir import DType
from paramlint.loaders.onnx.operators import Logical, Node, Operator, Output, ShapeError, Value, free, operator, values
from paramlint.loaders.onnx.operators.shapes import axis_of, integer, like, product, times


@operator
class Gather(Operator):
    """``Gather``: the indices' shape replaces ``axis`` of the data."""

    kinds = ("Gather",)
    slots = {0: "table"}
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, indices = node.shape(0), node.shape(1)
        if shape is None:
            return [Output(None)]
        axis = axis_of(node.attributes.get("axis", 0), len(shape))
        if indices is None:
            return [Output(None)]
        data, places = node.value(0), node.value(1)
        value = None if data is None or places is None else _gathered(data, places, axis)
        return [Output((*shape[:axis], *indices, *shape[axis + 1 :]), None, value)]


def _gathered(data: Value, places: Value, axis: int) -> Value | None:
    """The gathered elements; None where an index is not known."""
    length = data.shape[axis]
    if not all(type(place) is int for place in places.elements):
        return None
    if not all(-length <= place < length for place in places.elements):
        raise ShapeError(f"an index is outside the {length} entries it looks up")
    if len(data.shape) == 1 and len(places.elements) == 1:
        return Value(places.shape, (data.elements[places.elements[0]],))
    rows = [place % length for place in places.elements]
    lists = [rows if place == axis else range(size) for place, size in enumerate(data.shape)]
    found = values.picked(data, lists)
    if found is None:
        return None
    return Value((*data.shape[:axis], *places.shape, *data.shape[axis + 1 :]), found.elements)


@operator
class GatherElements(Operator):
    """``GatherElements``: the output is shaped as the indices."""

    kinds = ("GatherElements",)
    slots = {0: "table"}
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(node.shape(1), node.dtype(0))]


@operator
class GatherND(Operator):
    """``GatherND``: the last axis of the indices names a place in the data."""

    kinds = ("GatherND",)
    slots = {0: "table"}
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, indices, batch = node.shape(0), node.shape(1), integer(node, "batch_dims", 0)
        if shape is None or not indices:
            return [Output(None)]
        depth = indices[-1]
        if type(depth) is not int:
            return [Output(None)]
        if depth < 1 or batch < 0 or batch + depth > len(shape) or batch >= len(indices):
            raise ShapeError(f"indices of depth {depth} into {len(shape)} axes after {batch} batch axes")
        return [Output((*indices[:-1], *shape[batch + depth :]))]


@operator
class ContribGatherND(GatherND):
    """ONNX Runtime's GatherND, older than the standard's."""

    domain = "com.microsoft"


@operator
class GatherBlockQuantized(Operator):
    """``GatherBlockQuantized``: rows of a table of ``bits``-wide integers, dequantised; uint8 data are packed."""

    kinds = ("GatherBlockQuantized",)
    domain = "com.microsoft"
    slots = {0: "table"}
    settings = frozenset({1, 2, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, indices = node.shape(0), node.shape(1)
        if shape is None or indices is None:
            return [Output(None, node.dtype(2))]
        axis = axis_of(node.attributes.get("gather_axis", 0), len(shape))
        if node.dtype(0) is DType.UINT8:
            shape = (*shape[:-1], times(shape[-1], 8 // _bits(node.attributes)))
        return [Output((*shape[:axis], *indices, *shape[axis + 1 :]), node.dtype(2))]

    def logical(self, index: int, stored: tuple[int, ...], attributes: Mapping[str, Any]) -> Logical | None:
        bits = _bits(attributes)
        if index != 0 or bits == 8 or not stored:
            return None
        return Logical((*stored[:-1], stored[-1] * (8 // bits)), DType(f"uint{bits}"))


def _bits(attributes: Mapping[str, Any]) -> int:
    bits = attributes.get("bits", 4)
    if bits not in (2, 4, 8):
        raise ShapeError(f"bits is {bits!r}, not 2, 4 or 8")
    return int(bits)


@operator
class TorchEmbedding(Operator):
    """``TorchEmbedding(weight, indices)``: one row of the table per index."""

    kinds = ("TorchEmbedding",)
    domain = "com.microsoft"
    slots = {0: "table"}
    settings = frozenset({1, 2, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        table, indices = node.shape(0), node.shape(1)
        return [Output(None if not table or indices is None else (*indices, *table[1:]))]


@operator
class RelativePositionBias(Operator):
    """``RelativePositionBias``: T5's bucket table looked up for every query and key: [1, heads, queries, keys]."""

    kinds = ("RelativePositionBias",)
    domain = "com.microsoft"
    slots = {0: "table"}
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        table = node.shape(0)
        heads = table[1] if table and len(table) == 2 else None
        lengths = [value.elements[0] if value and value.elements else None for value in (node.value(1), node.value(2))]
        return [Output((1, heads, *lengths))]


@operator
class OneHot(Operator):
    """``OneHot``: a new axis of ``depth`` (input 1), the type of the two values (input 2)."""

    kinds = ("OneHot",)
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, depth = node.shape(0), node.value(1)
        if shape is None:
            return [Output(None, node.dtype(2))]
        axis = axis_of(node.attributes.get("axis", -1), len(shape) + 1)
        size = depth.elements[0] if depth is not None and len(depth.elements) == 1 else None
        size = int(size) if isinstance(size, float) and math.isfinite(size) else size
        return [Output((*shape[:axis], size, *shape[axis:]), node.dtype(2))]


@operator
class Compress(Operator):
    """``Compress``: keeps the entries that a condition names; how many is only known with it."""

    kinds = ("Compress",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, test = node.shape(0), node.value(1)
        kept = None if test is None or None in test.elements else sum(map(bool, test.elements))
        if "axis" not in node.attributes:
            return [Output((kept,))]
        if shape is None:
            return [Output(None)]
        axis = axis_of(node.attributes["axis"], len(shape))
        return [Output((*shape[:axis], kept, *shape[axis + 1 :]))]


@operator
class TopK(Operator):
    """``TopK``: k is an attribute in opset 1, input 1 since opset 10; values and int64 indices."""

    kinds = ("TopK",)
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape is None:
            return [Output(None), Output(None, DType.INT64)][: node.output_count]
        axis = axis_of(node.attributes.get("axis", -1), len(shape))
        k: Any = node.attributes.get("k")
        if k is None:
            value = node.value(1)
            k = value.elements[0] if value is not None and len(value.elements) == 1 else None
        if type(k) is int and type(shape[axis]) is int and k > shape[axis]:  # type: ignore[operator]  # both are ints
            raise ShapeError(f"top {k} of {shape[axis]} entries")
        dims = (*shape[:axis], k, *shape[axis + 1 :])
        return [Output(dims), Output(dims, DType.INT64)][: node.output_count]


@operator
class ArrayFeatureExtractor(Operator):
    """``ai.onnx.ml.ArrayFeatureExtractor``: columns of the last axis by index."""

    kinds = ("ArrayFeatureExtractor",)
    domain = "ai.onnx.ml"
    slots = {0: "table"}
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, indices = node.shape(0), node.shape(1)
        if not shape or indices is None:
            return [Output(None)]
        lead = shape[:-1] if len(shape) > 1 else (1,)
        return [Output((*lead, product(indices)))]


@operator
class Unique(Operator):
    """``Unique``: how many remain depends on the data."""

    kinds = ("Unique",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        first: Output = Output((None,))
        if "axis" in node.attributes:
            if shape is None:
                first = Output(None)
            else:
                axis = axis_of(node.attributes["axis"], len(shape))
                first = Output((*shape[:axis], None, *shape[axis + 1 :]))
        return [first, *[Output((None,), DType.INT64)] * 3][: node.output_count]


@operator
class NonZero(Operator):
    """``NonZero``: [rank, count], the count depends on the data."""

    kinds = ("NonZero",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        return [Output((None if shape is None else max(len(shape), 1), None), DType.INT64)]


@operator
class BinaryEntries(Operator):
    """ONNX Runtime's masks over n-gram scores: shaped as the scores."""

    kinds = ("NGramRepeatBlock",)
    domain = "com.microsoft"
    settings = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node, 1)
