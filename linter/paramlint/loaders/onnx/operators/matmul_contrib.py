"""ONNX Runtime's matrix products (domain com.microsoft): fused and quantised."""

from __future__ import annotations

from paramlint.ir import DType, Shape
from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.operators import Node, operator
from paramlint.loaders.onnx.operators.matmul import Gemm, Product, turned
from paramlint.loaders.onnx.operators.shapes import given, integer


@operator
class FusedMatMul(Product):
    """``FusedMatMul``: MatMul with transpositions; ``transBatch`` moves the first axis before the last."""

    kinds = ("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation", "SparseToDenseMatMul")
    domain = "com.microsoft"

    def sides(self, node: Node) -> tuple[Shape | None, Shape | None]:
        return self._side(node, 0, "A"), self._side(node, 1, "B")

    def _side(self, node: Node, index: int, name: str) -> Shape | None:
        shape = node.shape(index)
        if shape is not None and len(shape) > 2 and integer(node, f"transBatch{name}", 0):
            shape = (*shape[1:-1], shape[0], shape[-1])
        return turned(shape, integer(node, f"trans{name}", 0) != 0)


@operator
class MatMulInteger16(Product):
    """``MatMulInteger16``: int16 in, int32 out."""

    kinds = ("MatMulInteger16",)
    domain = "com.microsoft"

    def dtype(self, node: Node) -> DType | None:
        return DType.INT32


@operator
class GemmFastGelu(Product):
    """``GemmFastGelu``: MatMul, bias and activation."""

    kinds = ("GemmFastGelu",)
    domain = "com.microsoft"
    slots = {1: "kernel", 2: "bias"}
    bias = 2


@operator
class DynamicQuantizeMatMul(Product):
    """``DynamicQuantizeMatMul``: a float activation by an int8 kernel."""

    kinds = ("DynamicQuantizeMatMul",)
    domain = "com.microsoft"
    slots = {1: "kernel", 4: "bias"}
    settings = frozenset({2, 3})
    bias = 4


@operator
class MatMulIntegerToFloat(Product):
    """``MatMulIntegerToFloat``: int8 by int8, the scales' float type out."""

    kinds = ("MatMulIntegerToFloat",)
    domain = "com.microsoft"
    slots = {0: "kernel", 1: "kernel", 6: "bias"}
    settings = frozenset({2, 3, 4, 5})
    bias = 6

    def dtype(self, node: Node) -> DType | None:
        return node.dtype(2)


@operator
class QOrderedMatMul(Product):
    """``QOrderedMatMul``: int8 in cublasLt order; C is added."""

    kinds = ("QOrderedMatMul",)
    domain = "com.microsoft"
    slots = {2: "kernel", 5: "bias"}
    settings = frozenset({1, 3, 4, 7})
    operands = frozenset({6})
    right = 2
    bias = 5


@operator
class FusedGemm(Gemm):
    """``FusedGemm``: Gemm with an activation."""

    kinds = ("FusedGemm",)
    domain = "com.microsoft"


@operator
class GemmFloat8(Gemm):
    """``GemmFloat8``: ``dtype`` is the result's type."""

    kinds = ("GemmFloat8",)
    domain = "com.microsoft"
    settings = frozenset({3, 4, 5})

    def dtype(self, node: Node) -> DType | None:
        return element_type(node.attributes.get("dtype", 1))


@operator
class QGemm(Gemm):
    """``QGemm``: A, B and C at 0, 3 and 6; float out where no output zero point is given."""

    kinds = ("QGemm",)
    domain = "com.microsoft"
    slots = {0: "kernel", 3: "kernel", 6: "bias"}
    settings = frozenset({1, 2, 4, 5, 7, 8})
    right = 3
    bias = 6

    def dtype(self, node: Node) -> DType | None:
        return node.dtype(8) if given(node, 8) else DType.FLOAT32
