"""Element types: which values are quantised, and where the converter goes back to floats.

In a quantised network every value of floats becomes integers, except around an operator that has no integer form:
that one reads floats (DEQUANTIZE) and its result is quantised again where an integer operator reads it (QUANTIZE).
"""

from __future__ import annotations

from paramlint.deploy.draft import FLOATS, Draft, Fixed, Node, Value, zeros
from paramlint.ir import DType

#: Integer types that activations are quantised to.
QUANTIZED = (DType.INT8, DType.INT16, DType.UINT8, DType.UINT16)

#: Operators without an integer form.
FLOAT_ONLY = frozenset({
    "ELU", "NEG", "SQUARE", "CAST", "SIN", "COS", "POW", "FLOOR", "CEIL", "ROUND", "CUMSUM", "L2_NORMALIZATION",
    "LOCAL_RESPONSE_NORMALIZATION", "SIGN", "FLOOR_MOD", "FLOOR_DIV", "REDUCE_PROD", "DEQUANTIZE", "QUANTIZE",
    "ERF",
})  # fmt: skip
#: Operators whose inputs must have one scale.
JOINING = frozenset({"CONCATENATION", "MAXIMUM", "MINIMUM"})
#: Operators that hand elements on: what they make has the type of what they read.
HANDING = frozenset({
    "RESHAPE", "TRANSPOSE", "CONCATENATION", "SPLIT", "SPLIT_V", "STRIDED_SLICE", "PAD", "PADV2", "MIRROR_PAD", "TILE",
    "BROADCAST_TO", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "RESIZE_NEAREST_NEIGHBOR", "RESIZE_BILINEAR", "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
})  # fmt: skip

#: Where a layer's bias stands.
BIASES = {"CONV_2D": 2, "DEPTHWISE_CONV_2D": 2, "FULLY_CONNECTED": 2, "TRANSPOSE_CONV": 3}


def settle(draft: Draft, dtype: DType | None) -> None:
    """Give every value its deployed type. ``dtype`` None keeps what the graph states."""
    values = [*draft.inputs, *[value for node in draft.nodes if node.alive for value in node.outputs]]
    if dtype is None:
        _fill(draft)
    else:
        for value in values:
            if value.dtype in FLOATS or value.dtype in QUANTIZED:
                value.dtype = dtype
        if not dtype.is_float:
            for node in draft.nodes:
                if node.alive and node.kind == "QUANTIZE":
                    node.made.dtype = dtype
        else:
            _unquantize(draft)
    if any(value.dtype in QUANTIZED for value in values):
        split_biases(draft, dtype is None)
        _islands(draft)


def _fill(draft: Draft) -> None:
    """A value in the middle of a quantised operator's conversion is quantised as its result is."""
    for node in reversed(draft.nodes):
        if not node.alive:
            continue
        for value in node.outputs:
            if value.inner and value.dtype in FLOATS:
                for user in value.users:
                    made = user.outputs[0].dtype if user.outputs else value.dtype
                    if made in QUANTIZED:
                        value.dtype = made
                        break


def _unquantize(draft: Draft) -> None:
    """Without quantisation a change of scale is nothing."""
    for node in draft.nodes:
        if node.alive and node.kind == "QUANTIZE":
            value = node.value()
            if value is not None:
                draft.replace(node.made, value)


def _islands(draft: Draft) -> None:
    """Put DEQUANTIZE and QUANTIZE around operators that compute in floats."""
    floats: dict[int, Value] = {}  # by id of a quantised value: its floats
    kept: set[int] = set()  # ids of values that stay floats for whoever reads them
    for node in draft.ordered():
        if node.kind in ("QUANTIZE", "DEQUANTIZE") or not node.outputs:
            continue
        value = node.made
        if value.dtype not in QUANTIZED:
            if value.dtype in FLOATS:
                _dequantize_operands(draft, node, floats)
        elif node.kind in FLOAT_ONLY or any(id(operand) in kept for operand in node.inputs):
            _dequantize_operands(draft, node, floats)
            if any(joins(user) for user in value.users):
                kept.add(id(value))
            _quantize_result(draft, node, floats, id(value) in kept)


def joins(node: Node) -> bool:
    """Whether an operator's inputs must have one scale, which floats among them have not."""
    return node.kind in JOINING and len([one for one in node.inputs if isinstance(one, Value)]) > 1


