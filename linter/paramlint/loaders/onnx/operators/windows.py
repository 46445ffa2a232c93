"""Sliding windows: the length rules that convolutions and pooling share (Conv-22, MaxPool-22, ConvTranspose-22)."""

from __future__ import annotations

from typing import NamedTuple

from paramlint.ir import Dim, Shape
from paramlint.loaders.onnx.operators import Node, ShapeError
from paramlint.loaders.onnx.operators.shapes import integers, text

_AUTO = frozenset({"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", ""})


class Window(NamedTuple):
    """One value per spatial axis; ``pads`` are begins then ends; ``auto`` is ONNX's ``auto_pad``."""

    kernel: tuple[Dim, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    auto: str


def window(node: Node, kernel: tuple[Dim, ...]) -> Window:
    """The attributes of a sliding window with ONNX's defaults; ShapeError where they contradict the rank."""
    rank, auto = len(kernel), text(node, "auto_pad", "NOTSET")
    attributes = node.attributes
    strides = integers(node, "strides") if "strides" in attributes else None
    dilations = integers(node, "dilations") if "dilations" in attributes else None
    pads = integers(node, "pads") if "pads" in attributes else None
    result = Window(kernel, strides or (1,) * rank, dilations or (1,) * rank, pads or (0,) * (2 * rank), auto)
    if not len(result.strides) == len(result.dilations) == rank or len(result.pads) != 2 * rank:
        raise ShapeError(f"strides, dilations or pads are not made for {rank} spatial axes")
    if auto not in _AUTO:
        raise ShapeError(f"auto_pad is {auto!r}")
    if min(result.strides, default=1) < 1 or min(result.dilations, default=1) < 1:
        raise ShapeError("a stride or dilation is below 1")
    if any(type(size) is int and size < 1 for size in kernel):
        raise ShapeError("a kernel size is below 1")
    return result


def kernel_of(node: Node, weight: Shape | None, first: int = 2) -> tuple[Dim, ...] | None:
    """The window's sizes: ``kernel_shape``, which must agree with the weight's axes from ``first`` on."""
    stated = integers(node, "kernel_shape") if "kernel_shape" in node.attributes else None
    stored = None if weight is None else weight[first:]
    if stated is None or stored is None:
        return stored if stated is None else stated
    differs = len(stated) != len(stored) or any(type(b) is int and a != b for a, b in zip(stated, stored, strict=False))
    if differs:
        raise ShapeError(f"kernel_shape {list(stated)} and the stored kernel {list(stored)} differ")
    return stated


def lengths(spatial: Shape, look: Window, ceil: bool = False) -> tuple[Dim, ...]:
    """Output sizes of a convolution or pooling over ``spatial``."""
    rank = len(spatial)
    if len(look.kernel) != rank:
        raise ShapeError(f"a kernel of {len(look.kernel)} axes over {rank} spatial axes")
    return tuple([_length(size, look, axis, ceil) for axis, size in enumerate(spatial)])


def _length(size: Dim, look: Window, axis: int, ceil: bool) -> Dim:
    kernel, stride, dilation, auto = look.kernel[axis], look.strides[axis], look.dilations[axis], look.auto
    begin, end = look.pads[axis], look.pads[axis + len(look.kernel)]
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        return -(-size // stride) if type(size) is int else size if stride == 1 else None
    if auto == "VALID":
        begin = end = 0
    if type(kernel) is not int:
        return None
    reach = dilation * (kernel - 1) + 1
    if type(size) is not int:
        return size if stride == 1 and begin + end == reach - 1 else None
    room = size + begin + end - reach
    if room < 0:
        raise ShapeError(f"a window of {reach} does not fit into {size + begin + end} elements")
    if not ceil:
        return room // stride + 1
    count = -(-room // stride) + 1
    return count - 1 if (count - 1) * stride >= size + begin else count


def spread(spatial: Shape, look: Window, extra: tuple[int, ...]) -> tuple[Dim, ...]:
    """Output sizes of a transposed convolution; ``extra`` is ``output_padding``."""
    rank = len(spatial)
    if len(look.kernel) != rank or len(extra) != rank:
        raise ShapeError(f"a kernel of {len(look.kernel)} axes over {rank} spatial axes")
    result: list[Dim] = []
    for axis, size in enumerate(spatial):
        kernel, stride = look.kernel[axis], look.strides[axis]
        if look.auto in ("SAME_UPPER", "SAME_LOWER"):
            result.append(size * stride if type(size) is int else size if stride == 1 else None)
            continue
        pads = 0 if look.auto == "VALID" else look.pads[axis] + look.pads[axis + rank]
        if type(kernel) is not int:
            result.append(None)
            continue
        grow = look.dilations[axis] * (kernel - 1) + 1 + extra[axis] - pads - stride
        if type(size) is int:
            length = size * stride + grow
            if length < 1 and size > 0:
                raise ShapeError(f"a transposed convolution leaves axis {axis + 2} with {length} elements")
            result.append(length)
        else:
            result.append(size if stride == 1 and grow == 0 else None)
    return tuple(result)
