"""Expansion: blocks, repetition, conditions and parallel copies become layers, each built on what flows into it.

A layer that fails poisons its outputs: what stands below is still checked for its arguments, but not against shapes
that nobody knows, so that one cause is one error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paramlint.ir import DType, Source, Tensor
from paramlint.loaders.spec.arguments_reader import Reader, Refused
from paramlint.loaders.spec.call import NestedError, UnseenShape
from paramlint.loaders.spec.frames import POISON, Frame, Made, Outputs, Owners, resolve, show_shape
from paramlint.loaders.spec.joins import joined
from paramlint.loaders.spec.network import Network, check_formula
from paramlint.loaders.spec.nodes import Node
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.settings import MAX_LAYERS, MAX_WORK, Settings
from paramlint.loaders.spec.sharing import Sharing
from paramlint.loaders.spec.uses import unseen, use
from paramlint.loaders.spec.values import POISONED, Fault, Scope, Unavailable, copy_of, variable_value
from paramlint.loaders.spec.vocabulary import KERAS, LayerError
from paramlint.loaders.spec.written import Block, Item

_STEP_WORK = 12  # a step costs as much time as this many variables


class Expander:
    """Builds the layers of one file into a network."""

    def __init__(
        self, problems: Problems, framework: str, reader: Reader, network: Network, variables: Mapping[str, Any]
    ) -> None:
        self.problems, self.framework, self.reader, self.network = problems, framework, reader, network
        self.variables = variables
        self.settings = Settings(problems)
        self.sharing = Sharing(problems, network)
        self._visits = self._work = 0

    def run(self, items: Sequence[Item], frame: Frame, chain: Tensor | None) -> Made:
        """Expand a list in order; returns what its last item stands for."""
        made = Made((chain,))
        frame.items = items
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
        count = 1
        if item.repeat is not None:
            found = self.settings.integer(item.repeat, frame.variables, "repeat", 0)
            if found is None:
                return Made(None)
            count = found
        made = Made(self._passed(inputs, chain))
        spans: list[tuple[int, int]] = []
        for index in range(count):
            where, names = name, frame.variables
            if item.repeat is not None:
                where, names = f"{name}.{index}", copy_of(frame.variables, index, count)
            made, on = self._parallel(item, frame, names, where, inputs, chain, (index, count))
            spans += made.spans or ((0, 0),)  # a copy that is switched off keeps its place
            if inputs and made.outputs is None:
                inputs = (POISON, *inputs[1:])
            elif inputs and on and made.outputs:
                inputs = (made.outputs[0], *inputs[1:])
        return Made(made.outputs, tuple(spans), made.block)

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
            on = self.settings.switched_on(item.when, names)
            if on:
                return self._copy(item, frame, names, name, inputs, copy)
            return Made(None if on is None else self._passed(inputs, chain)), on is None
        count = self.settings.integer(item.parallel, names, "parallel", 1)
        active = count if item.active is None else self.settings.integer(item.active, names, "active", 1)
        if count is None or active is None:
            return Made(None), True
        if active > count and item.active is not None:
            self.problems.add(item.active, f"active is {active}, but there are only {count} parallel copies")
            return Made(None), True
        on = self.settings.switched_on(item.when, copy_of(names, 0, count))
        if not on:
            return Made(None if on is None else self._passed(inputs, chain)), on is None
        outputs: list[Tensor | None] = []
        spans: list[tuple[int, int]] = []
        was = frame.active
        for index in range(count):
            frame.active = was and index < active
            inner = copy_of(names, index, count)
            number = (copy[0] * count + index, copy[1] * count)
            made, _ = self._copy(item, frame, inner, f"{name}.{index}", inputs, number)
            spans += made.spans
            outputs.append(made.outputs[0] if made.outputs else POISON)
        frame.active = was
        merged = joined(self.settings, self.network, self.framework, item, names, name, outputs)
        if merged is not None and item.active is not None:
            self.network.route(name, (*inputs, chain))
        return Made(merged, tuple(spans), item.block.name if item.block is not None else None), True

    def _copy(
        self, item: Item, frame: Frame, names: Mapping[str, Any], name: str, inputs: tuple[Tensor | None, ...],
        copy: tuple[int, int] | None,
    ) -> tuple[Made, bool]:  # fmt: skip
        self._visits += 1
        if self._visits > MAX_LAYERS:
            self.settings.too_many(item.place)
        variables = len(item.block.variables) + len(self.variables) if item.block is not None else 0
        self._spend(len(inputs) + variables, item.place)
        if item.broken:
            return Made(None), True
        dtype, trainable = frame.dtype, frame.trainable
        if item.dtype is not None:
            dtype = self.settings.dtype(item.dtype, names) or dtype
        if item.trainable is not None:
            trainable = self.settings.flag(item.trainable, names) and trainable
        owners = self.sharing.owners(item, frame, copy)
        if item.block is not None:
            return self._call(item, item.block, frame, names, name, inputs, dtype, trainable, owners), True
        return self._layer(item, frame, names, name, inputs, dtype, trainable, owners), True

    def _spend(self, work: int, place: Node) -> None:
        """Bound what inputs, variables and steps cost in all."""
        self._work += work
        if self._work > MAX_WORK:
            self.settings.too_much(place)

    def _layer(
        self, item: Item, frame: Frame, names: Mapping[str, Any], name: str, inputs: tuple[Tensor | None, ...],
        dtype: DType, trainable: bool, owners: list[int] | None,
    ) -> Made:  # fmt: skip
        entry, arguments = item.entry, item.arguments
        if entry is None or arguments is None:
            return Made(None)
        try:
            args = self.reader.evaluate(entry, arguments, names, name)
        except (Refused, Unavailable):
            return Made(None)
        if POISON in inputs:
            if not self.problems:
                raise RuntimeError(f"{name} reads a failed layer, but no error was noted")
            return Made(None)
        try:
            used = use(entry, args, arguments.written, inputs, dtype, name, trainable)
        except UnseenShape as error:
            used = unseen(entry, inputs, dtype, name, error.message)
        except LayerError as error:
            self._refused(item, error, name, inputs)
            return Made(None)
        for flaw in used.flaws:
            self._refused(item, flaw, name, inputs)
        check_formula(name, entry, used.built)
        self._spend(len(used.steps) * _STEP_WORK, item.place)
        first = len(self.network.rows)
        if owners is not None:
            used = self.sharing.tied(item, used, name, owners)
            if frame.owners is not None:
                frame.owners.take()
        elif frame.owners is not None:
            used = self.sharing.tied_in_call(used, name, frame.owners)
        source = Source("file", self.problems.path, item.place.line, item.place.column)
        self.network.add(name, entry, used, inputs, source, frame.active)
        return Made(used.outputs, ((first, first + 1),))

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
        shapes = [show_shape(tensor.shape) for tensor in inputs if tensor is not None and tensor.shape is not None]
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
        if block.trainable is not None:
            trainable = self.settings.flag(block.trainable, variables) and trainable
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
            outputs = tuple([resolve(self.problems, one, inner) for one in block.outputs])
        return Made(outputs, ((first, len(self.network.rows)),), block.name)

    def _arguments(
        self, item: Item, block: Block, names: Mapping[str, Any], inputs: tuple[Tensor | None, ...]
    ) -> dict[str, Any] | None:
        """The variables of one call: its arguments, evaluated outside, and the defaults, inside."""
        without_value = dict.fromkeys((*block.refused, *block.unknown), POISONED)
        variables = Scope({**self.variables, **without_value}, self.variables)
        given = inputs[0] if inputs else None
        if given is POISON:
            variables["in_channels"] = POISONED
        elif given is not None and given.shape is None:
            variables["in_channels"] = None
        elif given is not None and given.shape:
            variables["in_channels"] = given.shape[-1 if self.framework == KERAS else 0]
        sound = True
        for name, (_, default) in block.variables.items():
            node = item.call_arguments.get(name)
            variables.hand(name, default if node is None else node, node is None, names)
            try:
                variables[name] = variable_value(default, variables) if node is None else variable_value(node, names)
            except Fault as fault:
                self.problems.add(fault.node, fault.message, fault.hint, fault.cause)
                variables[name], sound = POISONED, False
            except Unavailable:
                variables[name] = POISONED
        return variables if sound else None

    def _inputs(self, item: Item, frame: Frame, chain: Tensor | None) -> tuple[Tensor | None, ...]:
        if item.inputs is not None:
            return tuple([None if one is None else resolve(self.problems, one, frame) for one in item.inputs])
        if item.entry is not None and item.entry.source:
            return ()
        if chain is not None:
            return (chain,)
        if item.block is None and not item.broken and frame.outer is None:
            known = ", ".join(frame.names)
            hint = f"write inputs: [...]; there are: {known}"
            self.problems.add(item.place, f"there are several inputs: the first layer, {item.type}, says which", hint)
            return (POISON,)
        if item.block is None and not item.broken:
            hint = "write inputs: [...] here, or where the block is called"
            self.problems.add(item.place, f"{item.type} has no input, since its block is called without one", hint)
        return () if item.block is not None else (POISON,)
