"""Activations that TensorFlow Lite has no operator of their own for, written as the converter writes them."""

from __future__ import annotations

from paramlint.deploy.draft import Fixed, Value, scalar
from paramlint.deploy.lowering import Lowering, Unconverted, View
from paramlint.deploy.operators import converts
from paramlint.deploy.operators.elementwise import alike

#: The ends of a Clip that an activation can be fused with.
FUSED = {(0.0, 6.0): "RELU6", (-1.0, 1.0): "RELU_N1_TO_1", (0.0, 1.0): "RELU_0_TO_1", (0.0, None): "RELU"}


class _Curve:
    """Writes operators on tensors that all lie alike."""

    def __init__(self, low: Lowering) -> None:
        self.low, self.view = low, low.flow()
        self.x = self.view.value

    def __call__(self, kind: str, *inputs: Value | float) -> Value:
        operands: list[Value | Fixed | None] = [one if isinstance(one, Value) else scalar(one) for one in inputs]
        return self.low.emit(kind, operands, self.x.shape or ())

    def bind(self, made: Value) -> None:
        alike(self.low, made, self.view)


@converts("Clip")
def clip(low: Lowering) -> None:
    """RELU and its kin where the ends are theirs, else MINIMUM and MAXIMUM."""
    at = _Curve(low)
    ends: list[float | None] = []
    for index, name in ((1, "min"), (2, "max")):
        operand = low.operand(index)
        if isinstance(operand, View):
            raise Unconverted("a Clip whose ends are computed")
        ends.append(_end(low, operand, index, name))
    low_end, high_end = ends
    if low_end is None and high_end is None:
        at.bind(at.x)
        return
    kind = FUSED.get((low_end, high_end)) if low_end is not None else None
    if kind is not None:
        at.bind(at(kind, at.x))
        return
    made = at.x if high_end is None else at("MINIMUM", at.x, high_end)
    if low_end is not None:
        made = at("RELU", made) if low_end == 0 else at("MAXIMUM", made, low_end)
    at.bind(made)


def _end(low: Lowering, operand: Fixed | None, index: int, name: str) -> float | None:
    """One end of a Clip; none where it is as far as the type goes."""
    found = low.get(name)
    if found is None and operand is not None:
        found = operand.scalar
        if found is None:
            raise Unconverted("a Clip whose ends are not known")
    return None if found is None or abs(found) > 3e38 else float(found)


@converts("HardSigmoid")
def hard_sigmoid(low: Lowering) -> None:
    """relu6(x + 3) / 6 where it is that, else a line cut off at 0 and 1."""
    at = _Curve(low)
    slope, shift = float(low.get("alpha", 0.2)), float(low.get("beta", 0.5))
    if abs(slope - 1 / 6) < 1e-6 and shift == 0.5:
        at.bind(at("MUL", at("RELU6", at("ADD", at.x, 3.0)), 1 / 6))
        return
    line = at("ADD", at("MUL", at.x, slope), shift)
    at.bind(at("RELU", at("MINIMUM", line, 1.0)))


@converts("HardSwish")
def hard_swish(low: Lowering) -> None:
    """x relu6(x + 3) / 6, which is found again where nothing is fused with its end."""
    at = _Curve(low)
    at.bind(at("MUL", at.x, at("MUL", at("RELU6", at("ADD", at.x, 3.0)), 1 / 6)))


@converts("Selu")
def selu(low: Lowering) -> None:
    """A line above 0, a scaled exponential below."""
    at = _Curve(low)
    alpha, gamma = float(low.get("alpha", 1.67326319)), float(low.get("gamma", 1.05070102))
    above = at("GREATER", at.x, 0.0)
    line = at("MUL", at.x, gamma)
    below = at("MUL", at("SUB", at("EXP", at.x), 1.0), alpha * gamma)
    at.bind(at("SELECT", above, line, below))


@converts("Softplus")
def softplus(low: Lowering) -> None:
    """log(1 + exp(x))."""
    at = _Curve(low)
    at.bind(at("LOG", at("ADD", at("EXP", at.x), 1.0)))


@converts("Softsign")
def softsign(low: Lowering) -> None:
    """x / (1 + |x|)."""
    at = _Curve(low)
    at.bind(at("DIV", at.x, at("ADD", at("ABS", at.x), 1.0)))


@converts("Mish")
def mish(low: Lowering) -> None:
    """x times tanh of its softplus."""
    at = _Curve(low)
    at.bind(at("MUL", at.x, at("TANH", at("LOG", at("ADD", at("EXP", at.x), 1.0)))))


@converts("Celu")
def celu(low: Lowering) -> None:
    """max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1)."""
    at = _Curve(low)
    alpha = float(low.get("alpha", 1.0))
    below = at("MINIMUM", at.x, 0.0)
    if alpha != 1:
        below = at("MUL", below, 1 / alpha)
    curve = at("SUB", at("EXP", below), 1.0)
    if alpha != 1:
        curve = at("MUL", curve, alpha)
    at.bind(at("ADD", at("RELU", at.x), curve))


@converts("ThresholdedRelu")
def thresholded(low: Lowering) -> None:
    """x where it is above the threshold, else 0."""
    at = _Curve(low)
    at.bind(at("SELECT_V2", at("GREATER", at.x, float(low.get("alpha", 1.0))), at.x, 0.0))


@converts("Shrink")
def shrink(low: Lowering) -> None:
    """Values near 0 become 0; the others may move towards it."""
    at = _Curve(low)
    edge, bias = float(low.get("lambd", 0.5)), float(low.get("bias", 0.0))
    if bias == 0:
        at.bind(at("SELECT_V2", at("GREATER", at("ABS", at.x), edge), at.x, 0.0))
        return
    above, below = at("GREATER", at.x, edge), at("LESS", at.x, -edge)
    lower = at("SELECT_V2", below, at("ADD", at.x, bias), 0.0)
    at.bind(at("SELECT", above, at("SUB", at.x, bias), lower))


@converts("Softmax", "LogSoftmax")
def softmax(low: Lowering) -> None:
    """Along the last axis; another one is moved there and back."""
    view, rank = low.flow(), len(low.source())
    kind = "SOFTMAX" if low.step.kind == "Softmax" else "LOG_SOFTMAX"
    axis = int(low.get("axis", -1)) % rank
    if view.order[-1] == axis:
        alike(low, low.emit(kind, [view.value], view.value.shape or ()), view)
        return
    order = (*[one for one in view.order if one != axis], axis)
    turned = low.ordered(view, order)
    made = View(low.emit(kind, [turned], turned.shape or ()), order)
    low.result(low.ordered(made, view.order), view.order, view.turned)
