"""Constants that fold into the weights of a layer in front of them or behind."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Fixed, Node, Value
from paramlint.deploy.passes import rewrites

_CONVOLUTIONS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"})
_FILTER = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "TRANSPOSE_CONV": 1, "FULLY_CONNECTED": 1}
_BIAS = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "TRANSPOSE_CONV": 3, "FULLY_CONNECTED": 2}


def bias_of(node: Node) -> Value | Fixed | None:
    place = _BIAS[node.kind]
    return node.inputs[place] if place < len(node.inputs) else None


def _set_bias(node: Node, bias: Fixed) -> None:
    place = _BIAS[node.kind]
    while len(node.inputs) <= place:
        node.inputs.append(None)
    node.inputs[place] = bias


def _channels(node: Node) -> int | None:
    size = (node.made.shape or ())[-1] if node.made.shape else None
    return size if isinstance(size, int) else None


def _per_output(constant: Fixed, channels: int | None) -> bool:
    """Whether a constant has one number, or one for each output channel."""
    return constant.per_channel and (constant.wide in (1, channels))


def _layer_before(node: Node) -> Node | None:
    """The layer that makes the first operand and whose output nothing else reads, without activation."""
    layer = node.source()
    value = node.value()
    if layer is None or value is None or layer.kind not in _FILTER or layer.activation:
        return None
    return layer if value.once and value.shape == node.made.shape else None


def _take(draft: Draft, layer: Node, node: Node) -> None:
    if node.activation:
        layer.options["activation"] = node.activation
    draft.merge(layer, node)


@rewrites("ADD", "SUB", behind=_FILTER)
def add_into_layer(draft: Draft, node: Node) -> bool:
    """A constant that is added to a layer's output becomes its bias."""
    constant, layer = node.fixed(1), _layer_before(node)
    if constant is None or layer is None or isinstance(bias_of(layer), Value):
        return False
    channels = _channels(layer)
    if channels is None or not _per_output(constant, channels):
        return False
    bias = bias_of(layer)
    if isinstance(bias, Fixed) and not bias.zero:
        merged = bias.folded(constant, (channels,))
    else:
        spread = constant.wide != channels or not constant.learned
        name = f"{constant.storage} of {channels}" if spread else constant.storage
        merged = Fixed((channels,), constant.dtype, name)
    _set_bias(layer, merged)
    _take(draft, layer, node)
    return True


@rewrites("MUL", "DIV", behind=_FILTER)
def multiply_into_layer(draft: Draft, node: Node) -> bool:
    """A constant factor of a layer's output goes into its weights and its bias."""
    constant, layer = node.fixed(1), _layer_before(node)
    if constant is None or layer is None:
        return False
    weights, bias = layer.fixed(_FILTER[layer.kind]), bias_of(layer)
    if weights is None or isinstance(bias, Value) or not _per_output(constant, _channels(layer)):
        return False
    layer.inputs[_FILTER[layer.kind]] = weights.folded(constant)
    if bias is not None and not bias.zero:
        _set_bias(layer, bias.folded(constant))
    _take(draft, layer, node)
    return True


@rewrites("ADD", behind=("ADD",))
def add_of_add(draft: Draft, node: Node) -> bool:
    """Two constants that are added one after the other are one; with an activation only what no layer took."""
    return not node.activation and _add_both(draft, node)


@rewrites("ADD", behind=("ADD",), late=True)
def activated_add_of_add(draft: Draft, node: Node) -> bool:
    """The rest of ``add_of_add``."""
    return _add_both(draft, node)


def _add_both(draft: Draft, node: Node) -> bool:
    constant, first = node.fixed(1), node.source()
    if constant is None or first is None or first.kind != "ADD" or first.activation:
        return False
    inner, value = first.fixed(1), node.value()
    if inner is None or value is None or not value.once or not _mergeable(inner, constant):
        return False
    wider = inner if inner.elements >= constant.elements else constant
    narrow = constant if wider is inner else inner
    if wider.learned:
        first.inputs[1] = wider.folded(narrow)
    else:
        first.inputs[1] = Fixed(wider.shape, wider.dtype, f"{wider.storage} + {narrow.storage}", False)
    _take(draft, first, node)
    return True


