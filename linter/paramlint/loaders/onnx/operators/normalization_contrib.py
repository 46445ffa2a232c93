"""ONNX Runtime's fused normalisations (domain com.microsoft)."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class ContribLayerNormalization(Operator):
    kinds = ("LayerNormalization", "GroupNorm")
    domain = "com.microsoft"
    slots = {1: "scale", 2: "bias"}
    macs = free


@operator
class ContribRMSNormalization(Operator):
    kinds = ("SimplifiedLayerNormalization", "RMSNormalization", "GatedRMSNorm", "BranchwiseRMSNorm")
    domain = "com.microsoft"
    slots = {1: "scale"}
    macs = free


@operator
class SkipLayerNormalization(Operator):
    kinds = ("SkipLayerNormalization",)
    domain = "com.microsoft"
    slots = {2: "scale", 3: "bias", 4: "input_bias"}
    operands = frozenset({0, 1})
    macs = free


@operator
class SkipSimplifiedLayerNormalization(Operator):
    kinds = ("SkipSimplifiedLayerNormalization",)
    domain = "com.microsoft"
    slots = {2: "scale", 3: "input_bias"}
    operands = frozenset({0, 1})
    macs = free


@operator
class SkipGroupNorm(Operator):
    kinds = ("SkipGroupNorm",)
    domain = "com.microsoft"
    slots = {1: "scale", 2: "bias", 4: "input_bias"}
    operands = frozenset({0, 3})
    macs = free


@operator
class EmbedLayerNormalization(Operator):
    kinds = ("EmbedLayerNormalization",)
    domain = "com.microsoft"
    slots = {2: "word_table", 3: "position_table", 4: "segment_table", 5: "scale", 6: "bias"}
    settings = frozenset({0, 1, 7, 8})
    macs = free


@operator
class QEmbedLayerNormalization(EmbedLayerNormalization):
    kinds = ("QEmbedLayerNormalization",)
    settings = frozenset({0, 1, *range(7, 18)})


@operator
class QOrderedLayerNormalization(Operator):
    kinds = ("QOrderedLayerNormalization",)
    domain = "com.microsoft"
    slots = {2: "scale", 3: "bias"}
    settings = frozenset({1, 4})
    macs = free
