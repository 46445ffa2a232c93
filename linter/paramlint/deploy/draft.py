"""The network while it is converted: operators and values that passes rewrite.

Names of builtins, options and shapes are already TensorFlow Lite's (batch in front, channels last); what is still to
come is folding, then element types (``types``), then the frozen view (``finish``).
"""

from __future__ import annotations

from typing import Any

from paramlint.ir import Dim, DType

FLOATS = (DType.FLOAT32, DType.FLOAT16, DType.FLOAT64, DType.BFLOAT16)


class Fixed:
    """A constant operand. ``storage`` is its identity; ``scalar`` its value, where it is one known number.

    ``learned`` marks a parameter; a scalar or a list of axes that an exporter wrote is none.
    """

    __slots__ = ("dtype", "learned", "scalar", "shape", "storage")

    def __init__(
        self, shape: tuple[int, ...], dtype: DType, storage: str, learned: bool = True, scalar: float | None = None
    ) -> None:
        self.shape, self.dtype, self.storage, self.learned, self.scalar = shape, dtype, storage, learned, scalar

    @property
    def elements(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def wide(self) -> int:
        """How long the last axis is."""
        return self.shape[-1] if self.shape else 1

    @property
    def per_channel(self) -> bool:
        """True where it varies along the last axis at most."""
        return self.elements == self.wide

    @property
    def zero(self) -> bool:
        """True where nothing but zeros is held."""
        return self.storage.startswith(_ZEROS)

    def folded(self, other: Fixed, shape: tuple[int, ...] | None = None) -> Fixed:
        """This constant with another one worked into it."""
        return Fixed(self.shape if shape is None else shape, self.dtype, f"{self.storage} * {other.storage}", True)


def numbers(values: tuple[int, ...], shape: tuple[int, ...] | None = None) -> Fixed:
    """A list of axes, sizes or paddings; equal ones are one tensor."""
    sizes = (len(values),) if shape is None else shape
    return Fixed(sizes, DType.INT32, f"int32 {sizes} {values}", False)


_ZEROS = "zeros "


def zeros(count: int, dtype: DType) -> Fixed:
    """The bias of a layer that has none; equal ones are one tensor."""
    return Fixed((count,), dtype, f"{_ZEROS}{count}")


def content(storage: str) -> str:
    """What a constant holds: zeros that are told apart by their scales are stored once all the same."""
    return " ".join(storage.split(" ", 2)[:2]) if storage.startswith(_ZEROS) else storage


def scalar(value: float) -> Fixed:
    """One number; equal ones are one tensor."""
    return Fixed((), DType.FLOAT32, f"float32 {value!r}", False, value)


class Value:
    """A tensor that flows. ``users`` count how often each operator reads it; an output of the network is read once
    more."""

    __slots__ = ("dtype", "inner", "name", "node", "outputs", "shape", "users")

    def __init__(self, name: str, shape: tuple[Dim, ...] | None, dtype: DType) -> None:
        self.name, self.shape, self.dtype = name, shape, dtype
        self.node: Node | None = None
        self.users: dict[Node, int] = {}
        self.outputs = 0
        self.inner = True  # no tensor of the source: made in the middle of a conversion

    @property
    def once(self) -> bool:
        """True where exactly one operand of one operator reads it."""
        if self.outputs:
            return False
        return len(self.users) == 1 and next(iter(self.users.values())) == 1

    @property
    def rank(self) -> int:
        return len(self.shape or ())


class Node:
    """One operator. ``inputs`` are values, constants, or None where an operand is left out."""

    __slots__ = ("alive", "domain", "inputs", "kind", "layer", "onnx", "options", "outputs", "place", "queued")

    def __init__(self, kind: str, inputs: list[Value | Fixed | None], onnx: str, layer: str, place: int) -> None:
        self.kind, self.inputs, self.onnx, self.layer, self.place = kind, inputs, onnx, layer, place
        self.options: dict[str, Any] = {}
        self.outputs: list[Value] = []
        self.domain = ""
        self.alive = True
        self.queued = False

    @property
    def made(self) -> Value:
        return self.outputs[0]

    @property
    def activation(self) -> str:
        return str(self.options.get("activation", ""))

    def source(self, index: int = 0) -> Node | None:
        """The operator that makes one operand."""
        operand = self.inputs[index] if index < len(self.inputs) else None
        return operand.node if isinstance(operand, Value) else None

    def fixed(self, index: int) -> Fixed | None:
        operand = self.inputs[index] if index < len(self.inputs) else None
        return operand if isinstance(operand, Fixed) else None

    def value(self, index: int = 0) -> Value | None:
        operand = self.inputs[index] if index < len(self.inputs) else None
        return operand if isinstance(operand, Value) else None


class Draft:
    """All operators so far, the network's inputs and outputs, and what could not be converted."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.scales: dict[str, int] = {}  # by storage: how many scales a quantised graph states
        self.unknown: dict[str, None] = {}
        self.assumed: dict[str, None] = {}

    def add(
        self, kind: str, inputs: list[Value | Fixed | None], outputs: list[Value], onnx: str, layer: str, place: int
    ) -> Node:
        """Append an operator and note what it reads."""
        node = Node(kind, inputs, onnx, layer, place)
        node.outputs = outputs
        for value in outputs:
            value.node = node
        for operand in inputs:
            if isinstance(operand, Value):
                operand.users[node] = operand.users.get(node, 0) + 1
        self.nodes.append(node)
        return node

    def drop(self, node: Node) -> None:
        """Remove an operator, and those that then make nothing anybody reads."""
        waiting = [node]
        while waiting:
            gone = waiting.pop()
            if not gone.alive:
                continue
            gone.alive = False
            for operand in gone.inputs:
                if isinstance(operand, Value) and gone in operand.users:
                    del operand.users[gone]
                    maker = operand.node
                    if maker is not None and not any(one.users or one.outputs for one in maker.outputs):
                        waiting.append(maker)

    def rewire(self, node: Node, index: int, operand: Value | Fixed | None) -> None:
        """Let an operator read something else."""
        before = node.inputs[index]
        node.inputs[index] = operand
        if isinstance(operand, Value):
            operand.users[node] = operand.users.get(node, 0) + 1
        if isinstance(before, Value):
            before.users[node] -= 1
            if not before.users[node]:
                del before.users[node]
            if before.node is not None and not any(one.users or one.outputs for one in before.node.outputs):
                self.drop(before.node)

    def replace(self, value: Value, other: Value) -> None:
        """Let everything that reads ``value`` read ``other``."""
        for node, count in value.users.items():
            node.inputs = [other if operand is value else operand for operand in node.inputs]
            other.users[node] = other.users.get(node, 0) + count
        value.users = {}
        if value.outputs:
            other.outputs += value.outputs
            value.outputs = 0
            self.outputs = [other if one is value else one for one in self.outputs]
            if other.node is not None:
                other.name = value.name
        if value.node is not None and not any(one.users or one.outputs for one in value.node.outputs):
            self.drop(value.node)

    def become(self, node: Node, kind: str, inputs: list[Value | Fixed | None]) -> None:
        """Make another operator of it, on other operands; what led to it falls away where nothing else reads it."""
        before = [operand for operand in node.inputs if isinstance(operand, Value)]
        node.kind, node.inputs, node.options = kind, inputs, {}
        for operand in inputs:
            if isinstance(operand, Value):
                operand.users[node] = operand.users.get(node, 0) + 1
        for operand in before:
            operand.users[node] -= 1
            if not operand.users[node]:
                del operand.users[node]
            maker = operand.node
            if maker is not None and not any(one.users or one.outputs for one in maker.outputs):
                self.drop(maker)

    def merge(self, into: Node, node: Node) -> None:
        """Let the operator in front make what ``node`` made; nobody else reads what it made itself."""
        old = into.made
        into.outputs = node.outputs
        into.outputs[0].node = into
        into.outputs[0].inner = into.outputs[0].inner and old.inner
        node.outputs = []
        node.alive = False
        for operand in node.inputs:
            if isinstance(operand, Value):
                operand.users.pop(node, None)

    def sweep(self) -> None:
        """Remove what nobody reads: what a conversion had written before it gave up, and what a merge left behind."""
        for node in reversed(self.nodes):
            for value in node.outputs:
                if value.users or value.outputs:
                    break
            else:
                self.drop(node)

    def ordered(self) -> list[Node]:
        """The operators that are left, in order."""
        return sorted([node for node in self.nodes if node.alive], key=_place)


def _place(node: Node) -> int:
    return node.place
