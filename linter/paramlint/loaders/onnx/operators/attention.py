"""Attention of the ONNX standard (Attention-23, LinearAttention-27, FlexAttention) and rotary position embedding."""

from __future__ import annotations

from typing import NamedTuple

from paramlint.formulas import fused_attention as texts
from paramlint.formulas import macs
from paramlint.ir import Dim, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, free, operator
from paramlint.loaders.onnx.operators.shapes import given, integer, like, same, text


class Heads(NamedTuple):
    """A tensor seen as [batch, heads, length, size]."""

    batch: Dim
    heads: Dim
    length: Dim
    size: Dim


def split_heads(shape: Shape | None, heads: Dim, what: str) -> Heads:
    """[n, H, t, d] as it is, [n, t, H d] cut into ``heads``."""
    if shape is None:
        return Heads(None, heads, None, None)
    if len(shape) == 4:
        return Heads(*shape)
    if len(shape) != 3:
        raise ShapeError(f"{what} has {len(shape)} axes where 3 or 4 are needed")
    return Heads(shape[0], heads, shape[1], share(shape[2], heads))


def share(width: Dim, heads: Dim) -> Dim:
    """The size of one head."""
    if type(width) is not int or type(heads) is not int:
        return None
    if heads < 1 or width % heads:
        raise ShapeError(f"{width} features do not split into {heads} heads")
    return width // heads


def added(a: Dim, b: Dim) -> Dim:
    """The sum of two lengths."""
    if type(a) is int and type(b) is int:
        return a + b
    return b if a == 0 else a if b == 0 else None


def width(head: Heads) -> Dim:
    """All heads side by side."""
    return head.heads * head.size if type(head.heads) is int and type(head.size) is int else None


@operator
class Attention(Operator):
    """``Attention``: Q, K, V as [n, H, t, d] or [n, t, H d]; mask 3, past key and value 4 and 5."""

    kinds = ("Attention",)
    slots = {0: "query", 1: "key", 2: "value"}
    settings = frozenset({4, 5, 6})
    operands = frozenset({3})

    def infer(self, node: Node) -> list[Output]:
        query, key, value = self.read(node)
        total, shape = self.total(node, key), node.shape(0)
        if shape is None:
            made: Shape | None = None
        elif len(shape) == 4:
            made = (query.batch, query.heads, query.length, value.size)
        else:
            made = (query.batch, query.length, width(query._replace(size=value.size)))
        outputs = [
            Output(made),
            Output((key.batch, key.heads, total, key.size), node.dtype(1)),
            Output((value.batch, value.heads, total, value.size), node.dtype(2)),
            Output((query.batch, query.heads, query.length, total)),
        ]
        return outputs[: node.output_count]

    def read(self, node: Node) -> tuple[Heads, Heads, Heads]:
        """Query, key and value; ShapeError where they do not belong together."""
        names = ("q_num_heads", "kv_num_heads", "kv_num_heads")
        heads = [integer(node, name) if name in node.attributes else None for name in names]
        query, key, value = (
            split_heads(node.shape(index), heads[index], what)
            for index, what in enumerate(("the query", "the key", "the value"))
        )
        same(query.size, key.size, "head sizes of query and key")
        same(key.length, value.length, "lengths of key and value")
        if type(query.heads) is int and type(key.heads) is int and (key.heads < 1 or query.heads % key.heads):
            raise ShapeError(f"{query.heads} query heads do not share {key.heads} key heads")
        return query, key, value

    def total(self, node: Node, key: Heads) -> Dim:
        """Key positions with those of the cache."""
        if not given(node, 4):
            return key.length
        past = node.shape(4)
        return added(past[2], key.length) if past and len(past) == 4 else None

    def macs(self, node: Node) -> Formula | Unknown | None:
        query, key, value = self.read(node)
        symbols = {
            "n": query.batch, "H": query.heads, "t": query.length, "s": self.total(node, key), "d": query.size,
            "v": value.size,
        }  # fmt: skip
        return macs(texts.MACS, symbols, texts.MEANING)


@operator
class FlexAttention(Attention):
    """``FlexAttention``: four axes each; the score and probability functions are elementwise subgraphs."""

    kinds = ("FlexAttention",)
    domain = "ai.onnx.preview"
    settings = frozenset()
    operands = frozenset()


@operator
class RotaryEmbedding(Operator):
    """``RotaryEmbedding``: a rotation by tables that are computed, not learned."""

    kinds = ("RotaryEmbedding",)
    settings = frozenset({1, 2, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class LinearAttention(Operator):
    """``LinearAttention``: a [d, v] state per key head, updated and read once per position."""

    kinds = ("LinearAttention",)
    slots = {0: "query", 1: "key", 2: "value"}
    settings = frozenset({3})
    operands = frozenset({4, 5})

    def read(self, node: Node) -> tuple[Heads, Heads, Heads]:
        heads = [integer(node, name) for name in ("q_num_heads", "kv_num_heads", "kv_num_heads")]
        names = ("the query", "the key", "the value")
        query, key, value = (split_heads(node.shape(index), heads[index], names[index]) for index in range(3))
        same(query.size, key.size, "head sizes of query and key")
        return query, key, value

    def infer(self, node: Node) -> list[Output]:
        query, key, value = self.read(node)
        heads = max(integer(node, "q_num_heads"), integer(node, "kv_num_heads"))
        made = (query.batch, query.length, width(value._replace(heads=heads)))
        state: Shape = (key.batch, key.heads, key.size, value.size)
        if window := integer(node, "state_window", 0):
            state = (window, *state)
        return [Output(made), Output(state)][: node.output_count]

    def macs(self, node: Node) -> Formula | Unknown | None:
        query, key, value = self.read(node)
        reads = 2 if "delta" in text(node, "update_rule", "gated_delta") else 1
        symbols = {
            "n": query.batch, "t": query.length, "H": query.heads, "u": reads, "N": key.heads, "d": query.size,
            "v": value.size,
        }  # fmt: skip
        return macs(texts.LINEAR_MACS, symbols, texts.MEANING)


@operator
class ContribLinearAttention(LinearAttention):
    """ONNX Runtime's LinearAttention, older than the standard's."""

    domain = "com.microsoft"
