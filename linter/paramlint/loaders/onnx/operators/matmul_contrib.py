"""ONNX Runtime's matrix products (domain com.microsoft): fused, quantised and packed in few bits."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, operator
from paramlint.loaders.onnx.operators.matmul import Gemm, MatMul


@operator
class FusedMatMul(MatMul):
    kinds = ("FusedMatMul", "TransposeMatMul", "FusedMatMulActivation")
    domain = "com.microsoft"


@operator
class ContribMatMul(MatMul):
    kinds = ("MatMulInteger16", "SparseToDenseMatMul")
    domain = "com.microsoft"


@operator
class FusedGemm(Gemm):
    kinds = ("FusedGemm",)
    domain = "com.microsoft"


@operator
class GemmFloat8(Gemm):
    kinds = ("GemmFloat8",)
    domain = "com.microsoft"
    settings = frozenset({3, 4, 5})


@operator
class GemmFastGelu(MatMul):
    kinds = ("GemmFastGelu",)
    domain = "com.microsoft"
    slots = {1: "kernel", 2: "bias"}


@operator
class QGemm(Gemm):
    kinds = ("QGemm",)
    domain = "com.microsoft"
    slots = {0: "kernel", 3: "kernel", 6: "bias"}
    settings = frozenset({1, 2, 4, 5, 7, 8})


@operator
class DynamicQuantizeMatMul(MatMul):
    kinds = ("DynamicQuantizeMatMul",)
    domain = "com.microsoft"
    slots = {1: "kernel", 4: "bias"}
    settings = frozenset({2, 3})


@operator
class MatMulIntegerToFloat(MatMul):
    kinds = ("MatMulIntegerToFloat",)
    domain = "com.microsoft"
    slots = {0: "kernel", 1: "kernel", 6: "bias"}
    settings = frozenset({2, 3, 4, 5})


@operator
class QOrderedMatMul(MatMul):
    kinds = ("QOrderedMatMul",)
    domain = "com.microsoft"
    slots = {2: "kernel", 5: "bias"}
    settings = frozenset({1, 3, 4, 7})


@operator
class MatMulNBits(Operator):
    kinds = ("MatMulNBits",)
    domain = "com.microsoft"
    slots = {1: "kernel", 5: "bias"}
    settings = frozenset({2, 3, 4})


@operator
class MatMulBnb4(Operator):
    kinds = ("MatMulBnb4",)
    domain = "com.microsoft"
    slots = {1: "kernel"}
    settings = frozenset({2})


@operator
class MatMulNBitsMlp(Operator):
    kinds = ("MatMulNBitsMlp",)
    domain = "com.microsoft"
    slots = {2: "scale", 3: "gate.kernel", 5: "gate.bias", 6: "up.kernel", 8: "up.bias"}
    settings = frozenset({4, 7})


@operator
class MatMulNBitsQkv(Operator):
    kinds = ("MatMulNBitsQkv",)
    domain = "com.microsoft"
    slots = {
        2: "scale", 3: "query.kernel", 5: "query.bias", 6: "key.kernel", 8: "key.bias", 9: "value.kernel", 11: "value.bias",
    }  # fmt: skip
    settings = frozenset({4, 7, 10})
