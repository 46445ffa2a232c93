"""Nodes with bodies: what enters a branch or loop, what leaves it, and how often it runs."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

from paramlint.ir import DType, Shape, Tensor, Unknown
from paramlint.loaders.onnx.graph import Context, Item
from paramlint.loaders.onnx.operators import Node, Output
from paramlint.loaders.onnx.stated import common

if TYPE_CHECKING:
    from paramlint.loaders.onnx.infer import Solved

_UNKNOWN = Output(None, DType.UNDEFINED)


class Scan(NamedTuple):
    """How a Scan takes its inputs: states first, then what it steps through; ``axes`` of the latter."""

    states: int
    axes: tuple[int, ...]

    def axis(self, place: int) -> int | None:
        """The axis along which input ``place`` is scanned; None for a state."""
        index = place - self.states
        if index < 0:
            return None
        return self.axes[index] if index < len(self.axes) else 0


def scan_of(item: Item) -> Scan | None:
    """A Scan's inputs; None where they make no sense, or for opset 8, whose Scan had lengths and a batch of its own."""
    count, axes = 0, ()
    for proto in item.proto.attribute:
        if proto.name == "num_scan_inputs":
            count = proto.i
        elif proto.name == "scan_input_axes":
            axes = tuple(proto.ints)
    if item.opset < 9 or not 0 < count <= len(item.inputs):
        return None
    return Scan(len(item.inputs) - count, axes)


def enter(solved: Solved, mark: Item) -> None:
    """Give a body's inputs the shapes of what enters it."""
    context = solved.graph.contexts[mark.enters or 0]
    if context is None:
        return
    given = [solved.tensors.get(name) if name else None for name in context.item.inputs]
    for place, name in enumerate(context.inputs):
        source = _entering(context.item, place, given)
        shape, dtype = (source.shape, source.dtype) if source is not None else (None, DType.UNDEFINED)
        if name in solved.widened:
            shape = solved.widened[name]
        elif shape is None or None in shape:
            shape, dtype = solved.stated_for(name, shape, dtype)
        solved.tensors[name] = Tensor(name, shape, dtype)


def _entering(owner: Item, place: int, given: list[Tensor | None]) -> Tensor | None:
    tensor = given[place] if place < len(given) else None
    if owner.kind == "Loop":
        if place < 2:
            return Tensor("", (), DType.BOOL if place else DType.INT64)
        return tensor
    if owner.kind != "Scan":
        return None
    scan = scan_of(owner)
    axis = scan.axis(place) if scan is not None else None
    if scan is None or tensor is None or tensor.shape is None or axis is None:
        return tensor if scan is not None else None
    if not -len(tensor.shape) <= axis < len(tensor.shape):
        return None
    axis %= len(tensor.shape)
    return tensor._replace(shape=tensor.shape[:axis] + tensor.shape[axis + 1 :])


def leave(solved: Solved, item: Item, node: Node) -> list[Output]:
    """Outputs of a node with bodies, from what its bodies made."""
    contexts = [context for index in item.bodies or () if (context := solved.graph.contexts[index]) is not None]
    made = [[solved.tensors.get(name) if name else None for name in context.outputs] for context in contexts]
    if item.kind == "If" and contexts:
        return _branches(solved, item, contexts, made)
    if item.kind == "Loop" and contexts:
        return _turns(solved, item, node, contexts[0], made[0][1:], 2, len(item.inputs) - 2)
    scan = scan_of(item) if item.kind == "Scan" and contexts else None
    if scan is not None:
        return _turns(solved, item, node, contexts[0], made[0], 0, scan.states)
    return [_UNKNOWN] * len(item.outputs)


def _branches(
    solved: Solved, item: Item, contexts: list[Context], made: list[list[Tensor | None]]
) -> list[Output]:  # fmt: skip
    """Of an If whose condition is known, what its branch made; else what both have in common."""
    taken = branch(solved, item)
    if taken is not None:
        rows = zip(made[taken], contexts[taken].outputs, strict=True)
        return [Output(one.shape, one.dtype, solved.values.get(name)) if one else _UNKNOWN for one, name in rows]
    results = []
    for row in zip(*made, strict=False):
        shapes = [one.shape if one is not None else None for one in row]
        results.append(Output(reduce(common, shapes), row[0].dtype if row[0] is not None else DType.UNDEFINED))
    return results


def _turns(
    solved: Solved, item: Item, node: Node, context: Context, made: list[Tensor | None], first: int, states: int
) -> list[Output]:  # fmt: skip
    """States as they entered, where every turn keeps their shape; else widened, and the graph is gone through again."""
    turns, results = trips(solved, item), []
    for place, tensor in enumerate(made):
        shape, dtype = (tensor.shape, tensor.dtype) if tensor is not None else (None, DType.UNDEFINED)
        if place >= states:
            count = turns if isinstance(turns, int) else None
            results.append(Output(None if shape is None else (count, *shape), dtype))
            continue
        inside = context.inputs[place + first] if place + first < len(context.inputs) else ""
        entered = solved.tensors[inside].shape if inside in solved.tensors else node.shape(place + first)
        if shape != entered:
            shape = common(shape, entered)
            _widen(solved, inside, entered, shape)
        results.append(Output(shape, dtype))
    return results


def _widen(solved: Solved, name: str, entered: Shape | None, shape: Shape | None) -> None:
    """A state that a turn changes is known only where it stays the same."""
    if name and entered is not None and shape != entered:
        solved.widened[name] = shape
        solved.again = True


def branch(solved: Solved, item: Item) -> int | None:
    """Which body of an If runs, where shape arithmetic has settled its condition: its place in ``bodies``."""
    test = solved.value(item.inputs[0]) if item.inputs and item.inputs[0] else None
    if test is None or len(test.elements) != 1 or test.elements[0] is None:
        return None
    wanted = "then_branch" if test.elements[0] else "else_branch"
    for place, index in enumerate(item.bodies or ()):
        if getattr(solved.graph.contexts[index], "role", "") == wanted:
            return place
    return None


def trips(solved: Solved, item: Item) -> int | Unknown:
    """How often a body runs; Unknown where the file does not say."""
    if item.kind == "If":
        return 1
    if item.kind == "Loop":
        return _loop_trips(solved, item)
    scan = scan_of(item) if item.kind == "Scan" else None
    if scan is not None:
        tensor, axis = solved.tensors.get(item.inputs[scan.states]), scan.axis(scan.states) or 0
        shape = tensor.shape if tensor is not None else None
        size = shape[axis] if shape is not None and -len(shape) <= axis < len(shape) else None
        if isinstance(size, int):
            return size
    return Unknown(f"how often the body of {item.kind} runs is not known")


def _loop_trips(solved: Solved, item: Item) -> int | Unknown:
    """A count that is known, where nothing may end the loop earlier."""
    count = solved.value(item.inputs[0]) if item.inputs and item.inputs[0] else None
    context = solved.graph.contexts[item.bodies[0] if item.bodies else 0]
    condition = context.outputs[0] if context is not None and context.outputs else ""
    test = solved.value(condition) if condition else None
    handed_on = context is not None and len(context.inputs) > 1 and solved.same(condition, context.inputs[1])
    always = handed_on or (test is not None and test.elements == (True,))
    start = item.inputs[1] if len(item.inputs) > 1 else ""
    begins = solved.value(start) if start else None
    if begins is not None and begins.elements == (False,):
        return 0
    entered = not start or (begins is not None and begins.elements == (True,))
    if count is not None and len(count.elements) == 1 and type(count.elements[0]) is int and always and entered:
        return max(count.elements[0], 0)
    return Unknown("how often the body of Loop runs is not known")
