from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL107", "trainable-budget", Level.ERROR, "More trainable parameters than the budget allows")
class TrainableBudget(BudgetRule):
    """More parameters are trained than the budget allows.

    Why: optimiser state and gradients grow with what is trained, not with what is stored; in fine-tuning a layer
    that somebody forgot to freeze shows here first. An ONNX file does not say which weights are trained.

    Fix: ``trainable: false`` on the layers, wrappers or block calls that should keep their weights.

    Bad::

        framework: keras
        input: [64]
        layers:
          - {type: Dense, units: 64}
          - {type: Dense, units: 10}
        budget: {trainable: 1k}

    Good::

        framework: keras
        input: [64]
        layers:
          - {type: Dense, units: 64, trainable: false}
          - {type: Dense, units: 10}
        budget: {trainable: 1k}
    """

    metrics = ("trainable",)
