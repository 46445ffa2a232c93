"""From the draft to the frozen view: order, buffers, constants with roles, parameters that are left."""

from __future__ import annotations

from types import MappingProxyType

from paramlint.deploy.draft import Draft, Fixed, Node, Value
from paramlint.deploy.model import CONSTANT, Buffer, Constant, Deployed, Operator
from paramlint.deploy.types import QUANTIZED, constant_type
from paramlint.ir import NOTHING, DType, Quantity, Shape, Unknown

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
    for node in nodes:
        for value in node.outputs:
            _place(value, places, buffers)
        operators.append(_operator(node, places, dtype))
    outputs = tuple(dict.fromkeys(places[id(value)] for value in draft.outputs if id(value) in places))
    quantized = any(buffer.dtype in QUANTIZED for buffer in buffers)
    return Deployed(
        tuple(operators), tuple(buffers), tuple(range(len(draft.inputs))), outputs, _params(operators, draft), dtype,
        quantized, tuple(draft.unknown), tuple(draft.assumed),
    )  # fmt: skip


def _in_order(draft: Draft) -> list[Node]:
    """By place; what was put in front of an operator later stands right before it."""
    before: dict[int, list[Node]] = {}
    rest = []
    for node in draft.ordered():
        if node.options.pop("before", False):
            before.setdefault(node.place, []).append(node)
        else:
            rest.append(node)
    if not before:
        return rest
    return _with_conversions(rest, before)


def _with_conversions(rest: list[Node], before: dict[int, list[Node]]) -> list[Node]:
    """Each DEQUANTIZE right in front of its first reader, each QUANTIZE right behind what it quantises."""
    made: list[Node] = []
    pending = {id(node.made): node for nodes in before.values() for node in nodes}
    quantizers = {id(node.value()): node for node in rest if node.kind == "QUANTIZE" and node.value() is not None}
    moved = {id(node) for node in quantizers.values()}
    for node in rest:
        if id(node) in moved and _is_island(node):
            continue
        for operand in node.inputs:
            early = pending.pop(id(operand), None) if isinstance(operand, Value) else None
            if early is not None:
                made.append(early)
        made.append(node)
        for value in node.outputs:
            late = quantizers.get(id(value))
            if late is not None and _is_island(late):
                made.append(late)
    return made


def _is_island(node: Node) -> bool:
    """Whether a QUANTIZE ends a stretch of floats, so that it belongs to the operator in front."""
    value = node.value()
    return value is not None and value.dtype.is_float and value.node is not None


def _place(value: Value, places: dict[int, int], buffers: list[Buffer]) -> None:
    places[id(value)] = len(buffers)
    shape = value.shape
    known: Shape = shape if shape is not None else ()
    buffers.append(Buffer(value.name, known, value.dtype, _bytes(value)))


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


def _operator(node: Node, places: dict[int, int], dtype: DType | None) -> Operator:
    inputs, constants = [], []
    for index, operand in enumerate(node.inputs):
        if isinstance(operand, Value):
            inputs.append(places.get(id(operand), CONSTANT))
        elif operand is not None:
            inputs.append(CONSTANT)
            constants.append(_constant(node, index, operand, dtype))
    outputs = tuple([places[id(value)] for value in node.outputs])
    options = MappingProxyType(node.options) if node.options else NOTHING
    return Operator(node.kind, node.onnx, node.layer, tuple(inputs), outputs, tuple(constants), options, node.domain)


def _constant(node: Node, index: int, constant: Fixed, dtype: DType | None) -> Constant:
    role = _role(node, index, constant)
    held = constant_type(constant, role, node, dtype)
    params = constant.elements if _counts(node, role, constant) else 0
    channels = _scales(node, role, constant, held)
    storage = constant.storage if role == "shape" else f"{constant.storage} {held.value}"
    return Constant(role, constant.shape, held, storage, channels, params)


def _role(node: Node, index: int, constant: Fixed) -> str:
    kind = node.kind
    if kind in _LAYERS:
        if index == _FILTER[kind]:
            return "filter"
        return "bias" if index > 1 or kind != "TRANSPOSE_CONV" and index == 2 else "shape"
    if kind in ("GATHER", "GATHER_ND"):
        return "table" if index == 0 else "shape"
    if kind == "PRELU":
        return "alpha"
    if kind in _ARITHMETIC:
        return "operand"
    return "operand" if constant.learned else "shape"


def _counts(node: Node, role: str, constant: Fixed) -> bool:
    """Whether a constant is parameters of the deployed network: weights, and what arithmetic reads but one number."""
    if role == "shape":
        return False
    return role != "operand" or constant.elements > 1 or constant.learned and bool(constant.shape)


def _scales(node: Node, role: str, constant: Fixed, held: DType) -> int:
    """How many scales a quantised constant has: one for each output of a layer, and again for its bias."""
    if role == "shape" or not any(value.dtype in QUANTIZED for value in node.outputs):
        return 0
    if held not in QUANTIZED and held not in (DType.INT32, DType.INT64):
        return 0
    if node.kind in _LAYERS and role == "filter":
        return constant.shape[-1] if node.kind == "DEPTHWISE_CONV_2D" else constant.shape[0]
    return constant.elements if role == "bias" else 1


def _params(operators: list[Operator], draft: Draft) -> Quantity:
    seen: dict[str, int] = {}
    for operator in operators:
        for constant in operator.constants:
            if constant.params:
                seen[constant.storage] = constant.params
    return sum(seen.values())
