"""PyTorch's arithmetic functions as layer types: ``add sub mul div pow maximum minimum matmul bmm`` and unary ones.

A number may stand for the second operand: ``{type: mul, other: 0.1}``.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from paramlint.loaders.spec.arguments import choice, number, optional
from paramlint.loaders.spec.layer_checks import alike, at_most, flowing
from paramlint.loaders.spec.pytorch.broadcasting import common_shape, product
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_OTHER = Argument(optional(number), "A number in place of the second input.", None)
_ALPHA = Argument(number, "Factor of the second operand.", 1)


def _binary(call: Call, kind: str) -> Built:
    """Two tensors, or one and a number."""
    other = call.args["other"]
    if len(call.inputs) > 2:
        hint = f"write one {call.type} behind the other"
        call.fail(f"{call.type} takes at most 2 inputs, {len(call.inputs)} given", "inputs", hint)
    at_most(call, 2 if other is None else 1)
    if other is not None:
        constant = float(other) if isinstance(other, Fraction) else other
        return Built((call.step(kind, [flowing(call)], call.shape(), {"other": constant}),))
    if len(call.inputs) < 2:
        call.fail(f"{call.type} needs two inputs, or a number as other", "inputs", "write inputs: [a, b]")
    return Built((call.step(kind, [flowing(call), flowing(call, 1)], common_shape(call)),))


for _name, _kind, _doc in (
    ("mul", "Mul", "Product of two inputs, element by element (function)."),
    ("maximum", "Max", "Larger of two inputs, element by element (function)."),
    ("minimum", "Min", "Smaller of two inputs, element by element (function)."),
):
    layer(PYTORCH, _name, _doc, other=_OTHER)(partial(_binary, kind=_kind))

for _name, _kind, _doc in (
    ("add", "Add", "Sum of two inputs, element by element (function)."),
    ("sub", "Sub", "Difference of two inputs, element by element (function)."),
):
    layer(PYTORCH, _name, _doc, other=_OTHER, alpha=_ALPHA)(partial(_binary, kind=_kind))

layer(PYTORCH, "div", "Quotient of two inputs, element by element (function).", other=_OTHER,
      rounding_mode=Argument(optional(choice("trunc", "floor")), "How the result is rounded.", None),
      )(lambda call: _binary(call, "Div"))  # fmt: skip


@layer(PYTORCH, "pow", "Power of an input (function).", exponent=_OTHER)
def power(call: Call) -> Built:
    """A number as exponent, or a second input."""
    if call.args["exponent"] is None:
        if len(call.inputs) != 2:
            call.fail("pow needs an exponent", None, "write exponent: 2")
        return Built((call.step("Pow", [flowing(call), flowing(call, 1)], common_shape(call)),))
    return alike(call, "Pow", {"other": float(call.args["exponent"])})


layer(PYTORCH, "matmul", "Matrix product of two inputs (function).")(partial(product, batches=False))
layer(PYTORCH, "bmm", "Matrix product of two batches of matrices (function).")(partial(product, batches=True))

for _name, _kind, _doc in (
    ("relu", "Relu", "Negative values become 0"), ("sigmoid", "Sigmoid", "Logistic function"),
    ("tanh", "Tanh", "Hyperbolic tangent"), ("exp", "Exp", "Exponential"), ("log", "Log", "Natural logarithm"),
    ("sqrt", "Sqrt", "Square root"), ("abs", "Abs", "Absolute value"), ("neg", "Neg", "Negation"),
    ("sin", "Sin", "Sine"), ("cos", "Cos", "Cosine"), ("erf", "Erf", "Error function"),
    ("floor", "Floor", "Rounding down"),
    ("ceil", "Ceil", "Rounding up"), ("round", "Round", "Rounding"), ("sign", "Sign", "Sign"),
    ("reciprocal", "Reciprocal", "One over the input"), ("softsign", "Softsign", "x / (1 + |x|)"),
    ("hardswish", "HardSwish", "Piecewise form of Swish"), ("mish", "Mish", "x times tanh of its softplus"),
    ("selu", "Selu", "Self-normalising exponential linear unit"),
):  # fmt: skip
    layer(PYTORCH, _name, f"{_doc} (function).")(partial(alike, kind=_kind))


def _opaque(call: Call) -> Built:
    at_most(call, 1)
    return Built((call.output(call.shape()),))


for _name, _doc in (
    ("square", "Square"),
    ("rsqrt", "One over the square root"),
    ("logsigmoid", "Log of the logistic function"),
):
    layer(PYTORCH, _name, f"{_doc} (function).")(_opaque)


@layer(PYTORCH, "silu", "x times its logistic function (function).")
def silu(call: Call) -> Built:
    """Two operators."""
    at_most(call, 1)
    gate = call.step("Sigmoid", [flowing(call)], call.shape())
    return Built((call.step("Mul", [flowing(call), gate], call.shape()),))


@layer(PYTORCH, "gelu", "Gaussian error linear unit (function).",
       approximate=Argument(choice("none", "tanh"), "Exact, or by tanh.", "none"))  # fmt: skip
def gelu(call: Call) -> Built:
    """One operator."""
    return alike(call, "Gelu", {"approximate": call.args["approximate"]})


@layer(PYTORCH, "leaky_relu", "ReLU with a small slope below 0 (function).",
       negative_slope=Argument(number, "Slope below 0.", Fraction(1, 100)))  # fmt: skip
def leaky_relu(call: Call) -> Built:
    """One operator."""
    return alike(call, "LeakyRelu", {"alpha": float(call.args["negative_slope"])})


@layer(PYTORCH, "clamp", "Clips values to an interval (function).",
       min=Argument(optional(number), "Lower end.", None),
       max=Argument(optional(number), "Upper end.", None))  # fmt: skip
def clamp(call: Call) -> Built:
    """At least one end is given."""
    ends: dict[str, Any] = {name: float(call.args[name]) for name in ("min", "max") if call.args[name] is not None}
    if not ends:
        call.fail("clamp needs min or max")
    return alike(call, "Clip", ends)
