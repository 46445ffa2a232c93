"""Expansion: blocks, repetition, conditions and parallel copies become layers, each built on what flows into it.

A layer that fails poisons its outputs: what stands below is still checked for its arguments, but not against shapes
that nobody knows, so that one cause is one error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from paramlint.ir import Dim, DType, Source, Step, Tensor
from paramlint.loaders.spec.arguments_reader import Reader, Refused
from paramlint.loaders.spec.call import NestedError, Use, use
from paramlint.loaders.spec.check import show
from paramlint.loaders.spec.document import DTYPES
from paramlint.loaders.spec.items import Block, Item, Reference
from paramlint.loaders.spec.network import Network, check_formula
from paramlint.loaders.spec.nodes import Node, Scalar
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.ties import TieError, tie
from paramlint.loaders.spec.values import POISONED, Fault, Unavailable, value_of, variable_value
from paramlint.loaders.spec.vocabulary import KERAS, LayerError
from paramlint.spelling import did_you_mean

MAX_LAYERS = 30_000  # expanded; the deepest networks have a few thousand. Bounds the time that a repeat can cost

#: The output of a layer that failed.
POISON = Tensor("", None)

#: What a layer puts out; None where it failed.
Outputs = tuple[Tensor | None, ...] | None


class Made(NamedTuple):
    """What a name stands for: outputs, and the rows that were built for it (for ``shared_with``)."""

    outputs: Outputs
    first: int = 0
    end: int = 0
    block: str | None = None
    copies: int = 1


class Owners:
    """The rows whose weights the layers of a tied call take, one after the other; ``node`` says so in the file."""

    __slots__ = ("_at", "_rows", "name", "node")

    def __init__(self, rows: Sequence[int], node: Scalar) -> None:
        self._rows, self._at = rows, 0
        self.node, self.name = node, node.text

    def take(self) -> int | None:
        """The next row; None where the call has more layers than the owner."""
        self._at += 1
        return self._rows[self._at - 1] if self._at <= len(self._rows) else None

    @property
    def fit(self) -> bool:
        return self._at == len(self._rows)


class Frame:
    """A scope while it is expanded. ``outer`` holds the top level's names for a block, None at the top."""

    __slots__ = (
        "active", "dtype", "input_names", "inputs", "names", "outer", "owners", "prefix", "trainable", "variables",
    )  # fmt: skip

    def __init__(
        self, prefix: str, variables: Mapping[str, Any], outer: dict[str, Made] | None, dtype: DType, trainable: bool
    ) -> None:
        self.prefix, self.variables, self.outer = prefix, variables, outer
        self.dtype, self.trainable, self.active = dtype, trainable, True
        self.names: dict[str, Made] = {}
        self.inputs: tuple[Tensor | None, ...] = ()
        self.input_names: Sequence[str] = ()
        self.owners: Owners | None = None


