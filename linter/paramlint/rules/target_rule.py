"""What the target rules PL301 to PL305 have in common: one cause, one complaint, however many targets share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from paramlint.findings import Finding, Level
from paramlint.ir import Source
from paramlint.measure import Measured
from paramlint.quantities import COUNT
from paramlint.rules import Rule
from paramlint.rules.budget_rule import place as model_place

if TYPE_CHECKING:
    from paramlint.targets import Target, Verdict
    from paramlint.targets.support import OpVerdict

MAX_NAMES = 3  # layers that a message names; the others are counted


class Cause(NamedTuple):
    """One thing that stands in the way: the verdict that says it first, its layers, and the targets that share it."""

    first: OpVerdict
    layers: tuple[str, ...]
    targets: tuple[Target, ...]


class TargetRule(Rule):
    """A rule about verdicts of one state; without a target there is nothing to judge."""

    def applies(self, measured: Measured) -> bool:
        return bool(measured.verdicts)

    def causes(self, measured: Measured, state: str, by_layer: bool) -> Iterator[Cause]:
        """Verdicts of one state; those that differ in nothing but the target (and, if wished, the layer) are one."""
        merged: dict[OpVerdict, tuple[dict[str, None], dict[str, Target], OpVerdict]] = {}
        for verdict in measured.verdicts:
            for one in (*verdict.found, *verdict.questions):
                if one.state != state:
                    continue
                key = one._replace(cite="") if by_layer else one._replace(cite="", layer=None, measured=None)
                layers, targets, _ = merged.setdefault(key, ({}, {}, one))
                targets[verdict.target.id] = verdict.target
                if one.layer is not None:
                    layers[one.layer] = None
        for layers, targets, first in merged.values():
            yield Cause(first, tuple(layers), tuple(targets.values()))

    def complain(
        self, measured: Measured, cause: Cause, message: str, level: Level | None = None, help: str | None = None
    ) -> Finding:
        """A finding at the first layer concerned, with the place that the target's fact comes from."""
        one = cause.first
        doubt = "" if one.sure else " (unverified)"
        names = ", ".join(target.id for target in cause.targets)
        numbers = one.limit is not None and one.measured is not None
        return self.finding(
            f"{names}: {message}{doubt}",
            layer_place(measured, one.layer),
            level=level,
            layer=one.layer,
            measured=one.measured if numbers else None,
            limit=one.limit if numbers else None,
            unit=COUNT if numbers else None,
            limit_source=cause.targets[0].place._replace(text=f"target {names}: {one.cite}"),
            help=help,
        )


def layer_place(measured: Measured, layer: str | None) -> Source:
    """Where a layer of the deployed graph stands: its line in a spec, its node in a graph."""
    if layer is None:
        return model_place(measured)
    for row in measured.rows:
        if row.layer.name == layer:
            return row.layer.source
    if measured.model.format == "spec":
        return model_place(measured)
    return Source("node", measured.model.path, node=layer)


def named(layers: Sequence[str]) -> str:
    """``a, b, c and 4 more``."""
    more = f" and {len(layers) - MAX_NAMES} more" if len(layers) > MAX_NAMES else ""
    return ", ".join(layers[:MAX_NAMES]) + more


def verdict_of(measured: Measured, target: Target) -> Verdict | None:
    """The verdict on one target."""
    return next((verdict for verdict in measured.verdicts if verdict.target.id == target.id), None)


def fitting(measured: Measured, targets: Iterable[Target]) -> list[str]:
    """The targets among these that the network fits."""
    found = [verdict_of(measured, target) for target in targets]
    return [verdict.target.id for verdict in found if verdict is not None and verdict.fits]
