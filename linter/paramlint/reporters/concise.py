"""One line for each finding: ``path:line:column: level[RULE] message``."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from paramlint.display import escape
from paramlint.findings import Level
from paramlint.reporters import Look, reporter
from paramlint.reporters.copies import gathered, more
from paramlint.reporters.frames import paint, where

if TYPE_CHECKING:
    from paramlint.report import Report

_COLORS = {Level.ERROR: "red", Level.WARNING: "yellow", Level.NOTE: "cyan"}


@reporter("concise")
def write(report: Report, out: TextIO, look: Look) -> None:
    """Errors of unreadable inputs first, then findings model by model; nothing at all where all is well."""
    for error in report.errors:
        place = ":".join(str(part) for part in (error.path, error.line, error.column) if part is not None)
        node = f" node {error.node}" if error.node else ""
        hint = f" ({error.hint})" if error.hint else ""
        out.write(f"{escape(place + node)}: {paint('error[PL000]', look, 'red')} {escape(error.message + hint)}\n")
    for judged in report.models:
        found = [(one, 0) for one in judged.findings] if look.verbose else gathered(judged.findings)
        for finding, copies in found:
            if look.quiet and finding.level == Level.NOTE:
                continue
            head = paint(f"{finding.level.word}[{finding.rule}]", look, _COLORS[finding.level])
            out.write(f"{where(finding.source)}: {head} {escape(finding.message)}{more(copies)}\n")
