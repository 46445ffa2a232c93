"""From a file to a Model: read the skeleton, flatten, find the weights, then (where asked) shapes and costs."""

from __future__ import annotations

import gc
import os
from typing import Any

from paramlint.errors import InputError, LoadError
from paramlint.ir import Model
from paramlint.loaders import Request
from paramlint.loaders.onnx import operators, proto
from paramlint.loaders.onnx.external import Files, is_pointer, pointer_size, resolve
from paramlint.loaders.onnx.graph import Graph, GraphError
from paramlint.loaders.onnx.patterns import Witness
from paramlint.loaders.onnx.rows import build
from paramlint.loaders.onnx.skeleton import WireError
from paramlint.loaders.onnx.source import File, Held, Source
from paramlint.loaders.onnx.tensors import TensorError, Tensors
from paramlint.loaders.onnx.trace import Trace

_HEAD = 4096


def read_file(path: str, request: Request) -> Model:
    """The model of the file at ``path``; LoadError says in one line why it cannot be judged."""
    source = File(path)
    try:
        head = source.read(0, _HEAD)
        if is_pointer(head):
            found = resolve(path, head)
            if found is None:
                size = pointer_size(head)
                named = f" of {size:,} bytes" if size is not None else ""
                hint = "fetch the file itself: git lfs pull"
                raise LoadError(InputError(path, f"is a Git LFS pointer{named}, not the model", hint=hint))
            source.close()
            source = File(found)
            head = source.read(0, _HEAD)
        return _read(path, source, head, Files(os.path.dirname(os.path.abspath(path))), request)
    finally:
        source.close()


def read_bytes(path: str, data: bytes, request: Request) -> Model:
    """The model in ``data``; external data cannot be found, since there is no folder."""
    return _read(path, Held(data), data[:_HEAD], Files(None), request)


def _read(path: str, source: Source, head: bytes, files: Files, request: Request) -> Model:
    what = foreign(head)
    if what:
        raise LoadError(InputError(path, what))
    collecting = gc.isenabled()
    gc.disable()  # a graph is many small objects and no rubbish: collecting while it grows costs a third of the time
    try:
        model, walker, skeleton = proto.parse(source)
        _check_model(model)
        tensors = Tensors(source, walker.payloads, files)
        graph = Graph(model, tensors)
        kinds = {item.kind for item in graph.items}
        known = operators.load_for(kinds)
        trace = Trace(graph, known, Witness(skeleton, model.producer_name, graph.all_stored.values()))
        return build(path, graph, trace, request, source.disk, skeleton)
    except WireError as error:
        raise LoadError(InputError(path, f"is no ONNX model: {error}")) from None
    except GraphError as error:
        raise LoadError(InputError(path, str(error), node=error.node)) from None
    except TensorError as error:
        raise LoadError(InputError(path, str(error))) from None
    finally:
        if collecting:
            gc.enable()


def _check_model(model: Any) -> None:
    if not model.HasField("graph"):
        raise WireError("it has no graph")
    if not model.opset_import and model.ir_version >= 3:
        raise WireError("it imports no operator set (it may be cut off)")
    if not model.graph.node and not model.graph.output and not model.graph.initializer:
        raise WireError("its graph is empty")


def foreign(head: bytes) -> str | None:
    """What a file is that only has an ONNX name; None where it may be a model."""
    if not head:
        return "is empty"
    if head[4:8] == b"TFL3":
        return "is a TensorFlow Lite model, not ONNX; .tflite files are not read"
    if head[4:8] == b"ORTM":
        return "is an ONNX Runtime (.ort) model, not ONNX"
    if head[:4] == b"PK\x03\x04":
        return "is a zip archive (a PyTorch or Keras file), not an ONNX model"
    if head[:8] == b"\x89HDF\r\n\x1a\n":
        return "is an HDF5 file (Keras weights), not an ONNX model"
    if head[:4] == b"GGUF":
        return "is a GGUF file, not an ONNX model"
    if head[:2] == b"\x80\x02" or head[:2] == b"\x80\x04":
        return "is a Python pickle, not an ONNX model"
    if len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 32:
        return "is a safetensors file, not an ONNX model"
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3:
            return None
        text = head[: error.start].decode("utf-8")
    if all(letter.isprintable() or letter in "\r\n\t" for letter in text):
        return "is text, not an ONNX model"
    return None
