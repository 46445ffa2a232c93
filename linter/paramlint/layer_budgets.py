"""Budgets of single layers: where each layer stands against a size or a share of the model."""

from __future__ import annotations

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from paramlint.budgets import METRICS, LayerLimit, Metric
from paramlint.ir import Source, Total, Unknown
from paramlint.measure import NOT_STATED, Measured, Row


class LayerBudget(NamedTuple):
    """One layer against one layer limit; only those that do not pass are made."""

    row: Row
    metric: Metric
    measured: int | None
    limit: int
    state: str  # fail | unknown
    source: Source
    share: Fraction | None
    reasons: tuple[str, ...] = ()


def layer_budgets(limits: Iterable[LayerLimit], measured: Measured) -> list[LayerBudget]:
    """Layers that break a layer limit or cannot be held against it."""
    found = [_layer_budget(limit, row, measured) for limit in limits for row in measured.rows if _applies(limit, row)]
    return [budget for budget in found if budget is not None]


def _applies(limit: LayerLimit, row: Row) -> bool:
    if limit.match is None:
        return True
    pattern = glob(limit.match)
    return bool(pattern.fullmatch(row.layer.name) or pattern.fullmatch(row.layer.op))


@lru_cache(maxsize=256)
def glob(text: str) -> re.Pattern[str]:
    """A pattern for layer names: ``*`` stands for any letters, slashes too, ``?`` for one."""
    wild = {"*": ".*", "?": "."}
    once = re.sub(r"\*+", "*", text)  # a row of stars would make the expression slow
    return re.compile("".join(wild.get(letter) or re.escape(letter) for letter in once), re.DOTALL)


def _layer_budget(limit: LayerLimit, row: Row, measured: Measured) -> LayerBudget | None:
    which = METRICS[limit.metric]
    value, reasons = layer_value(which, row)
    if value == 0 and not reasons:
        return None
    most = limit.max
    if limit.share is not None:
        total = measured.total(which.key) if which.name != "ram" else Total(sum_of_outputs(measured))
        if total.value is None or not total.exact:
            reasons = (*reasons, *total.reasons)
        most = None if total.value is None else total.value * limit.share.numerator // limit.share.denominator
    if most is None or (limit.share is not None and reasons):
        return LayerBudget(row, which, value, most or 0, "unknown", limit.source, limit.share, reasons)
    if value is not None and value > most:
        return LayerBudget(row, which, value, most, "fail", limit.source, limit.share)
    if value is None or reasons:
        return LayerBudget(row, which, value, most, "unknown", limit.source, limit.share, reasons)
    return None


def sum_of_outputs(measured: Measured) -> int | None:
    """Bytes of all layers' outputs together: what a share of ``ram`` per layer refers to."""
    values = [_output_bytes(row)[0] for row in measured.rows]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def layer_value(which: Metric, row: Row) -> tuple[int | None, tuple[str, ...]]:
    """A metric of one layer and why it may not be all of it."""
    if which.name == "macs":
        return (None, (row.macs.reason,)) if isinstance(row.macs, Unknown) else (row.macs, ())
    if which.name == "ram":
        return _output_bytes(row)
    if which.name == "trainable":
        reasons = row.layer.unknown if row.trainable is not None else (NOT_STATED,)
        return row.trainable, reasons
    return (row.param_bytes if which.name == "weights" else row.params), row.layer.unknown


def _output_bytes(row: Row) -> tuple[int | None, tuple[str, ...]]:
    total = 0
    for tensor in row.layer.outputs:
        if tensor.shape is None or not all(isinstance(size, int) for size in tensor.shape) or not tensor.dtype.bits:
            return None, (f"the size of output {tensor.name} is not known",)
        elements = 1
        for size in tensor.shape:
            elements *= size if isinstance(size, int) else 0
        total += -(-elements * tensor.dtype.bits // 8)
    return total, ()
