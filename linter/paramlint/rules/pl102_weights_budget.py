from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL102", "weights-budget", Level.ERROR, "More bytes of weights than the budget allows")
class WeightsBudget(BudgetRule):
    """The weights take more bytes than their budget, at the element type of the file or the layer.

    Why: two models with equal parameters differ by a factor of eight between float64 and int8; what a download or a
    weight memory holds is bytes. Each storage counts once; ``flash`` is the budget for the deployed form.

    Fix: a narrower element type, or fewer parameters (see PL101).

    Bad::

        framework: keras
        input: [64]
        layers:
          - {type: Dense, units: 64}
        budget: {weights: 8KiB}

    Good::

        framework: keras
        dtype: int8
        input: [64]
        layers:
          - {type: Dense, units: 64}
        budget: {weights: 8KiB}
    """

    metrics = ("weights",)
