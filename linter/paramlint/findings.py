"""A finding: what a rule says, where it stands, and the numbers behind it."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple

from paramlint.errors import InputError as InputError
from paramlint.errors import LoadError as LoadError
from paramlint.errors import UsageError as UsageError
from paramlint.ir import Source


class Level(enum.IntEnum):
    """How bad a finding is; the order is the order of badness."""

    NOTE = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class Finding(NamedTuple):
    """One complaint. ``source`` is where it points, ``limit_source`` where the limit that it breaks was set.

    ``measured``, ``limit`` and ``unit`` (count or bytes) are given together; ``layer`` names the row concerned.
    """

    rule: str
    name: str
    level: Level
    message: str
    source: Source
    layer: str | None = None
    measured: int | None = None
    limit: int | None = None
    unit: str | None = None
    limit_source: Source | None = None
    help: str | None = None


def order(finding: Finding) -> tuple[object, ...]:
    """Sort key: worst first, then by rule and place; those of one place stay in the order of the layers."""
    return -finding.level, finding.rule, finding.source.line or 0, finding.source.column or 0


#: Levels by the word that config and command line use.
LEVELS: Mapping[str, Level] = {level.word: level for level in Level}
