"""Matrix products: MatMul, Gemm and their integer and quantised forms.

Every product counts, that of two activations too: positions times the summed axis times columns.
"""

from __future__ import annotations

from typing import ClassVar

from paramlint.formulas import dense as texts
from paramlint.formulas import formula, macs
from paramlint.ir import Dim, DType, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, operator
from paramlint.loaders.onnx.operators.shapes import broadcast, integer, out, product, same, stored


def turned(shape: Shape | None, flipped: bool) -> Shape | None:
    """``shape`` with its last two axes exchanged if ``flipped``."""
    if shape is None or not flipped or len(shape) < 2:
        return shape
    return (*shape[:-2], shape[-1], shape[-2])


def multiplied(a: Shape | None, b: Shape | None) -> Shape | None:
    """numpy.matmul's shape rule."""
    if a is None or b is None:
        return None
    if not a or not b:
        raise ShapeError("a matrix product of a scalar")
    rows, columns = a[-2:-1], b[-1:] if len(b) > 1 else ()
    same(a[-1], b[-2] if len(b) > 1 else b[0], "the summed axes of a matrix product")
    lead = broadcast(a[:-2], b[:-2])
    return None if lead is None else (*lead, *rows, *columns)


class Product(Operator):
    """A product of inputs ``left`` and ``right``, with numpy.matmul's shapes; ``bias`` is one vector."""

    slots = {0: "kernel", 1: "kernel"}
    left: ClassVar[int] = 0
    right: ClassVar[int] = 1
    bias: ClassVar[int | None] = None

    def sides(self, node: Node) -> tuple[Shape | None, Shape | None]:
        """The two factors' shapes as they are multiplied."""
        return node.shape(self.left), node.shape(self.right)

    def dtype(self, node: Node) -> DType | None:
        return node.dtype(self.left)

    def infer(self, node: Node) -> list[Output]:
        return [Output(multiplied(*self.sides(node)), self.dtype(node))]

    def numbers(self, node: Node) -> dict[str, Dim]:
        """n positions, i summed, o columns; a vector on the right is one column."""
        a, b = self.sides(node)
        made = out(node)
        if not a or not b or made is None:
            return {"n": None, "i": a[-1] if a else None, "o": b[-1] if b and len(b) > 1 else None}
        if len(b) == 1:
            return {"n": product(made), "i": same(a[-1], b[0], "summed axes"), "o": 1}
        return {"n": product(made[:-1]), "i": same(a[-1], b[-2], "summed axes"), "o": made[-1]}

    def macs(self, node: Node) -> Formula | Unknown | None:
        return macs(texts.MACS, self.numbers(node), texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        left, right = stored(node, self.left), stored(node, self.right)
        if left == right:
            return None  # two activations have no parameters, and two weights no activation to check them by
        a, b = self.sides(node)
        made = out(node)
        if a is None or b is None or made is None:
            return Unknown("the shapes of a matrix product are not known")
        if len(a if left else b) > 2:
            return Unknown("a stack of matrices broadcasts: the activation does not say how many there are")
        if left:
            columns = len(b) > 1
            rows = (made[-2] if columns else made[-1]) if len(a) > 1 else 1
            symbols = {"i": b[-2] if columns else b[0], "o": rows}
        else:
            symbols = {"i": a[-1], "o": made[-1] if len(b) > 1 else 1}
        return witness(symbols, {"kernel": texts.KERNEL} | self.bias_term(node))

    def bias_term(self, node: Node) -> dict[str, str]:
        return {"bias": texts.BIAS} if self.bias is not None and stored(node, self.bias) else {}


def witness(symbols: dict[str, Dim], terms: dict[str, str]) -> Formula | Unknown:
    """The parameter formula, or Unknown where a size is free."""
    known = {name: number for name, number in symbols.items() if type(number) is int}
    if len(known) != len(symbols):
        return Unknown(f"{', '.join(texts.MEANING[name] for name in symbols if name not in known)} not known")
    return formula(terms, known, texts.MEANING)


@operator
class MatMul(Product):
    """``MatMul``: numpy.matmul."""

    kinds = ("MatMul",)


@operator
class MatMulInteger(Product):
    """``MatMulInteger``: int32 out."""

    kinds = ("MatMulInteger",)
    settings = frozenset({2, 3})

    def dtype(self, node: Node) -> DType | None:
        return DType.INT32


@operator
class QLinearMatMul(Product):
    """``QLinearMatMul``: a, b at inputs 0 and 3; the type of the output's zero point."""

    kinds = ("QLinearMatMul",)
    slots = {0: "kernel", 3: "kernel"}
    settings = frozenset({1, 2, 4, 5, 6, 7})
    right = 3

    def dtype(self, node: Node) -> DType | None:
        return node.dtype(7)


@operator
class Gemm(Product):
    """``Gemm``: [m, k] by [k, n] after the transpositions that ``transA`` and ``transB`` ask for."""

    kinds = ("Gemm",)
    slots = {0: "kernel", 1: "kernel", 2: "bias"}
    bias: ClassVar[int | None] = 2

    def sides(self, node: Node) -> tuple[Shape | None, Shape | None]:
        a, b = node.shape(self.left), node.shape(self.right)
        for shape in (a, b):
            if shape is not None and len(shape) != 2:
                raise ShapeError(f"Gemm of a tensor with {len(shape)} axes")
        return turned(a, integer(node, "transA", 0) != 0), turned(b, integer(node, "transB", 0) != 0)

    def infer(self, node: Node) -> list[Output]:
        a, b = self.sides(node)
        if a is not None and b is not None:
            return [Output(multiplied(a, b), self.dtype(node))]
        return [Output((a[0] if a else None, b[1] if b else None), self.dtype(node))]

    def bias_term(self, node: Node) -> dict[str, str]:
        """One bias per column, unless the stored one is broadcast from a scalar or differs by row."""
        if self.bias is None or not stored(node, self.bias):
            return {}
        shape, made = node.shape(self.bias), out(node)
        if shape is not None and all(dim == 1 for dim in shape):
            return {"bias": "1"}
        if shape is not None and len(shape) == 2 and shape[0] != 1 and made is not None and type(made[0]) is int:
            return {"bias": f"{made[0]} * o" if shape[1] != 1 else f"{made[0]}"}
        return {"bias": texts.BIAS}
