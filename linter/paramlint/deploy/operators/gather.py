"""Look-ups, casts and the rest of what has one operator of its own."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed, Value, numbers
from paramlint.deploy.lowering import Lowering, Unconverted, View
from paramlint.deploy.operators import converts


@converts("Gather")
def gather(low: Lowering) -> None:
    """GATHER from a table or along an axis of a tensor."""
    data, indices = low.operand(0), low.operand(1)
    rank = len(low.source(0))
    axis = int(low.get("axis", 0)) % rank if rank else 0
    stated = low.get("indices")
    if indices is None and stated is not None:
        picked = stated if isinstance(stated, tuple) else (stated,)
        indices = numbers(picked, (len(picked),) if isinstance(stated, tuple) else ())
    if data is None or indices is None:
        raise Unconverted("a Gather without indices")
    source: Value | Fixed = low.plain(data) if isinstance(data, View) else data
    chosen: Value | Fixed = low.plain(indices) if isinstance(indices, View) else _whole(indices)
    low.result(low.emit("GATHER", [source, chosen], low.out(), {"axis": axis}))


def _whole(indices: Fixed) -> Fixed:
    """Constant indices are no parameters."""
    return Fixed(indices.shape, numbers(()).dtype, indices.storage, False)


@converts("GatherND")
def gather_nd(low: Lowering) -> None:
    """GATHER_ND."""
    data, indices = low.operand(0), low.operand(1)
    if data is None or indices is None:
        raise Unconverted("a GatherND without indices")
    inputs = [low.plain(one) if isinstance(one, View) else one for one in (data, indices)]
    low.result(low.emit("GATHER_ND", inputs, low.out()))


@converts("Cast")
def cast(low: Lowering) -> None:
    """CAST between types; between equal ones nothing is left."""
    view = low.flow()
    tensor = low.tensor(low.step.outputs[0])
    if tensor.dtype == view.value.dtype or (tensor.dtype.is_float and view.value.dtype.is_float):
        low.bind(view)
        return
    made = low.emit("CAST", [view.value], view.value.shape or (), None, tensor.dtype)
    low.result(made, view.order, view.turned)


@converts("CumSum")
def cumulative(low: Lowering) -> None:
    """CUMSUM along an axis."""
    view, axis = low.flow(), low.setting("axis", 1)
    if axis is None:
        raise Unconverted("a CumSum whose axis is computed")
    place = view.order.index(int(axis[0]) % len(view.order))
    made = low.emit("CUMSUM", [view.value, numbers((place,), ())], view.value.shape or ())
    low.result(made, view.order, view.turned)


@converts("TopK")
def top(low: Lowering) -> None:
    """TOPK_V2 along the last axis."""
    view, rank = low.flow(), len(low.source())
    if int(low.get("axis", -1)) % rank != rank - 1:
        raise Unconverted("a TopK along an axis that is not the last")
    value = low.plain(view)
    shapes = [low.out(index) for index in range(len(low.step.outputs))]
    count = shapes[0][-1]
    made = low.emit_several("TOPK_V2", [value, numbers((count if isinstance(count, int) else -1,), ())], shapes)
    for index, one in enumerate(made):
        one.dtype = low.tensor(low.step.outputs[index]).dtype
        low.result(one, layout.identity(rank), None, index)
