"""ONNX Runtime's attention family (domain com.microsoft)."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class ContribAttention(Operator):
    kinds = ("Attention",)
    domain = "com.microsoft"
    slots = {1: "kernel", 2: "bias"}
    settings = frozenset({3, 4, 6})
    operands = frozenset({5})


@operator
class QAttention(ContribAttention):
    kinds = ("QAttention",)
    settings = frozenset({3, 4, 5, 6, 7, 8})
    operands = frozenset()


@operator
class PackedAttention(ContribAttention):
    kinds = ("PackedAttention",)
    settings = frozenset({3, 4})


@operator
class DecoderMaskedSelfAttention(ContribAttention):
    kinds = ("DecoderMaskedSelfAttention",)
    settings = frozenset({3, 4, 6, 7, 8})


@operator
class LongformerAttention(Operator):
    kinds = ("LongformerAttention",)
    domain = "com.microsoft"
    slots = {1: "kernel", 2: "bias", 4: "global_kernel", 5: "global_bias"}
    settings = frozenset({3, 6})


@operator
class QOrderedLongformerAttention(Operator):
    kinds = ("QOrderedLongformerAttention",)
    domain = "com.microsoft"
    slots = {2: "kernel", 4: "bias", 8: "global_kernel", 10: "global_bias"}
    settings = frozenset({1, 3, 5, 6, 7, 9, 11, 12, 13})


@operator
class QOrderedAttention(Operator):
    kinds = ("QOrderedAttention",)
    domain = "com.microsoft"
    slots = {
        5: "query.kernel", 6: "key.kernel", 7: "value.kernel", 11: "query.bias", 12: "key.bias", 13: "value.bias",
    }  # fmt: skip
    settings = frozenset({1, 2, 3, 4, 8, 9, 10, 14, 15, 16, 17, 18})
    operands = frozenset({19})


@operator
class DecoderAttention(Operator):
    kinds = ("DecoderAttention",)
    domain = "com.microsoft"
    slots = {2: "query.kernel", 3: "key_value.kernel", 4: "bias"}
    settings = frozenset(range(5, 12))


@operator
class MultiHeadAttention(Operator):
    kinds = ("MultiHeadAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value", 3: "bias"}
    settings = frozenset({4, 6, 7, 8, 9})
    operands = frozenset({5})


@operator
class PackedMultiHeadAttention(MultiHeadAttention):
    kinds = ("PackedMultiHeadAttention",)
    settings = frozenset({4, 5})
    operands = frozenset({6})


@operator
class DecoderMaskedMultiHeadAttention(MultiHeadAttention):
    kinds = ("DecoderMaskedMultiHeadAttention",)
    slots = {0: "query", 1: "key", 2: "value", 10: "bias"}
    settings = frozenset({3, 5, 6, 7, 8, 9})
    operands = frozenset({4})


@operator
class GroupQueryAttention(Operator):
    kinds = ("GroupQueryAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value", 11: "sink", 14: "query_scale", 15: "key_scale"}
    settings = frozenset({3, 4, 5, 6, 7, 8, 9, 12, 13, 16})
    operands = frozenset({10})


@operator
class PagedAttention(Operator):
    kinds = ("PagedAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value", 11: "sink", 12: "query_scale", 13: "key_scale"}
    settings = frozenset({3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16})


@operator
class SparseAttention(Operator):
    kinds = ("SparseAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value"}
    settings = frozenset(range(3, 11))


@operator
class ContribRotaryEmbedding(Operator):
    kinds = ("RotaryEmbedding", "MRotaryEmbedding")
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3})
    macs = free


@operator
class GatedRelativePositionBias(Operator):
    kinds = ("GatedRelativePositionBias",)
    domain = "com.microsoft"
    slots = {1: "query_bias", 2: "relative_position", 3: "kernel", 4: "bias", 5: "scale"}
    settings = frozenset({6})
