from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.ir import Step, Weight
from paramlint.measure import Measured
from paramlint.quantities import grouped
from paramlint.rules import Rule, rule
from paramlint.rules.steps import DENSE, Graph, graph_of


@rule("PL406", "untied-embeddings", Level.NOTE, "A head as large as the embedding, with weights of its own")
class UntiedEmbeddings(Rule):
    """The output layer of a language model has the embedding table's shape and weights of its own.

    Why: the two are often tied (the head reads the table transposed), which saves a table's worth of parameters;
    exporters also untie them by writing the table twice (PL006 finds equal copies).

    Fix: ``shared_with: NAME`` on the head. Option ``rows``: tables smaller than this are left alone.

    Bad::

        framework: pytorch
        input: [16]
        layers:
          - {type: Embedding, num_embeddings: 2000, embedding_dim: 32, name: table}
          - {type: Linear, in_features: 32, out_features: 2000, bias: false}

    Good::

        framework: pytorch
        input: [16]
        layers:
          - {type: Embedding, num_embeddings: 2000, embedding_dim: 32, name: table}
          - {type: Linear, in_features: 32, out_features: 2000, bias: false, shared_with: table}
    """

    options = {"rows": 1000}
    needs_shapes = True

    def check(self, measured: Measured) -> Iterable[Finding]:
        graph = graph_of(measured)
        tables = [table for step in measured.model.steps for table in _tables(step) if table.shape[0] >= self._rows]
        for step in measured.model.steps:
            head = step.weights.get(1) if step.kind in DENSE else None
            if head is None or len(head.shape) != 2:
                continue
            twin = next((table for table in tables if sorted(table.shape) == sorted(head.shape)), None)
            tied = any(table.storage == head.storage for table in tables)
            if twin is None or tied or not self._is_head(graph, step, twin.shape[0]):
                continue
            size = f"{twin.shape[0]} × {twin.shape[1]}"
            yield self.finding(
                f"{graph.label(step)} has the embedding's shape ({size}) and weights of its own",
                graph.source(step),
                layer=step.layer or None,
                help=f"tying them saves {grouped(head.elements)} parameters",
            )

    @property
    def _rows(self) -> int:
        return self.settings["rows"]

    def _is_head(self, graph: Graph, step: Step, rows: int) -> bool:
        """True for a layer that scores every row of the table: its last axis is as long as the table."""
        shape = graph.shape(step.outputs[0])
        return shape is not None and bool(shape) and shape[-1] == rows


def _tables(step: Step) -> list[Weight]:
    """Tables that the step looks rows up in."""
    table = step.weights.get(0) if step.kind == "Gather" else None
    return [table] if table is not None and len(table.shape) == 2 else []
