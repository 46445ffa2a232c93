"""What the place that a report goes to is like."""

from __future__ import annotations

import os
import sys

from paramlint.invocation.options import Settings, colored
from paramlint.reporters import Look

MIN_WIDTH, MAX_WIDTH = 60, 200  # columns: below, no table is readable; above, no eye follows a line


def look(settings: Settings, path: str | None = None) -> Look:
    """That of a file, or of standard output."""
    terminal = path is None and sys.stdout.isatty()
    encoding = "utf-8" if path is not None else (sys.stdout.encoding or "ascii").lower()
    return Look(
        color=colored(settings.color, terminal) and path is None,
        terminal=terminal,
        width=_width(terminal) if path is None else 0,
        quiet=settings.quiet > 0,
        verbose=settings.verbose > 0,
        unicode=encoding.startswith("utf"),
    )


def _width(terminal: bool) -> int:
    """COLUMNS where it is set, else the terminal's columns; 0 for a pipe, which has no edge."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns) > 0:
        return max(MIN_WIDTH, min(int(columns), MAX_WIDTH))
    if not terminal:
        return 0
    return max(MIN_WIDTH, min(os.get_terminal_size(sys.stdout.fileno()).columns, MAX_WIDTH))
