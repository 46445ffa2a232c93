"""The one layer IR: what every loader produces and everything else reads.

All of it is frozen data from the standard library. Shapes of an ONNX model hold every axis, those of a YAML
architecture leave out the batch (``Model.batch_axis`` says which). Two views of one network stand side by side:

* ``Model.layers``: what a person wrote or exported, one row each, with weights, formula and MACs;
* ``Model.steps``: the same work as a list of ONNX operators, from which the deployment view is made.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

#: An integer, the name of a symbolic dimension, or None where nothing is known.
Dim: TypeAlias = int | str | None
Shape: TypeAlias = tuple[Dim, ...]

NOTHING: Mapping[str, object] = MappingProxyType({})


_WIDTHS = {
    "float64": 64, "float32": 32, "float16": 16, "bfloat16": 16, "float8e4m3fn": 8, "float8e4m3fnuz": 8,
    "float8e5m2": 8, "float8e5m2fnuz": 8, "float8e8m0": 8, "float6e2m3": 6,
    "float6e3m2": 6, "float4e2m1": 4, "int64": 64, "int32": 32,
    "int16": 16, "int8": 8, "int4": 4, "int2": 2, "uint64": 64, "uint32": 32, "uint16": 16, "uint8": 8,
    "uint4": 4, "uint2": 2, "bool": 8, "complex64": 64, "complex128": 128,
}  # fmt: skip


class DType(enum.Enum):
    """An element type; the value is its name in reports, ``bits`` its width (0: it has no fixed width)."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT8E4M3FN = "float8e4m3fn"
    FLOAT8E4M3FNUZ = "float8e4m3fnuz"
    FLOAT8E5M2 = "float8e5m2"
    FLOAT8E5M2FNUZ = "float8e5m2fnuz"
    FLOAT8E8M0 = "float8e8m0"
    FLOAT6E2M3 = "float6e2m3"
    FLOAT6E3M2 = "float6e3m2"
    FLOAT4E2M1 = "float4e2m1"
    INT64 = "int64"
    INT32 = "int32"
    INT16 = "int16"
    INT8 = "int8"
    INT4 = "int4"
    INT2 = "int2"
    UINT64 = "uint64"
    UINT32 = "uint32"
    UINT16 = "uint16"
    UINT8 = "uint8"
    UINT4 = "uint4"
    UINT2 = "uint2"
    BOOL = "bool"
    COMPLEX64 = "complex64"
    COMPLEX128 = "complex128"
    STRING = "string"
    UNDEFINED = "undefined"

    bits: int
    is_float: bool

    def __init__(self, text: str) -> None:
        self.bits = _WIDTHS.get(text, 0)
        self.is_float = text.startswith(("float", "bfloat"))


class Unknown(NamedTuple):
    """A quantity that cannot be computed, with the cause in one phrase a user understands."""

    reason: str


Quantity: TypeAlias = int | Unknown


class Total(NamedTuple):
    """A sum that keeps its unknowns: ``value`` is exact without reasons, else a lower bound.

    ``value`` is None where nothing at all could be computed.
    """

    value: int | None
    reasons: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        return self.value is not None and not self.reasons


class Source(NamedTuple):
    """Where something stands: a place in a file, a graph node, an option, a config entry or a target."""

    kind: str  # file | node | command-line | config | target
    path: str | None = None
    line: int | None = None
    column: int | None = None
    node: str | None = None
    text: str | None = None


class Tensor(NamedTuple):
    """A value that flows; ``shape`` is None where not even the rank is known.

    ``batched`` is False for what all samples of a spec share (a Parameter): no batch stands in front of it.
    """

    name: str
    shape: Shape | None
    dtype: DType = DType.FLOAT32
    batched: bool = True


