from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.quantities import grouped
from paramlint.rules import Rule, rule
from paramlint.rules.steps import graph_of

#: What a BatchNormalization behind it can be folded into.
FOLDS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})


@rule("PL403", "unfolded-batchnorm", Level.NOTE, "An exported BatchNormalization that could be folded")
class UnfoldedBatchNorm(Rule):
    """An exported graph still runs a BatchNormalization behind a layer that could take it in.

    Why: at inference it is a fixed scale and shift of each channel, which folds into the kernel and bias before it:
    fewer parameters, one operator and one buffer less. A YAML architecture is the network as it is trained, so
    the rule looks at ONNX only.

    Fix: export in evaluation mode with constant folding, or run an optimiser over the graph.

    Bad::

        <ir_version: 8, opset_import: ["" : 13]>
        unfolded (float[1,1,4,4] x) => (float[1,1,4,4] y)
        <float[1,1,1,1] w = {2.0}, float[1] s = {1.0}, float[1] b = {0.0}, float[1] m = {0.0}, float[1] v = {1.0}>
        { c = Conv (x, w)
          y = BatchNormalization (c, s, b, m, v) }

    Good::

        <ir_version: 8, opset_import: ["" : 13]>
        folded (float[1,1,4,4] x) => (float[1,1,4,4] y)
        <float[1,1,1,1] w = {2.0}, float[1] b = {0.0}>
        { y = Conv (x, w, b) }
    """

    needs_shapes = True

    def check(self, measured: Measured) -> Iterable[Finding]:
        if measured.model.format != "onnx":
            return
        graph = graph_of(measured)
        for step in measured.model.steps:
            if step.kind != "BatchNormalization":
                continue
            before = graph.producer.get(step.inputs[0])
            if before is None or before.kind not in FOLDS or graph.only_reader(before.outputs[0]) is not step:
                continue
            held = sum(weight.elements for weight in step.weights.values())
            yield self.finding(
                f"{graph.label(step)} could be folded into {graph.label(before)}: {grouped(held)} numbers less",
                graph.source(step),
                layer=step.layer or None,
            )
