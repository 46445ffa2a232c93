"""What is known about each operator of the deployed graph, under the names that operator lists use.

A fact that the operator has but that the file does not tell is None; one that it cannot have (a dense layer has no
kernel height) is absent. Shapes are TensorFlow Lite's: batch in front, channels last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from paramlint.deploy.model import CONSTANT, Constant, Deployed, Operator
from paramlint.ir import Shape
from paramlint.targets.operators import Fact
from paramlint.targets.support import ARITHMETIC, Op
from paramlint.targets.windows import WINDOWS, window_facts

#: Every fact that a list may name, and what it means. A test holds the lists to it.
FACTS: Mapping[str, str] = {
    "activation_dtype": "element type of the activations",
    "batch": "size of axis 0 of the input",
    "bias": "a learned bias is added",
    "changes_batch": "axis 0 of the output is not axis 0 of the input",
    "constant_inputs": "how many operands are constants",
    "dilation_max": "the larger dilation",
    "dims_above_one": "how many axes of the input are larger than 1",
    "flattened": "values of one sample that are flattened",
    "flattened_area": "pixels of each channel that are flattened",
    "foldable": "it disappears in the layer before it",
    "fused_activation": "none, relu, relu6, relu_n1_to_1, ...",
    "groups": "groups of a convolution; of a depthwise one its input channels",
    "in_area": "positions over which channels are normalised: all axes but the last",
    "in_channels": "size of the input's last axis",
    "in_features": "inputs of a linear layer",
    "in_h": "height of the input",
    "in_w": "width of the input",
    "inputs": "how many operands there are",
    "kernel_area": "kernel height times width",
    "kernel_elements": "weights of one filter",
    "kernel_h": "kernel height; a global pooling's is its input's",
    "kernel_max": "the larger of kernel height and width",
    "kernel_w": "kernel width; of a 1-D operator the kernel",
    "largest_dim": "the largest axis of inputs and outputs",
    "one_dimensional": "height or width of the input is 1",
    "out_channels": "size of the output's last axis",
    "out_features": "outputs of a linear layer",
    "out_h": "height of the output",
    "out_w": "width of the output",
    "outer_dims_one": "all axes but the last three are 1",
    "output_dims_above_one": "how many axes of the output are larger than 1",
    "pad_max": "the largest zero padding on one side",
    "padding": "same or valid",
    "rank": "the larger rank of input and output",
    "reduced_max": "the largest axis that is reduced",
    "reduces_batch": "axis 0 is reduced",
    "reduces_depth": "the last axis is reduced",
    "slope_innermost": "slopes differ along the last axis only",
    "smallest_dim": "the smallest of height, width and channels",
    "spatial": "how many axes a window slides over",
    "square_dilation": "dilation is equal in height and width",
    "square_kernel": "the kernel is as high as wide",
    "square_stride": "the stride is equal in height and width",
    "stride_h": "stride in height",
    "stride_max": "the larger stride",
    "stride_w": "stride in width",
    "symmetric_padding": "both ends of each axis are padded alike",
    "weight_bits": "width of one weight",
    "weight_constant": "the weights stand in the file",
    "weight_dtype": "element type of the weights",
}

_LINEAR = frozenset({"FULLY_CONNECTED", "BATCH_MATMUL"})
_RECURRENT = frozenset({"SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM"})
_WEIGHTED = WINDOWS - {"AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"} | _LINEAR | _RECURRENT
_SLIDING = frozenset({"Conv", "ConvTranspose", "MaxPool", "AveragePool"})
_FLATTENING = frozenset({"RESHAPE"})
#: What an activation that is fused into an operator is called in ONNX.
_FUSED = {"RELU": "Relu", "RELU6": "Clip", "RELU_N1_TO_1": "Clip", "RELU_0_TO_1": "Clip"}
#: Operators that a converter adds around another one; lists in ONNX's words know only that other one.
_ADDED = frozenset({"PAD", "PADV2", "RESHAPE", "TRANSPOSE", "QUANTIZE", "DEQUANTIZE", "EXPAND_DIMS", "SQUEEZE"})
_OWN = frozenset(
    {
        "Pad", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "QuantizeLinear", "DequantizeLinear",
        "DynamicQuantizeLinear", "Expand", "Cast",
    }
)  # fmt: skip


class _Graph(NamedTuple):
    """The deployed graph, and which operator makes a buffer."""

    deployed: Deployed
    makers: Mapping[int, Operator]

    def shapes(self, places: Iterable[int]) -> list[Shape]:
        return [self.deployed.buffers[place].shape for place in places if place != CONSTANT]


def ops(deployed: Deployed) -> tuple[Op, ...]:
    """Every operator of the deployed graph with its facts, in order."""
    makers = {place: operator for operator in deployed.operators for place in operator.outputs}
    graph = _Graph(deployed, makers)
    return tuple(_op(operator, graph) for operator in deployed.operators)


def _op(operator: Operator, graph: _Graph) -> Op:
    ins, outs = graph.shapes(operator.inputs), graph.shapes(operator.outputs)
    one, other = ins[0] if ins else None, outs[0] if outs else None
    facts: dict[str, Fact] = {
        "activation_dtype": _dtype(operator, graph.deployed),
        "fused_activation": str(operator.options.get("activation") or "none").lower(),
        "inputs": len(operator.inputs),
        "constant_inputs": operator.inputs.count(CONSTANT),
        **_shapes(ins, outs),
    }
    if operator.kind in _WEIGHTED or operator.onnx in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        facts |= _weights(operator, ins)
    if operator.kind in WINDOWS or (operator.onnx in _SLIDING and operator.kind not in _ADDED):
        facts |= window_facts(operator, one, other, _pads_before(operator, graph))
    if operator.kind in _LINEAR:
        facts |= _linear(operator, one, other)
    if operator.kind in _FLATTENING:
        facts |= _flattening(one, other)
    if "axes" in operator.options:
        facts |= _reduction(operator, one)
    if operator.kind in ("PAD", "PADV2", "MIRROR_PAD", "PACK"):
        facts["changes_batch"] = _changes_batch(one, other)
    if operator.kind == "PRELU":
        facts["slope_innermost"] = _innermost(operator.constant("alpha"))
    if operator.onnx == "BatchNormalization":
        facts["foldable"] = False  # what can be folded is no operator of the deployed graph
    onnx = _onnx(operator, facts)
    if onnx in ("GlobalAveragePool", "GlobalMaxPool"):  # a pooling of the whole map
        facts |= {"kernel_h": facts.get("in_h"), "kernel_w": facts.get("in_w")}
    added = operator.kind in _ADDED and operator.onnx not in _OWN
    fused = _FUSED.get(str(operator.options.get("activation")))
    return Op(operator.layer, operator.kind, onnx, facts, operator.domain, fused, added)


def _dtype(operator: Operator, deployed: Deployed) -> str | None:
    """The first element type that computes; else (indices, masks) the first there is."""
    places = [place for place in (*operator.inputs, *operator.outputs) if place != CONSTANT]
    found = [deployed.buffers[place].dtype.value for place in places]
    return next((dtype for dtype in found if dtype in ARITHMETIC), found[0] if found else None)


def known(size: object) -> int | None:
    """A dimension as a number; None where it is free."""
    return size if isinstance(size, int) else None


def product(sizes: Iterable[object]) -> int | None:
    """The product of dimensions; None where one is free."""
    total = 1
    for size in sizes:
        if not isinstance(size, int):
            return None
        total *= size
    return total


def _shapes(ins: list[Shape], outs: list[Shape]) -> dict[str, Fact]:
    """What only asks for shapes. Height, width and channels are the last three axes, as far as there are so many."""
    facts: dict[str, Fact] = {}
    every = [*ins, *outs]
    if every:
        facts["rank"] = max(len(shape) for shape in every)
        sizes = [known(size) for shape in every for size in shape]
        facts["largest_dim"] = _largest(sizes)
        facts["outer_dims_one"] = _all_one([size for shape in every for size in shape[:-3]])
    for prefix, shapes in (("in_", ins), ("out_", outs)):
        if shapes:
            inner = [known(size) for size in shapes[0][1:]][-3:]
            names = ("h", "w", "channels")[3 - len(inner) :]
            facts |= {prefix + name: size for name, size in zip(names, inner, strict=True)}
    if ins:
        shape = ins[0]
        facts["batch"] = known(shape[0]) if shape else 1
        facts["in_area"] = product(shape[:-1])
        facts["dims_above_one"] = _above_one(shape)
        inner = [known(size) for size in shape[1:]][-3:]
        facts["smallest_dim"] = 1 if 1 in inner or len(inner) < 3 else _smallest(inner)
        facts["one_dimensional"] = None if None in inner[:2] else 1 in inner[:2] or len(inner) < 3
    if outs:
        facts["output_dims_above_one"] = _above_one(outs[0])
    return facts


def _largest(sizes: list[int | None]) -> int | None:
    return None if None in sizes else max((size for size in sizes if size is not None), default=1)


def _smallest(sizes: list[int | None]) -> int | None:
    return None if None in sizes else min(size for size in sizes if size is not None)


def _all_one(sizes: Iterable[object]) -> bool | None:
    found = list(sizes)
    if any(isinstance(size, int) and size != 1 for size in found):
        return False
    return True if all(size == 1 for size in found) else None


def _above_one(shape: Shape) -> int | None:
    sizes = [known(size) for size in shape]
    return None if None in sizes else sum(size > 1 for size in sizes if size is not None)


def _weights(operator: Operator, ins: list[Shape]) -> dict[str, Fact]:
    """Element type and place of the weights: a constant, or a second activation."""
    filters = operator.constant("filter") or operator.constant("operand")
    bias = operator.constant("bias")
    facts: dict[str, Fact] = {"weight_constant": filters is not None, "bias": bias is not None and bias.params > 0}
    if filters is not None:
        facts |= {"weight_dtype": filters.dtype.value, "weight_bits": filters.dtype.bits}
    elif len(ins) < 2:
        facts |= {"weight_constant": None, "weight_dtype": None, "weight_bits": None}
    return facts


def _linear(operator: Operator, one: Shape | None, other: Shape | None) -> dict[str, Fact]:
    filters = operator.constant("filter")
    outputs = known(other[-1]) if other else None
    if filters is not None and outputs:
        return {"in_features": filters.elements // outputs, "out_features": outputs, "out_channels": outputs}
    return {"in_features": known(one[-1]) if one else None, "out_features": outputs, "out_channels": outputs}


def _flattening(one: Shape | None, other: Shape | None) -> dict[str, Fact]:
    """A reshape to one row for each sample; any other moves values about and flattens nothing."""
    if one is None or other is None or len(other) != 2 or len(one) < 3:
        return {}
    return {"flattened": product(one[1:]), "flattened_area": product(one[1:-1])}


def _reduction(operator: Operator, one: Shape | None) -> dict[str, Fact]:
    axes = operator.options["axes"]
    if one is None or not isinstance(axes, (tuple, list)):
        return {"reduced_max": None, "reduces_batch": None, "reduces_depth": None}
    places = {int(axis) % len(one) for axis in axes} if one else set()
    return {
        "reduced_max": _largest([known(one[place]) for place in places]),
        "reduces_batch": 0 in places,
        "reduces_depth": len(one) - 1 in places,
    }


def _changes_batch(one: Shape | None, other: Shape | None) -> bool | None:
    if not one or not other:
        return None
    if len(one) == len(other):
        return one[0] != other[0] if known(one[0]) and known(other[0]) else None
    return other[1:] == one and other[:1] + other[2:] != one  # PACK: the new axis is the first and can be no other


def _innermost(alpha: Constant | None) -> bool | None:
    return None if alpha is None else all(size == 1 for size in alpha.shape[:-1])


def _pads_before(operator: Operator, graph: _Graph) -> tuple[int, ...] | None:
    """The padding that a converter put into an operator of its own in front of this one."""
    maker = graph.makers.get(operator.inputs[0]) if operator.inputs else None
    if maker is None or maker.kind not in ("PAD", "PADV2") or maker.layer != operator.layer:
        return None
    pads = maker.options.get("pads")
    return tuple(pads) if isinstance(pads, (tuple, list)) else None


def _onnx(operator: Operator, facts: Mapping[str, Fact]) -> str:
    """The ONNX name under which lists know it: a reduction over height and width is a global pooling."""
    names = {"ReduceMean": "GlobalAveragePool", "ReduceMax": "GlobalMaxPool"}
    axes = operator.options.get("axes")
    if operator.onnx not in names or facts.get("rank") != 4 or not isinstance(axes, (tuple, list)):
        return operator.onnx
    return names[operator.onnx] if sorted(int(axis) % 4 for axis in axes) == [1, 2] else operator.onnx
