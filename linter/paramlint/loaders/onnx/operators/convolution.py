"""Convolutions: float, transposed, deformable, integer and quantised (ONNX Conv-1..22, QLinearConv-10, com.microsoft)."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, operator


@operator
class Conv(Operator):
    """``Conv``: X [N, i, ...], W [o, i / G, k...], B [o]."""

    kinds = ("Conv",)
    slots = {1: "kernel", 2: "bias"}


@operator
class FusedConv(Conv):
    """ONNX Runtime's Conv with an activation and an added tensor Z."""

    kinds = ("FusedConv",)
    domain = "com.microsoft"


@operator
class NhwcConv(Conv):
    kinds = ("NhwcConv", "NhwcFusedConv")
    domain = "com.microsoft"


@operator
class BlockedConv(Conv):
    kinds = ("Conv",)
    domain = "com.microsoft.nchwc"


@operator
class ConvTranspose(Operator):
    kinds = ("ConvTranspose",)
    slots = {1: "kernel", 2: "bias"}


@operator
class ConvTransposeWithDynamicPads(ConvTranspose):
    kinds = ("ConvTransposeWithDynamicPads",)
    domain = "com.microsoft"
    slots = {1: "kernel", 3: "bias"}
    settings = frozenset({2})


@operator
class DeformConv(Operator):
    kinds = ("DeformConv",)
    slots = {1: "kernel", 3: "bias"}
    settings = frozenset({2, 4})


@operator
class ConvInteger(Conv):
    kinds = ("ConvInteger",)
    slots = {1: "kernel"}
    settings = frozenset({2, 3})


@operator
class QLinearConv(Conv):
    kinds = ("QLinearConv",)
    slots = {3: "kernel", 8: "bias"}
    settings = frozenset({1, 2, 4, 5, 6, 7})


@operator
class ContribQLinearConv(QLinearConv):
    domain = "com.microsoft"


@operator
class CausalConvWithState(Operator):
    kinds = ("CausalConvWithState",)
    slots = {1: "kernel", 2: "bias"}
    settings = frozenset({3})


@operator
class ContribCausalConvWithState(CausalConvWithState):
    domain = "com.microsoft"
