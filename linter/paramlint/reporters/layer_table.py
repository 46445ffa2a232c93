"""The layer table of ``show``: grouped by module, with shares of the whole, as wide as the terminal allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, TextIO

from paramlint.budgets import METRICS
from paramlint.display import escape
from paramlint.ir import Shape, Total, Unknown
from paramlint.layer_budgets import layer_value
from paramlint.measure import Measured, Row
from paramlint.quantities import BYTES, COUNT, grouped, percent, short
from paramlint.reporters import Look
from paramlint.reporters.summary import amount, heading, totals
from paramlint.reporters.tables import Column, draw, fits, fitted, missing

BAR = 8  # characters of a share bar
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


def layer_table(measured: Measured, out: TextIO, look: Look) -> None:
    """Print the table with a totals row, and below it the other totals, what is not known and what was assumed."""
    modules = _modules(measured.rows)
    grouped_rows = groupby(measured.rows, lambda row: modules[row.layer.group])
    lines = [line for module, rows in grouped_rows for line in _lines(module, list(rows), look)]
    wide = _columns(lines, measured, look, bars=True)
    columns, left_out = (wide, []) if fits(wide, look) else fitted(_columns(lines, measured, look, bars=False), look)
    out.write(heading(measured, look) + "\n")
    out.writelines(f"{line}\n" for line in draw(columns, look, [line.bold for line in lines]))
    out.writelines(f"{line}\n" for line in totals(measured) if line.split()[0] in BELOW)
    for key, total in measured.totals.items():
        if total.reasons and key in ("params", "macs"):
            more = f"; and {len(total.reasons) - 3} more" if len(total.reasons) > 3 else ""
            out.write(f"  {key} not known: {escape('; '.join(total.reasons[:3]))}{more}\n")
    for text in measured.assumed:
        out.write(f"  assumed   {escape(text)}\n")
    out.write(missing([f"{title}s" if title == "share" else title for title in left_out]))


def _modules(rows: Sequence[Row]) -> dict[str, str]:
    """For each layer's own module the innermost one around it that holds several layers; none is empty."""
    around = {row.layer.group: list(_around(row.layer.group)) for row in rows}
    held = Counter(outer for row in rows for outer in around[row.layer.group])
    return {group: next((outer for outer in outers if held[outer] > 1), "") for group, outers in around.items()}


def _around(module: str) -> Iterator[str]:
    """A module and those around it, from the inside: ``a/b.0``, ``a/b``, ``a``."""
    end = len(module)
    while end > 0:
        yield module[:end]
        end = max(module.rfind("/", 0, end), module.rfind(".", 0, end))


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
        inner = _inner(layer.name, group) if several else ""
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


def _inner(name: str, module: str) -> str:
    """A layer's name inside its module, whose path an ONNX node writes with slashes."""
    path = name.lstrip("/")
    return path[len(module) :].lstrip("./") if path.replace("/", ".").startswith(module) else path


def _known(row: Row) -> int:
    return 0 if isinstance(row.macs, Unknown) else row.macs


def _number(value: int, least: bool) -> str:
    return f">= {grouped(value)}" if least else grouped(value) if value else "-"


def _columns(lines: Sequence[Line], measured: Measured, look: Look, bars: bool) -> list[Column]:
    params, macs = measured.totals["params"], measured.totals["macs"]
    shares = [
        [_share(part, total, look, bars) for part in parts]
        for parts, total in (
            ([line.params_part for line in lines], params),
            ([line.macs_part for line in lines], macs),
        )
    ]
    return [
        Column("layer", [line.name for line in lines], "total", fold=True),
        Column("type", [line.kind for line in lines], fold=True),
        Column("output", [line.output for line in lines], fold=True),
        Column("params", [line.params for line in lines], amount(params, COUNT), right=True),
        Column("share", shares[0], right=True, rank=2),
        Column("MACs", [line.macs for line in lines], amount(macs, COUNT), right=True),
        Column("share", shares[1], right=True, rank=2),
        Column("activations", [line.held for line in lines], right=True, rank=1),
    ]


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
