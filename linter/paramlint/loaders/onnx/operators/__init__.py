"""ONNX operators: one file per family, each operator's weight slots, shapes, MACs and formula side by side.

The modules of this folder are imported by listing it, so a new operator is one class in one file. There is no
default: an operator that is not registered costs an unknown amount, and one that truly costs nothing says so with
``macs = free``.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Collection, Container, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from paramlint.folders import modules
from paramlint.ir import Dim, DType, Formula, Shape, Tensor, Unknown, Weight


class Value(NamedTuple):
    """A small constant known by value (shape arithmetic, axes, pads): its shape and its elements in row order.

    Elements are ints, floats, bools or strings; in a value that came from ``Shape`` an element may be a symbolic
    dimension's name or None.
    """

    shape: tuple[int, ...]
    elements: tuple[Any, ...]
    dtype: DType | None = None  # of a tensor attribute; that of an input stands in ``Node.inputs``


class Node:
    """One node as an operator sees it. Inputs and outputs are positional; an omitted one is None."""

    __slots__ = (
        "attributes",
        "domain",
        "fixed",
        "inputs",
        "kind",
        "name",
        "opset",
        "output_count",
        "outputs",
        "values",
        "weights",
    )

    def __init__(
        self,
        kind: str,
        domain: str,
        name: str,
        opset: int,
        attributes: Mapping[str, Any],
        inputs: tuple[Tensor | None, ...],
        values: tuple[Value | None, ...],
        weights: Mapping[int, Weight],
        output_count: int,
        outputs: tuple[Tensor | None, ...] = (),
        fixed: tuple[bool, ...] = (),
    ) -> None:
        self.kind, self.domain, self.name, self.opset = kind, domain, name, opset
        self.attributes = attributes  # decoded: int, float, str, tuple of these, Value for tensors; graphs are not here
        self.inputs = inputs  # every input, flowing or constant, with shape and dtype where known
        self.values = values  # by input index: the elements, where the input is a small known constant
        self.weights = weights  # by input index: the stored tensor behind it, where it is one
        self.output_count = output_count
        self.outputs = outputs  # set once shapes are inferred, before ``macs`` and ``formula`` are asked
        self.fixed = fixed  # by input index: it does not depend on a graph input

    def shape(self, index: int) -> Shape | None:
        """The shape of input ``index``; None when it is absent or its rank is unknown."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        return None if tensor is None else tensor.shape

    def inputs_seen(self) -> tuple[tuple[Shape | None, DType] | None, ...]:
        """Shape and type of every input: with kind, attributes and values, all that an operator answers from."""
        return tuple([None if tensor is None else (tensor.shape, tensor.dtype) for tensor in self.inputs])

    def value(self, index: int) -> Value | None:
        """The known elements of input ``index``."""
        return self.values[index] if index < len(self.values) else None

    def dtype(self, index: int) -> DType:
        tensor = self.inputs[index] if index < len(self.inputs) else None
        return DType.UNDEFINED if tensor is None else tensor.dtype


class Output(NamedTuple):
    """What an operator says of one output. ``shape`` None: it does not know, onnx's own inference is asked."""

    shape: tuple[Dim, ...] | None
    dtype: DType | None = None  # None: that of input 0
    value: Value | None = None  # known elements, where the result is small shape arithmetic


class Logical(NamedTuple):
    """What a packed weight means: the matrix's own shape and element type (an int4 matrix inside a uint8 blob)."""

    shape: tuple[int, ...]
    dtype: DType


class ShapeError(Exception):
    """The node contradicts its inputs (a kernel larger than its input): one line, reported for this node."""


class Operator:
    """The behaviour of one operator; subclasses set ``kinds`` and override what applies.

    ``macs`` has no default body on purpose.
    """

    kinds: ClassVar[tuple[str, ...]]
    domain: ClassVar[str] = ""
    #: Weight slots: input index -> role of the stored tensor that fills it (kernel, bias, scale, ...).
    slots: ClassVar[Mapping[int, str]] = {}
    #: Input index -> role of stored state that is no parameter (BatchNormalization's mean and var).
    buffers: ClassVar[Mapping[int, str]] = {}
    #: Inputs whose constants are never weights (axes, pads, scales, zero points, initial states).
    settings: ClassVar[Container[int]] = frozenset()
    #: Inputs where a float constant of more than one element is learned (bias, scale, position table), masks apart.
    operands: ClassVar[Container[int]] = frozenset()
    #: Inputs whose tensor goes on as an output, moved, cut, joined or cast: a weight is followed through them.
    passes: ClassVar[Container[int]] = frozenset()
    #: Attributes that hold learned numbers (ai.onnx.ml): name -> role.
    attribute_slots: ClassVar[Mapping[str, str]] = {}

    def logical(self, index: int, stored: tuple[int, ...], attributes: Mapping[str, Any]) -> Logical | None:
        """The matrix behind the packed blob of shape ``stored`` at input ``index``; None: it is what it seems."""
        return None

    def infer(self, node: Node) -> list[Output] | None:
        """Outputs from inputs; None where this operator leaves it to onnx's shape inference."""
        return None

    def macs(self, node: Node) -> Formula | Unknown | None:
        """Multiply-accumulates of one run; None: it truly does none."""
        raise NotImplementedError(type(self).__name__)  # no default: an operator without a cost must not be free

    def params(self, node: Node) -> Formula | Unknown | None:
        """The second witness: parameters by formula from input shape, attributes and inferred output.

        None: the operator has no formula of its own (an elementwise operand); Unknown: no shapes, no verdict.
        """
        return None


def free(self: Operator, node: Node) -> None:
    """The ``macs`` of an operator that truly does no multiply-accumulates: ``macs = free`` in its class."""


#: Every input of a variadic operator.
EVERY = range(1 << 31)

OPERATORS: dict[tuple[str, str], Operator] = {}


def operator(cls: type[Operator]) -> type[Operator]:
    """Register an operator class under each of its kinds."""
    instance = cls()
    for kind in cls.kinds:
        if (cls.domain, kind) in OPERATORS:
            raise RuntimeError(f"operator {cls.domain}::{kind} is defined twice")
        OPERATORS[cls.domain, kind] = instance
    return cls


_STATED: dict[str, frozenset[bytes]] = {}  # module -> the kinds that its source states


def load_for(kinds: Collection[str]) -> dict[tuple[str, str], Operator]:
    """The operators of these kinds, importing only the modules that state them: a small graph needs few families.

    Which module states a kind is read from its ``kinds = (...)`` lines; where no source is at hand, all are imported.
    """
    wanted = {kind.encode() for kind in kinds}
    for module in modules(__path__):
        name = f"{__name__}.{module}"
        if name in sys.modules:
            continue
        stated = _STATED.get(name)
        if stated is None:
            try:
                with open(os.path.join(__path__[0], module + ".py"), "rb") as file:
                    source = file.read()
            except OSError:
                return load()
            stated = _STATED[name] = frozenset(_kinds(source))
        if not wanted.isdisjoint(stated):
            importlib.import_module(name)
    return OPERATORS


def _kinds(source: bytes) -> Iterator[bytes]:
    """What stands in quotes between ``kinds`` in a class body and the next closing parenthesis."""
    for part in source.split(b"\n    kinds")[1:]:
        yield from part.partition(b"= (")[2].partition(b")")[0].split(b'"')[1::2]


def load() -> dict[tuple[str, str], Operator]:
    """Every operator by domain and kind, found by listing this folder."""
    for module in modules(__path__):
        importlib.import_module(f"{__name__}.{module}")
    return OPERATORS
