"""Equal weights stored twice, found by content: the one part that reads payloads, and only when it is asked for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

from paramlint.ir import DType, Observation, Source, Unknown
from paramlint.loaders.onnx.graph import Graph
from paramlint.loaders.onnx.tensors import Stored

_CHUNK = 1 << 20
_SMALL = 64  # bytes: equal shapes and zero points are no news


def duplicates(graph: Graph, path: str) -> tuple[int | Unknown, list[Observation]]:
    """Bytes that further copies of equal tensors take, and one observation for each group of equal tensors.

    Tensors are compared where size, type and shape agree; a payload that is absent makes the sum unknown.
    """
    alike: dict[tuple[DType, tuple[int, ...]], list[Stored]] = {}
    for tensor in graph.all_stored.values():
        if tensor.bytes > _SMALL and tensor.origin in ("initializer", "constant") and tensor.sparse is None:
            alike.setdefault((tensor.dtype, tensor.dims), []).append(tensor)
    total, found, absent = 0, [], ""
    for tensors in alike.values():
        if len(tensors) < 2:
            continue
        contents: dict[bytes, list[Stored]] = {}
        for tensor in tensors:
            if tensor.external is not None and tensor.external.path is None:
                absent = tensor.external.location
                continue
            contents.setdefault(_digest(graph, tensor), []).append(tensor)
        for equal in contents.values():
            if len(equal) > 1:
                size = equal[0].bytes * (len(equal) - 1)
                total += size
                names = ", ".join(tensor.name for tensor in equal[:5])
                text = f"{names} hold the same {equal[0].elements:,} numbers: {size:,} bytes are stored again"
                found.append(Observation("PL006", text, Source("file", path)))
    return (Unknown(f"external data {absent!r} is not there") if absent else total), found


def _digest(graph: Graph, tensor: Stored) -> bytes:
    """A hash of the numbers as they are stored (raw or as a list)."""
    digest = hashlib.blake2b(digest_size=20)
    for part in _parts(graph, tensor):
        digest.update(part)
    return digest.digest()


def _parts(graph: Graph, tensor: Stored) -> Iterator[bytes]:
    outside, payload = tensor.external, tensor.payload
    if outside is not None and outside.path is not None:
        descriptor = os.open(outside.path, os.O_RDONLY)
        try:
            at, left = outside.offset, tensor.bytes
            while left > 0 and (part := os.pread(descriptor, min(_CHUNK, left), at)):
                yield part
                at, left = at + len(part), left - len(part)
        finally:
            os.close(descriptor)
    elif payload is not None:
        yield b"" if payload.field in (4, 9, 10) and payload.packed else bytes([payload.field])
        at, left = payload.offset, payload.length
        while left > 0 and (part := graph.tensors.source.read(at, min(_CHUNK, left))):
            yield part
            at, left = at + len(part), left - len(part)
    elif tensor.listed is not None:
        yield repr(tensor.listed).encode()
    elif tensor.proto.HasField("raw_data"):
        yield tensor.proto.raw_data
    else:
        yield repr(
            [
                tensor.proto.float_data,
                tensor.proto.int32_data,
                tensor.proto.int64_data,
                tensor.proto.double_data,
                tensor.proto.uint64_data,
                tensor.proto.string_data,
            ]
        ).encode()
