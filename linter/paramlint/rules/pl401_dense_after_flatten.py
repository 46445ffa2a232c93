from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.ir import Step
from paramlint.measure import Measured
from paramlint.quantities import grouped, percent
from paramlint.rules import Rule, rule
from paramlint.rules.steps import DENSE, Graph, graph_of, product


@rule("PL401", "dense-after-flatten", Level.NOTE, "A dense layer behind Flatten holds much of the model")
class DenseAfterFlatten(Rule):
    """A dense layer reads a flattened feature map and holds a large share of all parameters.

    Why: its kernel has a weight for each position of the map, so it grows with the image and is the usual reason
    for a parameter budget that breaks; the positions are rarely worth it.

    Fix: pool over the positions first (global average pooling), or reduce the map by a strided convolution. Option
    ``share``: per cent of all parameters from which on the rule speaks.

    Bad::

        framework: keras
        input: [16, 16, 3]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3}
          - Flatten
          - {type: Dense, units: 10}

    Good::

        framework: keras
        input: [16, 16, 3]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3}
          - GlobalAveragePooling2D
          - {type: Dense, units: 10}
    """

    options = {"share": 50}
    needs_shapes = True

    def check(self, measured: Measured) -> Iterable[Finding]:
        graph = graph_of(measured)
        total = measured.total("params").value or 0
        for step in measured.model.steps:
            kernel = step.weights.get(1) if step.kind in DENSE else None
            if kernel is None or kernel.elements * 100 < total * self.settings["share"]:
                continue
            flat = graph.before(step.inputs[0])
            if flat is not None and flat.kind in ("Flatten", "Reshape") and graph.behind(flat, "Conv"):
                yield from self._judge(graph, step, flat, kernel.elements, total)

    def _judge(self, graph: Graph, step: Step, flat: Step, weights: int, total: int) -> Iterable[Finding]:
        shape, after = graph.shape(flat.inputs[0]), graph.shape(flat.outputs[0])
        if shape is None or len(shape) < 2 or after is None or len(after) != 1:
            return
        sizes = [size for size in shape if isinstance(size, int)]
        channels = sizes[-1] if graph.model.framework == "keras" else sizes[0] if sizes else 0
        if len(sizes) < len(shape) or product(sizes) != after[0] or channels in (0, product(sizes)):
            return
        positions = product(sizes) // channels
        yield self.finding(
            f"{graph.label(step)} behind Flatten holds {grouped(weights)} of {grouped(total)} parameters "
            f"({percent(weights, total)}), one kernel for each of {grouped(positions)} positions",
            graph.source(step),
            layer=step.layer or None,
            help=f"global average pooling in place of Flatten leaves {grouped(weights // positions)} weights in it",
        )
