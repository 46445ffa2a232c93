"""From the draft to the frozen view: order, buffers, constants with roles, parameters that are left."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from paramlint.deploy.draft import FLOATS, Draft, Fixed, Node, Value, content
from paramlint.deploy.model import CONSTANT, Buffer, Constant, Deployed, Operator
from paramlint.deploy.types import QUANTIZED, computes_in, constant_type
from paramlint.ir import NOTHING, DType, Quantity, Unknown

_LAYERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_ARITHMETIC = frozenset({
    "ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "POW", "SQUARED_DIFFERENCE", "GREATER", "GREATER_EQUAL", "LESS",
    "LESS_EQUAL", "EQUAL", "NOT_EQUAL", "SELECT", "SELECT_V2", "FLOOR_MOD", "BATCH_MATMUL", "CONCATENATION",
    "LOGICAL_AND", "LOGICAL_OR",
})  # fmt: skip
#: Where the weights stand among the operands, by operator.
_FILTER = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1}


def finish(draft: Draft, dtype: DType | None) -> Deployed:
    """The view of a draft whose element types are settled."""
    nodes = _in_order(draft)
    places: dict[int, int] = {}
    buffers: list[Buffer] = []
    for value in draft.inputs:
        _place(value, places, buffers)
    operators = []
    params: dict[str, int] = {}  # by storage: what several operators read is stored once
    for node in nodes:
        for value in node.outputs:
            _place(value, places, buffers)
        operator = _operator(node, places, dtype, draft.scales)
        operators.append(operator)
        for constant in operator.constants:
            if constant.params:
                params[content(constant.storage)] = constant.params
    outputs = tuple(dict.fromkeys(places[id(value)] for value in draft.outputs if id(value) in places))
    quantized = any(buffer.dtype in QUANTIZED for buffer in buffers)
    known: Quantity = Unknown(next(iter(draft.unknown))) if draft.unknown else sum(params.values())
    return Deployed(
        tuple(operators), tuple(buffers), tuple(range(len(draft.inputs))), outputs, known, dtype,
        quantized, tuple(draft.unknown), tuple(draft.assumed),
    )  # fmt: skip


def _in_order(draft: Draft) -> list[Node]:
    """By place; DEQUANTIZE, and QUANTIZE that ends floats, right behind the operator whose result it takes."""
    order = draft.ordered()
    behind: dict[int, list[Node]] = {}  # by id of what they read
    for node in order:
        if node.options.pop("before", False) or (node.kind == "QUANTIZE" and _is_island(node)):
            behind.setdefault(id(node.value()), []).append(node)
    if not behind:
        return order
    moved = {node for nodes in behind.values() for node in nodes}
    made = [node for value in draft.inputs for node in behind.get(id(value), ())]
    for node in order:
        if node not in moved:
            made.append(node)
            for value in node.outputs:
                for late in behind.get(id(value), ()):
                    made += (late, *behind.get(id(late.made), ()))
    return made


def _is_island(node: Node) -> bool:
    """Whether a QUANTIZE ends a stretch of floats, so that it belongs to the operator in front."""
    value = node.value()
    return value is not None and value.dtype.is_float and value.node is not None


def _place(value: Value, places: dict[int, int], buffers: list[Buffer]) -> None:
    places[id(value)] = len(buffers)
    buffers.append(Buffer(value.name, value.shape or (), value.dtype, _bytes(value)))


def _bytes(value: Value) -> Quantity:
    if value.shape is None:
        return Unknown(f"the shape of {value.name} is not known")
    if value.dtype.bits == 0:
        return Unknown(f"the element type of {value.name} is not known")
    count = 1
    for size in value.shape:
        if not isinstance(size, int):
            free = f"the size {size} of {value.name} is free" if size else f"a size of {value.name} is free"
            return Unknown(free)
        count *= size
    return -(-count * value.dtype.bits // 8)


def _operator(node: Node, places: dict[int, int], dtype: DType | None, scales: Mapping[str, int]) -> Operator:
    inputs = []
    constants: list[Constant] = []
    computes = computes_in(node)
    for index, operand in enumerate(node.inputs):
        if isinstance(operand, Value):
            inputs.append(places.get(id(operand), CONSTANT))
        elif operand is not None:
            inputs.append(CONSTANT)
            constants.append(_constant(node, index, operand, computes, dtype, scales))
    outputs = tuple([places[id(value)] for value in node.outputs])
    options = MappingProxyType(node.options) if node.options else NOTHING
    return Operator(node.kind, node.onnx, node.layer, tuple(inputs), outputs, tuple(constants), options, node.domain)


def _constant(
    node: Node, index: int, constant: Fixed, computes: DType, dtype: DType | None, scales: Mapping[str, int]
) -> Constant:
    role, shape = _role(node, index, constant), constant.shape
    if role == "shape":
        held = constant.dtype if constant.dtype not in FLOATS else DType.INT32
        return Constant(role, shape, held, constant.storage)
    held = constant_type(constant, role, computes, dtype)
    params = constant.elements
    channels = 0
    if node.outputs[0].dtype in QUANTIZED and (held in QUANTIZED or held is DType.INT32 or held is DType.INT64):
        channels = _scales(node, role, shape, scales)
    if role == "operand" and params == 1 and not (constant.learned and shape):
        params = 0  # one number in arithmetic is no parameter
    return Constant(role, shape, held, f"{constant.storage} {held.value}", channels, params)


def _role(node: Node, index: int, constant: Fixed) -> str:
    kind = node.kind
    if kind in _LAYERS:
        if index == _FILTER[kind]:
            return "filter"
        return "bias" if index > 1 or (kind != "TRANSPOSE_CONV" and index == 2) else "shape"
    if kind in ("GATHER", "GATHER_ND"):
        return "table" if index == 0 else "shape"
    if kind == "PRELU":
        return "alpha"
    if kind in _ARITHMETIC:
        return "operand"
    return "operand" if constant.learned else "shape"


def _scales(node: Node, role: str, shape: tuple[int, ...], scales: Mapping[str, int]) -> int:
    """How many scales a quantised constant has: one for each output of a layer, and again for its bias.

    A graph that is quantised already says it itself: a dense layer of an older converter has one for all.
    """
    if role in ("filter", "bias"):
        weights = node.fixed(_FILTER[node.kind])
        stated = scales.get(weights.storage) if weights is not None else None
        if stated is not None:
            return stated
    if role == "filter":
        return shape[-1] if node.kind == "DEPTHWISE_CONV_2D" else shape[0]
    return shape[0] if role == "bias" and shape else 1
