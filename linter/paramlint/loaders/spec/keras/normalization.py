"""Normalisation layers. Moving statistics are weights that training does not touch: Keras counts them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from paramlint.formulas import formula, normalization
from paramlint.ir import Formula, Tensor, Weight
from paramlint.loaders.spec.arguments import (
    anything,
    flag,
    integer,
    integer_list,
    mapping,
    number,
    one_of,
    optional,
    positive,
    where,
)
from paramlint.loaders.spec.keras.checks import fitted, keras_layer
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import at_most, axis, flowing, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_EPSILON = Argument(number, "Added to the variance.", Fraction(1, 1000))
_CENTER = Argument(flag, "Learn a shift (beta).", True)
_SCALE = Argument(flag, "Learn a scale (gamma).", True)
_AXIS = Argument(integer, "Axis of the channels, counting the batch as 0.", -1)
_AXES = Argument(
    integer_list(minimum=1, single=True), "Axes that are normalised together, counting the batch as 0.", (-1,)
)
_LEARNED = fitted("beta", "gamma")


def places(call: Call, rank: int) -> tuple[int, ...]:
    """Positions in our shape of the axes that ``axis`` names, in order, each once."""
    found = [axis(call, "axis", rank, one) for one in call.args["axis"]]
    if len(set(found)) < len(found):
        call.fail(f"axis {show(call.args['axis'])} names an axis twice", "axis")
    return tuple(sorted(found))


def slots(weights: Sequence[Weight], *roles: str) -> tuple[list[Tensor | None], dict[int, Weight]]:
    """Weights by their place among an operator's inputs; one that the layer has not leaves its place empty."""
    known = {weight.role: weight for weight in weights}
    found = {index: known[role] for index, role in enumerate(roles, 1) if role in known}
    return [None] * max(found, default=0), found


def _learned(call: Call, shape: tuple[int, ...]) -> list[Weight]:
    wanted = {"gamma": call.args["scale"], "beta": call.args["center"]}
    return [call.weight(role, *shape) for role, given in wanted.items() if given]


def _params(weights: Sequence[Weight], several: bool) -> Formula | None:
    """One number per channel, or per element of the axes that are normalised together."""
    if not weights:
        return None
    letter, text = ("A", normalization.ELEMENT_SCALE) if several else ("c", normalization.SCALE)
    symbols = {letter: weights[0].elements}
    return formula({weight.role: text for weight in weights}, symbols, normalization.MEANING)


_STATISTICS: dict[str, Any] = {
    "moving_mean_initializer": Argument(anything, "First means; changes no number.", "zeros"),
    "moving_variance_initializer": Argument(anything, "First variances; changes no number.", "ones"),
    "renorm": Argument(flag, "Batch renormalisation: three more statistics.", False),
    "renorm_clipping": Argument(optional(mapping), "Bounds of its corrections; changes no number.", None),
    "renorm_momentum": Argument(number, "Weight of its old statistics.", Fraction(99, 100)),
    "synchronized": Argument(flag, "Share statistics among devices; changes no number.", False),
    "fused": Argument(optional(flag), "Keras 2: one fused kernel; changes no number.", None),
    "virtual_batch_size": Argument(optional(positive), "Keras 2: normalise in smaller batches.", None),
    "adjustment": Argument(anything, "Keras 2: a function in training; changes no number.", None),
}


@keras_layer("BatchNormalization", "Normalisation over the batch, with moving statistics in use.",
             aliases=("SyncBatchNormalization",),
             axis=Argument(one_of(integer, integer_list(minimum=1)),
                           "Axis of the channels, counting the batch as 0; several in Keras 2.", -1),
             momentum=Argument(number, "Weight of the old statistics.", Fraction(99, 100)),
             epsilon=_EPSILON, center=_CENTER, scale=_SCALE, **_LEARNED, **_STATISTICS)  # fmt: skip
def batch_normalization(call: Call) -> Built:
    """gamma, beta, moving mean and variance for each channel."""
    at_most(call, 1)
    shape, given = call.shape(), call.args["axis"]
    _check_clipping(call)
    axes = given if isinstance(given, tuple) else (given,)
    found = sorted({axis(call, "axis", len(shape), one) for one in axes})
    if len(found) < len(axes):
        call.fail(f"axis {show(axes)} names an axis twice", "axis")
    sizes = [fixed(call, shape[place], shape) for place in found]
    held = tuple(sizes)
    if len(found) > 1:  # Keras 2 keeps the other axes with length 1
        held = tuple(fixed(call, size, shape) if place in found else 1 for place, size in enumerate(shape))
    weights = _learned(call, held)
    names = ["moving_mean", "moving_variance"]
    if call.args["renorm"]:
        names += ["moving_stddev", "renorm_mean", "renorm_stddev"]
    weights += [call.weight(name, *held, trainable=False) for name in names]
    params = _params(weights, len(found) > 1)
    if len(found) > 1:
        return Built((call.output(shape),), params, tuple(weights))
    empty, by_place = slots(weights, "gamma", "beta", "moving_mean", "moving_variance")
    attributes = {"axis": found[0] + 1, "epsilon": float(call.args["epsilon"])}
    made = call.step("BatchNormalization", [flowing(call), *empty], shape, attributes, by_place)
    return Built((made,), params, tuple(weights))


