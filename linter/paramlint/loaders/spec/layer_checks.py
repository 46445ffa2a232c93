"""What the layers of every vocabulary check and build alike: ranks, axes that count the batch, products of sizes.

Shapes here leave out the batch, the frameworks' axes count it: axis 1 of a layer's argument is position 0 of our shape.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

from paramlint.formulas import combine
from paramlint.ir import NOTHING, Dim, DType, Formula, Shape, Tensor, Unknown, Weight
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.vocabulary import Built, Call, Nested

MAX_COPIES = 1000  # stacked layers of one module; keeps the work of one line of a file bounded


def show(shape: Sequence[Dim]) -> str:
    """A shape as the user writes it: ``[3, null, 8]``."""
    return "[" + ", ".join("null" if size is None else str(size) for size in shape) + "]"


def flowing(call: Call, index: int = 0) -> Tensor:
    """One input tensor that must be there."""
    call.shape(index)
    tensor = call.inputs[index]
    assert tensor is not None  # call.shape has refused a missing one
    return tensor


def at_most(call: Call, count: int) -> None:
    """Refuse more inputs than the layer takes."""
    if len(call.inputs) > count:
        call.fail(f"{call.type} takes at most {count} input{'s' * (count > 1)}, {len(call.inputs)} given", "inputs")


def ranked(call: Call, ranks: Iterable[int], index: int = 0, what: str = "", short: str | None = None) -> Shape:
    """The shape of an input, which must have one of ``ranks`` axes beside the batch.

    ``short`` is the hint for an input that has one axis too few.
    """
    shape, allowed = call.shape(index), tuple(ranks)
    if len(shape) not in allowed:
        sizes = " or ".join(str(rank) for rank in allowed)
        axes = "axis" if allowed == (1,) else "axes"
        batch = len(shape) == max(allowed) + 1 and shape[0] in (None, 1, "batch", "N")
        hint = f"shapes leave out the batch: write {show(shape[1:])}" if batch else None
        if len(shape) == min(allowed) - 1:
            hint = short
        call.fail(
            f"{call.type} needs {what or 'an input'} of {sizes} {axes} without batch, got {show(shape)}", hint=hint
        )
    return shape


def same_size(call: Call, given: Dim, actual: Dim, message: str, argument: str | None = None) -> None:
    """Refuse two sizes that are known and differ."""
    if isinstance(given, int) and isinstance(actual, int) and given != actual:
        call.fail(message, argument)


def width(call: Call, name: str, actual: Dim, shape: Shape) -> int:
    """A width that may be written again: it must equal what arrives; either may be missing, not both."""
    given = call.args.get(name)
    if isinstance(actual, int):
        if given is not None and given != actual:
            call.note(
                f"{name} is {given}, the input {show(shape)} has {actual}", name, f"write {actual}, or leave it out"
            )
        if actual == 0:
            call.fail(f"the input {show(shape)} has no {name.replace('_', ' ')}")
        return actual
    if given is None:
        where = f"the input {show(shape)} does not fix it"
        call.fail(f"{call.type} cannot infer {name}: {where}", None, f"write {name} or fix the size")
    return int(given)


def axis(call: Call, name: str, rank: int, value: int | None = None, extra: int = 0) -> int:
    """Position in our shape of the axis an argument names; ``rank`` is that of the shape without batch.

    ``extra`` is 1 where the axis is one that will be inserted.
    """
    wanted = call.args[name] if value is None else value
    full = rank + 1 + extra
    if not -full <= wanted < full:
        call.fail(f"{name} {wanted} is outside the {full} axes (batch included), from {-full} to {full - 1}", name)
    place = wanted % full
    if place == 0:
        call.fail(
            f"{name} {wanted} names the batch, which a layer may not touch", name, "axis 1 is the first of the shape"
        )
    return int(place) - 1


def trailing(call: Call) -> tuple[int, ...]:
    """The normalised shape, which must be the end of the input's."""
    at_most(call, 1)
    wanted, shape = call.args["normalized_shape"], call.shape()
    tail: tuple[Dim, ...] = shape[len(shape) - len(wanted) :] if len(wanted) <= len(shape) else ()
    fits = len(tail) == len(wanted)
    if not fits or any(isinstance(size, int) and size != given for size, given in zip(tail, wanted, strict=True)):
        call.fail(f"normalized_shape {show(wanted)} is not the end of the input {show(shape)}", "normalized_shape")
    return tuple(wanted)


