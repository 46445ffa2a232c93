"""One operator of the deployed graph as operator lists see it, and what may stand in its way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from paramlint.quantities import COUNT
from paramlint.targets.operators import Fact, OpSet

UNSUPPORTED = "unsupported"
FALLBACK = "fallback"
LIMIT = "limit"
DTYPE = "dtype"
UNDECIDED = "undecided"

#: Element types that decide whether a kernel exists. Indices, masks and shapes (int32, int64, bool) do not.
ARITHMETIC = frozenset(
    {"float64", "float32", "float16", "bfloat16", "int16", "int8", "uint8", "int4", "uint4", "int2", "uint2"}
)


class Op(NamedTuple):
    """One operator of the deployed graph with what is known about it (the facts are listed in ``facts.py``).

    ``tflite`` is its TFLite name, ``onnx`` the ONNX operator it came from, ``plain`` the one that says best what it
    does, ``fused`` that of an activation which is fused into it. ``added`` is True for what a converter only adds (a
    PAD before a convolution): lists in ONNX's words have nothing to say about it. ``formless`` is True where it is
    not known what a converter makes of it.
    """

    layer: str
    tflite: str
    onnx: str
    plain: str
    facts: Mapping[str, Fact]
    domain: str = ""
    fused: str | None = None
    added: bool = False
    formless: bool = False

    @property
    def dtype(self) -> str | None:
        """Element type of its activations; None where it is not known."""
        value = self.facts.get("activation_dtype")
        return value if isinstance(value, str) else None

    def called(self, entry: OpSet) -> str:
        """Its name in a list's words. What executes ONNX itself sees the graph as it stands in the file."""
        if entry.names == "tflite":
            return self.tflite
        return self.onnx.removeprefix("QLinear") if entry.role == "runtime" else self.plain

    def within(self, entry: OpSet) -> str:
        """The domain of its name in a list's words."""
        return self.domain if entry.names == "onnx" and self.called(entry) == self.onnx else ""

    def parts(self, entry: OpSet) -> tuple[Op, ...]:
        """The operators that it is in a list's words: ONNX has none for a helper, and two where one is fused in."""
        if entry.names == "tflite":
            return (self,)
        if self.added:
            return ()
        if self.fused is None:
            return (self,)
        dtype: dict[str, Fact] = {"activation_dtype": self.dtype}
        return (self, Op(self.layer, "", self.fused, self.fused, dtype))


class OpVerdict(NamedTuple):
    """What stands in the way of one operator on one target.

    ``state`` is one of the five words above. ``layer`` and ``op`` are None where the whole network is meant.
    ``runs_on`` names the host that takes it instead, where one does. ``measured`` and ``limit`` are the numbers of a
    broken limit, in ``unit``. ``cite`` is where the fact comes from, ``sure`` False where that is unverified.
    """

    state: str
    layer: str | None
    op: str | None
    reason: str
    cite: str
    runs_on: str | None = None
    measured: int | None = None
    limit: int | None = None
    sure: bool = True
    unit: str = COUNT

    @property
    def stops(self) -> bool:
        """True where the network does not run: nothing takes the operator instead."""
        return self.runs_on is None and self.state in (UNSUPPORTED, LIMIT, DTYPE)

    @property
    def open(self) -> bool:
        """True where it is not known whether the network runs."""
        return self.runs_on is None and self.state == UNDECIDED
