"""Matrix products: FULLY_CONNECTED with a constant matrix, BATCH_MATMUL of two tensors."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed, Value
from paramlint.deploy.lowering import Lowering, Unconverted, View, sizes
from paramlint.deploy.operators import converts
from paramlint.ir import Dim, Shape


@converts("Gemm")
def gemm(low: Lowering) -> None:
    """FULLY_CONNECTED, then the bias as an addition that folds into it."""
    left = low.flow()
    if low.get("transA", 0):
        raise Unconverted("a Gemm with a transposed first operand")
    weight = low.operand(1)
    if not isinstance(weight, Fixed):
        raise Unconverted("a Gemm whose matrix is computed")
    shape = weight.shape[-2:]  # as it was stored: axes of length 1 may stand in front
    if len(shape) != 2 or shape[0] * shape[1] != weight.elements:
        raise Unconverted("a Gemm whose matrix has not two axes")
    if not low.get("transB", 0):
        shape = shape[::-1]
    made = connected(low, low.plain(left), Fixed(shape, weight.dtype, weight.storage, weight.learned), low.out(), False)
    bias = low.operand(2)
    if isinstance(bias, View):
        made = low.emit("ADD", [made, low.plain(bias)], low.out())
    elif bias is not None:
        made = low.emit("ADD", [made, low.aligned(bias, layout.identity(len(low.out())))], low.out())
    low.result(made)


def connected(low: Lowering, value: Value, weight: Fixed, shape: Shape, keep: bool) -> Value:
    """FULLY_CONNECTED without bias; ``weight`` is [out, in]."""
    return low.emit("FULLY_CONNECTED", [value, weight, None], shape, {"keep_dims": keep})


#: Operators of the source that are a reshape as such; those that a convolution over one axis needs come later.
_RESHAPES = frozenset({"Reshape", "Flatten", "Resize", "Tile"})


def _flattened(low: Lowering, value: Value, weight: Fixed) -> Value:
    """As Keras writes a dense layer on more than two axes: as a matrix, and back; a reshape in front is merged."""
    shape, before = value.shape or (), value.node
    if before is not None and before.kind == "RESHAPE" and before.onnx in _RESHAPES:
        entered = before.value()
        if entered is not None and entered.shape and entered.shape[-1] == shape[-1]:
            value = entered
    rows: Dim = 1
    for size in shape[:-1]:
        rows = rows * size if isinstance(rows, int) and isinstance(size, int) else None
    flat = low.emit("RESHAPE", [value, sizes((rows, shape[-1]))], (rows, shape[-1]))
    made = connected(low, flat, weight, (rows, weight.shape[0]), False)
    return low.emit("RESHAPE", [made, sizes(low.out())], low.out())


@converts("MatMul")
def matmul(low: Lowering) -> None:
    """With a constant matrix a dense layer; else a product whose operands may be flagged as transposed."""
    left, right = low.operand(0), low.operand(1)
    if isinstance(left, View) and isinstance(right, Fixed) and len(right.shape) == 2:
        weight = Fixed(right.shape[::-1], right.dtype, right.storage, right.learned)
        if low.keras and len(low.out()) > 2 and low.step.weights[1].role == "kernel":
            low.result(_flattened(low, low.plain(left), weight))
        else:
            low.result(connected(low, low.plain(left), weight, low.out(), len(low.out()) > 2))
        return
    if len(low.source(0)) < 2 or len(low.source(1)) < 2:
        raise Unconverted("a product of a matrix and a vector")
    operands: list[Value | Fixed | None] = []
    for operand in (left, right):
        operands.append(low.plain(operand) if isinstance(operand, View) else operand)
    low.result(low.emit("BATCH_MATMUL", operands, low.out(), {"adj_x": False, "adj_y": False}))
