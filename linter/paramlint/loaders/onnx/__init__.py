"""ONNX models: recognised here; the reader is imported when a file is read, so that others pay nothing."""

from __future__ import annotations

from paramlint.ir import Model
from paramlint.loaders import Loader, Request, register

_SUFFIXES = (".onnx", ".ort.onnx")
_IR_VERSION = b"\x08"  # a ModelProto written by any known exporter begins with field 1, a small number
_MAX_IR_VERSION = 64


def accepts(path: str, head: bytes) -> bool:
    """True for an ONNX name, and for bytes that begin as a ModelProto does."""
    if path.lower().endswith(_SUFFIXES):
        return True
    return head[:1] == _IR_VERSION and len(head) > 2 and 0 < head[1] <= _MAX_IR_VERSION and head[2] < 0x80


def load(path: str, request: Request) -> Model:
    """The model of one file; LoadError says why it cannot be judged."""
    from paramlint.loaders.onnx.read import read_file

    return read_file(path, request)


def load_bytes(path: str, data: bytes, request: Request) -> Model:
    """The model in ``data`` (standard input), shown under the name ``path``."""
    from paramlint.loaders.onnx.read import read_bytes

    return read_bytes(path, data, request)


register(Loader("onnx", accepts, load, load_bytes, priority=5))
