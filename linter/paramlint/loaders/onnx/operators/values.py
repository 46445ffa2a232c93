"""Folding of small constants: the shape arithmetic that exporters write with Shape, Gather, Mul, Concat, ...

An element that is not known is None and stays None; a symbolic dimension survives what cannot change it. Results
are bounded in number (``MAX_ELEMENTS``) and in size (``LIMIT``), so that a hostile chain of squarings stays cheap.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from itertools import product as combinations
from typing import Any

from paramlint.ir import DType, Shape
from paramlint.loaders.onnx.operators import Value

MAX_ELEMENTS = 1024  # shape arithmetic has a handful; more is data
LIMIT = 1 << 63  # sizes are int64

Pair = Callable[[Any, Any], Any]


def fits(shape: Shape | None) -> tuple[int, ...] | None:
    """``shape`` where every size is known and the elements are few enough to be kept."""
    if shape is None:
        return None
    total = 1
    for dim in shape:
        if type(dim) is not int or dim < 0:
            return None
        total *= dim
    return shape if total <= MAX_ELEMENTS else None  # type: ignore[return-value]  # every dim was seen to be an int


def bounded(element: Any) -> Any:
    """An element that int64 can hold, else None."""
    if type(element) is int and not -LIMIT <= element < LIMIT:
        return None
    return element


def settled(value: Value | None, dtype: DType) -> Value | None:
    """A computed value in the precision of its type: sizes are often computed in float32."""
    if value is None or dtype is not DType.FLOAT32:
        return value
    elements = [rounded(element) if type(element) is float else element for element in value.elements]
    return Value(value.shape, tuple(elements))


def rounded(number: float) -> float | None:
    """The nearest float32; None beyond its range."""
    try:
        nearest: float = struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return None
    return nearest


def spread(value: Value, shape: tuple[int, ...]) -> Sequence[Any]:
    """The elements of ``value`` broadcast to ``shape``."""
    if value.shape == shape:
        return value.elements
    count = math.prod(shape)
    if len(value.elements) == 1:
        return value.elements * count
    lead = len(shape) - len(value.shape)
    strides, stride = [0] * len(shape), 1
    for axis in range(len(value.shape) - 1, -1, -1):
        strides[lead + axis] = stride if value.shape[axis] != 1 else 0
        stride *= value.shape[axis]
    return [value.elements[place] for place in _places(shape, strides)]


def _places(shape: Sequence[int], strides: Sequence[int]) -> list[int]:
    """Offsets of all elements in row order."""
    places = [0]
    for length, stride in zip(shape, strides, strict=True):
        places = [place + index * stride for place in places for index in range(length)]
    return places


def zipped(function: Pair, a: Value | None, b: Value | None, shape: Shape | None) -> Value | None:
    """``function`` element by element on two broadcast values."""
    if a is None or b is None:
        return None
    whole = fits(shape)
    if whole is None:
        return None
    pairs = zip(spread(a, whole), spread(b, whole), strict=True)
    return Value(whole, tuple([bounded(function(x, y)) for x, y in pairs]))


def mapped(function: Callable[[Any], Any], value: Value | None) -> Value | None:
    """``function`` on every known number; symbols and unknowns become None."""
    if value is None:
        return None
    return Value(value.shape, tuple([bounded(function(x)) if _number(x) else None for x in value.elements]))


def _number(element: Any) -> bool:
    return isinstance(element, (int, float))


def add(a: Any, b: Any) -> Any:
    if _number(a) and _number(b):
        return a + b
    return b if a == 0 and _number(a) else a if b == 0 and _number(b) else None


def subtract(a: Any, b: Any) -> Any:
    if _number(a) and _number(b):
        return a - b
    return a if b == 0 and _number(b) else 0 if a is not None and a == b else None


def multiply(a: Any, b: Any) -> Any:
    if _number(a) and _number(b):
        return a * b
    if (_number(a) and a == 0) or (_number(b) and b == 0):
        return 0
    return b if _number(a) and a == 1 else a if _number(b) and b == 1 else None


def divide(a: Any, b: Any) -> Any:
    """ONNX's Div: integers truncate towards zero."""
    if _number(a) and _number(b):
        if b == 0:
            return None
        if type(a) is int and type(b) is int:
            return a // b if (a >= 0) == (b > 0) else -(-a // b)
        return a / b
    if _number(b):
        return a if b == 1 else None
    return 1 if a is not None and a == b else None


def exponential(x: float) -> float | None:
    """e to the power of x; None beyond what a size can be."""
    return math.exp(x) if abs(x) < 64 else None


def modulo(a: Any, b: Any) -> Any:
    """ONNX's Mod with the sign of the divisor (fmod=0)."""
    if type(a) is int and type(b) is int and b != 0:
        return a % b
    return 0 if b == 1 else None


