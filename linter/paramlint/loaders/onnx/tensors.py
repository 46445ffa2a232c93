"""Stored tensors: their sizes from the dims, their bytes checked against them, and a bounded look at their values."""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Sequence
from typing import Any

from paramlint.ir import DType
from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.external import External, Files, Refused
from paramlint.loaders.onnx.operators import Value
from paramlint.loaders.onnx.skeleton import TOKEN, Payload, WireError
from paramlint.loaders.onnx.source import Source

SAMPLE = 1 << 16  # bytes of one payload that a look at its values may read
MAX_VALUE = 1024  # elements of a constant that shape arithmetic keeps
MAX_RANK = 256  # axes of a tensor; a number of thousands of digits must not come of them
MAX_ELEMENTS = 1 << 63
_EXTERNAL = 1  # TensorProto.DataLocation
_CODES = {
    DType.FLOAT32: "f", DType.FLOAT64: "d", DType.FLOAT16: "e", DType.INT64: "q", DType.INT32: "i", DType.INT16: "h",
    DType.INT8: "b", DType.UINT64: "Q", DType.UINT32: "I", DType.UINT16: "H", DType.UINT8: "B", DType.BOOL: "?",
}  # fmt: skip
#: TensorProto list fields by number, and how many elements one entry holds where that is not one.
_LISTS = ((4, "float_data"), (5, "int32_data"), (7, "int64_data"), (10, "double_data"), (11, "uint64_data"))
_NAMES = dict(_LISTS)


class TensorError(Exception):
    """A stored tensor contradicts itself: one phrase."""


