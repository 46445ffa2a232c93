"""One way through the program: file -> loader -> Model -> measure -> deploy, memory -> rules -> Report.

The engine prints nothing and exits nowhere. A file that cannot be judged becomes errors of that file and the others
go on; a rule or loader that breaks becomes a named defect (exit code 4) and the others still run.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from paramlint.findings import Finding, InputError, Level, LoadError, order
from paramlint.ir import DType, Model
from paramlint.loaders import HEAD_BYTES, Request, detect
from paramlint.measure import Measured, measure
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
    try:
        measured = examine(load(path, request_for(plan), data), plan)
    except LoadError as error:
        return Outcome(errors=error.errors)
    except (RecursionError, MemoryError) as error:
        return Outcome(errors=(InputError(path, f"is too large or too deeply nested ({type(error).__name__})"),))
    except Exception as error:  # noqa: BLE001  # a loader's own defect is exit 4 of this file; the other files still run
        return Outcome(defects=(_defect(path, "reading it", error),))
    return _check(path, measured, plan)


def request_for(plan: Plan) -> Request:
    """What the loader has to deliver for this plan."""
    metrics = plan.wanted | plan.limits.metrics
    needs = plan.every or bool(plan.targets) or plan.rules.need_shapes or (plan.totals and not metrics)
    return plan.request._replace(shapes=needs or bool(metrics & (DEPLOYED | {"macs"})))


def examine(model: Model, plan: Plan) -> Measured:
    """Every number that this plan asks for."""
    from paramlint import budgets
    from paramlint.layer_budgets import layer_budgets

    measured = measure(model)._replace(shapes=model.format == "spec" or request_for(plan).shapes)
    limits = budgets.resolve(plan.limits, model, plan.targets)
    metrics = plan.wanted | limits.metrics
    if plan.every or plan.targets or metrics & DEPLOYED or (plan.totals and not metrics):
        measured = _deploy(measured, plan, limits.metrics)
    measured = measured._replace(
        budgets=budgets.compare(limits, measured), layer_budgets=tuple(layer_budgets(limits.layers, measured))
    )
    if plan.targets:
        from paramlint import targets

        measured = measured._replace(verdicts=tuple(targets.judge(target, measured) for target in plan.targets))
    return measured


def _deploy(measured: Measured, plan: Plan, budgeted: frozenset[str]) -> Measured:
    from paramlint import memory
    from paramlint.deploy import deploy
    from paramlint.ir import Total
    from paramlint.measure import single

    deployed = deploy(measured.model, plan.dtype)
    kernels = plan.targets[0].kernels if len(plan.targets) == 1 else "reference"
    order_search = plan.order_search or "ram.best" in budgeted
    ram = memory.measure_ram(deployed, kernels=kernels, order=order_search)
    flash = memory.flash(deployed)
    totals = {
        **measured.totals,
        "deployed_params": single(deployed.params),
        "flash_bytes": single(flash.estimate),
        "ram.bound": single(ram.bound),
        "ram.arena": single(ram.arena),
        "ram.arena_total": single(ram.arena_total),
        "ram.best": Total(None) if ram.best is None else single(ram.best),
    }
    assumed = (*measured.assumed, *deployed.assumed, *ram.assumed, *flash.assumed)
    return measured._replace(
        deployed=deployed, ram=ram, flash=flash, totals=totals, assumed=tuple(dict.fromkeys(assumed))
    )


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
