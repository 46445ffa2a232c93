"""Pooling and resizing: windows and scales, no weights and, by convention, no multiply-accumulates."""

from __future__ import annotations

import math
from typing import Any

from paramlint.ir import Dim, DType, Shape
from paramlint.loaders.onnx.operators import EVERY, Node, Operator, Output, ShapeError, Value, free, operator, values
from paramlint.loaders.onnx.operators.shapes import axes_of, given, integer, integers, text
from paramlint.loaders.onnx.operators.windows import lengths, window


@operator
class Pool(Operator):
    """``MaxPool``, ``AveragePool``, ``LpPool``: a window per channel; MaxPool's second output holds int64 places."""

    kinds = ("MaxPool", "AveragePool", "LpPool")
    macs = free

    def infer(self, node: Node) -> list[Output]:
        dims = pooled(node, node.shape(0))
        return [Output(dims), Output(dims, DType.INT64)][: node.output_count]


def pooled(node: Node, shape: Shape | None) -> Shape | None:
    """The output of a pooling window over [n, c, ...]."""
    kernel = integers(node, "kernel_shape")
    if kernel is None:
        raise ShapeError("attribute 'kernel_shape' is missing")
    if shape is None:
        return (None,) * (len(kernel) + 2)
    if len(shape) != len(kernel) + 2:
        raise ShapeError(f"a window of {len(kernel)} axes on an input of {len(shape)}")
    return (*shape[:2], *lengths(shape[2:], window(node, kernel), integer(node, "ceil_mode", 0) != 0))


@operator
class ContribPool(Operator):
    """Pooling of ONNX Runtime that keeps the standard's layout."""

    kinds = ("MaxpoolWithMask", "QLinearAveragePool")
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3, 4})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        if node.attributes.get("channels_last", 0):
            return [Output(_channels_last(node))]
        return [Output(pooled(node, node.shape(0)))]


@operator
class BlockedPool(Operator):
    """Pooling in ONNX Runtime's blocked layout."""

    kinds = ("MaxPool", "AveragePool")
    domain = "com.microsoft.nchwc"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(pooled(node, node.shape(0)))]


@operator
class NhwcMaxPool(Operator):
    """ONNX Runtime's MaxPool with channels last."""

    kinds = ("NhwcMaxPool",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(_channels_last(node))]


def _channels_last(node: Node) -> Shape | None:
    shape = node.shape(0)
    if shape is None or len(shape) < 3:
        return None
    dims = pooled(node, (shape[0], shape[-1], *shape[1:-1]))
    return None if dims is None else (dims[0], *dims[2:], dims[1])


class GlobalPooling(Operator):
    """Global pooling: every spatial axis becomes 1."""

    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape is not None and len(shape) < 2:
            raise ShapeError(f"global pooling of {len(shape)} axes")
        if shape is not None and integer(node, "channels_last", 0):
            return [Output((shape[0], *(1,) * (len(shape) - 2), shape[-1]))]
        return [Output(None if shape is None else (*shape[:2], *(1,) * (len(shape) - 2)))]


@operator
class GlobalPool(GlobalPooling):
    """The standard's global pools."""

    kinds = ("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")


@operator
class QLinearGlobalAveragePool(GlobalPooling):
    """ONNX Runtime's quantised global mean."""

    kinds = ("QLinearGlobalAveragePool",)
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3, 4})


@operator
class BlockedGlobalPool(GlobalPooling):
    """Global pools in ONNX Runtime's blocked layout."""

    kinds = ("GlobalAveragePool", "GlobalMaxPool")
    domain = "com.microsoft.nchwc"


