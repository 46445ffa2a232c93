"""Matrix products: MatMul, Gemm, Einsum and their integer and quantised forms."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, operator


@operator
class MatMul(Operator):
    kinds = ("MatMul",)
    slots = {0: "kernel", 1: "kernel"}


@operator
class Gemm(Operator):
    kinds = ("Gemm",)
    slots = {0: "kernel", 1: "kernel", 2: "bias"}


@operator
class MatMulInteger(MatMul):
    kinds = ("MatMulInteger",)
    settings = frozenset({2, 3})


@operator
class QLinearMatMul(MatMul):
    kinds = ("QLinearMatMul",)
    slots = {0: "kernel", 3: "kernel"}
    settings = frozenset({1, 2, 4, 5, 6, 7})


@operator
class Einsum(Operator):
    kinds = ("Einsum",)
    slots = dict.fromkeys(range(64), "kernel")
