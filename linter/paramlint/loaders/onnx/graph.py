"""A model as one flat list of nodes: subgraphs and called functions are unrolled in place, names resolved.

Every value gets an identity (its name in the main graph, with the path of the call or branch elsewhere), every
stored tensor one that does not depend on how often its function is called.
"""

from __future__ import annotations

from typing import Any

from paramlint.ir import DType
from paramlint.loaders.onnx.attributes import attribute, graphs_of
from paramlint.loaders.onnx.items import CONTROL, Context, GraphError, Item, Scope, check_text
from paramlint.loaders.onnx.order import in_order, sort
from paramlint.loaders.onnx.tensors import Stored, TensorError, Tensors, check_dims

MAX_UNROLLED = 100_000  # nodes beyond those of the file: functions that call functions twice each double
MAX_CALLS = 64  # functions inside functions; exporters reach about ten


class Graph:
    """The flat model."""

    def __init__(self, model: Any, tensors: Tensors) -> None:
        self.model, self.tensors = model, tensors
        self.items: list[Item] = []
        self.contexts: list[Context | None] = [None]
        self.stored: dict[str, Stored] = {}  # value id -> the tensor behind it
        self.all_stored: dict[str, Stored] = {}  # storage -> tensor
        self.inputs: list[tuple[str, Any]] = []  # value id, ValueInfoProto
        self.outputs: list[str] = []
        self.infos: dict[str, Any] = {}  # value id -> ValueInfoProto stated by the file
        self.functions = _functions(model)
        self._paths: dict[str, int] = {}
        self._calls: list[tuple[str, str, str]] = []
        #: Bodies are not counted, but their share of a file's nodes is nowhere near this bound.
        self._most = MAX_UNROLLED + len(model.graph.node) + sum(len(function.node) for function in model.functions)
        opsets = _opsets(model.opset_import)
        scope = Scope(None, "", "", opsets, 0)
        self._main(model.graph, scope)

    def _main(self, graph: Any, scope: Scope) -> None:
        check_text((graph.name, *_named(graph)), "the graph")
        self._initializers(graph, scope)
        for info in graph.input:
            if info.name in scope.names:
                if info.name in self.stored:
                    continue  # before IR version 4 every initializer is listed as an input too
                raise GraphError(f"graph input {info.name!r} is defined twice")
            scope.names[info.name] = info.name
            self.inputs.append((info.name, info))
        self._body(graph.node, scope, 0)
        for info in graph.output:
            found = scope.find(info.name)
            if found is None:
                raise GraphError(f"graph output {info.name!r} is defined nowhere")
            self.outputs.append(found)
            self.infos[found] = info
        for info in graph.value_info:
            self.infos.setdefault(info.name, info)

    def _store(self, name: str, tensor: Stored, scope: Scope) -> None:
        value = self._define(name, scope)
        tensor = self.all_stored.setdefault(tensor.storage, tensor)
        self.stored[value] = tensor

    def _initializers(self, graph: Any, scope: Scope) -> None:
        check_text([proto.name for proto in graph.initializer], "a list of initializers")
        check_text([proto.values.name for proto in graph.sparse_initializer], "a list of initializers")
        for proto in graph.initializer:
            storage = f"{scope.definition}{proto.name}"
            known = self.all_stored.get(storage)
            tensor = known or self._tensor(proto, storage, proto.name)
            self._store(proto.name, tensor, scope)
        for sparse in graph.sparse_initializer:
            name = sparse.values.name
            self._store(name, self.sparse(sparse, f"{scope.definition}{name}", name), scope)

    def _tensor(self, proto: Any, storage: str, name: str, origin: str = "initializer") -> Stored:
        try:
            return self.tensors.stored(proto, storage, name, origin)
        except TensorError as error:
            raise GraphError(str(error)) from None

    def sparse(self, proto: Any, storage: str, name: str, origin: str = "initializer") -> Stored:
        """A sparse tensor: its dense size, the stored values apart."""
        dims = tuple(proto.dims)
        try:
            check_dims(dims, name)
        except TensorError as error:
            raise GraphError(f"sparse {error}") from None
        held = self._tensor(proto.values, storage, name, origin)
        indices = self._tensor(proto.indices, storage, f"{name} (indices)", origin)
        tensor = Stored(name, storage, dims, held.dtype)
        tensor.origin, tensor.sparse = origin, held.elements
        if held.elements > tensor.elements:
            raise GraphError(f"sparse tensor {name!r} stores {held.elements:,} values of {tensor.elements:,}")
        tensor.stored_bytes = held.bytes + indices.bytes
        return tensor

    def _define(self, name: str, scope: Scope) -> str:
        if name in scope.names:
            raise GraphError(f"the name {name!r} is defined twice")
        value = scope.path + name
        scope.names[name] = value
        return value

    def _body(self, nodes: Any, scope: Scope, context: int) -> None:
        rows = [(node, list(node.input), list(node.output)) for node in nodes]
        names = scope.names
        if not in_order(rows, scope):
            rows = sort(rows, scope)
        items, path, functions = self.items, scope.path, self.functions
        for index, (node, inputs, outputs) in enumerate(rows):
            kind, domain = node.op_type, node.domain
            check_text((node.name, kind, domain, *inputs, *outputs), f"node {index}")
            if domain == "ai.onnx":
                domain = ""
            if kind == "Constant" and not domain and (domain, kind, "") not in functions:
                self._constant(node, inputs, outputs, scope, index)
                continue
            label = node.name or f"{kind}_{index}"
            resolved = []
            for name in inputs:
                value = (names.get(name) or scope.find(name)) if name else ""
                if value is None:
                    raise GraphError(f"input {name!r} of node {label!r} is defined nowhere", label)
                resolved.append(value)
            if functions and (domain, kind, node.overload) in functions:
                self._call((domain, kind, node.overload), node, resolved, outputs, scope, context, label)
                continue
            item = Item(kind, domain, path + label, resolved, outputs)
            item.proto, item.opset, item.context, item.outer = node, scope.opsets.get(domain, 0), context, scope.call
            item.scope, item.key = (
                path,
                f"{scope.definition}{label}#{index}" if scope.outer or scope.definition else label,
            )
            if kind in CONTROL and not domain:
                self._control(item, scope)
            made = []
            for name in outputs:
                if not name:
                    made.append("")
                    continue
                if name in names:
                    raise GraphError(f"the name {name!r} is defined twice", label)
                value = path + name if path else name
                names[name] = value
                made.append(value)
            item.outputs = made
            items.append(item)
            if len(items) > self._most:
                raise GraphError(f"the graph has more than {self._most:,} nodes once its calls are unrolled")

    def _constant(self, node: Any, inputs: list[str], outputs: list[str], scope: Scope, index: int) -> None:
        if len(outputs) != 1 or inputs:
            raise GraphError(f"Constant {node.name!r} must have no input and one output", node.name)
        name = outputs[0]
        storage = f"{scope.definition}{name}"
        for proto in node.attribute:
            if proto.ref_attr_name:
                proto = (scope.call or {}).get(proto.ref_attr_name)
            if proto is None:
                continue
            check_text((proto.name,), f"an attribute of Constant {name!r}")
            tensor = self.all_stored.get(storage) or self._constant_value(proto, storage, name)
            if tensor is not None:
                self._store(name, tensor, scope)
                return
        raise GraphError(f"Constant {node.name or name!r} has no value", node.name)

    def _constant_value(self, proto: Any, storage: str, name: str) -> Stored | None:
        kind = proto.type
        if kind == 4 or (kind == 0 and proto.HasField("t")):
            return self._tensor(proto.t, storage, name, "constant")
        if kind == 11:
            return self.sparse(proto.sparse_tensor, storage, name, "constant")
        listed = attribute(proto, self.tensors)
        single = not isinstance(listed, tuple)
        if listed is None or not proto.name.startswith("value_"):
            return None
        count = 1 if single else len(listed)
        elements: tuple[Any, ...] = (listed,) if single else tuple(listed)
        dtype = {1: DType.FLOAT32, 6: DType.FLOAT32, 2: DType.INT64, 7: DType.INT64}.get(kind, DType.STRING)
        tensor = Stored(name, storage, () if single else (count,), dtype)
        tensor.origin, tensor.listed = "constant", elements
        if dtype is DType.STRING:
            tensor.stored_bytes = sum(len(str(element).encode()) for element in elements)
        return tensor

    def _call(
        self,
        key: tuple[str, str, str],
        node: Any,
        inputs: list[str],
        outputs: list[str],
        scope: Scope,
        context: int,
        label: str,
    ) -> None:
        """Unroll a function's body at its call."""
        function = self.functions[key]
        if key in self._calls:
            raise GraphError(f"function {key[0]}::{key[1]} calls itself", label)
        if len(self._calls) >= MAX_CALLS:
            raise GraphError(f"functions call each other more than {MAX_CALLS} deep", label)
        definition = f"{key[0]}::{key[1]}{':' if key[2] else ''}{key[2]}/"
        opsets = {**scope.opsets, **_opsets(function.opset_import)}
        inner = Scope(None, self._path(scope.path, label), definition, opsets, scope.depth + 1)
        call: dict[str, Any] = {proto.name: proto for proto in function.attribute_proto}
        for proto in node.attribute:
            found = (scope.call or {}).get(proto.ref_attr_name) if proto.ref_attr_name else proto
            if found is not None:
                call[proto.name] = found
        inner.call = call
        for place, name in enumerate(function.input):
            given = inputs[place] if place < len(inputs) else ""
            inner.names[name] = given  # an omitted optional input stays omitted inside
        self._calls.append(key)
        self._body(function.node, inner, context)
        self._calls.pop()
        for place, name in enumerate(outputs):
            if not name:
                continue
            if place >= len(function.output):
                raise GraphError(f"function {key[1]!r} has {len(function.output)} outputs, {label!r} takes more", label)
            found = inner.find(function.output[place])
            if found is None:
                raise GraphError(f"output {function.output[place]!r} of function {key[1]!r} is defined nowhere", label)
            if name in scope.names:
                raise GraphError(f"the name {name!r} is defined twice", label)
            scope.names[name] = found

    def _path(self, path: str, label: str) -> str:
        """A path for a body that no other body has."""
        whole = f"{path}{label}/"
        seen = self._paths.get(whole, 0)
        self._paths[whole] = seen + 1
        return f"{whole}{seen}/" if seen else whole

    def _control(self, item: Item, scope: Scope) -> None:
        """Unroll the bodies of If, Loop, Scan or SequenceMap before the node itself."""
        item.bodies = []
        for role, graph in graphs_of(item.proto, scope.call):
            index = len(self.contexts)
            context = Context(item.context, role, item)
            self.contexts.append(context)
            item.bodies.append(index)
            inner = Scope(
                scope, self._path(scope.path, f"{item.name.removeprefix(scope.path)}.{role}"),
                f"{item.key}.{role}/", scope.opsets, scope.depth + 1,
            )  # fmt: skip
            inner.call = scope.call
            self._initializers(graph, inner)
            check_text(_named(graph), f"the {role} of {item.name!r}")
            for info in graph.input:
                if info.name not in inner.names:
                    context.inputs.append(self._define(info.name, inner))
                    self.infos[context.inputs[-1]] = info
            mark = Item("", "", item.name, item.inputs, context.inputs)
            mark.enters, mark.context, mark.proto, mark.outer = index, item.context, item.proto, item.outer
            self.items.append(mark)
            self._body(graph.node, inner, index)
            for info in graph.output:
                found = inner.find(info.name)
                if found is None:
                    raise GraphError(
                        f"output {info.name!r} of the {role} of {item.name!r} is defined nowhere", item.name
                    )
                context.outputs.append(found)
            for info in graph.value_info:
                self.infos.setdefault(inner.path + info.name, info)


