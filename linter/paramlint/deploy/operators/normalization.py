"""Normalisation as arithmetic: TensorFlow Lite has no operator for most of it."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed, Value, scalar
from paramlint.deploy.lowering import Lowering, Unconverted, View, sizes
from paramlint.deploy.operators import converts
from paramlint.deploy.operators.elementwise import alike, broadcast, pair
from paramlint.deploy.operators.reduction import reduced
from paramlint.ir import Shape, Weight


@converts("BatchNormalization")
def batch(low: Lowering) -> None:
    """Times one number per channel, plus another: both fold into a layer beside it where one can take them."""
    view = low.flow()
    weight = next(iter(low.step.weights.values()), None)
    rank = len(view.order)
    axis = low.get("axis")
    place = int(axis) % rank if axis is not None else _channels(low, rank)
    size = low.source()[place]
    if not isinstance(size, int) or weight is None:
        raise Unconverted("a batch normalisation whose channels are not known")
    shape = tuple(size if at == place else 1 for at in range(rank))
    name = f"{weight.storage} {low.step.layer}"
    made = pair(low, "MUL", view, Fixed(shape, weight.dtype, f"scale of {name}"))
    low.bind(pair(low, "ADD", made, Fixed(shape, weight.dtype, f"shift of {name}")))


def _channels(low: Lowering, rank: int) -> int:
    """Axis 1 in ONNX and PyTorch."""
    return 1 if rank > 1 else 0


class _Steps:
    """Arithmetic on one tensor, its reductions, and constants."""

    def __init__(self, low: Lowering) -> None:
        self.low = low

    def __call__(self, kind: str, *inputs: Value | Fixed | float) -> Value:
        shape: Shape = ()
        operands: list[Value | Fixed | None] = []
        for one in inputs:
            operand = scalar(one) if isinstance(one, (int, float)) else one
            operands.append(operand)
            shape = broadcast(shape, operand.shape or ())
        return self.low.emit(kind, operands, shape)


def _gains(low: Lowering, rank: int) -> tuple[Weight | None, Weight | None]:
    """Scale and shift; one that is left out is None."""
    return low.step.weights.get(1), low.step.weights.get(2)


@converts("LayerNormalization")
def layer(low: Lowering) -> None:
    """Mean and variance of the last axes, then one scale and one shift for each element."""
    view, rank = low.flow(), len(low.source())
    first = int(low.get("axis", -1)) % rank
    value = low.plain(view)
    axes = tuple(range(first, rank))
    gain, shift = _gains(low, rank)
    at = _Steps(low)
    plain = View(value, layout.identity(rank))
    mean, _ = reduced(low, "MEAN", plain, axes, True)
    low.result(_normalised(low, at, value, mean, plain, axes, _wide(gain, rank), _wide(shift, rank)))


def _wide(weight: Weight | None, rank: int) -> Fixed | None:
    if weight is None:
        return None
    return Fixed((*(1,) * (rank - len(weight.shape)), *weight.shape), weight.dtype, weight.storage)


def _normalised(
    low: Lowering, at: _Steps, value: Value, mean: Value, plain: View, axes: tuple[int, ...], gain: Fixed | None,
    shift: Fixed | None,
) -> Value:  # fmt: skip
    """(x - mean) / deviation, scaled and shifted, as the converter arranges it."""
    less = at("NEG", mean)
    spread = at("SQUARED_DIFFERENCE", value, mean)
    variance, _ = reduced(low, "MEAN", View(spread, plain.order), axes, True)
    return _scaled(low, value, less, variance, gain, shift)


def _scaled(
    low: Lowering, value: Value, less: Value, variance: Value, gain: Fixed | None, shift: Fixed | None
) -> Value:
    """x times a factor, plus what the mean makes of it; ``less`` is the negated mean."""
    at = _Steps(low)
    factor = at("RSQRT", at("ADD", variance, float(low.get("epsilon", 1e-5))))
    if gain is not None:
        factor = at("MUL", factor, gain)
    moved = at("MUL", less, factor)
    if shift is not None:
        moved = at("ADD", moved, shift)
    return at("ADD", at("MUL", value, factor), moved)


@converts("RMSNormalization")
def root_mean_square(low: Lowering) -> None:
    """x over the root of its mean square, times one scale for each element."""
    rank = len(low.source())
    first = int(low.get("axis", -1)) % rank
    value = low.plain(low.flow())
    at = _Steps(low)
    square = at("SQUARE", value)
    mean, _ = reduced(low, "MEAN", View(square, layout.identity(rank)), tuple(range(first, rank)), True)
    made = at("MUL", value, at("RSQRT", at("ADD", mean, float(low.get("epsilon", 1e-5)))))
    weight = low.step.weights.get(1)
    if weight is not None:
        made = at("MUL", made, Fixed(weight.shape, weight.dtype, weight.storage))
    low.result(made)


@converts("InstanceNormalization")
def instance(low: Lowering) -> None:
    """Mean and variance of each channel over the picture, then one scale and one shift for each channel."""
    view, rank = low.flow(), len(low.source())
    value, at = view.value, _Steps(low)
    axes = tuple(range(2, rank))
    mean, _ = reduced(low, "MEAN", view, axes, True)
    spread = at("SQUARED_DIFFERENCE", value, mean)
    variance, _ = reduced(low, "MEAN", view._replace(value=spread), axes, True)
    factor = at("RSQRT", at("ADD", variance, float(low.get("epsilon", 1e-5))))
    made = at("MUL", at("SUB", value, mean), factor)
    for kind, index in (("MUL", 1), ("ADD", 2)):
        weight = low.step.weights.get(index)
        if weight is not None:
            shape = (1, weight.elements, *(1,) * (rank - 2))
            made = at(kind, made, low.aligned(Fixed(shape, weight.dtype, weight.storage), view.order))
    alike(low, made, view)


@converts("GroupNormalization")
def group(low: Lowering) -> None:
    """Channels parted into groups, normalised, and joined again."""
    source, rank = low.source(), len(low.source())
    place = int(low.get("axis", 1)) % rank
    channels, groups = source[place], int(low.get("num_groups", 1))
    if not isinstance(channels, int):
        raise Unconverted("a group normalisation whose channels are not known")
    if place not in (1, rank - 1):
        raise Unconverted("a group normalisation along an inner axis")
    last = layout.identity(rank) if place == rank - 1 else layout.channels_last(rank)
    value = low.ordered(low.flow(), last)
    shape = value.shape or ()
    parted = (*shape[:-1], groups, channels // groups)
    split = low.emit("RESHAPE", [value, sizes(parted)], parted)
    wide = (*(1,) * (rank - 1), groups, channels // groups)
    gains = [low.step.weights.get(index) for index in (1, 2)]
    held = [None if one is None else Fixed(wide, one.dtype, one.storage) for one in gains]
    made = _grouped(low, split, held[0], held[1])
    low.result(low.emit("RESHAPE", [made, sizes(shape)], shape), last)


def _grouped(low: Lowering, split: Value, gain: Fixed | None, shift: Fixed | None) -> Value:
    """As ``_normalised`` over all axes but batch and group, with the difference squared by itself."""
    at, rank = _Steps(low), split.rank
    plain = View(split, layout.identity(rank))
    axes = (*range(1, rank - 2), rank - 1)
    mean, _ = reduced(low, "MEAN", plain, axes, True)
    less = at("NEG", mean)
    square = at("SQUARE", at("SUB", split, mean))
    variance, _ = reduced(low, "MEAN", plain._replace(value=square), axes, True)
    return _scaled(low, split, less, variance, gain, shift)


@converts("LpNormalization")
def unit(low: Lowering) -> None:
    """x over the root of its sum of squares."""
    if int(low.get("p", 2)) != 2:
        raise Unconverted(f"LpNormalization with p {low.get('p')}")
    view, rank = low.flow(), len(low.source())
    axis = int(low.get("axis", -1)) % rank
    at = _Steps(low)
    square = at("SQUARE", view.value)
    total, _ = reduced(low, "SUM", View(square, view.order), (axis,), True)
    alike(low, at("MUL", view.value, at("MINIMUM", at("RSQRT", total), 1e12)), view)


@converts("LRN")
def neighbours(low: Lowering) -> None:
    """LOCAL_RESPONSE_NORMALIZATION over channels."""
    order = low.windowed(len(low.source()))
    value = low.ordered(low.flow(), order)
    low.result(low.emit("LOCAL_RESPONSE_NORMALIZATION", [value], value.shape or ()), order)
