"""What a stored tensor is to a node, and what a value is made of: the small types that tracing passes around."""

from __future__ import annotations

from typing import NamedTuple

from paramlint.ir import DType
from paramlint.loaders.onnx.graph import Item
from paramlint.loaders.onnx.tensors import Stored

NARROW = frozenset({DType.INT8, DType.UINT8, DType.INT4, DType.UINT4, DType.INT2, DType.UINT2})
TABLES = NARROW | {DType.INT16, DType.UINT16}  # integers of a look-up table that may stand for real numbers
NEVER = frozenset({DType.BOOL, DType.STRING, DType.INT64, DType.UINT64})


class Held(NamedTuple):
    """The tensors behind a still value; ``direct``: it is one of them, moved or cast and not computed with."""

    tensors: tuple[Stored, ...]
    direct: bool
    dequantised: bool = False  # integers that stand for real numbers by now


class Use(NamedTuple):
    """A tensor at work in a node: at input ``slot`` (-1: an attribute) in ``role``."""

    tensor: Stored
    slot: int
    role: str
    direct: bool
    buffer: bool = False


def label(item: Item) -> str:
    """An operator with its domain: ``com.acme::Foo``."""
    return f"{item.domain}::{item.kind}" if item.domain else item.kind
