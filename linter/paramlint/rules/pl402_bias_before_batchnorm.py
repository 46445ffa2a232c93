from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.quantities import grouped
from paramlint.rules import Rule, rule
from paramlint.rules.steps import Graph

#: Operators with a bias that normalisation cancels.
BIASED = frozenset({"Conv", "ConvTranspose", "Gemm"})


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
        graph = Graph(measured)
        off = "bias: false" if measured.model.framework == "pytorch" else "use_bias: false"
        for step in measured.model.steps:
            bias = step.weights.get(2) if step.kind in BIASED else None
            reader = graph.only_reader(step.outputs[0]) if bias is not None else None
            if bias is None or reader is None or reader.kind != "BatchNormalization":
                continue
            yield self.finding(
                f"the bias of {graph.label(step)} ({grouped(bias.elements)} parameters) is cancelled by "
                f"the BatchNormalization behind it",
                graph.source(step),
                layer=step.layer or None,
                help=f"{off} leaves it out",
            )
