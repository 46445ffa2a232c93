"""Einsum with a stored kernel: a dense layer along the last axes."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed
from paramlint.deploy.lowering import Lowering, Unconverted, sizes
from paramlint.deploy.operators import converts
from paramlint.deploy.operators.dense import connected
from paramlint.ir import Dim, Shape

_OTHER = "an Einsum that is no dense layer along the last axes"


@converts("Einsum")
def einsum(low: Lowering) -> None:
    """The axes that are summed are the last of the input and the first of the kernel, or the other way round."""
    kernel = low.operand(1)
    terms = "".join(str(low.get("equation", "")).split()).replace("...", "").replace("->", ",").split(",")
    if len(terms) != 3 or not isinstance(kernel, Fixed):
        raise Unconverted(_OTHER)
    entered, held, made = terms
    summed = "".join(letter for letter in held if letter in entered and letter not in made)
    kept = "".join(letter for letter in held if letter not in summed)
    if not summed or held not in (summed + kept, kept + summed):
        raise Unconverted(_OTHER)
    if not entered.endswith(summed) or not made.endswith(kept):
        raise Unconverted(_OTHER)
    value, after = low.plain(low.flow()), low.out()
    lead = (value.shape or ())[: value.rank - len(summed)]
    if after[: len(after) - len(kept)] != lead or set(entered[: -len(summed)]) & set(kept):
        raise Unconverted(_OTHER)
    width = _product([size for letter, size in zip(held, kernel.shape, strict=True) if letter in summed])
    weight = Fixed((kernel.elements // max(width, 1), width), kernel.dtype, kernel.storage, kernel.learned)
    if len(summed) > 1:
        value = low.emit("RESHAPE", [value, sizes((*lead, width))], (*lead, width))
    flat: Shape = (*lead, weight.shape[0])
    result = connected(low, value, weight, flat, len(flat) > 2)
    if flat != after:
        result = low.emit("RESHAPE", [result, sizes(after)], after)
    low.result(result, layout.identity(len(after)))


def _product(numbers: list[Dim]) -> int:
    total = 1
    for number in numbers:
        total *= number if isinstance(number, int) else 1
    return total
