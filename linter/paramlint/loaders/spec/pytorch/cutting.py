"""PyTorch's functions that cut a tensor: ``chunk split select narrow unbind``. Axes count the batch as 0."""

from __future__ import annotations

from paramlint.ir import Dim
from paramlint.loaders.spec.arguments import integer, integer_list, one_of, positive
from paramlint.loaders.spec.layer_checks import at_most, axis, flowing, same_size, show
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_DIM = Argument(integer, "Axis, counting the batch as 0.")
_DIM0 = Argument(integer, "Axis, counting the batch as 0 (PyTorch's default is the batch, which is refused).", 0)
_MAX_PIECES = 10_000


def _pieces(call: Call, place: int, sizes: list[int]) -> Built:
    """One output per piece of an axis."""
    if len(sizes) > _MAX_PIECES:
        call.fail(f"{len(sizes)} pieces are more than {_MAX_PIECES}")
    shape = call.shape()
    shapes = [(*shape[:place], size, *shape[place + 1 :]) for size in sizes]
    first = call.step("Split", [flowing(call)], shapes[0], {"axis": place + 1, "split": tuple(sizes)})
    return Built((first, *[call.also(one, first.dtype) for one in shapes[1:]]))


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
       length=Argument(positive, "How many."))  # fmt: skip
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
