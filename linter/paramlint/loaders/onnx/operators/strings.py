"""Strings and text features."""

from __future__ import annotations

from paramlint.ir import DType
from paramlint.loaders.onnx.operators import Node, Operator, Output, free, operator
from paramlint.loaders.onnx.operators.shapes import broadcast


@operator
class StringConcat(Operator):
    """``StringConcat``: elementwise."""

    kinds = ("StringConcat",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(broadcast(node.shape(0), node.shape(1)))]


@operator
class RegexFullMatch(Operator):
    """``RegexFullMatch``: one truth per string."""

    kinds = ("RegexFullMatch",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(node.shape(0), DType.BOOL)]


@operator
class StringSplit(Operator):
    """``StringSplit``: as many columns as the longest string has parts."""

    kinds = ("StringSplit",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        parts = None if shape is None else (*shape, None)
        return [Output(parts), Output(shape, DType.INT64)][: node.output_count]


@operator
class StringNormalizer(Operator):
    """``StringNormalizer``: stop words drop entries, which only the data tell."""

    kinds = ("StringNormalizer",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        if "stopwords" not in node.attributes:
            return [Output(shape)]
        return [Output(None if shape is None else (*shape[:-1], None))]


@operator
class TfIdfVectorizer(Operator):
    """``TfIdfVectorizer``: counts of n-grams; the width is the largest output index and one."""

    kinds = ("TfIdfVectorizer",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, indexes = node.shape(0), node.attributes.get("ngram_indexes")
        whole = isinstance(indexes, tuple) and indexes and all(type(index) is int for index in indexes)
        width = max(indexes) + 1 if whole else None  # type: ignore[arg-type]  # whole says it is a tuple of ints
        return [Output(None if shape is None else (*shape[:-1], width), DType.FLOAT32)]


@operator
class Tokenizer(Operator):
    """ONNX Runtime's tokenizers: the number of tokens is in the data."""

    kinds = ("Tokenizer",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        return [Output(None if shape is None else (*shape, None))]


@operator
class MurmurHash3(Operator):
    """ONNX Runtime's hash: one 32-bit number per entry."""

    kinds = ("MurmurHash3",)
    domain = "com.microsoft"
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output(node.shape(0), DType.UINT32 if node.attributes.get("positive", 1) else DType.INT32)]
