"""ONNX Runtime's attention with its projections inside (domain com.microsoft): input times a merged kernel."""

from __future__ import annotations

from typing import ClassVar

from paramlint.formulas import formula, macs
from paramlint.formulas import fused_attention as texts
from paramlint.ir import Dim, DType, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, operator
from paramlint.loaders.onnx.operators.attention import added, share
from paramlint.loaders.onnx.operators.shapes import given, integer, integers, out, same, stored


class Merged(Operator):
    """Self-attention of [n, t, e] with one kernel [e, q + k + w]; the cache is [2, n, H, past, d]."""

    domain = "com.microsoft"
    slots = {1: "kernel", 2: "bias"}
    past: ClassVar[int] = 4

    def widths(self, node: Node) -> tuple[Dim, Dim, Dim]:
        """Features of query, key and value: the attribute, else thirds of the kernel."""
        stated, kernel = integers(node, "qkv_hidden_sizes"), node.shape(1)
        total = kernel[1] if kernel and len(kernel) == 2 else None
        if stated:
            if len(stated) != 3 or min(stated) < 1:
                raise ShapeError(f"qkv_hidden_sizes is {list(stated)}")
            same(total, sum(stated), "columns of the kernel and qkv_hidden_sizes")
            return stated[0], stated[1], stated[2]
        if type(total) is not int:
            return None, None, None
        if total % 3:
            raise ShapeError(f"{total} columns of the kernel are not query, key and value of one width")
        return total // 3, total // 3, total // 3

    def sequence(self, node: Node) -> tuple[Dim, Dim, Dim]:
        """Batch, positions and features of the input."""
        shape = node.shape(0)
        if shape is not None and len(shape) != 3:
            raise ShapeError(f"the input has {len(shape)} axes where 3 are needed")
        if shape and (kernel := node.shape(1)):
            same(shape[2], kernel[0], "features of the input and rows of the kernel")
        return (shape[0], shape[1], shape[2]) if shape else (None, None, None)

    def total(self, node: Node, length: Dim) -> Dim:
        """Key positions with those of the cache."""
        if not given(node, self.past):
            return length
        cache = node.shape(self.past)
        return added(cache[3], length) if cache and len(cache) == 5 else None

    def infer(self, node: Node) -> list[Output]:
        batch, length, _ = self.sequence(node)
        query, _, value = self.widths(node)
        heads, cache = integer(node, "num_heads"), node.shape(self.past)
        shared = integer(node, "past_present_share_buffer", 0) and cache and len(cache) == 5
        total = cache[3] if shared and cache else self.total(node, length)
        dtype = self.dtype(node)
        outputs = [Output((batch, length, value), dtype), Output((2, batch, heads, total, share(query, heads)), dtype)]
        return outputs[: node.output_count]

    def dtype(self, node: Node) -> DType | None:
        return node.dtype(0)

    def macs(self, node: Node) -> Formula | Unknown | None:
        batch, length, features = self.sequence(node)
        query, key, value = self.widths(node)
        symbols = {
            "n": batch, "t": length, "e": features, "q": query, "k": key, "w": value, "s": self.total(node, length),
        }  # fmt: skip
        return macs(texts.MERGED_MACS, symbols, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        """e from the input, the widths from the attribute, else three times the output's."""
        terms = {1: texts.MERGED_KERNEL, 2: texts.MERGED_BIAS}
        chosen = {role: terms[index] for index, role in self.slots.items() if stored(node, index)}
        if not chosen:
            return None
        made, features = out(node), self.sequence(node)[2]
        last = made[-1] if made else None
        query, key, value = integers(node, "qkv_hidden_sizes") or (last, last, last)
        symbols = {"e": features, "q": query, "k": key, "w": value}
        known = {name: number for name, number in symbols.items() if type(number) is int}
        if len(known) != len(symbols):
            return Unknown(f"{', '.join(texts.MEANING[name] for name in symbols if name not in known)} not known")
        return formula(chosen, known, texts.MEANING)


@operator
class ContribAttention(Merged):
    """``Attention``: mask 3, past 4, attention bias 5, past length 6."""

    kinds = ("Attention",)
    settings = frozenset({3, 4, 6})
    operands = frozenset({5})


@operator
class QAttention(Merged):
    """``QAttention``: int8 input and kernel, the scales' float type out."""

    kinds = ("QAttention",)
    settings = frozenset({3, 4, 5, 6, 7, 8})
    past = 8

    def dtype(self, node: Node) -> DType | None:
        return node.dtype(3)


@operator
class DecoderMaskedSelfAttention(Merged):
    """One new position against a cache of which ``past_sequence_length`` (input 6) entries are filled."""

    kinds = ("DecoderMaskedSelfAttention",)
    settings = frozenset({3, 4, 6, 7, 8})
    operands = frozenset({5})

    def total(self, node: Node, length: Dim) -> Dim:
        filled = node.value(6)
        count = filled.elements[0] if filled is not None and len(filled.elements) == 1 else None
        return added(count, length)


@operator
class PackedAttention(Merged):
    """Attention without padding: [tokens, e]; how the tokens fall into sequences is in the data."""

    kinds = ("PackedAttention",)
    settings = frozenset({3, 4})
    operands = frozenset({5})

    def sequence(self, node: Node) -> tuple[Dim, Dim, Dim]:
        shape = node.shape(0)
        return (1, shape[0], shape[1]) if shape and len(shape) == 2 else (None, None, None)

    def infer(self, node: Node) -> list[Output]:
        return [Output((self.sequence(node)[1], self.widths(node)[2]))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown("the lengths of packed sequences are in the data")


@operator
class QOrderedAttention(Operator):
    """int8 attention with three kernels [e, q], [e, k], [e, w] in cublasLt order."""

    kinds = ("QOrderedAttention",)
    domain = "com.microsoft"
    slots = {
        5: "query.kernel", 6: "key.kernel", 7: "value.kernel", 11: "query.bias", 12: "key.bias", 13: "value.bias",
    }  # fmt: skip
    settings = frozenset({1, 2, 3, 4, 8, 9, 10, 14, 15, 16, 17, 18})
    operands = frozenset({19})

    def infer(self, node: Node) -> list[Output]:
        shape, kernel = node.shape(0), node.shape(7)
        return [Output(None if shape is None else (*shape[:-1], kernel[1] if kernel and len(kernel) == 2 else None))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        batch, length, features = shape if shape and len(shape) == 3 else (None, None, None)
        columns = [kernel[1] if (kernel := node.shape(index)) and len(kernel) == 2 else None for index in (5, 6, 7)]
        symbols: dict[str, Dim] = {"n": batch, "t": length, "e": features, "s": None if given(node, 18) else length}
        symbols.update(zip(("q", "k", "w"), columns, strict=True))
        return macs(texts.MERGED_MACS, symbols, texts.MEANING)


@operator
class DecoderAttention(Operator):
    """Cross- or self-attention of [t, n, e] over keys [s, n, e]; flags choose at run time whether a cache serves."""

    kinds = ("DecoderAttention",)
    domain = "com.microsoft"
    slots = {2: "query.kernel", 3: "key_value.kernel", 4: "bias"}
    settings = frozenset(range(5, 12))

    def infer(self, node: Node) -> list[Output]:
        return [Output(node.shape(0)), Output(None), Output(None)][: node.output_count]

    def macs(self, node: Node) -> Formula | Unknown | None:
        for flag in (8, 9):  # static_kv, use_past
            value = node.value(flag)
            if value is None or any(value.elements):
                return Unknown("a flag decides at run time whether cached keys are used")
        query, key = node.shape(0), node.shape(1)
        if not query or not key or len(query) != 3 or len(key) != 3:
            return Unknown("the shapes of query and key are not known")
        symbols: dict[str, Dim] = {"n": query[1], "t": query[0], "s": key[0], "e": query[2]}
        return macs(texts.CROSS_MACS, symbols | dict.fromkeys(("q", "k", "w"), query[2]), texts.MEANING)


@operator
class LongformerAttention(Operator):
    """Attention in a window plus some global positions, which only a mask in the data tells."""

    kinds = ("LongformerAttention",)
    domain = "com.microsoft"
    slots = {1: "kernel", 2: "bias", 4: "global_kernel", 5: "global_bias"}
    settings = frozenset({3, 6})

    def infer(self, node: Node) -> list[Output]:
        shape: Shape | None = node.shape(0)
        return [Output(shape)]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return Unknown("the number of global positions is in the data")


@operator
class QOrderedLongformerAttention(LongformerAttention):
    """The int8 form."""

    kinds = ("QOrderedLongformerAttention",)
    slots = {2: "kernel", 4: "bias", 8: "global_kernel", 10: "global_bias"}
    settings = frozenset({1, 3, 5, 6, 7, 9, 11, 12, 13})
