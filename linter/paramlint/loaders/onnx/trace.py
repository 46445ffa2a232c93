"""Which stored tensors are weights: followed forward from where they are stored to where they are used.

A value is *still* when its content does not depend on a graph input, *fixed* when nothing about it does. Still values
carry the tensors they were made from (``held``) through moves, casts, (de)quantisation and constant arithmetic; a use
at an operator that also sees an activation decides what the tensor is.
"""

from __future__ import annotations

from typing import Any

from paramlint.ir import DType
from paramlint.loaders.onnx import patterns
from paramlint.loaders.onnx.arithmetic import Arithmetic
from paramlint.loaders.onnx.attributes import attributes, stored_list
from paramlint.loaders.onnx.graph import Graph, Item, made_by_shape
from paramlint.loaders.onnx.operators import Value
from paramlint.loaders.onnx.roles import Roles
from paramlint.loaders.onnx.tensors import Stored
from paramlint.loaders.onnx.uses import Held, Use, label

#: Results of these are no weights even where their input is one.
_ENDS = frozenset({"Cos", "Sin", "ArgMax", "ArgMin", "NonZero", "IsNaN", "IsInf", "Shape", "Size", "OneHot", "Sign"})


MAX_HELD = 256  # tensors followed behind one value; where more are joined, they are counted