def product(sizes: Iterable[Dim]) -> Dim:
    """The product of sizes; a single name stays itself where all else is 1, other unknowns give None."""
    total, free = 1, []
    for size in sizes:
        if isinstance(size, int):
            total *= size
        else:
            free.append(size)
    if total == 0:
        return 0
    if not free:
        return total
    return free[0] if len(free) == 1 and total == 1 else None


def symbol(sizes: Sequence[Dim]) -> Dim:
    """A product as a symbol of a MAC formula: the number, else the names that are free."""
    total = product(sizes)
    if total is not None:
        return total
    return " x ".join(str(size) for size in sizes if isinstance(size, str)) or None


def copies(call: Call, name: str, count: int) -> int:
    """A number of stacked layers, bounded."""
    if count > MAX_COPIES:
        call.fail(f"{name} is {count}, at most {MAX_COPIES} are read", name)
    return count


def all_macs(parts: Mapping[str, Built]) -> Formula | Unknown | None:
    """The sum of what the parts of a composite compute."""
    known: dict[str, Formula] = {}
    for name, part in parts.items():
        if isinstance(part.macs, Unknown):
            return part.macs
        if part.macs is not None:
            known[name] = part.macs
    return combine(known) if known else None


def inner(call: Call, kind: str, inputs: Sequence[Tensor | None], name: str, **arguments: Any) -> Built:
    """Another layer of the vocabulary as a part of this one, its roles under ``name``. Arguments must be valid."""
    entry = entries(call.framework)[kind]
    args = {key: argument.default for key, argument in entry.arguments.items()} | arguments
    return call.nested(Nested(entry, args, frozenset(arguments), None, True), inputs, name)


def composite(outputs: tuple[Tensor | None, ...], parts: Mapping[str, Built], notes: tuple[str, ...] = ()) -> Built:
    """A layer that is the sum of its parts."""
    params = combine({name: part.params for name, part in parts.items() if part.params is not None})
    weights: list[Weight] = [weight for part in parts.values() for weight in part.weights]
    unknown = tuple(reason for part in parts.values() for reason in part.unknown)
    return Built(outputs, params, tuple(weights), all_macs(parts), notes, unknown)


def alike(call: Call, kind: str, attributes: Mapping[str, Any] = NOTHING, dtype: DType | None = None) -> Built:
    """An operator that keeps its input's shape and has no weights."""
    at_most(call, 1)
    return Built((call.step(kind, [flowing(call)], call.shape(), attributes, dtype=dtype),))


def shaped(call: Call, source: Tensor, shape: Sequence[Dim]) -> Tensor:
    """``source`` laid out in another shape with the same elements; the batch stays in front."""
    target = [0, *(size if isinstance(size, int) else -1 for size in shape)]
    return call.step("Reshape", [source], shape, {"shape": target})


def project(call: Call, source: Tensor, weight: Weight, bias: Weight | None, shape: Shape) -> Tensor:
    """``source`` times the transposed weight [out, in], plus bias: Gemm for vectors, else MatMul and Add."""
    weights = {1: weight} | ({2: bias} if bias else {})
    if len(shape) == 1:
        return call.step("Gemm", [source, None, None][: 1 + len(weights)], shape, {"transB": 1}, weights)
    turned = weight._replace(shape=weight.shape[::-1])
    out = call.step("MatMul", [source, None], shape, None, {1: turned})
    return out if bias is None else call.step("Add", [out, None], shape, None, {1: bias})


def resolved(call: Call, wanted: Sequence[Dim], argument: str, old: Shape) -> tuple[Dim, ...]:
    """A target shape with its -1 computed; the elements must be as many as before. Names on both sides cancel."""
    holes = sum(size == -1 for size in wanted)
    if holes > 1:
        call.fail(f"only one size of {show(wanted)} may be -1", argument)
    before, after = (Counter(size for size in sizes if isinstance(size, str)) for sizes in (old, wanted))
    free = list((before - after).elements())
    total, known = (prod(size for size in sizes if isinstance(size, int) and size != -1) for sizes in (old, wanted))
    exact = None not in old and None not in wanted and not after - before
    missing: Dim = None
    if exact and not free:
        if not holes and total != known:
            call.fail(f"{show(wanted)} holds {known} elements, the input {show(old)} has {total}", argument)
        if known == 0 or total % known:
            call.fail(f"{show(wanted)} does not divide the {total} elements of {show(old)}", argument)
        missing = total // known
    elif exact and len(free) == 1 and total == known:
        missing = free[0]
    return tuple(missing if size == -1 else size for size in wanted)
