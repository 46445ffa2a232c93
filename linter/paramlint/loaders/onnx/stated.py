"""What a ValueInfoProto states of a value."""

from __future__ import annotations

from typing import Any

from paramlint.ir import DType, Shape
from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.tensors import MAX_RANK


def stated_shape(info: Any) -> Shape | None:
    """The shape that a ValueInfoProto states: sizes, names, or None for a free axis."""
    kind = info.type
    if not kind.HasField("tensor_type"):
        return None
    tensor = kind.tensor_type
    if not tensor.HasField("shape") or len(tensor.shape.dim) > MAX_RANK:
        return None
    return tuple(
        [
            dim.dim_value if dim.HasField("dim_value") and dim.dim_value >= 0 else (str(dim.dim_param) or None)
            for dim in tensor.shape.dim
        ]
    )


def stated_type(info: Any) -> DType:
    """The element type that a ValueInfoProto states."""
    return element_type(info.type.tensor_type.elem_type) if info.type.HasField("tensor_type") else DType.UNDEFINED


def merged(shape: Shape, other: Shape) -> Shape:
    """Two descriptions of one shape: whichever knows an axis; the first where ranks differ."""
    if len(shape) != len(other):
        return shape
    return tuple(
        [b if a is None or (isinstance(a, str) and type(b) is int) else a for a, b in zip(shape, other, strict=True)]
    )


def common(a: Shape | None, b: Shape | None) -> Shape | None:
    """What two different values (branches, turns of a loop) have in common: the axes where they agree."""
    if a is None or b is None or len(a) != len(b):
        return None
    return tuple([x if x == y else None for x, y in zip(a, b, strict=True)])
