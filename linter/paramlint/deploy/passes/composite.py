"""Operators that ONNX writes in two, put together again."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Node, Value
from paramlint.deploy.passes import rewrites


@rewrites("MUL", behind=("SUB",), deep=True)
def squared_difference(draft: Draft, node: Node) -> bool:
    """A difference times itself whose mean is taken, or that is quantised as a whole: SQUARED_DIFFERENCE."""
    before, value = node.source(), node.value()
    if before is None or value is None or node.inputs[0] is not node.inputs[1] or before.kind != "SUB":
        return False
    if before.activation or node.activation or len(value.users) != 1 or value.outputs or before.fixed(1) is not None:
        return False
    averaged = all(user.kind == "MEAN" for user in node.made.users) and not node.made.outputs
    whole = value.dtype.is_float and not node.made.dtype.is_float
    if not averaged and not whole:
        return False
    draft.become(node, "SQUARED_DIFFERENCE", list(before.inputs))
    return True


@rewrites("DIV", behind=("SQRT",))
def inverse_root(draft: Draft, node: Node) -> bool:
    """One over a square root: RSQRT."""
    one, root, value = node.fixed(0), node.source(1), node.value(1)
    if one is None or one.scalar != 1 or root is None or value is None or root.kind != "SQRT" or not value.once:
        return False
    draft.become(node, "RSQRT", [root.value()])
    return True


@rewrites("MUL", behind=("ADD",), deep=True)
def gelu(draft: Draft, node: Node) -> bool:
    """(x / 2) (1 + erf(x / sqrt 2)), or with tanh in its place; in this order of operands only, as the converter."""
    half, curve = node.source(0), node.source(1)
    x = _times(half, 0.5)
    if x is None or curve is None or node.activation or curve.kind != "ADD" or _number(curve) != 1:
        return False
    inner = curve.source()
    if inner is None or inner.kind not in ("ERF", "TANH"):
        return False
    argument = _times(inner.source(), _ROOT_HALF if inner.kind == "ERF" else _ROOT_TWO_OVER_PI)
    if inner.kind == "TANH":
        argument = _without_cube(argument.node if argument is not None else None)
    if argument is not x:
        return False
    draft.become(node, "GELU", [x])
    return True


_ROOT_HALF, _ROOT_TWO_OVER_PI, _CUBE = 0.5**0.5, (2 / 3.141592653589793) ** 0.5, 0.044715


def _number(node: Node) -> float | None:
    constant = node.fixed(1)
    return None if constant is None or node.activation else constant.scalar


def _times(node: Node | None, factor: float) -> Value | None:
    """x of x times a number, or of x divided by one over it."""
    number = _number(node) if node is not None and node.kind in ("MUL", "DIV") else None
    if node is None or not number:
        return None
    found = number if node.kind == "MUL" else 1 / number
    return node.value() if abs(found - factor) < 1e-5 else None


def _without_cube(node: Node | None) -> Value | None:
    """x of x + 0.044715 x^3."""
    if node is None or node.kind != "ADD" or node.activation:
        return None
    cube = _times(node.source(1), _CUBE)
    power = cube.node if cube is not None else None
    if power is None or power.kind != "POW" or _number(power) != 3 or power.value() is not node.value(0):
        return None
    return node.value(0)
