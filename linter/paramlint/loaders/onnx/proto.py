"""The generated protobuf module of onnx, loaded by its file's place: ``import onnx`` itself would bring numpy."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

from paramlint.loaders.onnx.skeleton import Walker, WireError
from paramlint.loaders.onnx.source import Source

_NAME = "onnx.onnx_ml_pb2"  # its own name, so that a later ``import onnx`` finds it instead of registering it twice


def module() -> Any:
    """``onnx_ml_pb2``; the onnx package itself is not imported."""
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    found = importlib.util.find_spec("onnx")
    if found is None or found.origin is None:
        raise RuntimeError("the onnx package is not installed")
    path = os.path.join(os.path.dirname(found.origin), "onnx_ml_pb2.py")
    spec = importlib.util.spec_from_file_location(_NAME, path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"onnx holds no {path}")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = loaded
    spec.loader.exec_module(loaded)
    return loaded


def parse(source: Source) -> tuple[Any, Walker, bytes]:
    """A ModelProto without payloads, the walker that knows them, and the skeleton; WireError says what is wrong."""
    walker = Walker(source)
    skeleton = walker.skeleton()
    from google.protobuf.message import DecodeError

    model = module().ModelProto()
    try:
        model.ParseFromString(skeleton)
    except DecodeError:
        Walker(source, keep=-1).skeleton()  # enters everything and so finds what protobuf did not like
        raise WireError("protobuf cannot read it (a field has the wrong type or text that is no UTF-8)") from None
    return model, walker, skeleton
