"""Operators that ONNX writes in two, put together again."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Node
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
