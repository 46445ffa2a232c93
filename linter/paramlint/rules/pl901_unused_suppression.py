from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence

from paramlint.config import Silence
from paramlint.findings import Finding, Level
from paramlint.ir import Suppression
from paramlint.measure import Measured
from paramlint.patterns import matches
from paramlint.report import Report
from paramlint.rules import RULES, Rule, RuleSet, Silenced, named, rule, silences


@rule("PL901", "unused-suppression", Level.WARNING, "A suppression that silences nothing")
class UnusedSuppression(Rule):
    """A comment or a ``suppress`` entry of the config silences nothing.

    Why: what it once excused is gone, and it would hide the next finding of that rule without anybody deciding so.
    A rule that did not run in this call is not judged.

    Fix: remove it.

    Bad::

        framework: keras
        input: [8]
        layers:  # paramlint: ignore[PL101] too large until the next release
          - {type: Dense, units: 4}
        budget: {params: 1k}

    Good::

        framework: keras
        input: [8]
        layers:  # paramlint: ignore[PL101] too large until the next release
          - {type: Dense, units: 400}
        budget: {params: 1k}
    """

    def check(self, measured: Measured) -> Iterable[Finding]:
        """Nothing before the other rules have spoken: see ``review``."""
        return ()

    def review(self, measured: Measured, silenced: Silenced) -> Iterable[Finding]:
        for comment in measured.model.suppressions:
            for word in comment.rules or ("",):
                if (comment, word) not in silenced.used:
                    yield from self._judge(comment, word, measured, silenced.active)

    def _judge(self, comment: Suppression, word: str, measured: Measured, active: Sequence[Rule]) -> Iterator[Finding]:
        if word and not any(named(cls, word) for cls in RULES.values()):
            yield self.finding(f"{word} names no rule", comment.source)
            return
        ran = [item for item in active if named(type(item), word) and item is not self and item.applies(measured)]
        if ran:
            what = f"the suppression of {word}" if word else "the suppression"
            yield self.finding(f"{what} silences nothing", comment.source, help="remove it")


def unused_entries(report: Report, rule_sets: Mapping[str, RuleSet]) -> Iterator[tuple[int, Finding]]:
    """``suppress`` entries of configs that silenced nothing in any model that they name and whose rule was judged.

    Yields a finding with the number of the first such model in the report. ``rule_sets`` is by the model's path.
    """
    judged: dict[Silence, int] = {}
    used: set[Silence] = set()
    reviewers: dict[Silence, UnusedSuppression] = {}
    for index, item in enumerate(report.models):
        path = item.measured.model.path
        rule_set = rule_sets[path]
        reviewer = next((active for active in rule_set.active if isinstance(active, UnusedSuppression)), None)
        for entry in rule_set.silences if reviewer else ():
            if any(silences(entry, path, finding) for finding in item.suppressed):
                used.add(entry)
            if reviewer and _concerns(entry, path, item.measured, rule_set):
                judged.setdefault(entry, index)
                reviewers[entry] = reviewer
    for entry, index in judged.items():
        if entry not in used:
            message = f"the suppression of {entry.rule} silences nothing"
            reviewer = reviewers[entry]
            yield index, reviewer.at_level(reviewer.finding(message, entry.source, help="remove it"))


def _concerns(entry: Silence, path: str, measured: Measured, rule_set: RuleSet) -> bool:
    """True when the entry names this file and a rule that had something to judge in it."""
    relative = os.path.relpath(os.path.abspath(path), entry.folder).replace(os.sep, "/")
    if entry.path is not None and not matches((entry.path,), relative):
        return False
    return any(named(type(active), entry.rule) and active.applies(measured) for active in rule_set.active)
