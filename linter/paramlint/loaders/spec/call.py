"""One use of a layer: what an entry's function sees (``vocabulary.Call``), and what it leaves behind.

An entry describes its layer twice: as weights with a formula, and as ONNX operators (``step``). A layer whose
computation has no lowering declares its outputs (``output``) and becomes one opaque step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from paramlint.ir import Dim, DType, Shape, Step, Tensor, Weight
from paramlint.loaders.spec.vocabulary import Built, Entry, LayerError, Nested

#: Operators that hand their input's elements on: without a stated type the output has the input's.
_PASSING = frozenset(
    {"Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Concat", "Split", "Slice", "Gather"}
    | {"Tile", "Expand", "Pad", "DepthToSpace", "SpaceToDepth", "MaxPool", "GlobalMaxPool", "Dropout", "Clip", "Relu"}
)
MAX_PARTS = 20_000  # weights, tensors and sub-layers of one layer; a transformer of 100 blocks has 5,000
_INTEGERS = frozenset({DType.INT64, DType.INT32, DType.INT16, DType.UINT8, DType.UINT16, DType.UINT32, DType.BOOL})


class NestedError(LayerError):
    """A layer inside another one was refused; ``node`` is where that one stands."""

    def __init__(self, cause: LayerError, node: Any) -> None:
        super().__init__(cause.message, cause.argument, cause.hint)
        self.node = node


class UnseenShape(LayerError):
    """An input comes from a layer that does not say what it puts out, so nothing of this one can be counted."""


class Lowering:
    """The steps of one layer with the tensors between them, shared by the layers nested in it."""

    __slots__ = ("count", "flaws", "layer", "parts", "steps", "tensors")

    def __init__(self, layer: str) -> None:
        self.layer = layer
        self.steps: list[Step] = []
        self.tensors: dict[str, Tensor] = {}
        self.flaws: list[LayerError] = []
        self.count = self.parts = 0

    def grow(self) -> None:
        """Count one weight, tensor or nested layer; a layer of a billion sub-layers is refused, not built."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise LayerError(f"is made of more than {MAX_PARTS:,} weights and steps")

    def tensor(self, shape: Sequence[Dim] | None, dtype: DType, sources: Sequence[Tensor | None]) -> Tensor:
        """A new intermediate tensor; no layer can have its name, since written names hold no dot."""
        self.grow()
        batched = False
        for one in sources:
            if one is not None and one.batched:
                batched = True
                break
        made = Tensor(f"{self.layer}.{self.count}", None if shape is None else tuple(shape), dtype, batched)
        self.count += 1
        self.tensors[made.name] = made
        return made


