"""Reshapes and transposes that merge, move behind other operators, or fall away."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Fixed, Node, Value
from paramlint.deploy.lowering import sizes
from paramlint.deploy.passes import rewrites
from paramlint.ir import Shape

_REDUCTIONS = frozenset({"MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN", "REDUCE_PROD"})
_MOVES = frozenset({"RESHAPE", "TRANSPOSE", "DEPTH_TO_SPACE"})
_BINARY = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM")
MOST_AXES = 4  # that an elementwise kernel broadcasts over


@rewrites("RESHAPE")
def reshape_to_itself(draft: Draft, node: Node) -> bool:
    """A reshape that changes nothing."""
    value = node.value()
    if value is None or value.shape != node.made.shape or (node.made.outputs and value.node is None):
        return False
    draft.replace(node.made, value)
    return True


@rewrites("RESHAPE", behind=("RESHAPE",))
def reshape_of_reshape(draft: Draft, node: Node) -> bool:
    """The second alone gives the shape, whoever else reads the first."""
    before = node.source()
    if before is None or before.kind != "RESHAPE":
        return False
    draft.rewire(node, 0, before.inputs[0])
    return True


@rewrites("RESHAPE", behind=("FULLY_CONNECTED",), early=True)
def reshape_after_dense(draft: Draft, node: Node) -> bool:
    """A dense layer hands its input's leading axes on."""
    layer, value = node.source(), node.value()
    if layer is None or value is None or layer.kind != "FULLY_CONNECTED" or not value.once:
        return False
    entered = layer.value()
    want, have = node.made.shape or (), value.shape or ()
    if layer.options.get("keep_dims") or entered is None or not want or not have or want[-1] != have[-1]:
        return False
    if (entered.shape or ())[:-1] != want[:-1]:
        return False
    layer.options["keep_dims"] = True
    draft.merge(layer, node)
    return True


@rewrites("RESHAPE", behind=("FULLY_CONNECTED",))
def reshapes_around_dense(draft: Draft, node: Node) -> bool:
    """A reshape in front that the one behind undoes."""
    layer, value = node.source(), node.value()
    if layer is None or value is None or layer.kind != "FULLY_CONNECTED" or not value.once:
        return False
    before = layer.source()
    entered, flat = before.value() if before is not None and before.kind == "RESHAPE" else None, layer.value()
    if entered is None or flat is None or not entered.shape or not flat.shape or not layer.options.get("keep_dims"):
        return False
    if entered.shape[-1] != flat.shape[-1] or entered.shape[:-1] != (node.made.shape or ())[:-1]:
        return False
    draft.rewire(layer, 0, entered)
    draft.merge(layer, node)
    return True


@rewrites("FULLY_CONNECTED", behind=("RESHAPE",))
def reshapes_around_this(draft: Draft, node: Node) -> bool:
    """The same, seen from the dense layer."""
    user = next(iter(node.made.users)) if node.made.once else None
    return user is not None and user.kind == "RESHAPE" and reshapes_around_dense(draft, user)


@rewrites("RESHAPE", behind=("FULLY_CONNECTED",), late=True)
def axes_through_dense(draft: Draft, node: Node) -> bool:
    """A dense layer on more than two axes keeps them, and the reshape behind it is from those."""
    layer, value = node.source(), node.value()
    if layer is None or value is None or layer.kind != "FULLY_CONNECTED" or not value.once or not value.shape:
        return False
    entered = layer.value()
    if layer.options.get("keep_dims") or entered is None or entered.rank < 3:
        return False
    layer.options["keep_dims"] = True
    value.shape = (*(entered.shape or ())[:-1], value.shape[-1])
    return True


@rewrites("FULLY_CONNECTED", behind=("RESHAPE",), early=True)
def reshape_before_dense(draft: Draft, node: Node) -> bool:
    """A dense layer flattens leading axes itself; one that changes the last axis stays."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind != "RESHAPE" or node.options.get("keep_dims"):
        return False
    entered = before.value()
    if entered is None or not entered.shape or not value.shape or entered.shape[-1] != value.shape[-1]:
        return False
    if node.made.rank != 2:
        return False
    draft.rewire(node, 0, entered)
    return True


@rewrites("FULLY_CONNECTED", behind=("RESHAPE",), early=True)
def squeeze_before_dense(draft: Draft, node: Node) -> bool:
    """Leading axes of length 1 that are dropped in front of a dense layer."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind != "RESHAPE" or value.rank != 2 or node.made.rank != 2:
        return False
    entered = before.value()
    if entered is None or entered.rank < 3 or not reduced_tail(entered.shape or (), value.shape or ()):
        return False
    node.options["keep_dims"] = False
    draft.rewire(node, 0, entered)
    return True


