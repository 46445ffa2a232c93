"""A plan that needs less than the planner's own, as offsets that its offline plan takes.

The planner is greedy and may leave holes. Placing the same buffers in another order often fills them: a few orders
that tend to be good are tried first, then two buffers are swapped again and again, seeded, keeping what is not worse.
What is found is then thinned out: only buffers stay fixed without which the planner would need more again, so that
an offline plan (TensorFlow Lite Micro's ``OfflineMemoryAllocation`` metadata) names few tensors and leaves the
others to the planner. Scratch memory cannot be fixed; it is always placed by the planner.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from paramlint.memory.lifetimes import Slot, live_bytes
from paramlint.memory.planner import aligned, by_size, head, place

#: Buffers that are placed in one search, over all its trials: about a tenth of a second.
WORK = 20_000
FEWEST = 3  # trials of a network so large that one is all that this allows


class Layout(NamedTuple):
    """Offsets of some tensors under which the planner's head is ``head``; all others are left to it."""

    head: int
    fixed: tuple[tuple[str, int], ...]
    trials: int


class _Found(NamedTuple):
    head: int
    order: list[int]
    offsets: list[int]


def improve(items: Sequence[Slot], floor: int) -> Layout | None:
    """The best plan found, at best one of ``floor`` bytes; None where the planner's own is as good."""
    limit = max(FEWEST, WORK // max(1, len(items)))
    best, trials = _search(items, floor, limit)
    if best.head >= head(items, place(items)):
        return None
    tensors = {index: best.offsets[index] for index in best.order}
    fixed = _thin(items, tensors, best.head, limit)
    return Layout(
        head(items, place(items, fixed=fixed)), tuple((items[i].name, fixed[i]) for i in sorted(fixed)), trials
    )


def _search(items: Sequence[Slot], floor: int, limit: int) -> tuple[_Found, int]:
    """The lowest head of all orders tried, and how many that were."""
    best, trials = None, 0
    for order in _likely(items):
        found = _try(items, order)
        trials += 1
        if best is None or found.head < best.head:
            best = found
        if best.head <= floor or trials >= limit:
            break
    assert best is not None
    chance = random.Random(0)  # seeded: the same network always gets the same plan
    while best.head > floor and trials < limit:
        found = _try(items, _swapped(items, best, chance))
        trials += 1
        if found.head <= best.head:
            best = found
    return best, trials


def _try(items: Sequence[Slot], order: list[int]) -> _Found:
    """Tensors in the given order, then scratch memory as the planner takes it."""
    scratch = (index for index in by_size(items) if items[index].place is None)
    offsets = place(items, [*order, *scratch])
    return _Found(head(items, offsets), order, offsets)


def _likely(items: Sequence[Slot]) -> Iterator[list[int]]:
    """Orders that tend to leave no holes."""
    tensors = [index for index in by_size(items) if items[index].place is not None]
    yield tensors
    yield sorted(tensors, key=lambda index: items[index].first)
    yield sorted(tensors, key=lambda index: -items[index].last)
    yield sorted(tensors, key=lambda index: -items[index].bytes * (items[index].last - items[index].first + 1))
    live = live_bytes(items, max((item.last for item in items), default=0))
    crowd = {index: max(live[items[index].first : items[index].last + 1]) for index in tensors}
    yield sorted(tensors, key=lambda index: (-crowd[index], items[index].first - items[index].last))


def _swapped(items: Sequence[Slot], found: _Found, chance: random.Random) -> list[int]:
    """Two places exchanged: mostly a buffer that ends at the head and one taken before it at the same time."""
    order = list(found.order)
    first, second = chance.randrange(len(order)), chance.randrange(len(order))
    highest = [at for at, index in enumerate(order) if found.offsets[index] + aligned(items[index].bytes) == found.head]
    if highest and chance.random() < 0.7:
        first = chance.choice(highest)
        mine = items[order[first]]
        rivals = [
            at for at in range(first) if items[order[at]].first <= mine.last and mine.first <= items[order[at]].last
        ]
        second = chance.choice(rivals) if rivals else second
    order[first], order[second] = order[second], order[first]
    return order


def _thin(items: Sequence[Slot], fixed: Mapping[int, int], goal: int, limit: int) -> dict[int, int]:
    """As few fixed offsets as still keep the head at the goal: drop half of them, a quarter, down to single ones."""
    kept = sorted(fixed)
    size = len(kept)
    while size and limit > 0:
        start = 0
        while start < len(kept) and limit > 0:
            rest = kept[:start] + kept[start + size :]
            limit -= 1
            if head(items, place(items, fixed={index: fixed[index] for index in rest})) <= goal:
                kept = rest
            else:
                start += size
        size //= 2
    return {index: fixed[index] for index in kept}
