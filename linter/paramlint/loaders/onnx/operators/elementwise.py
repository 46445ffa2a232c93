"""Elementwise operators: shapes broadcast, no multiply-accumulates; a constant operand of +, -, *, / may be learned."""

from __future__ import annotations

import math
import operator as python
from collections.abc import Callable
from typing import Any

from paramlint.ir import DType
from paramlint.loaders.onnx.operators import EVERY, Node, Operator, Output, Value, free, operator, values
from paramlint.loaders.onnx.operators.shapes import axis_of, broadcast, broadcast_all, given, like

_UNARY_FOLDS: dict[str, Callable[[Any], Any]] = {
    "Neg": python.neg, "Abs": abs, "Not": lambda x: not x, "Floor": values.whole(math.floor),
    "Ceil": values.whole(math.ceil), "Round": values.whole(round), "Relu": lambda x: max(x, 0),
    "Reciprocal": lambda x: 1 / x if x else None, "Exp": values.exponential,
    "Sqrt": lambda x: math.sqrt(x) if x >= 0 else None,
}  # fmt: skip
_FOLDS = {
    "Add": values.add, "Sum": values.add, "Sub": values.subtract, "Mul": values.multiply, "Div": values.divide,
    "Pow": values.power, "Mod": values.modulo, "Max": values.maximum, "Min": values.minimum,
    "And": values.both, "Or": values.either, "Equal": values.equal,
    "Greater": values.compared(python.gt), "GreaterOrEqual": values.compared(python.ge),
    "Less": values.compared(python.lt), "LessOrEqual": values.compared(python.le),
}  # fmt: skip


@operator
class Unary(Operator):
    """One tensor in, the same shape and type out."""

    kinds = (
        "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Celu", "Cos", "Cosh",
        "CumProd", "CumSum", "Elu", "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "Log",
        "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh",
        "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu",
        # of early opsets, gone since
        "Affine", "ImageScaler", "ParametricSoftplus", "Scale", "ScaledTanh",
    )  # fmt: skip
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        value = node.value(0)
        fold = _UNARY_FOLDS.get(node.kind) if value is not None else None
        folded = None if fold is None else values.settled(values.mapped(fold, value), node.dtype(0))
        return [Output(node.shape(0), None, folded)]


@operator
class AlongAxis(Operator):
    """Softmax and its relatives: one tensor in, the same out; the axis must exist."""

    kinds = ("Softmax", "LogSoftmax", "Hardmax")
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if shape and "axis" in node.attributes:
            axis_of(node.attributes["axis"], len(shape))
        return [Output(shape)]


class Broadcasting(Operator):
    """Inputs broadcast to one output, which has their type."""

    result: DType | None = None
    macs = free

    def infer(self, node: Node) -> list[Output]:
        inputs = node.inputs
        if len(inputs) != 2:
            return [Output(broadcast_all([tensor and tensor.shape for tensor in inputs]), self.result)]
        shape = node.shape(0) if node.opset < 7 and not self.domain else broadcast(node.shape(0), node.shape(1))
        a, b = node.value(0), node.value(1)
        if a is None or b is None:
            return [Output(shape, self.result)]
        fold = None if node.attributes.get("fmod") else _FOLDS.get(node.kind)
        folded = None if fold is None else values.settled(values.zipped(fold, a, b, shape), node.dtype(0))
        return [Output(shape, self.result, folded)]


@operator
class Arithmetic(Broadcasting):
    """The four operations: a float constant of more than one element is a bias, a scale or a position table."""

    kinds = ("Add", "Sub", "Mul", "Div", "Sum")
    operands = EVERY


@operator
class Binary(Broadcasting):
    """Broadcasting operators whose constants are never learned."""

    kinds = (
        "Pow",
        "Mod",
        "BitShift",
        "BitwiseAnd",
        "BitwiseOr",
        "BitwiseXor",
        "And",
        "Or",
        "Xor",
        "Max",
        "Min",
        "Mean",
    )
    settings = EVERY


@operator
class Comparison(Broadcasting):
    """Broadcasting comparisons: booleans out."""

    kinds = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
    settings = EVERY
    result = DType.BOOL


@operator
class FloatTest(Operator):
    """IsInf, IsNaN: booleans out."""

    kinds = ("IsInf", "IsNaN")
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node, 0, DType.BOOL)


@operator
class Where(Operator):
    """``Where(test, a, b)``: three shapes broadcast; what is chosen goes on, fills are no weights as a rule."""

    kinds = ("Where",)
    passes = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = broadcast_all([node.shape(0), node.shape(1), node.shape(2)])
        test, a, b = node.value(0), node.value(1), node.value(2)
        value, whole = None, values.fits(shape)
        if test is not None and a is not None and b is not None and whole is not None:
            rows = zip(*[values.spread(part, whole) for part in (test, a, b)], strict=True)
            value = Value(whole, tuple([values.choose(*row) for row in rows]))
        return [Output(shape, node.dtype(1), value)]


@operator
class Clip(Operator):
    """``Clip``: bounds are attributes before opset 11, inputs 1 and 2 since."""

    kinds = ("Clip",)
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        value = node.value(0)
        if value is None:
            return like(node)
        for index, name, fold in ((1, "min", values.maximum), (2, "max", values.minimum)):
            bound = node.value(index)
            if name in node.attributes:
                bound = Value((), (node.attributes[name],))
            elif bound is None and given(node, index):
                return like(node)
            if bound is not None:
                value = values.zipped(fold, value, bound, node.shape(0))
        return [Output(node.shape(0), None, value)]


@operator
class PRelu(Operator):
    """``PRelu``: the slope broadcasts to the input (one per channel, per element, or one for all)."""

    kinds = ("PRelu",)
    slots = {1: "slope"}
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class SwiGLU(Operator):
    """``SwiGLU``: gate and value of equal shape (opset 28)."""

    kinds = ("SwiGLU",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class Dropout(Operator):
    """``Dropout``: the data, and a mask (bool since opset 10)."""

    kinds = ("Dropout",)
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        mask = DType.BOOL if node.opset >= 10 else node.dtype(0)
        return [Output(shape), Output(shape, mask)][: node.output_count]
