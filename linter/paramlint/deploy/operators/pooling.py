"""Pooling: MAX_POOL_2D and AVERAGE_POOL_2D; over the whole map it is a reduction."""

from __future__ import annotations

from paramlint.deploy.lowering import Lowering, Unconverted
from paramlint.deploy.operators import converts
from paramlint.deploy.operators.convolution import padded
from paramlint.deploy.operators.reduction import reduce_axes
from paramlint.deploy.operators.windows import from_images, to_images, window

_KINDS = {"MaxPool": "MAX_POOL_2D", "AveragePool": "AVERAGE_POOL_2D"}


@converts("MaxPool", "AveragePool")
def pool(low: Lowering) -> None:
    """A sliding window; padding other than SAME stands in front of it."""
    kind = low.step.kind
    if len(low.step.outputs) > 1 and low.step.outputs[1] in low.readers:
        raise Unconverted("a pooling that also gives positions")
    shape = window(low, "a pooling")
    if shape.dilations != (1, 1):
        raise Unconverted("a pooling with dilation")
    if kind == "AveragePool" and shape.padding != "VALID":
        # SAME leaves the padding out of the mean; other paddings count as zeros, but what hangs over never does
        if low.get("count_include_pad", 0) and any(low.get("pads", ())):
            if shape.hangs:
                raise Unconverted("a mean whose last window hangs over its padding (ceil_mode)")
            shape = shape._replace(padding="PAD")
        elif shape.padding == "PAD":
            raise Unconverted("a mean that leaves out a padding other than SAME")
    image = padded(low, to_images(low, low.flow(), shape), shape, "PADV2" if kind == "MaxPool" else "PAD")
    from_images(low, low.emit(_KINDS[kind], [image], shape.out, shape.options()), shape)


@converts("GlobalAveragePool", "GlobalMaxPool")
def pool_all(low: Lowering) -> None:
    """A reduction over all spatial axes, which stay with length 1."""
    rank = len(low.source())
    channels_last = str(low.get("layout", "")).endswith("C")
    axes = tuple(range(1, rank - 1)) if channels_last else tuple(range(2, rank))
    reduce_axes(low, "MEAN" if low.step.kind == "GlobalAveragePool" else "REDUCE_MAX", axes, True)
