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
    number,
    optional,
    target_shape,
)
from paramlint.loaders.spec.layer_checks import at_most, axis, flowing, product, resolved, shaped, show
from paramlint.loaders.spec.pytorch.padding import pad as pad_sides
from paramlint.loaders.spec.pytorch.reshaping import flatten_axes
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_DIM = Argument(integer, "Axis, counting the batch as 0.")
_DIM0 = Argument(integer, "Axis, counting the batch as 0 (PyTorch's default is the batch, which is refused).", 0)
_DIMS = Argument(optional(integer_list(single=True)), "Axes, counting the batch as 0.", None)


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


layer(PYTORCH, "flatten", "Merges axes into one (function).",
      start_dim=Argument(integer, "First axis that is merged.", 0),
      end_dim=Argument(integer, "Last axis that is merged.", -1))(flatten_axes)  # fmt: skip


def _reshape(call: Call) -> Built:
    at_most(call, 1)
    shape = call.shape()
    out = resolved(call, call.args["shape"], "shape", shape)
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
        inner = sorted(dims) == list(range(len(shape)))  # the batch is left out
        hint = f"write {show((0, *[dim + 1 for dim in dims]))}" if inner and shape else None
        call.fail(f"dims {show(dims)} must name each of the {full} axes once (batch included)", "dims", hint)
    order = [dim % full for dim in dims]
    if order[0] != 0:
        hint = f"write {show((0, *[dim for dim in order if dim]))}"
        call.fail(f"dims {show(dims)} would move the batch", "dims", hint)
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


def _several(call: Call, name: str, rank: int, twice: bool = False) -> list[int]:
    dims = call.args[name]
    places = [axis(call, name, rank, dim) for dim in ((dims,) if isinstance(dims, int) else dims)]
    if len(set(places)) != len(places) and not twice:
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
    if len(_several(call, "dims", len(call.shape()), twice=True)) != len(call.args["shifts"]):
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
    if call.args["mode"] != "constant" and not len(shape) - 1 <= len(sides) // 2 <= 3:
        call.fail(f"mode {call.args['mode']} pads all axes of {show(shape)}, or all but the first, at most 3", "mode")
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
