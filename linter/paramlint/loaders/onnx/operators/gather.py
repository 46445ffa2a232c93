"""Look-ups: Gather and its relatives, where an embedding table is the weight."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class Gather(Operator):
    kinds = ("Gather",)
    slots = {0: "table"}
    settings = frozenset({1})
    macs = free


@operator
class GatherElements(Operator):
    kinds = ("GatherElements",)
    slots = {0: "table"}
    settings = frozenset({1})
    macs = free


@operator
class GatherND(Operator):
    kinds = ("GatherND",)
    slots = {0: "table"}
    settings = frozenset({1})
    macs = free


@operator
class GatherBlockQuantized(Operator):
    kinds = ("GatherBlockQuantized",)
    domain = "com.microsoft"
    slots = {0: "table"}
    settings = frozenset({1, 2, 3})
    macs = free


@operator
class TorchEmbedding(Operator):
    kinds = ("TorchEmbedding",)
    domain = "com.microsoft"
    slots = {0: "table"}
    settings = frozenset({1, 2, 3})
    macs = free


@operator
class RelativePositionBias(Operator):
    kinds = ("RelativePositionBias",)
    domain = "com.microsoft"
    slots = {0: "table"}
    settings = frozenset({1, 2})
    macs = free
