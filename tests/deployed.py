"""Networks as specs and as ONNX graphs, and their deployment view in a line for each operator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import yaml
from onnx import TensorProto, helper
from paramlint.deploy import Deployed
from paramlint.engine import load
from paramlint.ir import Model
from paramlint.loaders import Request

Read = Callable[..., Model]


def read_spec(folder: Path, layers: str | Sequence[Any], shape: Any, framework: str = "pytorch", **more: Any) -> Model:
    """A network from its layers, written as a spec."""
    listed = [line.strip() for line in layers.splitlines() if line.strip()] if isinstance(layers, str) else layers
    items = [yaml.safe_load(one) if isinstance(one, str) else one for one in listed]
    path = folder / "net.arch.yaml"
    path.write_text(yaml.safe_dump({"framework": framework, "input": shape, "layers": items, **more}))
    return load(str(path), Request(shapes=True))


def read_graph(folder: Path, text: str, opset: int = 17, **weights: Any) -> Model:
    """An ONNX graph from its text; ``weights`` are initializers by name, of a shape or of numbers."""
    model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {text}')
    for name, value in weights.items():
        model.graph.initializer.append(stored(name, value))
    path = folder / "net.onnx"
    onnx.save(model, path)
    return load(str(path), Request(shapes=True))


def stored(name: str, value: Any) -> TensorProto:
    """Weights of a shape (every one with numbers of its own), one float, or a list of integers; ``q`` is int8."""
    if isinstance(value, float):
        return helper.make_tensor(name, TensorProto.FLOAT, [], [value])
    if isinstance(value, list):
        return helper.make_tensor(name, TensorProto.INT64, [len(value)], value)
    count = 1
    for size in value:
        count *= size
    if name.startswith("q"):
        return helper.make_tensor(name, TensorProto.INT8, value, [1] * count)
    return helper.make_tensor(name, TensorProto.FLOAT, value, [float(len(name)) + place for place in range(count)])


def listing(view: Deployed) -> list[str]:
    """Each operator with its fused activation and the shape of its output."""
    found = []
    for one in view.operators:
        fused = one.options.get("activation")
        shape = "x".join(map(str, view.buffers[one.outputs[0]].shape))
        found.append(f"{one.kind}{f'+{fused}' if fused else ''} {shape}")
    return found


def kinds(view: Deployed) -> list[str]:
    return [one.kind for one in view.operators]


def sizes(view: Deployed) -> list[Any]:
    return [buffer.bytes for buffer in view.buffers]
