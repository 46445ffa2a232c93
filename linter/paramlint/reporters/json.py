"""The JSON report, version 1; ``schemas/report.schema.json`` is its contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TextIO

from paramlint import __version__
from paramlint.budgets import Budget
from paramlint.errors import InputError
from paramlint.findings import Finding, Level
from paramlint.formulas import numeric
from paramlint.ir import Source, Unknown
from paramlint.measure import Measured, Row
from paramlint.reporters import Look, reporter

if TYPE_CHECKING:
    from paramlint.report import Judged, Report
    from paramlint.targets import Verdict
    from paramlint.targets.op import OpVerdict
    from paramlint.targets.verdict import Standing

VERSION = 1

#: Totals that are plain numbers, in the order of the report.
TOTALS = (
    "params", "active_params", "trainable_params", "non_trainable_params", "buffers", "param_bytes", "constant_bytes",
    "unused_bytes", "duplicate_bytes", "macs", "file_bytes", "layers", "flash_bytes", "deployed_params",
)  # fmt: skip
RAM = ("bound", "arena", "arena_total", "best")


@reporter("json")
def write(report: Report, out: TextIO, look: Look) -> None:
    """One compact line where a program reads it, indented where a person does."""
    compact = None if look.terminal else (",", ":")
    # In one piece: json.dump, which writes bit by bit, is twenty times slower.
    out.write(json.dumps(document(report), indent=2 if look.terminal else None, separators=compact) + "\n")


def document(report: Report) -> dict[str, Any]:
    """The report as plain data."""
    return {
        "version": VERSION,
        "tool": {"name": "paramlint", "version": __version__},
        "models": [_model(judged) for judged in report.models],
        "errors": [_error(error) for error in report.errors],
        "rules": {card.code: {"name": card.name, "summary": card.summary} for card in report.rules},
        "summary": {
            "models": len(report.models),
            "errors": report.count(Level.ERROR) + len(report.errors),
            "warnings": report.count(Level.WARNING),
            "notes": report.count(Level.NOTE),
            "suppressed": sum(len(judged.suppressed) for judged in report.models),
            "baselined": 0,
            "exit_code": report.exit_code,
        },
    }


def _model(judged: Judged) -> dict[str, Any]:
    measured = judged.measured
    model = measured.model
    return {
        "path": model.path,
        "format": model.format,
        "name": model.name,
        "framework": model.framework,
        "assumed": list(measured.assumed),
        "totals": _totals(measured),
        "unknown": _unknown(measured),
        "layers": [_layer(row, model.framework) for row in measured.rows],
        "memory": _memory(measured),
        "budgets": [_budget(budget) for budget in measured.budgets],
        "targets": [target_record(verdict) for verdict in measured.verdicts],
        "findings": [_finding(finding) for finding in judged.findings],
    }


def _totals(measured: Measured) -> dict[str, Any]:
    totals: dict[str, Any] = {key: measured.total(key).value for key in TOTALS}
    totals["ram"] = {key: measured.total(f"ram.{key}").value for key in RAM}
    return totals


def _unknown(measured: Measured) -> dict[str, list[str]]:
    """Reasons by key; where all of ``ram`` is unknown for the same ones, they stand once."""
    reasons = {key: list(total.reasons) for key, total in measured.totals.items() if total.reasons}
    ram = [reasons.get(f"ram.{key}") for key in RAM if key != "best"]
    if ram[0] is not None and all(item == ram[0] for item in ram):
        reasons = {key: value for key, value in reasons.items() if not key.startswith("ram.")} | {"ram": ram[0]}
    return reasons


def _memory(measured: Measured) -> dict[str, Any] | None:
    """Live bytes at each operator and what is live at the peak; null where sizes are not known."""
    ram, deployed = measured.ram, measured.deployed
    if ram is None or ram.peak is None or deployed is None:
        return None
    peak = ram.peak
    return {
        "peak": {
            "layer": peak.layer,
            "bytes": peak.bytes,
            "live": [{"name": held.name, "bytes": held.bytes} for held in peak.live],
        },
        "timeline": [
            {"layer": operator.layer, "bytes": size}
            for operator, size in zip(deployed.operators, ram.timeline, strict=True)
        ],
    }


def _layer(row: Row, framework: str | None) -> dict[str, Any]:
    layer = row.layer
    return {
        "name": layer.name,
        "op": layer.op,
        "params": row.params,
        "trainable_params": row.trainable,
        "non_trainable_params": row.non_trainable,
        "buffers": row.buffers,
        "param_bytes": row.param_bytes,
        "macs": None if isinstance(row.macs, Unknown) else row.macs,
        "formula": None
        if layer.formula is None
        else {
            "symbolic": layer.formula.symbolic,
            "numeric": numeric(layer.formula),
            "value": layer.formula.value,
        },
        "outputs": [
            {
                "name": tensor.name,
                "shape": None if tensor.shape is None else list(tensor.shape),
                "dtype": tensor.dtype.value,
            }
            for tensor in layer.outputs
        ],
        "source": source(layer.source),
    }


def _budget(budget: Budget) -> dict[str, Any]:
    return {
        "metric": budget.metric.name,
        "measured": budget.measured,
        "limit": budget.limit,
        "warn": budget.warn,
        "state": budget.state,
        "limit_source": source(budget.source),
    }


def target_record(verdict: Verdict) -> dict[str, Any]:
    """One target's verdict; an operator is named by its layer, with what stands in the way."""

    def names(wanted: Callable[[OpVerdict], bool]) -> list[str]:
        found = [one for one in (*verdict.found, *verdict.questions) if wanted(one)]
        return list(dict.fromkeys(f"{one.layer}: {one.op} {one.reason}" if one.layer else one.reason for one in found))

    return {
        "name": verdict.target.id,
        "flash": _standing(verdict.flash_use),
        "ram": _standing(verdict.ram_use),
        "ops": {
            "unsupported": names(lambda one: one.stops),
            "fallback": names(lambda one: one.runs_on is not None and one.state != "undecided"),
            "undecided": names(lambda one: one.state == "undecided"),
        },
        "fits": verdict.fits,
    }


def _standing(use: Standing) -> dict[str, Any]:
    return {"measured": use.measured, "limit": use.limit, "state": use.state}


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule": finding.rule,
        "name": finding.name,
        "level": finding.level.word,
        "message": finding.message,
        "layer": finding.layer,
        "measured": finding.measured,
        "limit": finding.limit,
        "unit": finding.unit,
        "source": source(finding.source),
        "limit_source": None if finding.limit_source is None else source(finding.limit_source),
        "help": finding.help,
    }


def source(place: Source) -> dict[str, Any]:
    """A place with every field, null where it does not apply."""
    return place._asdict()


def _error(error: InputError) -> dict[str, Any]:
    return {
        "rule": "PL000",
        "path": error.path,
        "message": error.message,
        "line": error.line,
        "column": error.column,
        "node": error.node,
    }
