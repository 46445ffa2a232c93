"""Operators that move, cut or join a tensor's elements: a weight is followed through them, and nothing is computed."""

from __future__ import annotations

from typing import Any

from paramlint.ir import Dim, DType, Shape
from paramlint.loaders.onnx.element_types import element_type
from paramlint.loaders.onnx.operators import EVERY, Node, Operator, Output, ShapeError, Value, free, operator, values
from paramlint.loaders.onnx.operators.shapes import (
    axes_of,
    axis_of,
    given,
    integer,
    integers,
    like,
    plus,
    product,
    ranked,
    same,
    size,
    text,
    times,
    together,
    whole_setting,
)


@operator
class Identity(Operator):
    """``Identity``; the two Memcpy kinds stand in graphs that ONNX Runtime saved for a GPU."""

    kinds = ("Identity", "MemcpyFromHost", "MemcpyToHost")
    passes = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output] | None:
        if node.inputs and node.inputs[0] is not None and node.inputs[0].shape is None:
            return None  # may be a sequence or an optional
        return [Output(node.shape(0), None, node.value(0))]


@operator
class Cast(Operator):
    """``Cast`` (``to`` is a name before opset 6, a number since), ``CastLike``, ``BitCast``."""

    kinds = ("Cast", "CastLike", "BitCast")
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        if node.kind == "CastLike":
            dtype = node.dtype(1)
        else:
            to = node.attributes.get("to")
            dtype = _named(to) if isinstance(to, str) else element_type(to)
        value = node.value(0)
        if value is None or node.kind == "BitCast" or dtype not in _EXACT or node.dtype(0) is DType.STRING:
            return [Output(node.shape(0), dtype)]
        to_type = values.to_float if dtype.is_float else values.to_bool if dtype is DType.BOOL else values.to_integer
        cast = Value(value.shape, tuple([to_type(x) for x in value.elements]))
        return [Output(node.shape(0), dtype, values.settled(cast, dtype))]


#: Types in which sizes are computed; the others round or wrap.
_EXACT = frozenset({DType.INT64, DType.INT32, DType.FLOAT32, DType.FLOAT64, DType.BOOL})


def _named(name: str) -> DType:
    """The type that Cast-1 spells out (FLOAT, DOUBLE, INT64, ...)."""
    lower = {"FLOAT": "float32", "DOUBLE": "float64"}.get(name.upper(), name.lower())
    return DType(lower) if lower in DType._value2member_map_ else DType.UNDEFINED


@operator
class Transpose(Operator):
    """``Transpose``: ``perm`` reverses the axes where absent."""

    kinds = ("Transpose",)
    passes = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, order = node.shape(0), integers(node, "perm")
        if shape is None:
            return [Output((None,) * len(order) if order else None)]
        if order is None:
            order = tuple(range(len(shape)))[::-1]
        if sorted(order) != list(range(len(shape))):
            raise ShapeError(f"perm {list(order)} does not order {len(shape)} axes")
        value = node.value(0)
        return [Output(tuple([shape[axis] for axis in order]), None, value and values.transposed(value, order))]


