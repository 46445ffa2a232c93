"""Pooling: MAX_POOL_2D and AVERAGE_POOL_2D; over the whole map it is a reduction."""

from __future__ import annotations

from paramlint.deploy.lowering import Lowering, Unconverted
from paramlint.deploy.operators import converts
from paramlint.deploy.operators.convolution import padded
from paramlint.deploy.operators.reduction import reduce_axes
from paramlint.deploy.operators.windows import Window, from_images, to_images, window
from paramlint.ir import Shape

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
        # SAME leaves the padding out of the mean; other paddings count as zeros
        if low.get("count_include_pad", 0):
            shape = shape._replace(padding="PAD")
        elif shape.padding == "PAD":
            raise Unconverted("a mean that leaves out a padding other than SAME")
    image = padded(low, to_images(low, low.flow(), shape), shape, "PADV2" if kind == "MaxPool" else "PAD")
    options = shape.options()
    if options["padding"] == "VALID":
        _check_ceil(image.shape or (), shape)
    from_images(low, low.emit(_KINDS[kind], [image], shape.out, options), shape)


def _check_ceil(before: Shape, shape: Window) -> None:
    """A last window that hangs over the edge has no padding in TensorFlow Lite."""
    for axis in (0, 1):
        length, made = before[axis + 1], shape.out[axis + 1]
        if not isinstance(length, int) or not isinstance(made, int):
            continue
        if (made - 1) * shape.strides[axis] + shape.kernel[axis] > length:
            raise Unconverted("a pooling whose last window hangs over the edge (ceil_mode)")


@converts("GlobalAveragePool", "GlobalMaxPool")
def pool_all(low: Lowering) -> None:
    """A reduction over all spatial axes, which stay with length 1."""
    rank = len(low.source())
    channels_last = str(low.get("layout", "")).endswith("C")
    axes = tuple(range(1, rank - 1)) if channels_last else tuple(range(2, rank))
    reduce_axes(low, "MEAN" if low.step.kind == "GlobalAveragePool" else "REDUCE_MAX", axes, True)
