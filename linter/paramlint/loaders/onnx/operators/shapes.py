"""What the operators share: reading attributes and settings, and arithmetic on dimensions.

A dimension is an int, a symbol or None. Equal symbols are equal sizes; two different ones say nothing. A symbol
never enters a calculation that could change it: the result is None unless it is trivially the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from paramlint.ir import Dim, DType, Shape
from paramlint.loaders.onnx.operators import Node, Output, ShapeError, Value


def integer(node: Node, name: str, default: int | None = None) -> int:
    """An integer attribute; ShapeError when it has another type, or is absent and has no default."""
    value = node.attributes.get(name, default)
    if type(value) is not int:
        raise ShapeError(
            f"attribute {name!r} is missing" if value is None else f"attribute {name!r} must be an integer"
        )
    return value


def integers(node: Node, name: str) -> tuple[int, ...] | None:
    """A list-of-integers attribute; None when absent."""
    value = node.attributes.get(name)
    if value is None:
        return None
    if type(value) is not tuple or not all(type(item) is int for item in value):
        raise ShapeError(f"attribute {name!r} must be a list of integers")
    return value


def text(node: Node, name: str, default: str = "") -> str:
    """A string attribute."""
    value = node.attributes.get(name, default)
    if not isinstance(value, str):
        raise ShapeError(f"attribute {name!r} must be a string")
    return value


def given(node: Node, index: int) -> bool:
    """Whether the optional input ``index`` is there."""
    return index < len(node.inputs) and node.inputs[index] is not None


def setting(node: Node, name: str, index: int, default: tuple[int, ...] | None = ()) -> tuple[Any, ...] | None:
    """What older opsets state as attribute ``name`` and newer ones as input ``index``.

    ``default`` where neither is there, None where the input's elements are not known.
    """
    if name in node.attributes:
        return integers(node, name)
    if not given(node, index):
        return default
    value = node.value(index)
    return None if value is None else value.elements


def whole_setting(node: Node, name: str, index: int, default: tuple[int, ...] | None = ()) -> tuple[int, ...] | None:
    """``setting`` where only integers will do: None also when an element is symbolic."""
    elements = setting(node, name, index, default)
    if elements is None or not all(type(item) is int for item in elements):
        return None
    return elements


def axis_of(axis: object, rank: int) -> int:
    """``axis`` counted from the front; ShapeError when the tensor has no such axis."""
    if type(axis) is not int or not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} is outside a tensor of rank {rank}")
    return axis + rank if axis < 0 else axis


def axes_of(axes: Iterable[object], rank: int) -> tuple[int, ...]:
    """Axes counted from the front, each named once."""
    found = tuple([axis_of(axis, rank) for axis in axes])
    if len(set(found)) != len(found):
        raise ShapeError(f"an axis is named twice in {found}")
    return found


def product(dims: Iterable[Dim]) -> Dim:
    """The product: an int, or what is free in it by name (None where even that is not known)."""
    total = 1
    free: list[Dim] = []
    for dim in dims:
        if type(dim) is int:
            total *= dim
        else:
            free.append(dim)
    if not free or total == 0:
        return total
    if len(free) == 1 and total == 1:
        return free[0]
    names = [name for name in free if isinstance(name, str)]
    return " * ".join(dict.fromkeys(names)) if names else None


def size(dims: Iterable[Dim]) -> int | None:
    """The product where every dimension is known (or one is 0)."""
    total = product(dims)
    return total if type(total) is int else None


def same(a: Dim, b: Dim, what: str) -> Dim:
    """Two names for one size: the better known of them; ShapeError when they differ."""
    if a == b or b is None:
        return a
    if type(a) is int and type(b) is int:
        raise ShapeError(f"{what} differ: {a} and {b}")
    return a if type(a) is int else b if type(b) is int or a is None else a


def together(a: Dim, b: Dim) -> Dim:
    """One axis of a broadcast."""
    if a == b:
        return a
    if a == 1:
        return b
    if b == 1:
        return a
    if type(a) is int:
        if type(b) is int:
            raise ShapeError(f"sizes {a} and {b} cannot be broadcast")
        return a
    return b if type(b) is int else None


def broadcast(a: Shape | None, b: Shape | None) -> Shape | None:
    """NumPy's rule for two shapes; None where a rank is unknown."""
    if a == b or a is None or b is None:
        return None if a is None or b is None else a
    if len(a) < len(b):
        a, b = b, a
    lead = len(a) - len(b)
    return a[:lead] + tuple([together(x, y) for x, y in zip(a[lead:], b, strict=True)])


def broadcast_all(shapes: Sequence[Shape | None]) -> Shape | None:
    """NumPy's rule for any number of shapes."""
    if not shapes:
        return None
    total = shapes[0]
    for shape in shapes[1:]:
        total = broadcast(total, shape)
    return total


def plus(dim: Dim, amount: int) -> Dim:
    """``dim + amount``; a symbol survives only an addition of nothing."""
    if type(dim) is int:
        return dim + amount
    return dim if amount == 0 else None


def times(dim: Dim, factor: int) -> Dim:
    """``dim * factor``."""
    if type(dim) is int:
        return dim * factor
    return 0 if factor == 0 else dim if factor == 1 else None


def divided(dim: Dim, divisor: int) -> Dim:
    """``dim // divisor``."""
    if type(dim) is int:
        return dim // divisor
    return dim if divisor == 1 else None


def like(node: Node, index: int = 0, dtype: DType | None = None) -> list[Output]:
    """One output shaped as input ``index``."""
    return [Output(node.shape(index), dtype or node.dtype(index))]


def stored(node: Node, index: int) -> bool:
    """Whether input ``index`` is a weight: stored as such, or computed from constants alone."""
    return index in node.weights or (index < len(node.fixed) and node.fixed[index] and given(node, index))


def out(node: Node, index: int = 0) -> Shape | None:
    """The inferred shape of output ``index``."""
    tensor = node.outputs[index] if index < len(node.outputs) else None
    return None if tensor is None else tensor.shape


def ranked(node: Node, index: int, rank: int, what: str) -> Shape | None:
    """The shape of input ``index``, which must have ``rank`` axes; None where unknown."""
    shape = node.shape(index)
    if shape is not None and len(shape) != rank:
        raise ShapeError(f"{what} has {len(shape)} axes where {rank} are needed")
    return shape


def vector(elements: Sequence[Any]) -> Value:
    """A 1-D value."""
    return Value((len(elements),), tuple(elements))
