"""What the target rules PL301 to PL305 have in common: one cause, one complaint, however many targets share it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from paramlint.findings import Finding, Level
from paramlint.ir import Source
from paramlint.measure import Measured
from paramlint.rules import Rule
from paramlint.rules.budget_rule import place as model_place

if TYPE_CHECKING:
    from paramlint.targets import Target, Verdict
    from paramlint.targets.op import OpVerdict

MAX_NAMES = 3  # layers that a message names; the others are counted


class Cause(NamedTuple):
    """One thing that stands in the way: every verdict that says it, their layers, and the targets that share it."""

    verdicts: tuple[OpVerdict, ...]
    layers: tuple[str, ...]
    targets: tuple[Target, ...]

    @property
    def first(self) -> OpVerdict:
        return self.verdicts[0]


class TargetRule(Rule):
    """A rule about verdicts of one state; without a target there is nothing to judge."""

    #: The fields of a verdict in which those of one complaint agree.
    alike: ClassVar[tuple[str, ...]]

    def applies(self, measured: Measured) -> bool:
        return bool(measured.verdicts)

    def causes(self, measured: Measured, state: str) -> Iterator[Cause]:
        """Verdicts of one state: first those of each target that are alike, then targets that say the same."""
        shared: dict[object, tuple[list[OpVerdict], list[Target]]] = {}
        for verdict in measured.verdicts:
            found: dict[object, list[OpVerdict]] = {}
            for one in (*verdict.found, *verdict.questions):
                if one.state == state:
                    found.setdefault(tuple(getattr(one, name) for name in self.alike), []).append(one)
            for alike in found.values():
                key = tuple(one._replace(cite="") for one in alike)
                shared.setdefault(key, (alike, []))[1].append(verdict.target)
        for alike, targets in shared.values():
            layers = dict.fromkeys(one.layer for one in alike if one.layer is not None)
            yield Cause(tuple(alike), tuple(layers), tuple(targets))

    def complain(
        self, measured: Measured, cause: Cause, message: str, level: Level | None = None, help: str | None = None
    ) -> Finding:
        """A finding at the first layer concerned, with the place that the target's fact comes from."""
        one = cause.first
        doubt = "" if one.sure else " (unverified)"
        names = ", ".join(target.id for target in cause.targets)
        numbers = len(cause.verdicts) == 1 and one.limit is not None and one.measured is not None
        cite = one.cite if one.cite.startswith("target ") else f"target {names}: {one.cite}"
        return self.finding(
            f"{names}: {message}{doubt}",
            layer_place(measured, one.layer),
            level=level,
            layer=one.layer,
            measured=one.measured if numbers else None,
            limit=one.limit if numbers else None,
            unit=one.unit if numbers else None,
            limit_source=cause.targets[0].place._replace(text=cite),
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
    """`` (a, b, c and 4 more)``; nothing for a single layer, which the finding's place says."""
    if len(layers) < 2:
        return ""
    more = f" and {len(layers) - MAX_NAMES} more" if len(layers) > MAX_NAMES else ""
    return f" ({', '.join(layers[:MAX_NAMES])}{more})"


def verdict_of(measured: Measured, target: Target) -> Verdict | None:
    """The verdict on one target."""
    return next((verdict for verdict in measured.verdicts if verdict.target.id == target.id), None)


def fitting(measured: Measured, targets: Iterable[Target]) -> list[str]:
    """The targets among these that the network fits."""
    found = [verdict_of(measured, target) for target in targets]
    return [verdict.target.id for verdict in found if verdict is not None and verdict.fits]