class Expander:
    """Builds the layers of one file into a network."""

    def __init__(
        self, problems: Problems, framework: str, reader: Reader, network: Network, variables: Mapping[str, Any]
    ) -> None:
        self.problems, self.framework, self.reader, self.network = problems, framework, reader, network
        self.variables = variables
        self._visits = 0

    def run(self, items: Sequence[Item], frame: Frame, chain: Tensor | None) -> Made:
        """Expand a list in order; returns what its last item stands for."""
        made = Made((chain,))
        for item in items:
            made = self._item(item, frame, chain)
            if item.written_name is not None:
                frame.names[item.name] = made
            if made.outputs is None:
                chain = POISON
            elif made.outputs:
                chain = made.outputs[0] or POISON
        return made

    def _item(self, item: Item, frame: Frame, chain: Tensor | None) -> Made:
        inputs = self._inputs(item, frame, chain)
        name = frame.prefix + item.name
        if item.plain:
            made, _ = self._copy(item, frame, frame.variables, name, inputs, None)
            return made
        first = len(self.network.rows)
        count = 1
        if item.repeat is not None:
            found = self._integer(item.repeat, frame.variables, "repeat", 0)
            if found is None:
                return Made(None)
            count = found
        made = Made(self._passed(inputs, chain))
        for index in range(count):
            where, names = name, frame.variables
            if item.repeat is not None:
                where, names = f"{name}.{index}", {**names, "index": index, "count": count}
            made, on = self._parallel(item, frame, names, where, inputs, chain, (index, count))
            if inputs and made.outputs is None:
                inputs = (POISON, *inputs[1:])
            elif inputs and on and made.outputs:
                inputs = (made.outputs[0], *inputs[1:])
        return Made(made.outputs, first, len(self.network.rows), made.block, count)

    def _passed(self, inputs: tuple[Tensor | None, ...], chain: Tensor | None) -> Outputs:
        """What an item that is switched off stands for: its first input; a source lets the chain pass."""
        for tensor in inputs:
            if tensor is not None:
                return None if tensor is POISON else (tensor,)
        return (chain,) if chain is not None else ()

    def _parallel(
        self, item: Item, frame: Frame, names: Mapping[str, Any], name: str, inputs: tuple[Tensor | None, ...],
        chain: Tensor | None, copy: tuple[int, int],
    ) -> tuple[Made, bool]:  # fmt: skip
        """One link of a repetition: the item, or its parallel copies joined."""
        if item.parallel is None:
            if not self._switched_on(item, names):
                return Made(self._passed(inputs, chain)), False
            return self._copy(item, frame, names, name, inputs, copy)
        count = self._integer(item.parallel, names, "parallel", 1)
        active = count if item.active is None else self._integer(item.active, names, "active", 1)
        if count is None or active is None:
            return Made(None), True
        if active > count and item.active is not None:
            self.problems.add(item.active, f"active is {active}, but there are only {count} parallel copies")
            return Made(None), True
        if not self._switched_on(item, {**names, "index": 0, "count": count}):
            return Made(self._passed(inputs, chain)), False
        first = len(self.network.rows)
        outputs: list[Tensor | None] = []
        was = frame.active
        for index in range(count):
            frame.active = was and index < active
            inner = {**names, "index": index, "count": count}
            made, _ = self._copy(item, frame, inner, f"{name}.{index}", inputs, (index, count))
            outputs.append(made.outputs[0] if made.outputs else POISON)
        frame.active = was
        return Made(self._joined(item, names, name, outputs), first, len(self.network.rows), copies=count), True

    def _joined(self, item: Item, names: Mapping[str, Any], name: str, outputs: list[Tensor | None]) -> Outputs:
        how = "add"
        if item.merge is not None:
            value = self._value(item.merge, names)
            if value not in ("add", "cat"):
                hint = _near(value, ("add", "cat"))
                self.problems.add(item.merge, f"merge must be add or cat, not {show(value)}", hint)
                return None
            how = value
        tensors = [tensor for tensor in outputs if tensor is not None and tensor is not POISON]
        if len(tensors) != len(outputs):
            return None
        shapes = [tensor.shape or () for tensor in tensors]
        axis = (len(shapes[0]) - 1 if self.framework == KERAS else 0) if how == "cat" else -1
        rest = [shape[:axis] + shape[axis + 1 :] if how == "cat" else shape for shape in shapes]
        if any(one != rest[0] for one in rest) or (how == "cat" and not shapes[0]):
            shown = " and ".join(_shape(shape) for shape in dict.fromkeys(shapes))
            self.problems.add(item.place, f"the parallel copies put out {shown}, which merge: {how} cannot join")
            return None
        shape: tuple[Dim, ...] = shapes[0]
        if how == "cat":
            widths = [one[axis] for one in shapes]
            known = [one for one in widths if isinstance(one, int)]
            width = sum(known) if len(known) == len(widths) else None
            shape = (*shape[:axis], width, *shape[axis + 1 :])
        made = Tensor(name, shape, tensors[0].dtype)
        kind = "Concat" if how == "cat" else "Identity" if len(tensors) == 1 else "Sum"
        attributes = {"axis": axis + 1} if how == "cat" else {}
        last = self.network.rows[-1].name if self.network.rows else name
        self.network.join(Step(kind, tuple(tensor.name for tensor in tensors), (name,), attributes, layer=last), made)
        return (made,)

    def _switched_on(self, item: Item, names: Mapping[str, Any]) -> bool:
        if item.when is None:
            return True
        value = self._value(item.when, names)
        if value is not None and not isinstance(value, bool):
            self.problems.add(item.when, f"when must be true or false, not {show(value)}", 'write when: "${...}"')
        return value is not False

    def _copy(
        self, item: Item, frame: Frame, names: Mapping[str, Any], name: str, inputs: tuple[Tensor | None, ...],
        copy: tuple[int, int] | None,
    ) -> tuple[Made, bool]:  # fmt: skip
        self._visits += 1
        if self._visits > MAX_LAYERS:
            self._too_many(item.place)
        if item.broken:
            return Made(None), True
        dtype, trainable = frame.dtype, frame.trainable
        if item.dtype is not None:
            dtype = self._dtype(item.dtype, names) or dtype
        if item.trainable is not None:
            trainable = self._flag(item.trainable, names) and trainable
        owners = self._owners(item, frame, copy)
        if item.block is not None:
            return self._call(item, item.block, frame, names, name, inputs, dtype, trainable, owners), True
        return self._layer(item, frame, names, name, inputs, dtype, trainable, owners), True

    def _too_many(self, node: Node) -> NoReturn:
        self.problems.add(node, f"the architecture expands to more than {MAX_LAYERS:,} layers")
        self.problems.raise_all()
        raise AssertionError("raise_all ends the reading")

    def _layer(
        self, item: Item, frame: Frame, names: Mapping[str, Any], name: str, inputs: tuple[Tensor | None, ...],
        dtype: DType, trainable: bool, owners: list[int] | None,
    ) -> Made:  # fmt: skip
        entry, arguments = item.entry, item.arguments
        if entry is None or arguments is None:
            return Made(None)
        try:
            args = self.reader.evaluate(entry, arguments, names)
        except (Refused, Unavailable):
            return Made(None)
        if POISON in inputs:
            return Made(None)
        try:
            used = use(entry, args, arguments.written, inputs, dtype, name, trainable)
        except LayerError as error:
            self._refused(item, error, name, inputs)
            return Made(None)
        check_formula(name, entry, used.built)
        first = len(self.network.rows)
        if owners is not None:
            used = self._tied(item, used, name, owners)
            if frame.owners is not None:
                frame.owners.take()
        elif frame.owners is not None:
            used = self._tied_in_call(used, name, frame.owners)
        source = Source("file", self.problems.path, item.place.line, item.place.column)
        self.network.add(name, entry, used, inputs, source, frame.active)
        return Made(used.outputs, first, first + 1)

    def _refused(self, item: Item, error: LayerError, name: str, inputs: tuple[Tensor | None, ...]) -> None:
        """Note why a layer was refused, at the argument that it is about, with the shapes that contradict."""
        place: Node = item.place
        nodes: Mapping[str, Node] = item.arguments.nodes if item.arguments is not None else {}
        if isinstance(error, NestedError) and isinstance(error.node, tuple):
            place, nodes = error.node
        if error.argument == "inputs" and item.table is not None and "inputs" in item.table.items:
            place = item.table.items["inputs"][1]
        elif error.argument is not None and error.argument in nodes:
            place = nodes[error.argument]
        message = error.message
        shapes = [_shape(tensor.shape) for tensor in inputs if tensor is not None and tensor.shape is not None]
        if shapes and not all(shape in message or shape.replace("null", "None") in message for shape in shapes):
            message += f"; the input is {shapes[0]}" if len(shapes) == 1 else f"; the inputs are {' and '.join(shapes)}"
        if "." in name:
            message += f" (in {name})"
        self.problems.add(place, message, error.hint)

    def _call(
        self, item: Item, block: Block, frame: Frame, names: Mapping[str, Any], name: str,
        inputs: tuple[Tensor | None, ...], dtype: DType, trainable: bool, owners: list[int] | None,
    ) -> Made:  # fmt: skip
        variables = self._arguments(item, block, names, inputs)
        if variables is None:
            return Made(None)
        if block.input_names is not None and len(block.input_names) != len(inputs):
            wanted = ", ".join(block.input_names)
            message = f"the block {block.name!r} takes {len(block.input_names)} inputs ({wanted}), {len(inputs)} given"
            self.problems.add(item.place, message, f"write inputs: [{wanted}] with the names of tensors")
            return Made(None)
        outer = frame.names if frame.outer is None else frame.outer
        inner = Frame(f"{name}.", variables, outer, dtype, trainable)
        inner.active, inner.inputs, inner.input_names = frame.active, inputs, block.input_names or ()
        inner.owners = frame.owners
        if owners and item.shared is not None:
            inner.owners = Owners(owners, item.shared)
        first = len(self.network.rows)
        made = self.run(block.items, inner, inputs[0] if inputs else None)
        if inner.owners is not frame.owners and inner.owners is not None and not inner.owners.fit and not self.problems:
            message = f"this call and {inner.owners.name!r} have not the same layers, so they cannot be tied"
            self.problems.add(inner.owners.node, message)
        outputs = made.outputs
        if block.outputs is not None:
            outputs = tuple([self.resolve(one, inner) for one in block.outputs])
        return Made(outputs, first, len(self.network.rows), block.name)

    def _arguments(
        self, item: Item, block: Block, names: Mapping[str, Any], inputs: tuple[Tensor | None, ...]
    ) -> dict[str, Any] | None:
        """The variables of one call: its arguments, evaluated outside, and the defaults, inside."""
        variables = dict(self.variables)
        given = inputs[0] if inputs else None
        if given is POISON:
            variables["in_channels"] = POISONED
        elif given is not None and given.shape:
            variables["in_channels"] = given.shape[-1 if self.framework == KERAS else 0]
        sound = True
        for name, (_, default) in block.variables.items():
            node = item.call_arguments.get(name)
            try:
                variables[name] = variable_value(default, variables) if node is None else variable_value(node, names)
            except Fault as fault:
                self.problems.add(fault.node, fault.message, fault.hint)
                sound = False
            except Unavailable:
                variables[name] = POISONED
        return variables if sound else None

    def _inputs(self, item: Item, frame: Frame, chain: Tensor | None) -> tuple[Tensor | None, ...]:
        if item.inputs is not None:
            return tuple([None if one is None else self.resolve(one, frame) for one in item.inputs])
        if item.entry is not None and item.entry.source:
            return ()
        if chain is not None:
            return (chain,)
        if item.block is None and not item.broken and frame.outer is None:
            known = ", ".join(frame.names)
            hint = f"write inputs: [...]; there are: {known}"
            self.problems.add(item.place, f"there are several inputs: the first layer, {item.type}, says which", hint)
            return (POISON,)
        return () if item.block is not None else (POISON,)

    def resolve(self, ref: Reference, frame: Frame) -> Tensor:
        """The tensor that a reference names; an unknown one is noted."""
        made = frame.names.get(ref.name)
        if made is None and frame.outer is not None:
            if ref.name == "input":
                made = Made(frame.inputs)
            elif ref.name in frame.input_names:
                at = list(frame.input_names).index(ref.name)
                made = Made((frame.inputs[at],))
            else:
                made = frame.outer.get(ref.name)
        if made is None:
            self._unknown(ref, frame)
            return POISON
        if made.outputs is None:
            return POISON
        if ref.output >= len(made.outputs):
            count = len(made.outputs)
            has = f"only {count} outputs" if count > 1 else "only one output" if count else "no output"
            self.problems.add(ref.node, f"{ref.name!r} has {has}")
            return POISON
        found = made.outputs[ref.output]
        if found is None:
            self.problems.add(ref.node, f"output {ref.output} of {ref.name!r} is not there with its arguments")
            return POISON
        return found

    def _unknown(self, ref: Reference, frame: Frame) -> None:
        words = [*frame.names, *frame.input_names]
        if frame.outer is not None:
            words += ["input", *frame.outer]
        hint = did_you_mean(ref.name, words) or (f"there are: {', '.join(words[:12])}" if words else None)
        self.problems.add(ref.node, f"no layer or input above is called {ref.name[:60]!r}", hint)

    def _owners(self, item: Item, frame: Frame, copy: tuple[int, int] | None) -> list[int] | None:
        """The rows whose weights a layer or call takes."""
        if item.shared is None:
            return None
        word = item.shared.text
        made = frame.names.get(word) or (frame.outer.get(word) if frame.outer is not None else None)
        if made is None:
            self._unknown(Reference(item.shared, word, 0), frame)
            return []
        if made.outputs is None:
            return []
        rows = list(range(made.first, made.end))
        if copy is not None and made.copies == copy[1] and made.copies > 1:
            size = len(rows) // made.copies
            return rows[copy[0] * size : (copy[0] + 1) * size]
        if not rows:
            self.problems.add(item.shared, f"{word!r} has no weights to share")
        elif item.block is None and len(rows) > 1:
            self.problems.add(item.shared, f"{word!r} stands for {len(rows)} layers; a layer shares with one")
            return []
        elif item.block is not None and made.block != item.block.name:
            self.problems.add(item.shared, f"{word!r} is no call of the block {item.block.name!r}")
            return []
        return rows

    def _tied(self, item: Item, used: Use, name: str, owners: list[int]) -> Use:
        if not owners or item.shared is None:
            return used
        owner = self.network.rows[owners[0]]
        try:
            tied = tie(used, owner.weights, owner.name, name)
        except TieError as error:
            self.problems.add(item.shared, str(error))
            return used
        if not tied.shared:
            mine = ", ".join(weight.role for weight in used.built.weights) or "none"
            theirs = ", ".join(weight.role for weight in owner.weights) or "none"
            message = f"{name} and {owner.name} have no weight in common (its weights: {mine}; the owner's: {theirs})"
            self.problems.add(item.shared, message)
        return tied.used

    def _tied_in_call(self, used: Use, name: str, owners: Owners) -> Use:
        index = owners.take()
        if index is None:
            return used
        owner = self.network.rows[index]
        try:
            return tie(used, owner.weights, owner.name, name).used
        except TieError as error:
            if not self.problems:  # a layer that failed above shifts the pairs
                self.problems.add(owners.node, str(error))
            return used

    def _value(self, node: Node, names: Mapping[str, Any]) -> Any:
        try:
            return value_of(node, names)
        except Fault as fault:
            self.problems.add(fault.node, fault.message, fault.hint)
        except Unavailable:
            pass
        return None

    def _integer(self, node: Node, names: Mapping[str, Any], word: str, least: int) -> int | None:
        value = self._value(node, names)
        if type(value) is int and least <= value <= MAX_LAYERS:
            return value
        if type(value) is int and value > MAX_LAYERS:
            self._too_many(node)
        self.problems.add(node, f"{word} must be an integer of at least {least}, not {show(value)}")
        return None

    def _flag(self, node: Node, names: Mapping[str, Any]) -> bool:
        value = self._value(node, names)
        if not isinstance(value, bool):
            self.problems.add(node, f"trainable must be true or false, not {show(value)}")
        return value is not False

    def _dtype(self, node: Node, names: Mapping[str, Any]) -> DType | None:
        value = self._value(node, names)
        if value in DTYPES:
            return DType(value)
        self.problems.add(node, f"dtype must be an element type, not {show(value)}", _near(value, DTYPES))
        return None


def _near(value: Any, words: Sequence[str]) -> str | None:
    return did_you_mean(value, words) if isinstance(value, str) else None


def _shape(shape: Sequence[Dim] | None) -> str:
    """A shape as a spec writes it."""
    return "[" + ", ".join("null" if size is None else str(size) for size in shape or ()) + "]"


