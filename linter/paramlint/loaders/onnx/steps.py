"""Executed operators in ONNX's vocabulary, with every attribute that a deployment needs resolved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paramlint.ir import Shape, Step, Weight
from paramlint.loaders.onnx.graph import Item
from paramlint.loaders.onnx.infer import Solved
from paramlint.loaders.onnx.operators import Node
from paramlint.loaders.onnx.trace import Trace
from paramlint.loaders.onnx.uses import label

_WINDOWED = frozenset({
    "Conv", "ConvTranspose", "ConvInteger", "QLinearConv", "FusedConv", "DeformConv", "MaxPool", "AveragePool",
    "LpPool",
})  # fmt: skip
_SMALL = 64  # elements of a constant that says how an operator works (axes, pads, bounds)


def step_of(item: Item, solved: Solved, trace: Trace, weights: Mapping[int, Weight], layer: str) -> Step:
    """The step of one node: stored inputs are weights by index, the others tensors by name."""
    node = solved.nodes[id(item)]
    attributes: Mapping[str, Any] = node.attributes
    if item.kind in _WINDOWED:
        attributes = _resolved(item, node.attributes, solved)
    kind, outputs = label(item), tuple(item.outputs)
    if not weights and trace.fixed.isdisjoint(item.inputs):  # nothing but activations, as in most nodes
        return Step(kind, tuple(item.inputs), outputs, attributes, {}, layer, _small(node))
    held: dict[int, Weight] = dict(weights)
    inputs = list(item.inputs)
    for index, name in enumerate(inputs):
        if index in held:
            inputs[index] = ""
            continue
        if not name or name not in trace.still or name not in trace.fixed:
            continue
        constant = _constant(name, solved)
        if constant is not None:
            held[index] = constant
            inputs[index] = ""
    return Step(kind, tuple(inputs), outputs, attributes, held, layer, _small(node))


def _small(node: Node) -> dict[int, tuple[Any, ...]]:
    """Constants that say how the operator works, by input index."""
    if not any(node.values):
        return {}
    return {
        index: value.elements
        for index, value in enumerate(node.values)
        if value is not None and len(value.elements) <= _SMALL and all(map(_number, value.elements))
    }


def _number(element: Any) -> bool:
    """Whether an element is known: a size that is free has a name or nothing."""
    return isinstance(element, (int, float))


def _constant(name: str, solved: Solved) -> Weight | None:
    """A constant that is no weight of this node (a scale, a shape, the result of constant arithmetic)."""
    tensor = solved.tensors.get(name)
    if tensor is None or tensor.shape is None or not all(type(dim) is int for dim in tensor.shape):
        return None
    stored = solved.graph.stored.get(name)
    size = stored.stored_bytes if stored is not None else None
    shape: tuple[int, ...] = tensor.shape  # type: ignore[assignment]  # every dim was seen to be an int
    return Weight("constant", shape, tensor.dtype, stored.storage if stored else name, None, False, size)


def _resolved(item: Item, attributes: Mapping[str, Any], solved: Solved) -> dict[str, Any]:
    """Explicit ``kernel_shape``, ``strides``, ``dilations`` and ``pads`` (begins, then ends)."""
    found = dict(attributes)
    source = solved.tensors.get(item.inputs[0])
    made = solved.tensors.get(item.outputs[0])
    place = 3 if item.kind == "QLinearConv" else 1
    kernel = found.get("kernel_shape")
    if kernel is None and place < len(item.inputs):
        weight = solved.tensors.get(item.inputs[place])
        kernel = weight.shape[2:] if weight is not None and weight.shape is not None else None
    if not isinstance(kernel, tuple) or not all(type(size) is int for size in kernel):
        return found
    axes = len(kernel)
    found["kernel_shape"] = kernel
    strides = found.setdefault("strides", (1,) * axes)
    dilations = found.setdefault("dilations", (1,) * axes)
    mode = found.pop("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER") and item.kind != "ConvTranspose":
        pads = _same_pads(
            source.shape if source else None, made.shape if made else None, kernel, strides, dilations, mode
        )
        if pads is not None:
            found["pads"] = pads
        else:
            found["auto_pad"] = mode
    elif mode in ("SAME_UPPER", "SAME_LOWER"):
        found["auto_pad"] = mode
    elif mode == "VALID" or "pads" not in found:
        found["pads"] = (0,) * (2 * axes)
    return found


def _same_pads(
    source: Shape | None, made: Shape | None, kernel: tuple[int, ...], strides: Any, dilations: Any, mode: str
) -> tuple[int, ...] | None:
    if source is None or made is None or len(source) != len(kernel) + 2 or len(made) != len(source):
        return None
    begins, ends = [], []
    for axis, size in enumerate(kernel):
        length, out = source[axis + 2], made[axis + 2]
        if not isinstance(length, int) or not isinstance(out, int) or len(strides) <= axis or len(dilations) <= axis:
            return None
        total = max((out - 1) * strides[axis] + (size - 1) * dilations[axis] + 1 - length, 0)
        small, large = total // 2, total - total // 2
        begins.append(small if mode == "SAME_UPPER" else large)
        ends.append(large if mode == "SAME_UPPER" else small)
    return (*begins, *ends)
