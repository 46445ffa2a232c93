"""Arithmetic on constants alone: which of its inputs were learned, so that the result carries them as weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paramlint.loaders.onnx import patterns
from paramlint.loaders.onnx.graph import Item
from paramlint.loaders.onnx.tensors import Stored, Tensors
from paramlint.loaders.onnx.uses import Held


class Arithmetic:
    """Tells weights from the epsilons, positions and fillings that stand beside them."""

    def __init__(self, tensors: Tensors, witness: patterns.Witness) -> None:
        self.tensors, self.witness = tensors, witness

    def learned(self, item: Item, op: Any, held: Mapping[str, Held], index: int) -> list[Stored]:
        """What of input ``index`` may have been learned."""
        found = held[item.inputs[index]].tensors
        if item.kind.startswith("Scatter"):
            return [tensor for tensor in found if not self._made_up(tensor)]
        if op.passes:
            return list(found)
        computed, role = index not in op.slots, op.slots.get(index, "")
        if item.kind in ("MatMul", "Gemm") and index == 0:
            role = "data"
        return [tensor for tensor in found if not (self._neutral(tensor, computed) or self._data_of(tensor, role))]

    def _neutral(self, tensor: Stored, computed: bool) -> bool:
        """A number that constant arithmetic needs and nobody learned: an epsilon, a table of zeros or ones."""
        if self.witness.is_parameter(tensor):
            return False
        if computed and tensor.elements == 1:
            return not self.witness.learned(tensor)
        if tensor.origin == "initializer" and not self.witness.traced:
            return False
        if self.witness.own_constant(tensor) or self.witness.is_buffer(tensor):
            return True
        return patterns.filling(tensor, self.tensors, (0, 1))

    def data(self, item: Item, held: Mapping[str, Held]) -> int | None:
        """The input of a constant sum that an exporter had computed and a parameter is broadcast to: no weight."""
        sides = [held.get(name) for name in item.inputs]
        if len(sides) != 2 or not all(side and side.direct and len(side.tensors) == 1 for side in sides):
            return None
        first, second = [side.tensors[0] for side in sides if side]
        for index, one, other in ((0, first, second), (1, second, first)):
            if self.witness.is_parameter(other) and self.witness.generated(one) and one.elements > other.elements:
                return index
        return None

    def _data_of(self, tensor: Stored, role: str) -> bool:
        """What constant arithmetic in this role works on without its being learned: a grid of positions that a matrix
        multiplies, a bias of normalisation that an exporter filled in and whose values are not at hand."""
        if role == "data":
            return not self.witness.is_parameter(tensor) and patterns.grid(tensor, self.tensors)
        return role == "bias" and self._made_up(tensor) and self.tensors.sample(tensor, 1) is None

    def _made_up(self, tensor: Stored) -> bool:
        """Whether an exporter made a tensor of one value, or of values that are not at hand."""
        if not (self.witness.traced and self.witness.generated(tensor)):
            return False
        return self.tensors.sample(tensor, 1) is None or patterns.filling(tensor, self.tensors)
