from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.budget_rule import BudgetRule


@rule("PL105", "file-budget", Level.ERROR, "The file is larger than the budget allows")
class FileBudget(BudgetRule):
    """The file, with the external data it names, is larger than its budget.

    Why: repositories and downloads have size limits of their own, and constants that nobody reads count here too.
    The budget does not apply to a YAML architecture, which has no weights on disk.

    Fix: ``unused_bytes`` and ``duplicate_bytes`` in the report say what could go; then a narrower element type.

    Bad (--max file=100)::

        <ir_version: 8, opset_import: ["" : 13]>
        tall (float[1,4] x) => (float[1,4] y)
        <float[4] w = {1.0, 2.0, 3.0, 4.0}>
        { y = Mul (x, w) }

    Good (--max file=1kB)::

        <ir_version: 8, opset_import: ["" : 13]>
        tall (float[1,4] x) => (float[1,4] y)
        <float[4] w = {1.0, 2.0, 3.0, 4.0}>
        { y = Mul (x, w) }
    """

    metrics = ("file",)
