from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.rules import rule
from paramlint.rules.target_rule import TargetRule


@rule("PL301", "unsupported-op", Level.ERROR, "An operator that the target cannot run")
class UnsupportedOp(TargetRule):
    """The deployed network has an operator that no runtime or accelerator of the target lists.

    Why: the model loads nowhere. TFLite Micro refuses it when the operators are registered; an accelerator's compiler
    when it reads the graph. The message names the list, and where it comes from.

    Fix: replace the layer by one that the list has (a hard swish for a swish, a dense layer for a GRU), or take
    a target whose runtime has it: ``paramlint targets NAME`` shows the lists of a target.

    Bad::

        # --target stm32f746
        framework: keras
        input: [16]
        layers:
          - {type: Dense, units: 8}
          - {type: Custom, params: 0, macs: 0, output: [8]}

    Good::

        # --target stm32f746
        framework: keras
        input: [16]
        layers:
          - {type: Dense, units: 8}
          - ReLU
    """

    alike = ("layer", "op", "reason")

    def check(self, measured: Measured) -> Iterable[Finding]:
        for cause in self.causes(measured, "unsupported"):
            yield self.complain(measured, cause, f"{cause.first.op} {cause.first.reason}")
