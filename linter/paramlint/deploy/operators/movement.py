"""Operators that lay elements out anew, join, cut and repeat them."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed, Value, numbers
from paramlint.deploy.lowering import Lowering, Unconverted, View, sizes
from paramlint.deploy.operators import converts
from paramlint.ir import Dim, Shape


@converts("Identity", "Dropout")
def passed(low: Lowering) -> None:
    """Nothing is left of it."""
    low.bind(low.flow())


@converts("Transpose")
def transpose(low: Lowering) -> None:
    """A change of layout only names axes anew; any other order of axes is an operator."""
    view, rank = low.flow(), len(low.source())
    perm = tuple(low.get("perm") or range(rank - 1, -1, -1))
    order = layout.transposed(view.order, perm)
    made = View(view.value, order, low.place)
    if order == layout.identity(rank):
        low.bind(View(view.value, order))
    elif low.model.batch_axis and order == layout.channels_last(rank):
        low.bind(made)
    elif not low.model.batch_axis and view.turned is None and _to_images(low, view, order):
        low.bind(View(view.value, order))
    else:
        low.result(low.plain(made))


def _to_images(low: Lowering, view: View, order: layout.Order) -> bool:
    """A spec's own change of layout in front of a convolution that wants it."""
    wish = low.wishes.get(low.step.outputs[0])
    return wish == order and order == layout.channels_last(len(order)) and low.model.framework == "pytorch"


