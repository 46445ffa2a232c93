"""Activations as layers: none changes a shape but ``glu``; only ``PReLU`` has weights."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from paramlint.formulas import formula, normalization
from paramlint.ir import Dim
from paramlint.loaders.spec.arguments import integer_list, non_negative_number, number, optional
from paramlint.loaders.spec.keras.checks import activate, activation, fitted, keras_layer
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import alike, at_most, axis, flowing, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


@keras_layer("Activation", "Applies a function, element by element or along the last axis.",
             activation=Argument(activation, "The function; null is none."))  # fmt: skip
def activation_layer(call: Call) -> Built:
    """The input, then what stands as activation."""
    at_most(call, 1)
    call.shape()
    return activate(call, Built((flowing(call),)))


@keras_layer("ReLU", "Negative values become 0.",
             max_value=Argument(optional(non_negative_number), "Upper bound of the output.", None),
             negative_slope=Argument(non_negative_number, "Slope below the threshold.", 0),
             threshold=Argument(non_negative_number, "Where the slope begins.", 0))  # fmt: skip
def relu(call: Call) -> Built:
    """One operator for the plain, the bounded and the leaky form."""
    top, slope, threshold = (call.args[name] for name in ("max_value", "negative_slope", "threshold"))
    if threshold or (slope and top is not None):
        at_most(call, 1)
        return Built((call.output(call.shape()),))
    if slope:
        return alike(call, "LeakyRelu", {"alpha": float(slope)})
    if top is not None:
        return alike(call, "Clip", {"min": 0.0, "max": float(top)})
    return alike(call, "Relu")


@keras_layer("LeakyReLU", "ReLU with a small slope below 0.",
             negative_slope=Argument(non_negative_number, "Slope below 0.", Fraction(3, 10)),
             alpha=Argument(non_negative_number, "Old name of negative_slope.", None))  # fmt: skip
def leaky_relu(call: Call) -> Built:
    """The old name wins where it is written, as in Keras."""
    slope = call.args["negative_slope"] if call.args["alpha"] is None else call.args["alpha"]
    return alike(call, "LeakyRelu", {"alpha": float(slope)})


@keras_layer("ELU", "Exponential linear unit.", alpha=Argument(number, "Scale of the negative part.", 1))
def elu(call: Call) -> Built:
    """One operator."""
    return alike(call, "Elu", {"alpha": float(call.args["alpha"])})


@keras_layer("ThresholdedReLU", "Values not above a threshold become 0.", keras2=True,
             theta=Argument(non_negative_number, "The threshold.", 1))  # fmt: skip
def thresholded_relu(call: Call) -> Built:
    """Passes what is above the threshold."""
    return alike(call, "ThresholdedRelu", {"alpha": float(call.args["theta"])})


@keras_layer("Softmax", "Positive values that sum to 1 along axes.",
             axis=Argument(integer_list(minimum=1, single=True), "Axes, counting the batch as 0.", (-1,)))  # fmt: skip
def softmax(call: Call) -> Built:
    """Over several axes at once there is no operator."""
    at_most(call, 1)
    shape = call.shape()
    found = [axis(call, "axis", len(shape), one) for one in call.args["axis"]]
    if len(set(found)) < len(found):
        call.fail(f"axis {show(call.args['axis'])} names an axis twice", "axis")
    if len(found) > 1:
        return Built((call.output(shape),))
    return Built((call.step("Softmax", [flowing(call)], shape, {"axis": found[0] + 1}),))


@keras_layer("PReLU", "Leaky ReLU with a learned slope for every element, or shared along axes.",
             **fitted("alpha"),
             shared_axes=Argument(optional(integer_list(single=True)),
                                  "Axes along which one slope holds; the first is 1.", None))  # fmt: skip
def prelu(call: Call) -> Built:
    """Slopes of the input's shape, 1 long where they are shared."""
    at_most(call, 1)
    shape = call.shape()
    slopes = list(shape)
    for number_of in call.args["shared_axes"] or ():
        if not -len(shape) < number_of <= len(shape):
            call.fail(f"shared_axes {number_of} is outside the {len(shape)} axes of {show(shape)}", "shared_axes")
        slopes[number_of - 1] = 1
    weight = call.weight("alpha", *_fixed(call, slopes))
    params = formula({"alpha": normalization.ELEMENT_SCALE}, {"A": weight.elements}, {"A": "slopes"})
    return Built((call.step("PRelu", [flowing(call), None], shape, None, {1: weight}),), params, (weight,))


def _fixed(call: Call, slopes: Sequence[Dim]) -> tuple[int, ...]:
    hint = "share the slopes along it: shared_axes"
    for size in slopes:
        if not isinstance(size, int):
            call.fail(f"PReLU has a slope for every element of {show(call.shape())}, whose size is free", None, hint)
    return tuple(fixed(call, size, call.shape(), "elements") for size in slopes)
