"""Keras's layers that merge several inputs element by element or along an axis; ``Dot`` stands in ``dot``."""

from __future__ import annotations

from functools import partial

from paramlint.ir import Dim, Shape, Tensor
from paramlint.loaders.spec.arguments import integer
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.layer_checks import axis, flowing, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


def _together(one: Dim, other: Dim) -> Dim:
    """The size of a broadcast axis as Keras infers it: a free size leaves the result free unless both have one name."""
    if one == other or other == 1:
        return one
    return other if one == 1 else None


def broadcast(call: Call, first: Shape, second: Shape, argument: str = "inputs") -> Shape:
    """The shape of two tensors merged element by element; the shorter one meets the last axes of the other."""
    if len(first) < len(second):
        first, second = second, first
    kept = len(first) - len(second)
    pairs = list(zip(first[kept:], second, strict=True))
    for one, other in pairs:
        if isinstance(one, int) and isinstance(other, int) and one != other and 1 not in (one, other):
            why = f"{one} and {other} differ and neither is 1"
            call.fail(f"{show(first)} and {show(second)} cannot be merged: {why}", argument)
    return (*first[:kept], *[_together(one, other) for one, other in pairs])


def _aligned(call: Call, source: Tensor, rank: int) -> Tensor:
    """An input of fewer axes, with axes of length 1 put in behind the batch."""
    shape = source.shape or ()
    missing = rank - len(shape)
    if not missing:
        return source
    axes = tuple(range(1, missing + 1))
    return call.step("Unsqueeze", [source], (*(1,) * missing, *shape), {"axes": axes})


def inputs_of(call: Call) -> list[Shape]:
    """The shapes of all inputs, of which there is at least one."""
    if not call.inputs:
        call.fail(f"{call.type} needs inputs to merge", "inputs", "write inputs: [a, b]")
    return [call.shape(index) for index in range(len(call.inputs))]


def _elementwise(call: Call, kind: str) -> Built:
    """A chain of binary operators; one input alone passes through."""
    shapes = inputs_of(call)
    if kind == "Sub" and len(shapes) != 2:
        call.fail(f"Subtract takes exactly two inputs, {len(shapes)} given", "inputs", "write inputs: [a, b]")
    rank = max(len(shape) for shape in shapes)
    merged, out = flowing(call), shapes[0]
    for index in range(1, len(shapes)):
        out = broadcast(call, out, shapes[index])
        sides = [_aligned(call, merged, rank), _aligned(call, flowing(call, index), rank)]
        merged = call.step("Add" if kind == "Mean" else kind, sides, (*(1,) * (rank - len(out)), *out))
    if len(shapes) == 1:
        return Built((call.step("Identity", [merged], out),))
    if kind == "Mean":
        merged = call.step("Mul", [merged], out, {"other": 1 / len(shapes)})
    return Built((merged,))


for _name, _kind, _doc in (
    ("Add", "Add", "Sum of all inputs, element by element."),
    ("Subtract", "Sub", "First input minus the second, element by element."),
    ("Multiply", "Mul", "Product of all inputs, element by element."),
    ("Average", "Mean", "Mean of all inputs, element by element."),
    ("Maximum", "Max", "Largest of all inputs, element by element."),
    ("Minimum", "Min", "Smallest of all inputs, element by element."),
):
    keras_layer(_name, _doc)(partial(_elementwise, kind=_kind))


@keras_layer("Concatenate", "Joins inputs along an axis.", axis=Argument(integer, "Axis, counting the batch as 0.", -1))
def concatenate(call: Call) -> Built:
    """All other axes are equal; where one input leaves one free, it is the first input's."""
    shapes = inputs_of(call)
    shown = " and ".join(show(shape) for shape in shapes)
    if any(len(shape) != len(shapes[0]) for shape in shapes):
        call.fail(f"the inputs {shown} differ in their number of axes", "inputs")
    place = axis(call, "axis", len(shapes[0]))
    for index, column in enumerate(zip(*shapes, strict=True)):
        if index != place and len({size for size in column if isinstance(size, int)}) > 1:
            call.fail(f"the inputs {shown} differ in axis {index + 1}, along which they are not joined", "inputs")
    widths = [shape[place] for shape in shapes]
    known = [width for width in widths if isinstance(width, int)]
    joined: Dim = sum(known) if len(known) == len(widths) else widths[0] if len(widths) == 1 else None
    out = (*shapes[0][:place], joined, *shapes[0][place + 1 :])
    sources = [flowing(call, index) for index in range(len(shapes))]
    return Built((call.step("Concat", sources, out, {"axis": place + 1}),))
