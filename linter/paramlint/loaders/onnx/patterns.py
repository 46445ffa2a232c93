"""What a stored tensor looks like: masks, fillings, wave tables, and what the exporter wrote about it.

torch's exporter writes for each node the expression it came from; there a parameter is called ``%p_name``, a
registered buffer ``%b_name`` and a lifted constant ``%c_name``. Where that is at hand it decides; else values and
names are asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from paramlint.loaders.onnx.tensors import Stored, Tensors

_ARGUMENT = rb"%([pbc])_(\w+)"
_MINUS_INFINITY = -1e4  # what exporters write for a masked place is at or below this
_MASKED = -50.0  # together with one other value; shifted windows are masked with -100
_TOLERANCE = 1e-3
_WAVES = (math.sin(1), math.cos(1))
_GLANCE = 64  # elements of a first look at a tensor, which settles most questions
_MANY = 32  # elements from which repetition says something
_ROWS = 3  # rows of a table that must all be waves before it is taken for one
_GENERATED = (
    r"^(?:/|onnx::|val_\d|_val_|const(?:ant)?_|\d+$|_to_copy|scalar_tensor|arange|where|zeros|ones|full|tmp)"
    r"|_output_\d+$"
)
_MASK_NAME = r"(?i)mask$"
_TABLE_NAME = r"(?i)(?:inv_freq|rotary|rope|sinusoid|(?:^|[._])(?:cos|sin)(?:_cached|_table)?$|(?:^|\.)pe$)"


class Witness:
    """What the exporter's own metadata say about a tensor's role."""

    def __init__(self, skeleton: bytes, producer: str, stored: Iterable[Stored] = ()) -> None:
        self.torch = producer == "pytorch" or b"onnx::" in skeleton or b"_output_0" in skeleton  # also rewritten since
        self.parameters: set[str] = set()
        self.buffers: set[str] = set()
        self.constants: set[str] = set()  # tensors that the model's code holds outside its parameters and buffers
        if self.torch and b"pkg.torch.onnx.fx_node" in skeleton:
            for kind, name in set(re.findall(_ARGUMENT, skeleton)):
                kept = {b"p": self.parameters, b"b": self.buffers}.get(kind, self.constants)
                kept.add(name.decode("ascii", "replace").lower())
        self.traced = bool(self.parameters)
        #: Whether parameters stand in initializers (a module that was frozen first has all of them in Constant nodes).
        self.apart = self.torch and any(t.origin == "initializer" and t.dtype.is_float and t.dims for t in stored)

    def is_parameter(self, tensor: Stored) -> bool:
        return self.traced and _mangled(tensor.name) in self.parameters

    def is_buffer(self, tensor: Stored) -> bool:
        name = _mangled(tensor.name)
        return self.traced and name in self.buffers and name not in self.parameters

    def generated(self, tensor: Stored) -> bool:
        """Whether the name was made by an exporter, so that no module owns the tensor."""
        if self.traced:
            name = _mangled(tensor.name)
            return "." not in tensor.name and name not in self.parameters and name not in self.buffers
        return tensor.origin != "initializer" or re.search(_GENERATED, tensor.name) is not None

    def filled_in(self, tensor: Stored) -> bool:
        """Whether an exporter made a tensor because the operator demands one (the scale of a norm without weights)."""
        if tensor.origin != "initializer":
            return self.torch
        return re.search(_GENERATED, tensor.name) is not None

    def own_constant(self, tensor: Stored) -> bool:
        """Whether torch found a tensor that is neither parameter nor buffer: tracing makes Constant nodes of these."""
        if self.traced:
            return _mangled(tensor.name) in self.constants
        return self.apart and tensor.origin == "constant"

    def learned(self, tensor: Stored) -> bool:
        """Whether a tensor of one element is a learned scalar: only a name that a torch module gave says so."""
        if not tensor.dtype.is_float or not self.torch:
            return False
        if self.traced:
            return self.is_parameter(tensor)
        return not self.generated(tensor)


def _mangled(name: str) -> str:
    return re.sub(r"\W", "_", name).lower()


def mask(tensor: Stored, tensors: Tensors) -> bool | None:
    """Two or more non-unit axes and at most two values, all of them 0, 1 or very negative; None: not known."""
    if sum(size != 1 for size in tensor.dims) < 2:
        return False
    for values in _looks(tensor, tensors):
        if not values:
            return True if re.search(_MASK_NAME, tensor.name) else None
        if len(values) > 2 or not all(value in (0, 1) or value <= _MASKED for value in values):
            return False
    return True


def _looks(tensor: Stored, tensors: Tensors) -> Iterator[set[Any]]:
    """The different values of a short look and, where that settles nothing, of a long one."""
    yield set(tensors.sample(tensor, _GLANCE) or ())
    if tensor.elements > _GLANCE:
        yield set(tensors.sample(tensor) or ())


def over_heads(tensor: Stored) -> bool:
    """Whether a tensor has the shape of an attention mask: one for all heads, queries by keys."""
    dims = tensor.dims
    return len(dims) >= 4 and dims[-3] == 1 and dims[-2] > 1 and dims[-1] > 1


def single(tensor: Stored, tensors: Tensors) -> Any:
    """The one value that every element looked at has; None where there are several, or none to look at."""
    value = None
    for values in _looks(tensor, tensors):
        if len(values) != 1:
            return None
        value = values.pop()
    return value


def filling(tensor: Stored, tensors: Tensors, allowed: Container[float] | None = None) -> bool:
    """Whether every element looked at is the same (and one of ``allowed``)."""
    value = single(tensor, tensors)
    return value is not None and (allowed is None or value in allowed)


def neutral(tensor: Stored, tensors: Tensors, kind: str) -> bool:
    """Whether an operand of one value changes nothing that was learned: sums with 0, products with 1, masked places."""
    value = single(tensor, tensors)
    if value is None:
        return False
    return kind == "Div" or abs(value) >= -_MINUS_INFINITY or value in ((0, 1) if kind == "Mul" else (0,))


def fill(tensor: Stored, tensors: Tensors) -> bool:
    """Whether a tensor holds what stands for "nothing here": one value alone in several places, or a very large one."""
    value = single(tensor, tensors)
    return value is not None and (tensor.elements > 1 or abs(value) >= -_MINUS_INFINITY)


def regular(tensor: Stored, tensors: Tensors) -> bool:
    """Whether every row (along the last axis that has several elements) goes in equal steps, or by one ratio.

    Positions go 0, 1, 2, ...; slopes of linear biases and rotary frequencies fall by one ratio; nothing learned does.
    """
    axes = [size for size in tensor.dims if size != 1]
    if not axes or axes[-1] < 3:
        return False
    sample = tensors.sample(tensor)
    if not sample or len(sample) < axes[-1]:
        return False
    width = axes[-1]
    rows = [sample[start : start + width] for start in range(0, len(sample) - width + 1, width)]
    even = all(_even(row) for row in rows) and any(row[0] != row[-1] for row in rows)
    return even or all(_geometric(row) for row in rows)


def _even(row: Sequence[float]) -> bool:
    step = row[1] - row[0]
    if not math.isfinite(step):
        return False
    allowed = 1e-5 * max(1.0, abs(step), abs(row[0]), abs(row[-1]))
    return all(abs(b - a - step) <= allowed for a, b in pairwise(row))


def _geometric(row: Sequence[float]) -> bool:
    """At least half of a row, from its start, by one ratio: slopes for no power of two heads go on otherwise."""
    if len(row) < 4 or not all(0 < value <= 1 for value in row) or row[0] == row[1]:
        return False
    ratio = row[1] / row[0]
    steps = [abs(b / a - ratio) <= 1e-4 * ratio for a, b in pairwise(row)]
    known = steps.index(False) if False in steps else len(steps)
    return known >= max(3, len(row) // 2)


def grid(tensor: Stored, tensors: Tensors) -> bool:
    """Whether a tensor of several axes repeats few numbers, as coordinates of positions do."""
    if sum(size != 1 for size in tensor.dims) < 3:
        return False
    sample = tensors.sample(tensor) or ()
    return len(sample) >= _MANY and len(set(sample)) * 8 <= len(sample)


def same_filters(tensor: Stored, tensors: Tensors) -> bool:
    """Whether every channel of a depthwise convolution has the same kernel, as blurring and sampling filters have."""
    if len(tensor.dims) < 3 or tensor.dims[0] < 2 or tensor.dims[1] != 1 or tensor.fill is not None:
        return False
    size = tensor.elements // tensor.dims[0]
    two = tensors.sample(tensor, 2 * size) if size > 1 else None
    if not two or len(two) < 2 * size or two[:size] != two[size : 2 * size] or len(set(two)) < 2:
        return False
    sample = tensors.sample(tensor) or ()
    return all(sample[start : start + size] == two[:size] for start in range(size, len(sample) - size + 1, size))


def waves(tensor: Stored, tensors: Tensors) -> bool:
    """A sine or cosine table: one of sines and cosines in every row, or one that begins as sines or cosines do."""
    if not tensor.dtype.is_float or len(tensor.dims) < 2 or tensor.dims[-1] < 2:
        return False
    width = tensor.dims[-1]
    start = tensors.sample(tensor, 2 * width)
    if start is None:
        return re.search(_TABLE_NAME, tensor.name) is not None
    first, second = start[:width], start[width:]
    if len(second) == width and _begins(first) and any(abs(second[0] - wave) < _TOLERANCE for wave in _WAVES):
        return True
    if not (_pairs(first) or (not any(first) and _pairs(second))):
        return False
    sample = tensors.sample(tensor) or ()
    rows = [sample[place : place + width] for place in range(0, len(sample) - width + 1, width)]
    turning = [row for row in rows if any(row)]  # a row of padding is all 0
    return len(turning) >= _ROWS and all(_pairs(row) for row in turning)


def _begins(row: Sequence[float]) -> bool:
    """Position 0: sines are 0 and cosines 1."""
    return all(abs(value) < _TOLERANCE or abs(value - 1) < _TOLERANCE for value in row)


def _pairs(row: Sequence[float]) -> bool:
    """As many sines as cosines of the same angles: the squares add up to half the width, wherever they stand."""
    half = len(row) / 2
    return len(row) >= 4 and abs(sum([value * value for value in row]) - half) < _TOLERANCE * half
