from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.layer_budgets import LayerBudget as State
from paramlint.measure import Measured
from paramlint.quantities import format_size, percent, show_share
from paramlint.rules import Rule, rule


@rule("PL110", "layer-budget", Level.ERROR, "One layer takes more than a layer may")
class LayerBudget(Rule):
    """One layer takes more of a metric than a layer is allowed, in absolute terms or as a share of the model.

    Why: a model within its budget may still owe nearly all of it to one layer, which is then where pruning,
    pooling or a low-rank form pays; and some memories are divided by layer.

    Fix: shrink the layer, or give it a limit of its own (``match`` takes a layer's name or type).

    Bad::

        framework: keras
        input: [8, 8, 16]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3}
          - Flatten
          - {type: Dense, units: 100}
        layer-budget:
          - {match: Dense, params: 25k}

    Good::

        framework: keras
        input: [8, 8, 16]
        layers:
          - {type: Conv2D, filters: 16, kernel_size: 3}
          - GlobalAveragePooling2D
          - {type: Dense, units: 100}
        layer-budget:
          - {match: Dense, params: 25k}
    """

    def check(self, measured: Measured) -> Iterable[Finding]:
        for state in measured.layer_budgets:
            if state.state == "fail":
                yield self._complain(state)

    def _complain(self, state: State) -> Finding:
        unit, value = state.metric.unit, state.measured or 0
        limit = format_size(state.limit, unit)
        if state.share is not None:
            limit = f"{show_share(state.share)} of the model ({limit})"
        excess = f", {percent(value, state.limit)}" if state.limit else ""
        what = f"{state.metric.name} of layer {state.row.layer.name}"
        return self.finding(
            f"{what} over budget: {format_size(value, unit)} > {limit}{excess}",
            state.row.layer.source,
            layer=state.row.layer.name,
            measured=value,
            limit=state.limit,
            unit=unit,
            limit_source=state.source,
        )