class Weight(NamedTuple):
    """A stored tensor that a layer or step uses.

    ``shape`` is logical (an int4 matrix packed in bytes has its matrix's shape). ``storage`` is its identity:
    weights that share one storage are counted once. ``trainable`` is None where the source does not say.
    ``buffer`` marks state that is no learned parameter (BatchNorm statistics).
    """

    role: str
    shape: tuple[int, ...]
    dtype: DType
    storage: str
    trainable: bool | None = True
    buffer: bool = False
    stored_bytes: int | None = None  # where the bytes are not elements times bits (packed or string data)
    scales: int | None = None  # how many scales its integers have, where the source states them (1: one for all)

    @property
    def elements(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def bytes(self) -> int:
        if self.stored_bytes is not None:
            return self.stored_bytes
        return -(-self.elements * self.dtype.bits // 8)


class Term(NamedTuple):
    """One named summand of a formula: the expression in the field's symbols, its value, and what the letters are.

    Each term has its own ``symbols``, so that a composite (a bidirectional pair, a transformer block) can be the
    sum of its parts without renaming anybody's letters.
    """

    role: str
    expression: str
    value: int
    symbols: Mapping[str, int]


class Formula(NamedTuple):
    """A sum of named terms with its numbers.

    ``definitions`` say what the letters mean (a derived one ends in its own expression: ``"c": "input channels of
    one group, ceil(i / G)"``). ``closed`` is the sum as textbooks write it, where that is shorter than the terms.
    """

    terms: tuple[Term, ...]
    definitions: Mapping[str, str] = NOTHING  # type: ignore[assignment]  # an empty mapping is one of any type
    closed: tuple[Term, ...] = ()

    @property
    def value(self) -> int:
        return sum(term.value for term in self.terms)

    @property
    def summands(self) -> tuple[Term, ...]:
        """What the whole is written as: the closed form, else the terms."""
        return self.closed or self.terms

    @property
    def symbolic(self) -> str:
        return " + ".join(term.expression for term in self.summands) or "0"


class Step(NamedTuple):
    """One operator of the graph as it is executed, in ONNX's vocabulary whatever the source.

    ``kind`` is the ONNX operator (``Conv``, ``Gemm``, ``Relu``; another domain as ``com.microsoft::FusedConv``),
    ``attributes`` are ONNX's own, resolved: ``pads`` explicit (begins then ends), ``kernel_shape`` and ``strides``
    present. Axes count the batch as axis 0 and mean the axis of the tensor as the source lays it out.
    An input is a tensor's name, or "" where a weight takes that place (``weights`` by ONNX input index). ``values``
    are the elements of small constant inputs (axes, pads, a number that is added), as far as they are known.
    """

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, object] = NOTHING
    weights: Mapping[int, Weight] = NOTHING  # type: ignore[assignment]  # as above
    layer: str = ""
    values: Mapping[int, tuple[object, ...]] = NOTHING  # type: ignore[assignment]  # as above


class Layer(NamedTuple):
    """A row of the report: a layer as its source names it, with what it costs.

    ``macs`` are of one inference. ``active`` is False for an expert that one token does not use: its parameters
    count, its MACs and active parameters do not. ``unknown`` says why ``weights`` may not be all (a custom
    operator); then parameters are a lower bound. ``reachable`` is False when no output depends on it.
    """

    name: str
    op: str
    inputs: tuple[str, ...]
    outputs: tuple[Tensor, ...]
    weights: tuple[Weight, ...]
    macs: Quantity
    source: Source
    formula: Formula | None = None
    macs_formula: Formula | None = None
    active: bool = True
    reachable: bool = True
    unknown: tuple[str, ...] = ()
    group: str = ""  # module path for grouping in tables
    notes: tuple[str, ...] = ()  # what a reader should know (the other convention's number)


class Observation(NamedTuple):
    """What a loader noticed and a rule reports: the rule's code, the text and the place."""

    rule: str
    message: str
    source: Source
    layer: str | None = None
    help: str | None = None


class Stated(NamedTuple):
    """A limit stated in the model's own file: raw value and place, read by the budget parser."""

    metric: str
    value: object
    source: Source
    match: str | None = None  # layer budgets only


class Suppression(NamedTuple):
    """A ``# paramlint: ignore[...]`` comment: the rules it names (empty: all) on one line."""

    rules: tuple[str, ...]
    reason: str
    source: Source


class Model(NamedTuple):
    """A network, however it was written."""

    name: str
    path: str
    format: str  # spec | onnx
    framework: str | None  # keras | pytorch | None
    inputs: tuple[Tensor, ...]
    outputs: tuple[str, ...]
    layers: tuple[Layer, ...]
    tensors: Mapping[str, Tensor]  # everything that flows in ``steps``
    steps: tuple[Step, ...]
    layer_count: int
    batch_axis: bool  # True: shapes hold the batch (ONNX); False: they leave it out (a spec)
    dtype: DType | None = None  # stated for the whole model
    assumed: tuple[str, ...] = ()
    observations: tuple[Observation, ...] = ()
    limits: tuple[Stated, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    unknown: Mapping[str, tuple[str, ...]] = NOTHING  # type: ignore[assignment]  # reasons that belong to no layer, by JSON key
    constant_bytes: Quantity = 0
    unused_bytes: Quantity = 0
    duplicate_bytes: Quantity | None = None
    file_bytes: int | None = None
    samples: int | None = None
    source: Source | None = None  # where a finding about the whole model points
    details: Mapping[str, object] = NOTHING  # loader extras for the report (tree nodes, sparse values)
