"""Signals, images and detection: transforms by formula, no weights; a Fourier transform's work is not defined."""

from __future__ import annotations

import math

from paramlint.ir import Dim, DType, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, free, operator
from paramlint.loaders.onnx.operators.shapes import axis_of, given, integer, integers, plus

_FOURIER = "a Fourier transform's multiply-accumulates depend on the algorithm"


def _scalar(node: Node, index: int) -> Dim:
    value = node.value(index)
    element = value.elements[0] if value is not None and len(value.elements) == 1 else None
    return element if type(element) is int else None


@operator
class Fourier(Operator):
    """``DFT``: one axis is transformed (an attribute before opset 20, input 2 since); the last is the complex pair."""

    kinds = ("DFT",)
    settings = frozenset({1, 2})

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if not shape:
            return [Output(None)]
        axis: Dim = integer(node, "axis", 1) if node.opset < 20 else _scalar(node, 2) if given(node, 2) else -2
        if type(axis) is not int:
            return [Output((None,) * len(shape))]
        place = axis_of(axis, len(shape))
        dims, length = list(shape), _scalar(node, 1) if given(node, 1) else shape[place]
        half, inverse = integer(node, "onesided", 0) != 0, integer(node, "inverse", 0) != 0
        dims[place], dims[-1] = length, 2
        if half and not inverse:
            dims[place] = length // 2 + 1 if type(length) is int else None
        elif half:
            dims[-1] = 1
            if not given(node, 1):
                dims[place] = 2 * (length - 1) if type(length) is int else None
        return [Output(tuple(dims))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown(_FOURIER)


@operator
class ShortTimeFourier(Operator):
    """``STFT``: [n, samples, 1 or 2] -> [n, frames, bins, 2]."""

    kinds = ("STFT",)
    settings = frozenset({1, 2, 3})

    def infer(self, node: Node) -> list[Output]:
        shape, step, span = node.shape(0), _scalar(node, 1), node.shape(2)
        length = _scalar(node, 3) if given(node, 3) else span[0] if span else None
        if not shape or type(length) is not int:
            return [Output((shape[0] if shape else None, None, None, 2))]
        bins = length // 2 + 1 if integer(node, "onesided", 1) else length
        frames: Dim = None
        if len(shape) > 1 and type(shape[1]) is int and type(step) is int and step > 0:
            frames = (shape[1] - length) // step + 1
        return [Output((shape[0], frames, bins, 2))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown(_FOURIER)


@operator
class ContribFourier(Operator):
    """ONNX Runtime's ``Rfft`` and ``Irfft``: the last axis is halved to bins with a complex pair behind, or back."""

    kinds = ("Rfft", "Irfft")
    domain = "com.microsoft"

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if not shape or integer(node, "signal_ndim", 1) != 1:
            return [Output(None)]
        last = shape[-1] if node.kind == "Rfft" else shape[-2] if len(shape) > 1 else None
        if type(last) is not int:
            return [Output(None)]
        if node.kind == "Rfft":
            return [Output((*shape[:-1], last // 2 + 1, 2))]
        return [Output((*shape[:-2], 2 * (last - 1)))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown(_FOURIER)


@operator
class AffineGrid(Operator):
    """``AffineGrid``: one coordinate per output position: [n, (d,) h, w, 2 or 3]; elementwise by convention."""

    kinds = ("AffineGrid",)
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        size = node.value(1)
        if size is None or len(size.elements) not in (4, 5):
            return [Output(None)]
        batch, _, *spatial = size.elements
        return [Output((batch, *spatial, len(spatial)))]


@operator
class Col2Im(Operator):
    """``Col2Im``: blocks [n, c K, L] put back into an image whose size is input 1."""

    kinds = ("Col2Im",)
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, image, block = node.shape(0), node.value(1), node.value(2)
        rank = node.shape(1)
        spatial: Shape = image.elements if image is not None else (None,) * _length(rank)
        if shape is None or len(shape) != 3:
            return [Output((None, None, *spatial) if spatial else None)]
        channels: Dim = None
        if block is not None and type(shape[1]) is int:
            count = math.prod(size for size in block.elements if type(size) is int)
            if count < 1 or shape[1] % count:
                raise ShapeError(f"{shape[1]} columns do not hold blocks of {count}")
            channels = shape[1] // count
        return [Output((shape[0], channels, *spatial))]


def _length(shape: Shape | None) -> int:
    length = shape[0] if shape else 0
    return length if type(length) is int and 0 <= length <= 16 else 0


@operator
class NonMaxSuppression(Operator):
    """``NonMaxSuppression``: how many boxes remain is in the data."""

    kinds = ("NonMaxSuppression",)
    settings = frozenset({2, 3, 4})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output((None, 3), DType.INT64)]


@operator
class ImageDecoder(Operator):
    """``ImageDecoder``: the picture's size is in the data."""

    kinds = ("ImageDecoder",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output((None, None, None), DType.UINT8)]


@operator
class CropAndResize(Operator):
    """ONNX Runtime's ``CropAndResize``: one patch per region."""

    kinds = ("CropAndResize",)
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, regions, size = node.shape(0), node.shape(1), node.value(3)
        spatial = size.elements if size is not None and len(size.elements) == 2 else (None, None)
        return [Output((regions[0] if regions else None, shape[1] if shape and len(shape) > 1 else None, *spatial))]


@operator
class UnfoldTensor(Operator):
    """ONNX Runtime's ``UnfoldTensor``: windows of ``size`` along one axis, appended as a new one."""

    kinds = ("UnfoldTensor",)
    domain = "com.microsoft"
    passes = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, size, step = node.shape(0), integer(node, "size"), integer(node, "step", 1)
        if shape is None:
            return [Output(None)]
        axis, dims = axis_of(integer(node, "dim", -1), len(shape)), list(shape)
        length = dims[axis]
        if step < 1 or (type(length) is int and size > length):
            raise ShapeError(f"windows of {size} with step {step} over {length}")
        dims[axis] = (length - size) // step + 1 if type(length) is int else None
        return [Output((*dims, size))]


@operator
class Crop(Operator):
    """``Crop`` of opset 1: borders left, top, right, bottom, and optionally the size that remains."""

    kinds = ("Crop",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, border, scale = node.shape(0), integers(node, "border"), integers(node, "scale")
        if shape is None or len(shape) != 4 or border is None or len(border) != 4:
            return [Output(None)]
        if scale is not None and len(scale) == 2:
            return [Output((*shape[:2], *scale))]
        height, breadth = plus(shape[2], -border[1] - border[3]), plus(shape[3], -border[0] - border[2])
        return [Output((*shape[:2], height, breadth))]
