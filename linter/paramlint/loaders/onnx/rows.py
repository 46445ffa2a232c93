"""From the traced graph to the Model: a row for each node that has weights or costs, totals of bytes, observations."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from paramlint.ir import DType, Layer, Model, Observation, Quantity, Source, Tensor, Unknown, Weight
from paramlint.loaders import Request
from paramlint.loaders.onnx.graph import Graph, Item
from paramlint.loaders.onnx.operators import ShapeError
from paramlint.loaders.onnx.stated import stated_shape, stated_type
from paramlint.loaders.onnx.tensors import Stored
from paramlint.loaders.onnx.trace import Trace
from paramlint.loaders.onnx.uses import label

SHOWN = 5  # names in one message
_SCOPES = "pkg.torch.onnx.name_scopes"
_QUOTED = r"'([^']*)'"


def build(path: str, graph: Graph, trace: Trace, request: Request, disk: int, skeleton: bytes) -> Model:
    """The Model of one file."""
    reached = live(graph)
    parameters = {use.tensor.storage for item in graph.items for use in item.uses if not use.buffer}
    namer = Namer()
    if request.shapes:
        from paramlint.loaders.onnx.full import complete

        return complete(path, graph, trace, request, disk, skeleton, reached, parameters, namer)
    layers = tuple(
        layer_of(item, namer, parameters, path, id(item) in reached)
        for item in graph.items
        if item.uses or (item.op is None and item.enters is None and id(item) in reached)
    )
    inputs = tuple(Tensor(name, stated_shape(info), stated_type(info)) for name, info in graph.inputs)
    return assemble(path, graph, trace, request, disk, layers, reached, inputs, {}, (), ())


def assemble(
    path: str, graph: Graph, trace: Trace, request: Request, disk: int, layers: tuple[Layer, ...], reached: set[int],
    inputs: tuple[Tensor, ...], tensors: dict[str, Tensor], steps: tuple[Any, ...], assumed: tuple[str, ...],
    observations: Iterable[Observation] = (), details: dict[str, object] | None = None,
) -> Model:  # fmt: skip
    """The parts that need no shapes: bytes, unused storage, absent files."""
    seen = list(observations)
    unused = _unused(graph, trace)
    if unused:
        size = sum(tensor.bytes for tensor in unused)
        what = "stored tensors are" if len(unused) > 1 else "stored tensor is"
        text = f"{len(unused)} {what} read by no node ({size:,} bytes): {names(unused)}"
        seen.append(Observation("PL004", text, Source("file", path)))
    absent = graph.tensors.files.absent()
    if absent:
        files = ", ".join(map(repr, absent[:SHOWN]))
        text = f"external data {files} is not there; its tensors are counted from their dims"
        seen.append(Observation("PL005", text, Source("file", path)))
    seen += list(_unfilled(graph, trace, path)) + list(_dead(graph, reached, layers, path))
    more = {f"{what}: {_listed(found)}": None for what, found in trace.roles.assumed.items()}
    stored = graph.all_stored.values()
    untyped = next((tensor for tensor in stored if tensor.dtype is DType.UNDEFINED and tensor.elements), None)
    details = dict(details or {})
    if trace.trees:
        details["tree_nodes"] = trace.trees
    sparse = sum(tensor.sparse or 0 for tensor in stored)
    if sparse:
        details["sparse_values"] = sparse
    duplicate = None
    if request.duplicates:
        from paramlint.loaders.onnx.duplicates import duplicates

        duplicate, found = duplicates(graph, path)
        seen += found
    bytes_unknown = {}
    constants: Quantity = sum(tensor.bytes for tensor in stored)
    if untyped is not None:
        reason = f"tensor {untyped.name!r} has an element type that ONNX does not define"
        bytes_unknown, constants = {"param_bytes": (reason,)}, Unknown(reason)
    return Model(
        name=graph.model.graph.name or os.path.basename(path), path=path, format="onnx", framework=None, inputs=inputs,
        outputs=tuple(graph.outputs), layers=layers, tensors=tensors, steps=steps,
        layer_count=sum([1 for item in graph.items if item.enters is None and not item.fixed]),
        batch_axis=True, assumed=(*assumed, *more), observations=tuple(seen), unknown=bytes_unknown,
        constant_bytes=constants, unused_bytes=sum(tensor.bytes for tensor in unused), duplicate_bytes=duplicate,
        file_bytes=None if absent else disk + graph.tensors.files.bytes(), source=Source("file", path), details=details,
    )  # fmt: skip


def live(graph: Graph) -> set[int]:
    """Items (by id) that some graph output depends on; a body is live with its node."""
    producer = {name: item for item in graph.items if item.enters is None for name in item.outputs if name}
    for context in graph.contexts[1:]:
        if context is not None:
            for name in context.inputs:
                producer[name] = context.item
    found: set[int] = set()
    waiting = list(graph.outputs)
    while waiting:
        item = producer.get(waiting.pop())
        if item is None or id(item) in found:
            continue
        found.add(id(item))
        waiting += item.inputs
        for index in item.bodies or ():
            context = graph.contexts[index]
            if context is not None:
                waiting += context.outputs
    return found


class Namer:
    """Names of layers, each once."""

    def __init__(self) -> None:
        self.taken: dict[str, int] = {}

    def name(self, item: Item) -> str:
        wanted = item.name
        count = self.taken.get(wanted, 0)
        self.taken[wanted] = count + 1
        return f"{wanted}#{count + 1}" if count else wanted


def group_of(item: Item) -> str:
    """The module path: from the exporter's metadata, else the folders of the node's name."""
    if item.proto is None:
        return ""
    for entry in item.proto.metadata_props:
        if entry.key == _SCOPES and isinstance(entry.value, str):  # bytes where it is no UTF-8
            scopes = re.findall(_QUOTED, entry.value)
            return scopes[-2] if len(scopes) > 1 else ""
    name = item.name.strip("/")
    return name.rpartition("/")[0].replace("/", ".") if "/" in name else ""


def weights_of(item: Item, parameters: set[str]) -> tuple[Weight, ...]:
    """The tensors at work in a node; one that is also a parameter elsewhere is a parameter here too."""
    found: dict[tuple[int, str], Weight] = {}
    decoded: Any = None
    for use in item.uses:
        tensor = use.tensor
        shape, dtype, size = tensor.dims, tensor.dtype, tensor.stored_bytes
        if item.op is not None and use.slot >= 0 and dtype.bits == 8:
            if decoded is None:
                decoded = plain_attributes(item)
            shape, dtype = _unpacked(item, use.slot, tensor, decoded)
            size = size if shape is tensor.dims else tensor.bytes
        found[use.slot, tensor.storage] = Weight(
            use.role, shape, dtype, tensor.storage, None, use.buffer and tensor.storage not in parameters, size
        )
    return tuple(found.values())


def _unpacked(item: Item, slot: int, tensor: Stored, attributes: dict[str, Any]) -> tuple[tuple[int, ...], DType]:
    """What a blob of bytes means to the operator; what it seems to be, where its attributes make no sense."""
    try:
        logical = item.op.logical(slot, tensor.dims, attributes)
    except (ShapeError, ValueError, ArithmeticError, TypeError):  # sizes of the file that contradict each other
        return tensor.dims, tensor.dtype
    return (tensor.dims, tensor.dtype) if logical is None else (logical.shape, logical.dtype)


def plain_attributes(item: Item) -> dict[str, Any]:
    """Integer attributes (K, N, bits), all that ``logical`` asks for."""
    found = {}
    for proto in item.proto.attribute:
        source = (item.outer or {}).get(proto.ref_attr_name) if proto.ref_attr_name else proto
        if source is not None and source.type == 2:
            found[proto.name] = source.i
    return found


def layer_of(item: Item, namer: Namer, parameters: set[str], path: str, reachable: bool) -> Layer:
    """A row without shapes."""
    name = namer.name(item)
    unknown: tuple[str, ...] = ()
    macs: Any = Unknown("shapes were not asked for")
    if item.op is None:
        unknown = (f"no cost is known for {label(item)}",)
        macs = Unknown(unknown[0])
    return Layer(
        name, label(item), tuple(item.inputs), tuple(Tensor(made, None) for made in item.outputs if made),
        weights_of(item, parameters), macs, Source("node", path, node=name), reachable=reachable, unknown=unknown,
        group=group_of(item),
    )  # fmt: skip


def _unused(graph: Graph, trace: Trace) -> list[Stored]:
    read = {graph.stored[name].storage for name in trace.read | set(graph.outputs) if name in graph.stored}
    for context in graph.contexts[1:]:
        if context is not None:
            read |= {graph.stored[name].storage for name in context.outputs if name in graph.stored}
    return [tensor for tensor in {id(t): t for t in graph.stored.values()}.values() if tensor.storage not in read]


def names(tensors: list[Stored]) -> str:
    return _listed([tensor.name for tensor in tensors])


def _listed(found: list[str]) -> str:
    rest = len(found) - SHOWN
    return ", ".join(found[:SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _unfilled(graph: Graph, trace: Trace, path: str) -> Iterable[Observation]:
    """Weights that the file leaves to its caller (exported without parameters)."""
    inputs = {name for name, _ in graph.inputs}
    hungry = [
        name
        for item in graph.items
        if item.op is not None
        and item.kind in ("Conv", "ConvTranspose", "Gemm", "LSTM", "GRU", "RNN", "BatchNormalization")
        for index, name in enumerate(item.inputs)
        if name in inputs and index in item.op.slots and index > 0
    ]
    if hungry:
        what = "weights are graph inputs without stored values, so they count 0 parameters"
        text = f"{len(hungry)} {what}: {_listed(hungry)}"
        yield Observation("PL005", text, Source("file", path), help="export the model with its parameters")


def _dead(graph: Graph, reached: set[int], layers: tuple[Layer, ...], path: str) -> Iterable[Observation]:
    for layer in layers:
        if not layer.reachable:
            yield Observation("PL007", f"{layer.name} ({layer.op}) reaches no output", layer.source, layer.name)
