"""What an operator of the deployed graph is called by lists that use ONNX's words.

The same network comes from a spec, from Keras or as a quantised graph, and its nodes are called differently each
time; what a converter makes of it is the same. So the name goes out from TensorFlow Lite's operator, and what a
converter only adds (padding in front of a window, ones put into a shape, a change of scale) has none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from paramlint.deploy.model import CONSTANT, Deployed, Operator
from paramlint.ir import Shape, Unknown
from paramlint.targets.windows import WINDOWS

#: TensorFlow Lite's operator -> ONNX's.
PLAIN: Mapping[str, str] = {
    "ABS": "Abs", "ADD": "Add", "ADD_N": "Sum", "ARG_MAX": "ArgMax", "ARG_MIN": "ArgMin",
    "AVERAGE_POOL_2D": "AveragePool", "BATCH_MATMUL": "MatMul", "BROADCAST_TO": "Expand", "CAST": "Cast",
    "CEIL": "Ceil", "CONCATENATION": "Concat", "CONV_2D": "Conv", "CONV_3D": "Conv", "COS": "Cos", "CUMSUM": "CumSum",
    "DEPTHWISE_CONV_2D": "Conv", "DEPTH_TO_SPACE": "DepthToSpace", "DEQUANTIZE": "DequantizeLinear", "DIV": "Div",
    "ELU": "Elu", "EQUAL": "Equal", "EXP": "Exp", "EXPAND_DIMS": "Unsqueeze", "FLOOR": "Floor", "FLOOR_MOD": "Mod",
    "FULLY_CONNECTED": "Gemm", "GATHER": "Gather", "GATHER_ND": "GatherND", "GELU": "Gelu", "GREATER": "Greater",
    "GREATER_EQUAL": "GreaterOrEqual", "HARD_SWISH": "HardSwish", "L2_NORMALIZATION": "LpNormalization",
    "LEAKY_RELU": "LeakyRelu", "LESS": "Less", "LESS_EQUAL": "LessOrEqual", "LOG": "Log", "LOGICAL_AND": "And",
    "LOGICAL_NOT": "Not", "LOGICAL_OR": "Or", "LOGISTIC": "Sigmoid", "LOG_SOFTMAX": "LogSoftmax", "MAXIMUM": "Max",
    "MAX_POOL_2D": "MaxPool", "MEAN": "ReduceMean", "MINIMUM": "Min", "MIRROR_PAD": "Pad", "MUL": "Mul", "NEG": "Neg",
    "PAD": "Pad", "PADV2": "Pad", "POW": "Pow", "PRELU": "PRelu", "QUANTIZE": "QuantizeLinear",
    "REDUCE_MAX": "ReduceMax", "REDUCE_MIN": "ReduceMin", "RELU": "Relu", "RELU6": "Clip", "RELU_0_TO_1": "Clip",
    "RELU_N1_TO_1": "Clip", "RESHAPE": "Reshape", "RESIZE_BILINEAR": "Resize", "RESIZE_NEAREST_NEIGHBOR": "Resize",
    "ROUND": "Round", "SCATTER_ND": "ScatterND", "SELECT_V2": "Where", "SIN": "Sin", "SLICE": "Slice",
    "SOFTMAX": "Softmax", "SPACE_TO_DEPTH": "SpaceToDepth", "SPLIT": "Split", "SPLIT_V": "Split", "SQRT": "Sqrt",
    "SQUEEZE": "Squeeze", "STRIDED_SLICE": "Slice", "SUB": "Sub", "SUM": "ReduceSum", "TANH": "Tanh", "TILE": "Tile",
    "TOPK_V2": "TopK", "TRANSPOSE": "Transpose", "TRANSPOSE_CONV": "ConvTranspose",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "LSTM",
}  # fmt: skip
_GLOBAL = {"MEAN": "GlobalAveragePool", "REDUCE_MAX": "GlobalMaxPool"}
_RESHAPES = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
_PADS = frozenset({"PAD", "PADV2"})


class Graph(NamedTuple):
    """The deployed graph with who makes and who reads each buffer."""

    deployed: Deployed
    makers: Mapping[int, Operator]
    readers: Mapping[int, Sequence[Operator]]

    def shapes(self, places: Sequence[int]) -> list[Shape | None]:
        """Shapes of buffers; None where not even the rank is known."""
        buffers = [self.deployed.buffers[place] for place in places if place != CONSTANT]
        return [None if isinstance(one.bytes, Unknown) and not one.shape else one.shape for one in buffers]

    def adds_ones(self, operator: Operator) -> bool:
        """True for a reshape that only puts ones into a shape or takes them out."""
        shapes = self.shapes((operator.inputs[0], operator.outputs[0])) if operator.kind in _RESHAPES else []
        if len(shapes) < 2 or shapes[0] is None or shapes[1] is None:
            return False
        before, after = ([size for size in shape if size != 1] for shape in shapes if shape is not None)
        return before == after and None not in before

    def padding(self, operator: Operator) -> Operator | None:
        """The padding that stands as an operator of its own in front of a window."""
        maker = self.makers.get(next((place for place in operator.inputs if place != CONSTANT), CONSTANT))
        while maker is not None and self.adds_ones(maker):
            maker = self.makers.get(maker.inputs[0])
        return maker if maker is not None and maker.kind in _PADS and self.feeds_windows(maker) else None

    def feeds_windows(self, operator: Operator) -> bool:
        """True where only windows read an operator, at once or behind a reshape that adds ones."""
        found = [reader for place in operator.outputs for reader in self.readers.get(place, ())]
        return bool(found) and all(
            reader.kind in WINDOWS or (self.adds_ones(reader) and self.feeds_windows(reader)) for reader in found
        )


def graph(deployed: Deployed) -> Graph:
    """``deployed`` with its makers and readers."""
    readers: dict[int, list[Operator]] = {}
    for operator in deployed.operators:
        for place in operator.inputs:
            readers.setdefault(place, []).append(operator)
    makers = {place: operator for operator in deployed.operators for place in operator.outputs}
    return Graph(deployed, makers, readers)


def plain_name(operator: Operator, axes: frozenset[int] | None, one: Shape | None, other: Shape | None) -> str:
    """The name in ONNX's words. ``axes`` are those of a reduction; over all but batch and channels it is a pooling."""
    if operator.onnx == "BatchNormalization":  # what is left of one that could not be folded
        return operator.onnx
    if operator.kind in _GLOBAL and axes and one is not None and axes == frozenset(range(1, len(one) - 1)):
        return _GLOBAL[operator.kind]
    if operator.kind == "RESHAPE" and one is not None and other is not None and len(other) == 2 < len(one):
        return "Flatten"
    return PLAIN.get(operator.kind, operator.onnx)


def is_added(operator: Operator, held: Graph) -> bool:
    """True for what a converter only adds."""
    if operator.kind in _PADS:
        return held.feeds_windows(operator)
    if operator.kind == "QUANTIZE":
        places = [place for place in (*operator.inputs, *operator.outputs) if place != CONSTANT]
        return not any(held.deployed.buffers[place].dtype.is_float for place in places)
    if operator.kind == "TRANSPOSE":
        return operator.onnx != "Transpose"
    return held.adds_ones(operator)
