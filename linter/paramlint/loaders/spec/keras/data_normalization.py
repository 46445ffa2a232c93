"""``Normalization``: a mean and a deviation that are read from data before training, or written."""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from paramlint.formulas import formula, normalization
from paramlint.ir import DType
from paramlint.loaders.spec.arguments import anything, flag, integer_list, optional
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.keras.normalization import places
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import at_most, flowing, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


@keras_layer("Normalization", "Subtracts a mean and divides by a deviation, both read from data beforehand.",
             axis=Argument(optional(integer_list(single=True)),
                           "Axes with statistics of their own, counting the batch as 0; null for none.", (-1,)),
             mean=Argument(anything, "The mean, where it is given instead of read.", None),
             variance=Argument(anything, "The variance, where it is given instead of read.", None),
             invert=Argument(flag, "The way back: multiply, then add.", False))  # fmt: skip
def data_normalization(call: Call) -> Built:
    """Mean, variance and a counter, none of them trained; no weights where both are given."""
    at_most(call, 1)
    shape = call.shape()
    found = () if call.args["axis"] is None else places(call, len(shape))
    sizes = tuple(fixed(call, shape[place], shape, "axis with statistics") for place in found)
    source, (first, second) = flowing(call), ("Mul", "Add") if call.args["invert"] else ("Sub", "Div")
    if _given(call, sizes):
        mean, deviation = _constant(call.args["mean"]), _constant(call.args["variance"], 0.5)
        order = (deviation, mean) if call.args["invert"] else (mean, deviation)
        between = call.step(first, [source], shape, {"other": order[0]})
        return Built((call.step(second, [between], shape, {"other": order[1]}),))
    weights = [call.weight(name, *sizes, trainable=False) for name in ("mean", "variance")]
    weights.append(call.weight("count", trainable=False)._replace(dtype=DType.INT32))
    sized = dict(zip(found, sizes, strict=True))
    aligned = tuple(sized.get(place, 1) for place in range(len(shape)))
    spread = [one._replace(shape=aligned) for one in weights[:2]]
    if call.args["invert"]:
        spread.reverse()
    between = call.step(first, [source, None], shape, None, {1: spread[0]})
    made = call.step(second, [between, None], shape, None, {1: spread[1]})
    terms = {"mean": normalization.ELEMENT_STATISTIC, "variance": normalization.ELEMENT_STATISTIC, "count": "1"}
    return Built((made,), formula(terms, {"A": prod(sizes)}, normalization.MEANING), tuple(weights))


def _given(call: Call, sizes: tuple[int, ...]) -> bool:
    """True where mean and variance are written; their shapes must be equal and fit the axes."""
    mean, variance = call.args["mean"], call.args["variance"]
    if (mean is None) != (variance is None):
        call.fail("mean and variance are given together or not at all", "mean" if variance is None else "variance")
    if mean is None:
        return False
    shape = _shape_of(call, "mean", mean)
    if shape != _shape_of(call, "variance", variance):
        call.fail("mean and variance must have the same shape", "variance")
    tail = sizes[len(sizes) - len(shape) :] if len(shape) <= len(sizes) else None
    if tail is None or any(one not in (1, size) for one, size in zip(shape, tail, strict=True)):
        call.fail(f"mean has the shape {show(shape)}, the axes with statistics are {show(sizes)} long", "mean")
    return True


def _constant(value: Any, power: float = 1.0) -> Any:
    """A number or nested list of numbers as an operator's attribute states it."""
    if isinstance(value, tuple):
        return tuple(_constant(item, power) for item in value)
    return float(max(value, 0)) ** power if power != 1.0 else float(value)


def _shape_of(call: Call, name: str, value: Any) -> tuple[int, ...]:
    """The shape of a nested list of numbers."""
    if isinstance(value, tuple):
        inner = {_shape_of(call, name, item) for item in value}
        if len(inner) != 1:
            call.fail(f"{name} must be a number or a list of numbers", name)
        return (len(value), *inner.pop())
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        call.fail(f"{name} must be a number or a list of numbers", name)
    return ()