@rewrites("RESHAPE", behind=_REDUCTIONS)
def reshape_after_reduction(draft: Draft, node: Node) -> bool:
    """A reshape that puts the reduced axes back with length 1."""
    before, value = node.source(), node.value()
    if before is None or value is None or before.kind not in _REDUCTIONS or before.options.get("keep_dims"):
        return False
    entered = before.value()
    axes = before.options.get("axes", ())
    if entered is None or entered.shape is None or not value.once:
        return False
    kept = tuple([1 if place in axes else size for place, size in enumerate(entered.shape)])
    if kept != node.made.shape:
        return False
    before.options["keep_dims"] = True
    draft.merge(before, node)
    return True


@rewrites("CEIL", "EXP", "FLOOR", "NEG", "RELU", "RELU_N1_TO_1", "RELU6", "ROUND", "TANH", "SQRT", "SQUARE", "LOGISTIC",
          behind=_MOVES)  # fmt: skip
def value_before_move(draft: Draft, node: Node) -> bool:
    """A function of each element comes in front of an operator that only moves elements."""
    move, value = node.source(), node.value()
    if move is None or value is None or move.kind not in _MOVES or not value.once:
        return False
    entered = move.value()
    if entered is None:
        return False
    _swap(move, node, entered, value)
    return True


def _swap(move: Node, node: Node, entered: Value, value: Value) -> None:
    """The two operators change places: the first one now computes, the second one moves."""
    move.kind, node.kind = node.kind, move.kind
    move.options, node.options = node.options, move.options
    move.onnx, node.onnx = node.onnx, move.onnx
    move.layer, node.layer = node.layer, move.layer
    move.inputs[1:], node.inputs[1:] = node.inputs[1:], move.inputs[1:]
    value.shape, value.dtype = entered.shape, node.made.dtype


@rewrites(*_BINARY, behind=("RESHAPE",))
def constant_before_reshape(draft: Draft, node: Node) -> bool:
    """A constant operand that fits the last axes before and after a reshape comes in front of it."""
    constant, move, value = node.fixed(1), node.source(), node.value()
    if constant is None or move is None or value is None or move.kind != "RESHAPE" or not value.once:
        return False
    entered = move.value()
    if entered is None or max(entered.rank, value.rank, len(constant.shape)) > MOST_AXES:
        return False
    if value.shape != node.made.shape:
        return False
    if not _tail(constant.shape, value.shape or ()) or not _tail(constant.shape, entered.shape or ()):
        return _flat_constant(node, constant, move, entered, value)
    _swap(move, node, entered, value)
    return True


def _flat_constant(node: Node, constant: Fixed, move: Node, entered: Value, value: Value) -> bool:
    """Behind a dense layer a constant of as many elements as its outputs fits it flattened."""
    layer = move.source()
    if layer is None or layer.kind != "FULLY_CONNECTED" or not entered.shape:
        return False
    if entered.shape[-1] != constant.elements or not reduced_tail(constant.shape, value.shape or ()):
        return False
    node.inputs[1] = Fixed((constant.elements,), constant.dtype, constant.storage, constant.learned, constant.scalar)
    _swap(move, node, entered, value)
    return True


def _tail(part: Shape, whole: Shape) -> bool:
    return len(part) <= len(whole) and part == whole[len(whole) - len(part) :]


def reduced_tail(part: Shape, whole: Shape) -> bool:
    """Whether a shape without its leading ones is the end of another."""
    start = 0
    while start < len(part) and part[start] == 1:
        start += 1
    return start < len(part) and _tail(part[start:], whole)


@rewrites(*_BINARY, behind=("RESHAPE",))
def both_before_reshape(draft: Draft, node: Node) -> bool:
    """Two reshapes of equal tensors to equal shapes: one behind the operator."""
    moves = node.source(0), node.source(1)
    values = node.value(0), node.value(1)
    if not all(one is not None and one.kind == "RESHAPE" for one in moves):
        return False
    first, second = moves
    left, right = values
    if first is None or second is None or left is None or right is None or left.shape != right.shape:
        return False
    one, other = first.value(), second.value()
    if one is None or other is None or one.shape != other.shape or one.dtype != other.dtype:
        return False
    if left is right or not left.once or not right.once:
        return False
    final, place = node.made, node.place
    middle = Value(final.name, one.shape, final.dtype)
    middle.node = node
    node.outputs = [middle]
    draft.rewire(node, 0, one)
    draft.rewire(node, 1, other)
    moved = draft.add("RESHAPE", [middle, sizes(final.shape or ())], [final], node.onnx, node.layer, place)
    final.node = moved
    return True
