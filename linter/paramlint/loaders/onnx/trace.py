"""Which stored tensors are weights: followed forward from where they are stored to where they are used.

A value is *still* when its content does not depend on a graph input, *fixed* when nothing about it does. Still values
carry the tensors they were made from (``held``) through moves, casts, (de)quantisation and constant arithmetic; a use
at an operator that also sees an activation decides what the tensor is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from paramlint.ir import DType
from paramlint.loaders.onnx import patterns
from paramlint.loaders.onnx.attributes import attributes, stored_list
from paramlint.loaders.onnx.graph import Graph, Item, made_by_shape
from paramlint.loaders.onnx.operators import Value
from paramlint.loaders.onnx.tensors import Stored

#: Results of these are no weights even where their input is one.
_ENDS = frozenset({"Cos", "Sin", "ArgMax", "ArgMin", "NonZero", "IsNaN", "IsInf", "Shape", "Size", "OneHot", "Sign"})
_NARROW = frozenset({DType.INT8, DType.UINT8, DType.INT4, DType.UINT4, DType.INT2, DType.UINT2})
_NEVER = frozenset({DType.BOOL, DType.STRING, DType.INT64, DType.UINT64})
_NOTHING: frozenset[int] = frozenset()


class Held(NamedTuple):
    """The tensors behind a still value; ``direct``: it is one of them, moved or cast and not computed with."""

    tensors: tuple[Stored, ...]
    direct: bool
    dequantised: bool = False  # integers that stand for real numbers by now


class Use(NamedTuple):
    """A tensor at work in a node: at input ``slot`` (-1: an attribute) in ``role``."""

    tensor: Stored
    slot: int
    role: str
    direct: bool
    buffer: bool = False


class Trace:
    """The pass over the flat graph."""

    def __init__(self, graph: Graph, operators: dict[tuple[str, str], Any], witness: patterns.Witness) -> None:
        self.graph, self.operators, self.witness = graph, operators, witness
        self.held: dict[str, Held] = {name: Held((tensor,), True) for name, tensor in graph.stored.items()}
        self.fixed: set[str] = set(graph.stored)
        self.still: set[str] = set(graph.stored)
        self.assumed: dict[str, list[str]] = {}
        self.trees = 0
        self.read: set[str] = set()  # values that some node reads
        self._angles: dict[str, list[tuple[Item, Use]]] = {}
        self._narrow: dict[str, tuple[Item, Use]] = {}
        self._centred: set[str] = set()
        self._single: set[str] = set()  # results of products with one output feature
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
        elif self._angles or self._narrow or self._centred or self._single:
            self._watch(item)
        if item.domain and (op is None or op.attribute_slots):
            self._attributes(item)
        self._count_trees(item)

    def _node(self, item: Item, op: Any) -> None:
        if item.bodies:
            self._leave(item)
            return
        self._count_trees(item)
        fixed, inputs = self.fixed, item.inputs
        if all(not name or name in fixed for name in inputs):
            fixed.update(item.outputs)
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
        self._use(item, op)
        if op.attribute_slots:
            self._attributes(item)
        self._watch(item)

    def _content(self, item: Item, op: Any) -> list[str]:
        """Inputs that the result is made of: those that pass, else all that are no settings."""
        if op.slots and not op.passes:
            return [name for name in item.inputs if name]  # a look-up by an activation's indices is one
        passes, settings = op.passes, op.settings
        some = [name for index, name in enumerate(item.inputs) if name and index in passes]
        if some:
            return some
        return [name for index, name in enumerate(item.inputs) if name and index not in settings]

    def _carry(self, item: Item, op: Any, content: list[str]) -> None:
        """A constant subexpression: the result carries what its inputs carry."""
        if item.kind in _ENDS:
            return
        buffers = op.buffers
        tensors: list[Stored] = []
        direct = bool(op.passes) and len(content) == 1
        real = item.kind.startswith("Dequantize")
        for index, name in enumerate(item.inputs):
            held = self.held.get(name)
            if held is None:
                continue
            if index in buffers:
                self._buffers(item, index, held, buffers[index])
            elif name in content and (index not in op.settings or index in op.slots):
                computed = not op.passes and index not in op.slots
                tensors += [t for t in held.tensors if not (op.passes == _NOTHING and self._neutral(t, computed))]
                direct, real = direct and held.direct, real or held.dequantised
        if tensors:
            carried = Held(tuple(dict.fromkeys(tensors)), direct, real)
            for name in item.outputs:
                if name:
                    self.held[name] = carried

    def _neutral(self, tensor: Stored, computed: bool) -> bool:
        """A number that constant arithmetic needs and nobody learned: an epsilon, a table of zeros or ones."""
        if computed and tensor.elements == 1:
            return not self.witness.learned(tensor)
        if tensor.origin == "initializer":
            return False
        if self.witness.torch and self.graph.tensors.sample(tensor) is None:
            return True  # torch keeps parameters in initializers; its Constant nodes hold what it made itself
        return patterns.filling(tensor, self.graph.tensors, (0, 1))

    def _use(self, item: Item, op: Any) -> None:
        """A node that also sees an activation: what each still input is to it."""
        for index, name in enumerate(item.inputs):
            held = self.held.get(name) if name else None
            if held is None:
                continue
            if index in op.slots:
                self._slot(item, index, held, op.slots[index])
            elif index in op.buffers:
                self._buffers(item, index, held, op.buffers[index])
            elif index in op.operands:
                self._operand(item, index, held)
            elif index in op.passes:
                self._join(item, index, held)

    def _slot(self, item: Item, index: int, held: Held, role: str) -> None:
        for tensor in held.tensors:
            table = role == "table"
            if tensor.dtype in _NEVER or (table and not tensor.dtype.is_float and tensor.dtype not in _NARROW):
                continue
            use = Use(tensor, index, role, held.direct)
            if self.witness.is_buffer(tensor):
                item.uses.append(use._replace(buffer=True, role="buffer"))
                continue
            if table and tensor.dtype in _NARROW and item.kind.startswith("Gather") and not item.domain:
                self._narrow[item.outputs[0]] = (item, use)
                continue
            if (table or item.kind in ("MatMul", "Einsum")) and self._is_table(tensor, table):
                continue
            item.uses.append(use)
            if role == "kernel" and _one_feature(item, tensor):
                self._single.add(item.outputs[0])
            if self._frequencies(tensor) and item.kind in ("MatMul", "Einsum"):
                self._angles.setdefault(item.outputs[0], []).append((item, use))

    def _is_table(self, tensor: Stored, looked_up: bool) -> bool:
        """A sine or cosine table; said in ``assumed`` where only its name tells."""
        if self.witness.is_parameter(tensor):
            return False
        if patterns.waves(tensor, self.graph.tensors):
            self._say("sine and cosine tables, not counted", tensor)
            return True
        return False

    def _frequencies(self, tensor: Stored) -> bool:
        return sum(size != 1 for size in tensor.dims) <= 1 and not self.witness.is_parameter(tensor)

    def _buffers(self, item: Item, index: int, held: Held, role: str) -> None:
        for tensor in held.tensors if held.direct else ():
            if tensor.dtype.is_float:
                item.uses.append(Use(tensor, index, role, True, True))

    def _operand(self, item: Item, index: int, held: Held) -> None:
        """Rule 4: a float tensor of more than one element meets an activation; masks and tables apart."""
        for tensor in held.tensors:
            if not (tensor.dtype.is_float or held.dequantised or (item.domain and tensor.dtype in _NARROW)):
                continue
            use = Use(tensor, index, "bias" if item.kind in ("Add", "Sum") else "scale", held.direct)
            if self.witness.is_buffer(tensor):
                item.uses.append(use._replace(buffer=True, role="buffer"))
            elif tensor.elements <= 1:
                if self.witness.learned(tensor) or (tensor.dims and self._follows_single(item)):
                    item.uses.append(use)
            elif self.witness.is_parameter(tensor):
                item.uses.append(use)
            elif not self._constant_kind(item, index, tensor):
                self._statistic_or_weight(item, index, use)

    def _follows_single(self, item: Item) -> bool:
        """Whether an Add comes after a product with one output feature: then one number is its bias."""
        return item.kind in ("Add", "Sum") and any(name in self._single for name in item.inputs)

    def _constant_kind(self, item: Item, index: int, tensor: Stored) -> bool:
        """Masks and wave tables, as far as values show."""
        mask = patterns.mask(tensor, self.graph.tensors)
        if mask is None and len([size for size in tensor.dims if size != 1]) > 1:
            self._say("constant operands whose values are not at hand, counted as weights", tensor)
        if mask:
            return True
        neutral = (0,) if item.kind in ("Add", "Sub", "Sum") else (1,)
        if (
            self.witness.traced
            and self.witness.generated(tensor)
            and patterns.filling(tensor, self.graph.tensors, neutral)
        ):
            return True
        if self.witness.generated(tensor) and patterns.arithmetic(tensor, self.graph.tensors):
            self._say("evenly spaced constants, not counted", tensor)
            return True
        return self._is_table(tensor, False)

    def _statistic_or_weight(self, item: Item, index: int, use: Use) -> None:
        """What is subtracted from an activation is a mean, and what then divides it a deviation."""
        if item.kind == "Sub" and index == 1:
            self._centred.update(item.outputs)
            self._say("constants subtracted from an activation, taken as means (buffers)", use.tensor)
            item.uses.append(use._replace(buffer=True, role="mean"))
        elif item.kind == "Div" and index == 1 and item.inputs[0] in self._centred:
            item.uses.append(use._replace(buffer=True, role="deviation"))
        else:
            item.uses.append(use)
            if item.kind == "Mul" and self._frequencies(use.tensor):
                self._angles.setdefault(item.outputs[0], []).append((item, use))

    def _join(self, item: Item, index: int, held: Held) -> None:
        """A tensor joined to an activation (a class token); filling of one value is none."""
        for tensor in held.tensors:
            if not tensor.dtype.is_float or tensor.elements <= 1 or item.kind not in ("Concat",):
                continue
            use = Use(tensor, index, "token", held.direct)
            if self.witness.is_buffer(tensor):
                item.uses.append(use._replace(buffer=True, role="buffer"))
            elif self.witness.is_parameter(tensor) or not (
                patterns.filling(tensor, self.graph.tensors) or self._is_table(tensor, False)
            ):
                item.uses.append(use)

    def _watch(self, item: Item) -> None:
        """Follow what may still turn out otherwise: angles that reach Cos or Sin, integer rows that are dequantised."""
        op = item.op
        for index, name in enumerate(item.inputs):
            if name in self._angles:
                found = self._angles[name]
                if item.kind in ("Cos", "Sin"):
                    for source, use in found:
                        if use in source.uses:
                            source.uses.remove(use)
                            self._say("frequencies of rotary embeddings, not counted", use.tensor)
                elif op is not None and (index in op.passes or item.kind == "Mul"):
                    for made in item.outputs:
                        self._angles.setdefault(made, []).extend(found)
            if name in self._narrow:
                source, use = self._narrow[name]
                if item.kind == "DequantizeLinear" and index == 0 and use not in source.uses:
                    source.uses.append(use)
                elif op is not None and index in op.passes and item.outputs:
                    self._narrow[item.outputs[0]] = (source, use)
            if name in self._single and op is not None and index in op.passes:
                self._single.update(item.outputs)
            if name in self._centred and item.kind == "Cast":
                self._centred.update(item.outputs)

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
                    self._say(f"inputs of {label(item)}, counted as weights", tensor)
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

    def _say(self, what: str, tensor: Stored) -> None:
        names = self.assumed.setdefault(what, [])
        if len(names) < 1000 and tensor.name not in names[-3:]:
            names.append(tensor.name)


def _one_feature(item: Item, kernel: Stored) -> bool:
    """Whether a product's kernel makes one output feature: [i, 1] of MatMul, a side of Gemm, [1, i, ...] of Conv."""
    if not kernel.dims or item.kind in ("LSTM", "GRU", "RNN"):
        return False
    if len(kernel.dims) == 2:
        return kernel.dims[-1] == 1 or (item.kind == "Gemm" and kernel.dims[0] == 1)
    return kernel.dims[0 if "Conv" in item.kind else -1] == 1


def _scanned(item: Item) -> int:
    return next((proto.i for proto in item.proto.attribute if proto.name == "num_scan_inputs"), 0)


def label(item: Item) -> str:
    """An operator with its domain: ``com.acme::Foo``."""
    return f"{item.domain}::{item.kind}" if item.domain else item.kind
