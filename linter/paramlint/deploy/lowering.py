"""How an operator's conversion writes TensorFlow Lite's operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from paramlint.deploy import layout
from paramlint.deploy.draft import Draft, Fixed, Value, numbers
from paramlint.deploy.layout import Order
from paramlint.deploy.reading import Operand as Operand
from paramlint.deploy.reading import Reading
from paramlint.deploy.reading import Unconverted as Unconverted
from paramlint.deploy.reading import View as View
from paramlint.ir import Dim, DType, Model

#: Flags of an operator and what they say.
Options = Mapping[str, Any]


class Lowering(Reading):
    """Writes operators, each once, with their operands laid out as they are wanted."""

    def __init__(self, model: Model, draft: Draft) -> None:
        super().__init__(model)
        self.draft = draft
        self.place = 0
        self.scales: dict[int, tuple[Any, ...]] = {}  # by id of the value: scale and zero point
        self.windows: dict[tuple[Any, ...], Any] = {}  # by what a step says of its window
        self._known: dict[tuple[Any, ...], Value] = {}
        self._keys: dict[int, tuple[Any, ...]] = {}  # of reductions, which may still change
        self._turned: dict[tuple[int, Order], Value] = {}

    def emit(
        self,
        kind: str,
        inputs: Sequence[Value | Fixed | None],
        shape: Sequence[Dim],
        options: Options | None = None,
        dtype: DType | None = None,
        place: int | None = None,
    ) -> Value:
        """Append an operator with one output; an equal one without weights on the same inputs runs once."""
        for one in inputs:
            if isinstance(one, Fixed) and one.learned:
                return self._append(kind, inputs, (shape,), options, dtype, place)[0]
        key = self._key(kind, inputs, shape, options)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._append(kind, inputs, (shape,), options, dtype, place)[0]
            if options and "axes" in options:
                self._keys[id(found)] = key
        return found

    def forget(self, value: Value) -> None:
        """A reduction that was written anew: an equal one later is not this one."""
        key = self._keys.pop(id(value), None)
        if key is not None:
            del self._known[key]

    def emit_several(
        self, kind: str, inputs: Sequence[Value | Fixed | None], shapes: Sequence[Sequence[Dim]],
        options: Options | None = None,
    ) -> list[Value]:  # fmt: skip
        """Append an operator with any number of outputs."""
        return self._append(kind, inputs, shapes, options, None, None)

    def _append(
        self, kind: str, inputs: Sequence[Value | Fixed | None], shapes: Sequence[Sequence[Dim]],
        options: Options | None, dtype: DType | None, place: int | None,
    ) -> list[Value]:  # fmt: skip
        step = self.step
        name = step.outputs[0] if step.outputs else kind
        if dtype is None:
            dtype = self._dtype(name, inputs)
        made = [Value(name, tuple(shape), dtype) for shape in shapes]
        onnx = step.kind
        at = self.place if place is None else place
        node = self.draft.add(kind, list(inputs), made, onnx, step.layer or onnx, at)
        if "::" in onnx:
            node.domain, _, node.onnx = onnx.partition("::")
        if options:
            node.options.update(options)
        return made

    def _dtype(self, name: str, inputs: Sequence[Value | Fixed | None]) -> DType:
        """That of the step's output where it is known; a quantised operand counts as what it stands for."""
        tensor = self.model.tensors.get(name)
        if tensor is not None and tensor.dtype is not DType.UNDEFINED:
            return tensor.dtype
        return next((one.dtype for one in inputs if isinstance(one, Value)), DType.FLOAT32)

    @staticmethod
    def _key(
        kind: str, inputs: Sequence[Value | Fixed | None], shape: Sequence[Dim], options: Options | None
    ) -> tuple[Any, ...]:
        parts: list[Any] = [kind, tuple(shape)]
        parts += [one.storage if isinstance(one, Fixed) else one for one in inputs]
        if options:
            parts += options.items()
        return tuple(parts)

    def bind(self, made: View, index: int = 0) -> None:
        """Say that the step's output is this."""
        name = self.step.outputs[index]
        self.views[name] = made
        made.value.inner = False
        if made.value.node is not None and made.value.node.place == self.place:
            made.value.name = name

    def result(self, value: Value, order: Order | None = None, turned: int | None = None, index: int = 0) -> None:
        """Bind an output to a value that was just made."""
        self.bind(View(value, layout.identity(value.rank) if order is None else order, turned), index)

    def ordered(self, view: View, want: Order) -> Value:
        """The value with its axes in memory as wanted; a Transpose where they lie otherwise."""
        if view.order == want:
            return view.value
        have = view.value.shape or ()
        place = {axis: index for index, axis in enumerate(view.order)}
        perm = tuple([place[axis] for axis in want])
        shape = tuple([have[index] for index in perm])
        moved = [index for index in perm if have[index] != 1]
        if moved == sorted(moved):
            return view.value if shape == have else self.emit("RESHAPE", [view.value, sizes(shape)], shape)
        key = (id(view.value), perm)
        if key not in self._turned:
            inputs: list[Value | Fixed | None] = [view.value, numbers(perm)]
            made = self.emit("TRANSPOSE", inputs, shape, {"perm": perm}, view.value.dtype, view.turned)
            self._turned[key] = made
        return self._turned[key]

    def plain(self, view: View) -> Value:
        """The value with its axes as the source has them."""
        return self.ordered(view, layout.identity(len(view.order)))

    def aligned(self, constant: Fixed, order: Order) -> Fixed:
        """A constant operand of an elementwise operator, its axes turned as those of the other operand."""
        rank = len(order)
        if len(constant.shape) > rank or (constant.elements == 1 and not constant.shape):
            return constant
        shape = (*(1,) * (rank - len(constant.shape)), *constant.shape)
        turned = [shape[axis] for axis in order]
        while len(turned) > 1 and turned[0] == 1:
            turned.pop(0)
        return Fixed(tuple(turned), constant.dtype, constant.storage, constant.learned, constant.scalar)


def sizes(shape: Sequence[Dim]) -> Fixed:
    """A shape as an operand; free sizes are -1."""
    return numbers(tuple([size if isinstance(size, int) else -1 for size in shape]))