@converts("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(low: Lowering) -> None:
    """RESHAPE; the axes of length 1 that a global pooling left are dropped by the pooling itself."""
    view, before, after = low.flow(), low.source(), low.out()
    if low.step.kind == "Squeeze" and _dropped(low, view, before, after):
        return
    order = _renamed(low, view, after)
    value, turned = view.value, view.turned
    if order is None:
        value, order, turned = low.plain(view), layout.identity(len(after)), None
    shape = layout.physical(after, order)
    if shape == value.shape:
        low.bind(View(value, order, turned))
        return
    low.result(low.emit("RESHAPE", [value, sizes(shape)], shape), order, turned)


def _renamed(low: Lowering, view: View, after: Shape) -> layout.Order | None:
    """The order of the output where nothing moves; a Squeeze says itself which axes are gone."""
    before = low.source()
    if low.step.kind == "Squeeze" and not view.plain:
        stated = low.setting("axes", 1)
        if stated is not None:
            return layout.reduced(view.order, frozenset(int(axis) % len(before) for axis in stated))
    return layout.reshaped(before, view.order, after, low.wishes.get(low.step.outputs[0]))


def _dropped(low: Lowering, view: View, before: Shape, after: Shape) -> bool:
    """Whether the Squeeze belongs to the reduction in front of it."""
    node = view.value.node
    if node is None or node.onnx not in ("GlobalAveragePool", "GlobalMaxPool") or view.value.users:
        return False
    if low.readers.get(low.step.inputs[0], 0) > 1:
        return False
    axes = node.options["axes"]
    gone = frozenset(view.order[place] for place in axes)
    if tuple(size for axis, size in enumerate(before) if axis not in gone) != after:
        return False
    made = low.emit(node.kind, node.inputs, after, {"axes": axes, "keep_dims": False}, None, node.place)
    made.dtype = view.value.dtype
    low.forget(view.value)
    low.draft.drop(node)
    low.result(made, layout.reduced(view.order, gone))
    return True


@converts("Concat")
def concat(low: Lowering) -> None:
    """CONCATENATION in the layout that most of the inputs have."""
    operands = [low.operand(index) for index in range(len(low.step.inputs))]
    views = [one for one in operands if isinstance(one, View)]
    if not views:
        raise Unconverted("Concat of constants")
    rank = len(low.out())
    lead = next((one for one in views if not one.plain and one.turned is None), views[0])
    axis = int(low.get("axis", 0)) % rank
    inputs: list[Value | Fixed | None] = []
    for one in operands:
        inputs.append(low.ordered(one, lead.order) if isinstance(one, View) else _turned(one, lead.order))
    if len(inputs) == 1:
        low.bind(views[0])
        return
    shape = layout.physical(low.out(), lead.order)
    made = low.emit("CONCATENATION", inputs, shape, {"axis": lead.order.index(axis)})
    low.result(made, lead.order, lead.turned)


def _turned(constant: Fixed | None, order: layout.Order) -> Fixed | None:
    if constant is None or len(constant.shape) != len(order):
        return constant
    shape = tuple(constant.shape[axis] for axis in order)
    return Fixed(shape, constant.dtype, constant.storage, constant.learned)


@converts("Split")
def split(low: Lowering) -> None:
    """SPLIT in equal parts, SPLIT_V in others."""
    view, rank = low.flow(), len(low.source())
    axis = int(low.get("axis", 0)) % rank
    shapes = [layout.physical(low.out(index), view.order) for index in range(len(low.step.outputs))]
    place = view.order.index(axis)
    parts = [shape[place] for shape in shapes]
    if len(parts) == 1:
        low.bind(view)
        return
    where = numbers((place,), ())
    if len(set(parts)) == 1:
        made = low.emit_several("SPLIT", [where, view.value], shapes, {"axis": place})
    else:
        lengths = tuple(size if isinstance(size, int) else -1 for size in parts)
        made = low.emit_several("SPLIT_V", [view.value, numbers(lengths), where], shapes, {"axis": place})
    for index, value in enumerate(made):
        low.result(value, view.order, view.turned, index)


@converts("Slice")
def cut(low: Lowering) -> None:
    """STRIDED_SLICE with begin, end and step for every axis."""
    view = low.flow()
    shape = layout.physical(low.out(), view.order)
    starts, ends = low.setting("starts", 1), low.setting("ends", 2)
    if starts is None or ends is None:
        raise Unconverted("a Slice whose ends are computed")
    rank = len(view.order)
    axes = low.setting("axes", 3) or tuple(range(len(starts)))
    steps = low.setting("steps", 4) or (1,) * len(starts)
    begin, end, step = [0] * rank, [0] * rank, [1] * rank
    for axis, first, last, by in zip(axes, starts, ends, steps, strict=True):
        place = view.order.index(int(axis) % rank)
        begin[place], end[place], step[place] = int(first), int(last), int(by)
    inputs: list[Value | Fixed | None] = [view.value, *[numbers(tuple(one)) for one in (begin, end, step)]]
    made = low.emit("STRIDED_SLICE", inputs, shape, {"begin": tuple(begin), "steps": tuple(step)})
    low.result(made, view.order, view.turned)


@converts("Pad")
def pad(low: Lowering) -> None:
    """PAD with zeros, PADV2 with another number, MIRROR_PAD by reflection."""
    view, rank = low.flow(), len(low.source())
    pads = low.setting("pads", 1)
    mode = low.get("mode", "constant")
    if pads is None:
        raise Unconverted("a Pad whose sides are computed")
    if mode not in ("constant", "reflect", "zeros"):
        raise Unconverted(f"a Pad with mode {mode}")
    stated = low.setting("axes", 3) or tuple(range(rank))
    half = len(pads) // 2
    sides = {int(axis) % rank: (int(pads[at]), int(pads[at + half])) for at, axis in enumerate(stated)}
    if not any(before or after for before, after in sides.values()):
        low.bind(view)
        return
    if any(before < 0 or after < 0 for before, after in sides.values()):
        raise Unconverted("a Pad that cuts")
    flat = tuple(side for axis in view.order for side in sides.get(axis, (0, 0)))
    number = low.number(2, "value")
    kind = "MIRROR_PAD" if mode == "reflect" else "PADV2" if number else "PAD"
    shape = layout.physical(low.out(), view.order)
    spatial = [sides.get(axis, (0, 0)) for axis in view.order[1:-1]]
    options = {"pads": (*[before for before, _ in spatial], *[after for _, after in spatial])}
    made = low.emit(kind, [view.value, numbers(flat, (rank, 2))], shape, options)
    low.result(made, view.order, view.turned)


@converts("Expand", "Tile")
def repeat(low: Lowering) -> None:
    """BROADCAST_TO or TILE; nothing where the shape stays."""
    view, after = low.flow(), low.out()
    missing = len(after) - len(view.order)
    order = layout.lifted(view.order, len(after))
    shape = layout.physical(after, order)
    if shape == view.value.shape:
        low.bind(view)
        return
    if low.keras and low.step.kind == "Tile" and len(after) == 3 and (view.value.shape or ())[1] == 1:
        _repeated_vector(low, view, shape)
        return
    kind = "TILE" if low.step.kind == "Tile" else "BROADCAST_TO"
    before = (*(1,) * missing, *(view.value.shape or ()))
    times = tuple([ratio(new, old) for new, old in zip(shape, before, strict=True)])
    operand = numbers(times) if kind == "TILE" else sizes(shape)
    low.result(low.emit(kind, [view.value, operand], shape), order, view.turned)


def ratio(new: Dim, old: Dim) -> int:
    return new // old if isinstance(new, int) and isinstance(old, int) and old else -1


def _repeated_vector(low: Lowering, view: View, shape: Shape) -> None:
    """As Keras repeats a vector: with one more axis, which is then merged."""
    batch, count, features = shape
    single, several = (batch, 1, 1, features), (batch, 1, count, features)
    dtype = view.value.dtype
    lifted = low.emit("RESHAPE", [view.value, sizes(single)], single, None, dtype)
    times = count if isinstance(count, int) else -1
    tiled = low.emit("TILE", [lifted, numbers((1, 1, times, 1))], several, None, dtype)
    low.result(low.emit("RESHAPE", [tiled, sizes(shape)], shape))
