"""Places as text: ``file:line:column``, code frames, and where a limit was set."""

from __future__ import annotations

import os
from functools import lru_cache

import click

from paramlint.display import escape
from paramlint.ir import Source
from paramlint.reporters import Look

MAX_FRAME_FILE = 1 << 20  # a frame is read from a file that a person wrote; nothing larger is opened
MAX_FRAME = 160  # characters of a source line that are shown


def paint(text: str, look: Look, color: str | None = None, bold: bool = False) -> str:
    """``text`` in a colour, where colours are wanted."""
    return click.style(text, fg=color, bold=bold or None) if look.color else text


def where(source: Source) -> str:
    """A place in one line: ``models/kws.arch.yaml:7:14`` or ``models/kws.onnx node conv4``."""
    if source.kind == "command-line" or (source.kind == "target" and source.text):
        return escape(source.text or source.kind)
    parts = [part for part in (source.path, source.line, source.column) if part is not None]
    text = ":".join(str(part) for part in parts) or source.kind
    return escape(text if source.node is None else f"{text} node {source.node}")


@lru_cache(maxsize=16)
def _lines(path: str) -> tuple[str, ...]:
    try:
        if os.path.getsize(path) > MAX_FRAME_FILE or not os.path.isfile(path):
            return ()
        with open(path, encoding="utf-8", errors="replace") as file:
            return tuple(file.read().split("\n"))
    except (OSError, ValueError):
        return ()


def source_line(source: Source) -> str | None:
    """The line of the file that a place points at."""
    if source.line is None or source.kind not in ("file", "config"):
        return None
    if source.text is not None:
        return source.text
    lines = _lines(source.path) if source.path else ()
    return lines[source.line - 1] if source.line <= len(lines) else None


def frame(line: int | None, column: int | None, text: str | None, look: Look) -> list[str]:
    """A source line with a mark under the column."""
    if line is None or text is None or not text.strip():
        return []
    start = 0
    if column is not None and column > MAX_FRAME - 20:
        start = column - MAX_FRAME // 2
    shown = escape(text[start : start + MAX_FRAME].replace("\t", " ").rstrip())
    gutter = " " * len(str(line))
    bar = paint("|", look, "blue")
    rows = [f" {gutter} {bar}", f" {paint(str(line), look, 'blue')} {bar} {shown}"]
    if column is not None and 0 <= column - 1 - start <= len(shown):
        rows.append(f" {gutter} {bar} {' ' * (column - 1 - start)}{paint('^', look, 'red', bold=True)}")
    return rows
