"""Uses that may still turn out otherwise further down the graph: followed until it is clear what they were.

* a product that reaches Cos or Sin was the angle of a rotary embedding, its constant a row of frequencies;
* a constant whose sum with an activation ends in a softmax is a bias of attention, or its mask;
* two products whose sum rotates an activation were multiplied by cosines and sines (a rotary table, baked);
* rows of integers that are dequantised after the look-up were a weight;
* what is subtracted from an activation is a mean, and what then divides the result a deviation;
* one number added after a product with one output feature is its bias;
* what multiplies the sums of an integer product, or a scale measured at run time, is a quantisation scale.
"""

from __future__ import annotations

from typing import TypeVar

from paramlint.loaders.onnx.graph import Item
from paramlint.loaders.onnx.uses import Use

_INTEGER = frozenset({"MatMulInteger", "ConvInteger", "MatMulInteger16"})
MAX_FOLLOWED = 64  # constants under observation behind one value; a graph that adds up more is none of ours
STARTS = _INTEGER | {"Neg", "DynamicQuantizeLinear"}


class Watch:
    """Values under observation, by name."""

    def __init__(self) -> None:
        self.angles: dict[str, list[tuple[Item, Use]]] = {}
        self.narrow: dict[str, tuple[Item, Use]] = {}
        #: True: a weight should a softmax follow; False: none then.
        self.logits: dict[str, list[tuple[Item, Use, bool]]] = {}
        self.centred: set[str] = set()
        self.single: set[str] = set()  # results of products with one output feature
        self.products: dict[str, tuple[Item, Use]] = {}  # an activation times a table
        self.scales: set[str] = set()  # measured at run time
        self.sums: set[str] = set()  # of an integer product, before they are scaled
        self.negated: set[str] = set()
        self.turned: set[str] = set()  # halves of an activation swapped, one of them negated
        self.removed: list[tuple[str, Use]] = []  # uses taken back, with what the tensor was

    @property
    def busy(self) -> bool:
        return bool(
            self.angles or self.narrow or self.centred or self.single or self.products or self.negated or self.turned
            or self.scales or self.sums or self.logits
        )  # fmt: skip

    def see(self, item: Item) -> None:
        """Carry what is known of the inputs on to the outputs, or settle it here."""
        op = item.op
        if item.kind == "DynamicQuantizeLinear":
            self.scales.update(item.outputs[1:])
        elif item.kind in _INTEGER:
            self.sums.update(item.outputs)
        for index, name in enumerate(item.inputs):
            moved = op is not None and index in op.passes
            if name in self.angles:
                self._angle(item, self.angles[name], moved)
            if name in self.narrow:
                source, use = self.narrow[name]
                if _real(item, index):
                    if use not in source.uses:
                        source.uses.append(use)
                elif moved and item.outputs:
                    self.narrow[item.outputs[0]] = (source, use)
            if name in self.logits:
                self._logits(item, self.logits[name], moved)
            if moved:
                self._move(item, name)
            if name in self.centred and item.kind == "Cast":
                self.centred.update(item.outputs)
        if item.kind == "Mul" and self.scaling(item):
            self._scaled(item)
        self._rotation(item)

    def scaling(self, item: Item) -> bool:
        """Whether a Mul puts a quantisation scale on: what else it multiplies with is one."""
        return any(name in self.scales or name in self.sums for name in item.inputs)

    def _angle(self, item: Item, found: list[tuple[Item, Use]], moved: bool) -> None:
        if item.kind in ("Cos", "Sin"):
            for source, use in found:
                self._take_back(source, use, "frequencies of rotary embeddings, not counted")
        elif moved or item.kind == "Mul":
            _hand_on(self.angles, item, found)

    def _scaled(self, item: Item) -> None:
        """Sums of an integer product times their scale are real; a measured scale times a stored one is a scale."""
        if any(name in self.single for name in item.inputs):
            self.single.update(item.outputs)
        if not any(name in self.sums for name in item.inputs):
            self.scales.update(item.outputs)

    def _logits(self, item: Item, found: list[tuple[Item, Use, bool]], moved: bool) -> None:
        if item.kind == "Softmax":
            for source, use, weight in found:
                if not weight:
                    self._take_back(source, use, "constants for all heads before a softmax, taken as masks")
                elif use not in source.uses:
                    source.uses.append(use)
        elif moved or item.kind in ("Add", "Where", "Mul", "Max"):
            _hand_on(self.logits, item, found)

    def _move(self, item: Item, name: str) -> None:
        if name in self.single:
            self.single.update(item.outputs)
        if name in self.scales:
            self.scales.update(item.outputs)
        if name in self.sums:
            self.sums.update(item.outputs)
        if item.kind == "Concat":
            return
        if name in self.negated:
            self.negated.update(item.outputs)
        if name in self.turned:
            self.turned.update(item.outputs)
        if name in self.products and item.outputs:
            self.products[item.outputs[0]] = self.products[name]

    def _rotation(self, item: Item) -> None:
        """Neg and Concat turn an activation's halves; the sum of both products is the rotated activation."""
        if item.kind == "Neg":
            self.negated.update(item.outputs)
        elif item.kind == "Concat" and len(item.inputs) > 1 and self.negated:
            signs = [name in self.negated for name in item.inputs]
            if any(signs) and not all(signs):
                self.turned.update(item.outputs)
        elif item.kind == "Add" and self.turned and all(name in self.products for name in item.inputs):
            pair = [self.products[name] for name in item.inputs]
            if any(name in self.turned for source, _ in pair for name in source.inputs):
                for source, use in pair:
                    self._take_back(source, use, "tables of rotary embeddings, not counted")

    def _take_back(self, source: Item, use: Use, what: str) -> None:
        if use in source.uses:
            source.uses.remove(use)
            self.removed.append((what, use))


_T = TypeVar("_T")


def _hand_on(table: dict[str, list[_T]], item: Item, found: list[_T]) -> None:
    """What is under observation at an input goes on to the output, each thing once."""
    known = table.setdefault(item.outputs[0], [])
    known += [one for one in found if one not in known][: MAX_FOLLOWED - len(known)]


def _real(item: Item, index: int) -> bool:
    """Whether integers at input ``index`` stand for real numbers there."""
    op = item.op
    if item.kind in ("DequantizeLinear", "DequantizeWithOrder"):
        return index == 0
    return item.kind.startswith("Q") and op is not None and index not in op.settings


def product(item: Item, use: Use, watch: Watch, frequencies: bool) -> None:
    """Note an activation times a constant: it may be an angle or half of a rotation."""
    if item.kind in ("Mul", "MatMul", "Einsum") and frequencies:
        watch.angles.setdefault(item.outputs[0], []).append((item, use))
    if item.kind == "Mul":
        watch.products[item.outputs[0]] = (item, use)
