"""Convolutions: CONV_2D, DEPTHWISE_CONV_2D and TRANSPOSE_CONV, with padding and the detour of one-dimensional ones."""

from __future__ import annotations

from typing import Any

from paramlint.deploy.draft import Fixed, Value, numbers, zeros
from paramlint.deploy.lowering import Lowering, Unconverted, sizes
from paramlint.deploy.operators import converts
from paramlint.deploy.operators.windows import Window, from_images, to_images, window
from paramlint.ir import Dim, DType


@converts("Conv", "QLinearConv")
def conv(low: Lowering) -> None:
    """CONV_2D, or DEPTHWISE_CONV_2D where every channel has its own kernel; always with a bias."""
    step = low.step
    quantized = step.kind == "QLinearConv"
    weight = step.weights.get(3 if quantized else 1)
    if weight is None:
        raise Unconverted("a convolution whose kernel is computed")
    bias = low.fixed(8 if quantized else 2)
    shape = window(low, "a convolution")
    if len(weight.shape) != shape.axes + 2:
        raise Unconverted("a kernel with another number of axes than its window")
    image = padded(low, to_images(low, low.flow(), shape), shape, "PAD")
    groups, channels, filters = int(low.get("group", 1)), (image.shape or ())[-1], shape.out[-1]
    options = shape.options()
    if groups > 1 and groups == channels and isinstance(filters, int):
        kind, held = "DEPTHWISE_CONV_2D", (1, *shape.kernel, filters)
        options["multiplier"] = filters // groups
    else:
        count, area = weight.shape[0], shape.kernel[0] * shape.kernel[1]
        kind, held = "CONV_2D", (count, *shape.kernel, weight.elements // area // (count or 1))
        options["groups"] = groups
    late = low.keras and shape.axes == 1 and bias is not None and bias.elements == 1
    if bias is None or late:
        filled = zeros(weight.shape[0], weight.dtype if weight.dtype.is_float else DType.INT32)
    else:
        filled = bias
    made = low.emit(kind, [image, Fixed(held, weight.dtype, weight.storage), filled], shape.out, options)
    from_images(low, made, shape)
    if late and bias is not None:
        _add_number(low, bias)


def _add_number(low: Lowering, bias: Fixed) -> None:
    """Keras adds the bias of a single filter as a number, which does not move in front of the reshape."""
    view = low.views[low.step.outputs[0]]
    number = Fixed((1, 1, 1), bias.dtype, bias.storage)
    low.bind(view._replace(value=low.emit("ADD", [view.value, number], view.value.shape or ())))


def padded(low: Lowering, image: Value, shape: Window, kind: str) -> Value:
    """The input with padding that is none of TensorFlow Lite's as an operator of its own."""
    if shape.padding != "PAD":
        return image
    top, left, bottom, right = shape.pads
    sides = (0, 0, top, bottom, left, right, 0, 0)
    batch, height, width, channels = image.shape or ()
    grown = (batch, _grown(height, top + bottom), _grown(width, left + right), channels)
    return low.emit(kind, [image, numbers(sides, (4, 2))], grown, {"pads": shape.pads})


def _grown(size: Dim, by: int) -> Dim:
    return size + by if isinstance(size, int) else size if by == 0 else None


@converts("ConvTranspose")
def transposed(low: Lowering) -> None:
    """TRANSPOSE_CONV; what it makes beyond the output wanted is cut off by an operator of its own."""
    weight, bias = low.step.weights.get(1), low.fixed(2)
    if weight is None:
        raise Unconverted("a convolution whose kernel is computed")
    if int(low.get("group", 1)) != 1:
        raise Unconverted("a transposed convolution in groups")
    shape = window(low, "a transposed convolution")
    if shape.dilations != (1, 1):
        raise Unconverted("a transposed convolution with dilation")
    image = to_images(low, low.flow(), shape)
    want = shape.out
    full, word = _spread(shape, image.shape or (), want)
    held = (weight.shape[1], *shape.kernel, weight.shape[0])
    inputs: list[Value | Fixed | None] = [sizes(full), Fixed(held, weight.dtype, weight.storage), image]
    if bias is not None:
        inputs.append(bias)
    made = low.emit("TRANSPOSE_CONV", inputs, full, {**shape.options(), "padding": word})
    if full != want:
        made = _cut(low, made, shape, want)
    from_images(low, made, shape)


def _spread(shape: Window, before: tuple[Dim, ...], want: tuple[Dim, ...]) -> tuple[tuple[Dim, ...], str]:
    """What TRANSPOSE_CONV makes, and under which padding."""
    top, left, bottom, right = shape.pads
    same, full = True, list(want)
    for axis, begin, end in ((0, top, bottom), (1, left, right)):
        length, step, size = before[axis + 1], shape.strides[axis], shape.kernel[axis]
        if not isinstance(length, int):
            continue
        surplus = max(size - step, 0)
        cut = begin + end == surplus and begin == surplus // 2
        same = same and want[axis + 1] == length * step and cut
        full[axis + 1] = (length - 1) * step + max(size, step)
    if same:
        return want, "SAME"
    return tuple(full), "VALID"


def _cut(low: Lowering, made: Value, shape: Window, want: tuple[Dim, ...]) -> Value:
    """The part of the output that the layer keeps."""
    top, left = shape.pads[:2]
    begin = (0, top, left, 0)
    if any(isinstance(a, int) and isinstance(b, int) and a < b for a, b in zip(made.shape or (), want, strict=True)):
        raise Unconverted("a transposed convolution with more output padding than its window gives")
    ends = tuple([start + size if isinstance(size, int) else 0 for start, size in zip(begin, want, strict=True)])
    inputs: list[Value | Fixed | None] = [made, numbers(begin), numbers(ends), numbers((1, 1, 1, 1))]
    options: dict[str, Any] = {"begin": begin}
    return low.emit("STRIDED_SLICE", inputs, want, options)
