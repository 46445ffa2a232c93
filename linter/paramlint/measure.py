"""From layers to numbers: a row for each layer, totals for the model, every unknown kept.

Each storage counts once, where it first appears; a layer that reaches no output counts its parameters and no MACs;
an expert that one token does not use counts no MACs and no active parameters (DESIGN section 4 of the contract).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from paramlint.ir import DType, Layer, Model, Quantity, Total, Unknown, Weight

if TYPE_CHECKING:
    from paramlint.budgets import Budget
    from paramlint.deploy import Deployed
    from paramlint.layer_budgets import LayerBudget
    from paramlint.memory import Flash, Ram
    from paramlint.targets import Verdict

NOT_STATED = "the file does not say which weights are trained"


class Row(NamedTuple):
    """What one layer costs. ``trainable`` and ``non_trainable`` are None where the source does not tell them apart.

    Counts are elements, ``param_bytes`` bytes; ``params`` is a lower bound where ``layer.unknown`` has reasons.
    """

    layer: Layer
    params: int
    trainable: int | None
    non_trainable: int | None
    buffers: int
    param_bytes: int
    macs: Quantity


class Change(NamedTuple):
    """What a rule may ask to be otherwise: the element type of the deployment."""

    dtype: DType


class Measured(NamedTuple):
    """A model with its numbers: what the rules and reporters read.

    ``totals`` is keyed as in the JSON report (``params``, ``param_bytes``, ``ram.arena``, ...); a metric that nobody
    asked for is absent. ``shapes`` is False where the file was read for its weights alone, so that only rules which
    need no shapes have something to say.
    """

    model: Model
    rows: tuple[Row, ...]
    totals: Mapping[str, Total]
    deployed: Deployed | None = None
    ram: Ram | None = None
    flash: Flash | None = None
    budgets: tuple[Budget, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    assumed: tuple[str, ...] = ()
    layer_budgets: tuple[LayerBudget, ...] = ()
    shapes: bool = True
    recheck: Callable[[Change], Measured] | None = None

    def total(self, key: str) -> Total:
        """A total by its JSON key; one that was not computed says so instead of being 0."""
        return self.totals.get(key, Total(None, ("was not computed in this run",)))


def measure(model: Model) -> Measured:
    """Count parameters, buffers, bytes and MACs of a model."""
    rows = _rows(model.layers)
    return Measured(model, rows, _totals(model, rows), assumed=model.assumed)


def with_memory(measured: Measured, deployed: Deployed, ram: Ram, flash: Flash) -> Measured:
    """``measured`` with the numbers of one memory model, under the keys of the JSON report."""
    totals = {
        **measured.totals,
        "deployed_params": single(deployed.params),
        "flash_bytes": Total(flash.estimate, flash.unknown),
        "ram.bound": single(ram.bound),
        "ram.arena": single(ram.arena),
        "ram.arena_total": single(ram.arena_total),
        "ram.best": Total(None) if ram.best is None else single(ram.best),
    }
    return measured._replace(deployed=deployed, ram=ram, flash=flash, totals=totals)


def _rows(layers: Sequence[Layer]) -> tuple[Row, ...]:
    seen: set[str] = set()
    return tuple(_row(layer, seen) for layer in layers)


def _row(layer: Layer, seen: set[str]) -> Row:
    fresh = _unseen(layer.weights, seen)
    params = [weight for weight in fresh if not weight.buffer]
    trainable: int | None = 0
    for weight in params:
        if weight.trainable is None:
            trainable = None
            break
        if weight.trainable:
            trainable += weight.elements  # type: ignore[operator]  # None has left the loop
    count = sum(weight.elements for weight in params)
    return Row(
        layer,
        count,
        trainable,
        None if trainable is None else count - trainable,
        sum(weight.elements for weight in fresh if weight.buffer),
        sum(weight.bytes for weight in params),
        layer.macs if layer.active and layer.reachable else 0,
    )


def _unseen(weights: Iterable[Weight], seen: set[str]) -> list[Weight]:
    fresh = []
    for weight in weights:
        if weight.storage not in seen:
            seen.add(weight.storage)
            fresh.append(weight)
    return fresh


def _totals(model: Model, rows: Sequence[Row]) -> dict[str, Total]:
    why = tuple(dict.fromkeys(f"{place(row.layer)}: {reason}" for row in rows for reason in row.layer.unknown))
    totals = {
        "params": Total(sum(row.params for row in rows), why),
        "active_params": Total(_active(rows), why),
        "trainable_params": _trainable(rows, why),
        "non_trainable_params": _trainable(rows, why, frozen=True),
        "buffers": Total(sum(row.buffers for row in rows)),
        "param_bytes": Total(sum(row.param_bytes for row in rows), why),
        "constant_bytes": single(model.constant_bytes),
        "unused_bytes": single(model.unused_bytes),
        "macs": _macs(rows),
        "layers": Total(model.layer_count),
    }
    totals["duplicate_bytes"] = Total(None) if model.duplicate_bytes is None else single(model.duplicate_bytes)
    totals["file_bytes"] = Total(model.file_bytes)
    for key, reasons in model.unknown.items():
        known = totals.get(key, Total(None))
        totals[key] = Total(known.value, (*known.reasons, *reasons))
    return totals


def place(layer: Layer) -> str:
    """How a reason names its layer: by node in a graph, by name in a spec."""
    return f"node {layer.name}" if layer.source.kind == "node" else f"layer {layer.name}"


def single(quantity: Quantity) -> Total:
    """A total of one quantity; an unknown one has no value, not even a lower bound."""
    return Total(None, (quantity.reason,)) if isinstance(quantity, Unknown) else Total(quantity)


def _active(rows: Sequence[Row]) -> int:
    seen: set[str] = set()
    return sum(
        weight.elements
        for row in rows
        if row.layer.active
        for weight in _unseen(row.layer.weights, seen)
        if not weight.buffer
    )


def _trainable(rows: Sequence[Row], why: tuple[str, ...], frozen: bool = False) -> Total:
    total = 0
    for row in rows:
        part = row.non_trainable if frozen else row.trainable
        if part is None:
            return Total(None, (NOT_STATED,))
        total += part
    return Total(total, why)


def _macs(rows: Sequence[Row]) -> Total:
    total, reasons = 0, []
    for row in rows:
        if isinstance(row.macs, Unknown):
            reasons.append(f"{place(row.layer)}: {row.macs.reason}")
        else:
            total += row.macs
    return Total(total, tuple(dict.fromkeys(reasons)))
