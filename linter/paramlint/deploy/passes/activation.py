"""Activations that become a flag of the operator in front, and curves that are recognised."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Fixed, Node, Value
from paramlint.deploy.passes import rewrites

_FUSES = frozenset({
    "CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "ADD", "SUB", "MUL", "DIV", "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
})  # fmt: skip
_CLAMPS = ("RELU", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1")


@rewrites(*_CLAMPS, behind=_FUSES)
def fuse_activation(draft: Draft, node: Node) -> bool:
    """A clamp whose operator in front has no other reader."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind not in _FUSES or before.activation or not value.once:
        return False
    if before.kind == "TRANSPOSE_CONV" and before.fixed(3) is None:
        return False
    before.options["activation"] = node.kind
    draft.merge(before, node)
    return True


@rewrites(*_CLAMPS, behind=("FULLY_CONNECTED",))
def repeat_dense_for_activation(draft: Draft, node: Node) -> bool:
    """A dense layer whose output is read without the activation, too, runs a second time with it."""
    layer, value = node.source(), node.value()
    if layer is None or value is None or layer.kind != "FULLY_CONNECTED" or layer.activation or value.once:
        return False
    options = {**layer.options, "activation": node.kind}
    draft.become(node, "FULLY_CONNECTED", list(layer.inputs))
    node.options, node.onnx, node.layer = options, layer.onnx, layer.layer
    return True


@rewrites(*_CLAMPS, behind=_CLAMPS)
def clamp_of_the_same(draft: Draft, node: Node) -> bool:
    """Twice the same does no more than once."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind != node.kind:
        return False
    draft.replace(node.made, value)
    return True


@rewrites("RELU", behind=("SQUARED_DIFFERENCE",))
def relu_of_squares(draft: Draft, node: Node) -> bool:
    """Squares are never negative."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind != "SQUARED_DIFFERENCE":
        return False
    draft.replace(node.made, value)
    return True


@rewrites("MINIMUM", behind=("RELU",))
def relu6_of_minimum(draft: Draft, node: Node) -> bool:
    """min(relu(x), 6)."""
    constant, before = node.fixed(1), node.source()
    if constant is None or constant.scalar != 6 or before is None or before.kind != "RELU":
        return False
    node.kind, node.inputs[1:] = "RELU6", []
    draft.rewire(node, 0, before.inputs[0])
    return True


@rewrites("MAXIMUM", "MINIMUM")
def clamp(draft: Draft, node: Node) -> bool:
    """max(x, 0), and both ends of -1 to 1 in either order."""
    constant = node.fixed(1)
    if constant is None or constant.scalar is None:
        return False
    if node.kind == "MAXIMUM" and constant.scalar == 0:
        node.kind, node.inputs[1:] = "RELU", []
        return True
    before = node.source()
    if before is None or before.kind != ("MINIMUM" if node.kind == "MAXIMUM" else "MAXIMUM"):
        return False
    inner = before.fixed(1)
    ends = {constant.scalar, inner.scalar if inner is not None else None}
    if ends != {-1.0, 1.0} or (constant.scalar == -1) != (node.kind == "MAXIMUM"):
        return False
    node.kind, node.inputs[1:] = "RELU_N1_TO_1", []
    draft.rewire(node, 0, before.inputs[0])
    return True


@rewrites("MAXIMUM", behind=("MUL",))
def leaky_relu(draft: Draft, node: Node) -> bool:
    """max(a x, x) with a below 1."""
    for mine, other in ((0, 1), (1, 0)):
        product, x = node.source(mine), node.value(other)
        made = node.value(mine)
        if product is None or product.kind != "MUL" or product.activation or x is None or made is None or not made.once:
            continue
        slope = product.fixed(1)
        if product.inputs[0] is x and slope is not None and slope.scalar is not None and abs(slope.scalar) < 1:
            draft.become(node, "LEAKY_RELU", [x])
            return True
    return False


def _shifted(node: Node | None, x: Value | None = None) -> Value | None:
    """x of relu6(x + 3)."""
    if node is None or node.kind != "ADD" or node.activation != "RELU6":
        return None
    constant = node.fixed(1)
    if constant is None or constant.scalar != 3:
        return None
    found = node.value()
    return found if x is None or found is x else None


def _sixth(node: Node | None) -> bool:
    constant = node.fixed(1) if node is not None and node.kind == "MUL" else None
    return constant is not None and constant.scalar is not None and abs(constant.scalar - 1 / 6) < 1e-6


@rewrites("MUL", behind=("ADD", "MUL"), deep=True)
def hard_swish(draft: Draft, node: Node) -> bool:
    """x relu6(x + 3) / 6, in whatever order it is multiplied."""
    found = _hard_swish(node)
    if found is None:
        return False
    draft.become(node, "HARD_SWISH", [found])
    return True


def _hard_swish(node: Node) -> Value | None:
    if node.activation:
        return None
    if _sixth(node):
        inner = node.source()
        if inner is None or inner.kind != "MUL" or inner.activation:
            return None
        for mine, other in ((0, 1), (1, 0)):
            found = _shifted(inner.source(mine), inner.value(other))
            if found is not None and inner.value(other) is not None:
                return found
        return None
    for mine, other in ((0, 1), (1, 0)):
        scaled, x = node.source(mine), node.value(other)
        if scaled is None or x is None or not _sixth(scaled) or scaled.activation:
            continue
        if _shifted(scaled.source(), x) is not None:
            return x
    return None


@rewrites("ADD", behind=("RELU",), deep=True)
def prelu(draft: Draft, node: Node) -> bool:
    """relu(x) + a relu(-x): a PRELU with slopes -a."""
    for mine, other in ((0, 1), (1, 0)):
        above, product = node.source(mine), node.source(other)
        if above is None or above.kind != "RELU" or product is None or product.kind != "MUL" or product.activation:
            continue
        slopes, below = product.fixed(1), product.source()
        negated = below.source() if below is not None and below.kind == "RELU" else None
        x = above.value()
        if slopes is None or negated is None or negated.kind != "NEG" or negated.value() is not x or x is None:
            continue
        shape = (*(1,) * (x.rank - 1 - len(slopes.shape)), *slopes.shape)[-max(x.rank - 1, 1) :]
        draft.become(node, "PRELU", [x, Fixed(shape, slopes.dtype, slopes.storage, slopes.learned)])
        return True
    return False


@rewrites("POW")
def power(draft: Draft, node: Node) -> bool:
    """Powers that are simpler operators."""
    constant, x = node.fixed(1), node.value()
    if constant is None or x is None or constant.scalar not in (1.0, 2.0, 0.5, -0.5):
        return False
    if constant.scalar == 1:
        draft.replace(node.made, x)
        return True
    if constant.scalar == 2:
        node.kind, node.inputs = "MUL", [x, x]
        x.users[node] = 2
        return True
    node.kind, node.inputs = "SQRT" if constant.scalar == 0.5 else "RSQRT", [x]
    return True


@rewrites("MUL")
def times_one(draft: Draft, node: Node) -> bool:
    """A factor of 1 changes nothing."""
    constant, x = node.fixed(1), node.value()
    if constant is None or x is None or constant.scalar != 1 or node.activation or x.shape != node.made.shape:
        return False
    draft.replace(node.made, x)
    return True
