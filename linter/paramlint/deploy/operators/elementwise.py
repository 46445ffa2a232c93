"""Element by element: one operand or two, broadcast, whatever the layout."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed, Value, scalar
from paramlint.deploy.layout import Order
from paramlint.deploy.lowering import Lowering, Operand, Unconverted, View, sizes
from paramlint.deploy.operators import converts
from paramlint.ir import Shape

_UNARY = {
    "Abs": "ABS", "Neg": "NEG", "Exp": "EXP", "Log": "LOG", "Sqrt": "SQRT", "Floor": "FLOOR", "Ceil": "CEIL",
    "Round": "ROUND", "Sin": "SIN", "Cos": "COS", "Sign": "SIGN", "Not": "LOGICAL_NOT", "Sigmoid": "LOGISTIC",
    "Tanh": "TANH", "Relu": "RELU", "Elu": "ELU", "LeakyRelu": "LEAKY_RELU",
    "Gelu": "GELU", "com.microsoft::Gelu": "GELU", "com.microsoft::FastGelu": "GELU", "BitwiseNot": "BITWISE_NOT",
    "Erf": "ERF",  # no builtin: the converter leaves it to TensorFlow, so no microcontroller runs it
}  # fmt: skip

_BINARY = {
    "Add": "ADD", "Sub": "SUB", "Mul": "MUL", "Div": "DIV", "Pow": "POW", "Max": "MAXIMUM", "Min": "MINIMUM",
    "Sum": "ADD", "Equal": "EQUAL", "Greater": "GREATER", "Less": "LESS", "GreaterOrEqual": "GREATER_EQUAL",
    "LessOrEqual": "LESS_EQUAL", "And": "LOGICAL_AND", "Or": "LOGICAL_OR", "Mod": "FLOOR_MOD",
}  # fmt: skip
_COMMUTES = frozenset({"ADD", "MUL", "MAXIMUM", "MINIMUM", "EQUAL", "LOGICAL_AND", "LOGICAL_OR"})


@converts(*_UNARY)
def unary(low: Lowering) -> None:
    """One operator on the values as they lie."""
    view = low.flow()
    kind = low.step.kind
    if kind == "Elu" and low.get("alpha", 1.0) != 1.0:
        _scaled_elu(low, view)
        return
    options = {"alpha": low.get("alpha", 0.01)} if kind == "LeakyRelu" else None
    alike(low, low.emit(_UNARY[kind], [view.value], view.value.shape or (), options), view)


def alike(low: Lowering, made: Value, view: View) -> None:
    """Bind an output that lies as an input does."""
    low.result(made, view.order, view.turned)


def _scaled_elu(low: Lowering, view: View) -> None:
    """ELU, and where the input is not above 0 times the factor."""
    shape = view.value.shape or ()
    curve = low.emit("ELU", [view.value], shape)
    scaled = low.emit("MUL", [curve, scalar(float(low.get("alpha")))], shape)
    above = low.emit("GREATER", [view.value, scalar(0.0)], shape)
    alike(low, low.emit("SELECT", [above, curve, scaled], shape), view)


@converts(*_BINARY)
def binary(low: Lowering) -> None:
    """Two operands, or a chain of them."""
    kind = _BINARY[low.step.kind]
    operands = _operands(low)
    if len(operands) == 1 and isinstance(operands[0], View):
        low.bind(operands[0])
        return
    total = operands[0]
    for operand in operands[1:]:
        total = pair(low, kind, total, operand)
    if not isinstance(total, View):
        raise Unconverted(f"{low.step.kind} of constants")
    low.bind(total)


def _operands(low: Lowering) -> list[Operand]:
    found: list[Operand] = []
    for index in range(max(len(low.step.inputs), 1 + max(low.step.weights, default=0))):
        operand = low.operand(index)
        if operand is not None:
            found.append(operand)
    other = low.get("other")
    if len(found) == 1 and isinstance(other, (int, float)):
        found.append(scalar(float(other)))
    return found


def pair(low: Lowering, kind: str, left: Operand, right: Operand) -> View:
    """One operator; a constant stands on the right where the order does not matter."""
    if isinstance(left, Fixed):
        if isinstance(right, Fixed):
            raise Unconverted(f"{low.step.kind} of constants")
        if kind in _COMMUTES:
            left, right = right, left
    if isinstance(left, View) and isinstance(right, View):
        return _both(low, kind, left, right)
    view = left if isinstance(left, View) else right
    constant = right if isinstance(left, View) else left
    assert isinstance(view, View)
    assert isinstance(constant, Fixed)
    rank = max(len(view.order), len(constant.shape))
    order = layout.lifted(view.order, rank)
    value = low.ordered(view, view.order)
    if len(constant.shape) > len(view.order) and not view.plain:
        value, order = low.plain(view), layout.identity(rank)
    aligned = low.aligned(constant, order)
    shape = broadcast(value.shape or (), aligned.shape)
    inputs: list[Value | Fixed | None] = [value, aligned] if isinstance(left, View) else [aligned, value]
    return View(low.emit(kind, inputs, shape), order, view.turned)


def _both(low: Lowering, kind: str, left: View, right: View) -> View:
    """Two tensors, brought into one layout: that of the larger, then of the one a convolution made."""
    rank = max(len(left.order), len(right.order))
    lead = left
    if _weight(right) > _weight(left):
        lead = right
    order = layout.lifted(lead.order, rank)
    if low.keras and kind == "ADD":
        flat = _as_bias(low, left, right)
        if flat is not None:
            return View(low.emit(kind, [left.value, flat], left.value.shape or ()), left.order, left.turned)
    first, second = _fitted(low, left, order), _fitted(low, right, order)
    made = low.emit(kind, [first, second], broadcast(first.shape or (), second.shape or ()))
    return View(made, order, lead.turned)


def _weight(view: View) -> tuple[int, int, bool]:
    """What decides whose layout an operator of two tensors takes."""
    elements = 1
    for size in view.value.shape or ():
        elements *= size if isinstance(size, int) else 1
    return len(view.order), elements, not view.plain and view.turned is None


def _fitted(low: Lowering, view: View, order: Order) -> Value:
    """A tensor in a layout that may have more axes; ones in front need no operator."""
    missing = len(order) - len(view.order)
    if not missing:
        return low.ordered(view, order)
    own = tuple(axis - missing for axis in order if axis >= missing)
    if own == view.order and order[:missing] == tuple(range(missing)):
        return view.value
    plain = low.plain(view)
    lifted = (*(1,) * missing, *(plain.shape or ()))
    shape = tuple(lifted[axis] for axis in order)
    if [size for size in shape if size != 1] != [size for size in lifted if size != 1]:
        raise Unconverted("a broadcast between two layouts")
    return low.emit("RESHAPE", [plain, sizes(shape)], shape)


def _as_bias(low: Lowering, left: View, right: View) -> Value | None:
    """Keras adds what looks like a vector as a bias, for which it drops the axes of length 1 (the batch, too)."""
    shape, sum_shape = right.value.shape or (), left.value.shape or ()
    long = [size for size in shape if size != 1]
    if len(long) != 1 or len(sum_shape) < 2 or len(shape) < 2 or not isinstance(long[0], int):
        return None
    if long[0] not in (sum_shape[1], sum_shape[-1]):
        return None
    flat = (long[0],)
    return low.emit("RESHAPE", [right.value, sizes(flat)], flat, None, right.value.dtype)


def broadcast(left: Shape, right: Shape) -> Shape:
    """The common shape of two operands."""
    if len(left) < len(right):
        left, right = right, left
    missing = len(left) - len(right)
    pairs = zip(left[missing:], right, strict=True)
    return (*left[:missing], *[b if a == 1 else a for a, b in pairs])


@converts("Reciprocal")
def reciprocal(low: Lowering) -> None:
    """One divided by the input."""
    view = low.flow()
    alike(low, low.emit("DIV", [scalar(1.0), view.value], view.value.shape or ()), view)


@converts("Mean")
def mean(low: Lowering) -> None:
    """A sum, times one over the number of operands."""
    operands = _operands(low)
    total = operands[0]
    for operand in operands[1:]:
        total = pair(low, "ADD", total, operand)
    low.bind(pair(low, "MUL", total, scalar(1 / len(operands))))


@converts("Where")
def where(low: Lowering) -> None:
    """SELECT_V2 in the layout of the largest operand."""
    operands = [low.operand(index) for index in range(3)]
    views = [one for one in operands if isinstance(one, View)]
    if not views:
        raise Unconverted("Where of constants")
    rank = len(low.out())
    lead = max(views, key=_weight)
    order = layout.lifted(lead.order, rank)
    inputs = [
        _fitted(low, one, order) if isinstance(one, View) else low.aligned(one, order) if one is not None else None
        for one in operands
    ]
    made = low.emit("SELECT_V2", inputs, layout.physical(low.out(), order))
    low.result(made, order, lead.turned)


@converts("PRelu")
def prelu(low: Lowering) -> None:
    """The slopes without batch."""
    view, slope = low.flow(), low.operand(1)
    if not isinstance(slope, Fixed):
        raise Unconverted("a PRelu whose slopes are computed")
    rank, shape = len(view.order), slope.shape
    if len(shape) == 1 and rank > 2 and shape[0] != 1 and low.model.framework == "pytorch":
        shape = (1, shape[0], *(1,) * (rank - 2))  # one slope for each channel, which is axis 1
    elif len(shape) == rank - 1:
        shape = (1, *shape)
    turned = low.aligned(Fixed(shape, slope.dtype, slope.storage, slope.learned), view.order)
    alpha = Fixed((*(1,) * (rank - 1 - len(turned.shape)), *turned.shape)[-(rank - 1) :], slope.dtype, slope.storage)
    alike(low, low.emit("PRELU", [view.value, alpha], view.value.shape or ()), view)
