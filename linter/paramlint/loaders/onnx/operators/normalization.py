"""Normalisation: statistics are buffers, scale and bias are weights; none of it is a multiply-accumulate."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class BatchNormalization(Operator):
    kinds = ("BatchNormalization",)
    slots = {1: "scale", 2: "bias"}
    buffers = {3: "mean", 4: "variance"}
    macs = free


@operator
class ScaledNormalization(Operator):
    kinds = ("InstanceNormalization", "GroupNormalization", "LayerNormalization")
    slots = {1: "scale", 2: "bias"}
    macs = free


@operator
class RMSNormalization(Operator):
    kinds = ("RMSNormalization", "SimplifiedLayerNormalization")
    slots = {1: "scale"}
    macs = free


@operator
class PlainNormalization(Operator):
    kinds = ("LRN", "LpNormalization", "MeanVarianceNormalization", "Normalize")
    macs = free