def _named(graph: Any) -> list[str]:
    return [info.name for info in (*graph.input, *graph.output, *graph.value_info)]


def _functions(model: Any) -> dict[tuple[str, str, str], Any]:
    functions: dict[tuple[str, str, str], Any] = {}
    for function in model.functions:
        check_text((function.domain, function.name, *function.input, *function.output), "a function")
        domain = "" if function.domain == "ai.onnx" else function.domain
        key = (domain, function.name, function.overload)
        if key in functions:
            raise GraphError(f"function {domain}::{function.name} is defined twice")
        functions[key] = function
    return functions


def _opsets(imports: Any) -> dict[str, int]:
    opsets: dict[str, int] = {}
    for entry in imports:
        domain = "" if entry.domain == "ai.onnx" else entry.domain
        if opsets.get(domain, entry.version) != entry.version:
            raise GraphError(
                f"the domain {domain or 'ai.onnx'!r} is imported with versions {opsets[domain]} and {entry.version}"
            )
        opsets[domain] = entry.version
    return opsets


def made_by_shape(item: Item, sizes: tuple[Any, ...], fill: Any, dtype: DType) -> Stored | None:
    """The tensor that ConstantOfShape makes from known sizes; None where one is free or negative."""
    if not all(type(size) is int and size >= 0 for size in sizes):
        return None
    try:
        check_dims(sizes, item.name)
    except TensorError:
        return None
    tensor = Stored(item.name, f"{item.key} (made)", tuple(sizes), dtype)
    tensor.origin, tensor.fill = "made", fill
    return tensor


__all__ = ["Context", "Graph", "GraphError", "Item", "made_by_shape"]
