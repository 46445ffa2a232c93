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
    """One model with its findings; ``suppressed`` are those that a comment or the config silenced."""

    measured: Measured
    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...] = ()


class Report(NamedTuple):
    """Everything one run found, in the order of the paths given."""

    models: tuple[Judged, ...]
    errors: tuple[InputError, ...]
    defects: tuple[Defect, ...]
    fail_level: Level | None = Level.ERROR

    @property
    def exit_code(self) -> int:
        """Highest of 4 (defect), 3 (input not judged), 1 (findings at the fail level); 2 is raised before a run."""
        if self.defects:
            return 4
        if self.errors:
            return 3
        if self.fail_level is None:
            return 0
        return int(any(finding.level >= self.fail_level for model in self.models for finding in model.findings))