def _mergeable(one: Fixed, other: Fixed) -> bool:
    return one.elements == 1 or other.elements == 1 or one.shape == other.shape


@rewrites("ADD", "SUB")
def plus_nothing(draft: Draft, node: Node) -> bool:
    """A summand of 0 changes nothing."""
    constant, value = node.fixed(1), node.value()
    if constant is None or value is None or constant.scalar != 0 or node.activation or value.shape != node.made.shape:
        return False
    draft.replace(node.made, value)
    return True


@rewrites("DIV")
def divide_as_multiply(draft: Draft, node: Node) -> bool:
    """Division by a constant is multiplication by one over it."""
    constant = node.fixed(1)
    if constant is None:
        return False
    inverse = None if not constant.scalar else 1 / constant.scalar
    node.kind = "MUL"
    node.inputs[1] = Fixed(constant.shape, constant.dtype, f"1 / {constant.storage}", constant.learned, inverse)
    return True


def _added(node: Node) -> tuple[Node, Fixed] | None:
    """The operator with one constant operand in front of a layer."""
    before = node.source()
    if before is None or before.activation or before.value() is None:
        return None
    constant = before.fixed(1)
    return None if constant is None else (before, constant)


@rewrites("FULLY_CONNECTED", behind=("ADD", "MUL"))
def constant_before_dense(draft: Draft, node: Node) -> bool:
    """What is added or multiplied in front of a dense layer without activation."""
    return not node.activation and (_add_before(draft, node) or _multiply_before(draft, node))


@rewrites("FULLY_CONNECTED", behind=("ADD", "MUL"), late=True)
def constant_before_activated_dense(draft: Draft, node: Node) -> bool:
    """One with an activation comes to it after the layer in front, which may have taken the constant by then."""
    return _add_before(draft, node) or _multiply_before(draft, node)


def _add_before(draft: Draft, node: Node) -> bool:
    """A constant that is added goes through the matrix into the bias, whoever else reads the sum."""
    found, bias = _added(node), bias_of(node)
    if found is None or found[0].kind != "ADD" or not isinstance(bias, Fixed) or node.fixed(1) is None:
        return False
    before, constant = found
    if len(constant.shape) != 1:
        return False
    _set_bias(node, bias.folded(constant, bias.shape))
    draft.rewire(node, 0, before.inputs[0])
    return True


def _multiply_before(draft: Draft, node: Node) -> bool:
    """A constant factor goes into the matrix."""
    found, weights = _added(node), node.fixed(1)
    if found is None or found[0].kind != "MUL" or weights is None or len(found[1].shape) != 1:
        return False
    node.inputs[1] = weights.folded(found[1])
    draft.rewire(node, 0, found[0].inputs[0])
    return True


@rewrites("FULLY_CONNECTED", "CONV_2D", "DEPTHWISE_CONV_2D", behind=("ADD", "SUB", "MUL", "DIV"), late=True)
def number_before_layer(draft: Draft, node: Node) -> bool:
    """One number added or multiplied in front of a layer goes into its weights; an addition only without padding."""
    found, weights, bias = _added(node), node.fixed(1), bias_of(node)
    if found is None or weights is None or isinstance(bias, Value):
        return False
    before, constant = found
    if before.kind not in ("ADD", "SUB", "MUL", "DIV") or constant.elements != 1:
        return False
    if before.kind in ("ADD", "SUB"):
        if node.options.get("padding", "VALID") != "VALID":
            return False
        count = _channels(node)
        if count is None:
            return False
        if bias is None or bias.zero:
            _set_bias(node, Fixed((count,), weights.dtype, f"{weights.storage} * {constant.storage}, summed"))
        else:
            _set_bias(node, bias.folded(constant))
    else:
        node.inputs[1] = weights.folded(constant)
    draft.rewire(node, 0, before.inputs[0])
    return True
