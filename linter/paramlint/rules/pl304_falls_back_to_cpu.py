from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.rules import rule
from paramlint.rules.target_rule import TargetRule, named


@rule("PL304", "falls-back-to-cpu", Level.WARNING, "An operator that runs beside the accelerator")
class FallsBackToCpu(TargetRule):
    """An operator runs on the CPU or host, although the target has an accelerator for the others.

    Why: the network works, but each such operator ends a stretch on the accelerator, moves its feature maps and
    runs many times slower. On an Edge TPU everything behind the first one runs on the host.

    Fix: replace the operator by one that the accelerator lists, or move it to the end of the network.

    Bad::

        # --target max78000
        framework: keras
        dtype: int8
        input: [16]
        layers:
          - {type: Dense, units: 4}
          - Softmax

    Good::

        # --target max78000
        framework: keras
        dtype: int8
        input: [16]
        layers:
          - {type: Dense, units: 4}
    """

    alike = ("op", "reason", "runs_on")

    def check(self, measured: Measured) -> Iterable[Finding]:
        for cause in self.causes(measured, "fallback"):
            one = cause.first
            number = len(cause.layers)
            what = f"{one.op} {one.reason}" if number < 2 else f"{number} times {one.op} {one.reason}"
            elsewhere = "" if "CPU" in one.reason else f"; {one.runs_on} takes it"
            yield self.complain(measured, cause, f"{what}{elsewhere}{named(cause.layers)}")
