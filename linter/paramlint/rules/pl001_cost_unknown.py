from __future__ import annotations

from collections.abc import Iterable

from paramlint.budgets import METRICS, Budget, Metric
from paramlint.findings import Finding, Level
from paramlint.ir import Source
from paramlint.measure import Measured, Row, place
from paramlint.quantities import format_size, show_share
from paramlint.rules import Rule, rule
from paramlint.rules.budget_rule import place as model_place

#: What no ONNX file says is no news; it is said only where somebody budgets it.
QUIET = frozenset({"trainable", "file", "ram.best", "ram.bound", "ram.arena"})


@rule("PL001", "cost-unknown", Level.ERROR, "A number that a budget needs cannot be computed")
class CostUnknown(Rule):
    """A cost of the model is not known, so its total is only a lower bound.

    Why: an operator without a known cost is not free. A budget cannot pass on such a number, so the finding is an
    error where a budget or a target depends on it, and a note elsewhere.

    Fix: the message names the layer and the cause. Bind a free dimension (``--dim seq=128``), state the cost
    of a ``Custom`` layer, or replace the operator.

    Bad::

        framework: keras
        input: [8]
        layers:
          - {type: Custom, params: 768, output: [8]}
        budget: {macs: 1k}

    Good::

        framework: keras
        input: [8]
        layers:
          - {type: Custom, params: 768, macs: 0, output: [8]}
        budget: {macs: 1k}
    """

    def check(self, measured: Measured) -> Iterable[Finding]:
        held: dict[tuple[str, ...], list[Budget]] = {}
        for budget in measured.budgets:
            if budget.state == "unknown":
                held.setdefault(budget.reasons, []).append(budget)
        for reasons, budgets in held.items():
            yield self._unjudged(measured, reasons, budgets)
        said = {budget.metric.name for budgets in held.values() for budget in budgets}
        news: dict[tuple[str, ...], list[Metric]] = {}
        for metric in METRICS.values():
            if metric.name not in said and self._is_news(metric, measured):
                news.setdefault(measured.total(metric.key).reasons, []).append(metric)
        for reasons, metrics in news.items():
            if reasons not in held and not self._said_elsewhere(reasons, measured):
                yield self._note(measured, reasons, metrics)
        yield from self._layers(measured)

    def _is_news(self, metric: Metric, measured: Measured) -> bool:
        """True for a metric that this run computed and could not complete."""
        if metric.name in QUIET or metric.key not in measured.totals or not measured.totals[metric.key].reasons:
            return False
        return measured.shapes or metric.name in ("params", "weights")

    def _said_elsewhere(self, reasons: tuple[str, ...], measured: Measured) -> bool:
        """True when every cause is a layer about which a dynamic shape is already reported."""
        dynamic = {seen.layer for seen in measured.model.observations if seen.rule == "PL003"}
        if None in dynamic:
            return True
        rows = [_row(reason, measured) for reason in reasons]
        return bool(rows) and all(row is not None and row.layer.name in dynamic for row in rows)

    def _note(self, measured: Measured, reasons: tuple[str, ...], metrics: list[Metric]) -> Finding:
        names = ", ".join(metric.name for metric in metrics)
        source, layer = _place(reasons, measured)
        return self.finding(f"{names} not known: {_why(reasons)}", source, level=Level.NOTE, layer=layer)

    def _unjudged(self, measured: Measured, reasons: tuple[str, ...], budgets: list[Budget]) -> Finding:
        first = budgets[0]
        held = ", ".join(f"{budget.metric.name} {_bound(budget)}" for budget in budgets)
        source, layer = _place(reasons, measured)
        return self.finding(
            f"a budget cannot be judged: {held}: {_why(reasons)}",
            source,
            layer=layer,
            measured=first.measured,
            limit=first.limit,
            unit=first.metric.unit,
            limit_source=first.source,
        )

    def _layers(self, measured: Measured) -> Iterable[Finding]:
        for state in measured.layer_budgets:
            if state.state != "unknown":
                continue
            limit = show_share(state.share) if state.share is not None else format_size(state.limit, state.metric.unit)
            why = "; ".join(state.reasons[:3])
            what = f"{state.metric.name} of {state.row.layer.name} against {limit}"
            yield self.finding(
                f"a layer budget cannot be judged: {what}: {why}",
                state.row.layer.source,
                layer=state.row.layer.name,
                limit_source=state.source,
            )


def _why(reasons: tuple[str, ...]) -> str:
    more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return ("; ".join(reasons[:3]) or "it was not computed") + more


def _place(reasons: tuple[str, ...], measured: Measured) -> tuple[Source, str | None]:
    """Where a finding points: at the layer that is the only cause, else at the model."""
    row = _row(reasons[0], measured) if len(reasons) == 1 else None
    return (row.layer.source, row.layer.name) if row else (model_place(measured), None)


def _bound(budget: Budget) -> str:
    limit = format_size(budget.limit, budget.metric.unit)
    if budget.measured is None:
        return f"is not known (limit {limit})"
    return f"is at least {format_size(budget.measured, budget.metric.unit)} (limit {limit})"


def _row(reason: str, measured: Measured) -> Row | None:
    """The layer that a reason begins with (``node n7: ...``)."""
    return next((row for row in measured.rows if reason.startswith(f"{place(row.layer)}: ")), None)
