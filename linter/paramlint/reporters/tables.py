"""Tables as wide as the terminal allows: what does not fit is left out by rank, which is said, then folded."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple, TextIO

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from paramlint.reporters import Look

PIPE_WIDTH = 4000  # a pipe has no edge: nothing is folded there
GAP = 2  # characters between two columns; one more where they are ruled in ASCII
NARROW = 22  # a column of names may be folded down to this before other columns have to go
NARROWEST = 8  # and to this before anything is cut off


class Column(NamedTuple):
    """A column as text. Where the table is too wide the columns of the highest ``rank`` go first; 0 stays.

    ``fold`` is True for names, which may be broken into several lines; ``total`` stands at the foot.
    """

    title: str
    cells: Sequence[str]
    total: str = ""
    right: bool = False
    fold: bool = False
    rank: int = 0

    @property
    def width(self) -> int:
        widest = max(cell_len(cell) for cell in (self.title, self.total, *self.cells))
        return min(widest, NARROW) if self.fold else widest


def fits(columns: Sequence[Column], look: Look) -> bool:
    """True when the columns stand side by side."""
    gap = GAP if look.unicode else GAP + 1
    return sum(column.width + gap for column in columns) - gap <= (look.width or PIPE_WIDTH)


def fitted(columns: Sequence[Column], look: Look) -> tuple[list[Column], list[str]]:
    """The columns that fit, and the titles of those that had to go."""
    kept = list(columns)
    while not fits(kept, look) and any(column.rank for column in kept):
        most = max(column.rank for column in kept)
        kept = [column for column in kept if column.rank != most]
    left_out = [column.title for column in columns if column not in kept]
    return kept, list(dict.fromkeys(left_out))


def draw(columns: Sequence[Column], look: Look, bold: Sequence[bool] = ()) -> list[str]:
    """The table as lines without trailing blanks; ``bold`` marks rows."""
    table = Table(
        box=box.SIMPLE_HEAD if look.unicode else box.ASCII2,
        show_footer=any(column.total for column in columns),
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0 if look.unicode else 1),
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
    for index in range(len(columns[0].cells)):
        style = "bold" if bold and bold[index] else ""
        table.add_row(*(Text(column.cells[index], style=style) for column in columns))
    page = io.StringIO()
    console(page, look).print(table)
    return [line.rstrip() for line in page.getvalue().split("\n")[:-1]]


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


def missing(titles: Sequence[str]) -> str:
    """What to say of columns that were left out; nothing where all are there."""
    if not titles:
        return ""
    listed = titles[0] if len(titles) == 1 else f"{', '.join(titles[:-1])} and {titles[-1]}"
    return f"(a wider terminal also shows {listed})\n"
