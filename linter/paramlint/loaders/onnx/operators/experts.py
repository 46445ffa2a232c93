"""Mixture of experts (domain com.microsoft): all experts' weights are stored, a token uses k of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from paramlint.formulas import macs
from paramlint.ir import Dim, DType, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Logical, Node, Operator, Output, ShapeError, operator
from paramlint.loaders.onnx.operators.shapes import given, integer, like, product

MEANING = {"n": "positions", "k": "experts that one position uses", "a": "first kernel of one expert"}
MEANING |= {"b": "second kernel of one expert", "c": "third kernel of one expert"}


@operator
class MoE(Operator):
    """``MoE``: kernels [experts, ...]; MACs are those of the k experts that a position is sent to."""

    kinds = ("MoE",)
    domain = "com.microsoft"
    slots = {2: "fc1.kernel", 3: "fc1.bias", 4: "fc2.kernel", 5: "fc2.bias", 6: "fc3.kernel", 7: "fc3.bias"}
    kernels: ClassVar[tuple[int, int, int]] = (2, 4, 6)

    def infer(self, node: Node) -> list[Output]:
        return like(node)

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        symbols: dict[str, Dim] = {"n": product(shape[:-1]) if shape else None, "k": integer(node, "k", 1)}
        for letter, index in zip("abc", self.kernels, strict=True):
            if given(node, index):
                kernel = self.unpacked(node, index)
                symbols[letter] = product(kernel[1:]) if kernel else None
        return macs(f"n * k * ({' + '.join(letter for letter in symbols if letter in 'abc')})", symbols, MEANING)

    def unpacked(self, node: Node, index: int) -> Shape | None:
        return node.shape(index)


@operator
class QMoE(MoE):
    """``QMoE``: the kernels hold several small integers per byte along the last axis."""

    kinds = ("QMoE",)
    slots = {2: "fc1.kernel", 4: "fc1.bias", 5: "fc2.kernel", 7: "fc2.bias", 8: "fc3.kernel", 10: "fc3.bias"}
    settings = frozenset({3, 6, 9, *range(11, 21)})
    kernels = (2, 5, 8)

    def unpacked(self, node: Node, index: int) -> Shape | None:
        """The kernel in elements. A weight may arrive already in its logical shape, then the stored one says so."""
        shape = node.shape(index)
        if shape is None or not all(type(dim) is int for dim in shape):
            return shape
        packed = self.logical(index, shape, node.attributes)  # type: ignore[arg-type]  # all ints
        return shape if packed is None else packed.shape

    def logical(self, index: int, stored: tuple[int, ...], attributes: Mapping[str, Any]) -> Logical | None:
        if index not in self.kernels or not stored:
            return None
        own = f"fc{self.kernels.index(index) + 1}_expert_weight_bits"
        bits = attributes.get(own) or attributes.get("expert_weight_bits", 4)
        if bits not in (2, 4, 8):
            raise ShapeError(f"expert_weight_bits is {bits!r}")
        return None if bits == 8 else Logical((*stored[:-1], stored[-1] * (8 // bits)), DType(f"uint{bits}"))
