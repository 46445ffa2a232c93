"""Training operators (ai.onnx.preview.training): optimisers update elementwise; Gradient runs a graph of its own."""

from __future__ import annotations

from paramlint.ir import Formula, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, free, operator


@operator
class Optimizer(Operator):
    """One elementwise update per parameter."""

    kinds = ("Adagrad", "Adam", "Momentum")
    domain = "ai.onnx.preview.training"
    macs = free


@operator
class Gradient(Operator):
    """The backward pass of a part of the graph."""

    kinds = ("Gradient",)
    domain = "ai.onnx.preview.training"

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown("the cost of a backward pass is not counted")
