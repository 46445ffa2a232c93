from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL103", "ram-budget", Level.ERROR, "More working memory than the budget allows")
class RamBudget(BudgetRule):
    """One inference needs more working memory than its budget.

    Why: activations, not weights, are what usually breaks a microcontroller. ``ram`` is what ``tensor_arena`` must
    hold under TFLite Micro; ``ram.bound``, ``ram.arena`` and ``ram.best`` can be budgeted by these names.

    Fix: the memory timeline shows which tensors are live at the peak. Pool or stride earlier, split a wide layer,
    or deploy with int8 activations (``--as int8``).

    Bad::

        framework: keras
        dtype: int8
        input: [64, 64, 3]
        layers:
          - {type: Conv2D, filters: 32, kernel_size: 3, padding: same}
          - {type: MaxPooling2D, pool_size: 4}
        budget: {ram.bound: 64KiB}

    Good::

        framework: keras
        dtype: int8
        input: [64, 64, 3]
        layers:
          - {type: Conv2D, filters: 32, kernel_size: 3, strides: 2, padding: same}
          - {type: MaxPooling2D, pool_size: 2}
        budget: {ram.bound: 64KiB}
    """

    metrics = ("ram", "ram.bound", "ram.arena", "ram.best")
    from_target = True
