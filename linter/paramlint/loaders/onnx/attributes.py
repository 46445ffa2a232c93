"""Attributes as operators see them: plain Python values; a large list that stayed in the file is only counted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.operators import Value
from paramlint.loaders.onnx.skeleton import Payload
from paramlint.loaders.onnx.tensors import Stored, TensorError, Tensors, payload_of

MAX_LIST = 1 << 18  # entries of a list that stayed in the file and is still worth a tuple of its length


def attribute(proto: Any, tensors: Tensors) -> Any:
    """The value of one AttributeProto; None for a graph, or where it cannot be given."""
    kind = proto.type
    if kind == 2:
        return proto.i
    if kind == 1:
        return proto.f
    if kind == 7:
        return _list(proto, tensors, tuple(proto.ints))
    if kind == 6:
        return _list(proto, tensors, tuple(proto.floats))
    if kind == 3:
        return None if payload(proto, tensors) else proto.s.decode("utf-8", "replace")
    if kind == 8:
        return _list(proto, tensors, tuple([text.decode("utf-8", "replace") for text in proto.strings]))
    if kind == 4:
        return _tensor(proto.t, proto.name, tensors)
    if kind == 0:
        return _untyped(proto, tensors)
    return None


def payload(proto: Any, tensors: Tensors) -> Payload | None:
    """The list or text that stayed in the file."""
    mark = proto.s
    return payload_of(mark, tensors.payloads) if len(mark) == 24 else None


def _list(proto: Any, tensors: Tensors, held: tuple[Any, ...]) -> Any:
    left = payload(proto, tensors) if proto.HasField("s") else None
    if left is None:
        return held
    count = left.entries if left.entries is not None else 0
    return (None,) * count if 0 < count <= MAX_LIST else None


def _tensor(proto: Any, name: str, tensors: Tensors) -> Value | None:
    try:
        tensor = tensors.stored(proto, f"attribute {name}", name, "attribute")
    except TensorError:
        return None
    return tensors.value(tensor) or Value(tensor.dims, (), tensor.dtype)


def _untyped(proto: Any, tensors: Tensors) -> Any:
    """Before IR version 2 the type was not written: whatever is there."""
    for field, kind in (("ints", 7), ("floats", 6), ("strings", 8)):
        if len(getattr(proto, field)):
            return (
                tuple(getattr(proto, field))
                if kind != 8
                else tuple([text.decode("utf-8", "replace") for text in proto.strings])
            )
    if proto.HasField("i"):
        return proto.i
    if proto.HasField("f"):
        return proto.f
    if proto.HasField("s"):
        return None if payload(proto, tensors) else proto.s.decode("utf-8", "replace")
    return _tensor(proto.t, proto.name, tensors) if proto.HasField("t") else None


def attributes(node: Any, outer: Mapping[str, Any] | None, tensors: Tensors) -> dict[str, Any]:
    """All attributes of a node but its graphs; in a function, those that refer to the call's are looked up there."""
    found = {}
    for proto in node.attribute:
        name = proto.name
        if proto.ref_attr_name:
            proto = (outer or {}).get(proto.ref_attr_name)
            if proto is None:
                continue
        value = attribute(proto, tensors)
        if value is not None:
            found[name] = value
    return found


def graphs_of(node: Any, outer: Mapping[str, Any] | None) -> Iterator[tuple[str, Any]]:
    """The bodies of a node with their roles (``then_branch``, ``else_branch``, ``body``)."""
    for proto in node.attribute:
        role = proto.name
        if proto.ref_attr_name:
            proto = (outer or {}).get(proto.ref_attr_name)
            if proto is None:
                continue
        if proto.HasField("g"):
            yield role, proto.g
        for index, graph in enumerate(proto.graphs):
            yield f"{role}{index}", graph


def stored_list(proto: Any, storage: str, tensors: Tensors) -> Stored | None:
    """A list attribute that holds learned numbers, as a stored tensor; a tensor attribute likewise."""
    if proto.type == 4:
        return tensors.stored(proto.t, storage, proto.name, "attribute")
    left = payload(proto, tensors) if proto.HasField("s") else None
    held = proto.floats if len(proto.floats) else proto.ints
    count = left.entries if left is not None and left.entries is not None else len(held)
    if not count:
        return None
    tensor = Stored(proto.name, storage, (count,), element_type(1 if proto.type == 6 else 7))
    tensor.origin = "attribute"
    return tensor
