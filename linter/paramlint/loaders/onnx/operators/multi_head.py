"""ONNX Runtime's attention after its projections (domain com.microsoft): MultiHeadAttention and its relatives."""

from __future__ import annotations

from typing import ClassVar

from paramlint.formulas import formula, macs
from paramlint.formulas import fused_attention as texts
from paramlint.ir import Dim, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, free, operator
from paramlint.loaders.onnx.operators.attention import Heads, added, share, split_heads, width
from paramlint.loaders.onnx.operators.shapes import given, integer, like, product, stored


@operator
class MultiHeadAttention(Operator):
    """Query [n, t, H d] (or packed [n, t, H, 3, d]); key and value [n, s, H d], packed [n, s, H, 2, d] or by head."""

    kinds = ("MultiHeadAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value", 3: "bias"}
    settings = frozenset({4, 6, 7, 8, 9})
    operands = frozenset({5})
    past: ClassVar[int] = 6
    bias: ClassVar[int] = 3

    def read(self, node: Node) -> tuple[Heads, Heads, Heads]:
        """Query, key and value, whatever is packed."""
        heads, shape = integer(node, "num_heads"), node.shape(0)
        if shape is not None and len(shape) == 5:
            whole = Heads(shape[0], shape[2], shape[1], shape[4])
            return whole, whole, whole
        query, key = split_heads(shape, heads, "the query"), node.shape(1)
        if not given(node, 1):
            third = query._replace(size=_divided(query.size, 3))
            return third, third, third
        if key is not None and len(key) == 5:
            both = Heads(key[0], key[2], key[1], key[4])
            return query, both, both
        return query, split_heads(key, heads, "the key"), split_heads(node.shape(2), heads, "the value")

    def total(self, node: Node, key: Heads) -> Dim:
        """Key positions with those of the cache."""
        if not given(node, self.past):
            return key.length
        cache = node.shape(self.past)
        return added(cache[2], key.length) if cache and len(cache) == 4 else None

    def infer(self, node: Node) -> list[Output]:
        query, key, value = self.read(node)
        total = self.total(node, key)
        outputs = [
            Output((query.batch, query.length, width(query._replace(size=value.size)))),
            Output((query.batch, query.heads, total, query.size)),
            Output((query.batch, query.heads, total, value.size)),
            Output((query.batch, query.heads, query.length, total)),
        ]
        return outputs[: node.output_count]

    def macs(self, node: Node) -> Formula | Unknown | None:
        query, key, value = self.read(node)
        symbols = {
            "n": query.batch, "H": query.heads, "t": query.length, "s": self.total(node, key), "d": query.size,
            "v": value.size,
        }  # fmt: skip
        return macs(texts.MACS, symbols, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        """The merged bias, where there is one."""
        if not stored(node, self.bias):
            return None
        parts = dict(zip(("q", "k", "w"), map(width, self.read(node)), strict=True))
        known = {name: number for name, number in parts.items() if type(number) is int}
        if len(known) != 3:
            return Unknown("the widths of query, key and value are not known")
        return formula({"bias": texts.MERGED_BIAS}, known, texts.MEANING)


def _divided(dim: Dim, divisor: int) -> Dim:
    if type(dim) is int and dim % divisor:
        raise ShapeError(f"{dim} is not divisible by {divisor}")
    return dim // divisor if type(dim) is int else None


@operator
class DecoderMaskedMultiHeadAttention(MultiHeadAttention):
    """One new position; of the cache, ``past_sequence_length`` (input 7) entries are filled."""

    kinds = ("DecoderMaskedMultiHeadAttention",)
    slots = {0: "query", 1: "key", 2: "value", 10: "bias"}
    settings = frozenset({3, 5, 6, 7, 8, 9})
    operands = frozenset({4})
    past = 5
    bias = 10

    def total(self, node: Node, key: Heads) -> Dim:
        if not given(node, self.past):
            return key.length
        filled = node.value(7)
        return added(filled.elements[0] if filled is not None and len(filled.elements) == 1 else None, key.length)


@operator
class PackedMultiHeadAttention(Operator):
    """Attention without padding: [tokens, H d]; how the tokens fall into sequences is in the data."""

    kinds = ("PackedMultiHeadAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value", 3: "bias"}
    settings = frozenset({4, 5})
    operands = frozenset({6})

    def infer(self, node: Node) -> list[Output]:
        shape, value = node.shape(0), node.shape(2)
        if shape is not None and len(shape) == 4:
            return [Output((shape[0], product((shape[1], shape[3])) if None not in (shape[1], shape[3]) else None))]
        return [Output((shape[0], value[1]) if shape and value and len(value) == 2 else None)]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown("the lengths of packed sequences are in the data")


@operator
class GroupQueryAttention(Operator):
    """Query [n, t, H d] (with key and value packed behind it: [n, t, (H + 2 N) d]), N key heads, a cache of keys."""

    kinds = ("GroupQueryAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value", 11: "sink", 14: "query_scale", 15: "key_scale"}
    settings = frozenset({3, 4, 5, 6, 7, 8, 9, 12, 13, 16})
    operands = frozenset({10})
    past: ClassVar[int] = 3

    def read(self, node: Node) -> tuple[Heads, Heads]:
        """Query and key; values are as large as keys."""
        heads, groups = integer(node, "num_heads"), integer(node, "kv_num_heads")
        if groups < 1 or heads % groups:
            raise ShapeError(f"{heads} query heads do not share {groups} key heads")
        if given(node, 1):
            return split_heads(node.shape(0), heads, "the query"), split_heads(node.shape(1), groups, "the key")
        packed = split_heads(node.shape(0), heads + 2 * groups, "the packed query")
        return packed._replace(heads=heads), packed._replace(heads=groups)

    def total(self, node: Node, key: Heads) -> Dim:
        """Key positions: ``total_sequence_length`` (input 6) where it is constant, else the cache and the new ones."""
        stated = node.value(6)
        if stated is not None and len(stated.elements) == 1 and type(stated.elements[0]) is int:
            return stated.elements[0]
        if not given(node, self.past):
            return key.length
        cache = node.shape(self.past)
        return added(cache[2], key.length) if cache and len(cache) == 4 else None

    def infer(self, node: Node) -> list[Output]:
        query, key = self.read(node)
        cache = node.shape(self.past)
        total = self.total(node, key)
        if cache and len(cache) == 4 and type(cache[2]) is int and type(total) is int:
            total = max(total, cache[2])  # a shared buffer keeps its length
        kept = Output(
            (key.batch, key.heads, total, key.size), node.dtype(self.past) if given(node, self.past) else None
        )
        outputs = [Output((query.batch, query.length, width(query))), kept, kept, Output(None)]
        return outputs[: node.output_count]

    def macs(self, node: Node) -> Formula | Unknown | None:
        query, key = self.read(node)
        symbols = {
            "n": query.batch, "H": query.heads, "t": query.length, "s": self.total(node, key), "d": query.size,
            "v": query.size,
        }  # fmt: skip
        return macs(texts.MACS, symbols, texts.MEANING)


@operator
class SparseAttention(GroupQueryAttention):
    """Block-sparse attention: which blocks are kept is in the data."""

    kinds = ("SparseAttention",)
    slots = {0: "query", 1: "key", 2: "value"}
    settings = frozenset(range(3, 11))
    operands = frozenset()

    def total(self, node: Node, key: Heads) -> Dim:
        cache = node.shape(self.past)
        return cache[2] if cache and len(cache) == 4 else None

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown("the blocks that sparse attention keeps are in the data")


@operator
class PagedAttention(Operator):
    """Attention over a paged cache of packed sequences."""

    kinds = ("PagedAttention",)
    domain = "com.microsoft"
    slots = {0: "query", 1: "key", 2: "value", 11: "sink", 12: "query_scale", 13: "key_scale"}
    settings = frozenset({3, 4, 5, 6, 7, 8, 9, 10, 14, 15, 16})

    def infer(self, node: Node) -> list[Output]:
        shape, made = node.shape(0), node.shape(0)
        if shape and len(shape) == 2 and not given(node, 1):
            heads, groups = integer(node, "num_heads"), integer(node, "kv_num_heads")
            size = share(shape[1], heads + 2 * groups)
            made = (shape[0], heads * size if type(size) is int else None)
        caches: list[Shape | None] = [node.shape(3), node.shape(4)]
        return [Output(made), *[Output(cache, node.dtype(3)) for cache in caches]][: node.output_count]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown("the lengths of paged sequences are in the data")


@operator
class ContribRotaryEmbedding(Operator):
    """A rotation by tables that are computed, not learned."""

    kinds = ("RotaryEmbedding", "MRotaryEmbedding")
    domain = "com.microsoft"
    settings = frozenset({1, 2, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class GatedRelativePositionBias(Operator):
    """WavLM's gate: query [n, t, H d] times a [d, D] kernel per head scales the position bias [1, H, t, t]."""

    kinds = ("GatedRelativePositionBias",)
    domain = "com.microsoft"
    slots = {1: "query_bias", 2: "relative_position", 3: "kernel", 4: "bias", 5: "scale"}
    settings = frozenset({6})

    def infer(self, node: Node) -> list[Output]:
        shape, heads = node.shape(0), integer(node, "num_heads")
        if shape is None or len(shape) != 3 or given(node, 6):
            return [Output((None, heads, None, None))]
        return [Output((shape[0], heads, shape[1], shape[1]))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape, kernel = node.shape(0), node.shape(3)
        if not shape or len(shape) != 3 or given(node, 6) or not kernel or len(kernel) != 2:
            return Unknown("the shapes of query and kernel are not known")
        symbols = {"n": shape[0], "t": shape[1], "e": shape[2], "w": kernel[1]}
        return macs("n * t * e * w", symbols, {**texts.MEANING, "w": "columns of the gate's kernel"})
