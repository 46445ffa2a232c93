"""Shapes, small values and costs, node by node: the operators' own functions first, then what the file states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from paramlint.ir import Dim, DType, Formula, Shape, Tensor, Unknown, Weight
from paramlint.loaders import Request
from paramlint.loaders.onnx.attributes import attributes
from paramlint.loaders.onnx.graph import Context, Graph, GraphError, Item
from paramlint.loaders.onnx.operators import Node, Output, ShapeError, Value
from paramlint.loaders.onnx.rows import stated_shape, stated_type
from paramlint.loaders.onnx.trace import Trace
from paramlint.loaders.onnx.uses import label

#: What an operator may raise on attributes and shapes that make no sense; its message names what it met.
BROKEN = (ValueError, TypeError, KeyError, IndexError, OverflowError, ZeroDivisionError, AttributeError)
_RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
_T = TypeVar("_T")


class Solved:
    """What is known of every value and node once the pass is done."""

    def __init__(self, graph: Graph, trace: Trace, request: Request) -> None:
        self.graph, self.trace, self.request = graph, trace, request
        self.tensors: dict[str, Tensor] = {}
        self.values: dict[str, Value | None] = {}
        self.nodes: dict[int, Node] = {}  # by id of the item
        self.errors: dict[int, str] = {}
        self.assumed: list[str] = []
        self.hints: dict[str, tuple[Shape | None, DType]] = {}
        self.unknown = 0  # values whose shape stayed unknown
        self._decoded: dict[tuple[bytes, ...], dict[str, Any]] = {}  # kept: their identity is part of a question
        self._answers: dict[tuple[Any, ...], Any] = {}
        self._moved: dict[str, str] = {}  # outputs of Identity and Cast -> their input
        self._stated = dict(graph.infos)

    def run(self, weights: Mapping[int, Mapping[int, Weight]]) -> None:
        """One pass over the flat graph; ``weights`` gives each item's weights by input index."""
        self.tensors.clear()
        self.values.clear()
        self.nodes.clear()
        self.errors.clear()
        self.unknown = 0
        self._bind_inputs()
        for name, stored in self.graph.stored.items():
            self.tensors[name] = Tensor(name, stored.dims, stored.dtype)
        for item in self.graph.items:
            if item.enters is not None:
                self._enter(item)
            else:
                self._node(item, weights.get(id(item), {}))

    def _bind_inputs(self) -> None:
        request = self.request
        names = {name for name, _ in self.graph.inputs}
        symbols: set[str] = set()
        for name, info in self.graph.inputs:
            shape = stated_shape(info)
            if shape is not None:
                symbols.update(dim for dim in shape if isinstance(dim, str))
            shape = self._bound(name, shape)
            self.tensors[name] = Tensor(name, shape, stated_type(info))
        for wrong in request.input_shapes.keys() - names:
            raise GraphError(
                f"--input-shape names {wrong!r}, which is no graph input (inputs: {', '.join(sorted(names)[:5])})"
            )
        self._batch()

    def _bound(self, name: str, shape: Shape | None) -> Shape | None:
        given = self.request.input_shapes.get(name)
        if given is not None:
            if shape is not None and len(shape) != len(given):
                raise GraphError(f"--input-shape gives {name!r} {len(given)} axes, the model states {len(shape)}")
            for have, want in zip(shape or (), given, strict=False):
                if type(have) is int and have != want:
                    raise GraphError(
                        f"--input-shape gives {name!r} {list(given)}, the model states {have} where that has {want}"
                    )
            return given
        if shape is None:
            return None
        return tuple([self.request.dims.get(dim, dim) if isinstance(dim, str) else dim for dim in shape])

    def _batch(self) -> None:
        """Axis 0 of an input that is free is taken as batch 1, unless a recurrent layer steps through it."""
        chosen: dict[str, int] = {}
        taken: list[str] = []
        steps = self._time_major()
        fixed = {t.shape[0] for n, _ in self.graph.inputs if (t := self.tensors[n]).shape and type(t.shape[0]) is int}
        elsewhere = {
            dim for name, _ in self.graph.inputs for dim in (self.tensors[name].shape or ())[1:] if isinstance(dim, str)
        }
        for name, _ in self.graph.inputs:
            shape = self.tensors[name].shape
            if not shape or type(shape[0]) is int or name in steps or shape[0] in elsewhere:
                continue
            taken.append(name)
            if isinstance(shape[0], str):
                chosen[shape[0]] = 1
        size = fixed.pop() if self.request.input_shapes and len(fixed) == 1 and taken else 1
        for name, _ in self.graph.inputs:
            tensor = self.tensors[name]
            if tensor.shape:
                head: Dim = size if name in taken else tensor.shape[0]
                rest = [size if dim in chosen else dim for dim in tensor.shape[1:]]
                self.tensors[name] = tensor._replace(shape=(head, *rest))
        self._symbols = dict.fromkeys(chosen, size)
        if taken:
            listed = ", ".join(taken[:5]) + (f" and {len(taken) - 5} more" if len(taken) > 5 else "")
            self.assumed = [f"batch {size} for the free axis 0 of {listed}"]

    def _time_major(self) -> set[str]:
        """Graph inputs whose axis 0 a recurrent node reads as time, directly or through moves that keep it first."""
        inputs = {name for name, _ in self.graph.inputs}
        same = {name: name for name in inputs}
        found = set()
        for item in self.graph.items:
            first = item.inputs[0] if item.inputs else ""
            if first not in same or item.op is None:
                continue
            if item.kind in _RECURRENT:
                layout = next((proto.i for proto in item.proto.attribute if proto.name == "layout"), 0)
                if not layout:
                    found.add(same[first])
            elif item.kind in ("Identity", "Cast", "Dropout", "Relu", "Squeeze", "MatMul", "Add") and item.outputs:
                same[item.outputs[0]] = same[first]
        return found

    def _value(self, name: str) -> Value | None:
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
        node = Node(
            item.kind, item.domain, item.name, item.opset, self._attributes(item), inputs, values, weights,
            len(item.outputs), fixed=tuple([name in fixed for name in item.inputs]),
        )  # fmt: skip
        self.nodes[key] = node
        results: list[Output] | None = None
        if item.bodies:
            results = self._leave(item, node)
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
        slots = item.op.slots if item.op is not None else ()
        for index, name in enumerate(item.inputs):
            tensor = stored.get(name)
            if tensor is None:
                found.append(known.get(name))
            else:
                found.append(None if index in slots and tensor.dtype.is_float else self._value(name))
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
                shape, dtype = self._stated_for(name, shape, dtype)
            tensor = Tensor(name, shape, dtype)
            if shape is None or None in shape:
                self.unknown += 1
            if result is not None and result.value is not None:
                self.values[name] = result.value
            self.tensors[name] = tensor
            made.append(tensor)
        node.outputs = tuple(made)

    def _stated_for(self, name: str, shape: Shape | None, dtype: DType) -> tuple[Shape | None, DType]:
        """What the file (or onnx's inference) states of a value fills what the operator left open."""
        for source in (self._stated.get(name), self.hints.get(name)):
            if source is None:
                continue
            if isinstance(source, tuple):
                other, kind = source
            else:
                other, kind = stated_shape(source), stated_type(source)
                if other is not None:
                    dims = {**self._symbols, **self.request.dims}
                    other = tuple([dims.get(dim, dim) if isinstance(dim, str) else dim for dim in other])
            if other is not None:
                shape = other if shape is None else merged(shape, other)
            if dtype is DType.UNDEFINED:
                dtype = kind
        return shape, dtype

    def _enter(self, mark: Item) -> None:
        """Give a body's inputs the shapes of what enters it."""
        context = self.graph.contexts[mark.enters or 0]
        if context is None:
            return
        owner = context.item
        given = [self.tensors.get(name) if name else None for name in owner.inputs]
        for place, name in enumerate(context.inputs):
            shape, dtype = None, DType.UNDEFINED
            source = self._entering(owner, context, place, given)
            if source is not None:
                shape, dtype = source.shape, source.dtype
            info = self._stated.get(name)
            if info is not None and (shape is None or None in shape):
                shape, dtype = self._stated_for(name, shape, dtype)
            self.tensors[name] = Tensor(name, shape, dtype)

    def _entering(self, owner: Item, context: Context, place: int, given: list[Tensor | None]) -> Tensor | None:
        if owner.kind == "Loop":
            if place == 0:
                return Tensor("", (), DType.INT64)
            if place == 1:
                return Tensor("", (), DType.BOOL)
            return given[place] if place < len(given) else None
        if owner.kind == "Scan":
            tensor = given[place] if place < len(given) else None
            scanned = next((proto.i for proto in owner.proto.attribute if proto.name == "num_scan_inputs"), 0)
            if tensor is None or tensor.shape is None or place < len(given) - scanned:
                return tensor
            axes = next((tuple(proto.ints) for proto in owner.proto.attribute if proto.name == "scan_input_axes"), ())
            index = place - (len(given) - scanned)
            axis = axes[index] if index < len(axes) else 0
            if not -len(tensor.shape) <= axis < len(tensor.shape):
                return None
            axis %= len(tensor.shape)
            return tensor._replace(shape=tensor.shape[:axis] + tensor.shape[axis + 1 :])
        return None

    def _leave(self, item: Item, node: Node) -> list[Output]:
        """Outputs of a node with bodies, from what its bodies made."""
        contexts = [context for index in item.bodies or () if (context := self.graph.contexts[index]) is not None]
        parts = [[self.tensors.get(name) for name in context.outputs] for context in contexts]
        if item.kind == "If" and parts:
            taken = self.branch(item)
            if taken is not None:
                inside = contexts[taken].outputs
                return [
                    Output(t.shape if t else None, t.dtype if t else DType.UNDEFINED, self.values.get(name))
                    for t, name in zip(parts[taken], inside, strict=True)
                ]
            results = []
            for row in zip(*parts, strict=False):
                first = row[0]
                same = all(part is not None and first is not None and part.shape == first.shape for part in row)
                shapes = [part.shape for part in row if part is not None and part.shape is not None]
                shape = (
                    first.shape if same and first is not None else _common(shapes) if len(shapes) == len(row) else None
                )
                results.append(Output(shape, first.dtype if first is not None else DType.UNDEFINED))
            return results
        trips = self.trips(item)
        body = parts[0] if parts else []
        if item.kind == "Loop":
            states = len(item.inputs) - 2
            made = body[1:]
        elif item.kind == "Scan":
            scanned = next((proto.i for proto in item.proto.attribute if proto.name == "num_scan_inputs"), 0)
            states, made = len(item.inputs) - scanned, body
        else:
            return [Output(None, DType.UNDEFINED)] * len(item.outputs)
        results = []
        for place, tensor in enumerate(made):
            if tensor is None or tensor.shape is None:
                results.append(Output(None, tensor.dtype if tensor else DType.UNDEFINED))
            elif place < states:
                entered = node.shape(place + (2 if item.kind == "Loop" else 0))
                results.append(
                    Output(tensor.shape if entered is None else merged_or_none(tensor.shape, entered), tensor.dtype)
                )
            else:
                results.append(Output((trips if isinstance(trips, int) else None, *tensor.shape), tensor.dtype))
        return results

    def branch(self, item: Item) -> int | None:
        """Which body of an If runs, where shape arithmetic has settled its condition: its place in ``bodies``."""
        test = self._value(item.inputs[0]) if item.inputs and item.inputs[0] else None
        if test is None or len(test.elements) != 1 or test.elements[0] is None:
            return None
        wanted = "then_branch" if test.elements[0] else "else_branch"
        for place, index in enumerate(item.bodies or ()):
            if getattr(self.graph.contexts[index], "role", "") == wanted:
                return place
        return None

    def trips(self, item: Item) -> int | Unknown:
        """How often a body runs; Unknown where the file does not say."""
        if item.kind == "If":
            return 1
        if item.kind == "Loop":
            return self._loop_trips(item)
        if item.kind == "Scan":
            scanned = next((proto.i for proto in item.proto.attribute if proto.name == "num_scan_inputs"), 0)
            axes = next((tuple(proto.ints) for proto in item.proto.attribute if proto.name == "scan_input_axes"), ())
            if 0 < scanned <= len(item.inputs):
                tensor = self.tensors.get(item.inputs[len(item.inputs) - scanned])
                axis = axes[0] if axes else 0
                shape = tensor.shape if tensor is not None else None
                if shape is not None and -len(shape) <= axis < len(shape) and isinstance(shape[axis], int):
                    return shape[axis]  # type: ignore[return-value]  # isinstance has just said so
        return Unknown(f"how often the body of {item.kind} runs is not known")

    def _loop_trips(self, item: Item) -> int | Unknown:
        count = self._value(item.inputs[0]) if item.inputs and item.inputs[0] else None
        index = item.bodies[0] if item.bodies else 0
        context = self.graph.contexts[index]
        condition = context.outputs[0] if context is not None and context.outputs else ""
        known = self._value(condition) if condition in self.graph.stored else self.values.get(condition)
        passed = context is not None and len(context.inputs) > 1 and self._same(condition, context.inputs[1])
        always = passed or (known is not None and known.elements == (True,))
        start = item.inputs[1] if len(item.inputs) > 1 else ""
        begins = self._value(start) if start else None
        if begins is not None and begins.elements == (False,):
            return 0
        entered = not start or (begins is not None and begins.elements == (True,))
        if count is not None and len(count.elements) == 1 and type(count.elements[0]) is int and always and entered:
            return max(count.elements[0], 0)
        return Unknown("how often the body of Loop runs is not known")

    def _same(self, name: str, other: str) -> bool:
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


def merged(shape: Shape, other: Shape) -> Shape:
    """Two descriptions of one shape: whichever knows an axis; the first where ranks differ."""
    if len(shape) != len(other):
        return shape
    return tuple(
        [b if a is None or (isinstance(a, str) and type(b) is int) else a for a, b in zip(shape, other, strict=True)]
    )


def merged_or_none(a: Shape, b: Shape) -> Shape | None:
    """A state that a loop changes: axes that stay the same are known."""
    if len(a) != len(b):
        return None
    return tuple([x if x == y else None for x, y in zip(a, b, strict=True)])


def _common(shapes: list[Shape]) -> Shape | None:
    first = shapes[0] if shapes else None
    for shape in shapes[1:]:
        first = merged_or_none(first, shape) if first is not None else None
    return first
