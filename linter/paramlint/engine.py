"""One way through the program: file -> loader -> Model -> measure -> deploy, memory -> rules -> Report.

The engine prints nothing and exits nowhere. A file that cannot be judged becomes errors of that file and the others
go on; a rule or loader that breaks becomes a named defect (exit code 4) and the others still run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from paramlint.findings import Finding, InputError, Level, LoadError, order
from paramlint.ir import DType, Model
from paramlint.loaders import HEAD_BYTES, Request, detect
from paramlint.measure import Change, Measured, measure, single, with_memory
from paramlint.report import Defect, Judged, Report

if TYPE_CHECKING:
    from paramlint.budgets import Limits
    from paramlint.rules import RuleSet
    from paramlint.targets import Target

#: Metrics (INTERFACE section 2) that come from the deployment view and so need shapes.
DEPLOYED = frozenset({"flash", "ram", "ram.bound", "ram.arena", "ram.best", "deployed_params"})


class Plan(NamedTuple):
    """What one file is held against: made of config and command line, before the file is read.

    ``wanted`` holds the metrics that a report shows besides those that limits and targets need; ``every`` asks for
    all but ``ram.best``; ``totals`` does so where no limit holds, so that there is something to show.
    """

    request: Request
    limits: Limits
    rules: RuleSet
    targets: tuple[Target, ...] = ()
    dtype: DType | None = None
    wanted: frozenset[str] = frozenset()
    every: bool = False
    totals: bool = False
    order_search: bool = False
    fail_level: Level | None = Level.ERROR


class Outcome(NamedTuple):
    """What became of one path."""

    judged: Judged | None = None
    errors: tuple[InputError, ...] = ()
    defects: tuple[Defect, ...] = ()


def load(path: str, request: Request, data: bytes | None = None) -> Model:
    """Read one file, or ``data`` that came from standard input under the name ``path``; raises LoadError."""
    if data is not None:
        return detect(path, data[:HEAD_BYTES]).load_bytes(path, data, request)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            head = os.read(descriptor, HEAD_BYTES)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise LoadError(InputError(path, f"cannot be read: {(error.strerror or str(error)).lower()}")) from error
    return detect(path, head).load(path, request)


def judge(path: str, plan: Plan, data: bytes | None = None) -> Outcome:
    """Load, measure and check one file. Never raises for anything the file holds."""
    measured = _attempt(path, plan, data, examine)
    return measured if isinstance(measured, Outcome) else _check(path, measured, plan)


def view(path: str, plan: Plan, data: bytes | None = None) -> Measured | Outcome:
    """A model with its numbers, held against nothing, not even its own limits; an Outcome where it cannot be read."""
    return _attempt(path, plan, data, lambda model, plan: examine(model._replace(limits=()), plan))


def _attempt(path: str, plan: Plan, data: bytes | None, then: Callable[[Model, Plan], Measured]) -> Measured | Outcome:
    try:
        return then(load(path, request_for(plan), data), plan)
    except LoadError as error:
        return Outcome(errors=error.errors)
    except (RecursionError, MemoryError) as error:
        return Outcome(errors=(InputError(path, f"is too large or too deeply nested ({type(error).__name__})"),))
    except Exception as error:  # noqa: BLE001  # a loader's own defect is exit 4 of this file; the other files still run
        return Outcome(defects=(_defect(path, "reading it", error),))


def request_for(plan: Plan) -> Request:
    """What the loader has to deliver for this plan."""
    metrics = plan.wanted | plan.limits.metrics
    needs = plan.every or bool(plan.targets) or plan.rules.need_shapes or (plan.totals and not metrics)
    return plan.request._replace(shapes=needs or bool(metrics & (DEPLOYED | {"macs"})))


def examine(model: Model, plan: Plan) -> Measured:
    """Every number that this plan asks for."""
    from paramlint import budgets
    from paramlint.layer_budgets import layer_budgets

    measured = measure(model)._replace(
        shapes=model.format == "spec" or request_for(plan).shapes, recheck=partial(_recheck, model, plan)
    )
    limits = budgets.resolve(plan.limits, model)
    metrics = plan.wanted | limits.metrics
    if plan.every or plan.targets or metrics & DEPLOYED or (plan.totals and not metrics):
        measured = _deploy(measured, plan, limits.metrics)
    found = budgets.compare(limits.model, measured)
    if plan.targets:
        measured = _on_targets(measured, plan)
        found = budgets.ordered((*found, *(budget for verdict in measured.verdicts for budget in verdict.budgets)))
    measured = measured._replace(budgets=found, layer_budgets=tuple(layer_budgets(limits.layers, measured)))
    return _best_order(measured)


def _recheck(model: Model, plan: Plan, change: Change) -> Measured:
    """What ``examine`` would find after a change; the model and the plan stay as they are."""
    return examine(model, plan._replace(dtype=change.dtype))._replace(recheck=None)


def _deploy(measured: Measured, plan: Plan, budgeted: frozenset[str]) -> Measured:
    """The deployment view with the memory model that is assumed where no target says another one."""
    from paramlint import memory
    from paramlint.deploy import deploy

    deployed = deploy(measured.model, plan.dtype)
    ram = memory.measure_ram(deployed, order=plan.order_search or "ram.best" in budgeted)
    flash = memory.flash(deployed)
    assumed = (*measured.assumed, *deployed.assumed, *ram.assumed, *flash.assumed)
    return with_memory(measured, deployed, ram, flash)._replace(assumed=tuple(dict.fromkeys(assumed)))


def _on_targets(measured: Measured, plan: Plan) -> Measured:
    """The verdict of each target, and what was assumed for it."""
    from paramlint import targets

    models = targets.Models(measured)
    verdicts = tuple(targets.judge(target, measured, plan.limits.warn_at, models) for target in plan.targets)
    names: dict[str, list[str]] = {}
    for verdict in verdicts:
        for text in verdict.assumed:
            names.setdefault(text, []).append(verdict.target.id)
    said = [f"{text} ({', '.join(found)})" for text, found in names.items() if text not in measured.assumed]
    return measured._replace(verdicts=verdicts, assumed=(*measured.assumed, *said))


def _best_order(measured: Measured) -> Measured:
    """The bound of the best operator order, where a limit on RAM is broken and nobody has asked for it yet."""
    broken = any(budget.metric.name.startswith("ram") and budget.state == "fail" for budget in measured.budgets)
    if not broken or measured.deployed is None or measured.ram is None or measured.ram.best is not None:
        return measured
    from paramlint import memory

    found = memory.measure_ram(measured.deployed, order=True)
    if found.best is None:
        return measured
    ram = measured.ram._replace(best=found.best, order=found.order)
    return measured._replace(ram=ram, totals={**measured.totals, "ram.best": single(found.best)})


def _check(path: str, measured: Measured, plan: Plan) -> Outcome:
    findings: list[Finding] = []
    defects: list[Defect] = []
    for rule in plan.rules.active:
        try:
            findings += rule.findings(measured)
        except Exception as error:  # noqa: BLE001  # one broken rule (perhaps a plugin's) is named; the others still run
            defects.append(_defect(path, f"rule {rule.code}", error))
    shown, silenced = plan.rules.suppress(measured, findings)
    judged = Judged(measured, tuple(sorted(shown, key=order)), tuple(silenced), plan.fail_level)
    return Outcome(judged, defects=tuple(defects))


def _defect(path: str, what: str, error: Exception) -> Defect:
    import traceback  # only a defect pays for it

    summary = f"{what} failed: {type(error).__name__}: {error}"
    return Defect(path, summary, "".join(traceback.format_exception(error)))


def run(paths: Iterable[tuple[str, Plan, bytes | None]]) -> Report:
    """Judge every path; the report keeps their order."""
    return collect([judge(path, plan, data) for path, plan, data in paths])


def collect(outcomes: Sequence[Outcome]) -> Report:
    """Put the outcomes of many files into one report."""
    return Report(
        tuple(outcome.judged for outcome in outcomes if outcome.judged),
        tuple(error for outcome in outcomes for error in outcome.errors),
        tuple(defect for outcome in outcomes for defect in outcome.defects),
    )
