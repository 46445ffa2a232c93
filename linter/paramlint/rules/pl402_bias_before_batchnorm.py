from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.ir import Step, Weight
from paramlint.measure import Measured
from paramlint.quantities import grouped
from paramlint.rules import Rule, rule
from paramlint.rules.steps import Graph, graph_of

#: Operators with a bias of their own, and those whose bias an Add behind them may hold.
BIASED = frozenset({"Conv", "ConvTranspose", "Gemm"})
KERNELS = BIASED | {"MatMul"}


@rule("PL402", "bias-before-batchnorm", Level.NOTE, "A bias right before BatchNormalization does nothing")
class BiasBeforeBatchNorm(Rule):
    """A layer adds a bias, and the only thing that reads it is a BatchNormalization.

    Why: the normalisation subtracts the mean of each channel and with it the bias; its own shift takes that place.
    The bias is trained, stored and does nothing.

    Fix: ``use_bias: false`` in Keras, ``bias: false`` in PyTorch.

    Bad::

        framework: keras
        input: [16, 16, 3]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3}
          - BatchNormalization

    Good::

        framework: keras
        input: [16, 16, 3]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3, use_bias: false}
          - BatchNormalization
    """

    needs_shapes = True

    def check(self, measured: Measured) -> Iterable[Finding]:
        graph = graph_of(measured)
        off = "bias: false" if measured.model.framework == "pytorch" else "use_bias: false"
        for step in measured.model.steps:
            bias = _own(step) or _added(graph, step)
            reader = graph.only_reader(step.outputs[0]) if bias is not None else None
            if bias is None or reader is None or reader.kind != "BatchNormalization":
                continue
            if _axis(graph, step, bias) != reader.attributes.get("axis", 1):
                continue  # the mean is taken across the channels of the bias, so it does not cancel
            yield self.finding(
                f"the bias of {graph.label(step)} ({grouped(bias.elements)} parameters) is cancelled by "
                f"the BatchNormalization behind it",
                graph.source(step),
                layer=step.layer or None,
                help=f"{off} leaves it out",
            )


def _own(step: Step) -> Weight | None:
    return step.weights.get(2) if step.kind in BIASED else None


def _added(graph: Graph, step: Step) -> Weight | None:
    """The bias that an Add right behind a kernel holds: one number for each channel."""
    place = next(iter(step.weights), None) if step.kind == "Add" else None
    if place is None or len(step.inputs) != 2:
        return None
    before, bias = graph.producer.get(step.inputs[1 - place]), step.weights[place]
    if before is None or before.kind not in KERNELS or 1 not in before.weights or not bias.shape:
        return None
    return bias if bias.elements == max(bias.shape) > 1 else None


def _axis(graph: Graph, step: Step, bias: Weight) -> int | None:
    """The axis of the output along which the bias lies; the batch is axis 0."""
    shape = graph.shape(step.outputs[0])
    if shape is None:
        return None
    last = len(shape)
    if step.kind == "Add":
        return last + 1 - len(bias.shape) + bias.shape.index(bias.elements)
    return last if step.kind == "Gemm" or str(step.attributes.get("layout", "")).endswith("C") else 1