class Stored:
    """One tensor that the file holds (or makes: ``ConstantOfShape``). ``storage`` is its identity."""

    __slots__ = (
        "dense",
        "dims",
        "dtype",
        "elements",
        "external",
        "fill",
        "listed",
        "name",
        "origin",
        "payload",
        "proto",
        "sparse",
        "storage",
        "stored_bytes",
    )

    def __init__(self, name: str, storage: str, dims: tuple[int, ...], dtype: DType) -> None:
        self.name, self.storage, self.dims, self.dtype = name, storage, dims, dtype
        self.elements = math.prod(dims)
        self.payload: Payload | None = None
        self.external: External | None = None
        self.proto: Any = None
        self.fill: Any = None  # the one element of a tensor made by ConstantOfShape
        self.sparse: int | None = None  # stored values of a sparse tensor
        self.stored_bytes: int | None = None  # where not elements times bits
        self.origin = "initializer"  # initializer | constant | made | attribute
        self.listed: tuple[Any, ...] | None = None  # elements of an attribute list

    @property
    def bytes(self) -> int:
        if self.stored_bytes is not None:
            return self.stored_bytes
        return -(-self.elements * self.dtype.bits // 8)


def payload_of(mark: bytes, payloads: Sequence[Payload]) -> Payload | None:
    """The payload that a token in the skeleton stands for."""
    if len(mark) == 24 and mark.startswith(TOKEN):
        return payloads[int.from_bytes(mark[16:], "little")]
    return None


def check_dims(dims: tuple[int, ...], label: str) -> None:
    """TensorError where no tensor can have these sizes."""
    if len(dims) > MAX_RANK:
        raise TensorError(f"tensor {label!r} has {len(dims):,} axes")
    if dims and min(dims) < 0:
        raise TensorError(f"tensor {label!r} has the size {min(dims)}")
    if math.prod(dims) >= MAX_ELEMENTS:
        raise TensorError(f"tensor {label!r} has more elements than can be addressed")


class Tensors:
    """Makes and reads the stored tensors of one file."""

    def __init__(self, source: Source, payloads: Sequence[Payload], files: Files) -> None:
        self.source, self.payloads, self.files = source, payloads, files

    def stored(self, proto: Any, storage: str, name: str, origin: str = "initializer") -> Stored:
        """A TensorProto's sizes; TensorError when its bytes cannot be those of its dims."""
        dims = tuple(proto.dims)
        label = name or storage
        check_dims(dims, label)
        tensor = Stored(name, storage, dims, element_type(proto.data_type))
        tensor.proto, tensor.origin = proto, origin
        if proto.HasField("segment"):
            raise TensorError(f"tensor {label!r} is stored in segments, which ONNX does not define further")
        if proto.data_location == _EXTERNAL or (len(proto.external_data) and not proto.HasField("raw_data")):
            self._outside(tensor, label)
        else:
            self._inside(tensor, label)
        return tensor

    def _outside(self, tensor: Stored, label: str) -> None:
        entries = {entry.key: entry.value for entry in tensor.proto.external_data}
        if not all(isinstance(text, str) for pair in entries.items() for text in pair):
            raise TensorError(f"tensor {label!r}: its external data are described in bytes that are no UTF-8")
        try:
            tensor.external = self.files.find(entries)
        except Refused as error:
            raise TensorError(f"tensor {label!r}: {error}") from None
        length = tensor.external.length
        if length is not None and length < tensor.bytes:
            raise TensorError(f"tensor {label!r} names {length:,} external bytes, its dims need {tensor.bytes:,}")
        if tensor.external.available is not None and tensor.external.offset + tensor.bytes > tensor.external.available:
            raise TensorError(
                f"tensor {label!r} needs {tensor.bytes:,} bytes at {tensor.external.offset:,}, "
                f"{tensor.external.location!r} has {tensor.external.available:,}"
            )

    def _inside(self, tensor: Stored, label: str) -> None:
        proto = tensor.proto
        raw = proto.raw_data
        tensor.payload = payload_of(raw, self.payloads) if len(raw) == 24 else None
        if tensor.payload is not None and tensor.payload.field != 9:
            self._check_list(tensor, label, tensor.payload)
        elif proto.HasField("raw_data"):
            held = len(raw) if tensor.payload is None else tensor.payload.length
            if held < tensor.bytes:
                raise TensorError(f"tensor {label!r} holds {held:,} bytes, its dims need {tensor.bytes:,}")
        elif tensor.dtype is DType.STRING:
            tensor.stored_bytes = sum(len(text) for text in proto.string_data)
            if len(proto.string_data) < tensor.elements:
                raise TensorError(f"tensor {label!r} holds {len(proto.string_data):,} strings of {tensor.elements:,}")
        elif tensor.elements:
            held = next((len(getattr(proto, name)) for _, name in _LISTS if len(getattr(proto, name))), 0)
            self._check_count(tensor, label, held)

    def _check_list(self, tensor: Stored, label: str, payload: Payload) -> None:
        if payload.field == 6:
            tensor.stored_bytes = payload.length
        if payload.entries is not None:
            self._check_count(tensor, label, payload.entries)
        elif payload.length < self._entries(tensor):
            raise TensorError(
                f"tensor {label!r} holds {payload.length:,} bytes of numbers for {tensor.elements:,} elements"
            )

    def _entries(self, tensor: Stored) -> int:
        """List entries that the elements take: two for a complex number, one for two of four bits."""
        if tensor.dtype in (DType.COMPLEX64, DType.COMPLEX128):
            return 2 * tensor.elements
        if 0 < tensor.dtype.bits < 8:
            return -(-tensor.elements * tensor.dtype.bits // 8)
        return tensor.elements

    def _check_count(self, tensor: Stored, label: str, held: int) -> None:
        if held < self._entries(tensor) and tensor.dtype is not DType.UNDEFINED:
            raise TensorError(f"tensor {label!r} holds {held:,} elements, its dims say {tensor.elements:,}")

    def value(self, tensor: Stored) -> Value | None:
        """All elements of a small tensor; None for a larger one or where they are not in the file."""
        if tensor.elements > MAX_VALUE:
            return None
        elements = self.sample(tensor)
        if elements is None or len(elements) < tensor.elements:
            return None
        return Value(tensor.dims, tuple(elements[: tensor.elements]), tensor.dtype)

    def sample(self, tensor: Stored, most: int = SAMPLE) -> Sequence[Any] | None:
        """Elements in order from the first, ``most`` at most and of at most 64 KiB; None where they cannot be read."""
        if tensor.listed is not None:
            return tensor.listed[:most]
        if tensor.fill is not None:
            return [tensor.fill] * min(tensor.elements, SAMPLE // 4, most)
        if tensor.sparse is not None or tensor.proto is None:
            return None
        if tensor.dtype is DType.STRING:
            return [text.decode("utf-8", "replace") for text in tensor.proto.string_data]
        if tensor.external is None and tensor.payload is None and not tensor.proto.HasField("raw_data"):
            return self._typed(tensor, most)
        raw = self._raw(tensor, most)
        return None if raw is None else decode(raw, tensor.dtype, min(tensor.elements, most))

    def _typed(self, tensor: Stored, most: int) -> Sequence[Any] | None:
        for _, name in _LISTS:
            entries = getattr(tensor.proto, name)
            if len(entries):
                if tensor.dtype in (DType.FLOAT16, DType.BFLOAT16) and name == "int32_data":
                    raw = struct.pack(f"<{len(entries)}H", *[entry & 0xFFFF for entry in entries])
                    return decode(raw, tensor.dtype, min(tensor.elements, most))
                plain = tensor.dtype in _CODES
                return list(entries[: min(SAMPLE // 4, most)]) if plain else None
        return [] if tensor.elements == 0 else None

    def _raw(self, tensor: Stored, most: int) -> bytes | None:
        outside = tensor.external
        length = min(SAMPLE, tensor.bytes, most * max(tensor.dtype.bits // 8, 1))
        if outside is not None:
            if outside.path is None:
                return None
            descriptor = os.open(outside.path, os.O_RDONLY)
            try:
                return os.pread(descriptor, length, outside.offset)
            finally:
                os.close(descriptor)
        if tensor.payload is None:
            raw: bytes = tensor.proto.raw_data
            return raw[:length]
        if tensor.payload.field == 9 or (tensor.payload.packed and tensor.payload.field in (4, 10)):
            return self.source.read(tensor.payload.offset, length)
        return None


def decode(raw: bytes, dtype: DType, elements: int) -> Sequence[Any] | None:
    """Little-endian elements; None for a type that Python has no number for."""
    code = _CODES.get(dtype)
    if code is None and dtype is DType.BFLOAT16:
        count = min(len(raw) // 2, elements)
        wide = b"".join(b"\0\0" + raw[2 * index : 2 * index + 2] for index in range(count))
        return struct.unpack(f"<{count}f", wide)
    if code is None:
        return None
    count = min(len(raw) // (dtype.bits // 8), elements)
    return struct.unpack_from(f"<{count}{code}", raw)


__all__ = ["MAX_VALUE", "SAMPLE", "Stored", "TensorError", "Tensors", "WireError", "decode", "payload_of"]
