from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL106", "layers-budget", Level.ERROR, "More layers than the budget allows")
class LayersBudget(BudgetRule):
    """The model has more layers than its budget.

    Why: some accelerators hold a fixed number of layers, and each layer costs dispatch time on a small core. In a
    YAML architecture every expanded, active layer counts; in ONNX every node whose value depends on an input.

    Fix: lower a ``repeat``, or fold activations into the layers before them at export.

    Bad::

        framework: keras
        input: [16]
        layers:
          - {type: Dense, units: 16, repeat: 5}
        budget: {layers: 4}

    Good::

        framework: keras
        input: [16]
        layers:
          - {type: Dense, units: 16, repeat: 4}
        budget: {layers: 4}
    """

    metrics = ("layers",)
