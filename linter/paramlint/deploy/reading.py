"""What an operator's conversion sees of the network: its attributes, its operands and how they lie in memory."""

from __future__ import annotations

from typing import Any, NamedTuple

from paramlint.deploy import layout
from paramlint.deploy.draft import Fixed, Value, scalar
from paramlint.deploy.layout import Order
from paramlint.ir import Dim, Model, Shape, Step, Tensor


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


class Reading:
    """One pass over the steps; ``step`` is the one that is converted now."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.keras = model.framework == "keras"
        self.step: Step = Step("", (), ())
        self.views: dict[str, View] = {}
        self.constants: dict[str, Fixed] = {}  # results that are known before anything runs
        self.wishes: dict[str, Order] = {}  # how its readers want a tensor to lie
        self.readers: dict[str, int] = {}  # how many steps read a name
        self._lead: tuple[Dim, ...] = () if model.batch_axis else (1,)

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

    def scale(self) -> tuple[Any, ...]:
        """Scale and zero point of the current (De)QuantizeLinear, by value where they are small."""
        found = []
        for index in (1, 2):
            weight = self.step.weights.get(index)
            found.append(self.step.values.get(index, weight.storage if weight is not None else None))
        return tuple(found)

    def windowed(self, rank: int) -> Order:
        """How a convolution or pooling wants its input to lie."""
        stated = self.get("layout", "")
        return layout.identity(rank) if str(stated).endswith("C") else layout.channels_last(rank)
