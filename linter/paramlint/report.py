"""What one run found: the frozen data that every reporter reads."""

from __future__ import annotations

from typing import NamedTuple

from paramlint.errors import InputError
from paramlint.findings import Finding, Level
from paramlint.measure import Measured


class Defect(NamedTuple):
    """Something in paramlint (or in a plugin) broke: what, on which file, and the traceback for ``-v``."""

    path: str
    what: str
    trace: str


class Judged(NamedTuple):
    """One model with its findings; ``suppressed`` are those that a comment or the config silenced.

    ``fail_level`` is the level from which a finding fails the run; None: never.
    """

    measured: Measured
    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()
    fail_level: Level | None = Level.ERROR

    @property
    def fails(self) -> bool:
        level = self.fail_level
        return level is not None and any(finding.level >= level for finding in self.findings)


class Card(NamedTuple):
    """What a report says of a rule; ``manual`` is its page in plain text."""

    code: str
    name: str
    level: Level
    summary: str
    manual: str


class Report(NamedTuple):
    """Everything one run found, in the order of the paths given. ``rules`` are the rules that spoke."""

    models: tuple[Judged, ...]
    errors: tuple[InputError, ...]
    defects: tuple[Defect, ...]
    rules: tuple[Card, ...] = ()
    seconds: float | None = None

    @property
    def exit_code(self) -> int:
        """Highest of 4 (defect), 3 (input not judged), 1 (findings at the fail level); 2 is raised before a run."""
        if self.defects:
            return 4
        if self.errors:
            return 3
        return int(any(model.fails for model in self.models))

    def count(self, level: Level) -> int:
        """How many findings have this level."""
        return sum(finding.level == level for model in self.models for finding in model.findings)
