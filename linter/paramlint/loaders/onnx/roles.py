"""What a stored tensor is to a node that also sees an activation: parameter, buffer, or nothing that was learned.

The exporter's own record decides where there is one (see ``patterns.Witness``), then values, then names. What had to
be taken for one thing or the other is said in ``assumed``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from paramlint.loaders.onnx import patterns
from paramlint.loaders.onnx.graph import Item
from paramlint.loaders.onnx.tensors import Stored, Tensors
from paramlint.loaders.onnx.uses import NARROW, NEVER, TABLES, Held, Use
from paramlint.loaders.onnx.watch import STARTS, Watch, product

_SAID = 1000  # names kept of one assumption
_MANY = 32  # tensors behind one value from which every use is not listed anew
_RECURRENT = frozenset({"LSTM", "GRU", "RNN"})
#: Operators at whose other inputs a module may keep something learned: a state, an exponent, a mask token, a bound.
_LEARNED_ELSEWHERE = _RECURRENT | {"Where", "Pow", "Max", "Min", "Clip"}
_MEAN_NAME = r"(?i)mean|avg|average|(?:^|[._])mu$"
_NEUTRAL = {"scale": (1,), "bias": (0,)}


class Roles:
    """Decides, and remembers what may still turn out otherwise."""

    def __init__(self, tensors: Tensors, witness: patterns.Witness) -> None:
        self.tensors, self.witness = tensors, witness
        self.watch = Watch()
        self.assumed: dict[str, list[str]] = {}
        self._shared: set[int] = set()  # by identity: the trace keeps what it carries

    def use(self, item: Item, op: Any, held: Mapping[str, Held]) -> None:
        """What each still input is to ``item``."""
        for index, name in enumerate(item.inputs):
            found = held.get(name) if name else None
            if found is None or self._seen(found):
                continue
            if index in op.slots:
                self._slot(item, index, found, op.slots[index])
            elif index in op.buffers:
                self.buffers(item, index, found, op.buffers[index])
            elif index in op.operands:
                self._operand(item, index, found)
            elif item.kind == "Concat":
                self._join(item, index, found)
            else:
                self._elsewhere(item, index, found)

    def _seen(self, held: Held) -> bool:
        """Whether many tensors behind one value have been counted at another node: once is enough."""
        if len(held.tensors) <= _MANY:
            return False
        seen = id(held) in self._shared
        self._shared.add(id(held))
        return seen

    def count_here(self, item: Item, tensors: list[Stored]) -> None:
        """Count what a constant is joined from at the node that joins it."""
        for tensor in dict.fromkeys(tensors):
            if tensor.dtype.is_float and not self.witness.is_buffer(tensor):
                item.uses.append(Use(tensor, -1, "part", False))
                self.say("tensors joined in great number, counted as weights", tensor)

    def see(self, item: Item) -> None:
        """A node downstream: what is under observation moves on or is settled."""
        if self.watch.busy or item.kind in STARTS:
            self.watch.see(item)
            while self.watch.removed:
                what, use = self.watch.removed.pop()
                self.say(what, use.tensor)

    def _slot(self, item: Item, index: int, held: Held, role: str) -> None:
        table = role == "table"
        for tensor in held.tensors:
            if tensor.dtype in NEVER or (table and not tensor.dtype.is_float and tensor.dtype not in TABLES):
                continue
            use = Use(tensor, index, role, held.direct)
            if self.witness.is_buffer(tensor):
                item.uses.append(use._replace(buffer=True, role="buffer"))
            elif table and tensor.dtype in TABLES and item.kind.startswith("Gather") and not item.domain:
                self.watch.narrow[item.outputs[0]] = (item, use)
            elif not self._fixed_slot(item, role, tensor):
                item.uses.append(use)
                if role == "kernel" and one_feature(item, tensor):
                    self.watch.single.add(item.outputs[0])
                if item.kind in ("MatMul", "Einsum"):
                    product(item, use, self.watch, self._frequencies(tensor))

    def _fixed_slot(self, item: Item, role: str, tensor: Stored) -> bool:
        """Whether what fills a weight slot was never learned."""
        if self.witness.is_parameter(tensor):
            return False
        if role in _NEUTRAL and item.kind.endswith(("Normalization", "Norm")):
            return self.witness.filled_in(tensor) and patterns.filling(tensor, self.tensors, _NEUTRAL[role])
        if self.witness.own_constant(tensor):
            self.say("constants that the model's code made itself, not counted", tensor)
            return True
        if role == "kernel" and "Conv" in item.kind and patterns.same_filters(tensor, self.tensors):
            self.say("filters that are the same for every channel, not counted", tensor)
            return True
        return (role == "table" or item.kind in ("MatMul", "Einsum")) and self._is_table(tensor)

    def _is_table(self, tensor: Stored) -> bool:
        """A sine or cosine table; said in ``assumed`` where only its name tells."""
        if self.witness.is_parameter(tensor) or not patterns.waves(tensor, self.tensors):
            return False
        self.say("sine and cosine tables, not counted", tensor)
        return True

    def _frequencies(self, tensor: Stored) -> bool:
        return sum(size != 1 for size in tensor.dims) <= 1 and not self.witness.is_parameter(tensor)

    def buffers(self, item: Item, index: int, held: Held, role: str) -> None:
        """State beside the weights (BatchNormalization's mean and variance)."""
        for tensor in held.tensors if held.direct else ():
            if tensor.dtype.is_float:
                item.uses.append(Use(tensor, index, role, True, True))

    def _operand(self, item: Item, index: int, held: Held) -> None:
        """Rule 4: a float tensor of more than one element meets an activation; masks and tables apart."""
        if item.kind == "Mul" and self.watch.scaling(item):
            return  # a quantisation scale
        for tensor in held.tensors:
            if not (tensor.dtype.is_float or held.dequantised or (item.domain and tensor.dtype in NARROW)):
                continue
            use = Use(tensor, index, "bias" if item.kind in ("Add", "Sum") else "scale", held.direct)
            if self.witness.is_buffer(tensor):
                item.uses.append(use._replace(buffer=True, role="buffer"))
            elif tensor.elements <= 1:
                if self.witness.learned(tensor) or (tensor.dims and self._follows_single(item)):
                    item.uses.append(use)
            elif self.witness.is_parameter(tensor):
                item.uses.append(use)
            elif self.witness.own_constant(tensor):
                self._own(item, use)
            elif not self._fixed_operand(item, tensor):
                self._statistic_or_weight(item, index, use)
                if item.kind == "Add" and patterns.over_heads(tensor) and self.witness.generated(tensor):
                    self.watch.logits.setdefault(item.outputs[0], []).append((item, use, False))

    def _follows_single(self, item: Item) -> bool:
        """Whether an Add comes after a product with one output feature: then one number is its bias."""
        return item.kind in ("Add", "Sum") and any(name in self.watch.single for name in item.inputs)

    def _own(self, item: Item, use: Use) -> None:
        """A tensor that the model's code held on to itself: made by it, or a learned bias that it had looked up before.

        Only what has several axes, an irregular content and its end in a softmax may be the latter.
        """
        tensor = use.tensor
        plain = sum(size != 1 for size in tensor.dims) < 2 or item.kind not in ("Add", "Sum")
        known = self.tensors.sample(tensor, 1) is not None
        regular = patterns.filling(tensor, self.tensors) or self._patterned(tensor) if known else None
        if plain or (patterns.over_heads(tensor) if regular is None else regular):
            self.say("constants that the model's code made itself, not counted", tensor)
        else:
            self.watch.logits.setdefault(item.outputs[0], []).append((item, use, True))

    def _patterned(self, tensor: Stored) -> bool:
        if patterns.mask(tensor, self.tensors) or patterns.waves(tensor, self.tensors):
            return True
        return self.witness.torch and patterns.regular(tensor, self.tensors)

    def _fixed_operand(self, item: Item, tensor: Stored) -> bool:
        """Masks, tables and other constants, as far as values and the exporter's habits show."""
        mask = patterns.mask(tensor, self.tensors)
        if mask:
            return True
        if mask is None and len([size for size in tensor.dims if size != 1]) > 1:
            self.say("constant operands whose values are not at hand, counted as weights", tensor)
        if not self.witness.generated(tensor):
            return self._is_table(tensor)
        if self.witness.traced and patterns.neutral(tensor, self.tensors, item.kind):
            return True
        if self.witness.torch and patterns.regular(tensor, self.tensors):
            self.say("evenly spaced constants, not counted", tensor)
            return True
        return self._is_table(tensor)

    def _statistic_or_weight(self, item: Item, index: int, use: Use) -> None:
        """What is subtracted from an activation is a mean, and what then divides it a deviation.

        Unless it varies along several axes (points that distances are taken to), or a module calls it otherwise.
        """
        named = self.witness.torch and not self.witness.generated(use.tensor)
        other = sum(size != 1 for size in use.tensor.dims) > 1 or (named and not re.search(_MEAN_NAME, use.tensor.name))
        if item.kind == "Sub" and index == 1 and not other:
            self.watch.centred.update(item.outputs)
            self.say("constants subtracted from an activation, taken as means (buffers)", use.tensor)
            item.uses.append(use._replace(buffer=True, role="mean"))
        elif item.kind == "Div" and index == 1 and item.inputs[0] in self.watch.centred:
            item.uses.append(use._replace(buffer=True, role="deviation"))
        else:
            item.uses.append(use)
            product(item, use, self.watch, self._frequencies(use.tensor))

    def _join(self, item: Item, index: int, held: Held) -> None:
        """A tensor joined to an activation (a class token); filling of one value is none."""
        for tensor in held.tensors:
            if not tensor.dtype.is_float or tensor.elements <= 1:
                continue
            use = Use(tensor, index, "token", held.direct)
            if self.witness.is_buffer(tensor):
                item.uses.append(use._replace(buffer=True, role="buffer"))
            elif self.witness.is_parameter(tensor) or not (
                patterns.filling(tensor, self.tensors) or self.witness.own_constant(tensor) or self._is_table(tensor)
            ):
                item.uses.append(use)

    def _elsewhere(self, item: Item, index: int, held: Held) -> None:
        """No place for weights as a rule, unless the exporter's record or a module's name says that it was learned."""
        if "Quantize" in item.kind:
            return
        for tensor in held.tensors:
            if not tensor.dtype.is_float:
                continue
            named = item.kind in _LEARNED_ELSEWHERE and self.witness.learned(tensor)
            if self.witness.is_parameter(tensor) or (named and not patterns.fill(tensor, self.tensors)):
                item.uses.append(Use(tensor, index, "parameter", held.direct))

    def say(self, what: str, tensor: Stored) -> None:
        """Note an assumption about a tensor."""
        names = self.assumed.setdefault(what, [])
        if len(names) < _SAID and tensor.name not in names[-3:]:
            names.append(tensor.name)


def one_feature(item: Item, kernel: Stored) -> bool:
    """Whether a product's kernel makes one output feature: [i, 1] of MatMul, a side of Gemm, [1, i, ...] of Conv."""
    if not kernel.dims or item.kind in _RECURRENT:
        return False
    if len(kernel.dims) == 2:
        return kernel.dims[-1] == 1 or (item.kind == "Gemm" and kernel.dims[0] == 1)
    return kernel.dims[0 if "Conv" in item.kind else -1] == 1
