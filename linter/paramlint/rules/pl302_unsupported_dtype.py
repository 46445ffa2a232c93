from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.rules import rule
from paramlint.rules.budget_rule import as_int8
from paramlint.rules.target_rule import Cause, TargetRule, fitting, named, verdict_of


@rule("PL302", "unsupported-dtype", Level.ERROR, "An element type that the target does not compute in")
class UnsupportedDtype(TargetRule):
    """Operators of the deployed network compute in an element type that the target does not take.

    Why: a neural processor of integers has no float multipliers. Where the core takes the operators instead, the
    finding is a warning: the network runs, but not on what the target was chosen for.

    Fix: deploy in an element type that it takes: ``dtype: int8`` in the spec or ``--as int8``, or a quantised graph.

    Bad::

        # --target ra8p1
        framework: keras
        input: [8, 8, 3]
        layers:
          - {type: Conv2D, filters: 8, kernel_size: 3}

    Good::

        # --target ra8p1
        framework: keras
        dtype: int8
        input: [8, 8, 3]
        layers:
          - {type: Conv2D, filters: 8, kernel_size: 3}
    """

    alike = ("reason", "runs_on")

    def check(self, measured: Measured) -> Iterable[Finding]:
        changed: Measured | None = None
        for cause in self.causes(measured, "dtype"):
            changed = changed or as_int8(measured)
            one = cause.first
            number = len(cause.layers)
            what = (
                f"{one.op} {one.reason}"
                if number < 2
                else f"{number} layers {one.reason.replace('computes', 'compute')}"
            )
            elsewhere = f"; {one.runs_on} takes {'it' if number < 2 else 'them'}" if one.runs_on else ""
            yield self.complain(
                measured,
                cause,
                f"{what}{elsewhere}{named(cause.layers)}",
                level=Level.WARNING if one.runs_on else None,
                help=None if changed is None else _help(changed, cause),
            )


def _help(changed: Measured, cause: Cause) -> str | None:
    """What int8 would change, where it was tried and takes the complaint away."""
    fit = fitting(changed, cause.targets)
    if len(fit) == len(cause.targets):
        return "int8 would fit (--as int8)"
    verdicts = [verdict_of(changed, target) for target in cause.targets]
    if any(verdict is None or any(one.state == "dtype" for one in verdict.found) for verdict in verdicts):
        return None
    return "int8 would be taken (--as int8)"
