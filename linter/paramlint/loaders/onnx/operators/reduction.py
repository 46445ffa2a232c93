"""Reductions: sums, means, extremes and norms over axes; no multiply-accumulates by convention."""

from __future__ import annotations

from paramlint.ir import Dim, DType, Shape
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, free, operator, values
from paramlint.loaders.onnx.operators.shapes import axes_of, axis_of, integer, whole_setting

_FOLDS = {
    "ReduceSum": values.add,
    "ReduceProd": values.multiply,
    "ReduceMax": values.maximum,
    "ReduceMin": values.minimum,
}


@operator
class Reduce(Operator):
    """``Reduce*``: axes are an attribute before opset 18 (ReduceSum: 13), input 1 since."""

    kinds = (
        "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd",
        "ReduceSum", "ReduceSumSquare",
    )  # fmt: skip
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axes, keep = node.shape(0), whole_setting(node, "axes", 1), integer(node, "keepdims", 1) != 0
        if shape is None:
            return [Output(None)]
        if axes is None:
            return [Output(_unknown(node, len(shape), keep))]
        if not axes:
            if integer(node, "noop_with_empty_axes", 0):
                return [Output(shape, None, node.value(0))]
            places: tuple[int, ...] = tuple(range(len(shape)))
        else:
            places = axes_of(axes, len(shape))
        dims = reduced(shape, places, keep)
        value, fold = node.value(0), _FOLDS.get(node.kind)
        if value is None or fold is None:
            return [Output(dims)]
        return [Output(dims, None, values.settled(values.reduced(fold, value, places, dims), node.dtype(0)))]


def _unknown(node: Node, rank: int, keep: bool) -> Shape | None:
    """What is known of a reduction over axes that are not: all of the rank, or the number of axes."""
    count = node.shape(1)
    if keep:
        return (None,) * rank
    if count and type(count[0]) is int and 0 < count[0] <= rank:
        return (None,) * (rank - count[0])
    return None


def reduced(shape: Shape, axes: tuple[int, ...], keep: bool) -> Shape:
    """``shape`` with ``axes`` reduced to 1 or left out."""
    if keep:
        return tuple([1 if place in axes else dim for place, dim in enumerate(shape)])
    return tuple([dim for place, dim in enumerate(shape) if place not in axes])


@operator
class ArgExtreme(Operator):
    """``ArgMax``, ``ArgMin``: int64 indices along one axis."""

    kinds = ("ArgMax", "ArgMin")
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape is None:
            return [Output(None, DType.INT64)]
        axis = axis_of(node.attributes.get("axis", 0), len(shape))
        return [Output(reduced(shape, (axis,), integer(node, "keepdims", 1) != 0), DType.INT64)]


@operator
class QLinearReduceMean(Operator):
    """ONNX Runtime's quantised mean."""

    kinds = ("QLinearReduceMean",)
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3, 4})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axes = node.shape(0), whole_setting(node, "axes", 9)
        if shape is None or axes is None:
            return [Output(None)]
        places = axes_of(axes, len(shape)) or tuple(range(len(shape)))
        return [Output(reduced(shape, places, integer(node, "keepdims", 1) != 0))]


@operator
class ReduceSumInteger(Operator):
    """ONNX Runtime's sum of int8 into int32."""

    kinds = ("ReduceSumInteger",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axes = node.shape(0), whole_setting(node, "axes", 9)
        if shape is None or axes is None:
            return [Output(None, DType.INT32)]
        return [Output(reduced(shape, axes_of(axes, len(shape)), integer(node, "keepdims", 1) != 0), DType.INT32)]


@operator
class Det(Operator):
    """``Det``: determinants of the last two axes."""

    kinds = ("Det",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape is not None and len(shape) < 2:
            raise ShapeError(f"a determinant of {len(shape)} axes")
        return [Output(None if shape is None else shape[:-2])]


@operator
class Loss(Operator):
    """``NegativeLogLikelihoodLoss``, ``SoftmaxCrossEntropyLoss``: a scalar, or one loss per target."""

    kinds = ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        whole = node.attributes.get("reduction", "mean") != "none"
        scores = [Output(node.shape(0))] if node.output_count > 1 else []
        return [Output(() if whole else node.shape(1), node.dtype(0)), *scores]


@operator
class AllFinite(Operator):
    """ONNX Runtime's test over many tensors."""

    kinds = ("IsAllFinite",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        dims: tuple[Dim, ...] = (1,)
        return [Output(dims, DType.BOOL)]
