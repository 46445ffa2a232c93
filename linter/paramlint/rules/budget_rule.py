"""What the budget rules PL101 to PL108 have in common: how a broken limit is said."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from paramlint.budgets import Budget
from paramlint.findings import Finding, Level
from paramlint.ir import DType, Source
from paramlint.layer_budgets import layer_value
from paramlint.measure import Change, Measured
from paramlint.quantities import BYTES, format_size, grouped, percent, show_share
from paramlint.rules import Rule


def place(measured: Measured) -> Source:
    """Where a finding about the whole model points."""
    return measured.model.source or Source("file", measured.model.path)


class BudgetRule(Rule):
    """A rule that speaks for every limit on its metrics that is broken, or whose warn mark is passed."""

    metrics: ClassVar[tuple[str, ...]]
    #: Limits on this metric usually come with a target: without one there is nothing to judge.
    from_target: ClassVar[bool] = False

    def applies(self, measured: Measured) -> bool:
        return not self.from_target or any(budget.metric.name in self.metrics for budget in measured.budgets)

    def check(self, measured: Measured) -> Iterable[Finding]:
        mine = [budget for budget in measured.budgets if budget.metric.name in self.metrics]
        failed = {budget.metric.name for budget in mine if budget.state == "fail"}
        for budget in mine:
            if budget.state == "fail" or (budget.state == "warn" and budget.metric.name not in failed):
                yield self.complain(measured, budget)

    def complain(self, measured: Measured, budget: Budget) -> Finding:
        """The finding of one budget that is broken or nearly so."""
        fails = budget.state == "fail"
        return self.finding(
            _over(budget) if fails else _nearly(budget),
            place(measured),
            level=self.level if fails else Level.WARNING,
            measured=budget.measured,
            limit=budget.limit,
            unit=budget.metric.unit,
            limit_source=budget.source,
            help=(_int8(measured, budget) if fails else None) or largest(measured, budget),
        )


#: Integers that an int8 deployment replaces: wider ones, and unsigned ones, which few kernels take.
_NOT_YET = frozenset({DType.INT16, DType.UINT16, DType.UINT8})


def as_int8(measured: Measured) -> Measured | None:
    """The same network deployed as int8; None where it is that already or cannot be asked."""
    deployed = measured.deployed
    if measured.recheck is None or deployed is None:
        return None
    if not any(buffer.dtype.is_float or buffer.dtype in _NOT_YET for buffer in deployed.buffers):
        return None
    return measured.recheck(Change(DType.INT8))


def _int8(measured: Measured, budget: Budget) -> str | None:
    """What int8 would bring, where it was tried and keeps the budget."""
    if budget.metric.name != "flash" and not budget.metric.name.startswith("ram"):
        return None
    changed = as_int8(measured)
    for other in changed.budgets if changed else ():
        if other.metric == budget.metric and other.source == budget.source and other.state in ("pass", "warn"):
            value = other.upper if other.upper is not None else other.measured or 0
            upto = "up to " if other.upper is not None and other.upper != other.measured else ""
            return f"int8 would fit: {upto}{format_size(value, budget.metric.unit)} of {budget.metric.name} (--as int8)"
    return None


def _over(budget: Budget) -> str:
    unit, value = budget.metric.unit, budget.measured or 0
    compared = budget.upper if budget.upper is not None else value
    amount = format_size(value, unit)
    if budget.reasons:
        amount = f"at least {amount}"
    elif budget.upper is not None and budget.upper != value:
        amount = f"about {amount}, up to {format_size(budget.upper, unit)}"
    excess = f"+{grouped(compared - budget.limit)}{' B' if unit == BYTES else ''}"
    share = f", {percent(compared, budget.limit)}" if budget.limit else ""
    return f"{budget.metric.name} over budget: {amount} > {format_size(budget.limit, unit)} ({excess}{share})"


def _nearly(budget: Budget) -> str:
    unit, value = budget.metric.unit, budget.upper if budget.upper is not None else budget.measured or 0
    mark = show_share(budget.mark) if budget.mark is not None else "-"
    use = percent(value, budget.limit)
    amounts = f"{format_size(value, unit)} of {format_size(budget.limit, unit)}"
    return f"{budget.metric.name} above {mark} of the budget: {amounts} ({use})"


def largest(measured: Measured, budget: Budget) -> str | None:
    """The layers that hold most of a metric: where to begin."""
    if not budget.metric.per_layer or budget.metric.name == "ram" or not budget.measured:
        return None
    values = [(layer_value(budget.metric, row)[0] or 0, row.layer.name) for row in measured.rows]
    top = sorted((item for item in values if item[0]), key=lambda item: -item[0])[:3]
    if len(values) < 2 or not top:
        return None
    listed = ", ".join(f"{name} {grouped(value)} ({percent(value, budget.measured)})" for value, name in top)
    return f"the largest layers: {listed}"