class Trace:
    """The pass over the flat graph."""

    def __init__(self, graph: Graph, operators: dict[tuple[str, str], Any], witness: patterns.Witness) -> None:
        self.graph, self.operators = graph, operators
        self.roles, self.arithmetic = Roles(graph.tensors, witness), Arithmetic(graph.tensors, witness)
        self.scales: dict[str, int] = {}  # storage of dequantised integers: how many scales they have
        self.held: dict[str, Held] = {name: Held((tensor,), True) for name, tensor in graph.stored.items()}
        self.fixed: set[str] = set(graph.stored)
        self.still: set[str] = set(graph.stored)
        self.trees = 0
        self.read: set[str] = set()  # values that some node reads
        self._run()

    def _run(self) -> None:
        still, operators, read = self.still, self.operators, self.read
        for item in self.graph.items:
            inputs = item.inputs
            read.update(inputs)
            if item.enters is not None:
                self._enter(item)
                continue
            item.op = op = operators.get((item.domain, item.kind))
            if inputs and still.isdisjoint(inputs):
                self._active(item, op)
            else:
                self._node(item, op)

    def _active(self, item: Item, op: Any) -> None:
        """A node that sees activations alone."""
        if item.bodies:
            self._leave(item)
        else:
            self.roles.see(item)
        if item.domain and (op is None or op.attribute_slots):
            self._attributes(item)
        self._count_trees(item)

    def _node(self, item: Item, op: Any) -> None:
        if item.bodies:
            self._leave(item)
            return
        self._count_trees(item)
        fixed, inputs = self.fixed, item.inputs
        if fixed.issuperset(inputs) or all(not name or name in fixed for name in inputs):
            fixed.update(item.outputs)
            item.fixed = True
        if op is None:
            self._unknown(item)
            return
        if item.kind == "ConstantOfShape" and not item.domain:
            self._generate(item)
            return
        content = self._content(item, op)
        if all(name in self.still for name in content):
            self.still.update(item.outputs)
            self._carry(item, op, content)
            return
        self.roles.use(item, op, self.held)
        if op.attribute_slots:
            self._attributes(item)
        self.roles.see(item)

    def _content(self, item: Item, op: Any) -> list[str]:
        """Inputs that the result is made of: all that are no settings."""
        if op.slots and not op.passes:
            return [name for name in item.inputs if name]  # a look-up by an activation's indices is one
        settings = op.settings
        some = [name for index, name in enumerate(item.inputs) if name and index not in settings]
        return some or [name for name in item.inputs if name]

    def _carry(self, item: Item, op: Any, content: list[str]) -> None:
        """A constant subexpression: the result carries what its inputs carry."""
        if item.kind in _ENDS:
            return
        buffers = op.buffers
        tensors: list[Stored] = []
        direct = bool(op.passes) and len(content) == 1
        real = item.kind.startswith("Dequantize")
        data = self.arithmetic.data(item, self.held) if item.kind in ("Add", "Sub") else None
        for index, name in enumerate(item.inputs):
            held = self.held.get(name)
            if held is None or index == data:
                continue
            if index in buffers:
                self.roles.buffers(item, index, held, buffers[index])
            elif name in content and (index not in op.settings or index in op.slots):
                tensors += self.arithmetic.learned(item, op, self.held, index)
                direct, real = direct and held.direct, real or held.dequantised
        if item.kind == "DequantizeLinear" and (scale := self.graph.stored.get(item.inputs[1])) is not None:
            self.scales.update((tensor.storage, scale.elements) for tensor in tensors)
        if len(tensors) > MAX_HELD:
            self.roles.count_here(item, tensors)
        elif tensors:
            carried = Held(tuple(dict.fromkeys(tensors)), direct, real)
            for name in item.outputs:
                if name:
                    self.held[name] = carried

    def _generate(self, item: Item) -> None:
        """ConstantOfShape of a known shape is a stored tensor, written short."""
        self.still.update(item.outputs)
        sizes = self.graph.stored.get(item.inputs[0]) if item.inputs else None
        value = self.graph.tensors.value(sizes) if sizes is not None else None
        if value is None:
            return
        filling = attributes(item.proto, item.outer, self.graph.tensors).get("value")
        fill: Any = 0.0
        dtype = DType.FLOAT32
        if isinstance(filling, Value):
            fill, dtype = (filling.elements[0] if filling.elements else None), filling.dtype or DType.UNDEFINED
        tensor = made_by_shape(item, value.elements, fill, dtype)
        if tensor is not None:
            tensor = self.graph.all_stored.setdefault(tensor.storage, tensor)
            self.held[item.outputs[0]] = Held((tensor,), True)

    def _unknown(self, item: Item) -> None:
        """An operator nobody described: its float tensors are taken as weights."""
        for index, name in enumerate(item.inputs):
            held = self.held.get(name) if name else None
            for tensor in held.tensors if held else ():
                if tensor.dtype.is_float and tensor.elements > 1:
                    item.uses.append(Use(tensor, index, f"input{index}", True))
                    self.roles.say(f"inputs of {label(item)}, counted as weights", tensor)
        self._attributes(item)

    def _attributes(self, item: Item) -> None:
        """Numbers in attributes: those that a described operator names, every float tensor of an unknown one."""
        if item.proto is None:
            return
        slots = item.op.attribute_slots if item.op is not None else None
        for proto in item.proto.attribute:
            if slots is not None and proto.name not in slots:
                continue
            if slots is None and proto.type != 4:
                continue
            tensor = stored_list(proto, f"{item.key}.{proto.name}", self.graph.tensors)
            if tensor is None or (slots is None and not tensor.dtype.is_float):
                continue
            tensor = self.graph.all_stored.setdefault(tensor.storage, tensor)
            item.uses.append(Use(tensor, -1, proto.name if slots is None else slots[proto.name], True))
            self.read.add(tensor.storage)

    def _count_trees(self, item: Item) -> None:
        if not item.domain.startswith("ai.onnx.ml") or "Tree" not in item.kind:
            return
        for proto in item.proto.attribute:
            if proto.name in ("nodes_nodeids", "nodes_modes", "nodes_splits"):
                found = attributes(item.proto, item.outer, self.graph.tensors).get(proto.name)
                count = (
                    len(found) if isinstance(found, tuple) else len(found.elements) if isinstance(found, Value) else 0
                )
                self.trees += count if proto.name != "nodes_splits" else 0
                if proto.name != "nodes_splits":
                    return

    def _enter(self, mark: Item) -> None:
        """Scanned inputs of Scan carry on into the body; states and counters do not."""
        context = self.graph.contexts[mark.enters or 0]
        owner = context.item if context else mark
        if context is None or owner.kind != "Scan":
            return
        names, inner = owner.inputs, context.inputs
        for offset in range(1, min(len(names), len(inner)) + 1):
            name = names[-offset]
            if offset <= _scanned(owner) and name in self.held:
                self.held[inner[-offset]] = self.held[name]
                self.still.add(inner[-offset])

    def _leave(self, item: Item) -> None:
        """Results of bodies: If hands on what its branches hold; loops make activations."""
        if item.kind != "If" or not item.bodies:
            return
        for place, name in enumerate(item.outputs):
            parts = [self.graph.contexts[index].outputs for index in item.bodies]  # type: ignore[union-attr]  # bodies have contexts
            names = [part[place] for part in parts if place < len(part)]
            if name and names and all(one in self.still for one in names):
                tensors = [tensor for one in names if one in self.held for tensor in self.held[one].tensors]
                self.still.add(name)
                if tensors:
                    self.held[name] = Held(tuple(dict.fromkeys(tensors)), False)
                if all(one in self.fixed for one in (*names, *item.inputs)):
                    self.fixed.add(name)
        item.fixed = all(not name or name in self.fixed for name in item.outputs)


def _scanned(item: Item) -> int:
    return next((proto.i for proto in item.proto.attribute if proto.name == "num_scan_inputs"), 0)
