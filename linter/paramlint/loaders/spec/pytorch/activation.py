"""Activations, dropout and softmax: none changes a shape (GLU halves one axis); only PReLU has weights."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from paramlint.formulas import formula, normalization
from paramlint.loaders.spec.arguments import (
    choice,
    integer,
    non_negative_number,
    number,
    optional,
    positive,
    probability,
    where,
)
from paramlint.loaders.spec.layer_checks import alike, at_most, axis, flowing, ranked, show
from paramlint.loaders.spec.pytorch.checks import DEVICE, INPLACE
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_Maker = Callable[[Call], Built]


def _simple(kind: str, **attributes: str) -> _Maker:
    """One ONNX operator; ``attributes`` maps the operator's attribute to the layer's argument."""

    def build(call: Call) -> Built:
        return alike(call, kind, {name: _plain(call.args[argument]) for name, argument in attributes.items()})

    return build


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Fraction) else value


def _opaque(call: Call) -> Built:
    """An activation that ONNX has no operator for: exporters write several."""
    at_most(call, 1)
    return Built((call.output(call.shape()),))


def _number(doc: str, default: Any) -> Argument:
    return Argument(number, doc, default)


_ALPHA = _number("Scale of the negative part.", 1)
_THIRD = Fraction(1, 3)

layer(PYTORCH, "ReLU", "Negative values become 0.", inplace=INPLACE)(_simple("Relu"))
layer(PYTORCH, "Sigmoid", "Logistic function.")(_simple("Sigmoid"))
layer(PYTORCH, "Tanh", "Hyperbolic tangent.")(_simple("Tanh"))
layer(PYTORCH, "Softsign", "x / (1 + |x|).")(_simple("Softsign"))
layer(PYTORCH, "SELU", "Self-normalising exponential linear unit.", inplace=INPLACE)(_simple("Selu"))
layer(PYTORCH, "ELU", "Exponential linear unit.", alpha=_ALPHA, inplace=INPLACE)(_simple("Elu", alpha="alpha"))
layer(PYTORCH, "CELU", "ELU whose slope is continuous for every alpha.",
      alpha=Argument(where(number, bool, "a number other than 0"), "Scale of the negative part.", 1),
      inplace=INPLACE)(_simple("Celu", alpha="alpha"))  # fmt: skip
layer(PYTORCH, "LeakyReLU", "ReLU with a small slope below 0.",
      negative_slope=_number("Slope below 0.", Fraction(1, 100)),
      inplace=INPLACE)(_simple("LeakyRelu", alpha="negative_slope"))  # fmt: skip
layer(PYTORCH, "Hardshrink", "Values within lambd of 0 become 0.",
      lambd=_number("Half width of the zero band.", Fraction(1, 2)))(_simple("Shrink", lambd="lambd"))  # fmt: skip
layer(PYTORCH, "Softshrink", "Values move lambd towards 0.",
      lambd=Argument(non_negative_number, "Distance.", Fraction(1, 2)),
      )(_simple("Shrink", lambd="lambd", bias="lambd"))  # fmt: skip
layer(PYTORCH, "Hardswish", "Piecewise form of Swish.", inplace=INPLACE)(_simple("HardSwish"))
layer(PYTORCH, "Mish", "x times tanh of its softplus.", inplace=INPLACE)(_simple("Mish"))
layer(PYTORCH, "GELU", "Gaussian error linear unit.",
      approximate=Argument(choice("none", "tanh"), "Exact, or by tanh.", "none"),
      )(_simple("Gelu", approximate="approximate"))  # fmt: skip
layer(PYTORCH, "LogSigmoid", "Logarithm of the logistic function.")(_opaque)
layer(PYTORCH, "Tanhshrink", "x minus its hyperbolic tangent.")(_opaque)


def _rrelu(call: Call) -> Built:
    """Bounds in order."""
    if call.args["lower"] > call.args["upper"]:
        call.fail("lower must not exceed upper", "lower" if "lower" in call.written else "upper")
    return _opaque(call)


layer(PYTORCH, "RReLU", "Leaky ReLU with a slope drawn in training, its mean in use.",
      lower=_number("Smallest slope.", Fraction(1, 8)), upper=_number("Largest slope.", _THIRD),
      inplace=INPLACE)(_rrelu)  # fmt: skip
layer(PYTORCH, "Threshold", "Values not above threshold become value.",
      threshold=Argument(number, "Values not above it are replaced."), value=Argument(number, "The replacement."),
      inplace=INPLACE)(_opaque)  # fmt: skip
layer(PYTORCH, "Softplus", "Smooth ReLU.", beta=_number("Sharpness.", 1),
      threshold=_number("Above it the function is linear.", 20))(_opaque)  # fmt: skip


@layer(PYTORCH, "Hardsigmoid", "Piecewise linear logistic function.", inplace=INPLACE)
def hardsigmoid(call: Call) -> Built:
    """min(1, max(0, x / 6 + 1 / 2))."""
    return alike(call, "HardSigmoid", {"alpha": 1 / 6, "beta": 0.5})


@layer(PYTORCH, "ReLU6", "ReLU cut off at 6.", inplace=INPLACE)
def relu6(call: Call) -> Built:
    """Clip to [0, 6]."""
    return alike(call, "Clip", {"min": 0.0, "max": 6.0})


@layer(PYTORCH, "SiLU", "x times its logistic function (Swish).", inplace=INPLACE)
def silu(call: Call) -> Built:
    """Two operators, as exporters write them."""
    at_most(call, 1)
    source, shape = flowing(call), call.shape()
    return Built((call.step("Mul", [source, call.step("Sigmoid", [source], shape)], shape),))


@layer(PYTORCH, "Hardtanh", "Clips values to an interval.",
       min_val=_number("Lower end.", -1), max_val=_number("Upper end.", 1), inplace=INPLACE,
       min_value=Argument(optional(number), "Old name of min_val.", None),
       max_value=Argument(optional(number), "Old name of max_val.", None))  # fmt: skip
def hardtanh(call: Call) -> Built:
    """Clip; the old names win where written, as in PyTorch."""
    low, high = (
        call.args[new] if call.args[old] is None else call.args[old]
        for new, old in (("min_val", "min_value"), ("max_val", "max_value"))
    )
    if low >= high:
        call.fail("min_val must be below max_val", "max_val" if "max_val" in call.written else "min_val")
    return alike(call, "Clip", {"min": float(low), "max": float(high)})


@layer(PYTORCH, "PReLU", "Leaky ReLU with learned slopes.",
       num_parameters=Argument(positive, "One slope for all (1), or one per channel.", 1),
       init=_number("Initial slope.", Fraction(1, 4)), device=DEVICE)  # fmt: skip
def prelu(call: Call) -> Built:
    """Slopes [num_parameters]; channels are axis 1 of PyTorch."""
    shape, count = call.shape(), call.args["num_parameters"]
    channels = shape[0] if shape else 1
    if count != 1 and isinstance(channels, int) and channels != count:
        call.fail(f"num_parameters is {count}, the input {show(shape)} has {channels} channels", "num_parameters")
    weight = call.weight("weight", count)
    params = formula({"weight": normalization.SCALE}, {"c": count}, {"c": "learned slopes"})
    out = call.step("PRelu", [flowing(call), None], shape, None, {1: weight})
    return Built((out,), params, (weight,))


def _dropout(ranks: tuple[int, ...] | None) -> _Maker:
    def build(call: Call) -> Built:
        if ranks is not None:
            ranked(call, ranks)
        return alike(call, "Dropout")

    return build


_P = Argument(probability, "Share of elements that training drops.", Fraction(1, 2))
for _name, _doc, _ranks in (
    ("Dropout", "Drops elements in training; passes on in use.", None),
    ("AlphaDropout", "Dropout that keeps mean and variance.", None),
    ("FeatureAlphaDropout", "Alpha dropout of whole channels.", None),
    ("Dropout1d", "Drops whole channels of sequences in training.", (1, 2)),
    ("Dropout2d", "Drops whole channels of images in training.", None),
    ("Dropout3d", "Drops whole channels of volumes in training.", None),
):
    layer(PYTORCH, _name, _doc, p=_P, inplace=INPLACE)(_dropout(_ranks))

_DIM = Argument(optional(integer), "Axis that sums to 1, counting the batch as 0.", None)


def _softmax(kind: str, opaque: bool = False) -> _Maker:
    """Softmax along ``dim``; without it PyTorch takes axis 1 (0 for inputs of 1 or 3 axes, which is the batch)."""

    def build(call: Call) -> Built:
        at_most(call, 1)
        shape = call.shape()
        dim = call.args["dim"]
        if dim is None:
            dim = 0 if len(shape) in (0, 2) else 1
            if dim == 0:
                call.fail(f"without dim, {call.type} of {show(shape)} runs over the batch", None, "write dim: -1")
        place = axis(call, "dim", len(shape), dim)
        if opaque:
            return Built((call.output(shape),))
        return Built((call.step(kind, [flowing(call)], shape, {"axis": place + 1}),))

    return build


layer(PYTORCH, "Softmax", "Positive values that sum to 1 along an axis.", dim=_DIM)(_softmax("Softmax"))
layer(PYTORCH, "LogSoftmax", "Logarithm of the softmax.", dim=_DIM)(_softmax("LogSoftmax"))
layer(PYTORCH, "Softmin", "Softmax of the negated input.", dim=_DIM)(_softmax("Softmax", opaque=True))


@layer(PYTORCH, "Softmax2d", "Softmax over the channels of an image.")
def softmax2d(call: Call) -> Built:
    """Channels are axis 1."""
    shape = ranked(call, [3])
    return Built((call.step("Softmax", [flowing(call)], shape, {"axis": 1}),))


@layer(PYTORCH, "GLU", "First half of an axis, gated by the logistic function of the second.",
       dim=Argument(integer, "Axis that is halved, counting the batch as 0.", -1))  # fmt: skip
def glu(call: Call) -> Built:
    """The axis must be even."""
    at_most(call, 1)
    shape = call.shape()
    place = axis(call, "dim", len(shape))
    size = shape[place]
    if isinstance(size, int) and size % 2:
        call.fail(f"GLU halves axis {place + 1}, which has the odd size {size} in {show(shape)}", "dim")
    half = size // 2 if isinstance(size, int) else None
    return Built((call.output((*shape[:place], half, *shape[place + 1 :])),))
