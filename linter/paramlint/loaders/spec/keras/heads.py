"""Attention between projected heads as operators: scores, softmax, weighted sums, over any axes of the inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt
from typing import NamedTuple

from paramlint.ir import Dim, Shape, Tensor
from paramlint.loaders.spec.layer_checks import product, shaped, show
from paramlint.loaders.spec.vocabulary import Call

#: A projection that is made when it is asked for.
Projected = Callable[[], Tensor]


class Plan(NamedTuple):
    """Which axes of query and key do what; ``over`` are the places that attention runs over."""

    over: tuple[int, ...]
    rest: tuple[int, ...]
    targets: Shape
    sources: Shape
    others: Shape
    heads: int

    @classmethod
    def of(cls, call: Call, query: Shape, value: Shape, over: tuple[int, ...], heads: int) -> Plan:
        """The axes left over are equal in query and key, or 1 in one of them."""
        rest = tuple(place for place in range(len(query) - 1) if place not in over)
        others = [_equal(call, query[place], value[place], query, value) for place in rest]
        targets, sources = ([shape[place] for place in over] for shape in (query, value))
        return cls(over, rest, tuple(targets), tuple(sources), tuple(others), heads)

    @property
    def positions(self) -> Shape:
        """The axes of the output before its features."""
        sizes = dict(zip(self.rest, self.others, strict=True)) | dict(zip(self.over, self.targets, strict=True))
        return tuple(sizes[place] for place in sorted(sizes))


def _equal(call: Call, one: Dim, other: Dim, query: Shape, value: Shape) -> Dim:
    if one == other or other == 1:
        return one
    if one == 1:
        return other
    if isinstance(one, int) and isinstance(other, int):
        message = f"query {show(query)} and value {show(value)} differ in an axis attention does not run over"
        call.fail(message, "inputs")
    return one if isinstance(one, int) else other


def _parted(call: Call, source: Tensor, heads: int, size: int) -> Tensor:
    """Projected features, one axis for the heads and one for what each of them has."""
    return shaped(call, source, (*(source.shape or ())[:-1], heads, size))


def _matrices(call: Call, parted: Tensor, plan: Plan, feature_last: bool) -> Tensor:
    """Parted features as one matrix per head: [.., heads, positions, size], or its transpose."""
    sizes = parted.shape or ()
    rank = len(sizes) - 2
    order = (*plan.rest, rank, *plan.over, rank + 1) if feature_last else (*plan.rest, rank, rank + 1, *plan.over)
    turned = tuple(sizes[place] for place in order)
    made = call.step("Transpose", [parted], turned, {"perm": (0, *[place + 1 for place in order])})
    if len(plan.over) == 1:
        return made
    heads, size = sizes[rank:]
    lead, flat = [sizes[place] for place in plan.rest], product(sizes[place] for place in plan.over)
    return shaped(call, made, (*lead, heads, *((flat, size) if feature_last else (size, flat))))


def _spread(call: Call, source: Tensor, heads: int, shared: int) -> Tensor:
    """Each key or value head repeated for the query heads that share it: [shared, a, b] to [heads, a, b]."""
    if heads == shared:
        return source
    rest = (source.shape or ())[1:]
    single = shaped(call, source, (shared, 1, *rest))
    return shaped(call, call.step("Expand", [single], (shared, heads // shared, *rest)), (heads, *rest))


def attend(
    call: Call, plan: Plan, query: Projected, key: Projected, value: Projected, size: int, wide: int,
    shared: int | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The heads' outputs side by side, and the attention weights [.., heads, targets, sources].

    Each projection is made when it is needed, and the scores are scaled once they are there: as converters write it.
    """
    shared = shared or plan.heads
    keys = _parted(call, key(), shared, size)
    queries = _parted(call, query(), plan.heads, size)
    left = _matrices(call, queries, plan, True)
    right = _spread(call, _matrices(call, keys, plan, False), plan.heads, shared)
    lead = (*plan.others, plan.heads)
    flat = (product(plan.targets), product(plan.sources))
    raw = call.step("MatMul", [left, right], (*lead, *flat))
    scaled = call.step("Mul", [raw], (*lead, *flat), {"other": 1 / sqrt(size)})
    scores = call.step("Softmax", [scaled], (*lead, *flat), {"axis": len(lead) + 2})
    values = _matrices(call, _parted(call, value(), shared, wide), plan, True)
    mixed = call.step("MatMul", [scores, _spread(call, values, plan.heads, shared)], (*lead, flat[0], wide))
    if len(plan.over) != 1:
        mixed = shaped(call, mixed, (*lead, *plan.targets, wide))
        scores = shaped(call, scores, (*lead, *plan.targets, *plan.sources))
    return shaped(call, _restored(call, mixed, plan, wide), (*plan.positions, plan.heads * wide)), scores


def _restored(call: Call, mixed: Tensor, plan: Plan, wide: int) -> Tensor:
    """[.., heads, targets, size] back to the axes of the input, then heads, then size."""
    rank = len(plan.over) + len(plan.rest)
    order: Sequence[int] = (*plan.rest, rank, *plan.over, rank + 1)
    back = sorted(range(rank + 2), key=lambda place: order[place])
    out = (*plan.positions, plan.heads, wide)
    return call.step("Transpose", [mixed], out, {"perm": (0, *[place + 1 for place in back])})
