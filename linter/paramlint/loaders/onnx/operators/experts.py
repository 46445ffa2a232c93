"""Mixture of experts (domain com.microsoft): all experts' weights are stored, a token uses k of them."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, operator


@operator
class MoE(Operator):
    kinds = ("MoE",)
    domain = "com.microsoft"
    slots = {2: "fc1.kernel", 3: "fc1.bias", 4: "fc2.kernel", 5: "fc2.bias", 6: "fc3.kernel", 7: "fc3.bias"}


@operator
class QMoE(Operator):
    kinds = ("QMoE",)
    domain = "com.microsoft"
    slots = {2: "fc1.kernel", 4: "fc1.bias", 5: "fc2.kernel", 7: "fc2.bias", 8: "fc3.kernel", 10: "fc3.bias"}
    settings = frozenset({3, 6, 9, *range(11, 21)})
