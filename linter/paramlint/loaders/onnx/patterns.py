"""What a stored tensor looks like: masks, fillings, wave tables, and what the exporter wrote about it.

torch's exporter writes for each node the expression it came from; there a parameter is called ``%p_name``, a
registered buffer ``%b_name`` and a lifted constant ``%c_name``. Where that is at hand it decides; else values and
names are asked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container
from itertools import pairwise

from paramlint.loaders.onnx.tensors import Stored, Tensors

_ARGUMENT = re.compile(rb"%([pbc])_(\w+)")
_MINUS_INFINITY = -1e4  # what exporters write for a masked place is at or below this
_TOLERANCE = 1e-3
_GENERATED = re.compile(
    r"^(?:/|onnx::|val_\d|_val_|const(?:ant)?_|\d+$|_to_copy|scalar_tensor|arange|where|zeros|ones|full|tmp)|_output_\d+$"
)
_TABLE_NAME = re.compile(
    r"(?:inv_freq|rotary|rope|sinusoid|(?:^|[._])(?:cos|sin)(?:_cached|_table)?$|(?:^|\.)pe$)", re.IGNORECASE
)


class Witness:
    """What the exporter's own metadata say about a tensor's role."""

    def __init__(self, skeleton: bytes, producer: str) -> None:
        self.torch = producer == "pytorch"
        self.parameters: set[str] = set()
        self.buffers: set[str] = set()
        if self.torch and b"pkg.torch.onnx.fx_node" in skeleton:
            for kind, name in set(_ARGUMENT.findall(skeleton)):
                kept = self.parameters if kind == b"p" else self.buffers
                kept.add(name.decode("ascii", "replace").lower())
        self.traced = bool(self.parameters)

    def is_parameter(self, tensor: Stored) -> bool:
        return self.traced and _mangled(tensor.name) in self.parameters

    def is_buffer(self, tensor: Stored) -> bool:
        name = _mangled(tensor.name)
        return self.traced and name in self.buffers and name not in self.parameters

    def generated(self, tensor: Stored) -> bool:
        """Whether the name was made by an exporter, so that no module owns the tensor."""
        return tensor.origin != "initializer" or _GENERATED.search(tensor.name) is not None

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
    """Rule 6: two or more non-unit axes and at most two values, all of them 0, 1 or very negative; None: not known."""
    if sum(size != 1 for size in tensor.dims) < 2:
        return False
    sample = tensors.sample(tensor)
    if not sample:
        return None
    values = set(sample)
    return len(values) <= 2 and all(value in (0, 1) or value <= _MINUS_INFINITY for value in values)


def filling(tensor: Stored, tensors: Tensors, allowed: Container[float] | None = None) -> bool:
    """Whether every element looked at is the same (and one of ``allowed``)."""
    values = set(tensors.sample(tensor) or ())
    return len(values) == 1 and (allowed is None or values.pop() in allowed)


def arithmetic(tensor: Stored, tensors: Tensors) -> bool:
    """Whether the elements are 0, 1, 2, ... or another row of equal steps."""
    if tensor.elements < 3:
        return False
    sample = tensors.sample(tensor)
    if not sample or len(sample) < 3:
        return False
    step = sample[1] - sample[0]
    if step == 0 or not math.isfinite(step):
        return False
    return all(abs(b - a - step) <= 1e-5 * max(1.0, abs(step)) for a, b in pairwise(sample))


def waves(tensor: Stored, tensors: Tensors) -> bool:
    """A sine or cosine table: position 0 has only 0 and 1, position 1 begins with sin(1) or cos(1)."""
    if not tensor.dtype.is_float or len(tensor.dims) < 2 or tensor.dims[-1] < 2:
        return False
    width = tensor.dims[-1]
    sample = tensors.sample(tensor)
    if sample is None:
        return _TABLE_NAME.search(tensor.name) is not None
    if len(sample) < 2 * width:
        return False
    first, second = sample[:width], sample[width : 2 * width]
    if not all(abs(value) < _TOLERANCE or abs(value - 1) < _TOLERANCE for value in first):
        return False
    return any(abs(second[0] - wave) < _TOLERANCE for wave in (math.sin(1), math.cos(1)))
