"""ONNX Runtime's fused normalisations (domain com.microsoft)."""

from __future__ import annotations

from paramlint.ir import Dim, DType
from paramlint.loaders.onnx.operators import Node, Output, operator
from paramlint.loaders.onnx.operators.normalization import OverLastAxes, Scaled
from paramlint.loaders.onnx.operators.shapes import broadcast


class Contrib(OverLastAxes):
    """A normalisation over the last axis."""

    domain = "com.microsoft"


@operator
class ContribRMSNormalization(Contrib):
    """Root-mean-square norms; GatedRMSNorm also multiplies a gate."""

    kinds = ("SimplifiedLayerNormalization", "RMSNormalization", "GatedRMSNorm")
    slots = {1: "scale"}


@operator
class ContribLayerNormalization(Contrib):
    """LayerNormalization before the standard had it."""

    kinds = ("LayerNormalization",)
    slots = {1: "scale", 2: "bias"}


class Skip(Contrib):
    """``input + skip + bias`` normalised; outputs mean, deviation and the sum."""

    operands = frozenset({0, 1})

    def infer(self, node: Node) -> list[Output]:
        shape = broadcast(node.shape(0), node.shape(1))
        shape = node.shape(0) if shape is None else shape
        small = Output(None if shape is None else (*shape[:-1], 1), DType.FLOAT32)
        return [Output(shape), small, small, Output(shape)][: node.output_count]


@operator
class SkipLayerNormalization(Skip):
    """``SkipLayerNormalization``: scale, bias, and the bias of the sum."""

    kinds = ("SkipLayerNormalization",)
    slots = {2: "scale", 3: "bias", 4: "input_bias"}


@operator
class SkipSimplifiedLayerNormalization(Skip):
    """``SkipSimplifiedLayerNormalization``: scale, and the bias of the sum."""

    kinds = ("SkipSimplifiedLayerNormalization",)
    slots = {2: "scale", 3: "input_bias"}


@operator
class GroupNorm(Scaled):
    """``GroupNorm``: one scale and bias per channel, channels last by default."""

    kinds = ("GroupNorm",)
    domain = "com.microsoft"
    slots = {1: "scale", 2: "bias"}

    def count(self, node: Node) -> Dim:
        shape = node.shape(0)
        return (shape[-1] if node.attributes.get("channels_last", 1) else super().count(node)) if shape else None


@operator
class SkipGroupNorm(GroupNorm):
    """``SkipGroupNorm``: ``input + skip + bias`` first; the sum is output 1."""

    kinds = ("SkipGroupNorm",)
    slots = {1: "scale", 2: "bias", 4: "input_bias"}
    operands = frozenset({0, 3})

    def infer(self, node: Node) -> list[Output]:
        return [Output(node.shape(0))] * node.output_count


@operator
class EmbedLayerNormalization(Contrib):
    """``EmbedLayerNormalization``: the sum of three look-ups, normalised: [batch, sequence, hidden]."""

    kinds = ("EmbedLayerNormalization",)
    slots = {2: "word_table", 3: "position_table", 4: "segment_table", 5: "scale", 6: "bias"}
    settings = frozenset({0, 1, 7, 8})

    def infer(self, node: Node) -> list[Output]:
        ids, table = node.shape(0), node.shape(2)
        width = table[1] if table and len(table) == 2 else None
        shape = None if ids is None else (*ids, width)
        batch = ids[0] if ids else None
        dtype = node.dtype(5)
        return [Output(shape, dtype), Output((batch,), DType.INT32), Output(shape, dtype)][: node.output_count]

    def params(self, node: Node) -> None:
        """No formula: nothing but the stored tables says how long they are."""


@operator
class QEmbedLayerNormalization(EmbedLayerNormalization):
    """The quantised form; scales and zero points follow."""

    kinds = ("QEmbedLayerNormalization",)
    settings = frozenset({0, 1, *range(7, 18)})

    def infer(self, node: Node) -> list[Output]:
        return [
            output if place == 1 else output._replace(dtype=DType.FLOAT32)
            for place, output in enumerate(super().infer(node))
        ]


@operator
class QOrderedLayerNormalization(Contrib):
    """``QOrderedLayerNormalization``: int8 in and out."""

    kinds = ("QOrderedLayerNormalization",)
    slots = {2: "scale", 3: "bias"}
    settings = frozenset({1, 4})