@operator
class Reshape(Operator):
    """``Reshape``: the target is an attribute before opset 5, input 1 since; 0 copies, -1 is what remains."""

    kinds = ("Reshape",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        target = _target(node)
        if target is None:
            length = node.shape(1)
            rank = length[0] if length else None
            return [Output((None,) * rank if type(rank) is int and 0 <= rank <= 64 else None)]
        shape = reshaped(node.shape(0), target, integer(node, "allowzero", 0) != 0)
        value, whole = node.value(0), values.fits(shape)
        if value is not None and whole is not None and size(whole) == len(value.elements):
            return [Output(shape, None, Value(whole, value.elements))]
        return [Output(shape)]


def _target(node: Node) -> tuple[Any, ...] | None:
    if "shape" in node.attributes:
        return integers(node, "shape")
    value = node.value(1)
    return None if value is None else value.elements


def reshaped(shape: Shape | None, target: tuple[Any, ...], zero_is_size: bool = False) -> Shape:
    """The shape that ``target`` asks for; elements it does not know are found from the element count where possible."""
    dims: list[Dim] = []
    for place, asked in enumerate(target):
        if asked == 0 and type(asked) is int and not zero_is_size:
            if shape is not None and place >= len(shape):
                raise ShapeError(f"reshape copies axis {place} of a tensor with {len(shape)} axes")
            dims.append(None if shape is None else shape[place])
        elif type(asked) is int and asked < -1:
            raise ShapeError(f"reshape to the size {asked}")
        else:
            dims.append(asked)
    if dims.count(-1) > 1:
        raise ShapeError("reshape has more than one -1")
    if shape is None:
        return tuple([None if dim == -1 else dim for dim in dims])
    return _solved(shape, dims)


def _solved(shape: Shape, dims: list[Dim]) -> Shape:
    """Fill the one place of ``dims`` that is free (-1, or the only None) from the element count; check a full one."""
    gaps = [place for place, dim in enumerate(dims) if dim == -1 or dim is None]
    if len(gaps) > 1:
        return tuple([None if dim == -1 else dim for dim in dims])
    have, want = list(shape), [dim for dim in dims if dim != -1 and dim is not None]
    for dim in [dim for dim in want if isinstance(dim, str)]:
        if dim in have:
            have.remove(dim)
            want.remove(dim)
    total, asked = product(have), product(want)
    if not gaps:
        if type(total) is int and type(asked) is int and total != asked:
            raise ShapeError(f"reshape of {total} elements into {asked}")
        return tuple(dims)
    gap: Dim = None
    if asked == 1 and len([dim for dim in have if dim != 1]) == 1:
        gap = next(dim for dim in have if dim != 1)
    elif type(total) is int and type(asked) is int and asked > 0:
        if total % asked:
            raise ShapeError(f"reshape of {total} elements into rows of {asked}")
        gap = total // asked
    dims[gaps[0]] = gap
    return tuple(dims)


@operator
class Squeeze(Operator):
    """``Squeeze``: axes are an attribute before opset 13, input 1 since; none means every axis of size 1."""

    kinds = ("Squeeze",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axes = node.shape(0), whole_setting(node, "axes", 1)
        if shape is None or axes is None:
            return [Output(None)]
        if not axes and not given(node, 1) and "axes" not in node.attributes:
            if not all(type(dim) is int for dim in shape):
                return [Output(None)]
            drop = {place for place, dim in enumerate(shape) if dim == 1}
        else:
            drop = set(axes_of(axes, len(shape)))
            for axis in drop:
                same(shape[axis], 1, "squeezed axis and 1")
        kept = tuple([dim for place, dim in enumerate(shape) if place not in drop])
        return [Output(kept, None, _reshaped(node.value(0), kept))]


def _reshaped(value: Value | None, shape: Shape) -> Value | None:
    whole = None if value is None else values.fits(shape)
    return None if value is None or whole is None else Value(whole, value.elements)


@operator
class Unsqueeze(Operator):
    """``Unsqueeze``: axes of the result, an attribute before opset 13, input 1 since."""

    kinds = ("Unsqueeze",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axes = node.shape(0), whole_setting(node, "axes", 1)
        if shape is None or axes is None:
            return [Output(None)]
        places, rest = axes_of(axes, len(shape) + len(axes)), iter(shape)
        grown = tuple([1 if place in places else next(rest) for place in range(len(shape) + len(places))])
        return [Output(grown, None, _reshaped(node.value(0), grown))]


@operator
class ExpandDims(Operator):
    """ONNX Runtime's one-axis Unsqueeze; the axis is input 1."""

    kinds = ("ExpandDims",)
    domain = "com.microsoft"
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axis = node.shape(0), node.value(1)
        if shape is None or axis is None or len(axis.elements) != 1:
            return [Output(None)]
        place = axis_of(axis.elements[0], len(shape) + 1)
        return [Output((*shape[:place], 1, *shape[place:]))]


@operator
class Flatten(Operator):
    """``Flatten``: two axes, split before ``axis``."""

    kinds = ("Flatten",)
    passes = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, axis = node.shape(0), integer(node, "axis", 1)
        if shape is None:
            return [Output((None, None))]
        if not -len(shape) <= axis <= len(shape):
            raise ShapeError(f"axis {axis} is outside a tensor of rank {len(shape)}")
        axis = axis + len(shape) if axis < 0 else axis
        return [Output(tuple([_joined(part) for part in (shape[:axis], shape[axis:])]))]


def _joined(dims: Shape) -> Dim:
    """A product that is a dimension again: a number, or the one symbol among ones."""
    named = [dim for dim in dims if dim != 1]
    if len(named) == 1:
        return named[0]
    return size(dims)


@operator
class Expand(Operator):
    """``Expand``: broadcast with the shape in input 1."""

    kinds = ("Expand",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, target = node.shape(0), node.value(1)
        if shape is None or target is None:
            return [Output(None)]
        asked = target.elements
        rank = max(len(shape), len(asked))
        a, b = (1,) * (rank - len(shape)) + shape, (1,) * (rank - len(asked)) + asked
        grown = tuple([together(x, y) for x, y in zip(a, b, strict=True)])
        value, whole = node.value(0), values.fits(grown)
        if value is None or whole is None:
            return [Output(grown)]
        return [Output(grown, None, Value(whole, tuple(values.spread(value, whole))))]


@operator
class Tile(Operator):
    """``Tile``: repeats are input 1 (opset 1: a count and an axis)."""

    kinds = ("Tile",)
    passes = frozenset({0})
    settings = frozenset({1, 2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, repeats = node.shape(0), node.value(1)
        if shape is None or repeats is None or given(node, 2):
            return [Output(None if shape is None else (None,) * len(shape))]
        if len(repeats.elements) != len(shape):
            raise ShapeError(f"{len(repeats.elements)} repeats for {len(shape)} axes")
        pairs = list(zip(shape, repeats.elements, strict=True))
        tiled = tuple([times(dim, count) if type(count) is int else _repeated(dim, count) for dim, count in pairs])
        value = node.value(0)
        if value is None or values.fits(tiled) is None:
            return [Output(tiled)]
        return [Output(tiled, None, values.picked(value, [list(range(dim)) * count for dim, count in pairs]))]  # type: ignore[arg-type]  # fits() saw integers


def _repeated(dim: Dim, count: Any) -> Dim:
    """A size times a symbolic count."""
    return count if dim == 1 else 0 if dim == 0 else None


@operator
class Concat(Operator):
    """``Concat``: one axis adds up, the others agree (axis 1 where opset 1 leaves it out)."""

    kinds = ("Concat",)
    passes = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shapes = [tensor.shape if tensor is not None else None for tensor in node.inputs]
        known = [shape for shape in shapes if shape is not None]
        axis = integer(node, "axis", 1 if node.opset < 4 else None)
        if not known:
            return [Output(None)]
        rank = len(known[0])
        axis = axis_of(axis, rank)
        if any(len(shape) != rank for shape in known):
            raise ShapeError("concatenated tensors have different numbers of axes")
        dims = list(known[0])
        for shape in known[1:]:
            dims = [
                dim if place == axis else same(dim, shape[place], f"sizes of axis {place}")
                for place, dim in enumerate(dims)
            ]
        dims[axis] = _sum([shape[axis] for shape in known]) if len(known) == len(shapes) else None
        parts = [node.value(index) for index in range(len(shapes))]
        return [Output(tuple(dims), None, values.joined(parts, axis))]


def _sum(dims: list[Dim]) -> Dim:
    """A sum of sizes: a number, or the one symbol beside zeros."""
    named = [dim for dim in dims if dim != 0]
    if len(named) == 1:
        return named[0]
    return sum(named) if all(type(dim) is int for dim in named) else None  # type: ignore[arg-type]  # just tested


@operator
class DepthToSpace(Operator):
    """``DepthToSpace``: [n, c, h, w] -> [n, c / b^2, h b, w b]; ``SpaceToDepth`` is its inverse."""

    kinds = ("DepthToSpace", "SpaceToDepth")
    passes = frozenset({0})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, block = ranked(node, 0, 4, "the input"), integer(node, "blocksize")
        if block < 1:
            raise ShapeError(f"blocksize is {block}")
        if shape is None:
            return [Output((None,) * 4)]
        n, c, h, w = shape
        if node.kind == "DepthToSpace":
            return [Output((n, _exact(c, block * block), times(h, block), times(w, block)))]
        return [Output((n, times(c, block * block), _exact(h, block), _exact(w, block)))]


def _exact(dim: Dim, divisor: int) -> Dim:
    if type(dim) is not int:
        return dim if divisor == 1 else None
    if dim % divisor:
        raise ShapeError(f"{dim} is not divisible by {divisor}")
    return dim // divisor


@operator
class KeepsShape(Operator):
    """The first input goes on in its own shape, reordered or cut to a triangle."""

    kinds = ("ReverseSequence", "Trilu")
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class Scatter(Operator):
    """Some elements of input 0 are replaced by those of input 2: the result is made of both."""

    kinds = ("ScatterElements", "Scatter", "ScatterND")
    passes = frozenset({0, 2})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class TensorScatter(Operator):
    """``TensorScatter``: a cache with an update written in at given places (opset 24)."""

    kinds = ("TensorScatter",)
    passes = frozenset({0, 1})
    settings = frozenset({2})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node)


@operator
class CenterCropPad(Operator):
    """``CenterCropPad``: the named axes get the sizes of input 1."""

    kinds = ("CenterCropPad",)
    passes = frozenset({0})
    settings = frozenset({1})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape, target = node.shape(0), node.value(1)
        if shape is None:
            return [Output(None)]
        axes = integers(node, "axes")
        places = range(len(shape)) if axes is None else axes_of(axes, len(shape))
        sizes = (None,) * len(places) if target is None else target.elements
        if len(sizes) != len(places):
            raise ShapeError(f"{len(sizes)} sizes for {len(places)} axes")
        dims = list(shape)
        for place, dim in zip(places, sizes, strict=True):
            dims[place] = dim
        return [Output(tuple(dims))]


@operator
class Pad(Operator):
    """``Pad``: begins then ends; ``paddings`` (1) or ``pads`` (2) attribute, input 1 since opset 11, axes since 18."""

    kinds = ("Pad",)
    passes = frozenset({0})
    settings = frozenset({1, 2, 3})
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        pads = whole_setting(node, "paddings" if "paddings" in node.attributes else "pads", 1, None)
        if shape is None:
            return [Output(None)]
        axes: tuple[int, ...] | None = tuple(range(len(shape)))
        if given(node, 3):
            named = node.value(3)
            axes = None if named is None else axes_of(named.elements, len(shape))
        if pads is None or axes is None:
            return [Output((None,) * len(shape))]
        if len(pads) != 2 * len(axes):
            raise ShapeError(f"{len(pads)} pads for {len(axes)} axes")
        text(node, "mode")
        dims = list(shape)
        for place, axis in enumerate(axes):
            dims[axis] = plus(dims[axis], pads[place] + pads[place + len(axes)])
            if type(dims[axis]) is int and dims[axis] < 0:  # type: ignore[operator]  # just seen to be an int
                raise ShapeError(f"padding leaves axis {axis} with a negative size")
        return [Output(tuple(dims))]


@operator
class ContribPad(Pad):
    """ONNX Runtime's Pad, before the standard had pads as an input."""

    domain = "com.microsoft"
