from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.ir import Step
from paramlint.measure import Measured
from paramlint.rules import Rule, rule
from paramlint.rules.steps import Graph, graph_of


@rule("PL405", "channel-alignment", Level.NOTE, "A channel count that vector units cannot fill")
class ChannelAlignment(Rule):
    """A convolution inside the network puts out a number of channels that is no multiple of the vector width.

    Why: kernels work on 4, 8 or 16 channels at a time and pad the rest, so that 60 channels cost what 64 do.
    The last layers are left alone: how many classes there are is not a choice.

    Fix: round the width up or down to the multiple. Option ``multiple``: what it should be a multiple of.

    Bad::

        framework: keras
        input: [16, 16, 3]
        layers:
          - {type: Conv2D, filters: 30, kernel_size: 3}
          - {type: Conv2D, filters: 10, kernel_size: 3}

    Good::

        framework: keras
        input: [16, 16, 3]
        layers:
          - {type: Conv2D, filters: 32, kernel_size: 3}
          - {type: Conv2D, filters: 10, kernel_size: 3}
    """

    options = {"multiple": 8}
    needs_shapes = True

    def check(self, measured: Measured) -> Iterable[Finding]:
        multiple = self.settings["multiple"]
        uneven = [(step, channels) for step, channels in _widths(measured) if multiple > 1 and channels % multiple]
        if not uneven:
            return
        graph = graph_of(measured)
        feeding = _feeding_another(graph)
        for step, channels in uneven:
            if id(step) in feeding:
                near = -(-channels // multiple) * multiple
                yield self.finding(
                    f"{graph.label(step)} puts out {channels} channels, no multiple of {multiple}",
                    graph.source(step),
                    layer=step.layer or None,
                    help=f"{near} channels cost the same time on a vector unit",
                )


def _widths(measured: Measured) -> Iterable[tuple[Step, int]]:
    """Ungrouped convolutions with their output channels."""
    for step in measured.model.steps:
        kernel = step.weights.get(1) if step.kind == "Conv" else None
        if kernel is not None and kernel.shape and step.attributes.get("group", 1) == 1:
            yield step, kernel.shape[0]


def _feeding_another(graph: Graph) -> set[int]:
    """Steps from whose output some other step with weights is reached, by identity: all but the last layers."""
    found: set[int] = set()
    wanted: set[str] = set()
    for step in reversed(graph.model.steps):
        if any(name in wanted for name in step.outputs):
            found.add(id(step))
        if id(step) in found or _has_kernel(step):
            wanted.update(name for name in step.inputs if name)
    return found


def _has_kernel(step: Step) -> bool:
    return step.kind in ("Conv", "ConvTranspose", "Gemm", "MatMul") and 1 in step.weights
