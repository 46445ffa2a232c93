"""The executed graph as the advice rules read it: who makes a tensor, who reads it, what layer it belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from paramlint.ir import Model, Shape, Source, Step
from paramlint.measure import Measured, Row

#: Operators that hand every element on unchanged.
PASSING = frozenset({"Identity", "Dropout", "Cast", "QuantizeLinear", "DequantizeLinear"})
DENSE = frozenset({"Gemm", "MatMul"})


class Graph:
    """Producers and consumers of one model's steps."""

    def __init__(self, measured: Measured) -> None:
        self.model: Model = measured.model
        self.producer: dict[str, Step] = {}
        self.readers: dict[str, list[Step]] = {}
        self.rows: dict[str, Row] = {row.layer.name: row for row in measured.rows}
        for step in self.model.steps:
            for name in step.outputs:
                self.producer[name] = step
            for name in step.inputs:
                if name:
                    self.readers.setdefault(name, []).append(step)

    def before(self, name: str) -> Step | None:
        """The step that makes a tensor, seen through those that only pass it on."""
        step = self.producer.get(name)
        for _ in range(len(self.model.steps)):
            if step is None or step.kind not in PASSING or not step.inputs:
                break
            step = self.producer.get(step.inputs[0])
        return step

    def behind(self, step: Step, kind: str) -> bool:
        """True when an operator of this kind stands on the way to a step, following first inputs."""
        found: Step | None = step
        for _ in range(len(self.model.steps)):
            found = self.producer.get(found.inputs[0]) if found is not None and found.inputs else None
            if found is None or found.kind == kind:
                break
        return found is not None and found.kind == kind

    def only_reader(self, name: str) -> Step | None:
        """The single step that reads a tensor which is no output of the model."""
        readers = self.readers.get(name, ())
        return readers[0] if len(readers) == 1 and name not in self.model.outputs else None

    def shape(self, name: str) -> Shape | None:
        """A tensor's shape without the batch."""
        tensor = self.model.tensors.get(name)
        if tensor is None or tensor.shape is None:
            return None
        return tensor.shape[1:] if self.model.batch_axis else tensor.shape

    def source(self, step: Step) -> Source:
        """Where the layer of a step stands."""
        row = self.rows.get(step.layer)
        if row is not None:
            return row.layer.source
        return self.model.source or Source("file", self.model.path)

    def label(self, step: Step) -> str:
        """How a message calls the step."""
        return step.layer or step.kind


def graph_of(measured: Measured) -> Graph:
    """The graph of a model; the rules that ask one after another get the same."""
    if not _made or _made[0][0] is not measured:
        _made[:] = [(measured, Graph(measured))]
    return _made[0][1]


#: The model that was asked for last, with its graph.
_made: list[tuple[Measured, Graph]] = []


def product(sizes: Iterable[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total
