"""Targets in the text report: one line for one target, a table for several."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from paramlint.display import escape
from paramlint.quantities import BYTES, percent, short
from paramlint.reporters import Look
from paramlint.reporters.frames import paint

if TYPE_CHECKING:
    from paramlint.targets import Verdict
    from paramlint.targets.verdict import Standing

_FITS = {True: ("fits", "green"), False: ("does not fit", "red"), None: ("not decided", "yellow")}
TITLES = ("target", "flash", "RAM", "operators", "verdict")


def comparison(verdicts: Sequence[Verdict], look: Look) -> list[str]:
    """What became of every target."""
    if len(verdicts) == 1:
        word, color = _FITS[verdicts[0].fits]
        cells = _cells(verdicts[0])
        why = "" if verdicts[0].fits else f" ({'; '.join(_why(verdicts[0]))})"
        return [f"  {'target':9} {escape(cells[0])}: {paint(word, look, color, bold=True)}{why}"]
    rows = [_cells(verdict) for verdict in verdicts]
    widths = [max(len(row[column]) for row in (TITLES[:4], *rows)) for column in range(4)]
    lines = ["  " + "  ".join(f"{title:{width}}" for title, width in zip(TITLES, (*widths, 0), strict=True))]
    for verdict, row in zip(verdicts, rows, strict=True):
        word, color = _FITS[verdict.fits]
        name, flash, ram, operators = (
            f"{escape(cell):{'<' if column in (0, 3) else '>'}{widths[column]}}" for column, cell in enumerate(row)
        )
        lines.append(f"  {name}  {flash}  {ram}  {operators}  {paint(word, look, color, bold=True)}")
    return lines


def _cells(verdict: Verdict) -> tuple[str, str, str, str]:
    doubt = "" if verdict.target.sure else " (unverified)"
    name = verdict.target.id + doubt
    return name, _use(verdict.flash_use), _use(verdict.ram_use), _operators(verdict)


def _use(use: Standing) -> str:
    """``81.3 KiB of 1 MiB  7.9 %``, with a mark where it is no pass."""
    compared = use.measured if use.upper is None else use.upper
    mark = {"fail": " !", "unknown": " ?"}.get(use.state, "")
    if compared is None:
        return f"not known{mark}"
    if use.limit is None:
        return f"{short(compared, BYTES)} of ?{mark}"
    return f"{short(compared, BYTES)} of {short(use.limit, BYTES)}  {percent(compared, use.limit)}{mark}"


def _operators(verdict: Verdict) -> str:
    """How many layers are in trouble, each counted once, by the worst; ``ok`` for none."""
    worst: dict[str | None, int] = {}
    for one in verdict.found:
        rank = 0 if one.stops else 1 if one.open else 2
        if rank < 2 or one.state != "undecided":
            worst[one.layer] = min(rank, worst.get(one.layer, rank))
    counts = Counter(worst.values())
    words = ("refused", "not decided", "on the CPU")
    return ", ".join(f"{counts[rank]} {word}" for rank, word in enumerate(words) if counts[rank]) or "ok"


def _why(verdict: Verdict) -> list[str]:
    """What stands in the way, in a few words."""
    found = []
    for name, use in (("flash", verdict.flash_use), ("RAM", verdict.ram_use)):
        if use.state in ("fail", "unknown"):
            found.append(f"{name} {'too small' if use.state == 'fail' else 'not decided'}")
    if verdict.operators != "pass":
        found.append(f"operators: {_operators(verdict)}")
    return found
