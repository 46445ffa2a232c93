from __future__ import annotations

from paramlint.budgets import Budget
from paramlint.display import shortened
from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.quantities import BYTES, format_size, grouped
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule

MAX_NAMES = 3  # tensors of the peak that the help names


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

    def complain(self, measured: Measured, budget: Budget) -> Finding:
        finding = super().complain(measured, budget)
        return finding if finding.help or budget.state != "fail" else finding._replace(help=_where(measured))


def _where(measured: Measured) -> str | None:
    """Where most is live, and what another operator order would bring."""
    ram = measured.ram
    if ram is None or ram.peak is None:
        return None
    named = ", ".join(f"{shortened(held.name)} {grouped(held.bytes)}" for held in ram.peak.live[:MAX_NAMES])
    more = f" and {len(ram.peak.live) - MAX_NAMES} more" if len(ram.peak.live) > MAX_NAMES else ""
    text = f"{format_size(ram.peak.bytes, BYTES)} are live at {shortened(ram.peak.layer)}: {named}{more}"
    if isinstance(ram.best, int) and isinstance(ram.bound, int) and ram.best < ram.bound:
        text += f"; {format_size(ram.best, BYTES)} in the best operator order (paramlint show --order)"
    return text
