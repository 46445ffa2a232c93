"""Reductions along axes: MEAN, SUM, REDUCE_MAX and their kin."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed, Value, numbers
from paramlint.deploy.lowering import Lowering, Unconverted, View
from paramlint.deploy.operators import converts

_KINDS = {
    "ReduceMean": "MEAN", "ReduceSum": "SUM", "ReduceMax": "REDUCE_MAX", "ReduceMin": "REDUCE_MIN",
    "ReduceProd": "REDUCE_PROD",
}  # fmt: skip


@converts(*_KINDS)
def reduce(low: Lowering) -> None:
    """One operator; the axes are a constant of their own."""
    rank = len(low.source())
    stated = low.setting("axes", 1)
    if stated is None and len(low.step.inputs) > 1 and low.step.inputs[1]:
        raise Unconverted("a reduction whose axes are computed")
    if not stated:
        stated = () if low.get("noop_with_empty_axes") else tuple(range(rank))
    axes = tuple(sorted(int(axis) % rank for axis in stated))
    reduce_axes(low, _KINDS[low.step.kind], axes, bool(low.get("keepdims", 1)))


def reduce_axes(low: Lowering, kind: str, axes: tuple[int, ...], keep: bool) -> None:
    """Reduce axes of the source, wherever they lie in memory."""
    view = low.flow()
    made, order = reduced(low, kind, view, axes, keep)
    low.result(made, order, view.turned)


def reduced(low: Lowering, kind: str, view: View, axes: tuple[int, ...], keep: bool) -> tuple[Value, layout.Order]:
    """The operator, and in which order the axes that are left lie."""
    places = tuple(sorted(view.order.index(axis) for axis in axes))
    shape = [size for index, size in enumerate(view.value.shape or ()) if keep or index not in places]
    if keep:
        shape = [1 if index in places else size for index, size in enumerate(view.value.shape or ())]
    inputs: list[Value | Fixed | None] = [view.value, numbers(places)]
    made = low.emit(kind, inputs, tuple(shape), {"axes": places, "keep_dims": keep})
    return made, view.order if keep else layout.reduced(view.order, frozenset(axes))


@converts("ArgMax", "ArgMin")
def arg(low: Lowering) -> None:
    """The place of the extreme along one axis."""
    view, rank = low.flow(), len(low.source())
    axis = int(low.get("axis", 0)) % rank
    place = view.order.index(axis)
    shape = tuple(size for index, size in enumerate(view.value.shape or ()) if index != place)
    kind = "ARG_MAX" if low.step.kind == "ArgMax" else "ARG_MIN"
    made = low.emit(kind, [view.value, numbers((place,), ())], shape, {"axis": place})
    order = layout.reduced(view.order, frozenset((axis,)))
    if int(low.get("keepdims", 1)):
        low.result(low.emit("RESHAPE", [made, numbers(())], layout.physical(low.out(), view.order)), view.order)
    else:
        low.result(made, order, view.turned)
