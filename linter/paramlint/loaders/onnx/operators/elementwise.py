"""Elementwise operators: shapes broadcast, no multiply-accumulates; a constant operand of +, -, *, / may be learned."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import EVERY, Operator, free, operator


@operator
class Unary(Operator):
    """One tensor in, the same shape and type out."""

    kinds = (
        "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "BitwiseNot", "Ceil", "Celu", "Cos", "Cosh", "Elu",
        "Erf", "Exp", "Floor", "Gelu", "HardSigmoid", "HardSwish", "Hardmax", "LeakyRelu", "Log", "LogSoftmax",
        "Mish", "Neg", "Not", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax",
        "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu",
    )  # fmt: skip
    macs = free


@operator
class Arithmetic(Operator):
    """The four operations: a float constant of more than one element is a bias, a scale or a position table."""

    kinds = ("Add", "Sub", "Mul", "Div", "Sum")
    operands = EVERY
    macs = free


@operator
class Binary(Operator):
    """Broadcasting operators whose constants are never learned."""

    kinds = ("Pow", "Mod", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "And", "Or", "Xor", "Max", "Min", "Mean")
    settings = EVERY
    macs = free


@operator
class Comparison(Operator):
    kinds = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual")
    settings = EVERY
    macs = free


@operator
class Where(Operator):
    kinds = ("Where",)
    settings = EVERY
    macs = free


@operator
class Clip(Operator):
    kinds = ("Clip",)
    settings = frozenset({1, 2})
    macs = free


@operator
class PRelu(Operator):
    kinds = ("PRelu",)
    slots = {1: "slope"}
    macs = free
