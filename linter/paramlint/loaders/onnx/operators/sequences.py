"""Sequences, optionals and control flow: they hold tensors, and the work is in the bodies.

Their outputs are no tensors of one shape, so shapes are left to onnx's own inference. If, Loop and Scan run their
bodies; whoever walks the graph adds the bodies' work.
"""

from __future__ import annotations

from paramlint.ir import DType
from paramlint.loaders.onnx.operators import EVERY, Node, Operator, Output, Value, free, operator


@operator
class Sequence(Operator):
    """Operators that make, change or read sequences and optionals."""

    kinds = (
        "ConcatFromSequence", "Optional", "OptionalGetElement", "SequenceAt", "SequenceConstruct", "SequenceEmpty",
        "SequenceErase", "SequenceInsert", "SplitToSequence",
    )  # fmt: skip
    passes = EVERY
    macs = free


@operator
class SequenceLength(Operator):
    """``SequenceLength``: one number."""

    kinds = ("SequenceLength",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output((), DType.INT64, Value((), (None,)))]


@operator
class OptionalHasElement(Operator):
    """``OptionalHasElement``: one truth."""

    kinds = ("OptionalHasElement",)
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return [Output((), DType.BOOL)]


@operator
class Branch(Operator):
    """``If``: the condition is a setting; the node itself does no work beside its branches'."""

    kinds = ("If",)
    settings = frozenset({0})
    macs = free


@operator
class Repeat(Operator):
    """``Loop``, ``Scan``, ``SequenceMap``: initial states and counts are settings; the work is the body's."""

    kinds = ("Loop", "Scan", "SequenceMap")
    settings = EVERY
    macs = free
