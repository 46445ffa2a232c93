"""The layer table of ``show``: grouped by module, with shares of the whole."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, TextIO

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from paramlint.budgets import METRICS
from paramlint.display import escape
from paramlint.ir import Shape, Total, Unknown
from paramlint.layer_budgets import layer_value
from paramlint.measure import Measured, Row
from paramlint.quantities import BYTES, COUNT, grouped, short
from paramlint.reporters import Look
from paramlint.reporters.summary import amount, heading

if TYPE_CHECKING:
    from collections.abc import Sequence

BAR = 10  # characters of a share bar
PIPE_WIDTH = 4000  # a pipe has no edge: nothing is folded there


def console(out: TextIO, look: Look) -> Console:
    """A console that keeps to what the user said of colours, whatever rich would guess."""
    return Console(
        file=out,
        width=look.width if look.terminal else PIPE_WIDTH,
        force_terminal=look.color,
        no_color=not look.color,
        color_system="standard" if look.color else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def layer_table(measured: Measured, out: TextIO, look: Look) -> None:
    """Print the table with a totals row, and below it what is not known and what was assumed."""
    screen = console(out, look)
    out.write(heading(measured, look) + "\n")
    screen.print(_table(measured, look))
    for key, total in measured.totals.items():
        if total.reasons and key in ("params", "macs"):
            out.write(f"{key} not known for {len(total.reasons)}: {escape('; '.join(total.reasons[:3]))}\n")
    for text in measured.assumed:
        out.write(f"assumed: {escape(text)}\n")


def _table(measured: Measured, look: Look) -> Table:
    table = Table(box=box.SIMPLE_HEAD if look.unicode else box.ASCII, show_footer=True, pad_edge=False)
    totals = measured.totals
    table.add_column("layer", "total", overflow="fold")
    table.add_column("type", overflow="fold")
    table.add_column("output", overflow="fold")
    table.add_column("params", amount(totals["params"], COUNT), justify="right")
    table.add_column("share")
    table.add_column("MACs", amount(totals["macs"], COUNT), justify="right")
    table.add_column("share")
    table.add_column("activations", justify="right")
    for group, members in groupby(measured.rows, key=lambda row: row.layer.group):
        _add_group(table, group, list(members), measured, look)
    return table


def _add_group(table: Table, group: str, rows: Sequence[Row], measured: Measured, look: Look) -> None:
    """The rows of one module, under a line of their own with its sums."""
    if group and len(rows) > 1:
        params = sum(row.params for row in rows)
        macs = sum(row.macs for row in rows if not isinstance(row.macs, Unknown))
        partly = any(isinstance(row.macs, Unknown) for row in rows)
        cells = [escape(group), "", "", grouped(params), "", f"{'>= ' if partly else ''}{grouped(macs)}", "", ""]
        table.add_row(*(Text(cell, style="bold") for cell in cells))
    for row in rows:
        table.add_row(*(Text(cell) for cell in _cells(row, measured, look, bool(group) and len(rows) > 1)))


def _cells(row: Row, measured: Measured, look: Look, indented: bool) -> list[str]:
    layer = row.layer
    name = layer.name.removeprefix(layer.group).lstrip("./") if indented else layer.name
    held, _ = layer_value(METRICS["ram"], row)
    return [
        ("  " if indented else "") + escape(name or layer.name),
        escape(layer.op),
        "; ".join(shape_text(tensor.shape) for tensor in layer.outputs),
        f"{'>= ' if layer.unknown else ''}{grouped(row.params)}" if row.params or layer.unknown else "-",
        share_bar(row.params, measured.totals["params"], look),
        "?" if isinstance(row.macs, Unknown) else grouped(row.macs) if row.macs else "-",
        "" if isinstance(row.macs, Unknown) else share_bar(row.macs, measured.totals["macs"], look),
        "?" if held is None else short(held, BYTES),
    ]


def shape_text(shape: Shape | None) -> str:
    """A shape as people write it: ``1 × 3 × ?``."""
    if shape is None:
        return "?"
    return "[" + ", ".join("?" if size is None else escape(str(size)) for size in shape) + "]"


def share_bar(part: int, total: Total, look: Look) -> str:
    """A bar and the share in per cent."""
    if not part or not total.value:
        return ""
    full, empty = ("█", "░") if look.unicode else ("#", ".")
    filled = min(BAR, max(1, round(part * BAR / total.value)))
    return f"{full * filled}{empty * (BAR - filled)} {part * 100 / total.value:4.1f} %"
