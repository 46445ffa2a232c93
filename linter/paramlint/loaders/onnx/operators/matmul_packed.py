"""ONNX Runtime's products with a kernel packed in few bits (domain com.microsoft): attributes K and N say its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from paramlint.formulas import dense as texts
from paramlint.formulas import macs
from paramlint.ir import Dim, DType, Formula, Unknown
from paramlint.loaders.onnx.operators import Logical, Node, Operator, Output, ShapeError, operator
from paramlint.loaders.onnx.operators.matmul import witness
from paramlint.loaders.onnx.operators.shapes import integer, out, product, same, stored


class Packed(Operator):
    """A [..., K] by a packed [N, K] kernel at input 1."""

    domain = "com.microsoft"
    slots = {1: "kernel"}
    bias: ClassVar[int | None] = None

    def infer(self, node: Node) -> list[Output]:
        shape, columns = node.shape(0), integer(node, "N")
        if not shape:
            return [Output(None)]
        same(shape[-1], integer(node, "K"), "the input's last axis and K")
        return [Output((*shape[:-1], columns))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        symbols = {"n": product(shape[:-1]) if shape else None, "i": integer(node, "K"), "o": integer(node, "N")}
        return macs(texts.MACS, symbols, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        """Rows from the activation, columns from the output."""
        shape, made = node.shape(0), out(node)
        terms = {"kernel": texts.KERNEL} if stored(node, 1) else {}
        if self.bias is not None and stored(node, self.bias):
            terms["bias"] = texts.BIAS
        symbols = {"i": shape[-1] if shape else None, "o": made[-1] if made else None}
        return witness(symbols, terms) if terms else None

    def logical(self, index: int, stored: tuple[int, ...], attributes: Mapping[str, Any]) -> Logical | None:
        rows, columns = attributes.get("K"), attributes.get("N")
        if index != 1 or type(rows) is not int or type(columns) is not int or rows < 0 or columns < 0:
            return None
        return Logical((columns, rows), self.element(attributes))

    def element(self, attributes: Mapping[str, Any]) -> DType:
        """Four bits per element."""
        return DType.UINT4


@operator
class MatMulNBits(Packed):
    """``MatMulNBits``: B [N, blocks, bytes per block]; scales, zero points and group index are settings."""

    kinds = ("MatMulNBits",)
    slots = {1: "kernel", 5: "bias"}
    settings = frozenset({2, 3, 4})
    bias = 5

    def element(self, attributes: Mapping[str, Any]) -> DType:
        return integer_of(attributes.get("bits", 4))


def integer_of(bits: object) -> DType:
    """The unsigned type of so many bits; odd widths are held in the next wider one."""
    if type(bits) is not int or not 1 <= bits <= 8:
        raise ShapeError(f"bits is {bits!r}")
    return DType.UINT2 if bits <= 2 else DType.UINT4 if bits <= 4 else DType.UINT8


@operator
class MatMulBnb4(Packed):
    """``MatMulBnb4``: bitsandbytes' four-bit floats."""

    kinds = ("MatMulBnb4",)
    settings = frozenset({2})

    def element(self, attributes: Mapping[str, Any]) -> DType:
        return DType.FLOAT4E2M1


@operator
class MatMulNBitsMlp(Packed):
    """``MatMulNBitsMlp``: gate and up projections of one normalised input, multiplied."""

    kinds = ("MatMulNBitsMlp",)
    slots = {2: "scale", 3: "gate.kernel", 5: "gate.bias", 6: "up.kernel", 8: "up.bias"}
    operands = frozenset({1})
    settings = frozenset({4, 7})

    def infer(self, node: Node) -> list[Output]:
        return [*super().infer(node), Output(node.shape(0))][: node.output_count]

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        symbols = {"n": product(shape[:-1]) if shape else None, "i": integer(node, "K"), "o": integer(node, "N")}
        return macs(f"2 * {texts.MACS}", symbols, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        shape, made = node.shape(0), out(node)
        chosen = {2: "i", 3: texts.KERNEL, 5: texts.BIAS, 6: texts.KERNEL, 8: texts.BIAS}
        terms = {self.slots[index]: term for index, term in chosen.items() if stored(node, index)}
        symbols = {"i": shape[-1] if shape else None, "o": made[-1] if made else None}
        return witness(symbols, terms) if terms else None

    def logical(self, index: int, stored: tuple[int, ...], attributes: Mapping[str, Any]) -> Logical | None:
        return super().logical(1, stored, attributes) if index in (3, 6) else None

    def element(self, attributes: Mapping[str, Any]) -> DType:
        return integer_of(attributes.get("bits", 4))


@operator
class MatMulNBitsQkv(Operator):
    """``MatMulNBitsQkv``: query, key and value projections of one normalised input."""

    kinds = ("MatMulNBitsQkv",)
    domain = "com.microsoft"
    slots = {
        2: "scale", 3: "query.kernel", 5: "query.bias", 6: "key.kernel", 8: "key.bias", 9: "value.kernel",
        11: "value.bias",
    }  # fmt: skip
    operands = frozenset({1})
    settings = frozenset({4, 7, 10})

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if not shape:
            return [Output(None)] * node.output_count
        same(shape[-1], integer(node, "K"), "the input's last axis and K")
        widths = (integer(node, "Nq"), integer(node, "Nkv"), integer(node, "Nkv"))
        return [*[Output((*shape[:-1], width)) for width in widths], Output(shape)][: node.output_count]

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        symbols: dict[str, Dim] = {"n": product(shape[:-1]) if shape else None, "i": integer(node, "K")}
        symbols |= {"q": integer(node, "Nq"), "k": integer(node, "Nkv")}
        return macs(
            "n * i * (q + 2 * k)",
            symbols,
            {**texts.MEANING, "q": "query columns", "k": "key columns, as many for values"},
        )

    def logical(self, index: int, stored: tuple[int, ...], attributes: Mapping[str, Any]) -> Logical | None:
        rows, columns = attributes.get("K"), attributes.get("Nq" if index == 3 else "Nkv")
        if index not in (3, 6, 9) or type(rows) is not int or type(columns) is not int:
            return None
        return Logical((columns, rows), integer_of(attributes.get("bits", 4)))


@operator
class MatMulFpQ4(Operator):
    """``MatMulFpQ4``: the kernel's shape [K, N] is input 2."""

    kinds = ("MatMulFpQ4",)
    domain = "com.microsoft"
    slots = {1: "kernel"}
    settings = frozenset({2})

    def _columns(self, node: Node) -> Dim:
        shape = node.value(2)
        return shape.elements[1] if shape is not None and len(shape.elements) == 2 else None

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        return [Output((*shape[:-1], self._columns(node)) if shape else None)]

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        symbols = {
            "n": product(shape[:-1]) if shape else None,
            "i": shape[-1] if shape else None,
            "o": self._columns(node),
        }
        return macs(texts.MACS, symbols, texts.MEANING)
