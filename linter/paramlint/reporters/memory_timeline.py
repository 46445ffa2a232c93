"""The memory timeline of the text report: a bar for each operator, and which tensors are live at the peak."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from paramlint.display import escape, shortened
from paramlint.measure import Measured
from paramlint.quantities import BYTES, format_size, grouped
from paramlint.reporters import Look
from paramlint.reporters.frames import paint

if TYPE_CHECKING:
    from paramlint.memory.ram import Peak

COLUMNS = 64  # operators of the short form that have a column of their own
ROWS = 200  # operators of the long form
BAR = 40  # characters of a bar in the long form
LIVE = 4  # tensors of the peak that are named
NAME = 32  # characters of an operator's name in the long form
HEIGHTS = {True: "▁▂▃▄▅▆▇█", False: "_.-=+*%#"}


def timeline(measured: Measured, look: Look) -> list[str]:
    """The timeline where RAM is limited: one line of bars; with ``-v`` a line for each operator."""
    ram, deployed = measured.ram, measured.deployed
    limited = any(budget.metric.name.startswith("ram") for budget in measured.budgets)
    if ram is None or deployed is None or ram.peak is None or not ram.timeline or not (limited or look.verbose):
        return []
    if look.verbose:
        lines = _rows([operator.layer for operator in deployed.operators], ram.timeline, ram.peak, look)
    else:
        lines = _columns(ram.timeline, ram.peak, look)
    return [*lines, _live(ram.peak)]


def _columns(sizes: Sequence[int], peak: Peak, look: Look) -> list[str]:
    """One character for each operator, or for the highest of several."""
    width = min(COLUMNS, len(sizes), max(8, look.width - 50) if look.width else COLUMNS)
    edges = [column * len(sizes) // width for column in range(width + 1)]
    tops = [max(sizes[start:end]) for start, end in pairwise(edges)]
    heights = HEIGHTS[look.unicode]
    cells = [heights[min(7, top * 8 // peak.bytes)] if peak.bytes else heights[0] for top in tops]
    bars = "".join(
        paint(cell, look, "red") if top == peak.bytes else cell for cell, top in zip(cells, tops, strict=True)
    )
    return [f"  {'memory':9} {bars}  peak {format_size(peak.bytes, BYTES)} at {shortened(escape(peak.layer))}"]


def _rows(layers: Sequence[str], sizes: Sequence[int], peak: Peak, look: Look) -> list[str]:
    """A line for each operator: name, bytes, bar."""
    names = [shortened(escape(layer), NAME) for layer in layers[:ROWS]]
    width = max(len(name) for name in names)
    digits = max(len(grouped(size)) for size in sizes[:ROWS])
    where = f"{format_size(peak.bytes, BYTES)} at {shortened(escape(peak.layer))}"
    lines = [f"  {'memory':9} live bytes at each operator, peak {where}"]
    for name, size in zip(names, sizes, strict=False):
        bar = paint(_bar(size, peak.bytes, look), look, "red" if size == peak.bytes else None)
        lines.append(f"    {name:{width}}  {grouped(size):>{digits}}  {bar}")
    if len(sizes) > ROWS:
        lines.append(f"    and {grouped(len(sizes) - ROWS)} more operators")
    return lines


def _bar(value: int, most: int, look: Look) -> str:
    """A bar to an eighth of a character where the terminal can draw it."""
    eighths = value * BAR * 8 // most if most else 0
    if not look.unicode:
        return "#" * (eighths // 8)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def _live(peak: Peak) -> str:
    """What is live at the peak, largest first."""
    named = ", ".join(f"{shortened(escape(held.name))} {grouped(held.bytes)}" for held in peak.live[:LIVE])
    rest = peak.live[LIVE:]
    more = f" and {len(rest)} more, {grouped(sum(held.bytes for held in rest))} together" if rest else ""
    return f"  {'':9} live there: {named}{more}"
