from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.rules import rule
from paramlint.rules.target_rule import TargetRule, named


@rule("PL305", "undecided", Level.NOTE, "Something about a target that this file cannot show")
class Undecided(TargetRule):
    """Whether the network fits depends on something that neither the file nor the target's facts show.

    Why: a target that has no operator list, a constraint on the values of weights, a memory whose size nobody states:
    none of them is passed. The target's ``fits`` stays undecided (null), unless the operator runs in any case.

    Fix: read the constraint in the message and hold the model against it yourself, or ask the vendor's tool. A fact
    that you know can be stated in the config: ``[tool.paramlint.targets.NAME]`` on a ``base``.

    Bad::

        # --target coral_edge_tpu
        framework: keras
        dtype: int8
        input: [8, 8, 3]
        layers:
          - {type: UpSampling2D, size: 2}

    Good::

        # --target stm32f746
        framework: keras
        dtype: int8
        input: [8, 8, 3]
        layers:
          - {type: UpSampling2D, size: 2}
    """

    alike = ("reason",)

    def check(self, measured: Measured) -> Iterable[Finding]:
        for cause in self.causes(measured, "undecided"):
            one = cause.first
            number = len(cause.layers)
            what = one.reason if one.op is None else f"{one.op}: {one.reason}"
            if number > 1:
                what = f"{number} layers: {one.reason}"
            yield self.complain(measured, cause, f"not decided: {what}{named(cause.layers)}")
