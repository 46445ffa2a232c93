"""The table under a model's findings: what it measures against what it may."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from paramlint.budgets import Budget
from paramlint.display import escape
from paramlint.ir import Source, Total
from paramlint.measure import Measured
from paramlint.quantities import BYTES, COUNT, format_size, grouped, percent
from paramlint.reporters import Look
from paramlint.reporters.comparison import comparison
from paramlint.reporters.frames import paint, where
from paramlint.reporters.memory_timeline import timeline

if TYPE_CHECKING:
    from paramlint.report import Judged

BAR = 20  # characters
_STATES = {"pass": ("ok", "green"), "warn": ("WARN", "yellow"), "fail": ("FAIL", "red"), "unknown": ("?", "yellow")}

#: What a model without budgets shows: label, key, unit.
_TOTALS = (
    ("params", "params", COUNT),
    ("active", "active_params", COUNT),
    ("trainable", "trainable_params", COUNT),
    ("buffers", "buffers", COUNT),
    ("weights", "param_bytes", BYTES),
    ("macs", "macs", COUNT),
    ("layers", "layers", COUNT),
    ("flash", "flash_bytes", BYTES),
    ("ram", "ram.arena_total", BYTES),
    ("file", "file_bytes", BYTES),
)


def summary(judged: Judged, look: Look) -> list[str]:
    """A heading, one line for each limit or total, and what had to be assumed."""
    measured = judged.measured
    several = len(measured.verdicts) > 1
    of_targets = {id(budget) for verdict in measured.verdicts if several for budget in verdict.budgets}
    rows = _budgets([budget for budget in measured.budgets if id(budget) not in of_targets], look)
    if measured.verdicts:
        rows += comparison(measured.verdicts, look)
    complete = not rows or look.verbose
    if complete:
        rows += totals(measured)
    rows += timeline(measured, look)
    rows += [f"  {'assumed':9} {escape(text)}" for text in measured.assumed if complete or _concerns(text, measured)]
    return [heading(measured, look), *rows]


def _concerns(assumed: str, measured: Measured) -> bool:
    """False for an assumption about a number that is not among the lines above."""
    shown = {budget.metric.name.partition(".")[0] for budget in measured.budgets}
    return all(not assumed.lower().startswith(f"{name}:") or name in shown for name in ("ram", "flash"))


def heading(measured: Measured, look: Look) -> str:
    """The file, and what kind of model it is."""
    model = measured.model
    words = (model.framework or model.format, model.dtype.value if model.dtype else "")
    kind = ", ".join(word for word in words if word)
    return f"{paint(escape(model.path), look, bold=True)}  ({escape(kind)})"


def one_line(judged: Judged, look: Look) -> str:
    """A model that has nothing to complain about, in a long list of models."""
    measured = judged.measured
    uses = [_use(budget) for budget in measured.budgets] or [f"params {amount(measured.total('params'), COUNT)}"]
    return f"{paint('ok', look, 'green')}  {escape(measured.model.path)}  {', '.join(uses)}"


def _use(budget: Budget) -> str:
    return f"{budget.metric.name} {percent(budget.upper or budget.measured or 0, budget.limit)}"


def _budgets(budgets: Sequence[Budget], look: Look) -> list[str]:
    """One line for each limit, its columns as wide as the widest entry."""
    cells = [_cells(budget) for budget in budgets]
    widths = [max(len(row[column]) for row in cells) for column in range(4)] if cells else []
    lines = []
    for budget, (name, bar, use, share) in zip(budgets, cells, strict=True):
        word, color = _STATES[budget.state]
        state = paint(f"{word:4}", look, color, bold=True)
        row = f"{name:{widths[0]}}  {bar:{widths[1]}}  {use:>{widths[2]}}  {share:>{widths[3]}}  {state}"
        lines.append(f"  {row}  {_set_by(budget.source)}")
    return lines


def _set_by(source: Source) -> str:
    """Where a limit was set; of a target its name, not where its facts come from."""
    return where(source).partition(":")[0] if source.kind == "target" else where(source)


def _cells(budget: Budget) -> tuple[str, str, str, str]:
    """Name, bar, ``used of limit``, share; of an estimate its upper end too, which is what is compared."""
    compared = budget.measured if budget.upper is None else budget.upper
    upper = "" if compared == budget.measured or compared is None else f" (up to {grouped(compared)})"
    unit = " B" if budget.metric.unit == BYTES else ""
    use = f"{amount(Total(budget.measured, budget.reasons), COUNT)}{upper} of {grouped(budget.limit)}{unit}"
    if compared is None:
        return budget.metric.name, "", use, "-"
    return budget.metric.name, _bar(compared, budget), use, percent(compared, budget.limit)


def _bar(value: int, budget: Budget) -> str:
    filled = min(BAR, value * BAR // budget.limit) if budget.limit else BAR
    cells = ["#"] * filled + ["."] * (BAR - filled)
    if budget.warn is not None and budget.limit:
        cells[min(BAR - 1, budget.warn * BAR // budget.limit)] = "|"
    return f"[{''.join(cells)}]"


def totals(measured: Measured) -> list[str]:
    """The totals that this run computed, unknown ones with their reason."""
    found = []
    for label, key, unit in _TOTALS:
        total = measured.totals.get(key)
        if total is None or _pointless(key, total, measured):
            continue
        reasons = f"  ({escape(_short(total.reasons))})" if total.reasons else ""
        found.append(f"  {label:9} {amount(total, unit)}{reasons}")
    return found


def _pointless(key: str, total: Total, measured: Measured) -> bool:
    """True for a line that would say nothing new."""
    if key == "active_params":
        return total.value == measured.total("params").value
    if key == "buffers":
        return not total.value
    if key == "trainable_params" and measured.model.format != "spec":
        return True
    if key == "macs" and not measured.shapes:
        return True
    return total.value is None and not total.reasons


def _short(reasons: Sequence[str]) -> str:
    more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}"


def amount(total: Total, unit: str) -> str:
    """An exact number, ``at least`` one, or ``unknown``."""
    if total.value is None:
        return "unknown"
    exact = format_size(total.value, unit)
    return exact if total.exact else f"at least {exact}"


def count(number: int, noun: str) -> str:
    """``1 error``, ``2 errors``."""
    return f"{grouped(number)} {noun}{'' if number == 1 else 's'}"
