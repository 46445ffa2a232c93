"""Shapes, small values and costs, node by node: the operators' own functions first, then what the file states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from paramlint.ir import DType, Formula, Shape, Tensor, Unknown, Weight
from paramlint.loaders import Request
from paramlint.loaders.onnx.attributes import attributes
from paramlint.loaders.onnx.bind import bind
from paramlint.loaders.onnx.bodies import enter, leave
from paramlint.loaders.onnx.graph import Graph, Item
from paramlint.loaders.onnx.operators import Node, Output, ShapeError, Value
from paramlint.loaders.onnx.stated import merged, stated_shape, stated_type
from paramlint.loaders.onnx.trace import Trace
from paramlint.loaders.onnx.uses import label

#: What an operator may raise on attributes and shapes that make no sense; its message names what it met.
BROKEN = (ValueError, TypeError, KeyError, IndexError, OverflowError, ZeroDivisionError, AttributeError)
_PASSES = 8  # over a graph whose loops change the shape of what they carry; each pass forgets at least one size
_NO: tuple[bool, ...] = ()  # no input is fixed
_T = TypeVar("_T")


class Solved:
    """What is known of every value and node once the pass is done."""

    def __init__(self, graph: Graph, trace: Trace, request: Request) -> None:
        self.graph, self.trace, self.request = graph, trace, request
        self.tensors: dict[str, Tensor] = {}
        self.values: dict[str, Value | None] = {}
        self.nodes: dict[int, Node] = {}  # by id of the item
        self.errors: dict[int, str] = {}
        self.bound = bind(graph, request)
        self.hints: dict[str, tuple[Shape | None, DType]] = {}
        self.widened: dict[str, Shape | None] = {}  # states of loops whose shape changes from turn to turn
        self.again = False
        self._decoded: dict[tuple[bytes, ...], dict[str, Any]] = {}  # kept: their identity is part of a question
        self._answers: dict[tuple[Any, ...], Any] = {}
        self._moved: dict[str, str] = {}  # outputs of Identity and Cast -> their input
        self._stated = dict(graph.infos)

    def run(self, weights: Mapping[int, Mapping[int, Weight]]) -> None:
        """Go through the flat graph; ``weights`` gives each item's weights by input index."""
        for _ in range(_PASSES):
            self.again = False
            self._pass(weights)
            if not self.again:
                return
        self.widened = dict.fromkeys(self.widened)
        self._pass(weights)

    def without_batch(self) -> None:
        """Leave the batch free: the graph's own sizes contradict what was taken for it."""
        self.bound = bind(self.graph, self.request, batch=False)

    def _pass(self, weights: Mapping[int, Mapping[int, Weight]]) -> None:
        self.tensors = dict(self.bound.tensors)
        self.values.clear()
        self.nodes.clear()
        self.errors.clear()
        for name, stored in self.graph.stored.items():
            self.tensors[name] = Tensor(name, stored.dims, stored.dtype)
        for item in self.graph.items:
            if item.enters is not None:
                enter(self, item)
            else:
                self._node(item, weights.get(id(item), {}))

    def value(self, name: str) -> Value | None:
        if name in self.values:
            return self.values[name]
        stored = self.graph.stored.get(name)
        value = self.graph.tensors.value(stored) if stored is not None and stored.elements <= 1024 else None
        self.values[name] = value
        return value

    def _node(self, item: Item, weights: Mapping[int, Weight]) -> None:
        tensors = self.tensors
        inputs = tuple([tensors.get(name) if name else None for name in item.inputs])
        values = self._values(item)
        key, fixed = id(item), self.trace.fixed
        flags = _NO if fixed.isdisjoint(item.inputs) else tuple([name in fixed for name in item.inputs])
        node = Node(
            item.kind, item.domain, item.name, item.opset, self._attributes(item), inputs, values, weights,
            len(item.outputs), fixed=flags,
        )  # fmt: skip
        self.nodes[key] = node
        results: list[Output] | None = None
        if item.bodies:
            results = leave(self, item, node)
        elif item.op is not None:
            try:
                results = self._same_as_before(item, node, 0, item.op.infer)
            except ShapeError as error:
                self.errors[key] = str(error)
            except BROKEN as error:
                self.errors[key] = f"{label(item)} cannot be read: {type(error).__name__}: {error}"
        self._record(item, node, results or [])

    def _values(self, item: Item) -> tuple[Value | None, ...]:
        """Known elements by input; those of weights are nobody's business."""
        stored, known, found = self.graph.stored, self.values, []
        if stored.keys().isdisjoint(item.inputs) and known.keys().isdisjoint(item.inputs):
            return ()
        slots = item.op.slots if item.op is not None else ()
        for index, name in enumerate(item.inputs):
            tensor = stored.get(name)
            if tensor is None:
                found.append(known.get(name))
            else:
                found.append(None if index in slots and tensor.dtype.is_float else self.value(name))
        return tuple(found)

    def _attributes(self, item: Item) -> dict[str, Any]:
        """The decoded attributes; nodes that state the same have one mapping."""
        listed = item.proto.attribute
        if not len(listed):
            return {}
        if item.outer is not None or item.bodies:
            return attributes(item.proto, item.outer, self.graph.tensors)
        key = tuple([proto.SerializeToString() for proto in listed])
        decoded = self._decoded.get(key)
        if decoded is None:
            decoded = self._decoded[key] = attributes(item.proto, None, self.graph.tensors)
        return decoded

    def _same_as_before(self, item: Item, node: Node, what: int, answer: Callable[[Node], _T]) -> _T:
        """What an operator with weights answers; a network repeats its layers, so each answer is worked out once."""
        if not item.op.slots or any(node.values) or item.outer is not None:
            return answer(node)
        key = (
            what, node.kind, node.domain, node.opset, id(node.attributes) if node.attributes else 0, node.output_count,
            node.inputs_seen(), node.fixed, tuple(node.weights) if what else (),
            tuple([None if made is None else made.shape for made in node.outputs]),
        )  # fmt: skip
        found: Any = self._answers.get(key, self)
        if found is self:
            found = self._answers[key] = answer(node)
        return found  # type: ignore[no-any-return]  # stored under the same question

    def _record(self, item: Item, node: Node, results: list[Output]) -> None:
        made: list[Tensor | None] = []
        for place, name in enumerate(item.outputs):
            result = results[place] if place < len(results) else None
            if not name:
                made.append(
                    None
                    if result is None or result.shape is None
                    else Tensor("", result.shape, result.dtype or node.dtype(0))
                )
                continue
            shape = result.shape if result is not None else None
            dtype = result.dtype if result is not None and result.dtype is not None else None
            if dtype is None:
                dtype = node.dtype(0) if result is not None else DType.UNDEFINED
            if shape is None or None in shape or (name in self.hints and not all(type(dim) is int for dim in shape)):
                shape, dtype = self.stated_for(name, shape, dtype)
            tensor = Tensor(name, shape, dtype)
            if result is not None and result.value is not None:
                self.values[name] = result.value
            self.tensors[name] = tensor
            made.append(tensor)
        node.outputs = tuple(made)

    def stated_for(self, name: str, shape: Shape | None, dtype: DType) -> tuple[Shape | None, DType]:
        """What the file (or onnx's inference) states of a value fills what the operator left open."""
        for source in (self._stated.get(name), self.hints.get(name)):
            if source is None:
                continue
            if isinstance(source, tuple):
                other, kind = source
            else:
                other, kind = stated_shape(source), stated_type(source)
                if other is not None:
                    sizes = self.bound.sizes
                    other = tuple([sizes.get(dim, dim) if isinstance(dim, str) else dim for dim in other])
            if other is not None:
                shape = other if shape is None else merged(shape, other)
            if dtype is DType.UNDEFINED:
                dtype = kind
        return shape, dtype

    def same(self, name: str, other: str) -> bool:
        """Whether ``name`` is ``other``, handed on by Identity or Cast alone."""
        if not self._moved:
            moves = [item for item in self.graph.items if item.kind in ("Identity", "Cast") and item.inputs]
            self._moved = {item.outputs[0]: item.inputs[0] for item in moves}
        while name != other and name in self._moved:
            name = self._moved[name]
        return name == other

    def cost(self, item: Item) -> tuple[Formula | None, int | Unknown]:
        """MACs of one run of a node."""
        key = id(item)
        if item.op is None:
            return None, Unknown(f"no cost is known for {label(item)}")
        if key in self.errors:
            return None, Unknown(self.errors[key])
        try:
            result = self._same_as_before(item, self.nodes[key], 1, item.op.macs)
        except ShapeError as error:
            result = Unknown(str(error))
        except BROKEN as error:
            result = Unknown(f"{label(item)} cannot be read: {type(error).__name__}: {error}")
        if result is None:
            return None, 0
        return (None, result) if isinstance(result, Unknown) else (result, result.value)

    def witness(self, item: Item) -> Formula | Unknown | None:
        """Parameters by the operator's own formula."""
        if item.op is None or id(item) in self.errors:
            return None
        try:
            found: Formula | Unknown | None = self._same_as_before(item, self.nodes[id(item)], 2, item.op.params)
        except ShapeError as error:
            return Unknown(str(error))
        except BROKEN as error:
            return Unknown(f"{type(error).__name__}: {error}")
        return found
