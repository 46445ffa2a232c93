"""Suppressions: ``# paramlint: ignore[PL101] reason`` in a comment of the file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from paramlint.ir import Source, Suppression

_COMMENT = re.compile(r"(?:^|(?<=\s))#\s*paramlint:\s*ignore(?![\w-])\s*(?:\[([^\]\n]*)\])?[ \t:]*(.*)$")


def suppressions(path: str, text: str, spans: Sequence[tuple[int, int, int, int]]) -> tuple[Suppression, ...]:
    """The suppressions of a text; what stands inside a quoted scalar (``spans``: from, to) is none."""
    if "paramlint:" not in text:
        return ()
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if "paramlint:" not in line:
            continue
        match = _COMMENT.search(line)
        if match is None or _inside(spans, number, match.start() + 1):
            continue
        rules = tuple(word.strip() for word in (match[1] or "").split(",") if word.strip())
        source = Source("file", path, number, match.start() + 1, text=line.strip()[:300])
        found.append(Suppression(rules, match[2].strip(), source))
    return tuple(found)


def _inside(spans: Sequence[tuple[int, int, int, int]], line: int, column: int) -> bool:
    return any((from_line, from_column) <= (line, column) < (to_line, to_column)
               for from_line, from_column, to_line, to_column in spans)  # fmt: skip
