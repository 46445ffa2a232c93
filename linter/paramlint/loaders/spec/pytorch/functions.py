"""PyTorch's functions that move and join elements, as layer types with their own argument names.

Axes count the batch as 0; the ``shape`` of reshape, view and expand leaves it out.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import (
    choice,
    flag,
    integer,
    integer_list,
    non_negative,
    number,
    one_of,
    optional,
    positive,
    target_shape,
)
from paramlint.loaders.spec.pytorch.checks import at_most, axis, flowing, product, same_size, shaped, show
from paramlint.loaders.spec.pytorch.padding import pad as pad_sides
from paramlint.loaders.spec.pytorch.reshaping import flatten_axes, resolved
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_DIM = Argument(integer, "Axis, counting the batch as 0.")
_DIM0 = Argument(integer, "Axis, counting the batch as 0 (PyTorch's default is the batch, which is refused).", 0)
_DIMS = Argument(optional(integer_list(single=True)), "Axes, counting the batch as 0.", None)
_MAX_PIECES = 10_000


def _tensors(call: Call) -> list[Shape]:
    if not call.inputs:
        call.fail(f"{call.type} needs inputs", "inputs")
    return [call.shape(index) for index in range(len(call.inputs))]


def _merged(call: Call, sizes: list[Dim]) -> Dim:
    """What stays equal across inputs: the number, else the common name."""
    fixed = {size for size in sizes if isinstance(size, int)}
    if len(fixed) > 1:
        shapes = " and ".join(show(shape) for shape in _tensors(call))
        call.fail(f"shapes {shapes} do not fit together", "inputs")
    return fixed.pop() if fixed else sizes[0] if len(set(sizes)) == 1 else None


@layer(PYTORCH, "cat", "Joins inputs along an axis (function).", dim=_DIM0)
def cat(call: Call) -> Built:
    """All other axes are equal."""
    shapes = _tensors(call)
    rank = len(shapes[0])
    if any(len(shape) != rank for shape in shapes):
        call.fail(f"shapes {' and '.join(map(show, shapes))} differ in rank", "inputs")
    place = axis(call, "dim", rank)
    out: list[Dim] = []
    for index, column in enumerate(zip(*shapes, strict=True)):
        if index == place:
            known = [size for size in column if isinstance(size, int)]
            out.append(sum(known) if len(known) == len(column) else column[0] if len(column) == 1 else None)
        else:
            out.append(_merged(call, list(column)))
    return Built((call.step("Concat", [flowing(call, at) for at in range(len(shapes))], out, {"axis": place + 1}),))


@layer(PYTORCH, "stack", "Joins inputs along a new axis (function).", dim=_DIM0)
def stack(call: Call) -> Built:
    """All inputs have one shape."""
    shapes = _tensors(call)
    if any(len(shape) != len(shapes[0]) for shape in shapes):
        call.fail(f"shapes {' and '.join(map(show, shapes))} differ in rank", "inputs")
    common = tuple(_merged(call, list(column)) for column in zip(*shapes, strict=True))
    place = axis(call, "dim", len(common), extra=1)
    single = (*common[:place], 1, *common[place:])
    parts = [shaped(call, flowing(call, at), single) for at in range(len(shapes))]
    out = (*common[:place], len(shapes), *common[place:])
    return Built((call.step("Concat", parts, out, {"axis": place + 1}),))


layer(PYTORCH, "flatten", "Merges axes into one (function).", start_dim=Argument(integer, "First axis that is merged.", 0),
      end_dim=Argument(integer, "Last axis that is merged.", -1))(flatten_axes)  # fmt: skip


def _reshape(call: Call) -> Built:
    at_most(call, 1)
    shape = call.shape()
    out = resolved(call, call.args["shape"], product(shape), "shape", shape)
    return Built((shaped(call, flowing(call), out),))


_SHAPE = Argument(target_shape, "New shape without batch; one size may be -1.")
layer(PYTORCH, "reshape", "Lays elements out in another shape (function).", shape=_SHAPE)(_reshape)
layer(PYTORCH, "view", "Lays elements out in another shape (function).", shape=_SHAPE)(_reshape)


@layer(PYTORCH, "expand", "Repeats axes of length 1 (function).",
       shape=Argument(target_shape, "New shape without batch; -1 keeps an axis."))  # fmt: skip
def expand(call: Call) -> Built:
    """Only axes of length 1 grow."""
    at_most(call, 1)
    shape, wanted = call.shape(), call.args["shape"]
    if len(wanted) != len(shape):
        call.fail(f"shape {show(wanted)} must have the {len(shape)} axes of the input {show(shape)}", "shape")
    out: list[Dim] = []
    for old, new in zip(shape, wanted, strict=True):
        if new != -1 and isinstance(old, int) and old != 1 and new != old:
            call.fail(f"{show(shape)} cannot be expanded to {show(wanted)}", "shape")
        out.append(old if new == -1 else new)
    return Built((call.step("Expand", [flowing(call)], out),))


@layer(PYTORCH, "repeat", "Repeats the input along its axes (function).",
       repeats=Argument(integer_list(1), "How often per axis, without batch."))  # fmt: skip
def repeat(call: Call) -> Built:
    """As many factors as axes."""
    at_most(call, 1)
    shape, factors = call.shape(), call.args["repeats"]
    if len(factors) != len(shape):
        call.fail(f"repeats {show(factors)} must have the {len(shape)} axes of the input {show(shape)}", "repeats")
    out = [product(pair) for pair in zip(shape, factors, strict=True)]
    return Built((call.step("Tile", [flowing(call)], out, {"repeats": (1, *factors)}),))


@layer(PYTORCH, "permute", "Orders the axes anew (function).",
       dims=Argument(integer_list(), "All axes in their new order, the batch 0 in front."))  # fmt: skip
def permute(call: Call) -> Built:
    """The batch stays in front."""
    at_most(call, 1)
    shape, dims = call.shape(), call.args["dims"]
    full = len(shape) + 1
    if sorted(dim % full if -full <= dim < full else -1 for dim in dims) != list(range(full)):
        call.fail(f"dims {show(dims)} must name each of the {full} axes once (batch included)", "dims")
    order = [dim % full for dim in dims]
    if order[0] != 0:
        call.fail(f"dims {show(dims)} would move the batch", "dims", "0 comes first")
    out = [shape[dim - 1] for dim in order[1:]]
    return Built((call.step("Transpose", [flowing(call)], out, {"perm": tuple(order)}),))


@layer(PYTORCH, "transpose", "Swaps two axes (function).", dim0=_DIM, dim1=_DIM)
def transpose(call: Call) -> Built:
    """Neither may be the batch."""
    at_most(call, 1)
    shape = list(call.shape())
    first, second = axis(call, "dim0", len(shape)), axis(call, "dim1", len(shape))
    order = list(range(len(shape)))
    order[first], order[second] = second, first
    perm = (0, *(index + 1 for index in order))
    return Built((call.step("Transpose", [flowing(call)], [shape[index] for index in order], {"perm": perm}),))


def _several(call: Call, name: str, rank: int) -> list[int]:
    dims = call.args[name]
    places = [axis(call, name, rank, dim) for dim in ((dims,) if isinstance(dims, int) else dims)]
    if len(set(places)) != len(places):
        call.fail(f"{name} names an axis twice", name)
    return places


@layer(PYTORCH, "squeeze", "Drops axes of length 1 (function).", dim=_DIMS)
def squeeze(call: Call) -> Built:
    """Without dim all of length 1; an axis of another length stays."""
    at_most(call, 1)
    shape = call.shape()
    places = range(len(shape)) if call.args["dim"] is None else _several(call, "dim", len(shape))
    gone = {place for place in places if shape[place] == 1}
    unsure = [shape[place] for place in places if not isinstance(shape[place], int)]
    if unsure and call.args["dim"] is not None:
        call.fail(f"whether an axis of {show(shape)} is 1 is not fixed", "dim")
    out = [size for index, size in enumerate(shape) if index not in gone]
    if not gone:
        return Built((call.step("Identity", [flowing(call)], out),))
    axes = tuple(sorted(place + 1 for place in gone))
    return Built((call.step("Squeeze", [flowing(call)], out, {"axes": axes}),))


@layer(PYTORCH, "unsqueeze", "Inserts an axis of length 1 (function).", dim=_DIM)
def unsqueeze(call: Call) -> Built:
    """The batch stays in front."""
    at_most(call, 1)
    shape = call.shape()
    place = axis(call, "dim", len(shape), extra=1)
    out = (*shape[:place], 1, *shape[place:])
    return Built((call.step("Unsqueeze", [flowing(call)], out, {"axes": (place + 1,)}),))


def _reduce(call: Call, kind: str) -> Built:
    """Axes disappear, or keep length 1."""
    at_most(call, 1)
    shape = call.shape()
    if call.args["dim"] is None or call.args["dim"] == ():
        call.fail(f"without dim, {call.type} runs over the batch", None, "write dim: -1")
    gone = set(_several(call, "dim", len(shape)))
    if call.args["keepdim"]:
        out: list[Dim] = [1 if index in gone else size for index, size in enumerate(shape)]
    else:
        out = [size for index, size in enumerate(shape) if index not in gone]
    attributes = {"axes": tuple(sorted(place + 1 for place in gone)), "keepdims": int(call.args["keepdim"])}
    return Built((call.step(kind, [flowing(call)], out, attributes),))


_KEEP = Argument(flag, "Keep the axes with length 1.", False)
for _name, _kind, _doc in (
    ("mean", "ReduceMean", "Mean"),
    ("sum", "ReduceSum", "Sum"),
    ("amax", "ReduceMax", "Maximum"),
    ("amin", "ReduceMin", "Minimum"),
    ("logsumexp", "ReduceLogSumExp", "Logarithm of the sum of exponentials"),
):
    layer(PYTORCH, _name, f"{_doc} over axes (function).", dim=_DIMS, keepdim=_KEEP)(partial(_reduce, kind=_kind))


def _pieces(call: Call, place: int, sizes: list[int]) -> Built:
    """One output per piece of an axis."""
    if len(sizes) > _MAX_PIECES:
        call.fail(f"{len(sizes)} pieces are more than {_MAX_PIECES}")
    shape = call.shape()
    shapes = [(*shape[:place], size, *shape[place + 1 :]) for size in sizes]
    first = call.step("Split", [flowing(call)], shapes[0], {"axis": place + 1, "split": tuple(sizes)})
    kept = flowing(call).dtype
    return Built((first, *[call.also(one, first.dtype or kept) for one in shapes[1:]]))


def _fixed(call: Call, place: int) -> int:
    size = call.shape()[place]
    if not isinstance(size, int):
        call.fail(f"axis {place + 1} of {show(call.shape())} is not fixed, so the pieces are not", "dim")
    return size


def _even(call: Call, size: int, piece: int) -> list[int]:
    if size // piece > _MAX_PIECES:
        call.fail(f"{size // piece} pieces are more than {_MAX_PIECES}")
    return [piece] * (size // piece) + ([size % piece] if size % piece else [])


@layer(PYTORCH, "chunk", "Cuts an axis into a number of pieces (function).",
       chunks=Argument(positive, "How many at most."), dim=_DIM0)  # fmt: skip
def chunk(call: Call) -> Built:
    """Equal pieces, the last one smaller; PyTorch may return fewer than asked."""
    at_most(call, 1)
    place = axis(call, "dim", len(call.shape()))
    size = _fixed(call, place)
    return _pieces(call, place, _even(call, size, -(-size // call.args["chunks"])))


@layer(PYTORCH, "split", "Cuts an axis into pieces of given size (function).",
       split_size_or_sections=Argument(one_of(positive, integer_list(0, minimum=1)), "One size, or all of them."),
       dim=_DIM0)  # fmt: skip
def split(call: Call) -> Built:
    """Given sizes add up to the axis."""
    at_most(call, 1)
    place = axis(call, "dim", len(call.shape()))
    wanted = call.args["split_size_or_sections"]
    if isinstance(wanted, int):
        return _pieces(call, place, _even(call, _fixed(call, place), wanted))
    size = call.shape()[place]
    message = f"sizes {show(wanted)} add up to {sum(wanted)}, axis {place + 1} has {size}"
    same_size(call, sum(wanted), size, message, "split_size_or_sections")
    return _pieces(call, place, list(wanted))


def _at(call: Call, name: str, size: Dim, end: int = 0) -> int:
    """An index into an axis; negative ones count from the end."""
    value = call.args[name]
    if isinstance(size, int):
        if not -size <= value < size + end:
            call.fail(f"{name} {value} is outside an axis of {size}", name)
        return int(value % size) if value < 0 else int(value)
    return int(value)


@layer(PYTORCH, "select", "One entry of an axis (function).", dim=_DIM,
       index=Argument(integer, "Which; negative ones count from the end."))  # fmt: skip
def select(call: Call) -> Built:
    """The axis disappears."""
    at_most(call, 1)
    shape = call.shape()
    place = axis(call, "dim", len(shape))
    index = _at(call, "index", shape[place])
    out = (*shape[:place], *shape[place + 1 :])
    attributes = {"axis": place + 1, "indices": index}
    return Built((call.step("Gather", [flowing(call)], out, attributes),))


@layer(PYTORCH, "narrow", "A stretch of an axis (function).", dim=_DIM, start=Argument(integer, "First entry."),
       length=Argument(non_negative, "How many."))  # fmt: skip
def narrow(call: Call) -> Built:
    """The stretch lies inside the axis."""
    at_most(call, 1)
    shape, length = call.shape(), call.args["length"]
    place = axis(call, "dim", len(shape))
    start, size = _at(call, "start", shape[place], end=1), shape[place]
    if isinstance(size, int) and start + length > size:
        call.fail(f"{length} entries from {start} go beyond an axis of {size}", "length")
    attributes = {"axes": (place + 1,), "starts": (start,), "ends": (start + length,)}
    out = (*shape[:place], length, *shape[place + 1 :])
    return Built((call.step("Slice", [flowing(call)], out, attributes),))


@layer(PYTORCH, "unbind", "Every entry of an axis as an output (function).", dim=_DIM0)
def unbind(call: Call) -> Built:
    """The axis disappears."""
    at_most(call, 1)
    shape = call.shape()
    place = axis(call, "dim", len(shape))
    size = _fixed(call, place)
    if size > _MAX_PIECES:
        call.fail(f"{size} pieces are more than {_MAX_PIECES}", "dim")
    out = (*shape[:place], *shape[place + 1 :])
    return Built(tuple(call.output(out, flowing(call).dtype) for _ in range(size)))


@layer(PYTORCH, "flip", "Reverses axes (function).", dims=Argument(integer_list(single=True), "Axes, batch 0."))
def flip(call: Call) -> Built:
    """Keeps the shape."""
    at_most(call, 1)
    _several(call, "dims", len(call.shape()))
    return Built((call.output(call.shape(), flowing(call).dtype),))


@layer(PYTORCH, "roll", "Shifts entries along axes, wrapping round (function).",
       shifts=Argument(integer_list(single=True), "How far."), dims=_DIMS)  # fmt: skip
def roll(call: Call) -> Built:
    """Keeps the shape."""
    at_most(call, 1)
    if call.args["dims"] is None:
        call.fail("without dims, roll runs over the batch", None, "write dims: 1")
    if len(_several(call, "dims", len(call.shape()))) != len(call.args["shifts"]):
        call.fail("shifts and dims differ in length", "shifts")
    return Built((call.output(call.shape(), flowing(call).dtype),))


@layer(PYTORCH, "pad", "Pads or cuts the last axes (function).",
       pad=Argument(integer_list(minimum=2), "Sides from the last axis backwards."),
       mode=Argument(choice("constant", "reflect", "replicate", "circular"), "What the border holds.", "constant"),
       value=Argument(optional(number), "The constant.", None))  # fmt: skip
def pad(call: Call) -> Built:
    """Pairs of sides, for no more axes than there are."""
    at_most(call, 1)
    sides, shape = call.args["pad"], call.shape()
    if len(sides) % 2 or len(sides) // 2 > len(shape):
        call.fail(f"pad takes pairs for at most the {len(shape)} axes of {show(shape)}", "pad")
    if call.args["mode"] != "constant" and len(sides) // 2 != len(shape) - 1:
        call.fail(f"mode {call.args['mode']} pads all axes of {show(shape)} but the first", "mode")
    return pad_sides(call, sides, call.args["mode"])


def _softmax(call: Call, kind: str) -> Built:
    at_most(call, 1)
    shape = call.shape()
    place = axis(call, "dim", len(shape))
    attributes: dict[str, Any] = {"axis": place + 1}
    return Built((call.step(kind, [flowing(call)], shape, attributes),))


layer(PYTORCH, "softmax", "Positive values that sum to 1 along an axis (function).",
      dim=_DIM)(partial(_softmax, kind="Softmax"))  # fmt: skip
layer(PYTORCH, "log_softmax", "Logarithm of the softmax (function).", dim=_DIM)(partial(_softmax, kind="LogSoftmax"))
