"""Recurrent layers: RNN, GRU, LSTM and the quantised LSTM of ONNX Runtime."""

from __future__ import annotations

from typing import ClassVar

from paramlint.formulas import formula, macs
from paramlint.formulas import recurrent as texts
from paramlint.ir import Dim, Formula, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, operator
from paramlint.loaders.onnx.operators.shapes import integer, ranked, same, stored, text


@operator
class Recurrent(Operator):
    """``RNN``, ``GRU``: X [T, n, i], W [D, g h, i], R [D, g h, h], B [D, 2 g h]; ``layout`` 1 puts the batch first."""

    kinds: ClassVar[tuple[str, ...]] = ("RNN", "GRU")
    slots = {1: "kernel", 2: "recurrent_kernel", 3: "bias"}
    settings = frozenset({4, 5})

    def infer(self, node: Node) -> list[Output]:
        shape = ranked(node, 0, 3, "the sequence") or (None, None, None)
        hidden, directions = self.hidden(node), _directions(node)
        self.check(node, shape[2])
        steps, batch = shape[:2]
        if integer(node, "layout", 0):
            steps, batch = batch, steps
            outputs = [Output((batch, steps, directions, hidden)), *[Output((batch, directions, hidden))] * 2]
        else:
            outputs = [Output((steps, directions, batch, hidden)), *[Output((directions, batch, hidden))] * 2]
        return outputs[: node.output_count]

    def hidden(self, node: Node) -> Dim:
        """Units: the attribute, else the last axis of R."""
        if "hidden_size" in node.attributes:
            units = integer(node, "hidden_size")
            if units < 1:
                raise ShapeError(f"hidden_size is {units}")
            return units
        shape = ranked(node, 2, 3, "the recurrent kernel")
        return None if shape is None else shape[2]

    def check(self, node: Node, features: Dim) -> None:
        """W and R are made for this input, these units and directions."""
        kernel, recurrent = ranked(node, 1, 3, "the kernel"), ranked(node, 2, 3, "the recurrent kernel")
        units, directions = self.hidden(node), _directions(node)
        rows = units * texts.GATES[self.cell(node)] if type(units) is int else None
        for shape, width in ((kernel, features), (recurrent, units)):
            if shape is not None:
                same(shape[0], directions, "directions of the kernel and of the layer")
                same(shape[1], rows, "rows of the kernel and gates times hidden_size")
                same(shape[2], width, "columns of the kernel and the size it multiplies")

    def cell(self, node: Node) -> str:
        return node.kind

    def numbers(self, node: Node) -> dict[str, Dim]:
        shape = node.shape(0)
        return {
            "D": _directions(node),
            "g": texts.GATES[self.cell(node)],
            "h": self.hidden(node),
            "i": shape[2] if shape else None,
        }

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0) or (None, None, None)
        steps, batch = (shape[1], shape[0]) if integer(node, "layout", 0) else (shape[0], shape[1])
        return macs(texts.MACS, {"n": batch, "T": steps, **self.numbers(node)}, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        numbers = self.numbers(node)
        known = {name: number for name, number in numbers.items() if type(number) is int}
        if len(known) != len(numbers):
            return Unknown(f"{', '.join(texts.MEANING[name] for name in numbers if name not in known)} not known")
        texts_by_slot = {1: texts.KERNEL, 2: texts.RECURRENT_KERNEL, 3: texts.DOUBLE_BIAS, 7: texts.PEEPHOLE}
        terms = {role: texts_by_slot[index] for index, role in self.slots.items() if stored(node, index)}
        return formula(terms, known, texts.MEANING) if terms else None


def _directions(node: Node) -> int:
    direction = text(node, "direction", "forward")
    if direction not in ("forward", "reverse", "bidirectional"):
        raise ShapeError(f"direction is {direction!r}")
    return 2 if direction == "bidirectional" else 1


@operator
class LSTM(Recurrent):
    """``LSTM``: as above with four gates, a cell state and optional peepholes P [D, 3 h]."""

    kinds = ("LSTM",)
    slots = {1: "kernel", 2: "recurrent_kernel", 3: "bias", 7: "peephole"}
    settings = frozenset({4, 5, 6})


@operator
class DynamicQuantizeLSTM(LSTM):
    """ONNX Runtime's LSTM over int8 kernels, which it stores transposed: W [D, i, 4 h], R [D, h, 4 h]."""

    kinds = ("DynamicQuantizeLSTM",)
    domain = "com.microsoft"
    settings = frozenset({4, 5, 6, 8, 9, 10, 11})

    def cell(self, node: Node) -> str:
        return "LSTM"

    def hidden(self, node: Node) -> Dim:
        if "hidden_size" in node.attributes:
            return integer(node, "hidden_size")
        shape = ranked(node, 2, 3, "the recurrent kernel")
        return None if shape is None else shape[1]

    def check(self, node: Node, features: Dim) -> None:
        kernel = ranked(node, 1, 3, "the kernel")
        if kernel is not None:
            same(kernel[1], features, "rows of the kernel and the size it multiplies")
