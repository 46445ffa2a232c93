"""Cutting: Slice and Split."""

from __future__ import annotations

from typing import Any

from paramlint.ir import Dim, Shape
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, free, operator, values
from paramlint.loaders.onnx.operators.shapes import axes_of, axis_of, given, integer, same, setting, whole_setting


@operator
class Slice(Operator):
    """``Slice``: starts, ends and axes are attributes before opset 10; inputs 1 to 4 (with steps) since."""

    kinds = ("Slice",)
    passes = frozenset({0})
    settings = frozenset({1, 2, 3, 4})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape is None:
            return [Output(None)]
        cuts = _cuts(node, len(shape))
        if cuts is None:
            return [Output((None,) * len(shape))]
        dims = list(shape)
        for axis, cut in cuts.items():
            dims[axis] = _length(dims[axis], *cut)
        value = node.value(0)
        if value is None or not all(type(part) is int for cut in cuts.values() for part in cut):
            return [Output(tuple(dims))]
        lists = [
            range(size)[slice(*_bounds(cuts[axis]))] if axis in cuts else range(size)
            for axis, size in enumerate(value.shape)
        ]
        return [Output(tuple(dims), None, values.picked(value, lists))]


def _cuts(node: Node, rank: int) -> dict[int, tuple[Any, Any, Any]] | None:
    """(start, end, step) by axis; None where the axes or the number of cuts are not known."""
    starts, ends = setting(node, "starts", 1, None), setting(node, "ends", 2, None)
    axes, steps = whole_setting(node, "axes", 3, None), whole_setting(node, "steps", 4, None)
    axes_given, steps_given = given(node, 3) or "axes" in node.attributes, given(node, 4)
    count = next((len(part) for part in (starts, ends, axes, steps) if part is not None), None)
    if count is None or (axes is None and axes_given):
        return None
    if axes is None:
        axes = tuple(range(count))
    if steps is None:
        steps = (None if steps_given else 1,) * count  # type: ignore[assignment]  # unknown steps leave unknown lengths
    starts, ends = starts or (None,) * count, ends or (None,) * count
    if not len(starts) == len(ends) == len(axes) == len(steps or ()):
        raise ShapeError("starts, ends, axes and steps differ in number")
    cuts = dict(zip(axes_of(axes, rank), zip(starts, ends, steps or (), strict=True), strict=True))
    if any(step == 0 for _, _, step in cuts.values()):
        raise ShapeError("a slice has step 0")
    return cuts


def _bounds(cut: tuple[int, int, int]) -> tuple[int, int | None, int]:
    """ONNX's start and end as Python's: an end before the first element, going backwards, is None."""
    start, end, step = cut
    if step < 0 and end < -(1 << 31) + 1:
        return start, None, step
    return start, end, step


def _length(dim: Dim, start: Any, end: Any, step: Any) -> Dim:
    """The size of one sliced axis."""
    if type(step) is not int:
        return None
    if type(dim) is int:
        if type(start) is int and type(end) is int:
            return len(range(dim)[slice(*_bounds((start, end, step)))])
        return None
    if type(start) is int and start == 0 and step == 1:
        if end == dim or (type(end) is int and end >= (1 << 31) - 1):
            return dim
        return end if isinstance(end, str) else None  # a symbolic end is the size it names
    if start == -1 and step == -1 and type(end) is int and end < -(1 << 31) + 1:
        return dim
    if type(start) is int and start < 0 and step == 1 and type(end) is int and end >= (1 << 31) - 1 and start == -1:
        return 1
    return None


@operator
class Split(Operator):
    """``Split``: sizes: attribute before opset 13, input 1 since; ``num_outputs`` since 18, the last one smaller."""

    kinds = ("Split",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axis = node.shape(0), integer(node, "axis", 0)
        if shape is None:
            return [Output(None)] * node.output_count
        axis = axis_of(axis, len(shape))
        sizes = _sizes(node, shape, axis)
        if len(sizes) != node.output_count:
            raise ShapeError(f"{len(sizes)} split sizes for {node.output_count} outputs")
        outputs, value = [], node.value(0)
        start: int | None = 0
        for part in sizes:
            dims = (*shape[:axis], part, *shape[axis + 1 :])
            piece = None
            if value is not None and type(part) is int and start is not None:
                lists = [
                    range(start, start + part) if place == axis else range(size)
                    for place, size in enumerate(value.shape)
                ]
                piece = values.picked(value, lists)
            start = start + part if start is not None and type(part) is int else None
            outputs.append(Output(dims, None, piece))
        return outputs


def _sizes(node: Node, shape: Shape, axis: int) -> tuple[Dim, ...]:
    dim, count = shape[axis], node.output_count
    stated = setting(node, "split", 1, ())
    if stated is None:
        return (None,) * count
    if stated:
        if any(type(part) is int and part < 0 for part in stated):
            raise ShapeError("a split size is negative")
        if all(type(part) is int for part in stated):
            same(sum(stated), dim, "split sizes and the axis they split")
        return stated
    parts = integer(node, "num_outputs", count)
    if parts != count:
        raise ShapeError(f"num_outputs is {parts} and there are {count} outputs")
    if type(dim) is not int or count == 0:
        return ((dim if count == 1 else None),) * count
    chunk = -(-dim // count)
    last = dim - chunk * (count - 1)
    if last < 0 or (last != chunk and "num_outputs" not in node.attributes):
        raise ShapeError(f"{dim} does not split into {count} parts")
    return (chunk,) * (count - 1) + (last,)
