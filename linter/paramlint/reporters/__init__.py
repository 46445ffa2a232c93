"""Reporters: one output format per file, found by listing this folder; only the one that is asked for is imported.

A reporter is a function under ``@reporter("json")`` that writes a report to a text stream::

    @reporter("json")
    def write(report: Report, out: TextIO, look: Look) -> None: ...
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TextIO, TypeAlias

from paramlint.folders import modules

if TYPE_CHECKING:
    from paramlint.report import Report


class Look(NamedTuple):
    """What the destination is like: a terminal or not, coloured or not, how wide, and how much the user wants."""

    color: bool = False
    terminal: bool = False
    width: int = 100
    quiet: bool = False
    verbose: bool = False
    unicode: bool = True


Write: TypeAlias = "Callable[[Report, TextIO, Look], None]"

REPORTERS: dict[str, Write] = {}


def reporter(name: str) -> Callable[[Write], Write]:
    """Register the function that writes one format."""

    def register(write: Write) -> Write:
        if name in REPORTERS:
            raise RuntimeError(f"format {name} is defined twice")
        REPORTERS[name] = write
        return write

    return register


def find(name: str) -> Write | None:
    """The reporter of a format; None when there is no such format."""
    if name not in REPORTERS and name in modules(__path__):
        importlib.import_module(f"{__name__}.{name}")
    return REPORTERS.get(name)


def formats() -> list[str]:
    """Every format by name. Imports all of them: for help and for a did-you-mean."""
    for module in modules(__path__):
        importlib.import_module(f"{__name__}.{module}")
    return sorted(REPORTERS)
