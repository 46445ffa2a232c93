"""Normalisation layers. Running statistics are buffers: PyTorch does not count them as parameters."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import prod
from typing import Any

from paramlint.formulas import formula, normalization
from paramlint.ir import DType, Formula, Tensor, Weight
from paramlint.loaders.spec.arguments import anything, flag, integer_list, number, optional, positive
from paramlint.loaders.spec.layer_checks import alike, at_most, flowing, ranked, show, trailing, width
from paramlint.loaders.spec.pytorch.checks import DEVICE, inferred
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_EPS = Argument(number, "Added to the variance.", Fraction(1, 100_000))
_AFFINE_BIAS = Argument(flag, "With the scale, learn a shift too.", True)
_FEATURES = Argument(inferred, "Channels of the input; inferred when left out.", None)


def _batch_arguments(affine: bool, tracked: bool) -> dict[str, Any]:
    return {
        "eps": _EPS,
        "momentum": Argument(optional(number), "Weight of new statistics; null averages all.", Fraction(1, 10)),
        "affine": Argument(flag, "Learn a scale and a shift per channel.", affine),
        "track_running_stats": Argument(flag, "Hold running mean and variance as buffers.", tracked),
        "device": DEVICE,
        "bias": _AFFINE_BIAS,
    }


def _scale(call: Call, affine: bool, count: int) -> tuple[list[Weight], Formula | None]:
    """Scale and shift per channel where they are learned."""
    if not affine:
        return [], None
    weights, terms = [call.weight("weight", count)], {"weight": normalization.SCALE}
    if call.args.get("bias", True):
        weights.append(call.weight("bias", count))
        terms["bias"] = normalization.SHIFT
    return weights, formula(terms, {"c": count}, normalization.MEANING)


def _statistics(call: Call, count: int) -> list[Weight]:
    if not call.args["track_running_stats"]:
        return []
    return [
        call.weight("running_mean", count, trainable=False, buffer=True),
        call.weight("running_var", count, trainable=False, buffer=True),
        call.weight("num_batches_tracked", trainable=False, buffer=True)._replace(dtype=DType.INT64),
    ]


def _by_role(weights: list[Weight], *roles: str) -> dict[int, Weight]:
    known = {weight.role: weight for weight in weights}
    return {index: known[role] for index, role in enumerate(roles, 1) if role in known}


def _normalised(call: Call, kind: str, weights: list[Weight], roles: tuple[str, ...], **more: Any) -> Tensor:
    """The operator with the operands that are there; the places of the others stay empty."""
    slots = _by_role(weights, *roles)
    attributes = {"epsilon": float(call.args["eps"]), **more}
    return call.step(kind, [flowing(call), *[None] * max(slots, default=0)], call.shape(), attributes, slots)


_LEARNED = ("weight", "bias")
_BATCH = (*_LEARNED, "running_mean", "running_var")


def _batch(call: Call, ranks: tuple[int, ...] | range) -> Built:
    at_most(call, 1)
    shape = ranked(call, ranks)
    count = width(call, "num_features", shape[0], shape)
    learned, params = _scale(call, call.args["affine"], count)
    weights = learned + _statistics(call, count)
    if not call.args["track_running_stats"]:  # statistics of the batch itself, which no converter folds
        if call.args["eps"] <= 0:
            call.fail("eps must be above 0 where statistics are the batch's own", "eps")
        return Built((call.output(shape),), params, tuple(weights))
    return Built((_normalised(call, "BatchNormalization", weights, _BATCH),), params, tuple(weights))


def _instance(call: Call, rank: int) -> Built:
    at_most(call, 1)
    shape = ranked(call, [rank + 1])
    count = width(call, "num_features", shape[0], shape)
    tracked = call.args["track_running_stats"]
    if not tracked and all(size == 1 for size in shape[1:]):
        call.fail(f"{call.type} needs more than one position per channel, got {show(shape)}")
    learned, params = _scale(call, call.args["affine"], count)
    weights = learned + _statistics(call, count)
    # with running statistics it does what batch normalisation does
    kind, roles = ("BatchNormalization", _BATCH) if tracked else ("InstanceNormalization", _LEARNED)
    return Built((_normalised(call, kind, weights, roles),), params, tuple(weights))


def _register(name: str, doc: str, build: Callable[[Call], Built], affine: bool, tracked: bool) -> None:
    more: dict[str, Any] = (
        {"process_group": Argument(anything, "Who shares statistics.", None)} if name == "SyncBatchNorm" else {}
    )
    arguments = _batch_arguments(affine, tracked) | more
    layer(PYTORCH, name, doc, num_features=_FEATURES, **arguments)(build)
    if name != "SyncBatchNorm":
        # PyTorch's lazy instance norm has the batch norm's defaults, whatever the eager one has
        layer(PYTORCH, f"Lazy{name}", f"{doc[:-1]}, channels always inferred.", **_batch_arguments(True, True))(build)


_register("BatchNorm1d", "Batch normalisation of vectors or sequences.", lambda call: _batch(call, (1, 2)), True, True)
_register("BatchNorm2d", "Batch normalisation of images.", lambda call: _batch(call, (3,)), True, True)
_register("BatchNorm3d", "Batch normalisation of volumes.", lambda call: _batch(call, (4,)), True, True)
_register("SyncBatchNorm", "Batch normalisation across processes.", lambda call: _batch(call, range(1, 9)), True, True)
_register("InstanceNorm1d", "Instance normalisation of sequences.", lambda call: _instance(call, 1), False, False)
_register("InstanceNorm2d", "Instance normalisation of images.", lambda call: _instance(call, 2), False, False)
_register("InstanceNorm3d", "Instance normalisation of volumes.", lambda call: _instance(call, 3), False, False)


@layer(PYTORCH, "GroupNorm", "Normalisation over groups of channels.",
       num_groups=Argument(positive, "Groups; divides the channels."), num_channels=_FEATURES, eps=_EPS,
       affine=Argument(flag, "Learn a scale and a shift per channel.", True), device=DEVICE,
       bias=_AFFINE_BIAS)  # fmt: skip
def group_norm(call: Call) -> Built:
    """Weight and bias [channels]."""
    at_most(call, 1)
    shape, groups = call.shape(), call.args["num_groups"]
    if not shape:
        call.fail("GroupNorm needs an input with a channel axis, got []")
    count = width(call, "num_channels", shape[0], shape)
    if count % groups:
        call.fail(f"num_groups {groups} does not divide the {count} channels of {show(shape)}", "num_groups")
    weights, params = _scale(call, call.args["affine"], count)
    made = _normalised(call, "GroupNormalization", weights, _LEARNED, num_groups=groups)
    return Built((made,), params, tuple(weights))


_SHAPE = Argument(integer_list(1, minimum=1, single=True), "Trailing axes that are normalised together.")
_ELEMENTWISE = Argument(flag, "Learn one number per normalised element.", True)


@layer(PYTORCH, "LayerNorm", "Normalisation over the trailing axes of each sample.",
       normalized_shape=_SHAPE, eps=_EPS, elementwise_affine=_ELEMENTWISE, bias=_AFFINE_BIAS,
       device=DEVICE)  # fmt: skip
def layer_norm(call: Call) -> Built:
    """Weight and bias have the normalised shape."""
    wanted = trailing(call)
    weights, terms = [], {}
    if call.args["elementwise_affine"]:
        weights.append(call.weight("weight", *wanted))
        terms["weight"] = normalization.ELEMENT_SCALE
        if call.args["bias"]:
            weights.append(call.weight("bias", *wanted))
            terms["bias"] = normalization.ELEMENT_SHIFT
    params = formula(terms, {"A": prod(wanted)}, normalization.MEANING) if terms else None
    place = len(call.shape()) - len(wanted) + 1
    made = _normalised(call, "LayerNormalization", weights, _LEARNED, axis=place)
    return Built((made,), params, tuple(weights))


_NEIGHBOURS: dict[str, Any] = {
    "size": Argument(positive, "Neighbouring channels that are summed."),
    "alpha": Argument(number, "Factor of the sum.", Fraction(1, 10_000)),
    "beta": Argument(number, "Exponent.", Fraction(3, 4)),
    "k": Argument(number, "Added to the sum.", 1),
}


@layer(PYTORCH, "LocalResponseNorm", "Normalisation by neighbouring channels.", **_NEIGHBOURS)
def local_response_norm(call: Call) -> Built:
    """Needs channels and at least one further axis."""
    return _neighbours(call, range(2, 9))


@layer(PYTORCH, "CrossMapLRN2d", "Normalisation of images by neighbouring channels.", **_NEIGHBOURS)
def cross_map_lrn(call: Call) -> Built:
    """As LocalResponseNorm, for images."""
    return _neighbours(call, range(3, 4))


def _neighbours(call: Call, ranks: range) -> Built:
    ranked(call, ranks)
    args = call.args
    return alike(
        call,
        "LRN",
        {"size": args["size"], "alpha": float(args["alpha"]), "beta": float(args["beta"]), "bias": float(args["k"])},
    )
