"""Findings that differ only in which copy of a repeated layer they mean."""

from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding


def gathered(findings: Iterable[Finding]) -> list[tuple[Finding, int]]:
    """Each finding once for its line of the file, with how many further copies of the layer it holds for."""
    first: dict[object, Finding] = {}
    counts: dict[object, int] = {}
    for finding in findings:
        key = _key(finding)
        first.setdefault(key, finding)
        counts[key] = counts.get(key, 0) + 1
    return [(finding, counts[key] - 1) for key, finding in first.items()]


def _key(finding: Finding) -> object:
    if finding.layer is None or finding.source.line is None:
        return id(finding)
    return (
        finding.rule, finding.level, finding.source, finding.limit_source, finding.measured,
        finding.message.replace(finding.layer, "\0"),
    )  # fmt: skip


def more(copies: int) -> str:
    """What follows the place of a finding that holds for ``copies`` further layers."""
    return f"  (and {copies} more {'copy' if copies == 1 else 'copies'} of the layer)" if copies else ""
