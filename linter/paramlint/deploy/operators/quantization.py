"""Quantised ONNX graphs: a tensor, its integers and what they stand for are one buffer."""

from __future__ import annotations

from paramlint.deploy.lowering import Lowering, View
from paramlint.deploy.operators import converts


@converts("DequantizeLinear")
def dequantized(low: Lowering) -> None:
    """What reads the integers reads the same buffer."""
    view = low.flow()
    low.scales.setdefault(id(view.value), low.scale())
    low.bind(view)


@converts("QuantizeLinear")
def quantized(low: Lowering) -> None:
    """The operator in front makes the integers itself; between two scales there is a QUANTIZE."""
    view = low.flow()
    dtype = low.tensor(low.step.outputs[0]).dtype
    scale = low.scale()
    value = view.value
    alone = low.readers.get(low.step.inputs[0], 0) == 1
    if value.dtype.is_float and (value.node is not None or alone):
        value.dtype = dtype
        if value.node is not None:
            value.name = low.step.outputs[0]
        low.scales[id(value)] = scale
        low.views[low.step.outputs[0]] = view
        return
    if low.scales.get(id(value)) == scale and value.dtype == dtype:
        low.views[low.step.outputs[0]] = view
        return
    made = low.emit("QUANTIZE", [value], value.shape or (), {"scale": scale}, dtype)
    low.scales[id(made)] = scale
    low.bind(View(made, view.order, view.turned))
