"""One model, read and measured for a command that shows it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from paramlint.invocation.options import Settings

if TYPE_CHECKING:
    from paramlint.measure import Measured


def measure(path: str, settings: Settings) -> Measured | int:
    """The measured model, or the exit code after its errors were said on standard error."""
    from paramlint import engine
    from paramlint.engine import Plan
    from paramlint.errors import InputError
    from paramlint.invocation.discover import discover
    from paramlint.invocation.look import look
    from paramlint.invocation.plans import Planner
    from paramlint.report import Report
    from paramlint.reporters import find
    from paramlint.rules import RuleSet

    planner = Planner(settings)
    outcome: Measured | engine.Outcome
    if os.path.isdir(path):
        outcome = engine.Outcome(errors=(InputError(path, "is a folder; this command shows one model"),))
    else:
        item = next(iter(discover([path], lambda folder: planner.config(folder)._replace(exclude=()))))
        given = planner.plan(item.path, item.config)
        limits = given.limits._replace(model=(), layers=())
        wanted = frozenset({"macs", "ram.best"} if settings.order else {"macs"})
        plan = Plan(given.request, limits, RuleSet(()), (), given.dtype, wanted, order_search=settings.order)
        outcome = engine.Outcome(errors=(item.error,)) if item.error else engine.view(item.path, plan, item.data)
    if not isinstance(outcome, engine.Outcome):
        return outcome
    report = Report((), outcome.errors, outcome.defects)
    write = find("text")
    assert write is not None
    write(report, sys.stderr, look(settings)._replace(quiet=True))
    for defect in outcome.defects:
        sys.stderr.write(f"paramlint has a defect: {defect.path}: {defect.what}\n")
        if settings.verbose:
            sys.stderr.write(defect.trace)
    return report.exit_code
