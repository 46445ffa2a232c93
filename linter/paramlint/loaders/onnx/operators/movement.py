"""Operators that move, cut or join a tensor's elements: a weight is followed through them, and nothing is computed."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import EVERY, Operator, free, operator


@operator
class Identity(Operator):
    kinds = ("Identity",)
    passes = frozenset({0})
    macs = free


@operator
class Cast(Operator):
    kinds = ("Cast", "CastLike", "BitCast")
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free


@operator
class Transpose(Operator):
    kinds = ("Transpose",)
    passes = frozenset({0})
    macs = free


@operator
class Reshape(Operator):
    kinds = ("Reshape",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free


@operator
class Squeeze(Operator):
    kinds = ("Squeeze",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free


@operator
class Unsqueeze(Operator):
    kinds = ("Unsqueeze",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free


@operator
class Flatten(Operator):
    kinds = ("Flatten",)
    passes = frozenset({0})
    macs = free


@operator
class Expand(Operator):
    kinds = ("Expand",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free


@operator
class Tile(Operator):
    kinds = ("Tile",)
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free


@operator
class Concat(Operator):
    kinds = ("Concat",)
    passes = EVERY
    macs = free


@operator
class Split(Operator):
    kinds = ("Split",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free


@operator
class Slice(Operator):
    kinds = ("Slice",)
    passes = frozenset({0})
    settings = frozenset({1, 2, 3, 4})
    macs = free


@operator
class Pad(Operator):
    kinds = ("Pad",)
    passes = frozenset({0})
    settings = frozenset({1, 2, 3})
    macs = free