def power(a: Any, b: Any) -> Any:
    """Pow of small numbers; None beyond what a size can be."""
    if not (_number(a) and _number(b)) or abs(a) > 1 << 32 or abs(b) > 64 or (a == 0 and b < 0):
        return None
    try:
        result = a**b
    except OverflowError:
        return None
    return None if isinstance(result, complex) else result


def minimum(a: Any, b: Any) -> Any:
    return min(a, b) if _number(a) and _number(b) else a if a == b else None


def maximum(a: Any, b: Any) -> Any:
    return max(a, b) if _number(a) and _number(b) else a if a == b else None


def equal(a: Any, b: Any) -> Any:
    """Equal symbols are equal; a symbol is never -1 or 0, which exporters test for."""
    if _number(a) and _number(b):
        return a == b
    if a is None or b is None:
        return None
    if a == b:
        return True
    number = a if _number(a) else b
    return False if _number(number) and number < 0 else None


def compared(function: Pair) -> Pair:
    """A comparison of numbers, unknown for symbols."""
    return lambda a, b: function(a, b) if _number(a) and _number(b) else None


def both(a: Any, b: Any) -> Any:
    return False if a is False or b is False else None if a is None or b is None else True


def either(a: Any, b: Any) -> Any:
    return True if a is True or b is True else None if a is None or b is None else False


def choose(test: Any, a: Any, b: Any) -> Any:
    """Where: unknown tests still know a result that both branches share."""
    if test is None:
        return a if a == b else None
    return a if test else b


def whole(rounding: Callable[[float], int]) -> Callable[[Any], Any]:
    """Floor, Ceil or Round of a finite float, which stays a float."""
    return lambda x: float(rounding(x)) if isinstance(x, float) and math.isfinite(x) else x


def to_integer(element: Any) -> Any:
    """Cast to an integer type; a symbol stays."""
    if isinstance(element, float):
        return int(element) if math.isfinite(element) else None
    return int(element) if isinstance(element, bool) else element


def to_float(element: Any) -> Any:
    """Cast to a float type; a symbol stays, for the way back through Cast."""
    return float(element) if isinstance(element, (int, float)) else element


def to_bool(element: Any) -> Any:
    """Cast to bool."""
    return bool(element) if isinstance(element, (int, float)) else None


def picked(value: Value | None, lists: Sequence[Sequence[int]]) -> Value | None:
    """The sub-array at the cross product of one list of indices per axis (Slice, Split, Gather)."""
    if value is None or len(lists) != len(value.shape):
        return None
    shape = fits(tuple([len(indices) for indices in lists]))
    if shape is None:
        return None
    stride, offsets = 1, []
    for length, indices in zip(reversed(value.shape), reversed(lists), strict=True):
        offsets.append([index * stride for index in indices])
        stride *= length
    places = combinations(*reversed(offsets))
    return Value(shape, tuple([value.elements[sum(place)] for place in places]))


def transposed(value: Value | None, order: Sequence[int]) -> Value | None:
    """The value with its axes reordered."""
    if value is None:
        return None
    strides, stride = [0] * len(value.shape), 1
    for axis in range(len(value.shape) - 1, -1, -1):
        strides[axis] = stride
        stride *= value.shape[axis]
    shape = tuple([value.shape[axis] for axis in order])
    return Value(shape, tuple([value.elements[place] for place in _places(shape, [strides[axis] for axis in order])]))


def reduced(function: Pair, value: Value | None, axes: Sequence[int], shape: Shape | None) -> Value | None:
    """A reduction over ``axes``; ``shape`` is the result's."""
    whole = fits(shape)
    if value is None or whole is None:
        return None
    kept = [axis for axis in range(len(value.shape)) if axis not in axes]
    ordered = transposed(value, [*kept, *axes])
    count = math.prod([value.shape[axis] for axis in axes])
    if ordered is None or count == 0:
        return None
    results = []
    for start in range(0, len(ordered.elements), count):
        total = ordered.elements[start]
        for element in ordered.elements[start + 1 : start + count]:
            total = bounded(function(total, element))
        results.append(total)
    return Value(whole, tuple(results))


def joined(values: Sequence[Value | None], axis: int) -> Value | None:
    """Concat along ``axis``; an unknown part of known shape is not kept."""
    parts = [value for value in values if value is not None]
    if len(parts) != len(values) or not parts:
        return None
    rank = len(parts[0].shape)
    if any(len(part.shape) != rank for part in parts) or sum(len(part.elements) for part in parts) > MAX_ELEMENTS:
        return None
    outer = math.prod(parts[0].shape[:axis])
    elements: list[Any] = []
    for row in range(outer):
        for part in parts:
            run = math.prod(part.shape[axis:])
            elements += part.elements[row * run : (row + 1) * run]
    length = sum(part.shape[axis] for part in parts)
    return Value((*parts[0].shape[:axis], length, *parts[0].shape[axis + 1 :]), tuple(elements))
