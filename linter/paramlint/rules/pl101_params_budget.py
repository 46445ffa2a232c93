from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL101", "params-budget", Level.ERROR, "More parameters than the budget allows")
class ParamsBudget(BudgetRule):
    """The model has more parameters than its budget.

    Why: parameters are what has to be trained, shipped and kept in memory; a budget on them catches the layer that
    somebody widened in passing. Tied weights count once. Above the budget's ``warn`` share the rule is a warning.

    Fix: the report names the layers that hold most. Narrow them, replace a dense layer behind Flatten by global
    pooling, or raise the budget where it stands, so that the change is seen in review.

    Bad::

        framework: keras
        input: [50]
        layers:
          - {type: Dense, units: 100}
          - {type: Dense, units: 50}
        budget: {params: 10k}

    Good::

        framework: keras
        input: [50]
        layers:
          - {type: Dense, units: 90}
          - {type: Dense, units: 50}
        budget: {params: 10k}
    """

    metrics = ("params",)
