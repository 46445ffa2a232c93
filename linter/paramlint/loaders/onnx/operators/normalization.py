"""Normalisation: statistics are buffers, scale and bias are weights; none of it is a multiply-accumulate."""

from __future__ import annotations

from typing import ClassVar

from paramlint.formulas import formula
from paramlint.ir import Dim, DType, Formula, Shape, Unknown
from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.operators import Node, Operator, Output, free, operator
from paramlint.loaders.onnx.operators.shapes import axis_of, integer, like, product, stored

MEANING = {"c": "channels", "A": "product of the normalised axes"}


class Scaled(Operator):
    """A normalisation whose scale and bias have one number per channel (``letter`` c) or element (A)."""

    letter: ClassVar[str] = "c"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)

    def count(self, node: Node) -> Dim:
        """Numbers per weight, from the input's shape: the channels of axis 1."""
        shape = node.shape(0)
        return shape[1] if shape and len(shape) > 1 else None

    def params(self, node: Node) -> Formula | Unknown | None:
        roles = [role for index, role in self.slots.items() if stored(node, index)]
        if not roles:
            return None
        count = self.count(node)
        if type(count) is not int:
            return Unknown(f"{MEANING[self.letter]} not known")
        return formula(dict.fromkeys(roles, self.letter), {self.letter: count}, MEANING)


@operator
class BatchNormalization(Scaled):
    """``BatchNormalization``: further outputs are running statistics (training mode, and opsets before 9)."""

    kinds = ("BatchNormalization",)
    slots = {1: "scale", 2: "bias"}
    buffers = {3: "mean", 4: "variance"}

    def infer(self, node: Node) -> list[Output]:
        statistics = Output(node.shape(3), node.dtype(3) if node.opset >= 14 else None)
        return [Output(node.shape(0)), *[statistics] * (node.output_count - 1)]

    def count(self, node: Node) -> Dim:
        shape = node.shape(0)
        if shape and not integer(node, "spatial", 1):
            return product(shape[1:])
        if shape is not None and len(shape) == 1:
            return 1
        return super().count(node)


@operator
class ChannelNormalization(Scaled):
    """``InstanceNormalization``: one scale and bias per channel."""

    kinds = ("InstanceNormalization",)
    slots = {1: "scale", 2: "bias"}


@operator
class GroupNormalization(Scaled):
    """``GroupNormalization``: one scale per group in opset 18, one per channel since 21."""

    kinds = ("GroupNormalization",)
    slots = {1: "scale", 2: "bias"}

    def count(self, node: Node) -> Dim:
        return super().count(node) if node.opset >= 21 else integer(node, "num_groups")


class OverLastAxes(Scaled):
    """Normalisation over ``axis`` and all behind it."""

    letter = "A"

    def count(self, node: Node) -> Dim:
        shape = node.shape(0)
        return None if not shape else product(shape[axis_of(node.attributes.get("axis", -1), len(shape)) :])

    def statistics(self, node: Node) -> Shape | None:
        """The shape of mean and inverse deviation: the normalised axes are 1."""
        shape = node.shape(0)
        if not shape:
            return shape
        axis = axis_of(node.attributes.get("axis", -1), len(shape))
        return (*shape[:axis], *(1,) * (len(shape) - axis))


@operator
class LayerNormalization(OverLastAxes):
    """``LayerNormalization``: a single scale broadcasts in some exports, then nothing is checked."""

    kinds = ("LayerNormalization",)
    slots = {1: "scale", 2: "bias"}

    def infer(self, node: Node) -> list[Output]:
        statistics = Output(self.statistics(node), element_type(node.attributes.get("stash_type", 1)))
        return [Output(node.shape(0)), *[statistics] * (node.output_count - 1)]


@operator
class RMSNormalization(OverLastAxes):
    """``RMSNormalization``; SimplifiedLayerNormalization is ONNX Runtime's older name in the standard's domain."""

    kinds = ("RMSNormalization", "SimplifiedLayerNormalization")
    slots = {1: "scale"}

    def infer(self, node: Node) -> list[Output]:
        return [
            Output(node.shape(0), node.dtype(1)),
            *[Output(self.statistics(node), DType.FLOAT32)] * (node.output_count - 1),
        ]


@operator
class PlainNormalization(Operator):
    """Normalisations without weights."""

    kinds = ("LRN", "LpNormalization", "MeanVarianceNormalization")
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)
