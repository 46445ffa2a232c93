"""Findings that say the same of several layers which one line of a spec makes."""

from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level


def gathered(findings: Iterable[Finding]) -> list[tuple[Finding, int]]:
    """Each finding once for its line of the file, with how many further layers of the line it holds for."""
    first: dict[object, Finding] = {}
    counts: dict[object, int] = {}
    for finding in findings:
        key = _key(finding)
        first.setdefault(key, finding)
        counts[key] = counts.get(key, 0) + 1
    return [(finding, counts[key] - 1) for key, finding in first.items()]


def _key(finding: Finding) -> object:
    """Advice is about the line as such; a broken limit is told again where its numbers are others."""
    if finding.layer is None or finding.source.line is None:
        return id(finding)
    place = (finding.rule, finding.level, finding.source, finding.limit_source)
    if finding.level == Level.NOTE:
        return place
    return (*place, finding.measured, finding.message.replace(finding.layer, "\0"))


def more(layers: int) -> str:
    """What follows the place of a finding that holds for further layers."""
    return f"  (and {layers} more layer{'' if layers == 1 else 's'} of this line)" if layers else ""
