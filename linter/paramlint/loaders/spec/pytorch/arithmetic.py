"""PyTorch's arithmetic functions as layer types: ``add sub mul div pow maximum minimum matmul bmm`` and unary ones.

A number may stand for the second operand: ``{type: mul, other: 0.1}``.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from paramlint.formulas import attention, macs
from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import choice, number, optional
from paramlint.loaders.spec.layer_checks import alike, at_most, flowing, same_size, show, symbol
from paramlint.loaders.spec.pytorch.reshaping import broadcast
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_OTHER = Argument(optional(number), "A number in place of the second input.", None)
_ALPHA = Argument(number, "Factor of the second operand.", 1)


def common_shape(call: Call) -> Shape:
    """The broadcast shape of all inputs. One without its own batch (a Parameter) meets the last axes of the other."""
    shapes = [call.shape(index) for index in range(len(call.inputs))]
    rank = max(len(shape) for shape in shapes)
    return broadcast(call, *[(*(1,) * (rank - len(shape)), *shape) for shape in shapes])


def _binary(call: Call, kind: str) -> Built:
    """Two tensors, or one and a number."""
    other = call.args["other"]
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


def _product(call: Call, ranks: range) -> Built:
    """[.., t, k] times [.., k, n]; a vector on the right loses its axis. The batch is one more leading axis."""
    at_most(call, 2)
    left, right = call.shape(0), call.shape(1)
    if len(left) not in ranks or len(right) not in ranks:
        call.fail(f"{call.type} needs matrices, got {show(left)} and {show(right)}", "inputs")
    if len(left) == 1 and len(right) == 2:  # vectors times a learned matrix: the batch counts the rows
        left = (1, *left)
        out: tuple[Dim, ...] = right[1:]
    elif len(left) < 2 or len(right) < 2:
        call.fail(
            f"{call.type} of {show(left)} and {show(right)} would take the batch for a row", "inputs", "unsqueeze it"
        )
    else:
        out = ()
    same_size(call, left[-1], right[-2], f"{show(left)} and {show(right)} cannot be multiplied", "inputs")
    rank = max(len(left), len(right)) - 2
    grown = [(*(1,) * (rank + 2 - len(shape)), *shape)[:-2] for shape in (left, right)]
    lead = broadcast(call, *grown)
    out = out or (*lead, left[-2], right[-1])
    symbols: dict[str, Dim] = {"P": symbol(lead), "t": left[-2], "d": left[-1], "s": right[-1]}
    work = macs(attention.PRODUCT_MACS, symbols, attention.PRODUCT_MEANING)
    made = call.step("MatMul", [flowing(call), flowing(call, 1)], out)
    return Built((made,), macs=work)


layer(PYTORCH, "matmul", "Matrix product of two inputs (function).")(lambda call: _product(call, range(9)))
layer(PYTORCH, "bmm", "Matrix product of two batches of matrices (function).")(lambda call: _product(call, range(2, 3)))

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
