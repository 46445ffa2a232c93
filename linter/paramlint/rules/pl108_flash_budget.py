from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL108", "flash-budget", Level.ERROR, "More flash than the budget allows")
class FlashBudget(BudgetRule):
    """The deployed model takes more flash than its budget.

    Why: flash holds the folded weights at the deployed element type plus what the container adds. That addition is
    an estimate with a margin, and the limit is held against its upper end.

    Fix: deploy in int8 (``dtype: int8`` or ``--as int8``), then cut parameters; ``flash-overhead`` of a target
    replaces the estimate by what you have measured.

    Bad::

        framework: keras
        input: [128]
        layers:
          - {type: Dense, units: 128}
        budget: {flash: 32KiB}

    Good::

        framework: keras
        dtype: int8
        input: [128]
        layers:
          - {type: Dense, units: 128}
        budget: {flash: 32KiB}
    """

    metrics = ("flash",)
    from_target = True
