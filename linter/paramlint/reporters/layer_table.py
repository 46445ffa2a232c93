"""The layer table of ``show``: grouped by module, with shares of the whole, as wide as the terminal allows."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from paramlint.budgets import METRICS
from paramlint.display import escape
from paramlint.ir import Shape, Total, Unknown
from paramlint.layer_budgets import layer_value
from paramlint.measure import Measured, Row
from paramlint.quantities import BYTES, COUNT, grouped, percent, short
from paramlint.reporters import Look
from paramlint.reporters.summary import amount, heading, totals

BAR = 8  # characters of a share bar
PIPE_WIDTH = 4000  # a pipe has no edge: nothing is folded there
GAP = 2  # characters between two columns; one more where they are ruled in ASCII
NARROW = 16  # a column of names may be folded down to this before other columns have to go
NARROWEST = 8  # and to this before anything is cut off
BELOW = frozenset({"active", "trainable", "buffers", "weights"})  # totals that have no column


class Line(NamedTuple):
    """One line of the table: a layer, or a module with the sums of its layers (``bold``)."""

    name: str
    kind: str
    output: str
    params: str
    params_part: int
    macs: str
    macs_part: int
    held: str
    bold: bool = False


class Column(NamedTuple):
    """A column as text; ``fold`` is True for names, which may be broken into several lines."""

    title: str
    total: str
    cells: list[str]
    right: bool = False
    fold: bool = False

    @property
    def width(self) -> int:
        widest = max(cell_len(cell) for cell in (self.title, self.total, *self.cells))
        return min(widest, NARROW) if self.fold else widest


def layer_table(measured: Measured, out: TextIO, look: Look) -> None:
    """Print the table with a totals row, and below it the other totals, what is not known and what was assumed."""
    lines = [line for group, rows in groupby(measured.rows, _group) for line in _lines(group, list(rows), look)]
    columns, missing = _fitting(lines, measured, look)
    out.write(heading(measured, look) + "\n")
    out.writelines(f"{line.rstrip()}\n" for line in _drawn(columns, lines, look))
    out.writelines(f"{line}\n" for line in totals(measured) if line.split()[0] in BELOW)
    for key, total in measured.totals.items():
        if total.reasons and key in ("params", "macs"):
            more = f"; and {len(total.reasons) - 3} more" if len(total.reasons) > 3 else ""
            out.write(f"  {key} not known: {escape('; '.join(total.reasons[:3]))}{more}\n")
    for text in measured.assumed:
        out.write(f"  assumed   {escape(text)}\n")
    if missing:
        out.write(f"  (a wider terminal also shows {missing})\n")


def _group(row: Row) -> str:
    return row.layer.group


def _lines(group: str, rows: Sequence[Row], look: Look) -> Iterator[Line]:
    """The layers of one module, under a line of its own with their sums where there are several."""
    several = bool(group) and len(rows) > 1
    if several:
        params, macs = sum(row.params for row in rows), sum(_known(row) for row in rows)
        partly = any(isinstance(row.macs, Unknown) for row in rows)
        least = any(row.layer.unknown for row in rows)
        yield Line(escape(group), "", "", _number(params, least), params, _number(macs, partly), macs, "", bold=True)
    for row in rows:
        layer = row.layer
        inner = layer.name.removeprefix(group).lstrip("./") if several else ""
        held, _ = layer_value(METRICS["ram"], row)
        yield Line(
            f"  {escape(inner)}" if inner else escape(layer.name),
            escape(layer.op),
            "; ".join(shape_text(tensor.shape, look) for tensor in layer.outputs),
            _number(row.params, bool(layer.unknown)),
            row.params,
            "?" if isinstance(row.macs, Unknown) else _number(row.macs, False),
            _known(row),
            "?" if held is None else short(held, BYTES),
        )


def _known(row: Row) -> int:
    return 0 if isinstance(row.macs, Unknown) else row.macs


def _number(value: int, least: bool) -> str:
    return f">= {grouped(value)}" if least else grouped(value) if value else "-"


def _fitting(lines: Sequence[Line], measured: Measured, look: Look) -> tuple[list[Column], str]:
    """The columns that fit into the width: bars go first, then shares, then activations. And what had to go."""
    columns: list[Column] = []
    gap = GAP if look.unicode else GAP + 1
    for bars, shares, held in ((True, True, True), (False, True, True), (False, False, True), (False, False, False)):
        columns = _columns(lines, measured, look, bars, shares, held)
        if sum(column.width + gap for column in columns) - gap <= (look.width or PIPE_WIDTH):
            break
    missing = [word for word, there in (("shares", shares), ("activations", held)) if not there]
    return columns, " and ".join(missing)


def _columns(
    lines: Sequence[Line], measured: Measured, look: Look, bars: bool, shares: bool, held: bool
) -> list[Column]:
    params, macs = measured.totals["params"], measured.totals["macs"]
    found = [
        Column("layer", "total", [line.name for line in lines], fold=True),
        Column("type", "", [line.kind for line in lines], fold=True),
        Column("output", "", [line.output for line in lines], fold=True),
        Column("params", amount(params, COUNT), [line.params for line in lines], right=True),
    ]
    if shares:
        found.append(Column("share", "", [_share(line.params_part, params, look, bars) for line in lines], right=True))
    found.append(Column("MACs", amount(macs, COUNT), [line.macs for line in lines], right=True))
    if shares:
        found.append(Column("share", "", [_share(line.macs_part, macs, look, bars) for line in lines], right=True))
    if held:
        found.append(Column("activations", "", [line.held for line in lines], right=True))
    return found


def _drawn(columns: Sequence[Column], lines: Sequence[Line], look: Look) -> list[str]:
    table = Table(
        box=box.SIMPLE_HEAD if look.unicode else box.ASCII2,
        show_footer=True,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0 if look.unicode else 1),
        collapse_padding=False,
    )
    for column in columns:
        table.add_column(
            column.title,
            column.total,
            justify="right" if column.right else "left",
            overflow="fold",
            no_wrap=not column.fold,
            min_width=min(column.width, NARROWEST) if column.fold else column.width,
        )
    for index, line in enumerate(lines):
        style = "bold" if line.bold else ""
        table.add_row(*(Text(column.cells[index], style=style) for column in columns))
    page = io.StringIO()
    console(page, look).print(table)
    return page.getvalue().split("\n")[:-1]


def console(out: TextIO, look: Look) -> Console:
    """A console that keeps to what the user said of colours, whatever rich would guess."""
    return Console(
        file=out,
        width=look.width or PIPE_WIDTH,
        force_terminal=look.color,
        no_color=not look.color,
        color_system="standard" if look.color else None,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def shape_text(shape: Shape | None, look: Look) -> str:
    """A shape as people write it: ``3×224×?``."""
    if shape is None:
        return "?"
    times = "×" if look.unicode else "x"
    return times.join("?" if size is None else escape(str(size)) for size in shape) or "scalar"


def _share(part: int, total: Total, look: Look, bars: bool) -> str:
    """The share in per cent, behind a bar where there is room for one."""
    if not part or not total.value:
        return ""
    share = percent(part, total.value)
    return f"{_bar(part, total.value, look)} {share:>7}" if bars else share


def _bar(part: int, whole: int, look: Look) -> str:
    """A bar of ``BAR`` characters; with Unicode to an eighth of one."""
    if not look.unicode:
        return ("#" * ((part * BAR + whole // 2) // whole)).ljust(BAR, ".")
    full, eighths = divmod((part * BAR * 8 + whole // 2) // whole, 8)
    return ("█" * full + (" ▏▎▍▌▋▊▉"[eighths] if eighths else "")).ljust(BAR)
