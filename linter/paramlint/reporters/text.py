"""The report for people: findings with their place, then each model's numbers against its limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TextIO

from paramlint.display import escape
from paramlint.errors import InputError
from paramlint.findings import Finding, Level
from paramlint.reporters import Look, reporter
from paramlint.reporters.copies import gathered, more
from paramlint.reporters.frames import frame, paint, source_line, where
from paramlint.reporters.summary import count, one_line, summary

if TYPE_CHECKING:
    from paramlint.report import Judged, Report

COLORS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
MAX_TABLES = 3  # models whose numbers are all shown; of more, those without findings take one line
MAX_LINES = 20  # of these lines; more are only counted
MAX_NOTES = 3  # notes of one rule on one model; the rest is counted


@reporter("text")
def write(report: Report, out: TextIO, look: Look) -> None:
    """Findings first, then the numbers, then one line for the whole run."""
    for error in report.errors:
        _print(out, _error(error, look))
    many = len(report.models) > MAX_TABLES
    fine = sum(not judged.findings for judged in report.models)
    short = many and fine > MAX_LINES and not look.verbose
    for judged in report.models:
        findings, folded = _fold(judged.findings, look)
        for finding, copies in findings:
            _print(out, _finding(finding, copies, look))
        for rule, number in folded.items():
            _print(out, [f"note[{rule}] {count(number, 'more note')} of this rule (-v shows them)", ""])
        if not look.quiet and not (short and not judged.findings):
            _print(out, _numbers(judged, look, many))
    if short and not look.quiet:
        _print(out, [f"{paint('ok', look, 'green')}  {count(fine, 'model')} without a finding (-v lists them)"])
    if not look.quiet or report.exit_code:
        out.write(_closing(report, look) + "\n")


def _print(out: TextIO, lines: Iterable[str]) -> None:
    out.writelines(f"{line.rstrip()}\n" for line in lines)


def _fold(findings: Sequence[Finding], look: Look) -> tuple[list[tuple[Finding, int]], dict[str, int]]:
    """The findings to show with their further copies, and how many notes of which rules are only counted."""
    if look.verbose:
        return [(finding, 0) for finding in findings], {}
    shown: list[tuple[Finding, int]] = []
    seen: Counter[str] = Counter()
    folded: Counter[str] = Counter()
    for finding, copies in gathered(findings):
        if finding.level == Level.NOTE:
            seen[finding.rule] += 1
            if look.quiet:
                continue
            if seen[finding.rule] > MAX_NOTES:
                folded[finding.rule] += 1 + copies
                continue
        shown.append((finding, copies))
    return shown, folded


def _finding(finding: Finding, copies: int, look: Look) -> Iterator[str]:
    head = paint(f"{finding.level.word}[{finding.rule}]", look, COLORS[finding.level], bold=True)
    yield f"{head} {paint(escape(finding.message), look, bold=True)}"
    yield f"  {paint('-->', look, 'blue')} {where(finding.source)}{more(copies)}"
    yield from frame(finding.source.line, finding.source.column, source_line(finding.source), look)
    limit = finding.limit_source
    if limit is not None:
        yield f"  {paint(':::', look, 'blue')} {where(limit)}  (limit set here)"
        if limit[:5] != finding.source[:5]:
            yield from frame(limit.line, limit.column, source_line(limit), look)
    if finding.help:
        yield f"  {paint('=', look, 'blue')} help: {escape(finding.help)}"
    yield ""


def _error(error: InputError, look: Look) -> Iterator[str]:
    place = ":".join(str(part) for part in (error.path, error.line, error.column) if part is not None)
    node = f" node {error.node}" if error.node else ""
    head = paint("error[PL000]", look, "red", bold=True)
    yield f"{head} {paint(escape(error.message), look, bold=True)}"
    yield f"  {paint('-->', look, 'blue')} {escape(place + node)}"
    yield from frame(error.line, error.column, error.frame, look)
    if error.hint:
        yield f"  {paint('=', look, 'blue')} hint: {escape(error.hint)}"
    yield ""


def _numbers(judged: Judged, look: Look, many: bool) -> list[str]:
    if many and not judged.findings:
        return [one_line(judged, look)]
    return [*summary(judged, look), ""]


def _closing(report: Report, look: Look) -> str:
    errors = report.count(Level.ERROR) + len(report.errors)
    parts = [
        paint(count(errors, "error"), look, "red" if errors else None),
        paint(count(report.count(Level.WARNING), "warning"), look),
        paint(count(report.count(Level.NOTE), "note"), look),
    ]
    silenced = sum(len(judged.suppressed) for judged in report.models)
    tail = f" ({silenced} suppressed)" if silenced else ""
    models = count(len(report.models), "model")
    unread = len({error.path for error in report.errors})
    tail += f", {count(unread, 'input')} not read" if unread else ""
    spent = f"  {report.seconds:.2f} s" if report.seconds is not None and look.terminal else ""
    return f"{', '.join(parts)}; {models} checked{tail}{spent}"
