"""What the rules have in common whose finding a loader makes while it reads: PL002 to PL007."""

from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding
from paramlint.measure import Measured
from paramlint.rules import Rule


class ObservationRule(Rule):
    """A rule that passes on what the loader noticed under the rule's code."""

    def check(self, measured: Measured) -> Iterable[Finding]:
        for seen in measured.model.observations:
            if seen.rule == self.code:
                yield self.finding(seen.message, seen.source, layer=seen.layer, help=seen.help)
