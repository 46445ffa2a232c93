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
    shape = window(low, len(low.source()))
    if shape.axes > 2 or shape.dilations != (1, 1):
        raise Unconverted(f"a pooling over {shape.axes} axes or with dilation")
    if kind == "AveragePool" and shape.padding != "VALID":
        # SAME leaves the padding out of the mean; other paddings count as zeros
        counted = bool(low.get("count_include_pad", 0))
        if counted:
            shape.padding = "PAD"
        elif shape.padding == "PAD":
            raise Unconverted("a mean that leaves out a padding other than SAME")
    image = to_images(low, low.flow(), shape)
    image = padded(low, image, shape, "PADV2" if kind == "MaxPool" else "PAD")
    out = shape.images(low)
    _check_ceil(image.shape or (), out, shape.padding, shape.kernel, shape.strides)
    made = low.emit(_KINDS[kind], [image], out, shape.options())
    from_images(low, made, shape)


def _check_ceil(
    before: tuple[object, ...], after: tuple[object, ...], padding: str, kernel: tuple[int, int], steps: tuple[int, int]
) -> None:
    """A last window that hangs over the edge has no padding in TensorFlow Lite."""
    if padding != "VALID":
        return
    for axis in (0, 1):
        length, made = before[axis + 1], after[axis + 1]
        if isinstance(length, int) and isinstance(made, int) and (made - 1) * steps[axis] + kernel[axis] > length:
            raise Unconverted("a pooling whose last window hangs over the edge (ceil_mode)")


@converts("GlobalAveragePool", "GlobalMaxPool")
def pool_all(low: Lowering) -> None:
    """A reduction over all spatial axes, which stay with length 1."""
    rank = len(low.source())
    channels_last = str(low.get("layout", "")).endswith("C")
    axes = tuple(range(1, rank - 1)) if channels_last else tuple(range(2, rank))
    reduce_axes(low, "MEAN" if low.step.kind == "GlobalAveragePool" else "REDUCE_MAX", axes, True)