class LayerCall:
    """The concrete ``vocabulary.Call``. ``storage`` is the prefix of its weights' identities."""

    __slots__ = (
        "_declared", "_lowering", "_start", "_trainable", "args", "dtype", "entry", "inputs", "storage", "written",
    )  # fmt: skip

    def __init__(
        self,
        entry: Entry,
        args: Mapping[str, Any],
        written: frozenset[str],
        inputs: tuple[Tensor | None, ...],
        dtype: DType,
        lowering: Lowering,
        storage: str,
        trainable: bool = True,
    ) -> None:
        self.entry, self.args, self.written = entry, args, written
        self.inputs, self.dtype = inputs, dtype
        self.storage = storage
        self._lowering, self._trainable = lowering, trainable
        self._start = len(lowering.steps)
        self._declared: list[Tensor] = []

    @property
    def framework(self) -> str:
        return self.entry.framework

    @property
    def type(self) -> str:
        return self.entry.name

    def shape(self, index: int = 0) -> Shape:
        """The shape of one input, without batch; fails for a missing input."""
        tensor = self.inputs[index] if index < len(self.inputs) else None
        if tensor is None:
            wanted = "an input" if index == 0 else f"{index + 1} inputs"
            self.fail(f"{self.type} needs {wanted}, {sum(one is not None for one in self.inputs)} given", "inputs")
        if tensor.shape is None:
            raise UnseenShape(f"the shape of its input {tensor.name} is not stated")
        return tensor.shape

    def weight(self, role: str, *shape: int, trainable: bool = True, buffer: bool = False) -> Weight:
        """A weight of this layer; its storage is the layer's own until ``shared_with`` ties it."""
        self._lowering.grow()
        for size in shape:
            if not isinstance(size, int):
                self.fail(f"the shape of {role} depends on {size or 'a size'} that is not fixed")
        return Weight(role, shape, self.dtype, self.storage + role, trainable and self._trainable, buffer)

    def output(self, shape: Sequence[Dim] | None, dtype: DType | None = None) -> Tensor:
        """An output whose computation has no lowering: the whole layer is one opaque step. None: unknown shape."""
        made = self._lowering.tensor(shape, dtype or self.dtype, self.inputs)
        self._declared.append(made)
        return made

    def step(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        shape: Sequence[Dim],
        attributes: Mapping[str, Any] | None = None,
        weights: Mapping[int, Weight] | None = None,
        dtype: DType | None = None,
    ) -> Tensor:
        """Append one ONNX operator to the lowering and return its output."""
        if dtype is None:
            first = inputs[0] if inputs else None
            passing = kind in _PASSING and first is not None and first.dtype in _INTEGERS
            dtype = first.dtype if passing and first is not None else self.dtype
        lowering = self._lowering
        made = lowering.tensor(shape, dtype, inputs)
        names = tuple(["" if tensor is None else tensor.name for tensor in inputs])
        lowering.steps.append(Step(kind, names, (made.name,), attributes or {}, weights or {}, lowering.layer))
        return made

    def also(self, shape: Sequence[Dim], dtype: DType | None = None) -> Tensor:
        """One more output of the operator appended last (the states of a recurrent one)."""
        lowering = self._lowering
        made = lowering.tensor(shape, dtype or self.dtype, self.inputs)
        last = lowering.steps[-1]
        lowering.steps[-1] = last._replace(outputs=(*last.outputs, made.name))
        return made

    def nested(self, value: Nested, inputs: Sequence[Tensor | None], name: str = "") -> Built:
        """Build a layer that stands inside this one; its roles come back prefixed with ``name.``."""
        self._lowering.grow()
        prefix = f"{name}." if name else ""
        call = LayerCall(
            value.entry,
            value.args,
            value.written,
            tuple(inputs),
            value.dtype or self.dtype,
            self._lowering,
            self.storage + prefix,
            self._trainable and value.trainable,
        )
        sound = len(self._lowering.flaws)
        try:
            built = value.entry.build(call)
        except (NestedError, UnseenShape):
            raise
        except LayerError as error:
            raise NestedError(error, value.node) from None
        call.close(built)
        for index, flaw in enumerate(self._lowering.flaws[sound:], sound):
            if not isinstance(flaw, NestedError):
                self._lowering.flaws[index] = NestedError(flaw, value.node)
        if not prefix:
            return built
        return built._replace(weights=tuple([one._replace(role=prefix + one.role) for one in built.weights]))

    def fail(self, message: str, argument: str | None = None, hint: str | None = None) -> NoReturn:
        """Refuse the configuration."""
        raise LayerError(message, argument, hint)

    def note(self, message: str, argument: str | None = None, hint: str | None = None) -> None:
        """Refuse something that leaves the outputs certain, so that what stands below is checked too."""
        self._lowering.flaws.append(LayerError(message, argument, hint))

    def close(self, built: Built) -> None:
        """Replace the steps by one opaque step where the layer declared its outputs."""
        if not self._declared:
            return
        lowering = self._lowering
        dropped = [name for step in lowering.steps[self._start :] for name in step.outputs]
        kept = {tensor.name for tensor in built.outputs if tensor is not None}
        for name in dropped:
            if name not in kept:
                lowering.tensors.pop(name, None)
        inputs = tuple(["" if tensor is None else tensor.name for tensor in self.inputs])
        outputs = tuple(["" if tensor is None else tensor.name for tensor in built.outputs])
        weights = {len(inputs) + index: weight for index, weight in enumerate(built.weights)}
        kind = f"{self.framework}::{self.type}"
        lowering.steps[self._start :] = [Step(kind, inputs, outputs, {}, weights, lowering.layer)]
