"""What an operator's conversion sees of the network, and how it writes TensorFlow Lite's operators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from paramlint.deploy import layout
from paramlint.deploy.draft import Draft, Fixed, Value, numbers, scalar
from paramlint.deploy.layout import Order
from paramlint.ir import Dim, DType, Model, Shape, Step, Tensor

#: Flags of an operator and what they say.
Options = Mapping[str, Any]


class Unconverted(Exception):
    """The converted form of this operator is not known; the reason is one phrase for the user."""


class View(NamedTuple):
    """A source tensor as it lies in memory: the value that holds it and the order of the source's axes in it.

    ``turned`` is the place of the Transpose that gave it an order other than the source's; None where a convolution
    did.
    """

    value: Value
    order: Order
    turned: int | None = None

    @property
    def plain(self) -> bool:
        return self.order == layout.identity(len(self.order))


Operand = View | Fixed


class Lowering:
    """One pass over the steps; ``step`` is the one that is converted now."""

    def __init__(self, model: Model, draft: Draft) -> None:
        self.model, self.draft = model, draft
        self.keras = model.framework == "keras"
        self.views: dict[str, View] = {}
        self.constants: dict[str, Fixed] = {}  # results that are known before anything runs
        self.wishes: dict[str, Order] = {}  # how its readers want a tensor to lie
        self.step: Step = Step("", (), ())
        self.place = 0
        self.readers: dict[str, int] = {}  # how many steps read a name
        self._lead: tuple[Dim, ...] = () if model.batch_axis else (1,)
        self.scales: dict[int, tuple[Any, ...]] = {}  # by id of the value: scale and zero point
        self._known: dict[tuple[Any, ...], Value] = {}
        self._keys: dict[int, tuple[Any, ...]] = {}  # of reductions, which may still change
        self._turned: dict[tuple[int, Order], Value] = {}
        self.windows: dict[tuple[Any, ...], Any] = {}  # by what a step says of its window

    # -- what the step says ----------------------------------------------------------------------------------------

    def tensor(self, name: str) -> Tensor:
        tensor = self.model.tensors.get(name)
        if tensor is None or tensor.shape is None:
            raise Unconverted(f"the shape of {name} is not known")
        return tensor

    def shape(self, name: str) -> Shape:
        """The source's shape, batch included."""
        found = self.tensor(name).shape
        assert found is not None  # tensor() has refused it
        return (*self._lead, *found)

    def out(self, index: int = 0) -> Shape:
        return self.shape(self.step.outputs[index])

    def source(self, index: int = 0) -> Shape:
        """The source's shape of one operand, constant or not."""
        name = self.step.inputs[index]
        if name:
            return self.shape(name)
        return self.step.weights[index].shape

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute."""
        return self.step.attributes.get(name, default)

    def setting(self, name: str, index: int) -> tuple[Any, ...] | None:
        """What an attribute says, or the constant operand that newer versions of ONNX have in its place."""
        found = self.step.attributes.get(name)
        if found is None:
            found = self.step.values.get(index)
        if found is None:
            return None
        return tuple(found) if isinstance(found, (tuple, list)) else (found,)

    def number(self, index: int, name: str = "other") -> float | None:
        """A constant operand that is one known number."""
        found = self.step.values.get(index)
        if found is not None and len(found) == 1 and isinstance(found[0], (int, float)):
            return float(found[0])
        stated = self.step.attributes.get(name) if index else None
        return float(stated) if isinstance(stated, (int, float)) else None

    def operand(self, index: int) -> Operand | None:
        """A flowing tensor or a constant; None where it is left out."""
        inputs = self.step.inputs
        if index < len(inputs) and inputs[index]:
            return self.constants.get(inputs[index]) or self.view(inputs[index])
        weight = self.step.weights.get(index)
        if weight is None:
            return None
        value = self.number(index) if weight.elements == 1 else None
        learned = weight.role != "constant"
        if not learned and value is not None:
            return scalar(value)
        return Fixed(weight.shape, weight.dtype, weight.storage, learned, value)

    def view(self, name: str) -> View:
        found = self.views.get(name)
        if found is None:
            raise Unconverted(f"{name} is made inside a control flow body")
        if found.value.shape is None:
            raise Unconverted(f"the shape of {name} is not known")
        return found

    def flow(self, index: int = 0) -> View:
        """An operand that must be a flowing tensor."""
        found = self.operand(index)
        if not isinstance(found, View):
            raise Unconverted(f"{self.step.kind} of a constant")
        return found

    def fixed(self, index: int) -> Fixed | None:
        """A constant operand; None where it is left out."""
        found = self.operand(index)
        if isinstance(found, View):
            raise Unconverted(f"{self.step.kind} whose operand {index} is computed")
        return found

    # -- what the conversion writes ----------------------------------------------------------------------------------

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

    def scale(self) -> tuple[Any, ...]:
        """Scale and zero point of the current (De)QuantizeLinear, by value where they are small."""
        found = []
        for index in (1, 2):
            weight = self.step.weights.get(index)
            found.append(self.step.values.get(index, weight.storage if weight is not None else None))
        return tuple(found)

    # -- layouts -----------------------------------------------------------------------------------------------------

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

    def windowed(self, rank: int) -> Order:
        """How a convolution or pooling wants its input to lie."""
        stated = self.get("layout", "")
        return layout.identity(rank) if str(stated).endswith("C") else layout.channels_last(rank)

    def aligned(self, constant: Fixed, order: Order) -> Fixed:
        """A constant operand of an elementwise operator, its axes turned as those of the other operand."""
        rank = len(order)
        if len(constant.shape) > rank or constant.elements == 1 and not constant.shape:
            return constant
        shape = (*(1,) * (rank - len(constant.shape)), *constant.shape)
        turned = [shape[axis] for axis in order]
        while len(turned) > 1 and turned[0] == 1:
            turned.pop(0)
        return Fixed(tuple(turned), constant.dtype, constant.storage, constant.learned, constant.scalar)


def sizes(shape: Sequence[Dim]) -> Fixed:
    """A shape as an operand; free sizes are -1."""
    return numbers(tuple([size if isinstance(size, int) else -1 for size in shape]))
