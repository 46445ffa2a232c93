"""Attention of the ONNX standard (Attention-23, LinearAttention, FlexAttention) and rotary position embedding."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class Attention(Operator):
    kinds = ("Attention",)
    slots = {0: "query", 1: "key", 2: "value"}
    settings = frozenset({4, 5, 6})
    operands = frozenset({3})


@operator
class RotaryEmbedding(Operator):
    kinds = ("RotaryEmbedding",)
    settings = frozenset({1, 2, 3})
    macs = free


@operator
class LinearAttention(Operator):
    kinds = ("LinearAttention",)
    slots = {0: "query", 1: "key", 2: "value"}
    settings = frozenset({3})
    operands = frozenset({4, 5})


@operator
class FlexAttention(Operator):
    kinds = ("FlexAttention",)
    domain = "ai.onnx.preview"
    slots = {0: "query", 1: "key", 2: "value"}
