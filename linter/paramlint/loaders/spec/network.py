"""The network as it is built: rows, steps and tensors in order, and what depends on what."""

from __future__ import annotations

from collections.abc import Sequence

from paramlint.formulas import amount
from paramlint.ir import DType, Formula, Layer, Source, Step, Tensor, Weight
from paramlint.loaders.spec.uses import Use
from paramlint.loaders.spec.vocabulary import Built, Entry

#: Layers that read numbers of rows or words: an input that nothing else reads is int32.
_TABLES = frozenset({"Embedding", "EmbeddingBag", "ReversibleEmbedding"})


class FormulaDefect(RuntimeError):
    """A vocabulary entry whose formula and weights disagree: a defect of the program, never of a file."""


class Network:
    """Collects what the expansion builds."""

    def __init__(self) -> None:
        self.rows: list[Layer] = []
        self.steps: list[Step] = []
        self.tensors: dict[str, Tensor] = {}
        self._made_from: dict[str, tuple[int, tuple[str, ...]]] = {}
        self._readers: dict[str, set[str]] = {}

    def enter(self, tensor: Tensor, stated: bool) -> None:
        """An input of the model."""
        self.tensors[tensor.name] = tensor
        if not stated:
            self._readers[tensor.name] = set()

    def add(
        self, name: str, entry: Entry, used: Use, inputs: Sequence[Tensor | None], source: Source, active: bool
    ) -> None:
        """One built layer."""
        built = used.built
        names = tuple([tensor.name for tensor in inputs if tensor is not None])
        for one in names:
            if one in self._readers:
                # an embedding that projects back multiplies features and reads no rows
                self._readers[one].add(entry.name if built.macs is None else "")
        outputs = tuple([tensor for tensor in used.outputs if tensor is not None])
        index = len(self.rows)
        for tensor in outputs:
            self._made_from[tensor.name] = (index, names)
        macs_formula = built.macs if isinstance(built.macs, Formula) else None
        row = Layer(
            name, entry.name, names, outputs, built.weights, amount(built.macs), source, built.params, macs_formula,
            active, unknown=built.unknown, group=name.rpartition(".")[0], notes=built.notes,
        )  # fmt: skip
        self.rows.append(row)
        self.steps += used.steps
        self.tensors.update(used.tensors)

    def join(self, step: Step, made: Tensor) -> None:
        """A step that belongs to no row of its own (the sum of parallel copies)."""
        self.steps.append(step)
        self.tensors[made.name] = made
        self._made_from[made.name] = (-1, step.inputs)

    def route(self, name: str, sources: Sequence[Tensor | None]) -> None:
        """Let the sum of copies of which only some work depend on what chooses them.

        That is whatever the call is given, and the layer before it: a router, whose output nothing else reads.
        """
        index, inputs = self._made_from[name]
        self._made_from[name] = (index, (*inputs, *[one.name for one in sources if one is not None]))

    def weights(self, index: int) -> tuple[Weight, ...]:
        return self.rows[index].weights

    def reach(self, outputs: Sequence[str]) -> set[str]:
        """Marks rows that no output depends on, and returns the tensors that some output depends on."""
        seen: set[str] = set()
        wanted = list(outputs)
        rows: set[int] = set()
        while wanted:
            name = wanted.pop()
            if name in seen:
                continue
            seen.add(name)
            if name in self._made_from:
                index, inputs = self._made_from[name]
                rows.add(index)
                wanted += inputs
        for index, row in enumerate(self.rows):
            if index not in rows:
                self.rows[index] = row._replace(reachable=False)
        return seen

    def settle_inputs(self) -> None:
        """Inputs without a stated type that feed only tables are int32."""
        for name, readers in self._readers.items():
            if readers and readers <= _TABLES:
                self.tensors[name] = self.tensors[name]._replace(dtype=DType.INT32)


def check_formula(name: str, entry: Entry, built: Built) -> None:
    """Hold the formula against the weights' shapes; a difference is a defect and ends the reading."""
    if built.unknown:
        return
    counted = {weight.storage: weight.elements for weight in built.weights if not weight.buffer}
    total = sum(counted.values())
    stated = built.params.value if built.params is not None else 0
    if total != stated:
        raise FormulaDefect(
            f"{entry.framework} {entry.name} ({name}): the formula gives {stated}, the weights hold {total} "
            f"({', '.join(f'{weight.role} {list(weight.shape)}' for weight in built.weights)})"
        )
