"""What the view takes for granted and the network does not say."""

from __future__ import annotations

from collections.abc import Iterator

from paramlint.deploy.draft import FLOATS, Draft, Node
from paramlint.deploy.types import QUANTIZED, joins
from paramlint.ir import DType, Model


def assumptions(model: Model, draft: Draft, dtype: DType | None) -> Iterator[str]:
    """One sentence each, as it is printed."""
    floats = {tensor.name for tensor in model.tensors.values() if tensor.dtype in FLOATS}
    ends = {value.dtype.value for value in (*draft.inputs, *draft.outputs) if value.name in floats}
    for name in sorted(ends & {one.value for one in QUANTIZED}):
        yield f"RAM: the inputs and outputs of the network are {name}, too"
    nodes = [node for node in draft.nodes if node.alive]
    stated = any(node.kind == "QUANTIZE" for node in nodes)
    if dtype in QUANTIZED and not stated and any(joins(node) for node in nodes):
        yield f"RAM: no QUANTIZE where inputs of Concat, Max or Min differ in scale; only an {dtype.value} graph tells"
    if dtype is DType.INT16:
        yield "flash: weights of an int16 network are int8, biases int64"
    if any(node.kind == "FULLY_CONNECTED" and _reshaped(node) for node in nodes):
        yield "RAM: a Reshape before a dense layer takes a buffer (old converters dropped it)"


def _reshaped(node: Node) -> bool:
    before = node.source()
    return before is not None and before.kind == "RESHAPE"