def _check_clipping(call: Call) -> None:
    """The names and the order of the bounds of batch renormalisation."""
    bounds = call.args["renorm_clipping"] if call.args["renorm"] else None
    for name in bounds or {}:
        if name not in ("rmax", "rmin", "dmax"):
            call.fail(f"renorm_clipping has no {name!r}", "renorm_clipping", "it takes rmax, rmin and dmax")


@keras_layer("LayerNormalization", "Normalisation over axes of each sample.", axis=_AXES, epsilon=_EPSILON,
             center=_CENTER, scale=_SCALE, **_LEARNED,
             rms_scaling=Argument(flag, "Old form: scale by the variance, no shift.", False))  # fmt: skip
def layer_normalization(call: Call) -> Built:
    """One scale and one shift for each element of the normalised axes."""
    at_most(call, 1)
    shape = call.shape()
    found = places(call, len(shape))
    rms = call.args["rms_scaling"]
    wanted = {"gamma": call.args["scale"] or rms, "beta": call.args["center"] and not rms}
    held = [fixed(call, shape[place], shape, "normalised axis") for place in found] if any(wanted.values()) else []
    weights = [call.weight(role, *held) for role, given in wanted.items() if given]
    params = _params(weights, True)
    if rms or found != tuple(range(found[0], len(shape))):  # ONNX normalises trailing axes
        return Built((call.output(shape),), params, tuple(weights))
    empty, by_place = slots(weights, "gamma", "beta")
    attributes = {"axis": found[0] + 1, "epsilon": float(call.args["epsilon"])}
    made = call.step("LayerNormalization", [flowing(call), *empty], shape, attributes, by_place)
    return Built((made,), params, tuple(weights))


@keras_layer("RMSNormalization", "Division by the root mean square of axes of each sample.", axis=_AXES,
             epsilon=Argument(number, "Added to the mean square.", Fraction(1, 10**6)))  # fmt: skip
def rms_normalization(call: Call) -> Built:
    """One scale for each element of the normalised axes, no shift."""
    at_most(call, 1)
    shape = call.shape()
    found = places(call, len(shape))
    weight = call.weight("scale", *[fixed(call, shape[place], shape, "normalised axis") for place in found])
    params = _params([weight], True)
    if found != tuple(range(found[0], len(shape))):
        return Built((call.output(shape),), params, (weight,))
    attributes = {"axis": found[0] + 1, "epsilon": float(call.args["epsilon"])}
    made = call.step("RMSNormalization", [flowing(call), None], shape, attributes, {1: weight})
    return Built((made,), params, (weight,))


_GROUPS = where(integer, lambda value: value == -1 or value > 0, "a positive integer, or -1 for one group per channel")


@keras_layer("GroupNormalization", "Normalisation over groups of channels.",
             groups=Argument(_GROUPS, "Groups; divides the channels, -1 makes one of each.", 32), axis=_AXIS,
             epsilon=_EPSILON, center=_CENTER, scale=_SCALE, **_LEARNED)  # fmt: skip
def group_normalization(call: Call) -> Built:
    """One scale and one shift per channel."""
    at_most(call, 1)
    shape = call.shape()
    place = axis(call, "axis", len(shape))
    channels = fixed(call, shape[place], shape)
    groups = channels if call.args["groups"] == -1 else call.args["groups"]
    if channels % groups:
        hint = None if "groups" in call.written else "groups is 32 by default"
        call.fail(f"groups {groups} does not divide the {channels} channels of {show(shape)}", "groups", hint)
    weights = _learned(call, (channels,))
    empty, by_place = slots(weights, "gamma", "beta")
    attributes = {"num_groups": groups, "axis": place + 1, "epsilon": float(call.args["epsilon"])}
    made = call.step("GroupNormalization", [flowing(call), *empty], shape, attributes, by_place)
    return Built((made,), _params(weights, False), tuple(weights))


@keras_layer("UnitNormalization", "Scales to length 1 along axes.", axis=_AXES)
def unit_normalization(call: Call) -> Built:
    """No weights."""
    at_most(call, 1)
    shape = call.shape()
    found = places(call, len(shape))
    if len(found) != 1:
        return Built((call.output(shape),))
    return Built((call.step("LpNormalization", [flowing(call)], shape, {"axis": found[0] + 1, "p": 2}),))