@operator
class MaxUnpool(Operator):
    """``MaxUnpool``: the inverse lengths of MaxPool, or the shape in input 2."""

    kinds = ("MaxUnpool",)
    settings = frozenset({2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, kernel = node.shape(0), integers(node, "kernel_shape")
        if given(node, 2):
            stated = node.value(2)
            rank = None if shape is None else len(shape)
            return [Output(stated.elements if stated is not None else None if rank is None else (None,) * rank)]
        if shape is None or kernel is None:
            return [Output(None)]
        look, dims = window(node, kernel), []
        if len(shape) != len(kernel) + 2:
            raise ShapeError(f"a window of {len(kernel)} axes on an input of {len(shape)}")
        for axis, size in enumerate(shape[2:]):
            pads = look.pads[axis] + look.pads[axis + len(kernel)]
            dims.append((size - 1) * look.strides[axis] + kernel[axis] - pads if type(size) is int else None)
        return [Output((*shape[:2], *dims))]


@operator
class RoiPool(Operator):
    """``MaxRoiPool``, ``RoiAlign``: one pooled patch per region."""

    kinds = ("MaxRoiPool", "RoiAlign")
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, regions = node.shape(0), node.shape(1)
        if node.kind == "MaxRoiPool":
            size: tuple[Dim, ...] = integers(node, "pooled_shape") or (None, None)
        else:
            size = integer(node, "output_height", 1), integer(node, "output_width", 1)
        return [Output((regions[0] if regions else None, shape[1] if shape and len(shape) > 1 else None, *size))]


@operator
class Resize(Operator):
    """``Resize``, ``Upsample``: scales (attribute in 7, input 1 in 9 and 10, input 2 since 11) or sizes (input 3)."""

    kinds = ("Resize", "Upsample")
    passes = frozenset({0})
    settings = frozenset({1, 2, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape is None:
            return [Output(None)]
        late = node.kind == "Resize" and node.opset >= 11
        stated = integers(node, "axes")
        axes = tuple(range(len(shape))) if stated is None else axes_of(stated, len(shape))
        if late and given(node, 3) and not _empty(node.value(3)):
            return [Output(_sized(node, shape, axes))]
        scales = _scales(node, 2 if late else 1)
        if scales is None:
            return [Output((None,) * len(shape))]
        if len(scales) != len(axes):
            raise ShapeError(f"{len(scales)} scales for {len(axes)} axes")
        dims = list(shape)
        for axis, scale in zip(axes, scales, strict=True):
            dims[axis] = _scaled(dims[axis], scale)
        return [Output(tuple(dims))]


def _empty(value: Value | None) -> bool:
    return value is not None and not value.elements


def _scales(node: Node, index: int) -> tuple[Any, ...] | None:
    stated = node.attributes.get("scales")
    if isinstance(stated, tuple):
        return stated
    if "height_scale" in node.attributes:
        return (1, 1, node.attributes["height_scale"], node.attributes.get("width_scale", 1))
    value = node.value(index)
    return None if value is None or not value.elements else value.elements


def _scaled(dim: Dim, scale: Any) -> Dim:
    """floor(size * scale), the product in float32 as runtimes compute it."""
    if type(dim) is int and isinstance(scale, (int, float)) and math.isfinite(scale):
        grown = values.rounded(dim * scale)
        return None if grown is None else math.floor(grown)
    return dim if scale == 1 and isinstance(scale, (int, float)) else None


def _sized(node: Node, shape: Shape, axes: tuple[int, ...]) -> Shape:
    """The output where sizes are stated; ``keep_aspect_ratio_policy`` scales all axes by one factor."""
    value = node.value(3)
    if value is None:
        return (None,) * len(shape)
    if len(value.elements) != len(axes):
        raise ShapeError(f"{len(value.elements)} sizes for {len(axes)} axes")
    policy = text(node, "keep_aspect_ratio_policy", "stretch")
    sizes, dims = value.elements, list(shape)
    if policy != "stretch":
        olds = [dims[axis] for axis in axes]
        if not all(type(part) is int for part in (*olds, *sizes)) or 0 in olds:
            sizes = (None,) * len(axes)
        else:
            pick = min if policy == "not_larger" else max
            scale = pick(new / old for new, old in zip(sizes, olds, strict=True))
            sizes = tuple([int(scale * old + 0.5) for old in olds])
    for axis, size in zip(axes, sizes, strict=True):
        dims[axis] = size
    return tuple(dims)


@operator
class BlockedUpsample(Operator):
    """ONNX Runtime's integer upsampling in the blocked layout."""

    kinds = ("Upsample",)
    domain = "com.microsoft.nchwc"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, scales = node.shape(0), integers(node, "scales")
        if shape is None or scales is None or len(scales) != len(shape):
            return [Output(None)]
        return [Output(tuple([_scaled(dim, scale) for dim, scale in zip(shape, scales, strict=True)]))]


@operator
class GridSample(Operator):
    """``GridSample``: [n, c, ...] sampled at a grid [n, ..., dims]."""

    kinds = ("GridSample",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, grid = node.shape(0), node.shape(1)
        if shape is None or grid is None:
            return [Output(None)]
        if len(shape) != len(grid):
            raise ShapeError(f"a grid of {len(grid)} axes over an input of {len(shape)}")
        return [Output((*shape[:2], *grid[1:-1]))]


@operator
class ContribGridSample(GridSample):
    """ONNX Runtime's GridSample, older than the standard's."""

    domain = "com.microsoft"
