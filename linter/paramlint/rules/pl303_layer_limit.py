from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.rules import rule
from paramlint.rules.target_rule import TargetRule


@rule("PL303", "layer-limit", Level.ERROR, "A layer, or the whole network, breaks a limit of the target's hardware")
class LayerLimit(TargetRule):
    """A layer has a size that the target's accelerator does not take, or the network has too many layers or weights.

    Why: accelerators are built for some shapes: the MAX78000 has no depthwise convolution, no stride 2 and 32 layers.
    Where the core takes such an operator instead, the finding is a warning.

    Fix: the message says the limit and the number that breaks it. Use pooling for a stride, a full convolution for a
    depthwise one, or several small kernels for a large one.

    Bad::

        # --target max78000
        framework: keras
        dtype: int8
        input: [32, 32, 3]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3, strides: 2, padding: same}

    Good::

        # --target max78000
        framework: keras
        dtype: int8
        input: [32, 32, 3]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3, padding: same}
          - {type: MaxPooling2D, pool_size: 2}
    """

    alike = ("layer", "op", "runs_on")

    def check(self, measured: Measured) -> Iterable[Finding]:
        for cause in self.causes(measured, "limit"):
            one = cause.first
            reasons = "; ".join(dict.fromkeys(verdict.reason for verdict in cause.verdicts))
            what = f"{one.op} breaks a limit: {reasons}" if one.op else reasons
            elsewhere = f"; {one.runs_on} takes it" if one.runs_on and one.op else ""
            level = Level.WARNING if one.runs_on else None
            yield self.complain(measured, cause, f"{what}{elsewhere}", level=level)
