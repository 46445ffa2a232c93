from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL104", "macs-budget", Level.ERROR, "More multiply-accumulates than the budget allows")
class MacsBudget(BudgetRule):
    """One inference does more multiply-accumulates than the budget.

    Why: they are the part of latency and energy that the architecture decides. One multiplication and its addition
    are one; bias, activations, normalisation and pooling are none.

    Fix: convolutions early in the network are the usual cause: stride sooner, or use depthwise separable ones.

    Bad::

        framework: keras
        input: [32, 32, 16]
        layers:
          - {type: Conv2D, filters: 32, kernel_size: 3, padding: same}
        budget: {macs: 1M}

    Good::

        framework: keras
        input: [32, 32, 16]
        layers:
          - {type: SeparableConv2D, filters: 32, kernel_size: 3, padding: same}
        budget: {macs: 1M}
    """

    metrics = ("macs",)
