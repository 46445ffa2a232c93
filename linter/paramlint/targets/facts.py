"""What is known about each operator of the deployed graph, under the names that operator lists use.

A fact that the operator has but that the file does not tell is None; one that it cannot have (a dense layer has no
kernel height) is absent. Shapes are TensorFlow Lite's: batch in front, channels last.
"""

from __future__ import annotations

from collections.abc import Mapping

from paramlint.deploy.model import CONSTANT, Constant, Deployed, Operator
from paramlint.ir import Shape
from paramlint.targets.names import Graph, graph, is_added, plain_name
from paramlint.targets.op import ARITHMETIC, Op
from paramlint.targets.operators import Fact
from paramlint.targets.shapes import changes_batch, flattening, known, reduction, shape_facts
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


def ops(deployed: Deployed) -> tuple[Op, ...]:
    """Every operator of the deployed graph with its facts, in order."""
    held = graph(deployed)
    return tuple(_op(operator, held) for operator in deployed.operators)


def _op(operator: Operator, held: Graph) -> Op:
    ins, outs = held.shapes(operator.inputs), held.shapes(operator.outputs)
    one, other = ins[0] if ins else None, outs[0] if outs else None
    facts: dict[str, Fact] = {
        "activation_dtype": _dtype(operator, held.deployed),
        "fused_activation": str(operator.options.get("activation") or "none").lower(),
        "inputs": len(operator.inputs),
        "constant_inputs": operator.inputs.count(CONSTANT),
        **shape_facts(ins, outs),
    }
    if operator.kind in _WEIGHTED or operator.onnx in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        facts |= _weights(operator, ins)
    if operator.kind in WINDOWS or (operator.kind == operator.onnx and operator.onnx in _SLIDING):
        facts |= window_facts(operator, one, other, held.padding(operator))
    if operator.kind in _LINEAR:
        facts |= _linear(operator, one, other)
    if operator.kind in _FLATTENING:
        facts |= flattening(one, other)
    axes = _axes(operator, one)
    if "axes" in operator.options or "axis" in operator.options:
        facts |= reduction(one, axes)
    if operator.kind in ("PAD", "PADV2", "MIRROR_PAD", "PACK"):
        facts["changes_batch"] = changes_batch(one, other)
    if operator.kind == "PRELU":
        facts["slope_innermost"] = _innermost(operator.constant("alpha"))
    if operator.onnx == "BatchNormalization":
        facts["foldable"] = False  # what can be folded is no operator of the deployed graph
    plain = plain_name(operator, axes, one, other)
    if plain in ("GlobalAveragePool", "GlobalMaxPool"):  # a pooling of the whole map
        facts |= {"kernel_h": facts.get("in_h", 1), "kernel_w": facts.get("in_w", 1)}
    fused = _FUSED.get(str(operator.options.get("activation")))
    names = (operator.kind, operator.onnx, plain)
    formless = operator.kind == operator.onnx
    return Op(operator.layer, *names, facts, operator.domain, fused, is_added(operator, held), formless)


def _dtype(operator: Operator, deployed: Deployed) -> str | None:
    """The first element type that computes; else (indices, masks) the first there is."""
    places = [place for place in (*operator.inputs, *operator.outputs) if place != CONSTANT]
    found = [deployed.buffers[place].dtype.value for place in places]
    return next((dtype for dtype in found if dtype in ARITHMETIC), found[0] if found else None)


def _weights(operator: Operator, ins: list[Shape | None]) -> dict[str, Fact]:
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


def _axes(operator: Operator, one: Shape | None) -> frozenset[int] | None:
    """The axes that are reduced, counted from 0; None where they are not known."""
    stated = operator.options.get("axes", operator.options.get("axis"))
    if isinstance(stated, int):
        stated = (stated,)
    if not one or not isinstance(stated, (tuple, list)):
        return None
    return frozenset(int(axis) % len(one) for axis in stated)


def _innermost(alpha: Constant | None) -> bool | None:
    return None if alpha is None else all(size == 1 for size in alpha.shape[:-1])
