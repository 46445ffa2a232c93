"""Keras's ``Dot``: two inputs multiplied along one axis of each, sample by sample."""

from __future__ import annotations

from paramlint.formulas import macs, merging
from paramlint.ir import Dim, Shape, Tensor
from paramlint.loaders.spec.arguments import flag, integer, integers, one_of
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.layer_checks import axis, flowing, product, shaped, show, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


def _places(call: Call, shapes: tuple[Shape, Shape]) -> tuple[int, int]:
    """Which axis of each input is multiplied."""
    wanted = call.args["axes"]
    if isinstance(wanted, tuple):
        pair = wanted
    else:  # a negative one counts from each input's end, round and round
        pair = tuple([wanted % (len(shape) + 1) if wanted < 0 else wanted for shape in shapes])
    first, second = (axis(call, "axes", len(shape), value) for shape, value in zip(shapes, pair, strict=True))
    left, right = shapes[0][first], shapes[1][second]
    if left != right and (isinstance(left, int) or isinstance(right, int)):
        shown = f"{show(shapes[0])} and {show(shapes[1])}"
        call.fail(f"axis {first + 1} and axis {second + 1} of the inputs {shown} differ in length", "axes")
    return first, second


@keras_layer("Dot", "Product of two inputs along one axis of each.",
             axes=Argument(one_of(integer, integers(2, None)), "The axis, or one for each input; the batch is 0."),
             normalize=Argument(flag, "Divide by the length first, so that it is the cosine.", False))  # fmt: skip
def dot(call: Call) -> Built:
    """The other axes of the first input, then those of the second; two vectors give one number."""
    if len(call.inputs) != 2:
        call.fail(f"Dot takes exactly two inputs, {len(call.inputs)} given", "inputs", "write inputs: [a, b]")
    shapes = call.shape(0), call.shape(1)
    if not shapes[0] or not shapes[1]:
        call.fail(f"Dot needs axes beside the batch, got {show(shapes[0])} and {show(shapes[1])}", "inputs")
    first, second = _places(call, shapes)
    left = (*shapes[0][:first], *shapes[0][first + 1 :])
    right = (*shapes[1][:second], *shapes[1][second + 1 :])
    out = (*left, *right) or (1,)
    common = shapes[0][first]
    symbols: dict[str, Dim] = {"m": symbol(left), "d": common, "n": symbol(right)}
    work = macs(merging.DOT_MACS, symbols, merging.MEANING)
    if call.args["normalize"]:
        return Built((call.output(out),), macs=work)
    rows = _matrix(call, flowing(call, 0), first, left, common, last=True)
    columns = _matrix(call, flowing(call, 1), second, right, common, last=False)
    flat = (product(left), product(right))
    made = call.step("MatMul", [rows, columns], flat)
    return Built((made if flat == out else shaped(call, made, out),), macs=work)


def _matrix(call: Call, source: Tensor, place: int, rest: Shape, common: Dim, last: bool) -> Tensor:
    """An input as a matrix whose multiplied axis stands last or first."""
    rank = len(rest) + 1
    others = [index + 1 for index in range(rank) if index != place]
    order = (0, *others, place + 1) if last else (0, place + 1, *others)
    if order != tuple(range(rank + 1)):
        turned = (*rest, common) if last else (common, *rest)
        source = call.step("Transpose", [source], turned, {"perm": order})
    if len(rest) == 1:
        return source
    size = product(rest)
    return shaped(call, source, (size, common) if last else (common, size))