def _dequantize_operands(draft: Draft, node: Node, floats: dict[int, Value]) -> None:
    for index, operand in enumerate(node.inputs):
        if not isinstance(operand, Value) or operand.dtype not in QUANTIZED:
            continue
        wide = floats.get(id(operand))
        if wide is None:
            wide = Value(f"{operand.name} as floats", operand.shape, DType.FLOAT32)
            made = draft.add("DEQUANTIZE", [operand], [wide], "DequantizeLinear", node.layer, node.place)
            made.options["before"] = True
            floats[id(operand)] = wide
        draft.rewire(node, index, wide)


def _quantize_result(draft: Draft, node: Node, floats: dict[int, Value], kept: bool) -> None:
    """The operator makes floats; integers where an operator with an integer form, or the caller, reads them."""
    value = node.made
    wide = Value(f"{value.name} as floats", value.shape, DType.FLOAT32)
    wide.node = node
    node.outputs = [wide]
    floats[id(value)] = wide
    integer = value.outputs or (not kept and any(user.kind not in FLOAT_ONLY for user in value.users))
    value.node = None
    if integer:
        draft.add("QUANTIZE", [wide], [value], "QuantizeLinear", node.layer, node.place)


def split_biases(draft: Draft, stated: bool) -> None:
    """A bias has the scale of its layer's input times that of its weights: shared layers have one for each input.

    A graph that is quantised already has those; only zeros, which are stored once, are told apart there.
    """
    layers = [node for node in draft.nodes if node.alive and node.kind in BIASES and node.made.dtype in QUANTIZED]
    zero = _shared_by_kernels(layers)
    for node in layers:
        place = BIASES[node.kind]
        bias, weights, value = node.fixed(place), node.fixed(1), node.value(2 if place == 3 else 0)
        if bias is None or weights is None or value is None:
            continue
        if bias.zero or bias.storage in zero:
            name = f"{zeros(bias.elements, bias.dtype).storage} for {_scaled_as(value).name} and {weights.storage}"
        elif stated:
            continue
        else:
            name = f"{bias.storage} for {_scaled_as(value).name}"
        node.inputs[place] = Fixed(bias.shape, bias.dtype, name, bias.learned)


def _shared_by_kernels(layers: list[Node]) -> set[str]:
    """Biases that layers with different kernels share: zeros, of which exporters keep one copy."""
    kernels: dict[str, str] = {}
    found = set()
    for node in layers:
        bias, weights = node.fixed(BIASES[node.kind]), node.fixed(1)
        if bias is None or weights is None:
            continue
        if kernels.setdefault(bias.storage, weights.storage) != weights.storage:
            found.add(bias.storage)
    return found


def _scaled_as(value: Value) -> Value:
    """The value whose scale this one has: elements that were only moved keep theirs."""
    while value.node is not None and value.node.kind in HANDING:
        before = [operand for operand in value.node.inputs if isinstance(operand, Value)]
        if len(before) != 1:
            break
        value = before[0]
    return value


def constant_type(constant: Fixed, role: str, computes: DType, dtype: DType | None) -> DType:
    """The deployed type of a constant: kernels 8 bits wide, biases 32 (64 under 16-bit activations).

    ``computes`` is the type that its operator works in.
    """
    held = constant.dtype
    if role == "shape" or (dtype is None and held not in FLOATS):
        return held if held not in FLOATS else DType.INT32
    if computes not in QUANTIZED:
        if dtype is None or computes not in FLOATS:
            return held
        return DType.FLOAT32 if dtype in QUANTIZED else dtype
    if role == "bias":
        return DType.INT64 if computes is DType.INT16 else DType.INT32
    if role == "operand":
        return computes
    return DType.INT8 if computes is DType.INT16 else computes


def computes_in(node: Node) -> DType:
    """The type that an operator works in: that of its values."""
    for operand in node.inputs:
        if isinstance(operand, Value) and (operand.dtype in QUANTIZED or operand.dtype in FLOATS):
            return operand.dtype
    for value in node.outputs:
        if value.dtype in QUANTIZED or value.dtype in FLOATS:
            return value.dtype
    return node.outputs[0].dtype if node.outputs else DType.FLOAT32
