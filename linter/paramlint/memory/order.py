"""The operator order that needs the least memory, found exactly, and how little it needs.

A state is the set of operators executed so far, one bit each. Running one more costs what is live then plus its
outputs; the best order is the path from nothing to everything whose dearest step is cheapest: Dijkstra's search with
``max`` in place of ``+``. Two things keep it small and change no result: the graph is cut at every operator that all
others must precede or follow, so that the pieces are searched apart; and an operator that can run without a new
peak and leaves no more memory live than before runs at once, since putting it off helps no order.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from paramlint.deploy.model import Deployed
from paramlint.ir import Unknown
from paramlint.memory.blocks import Block, Graph
from paramlint.memory.lifetimes import unknown
from paramlint.quantities import grouped

#: Partial orders that are looked at for one network: about two seconds of work.
MAX_STATES = 200_000
#: Operators of a piece that make a state cost as much as another one more: its masks are long numbers.
LONG = 512


class Best(NamedTuple):
    """The lowest peak of any order, and one order that has it (places in ``Deployed.operators``)."""

    bytes: int
    order: tuple[int, ...]


class _TooMany(Exception):
    """The work limit is reached."""


def best_order(deployed: Deployed) -> Best | Unknown:
    """The best order of all; unknown where sizes are, or where the search would take too long."""
    missing = unknown(deployed)
    if missing is not None:
        return missing
    graph = Graph(deployed)
    peak = sum(block.bytes for block in graph.given)
    live = sum(block.bytes for block in graph.given if block.readers or block.kept)
    states, order = MAX_STATES, []
    for first, last in _pieces(graph):
        piece = _Piece(graph, first, last)
        try:
            peak, live, states, part = piece.search(peak, live, states)
        except _TooMany:
            return Unknown(f"the best operator order was not found within {grouped(MAX_STATES)} partial orders")
        order += [first + step for step in part]
    return Best(peak, tuple(order))


def _pieces(graph: Graph) -> Iterator[tuple[int, int]]:
    """First and last operator of each piece: it ends with an operator that all before lead to and all behind need."""
    count = len(graph)
    first_reader = [count] * count
    for number in reversed(range(count)):
        for maker in graph.needs[number]:
            first_reader[maker] = number
    reach = list(accumulate(first_reader, max, initial=0))  # the latest first reader of all operators before
    last_maker = [max(needs, default=-1) for needs in graph.needs]
    origin = list(accumulate(reversed(last_maker), min, initial=count))[::-1]  # the earliest last maker from here on
    start = 0
    for number in range(count):
        if number == count - 1 or (reach[number] <= number and origin[number + 1] >= number):
            yield start, number
            start = number + 1


class _Step(NamedTuple):
    """One operator of a piece. Masks have a bit for each operator of the piece.

    ``needs`` must have run before, ``leads`` may run after. ``made`` are the bytes of its outputs, ``stays`` what of
    them outlives it. ``dies`` are blocks that may go with it: bytes, who else must have read them, and whether it
    may write into them. ``least`` is what it takes at least, apart from what outlives the whole piece.
    """

    needs: int
    leads: int
    made: int
    stays: int
    dies: tuple[tuple[int, int, bool], ...]
    least: int


class _Piece:
    """Operators ``first`` to ``last`` of a graph; all before have run, all behind come later."""

    def __init__(self, graph: Graph, first: int, last: int) -> None:
        self.first, self.last = first, last
        self.full = (1 << last - first + 1) - 1
        numbers = range(first, last + 1)
        own = {block for number in numbers for block in graph.makes[number]}
        mortal = {block for number in numbers for block in graph.reads[number] if self._dies(block)}
        self.inherited = sum(block.bytes for block in mortal - own)
        leads = dict.fromkeys(numbers, 0)
        for number in numbers:
            for maker in graph.needs[number]:
                if maker >= first:
                    leads[maker] |= 1 << number - first
        self.steps = [self._step(graph, number, leads[number], mortal | own) for number in numbers]

    def _dies(self, block: Block) -> bool:
        return not block.kept and block.readers[-1] <= self.last

    def _mask(self, numbers: Sequence[int]) -> int:
        return sum(1 << number - self.first for number in numbers if number >= self.first)

    def _step(self, graph: Graph, number: int, leads: int, changing: set[Block]) -> _Step:
        reads = graph.reads[number]
        makes = graph.makes[number]
        made = sum(block.bytes for block in makes)
        writes = graph.may_write[number] and len(makes) == 1
        dies = tuple(
            (block.bytes, self._mask(block.readers), writes and not block.given and block.bytes >= made)
            for block in reads
            if self._dies(block)
        )
        least = sum(block.bytes for block in reads if block in changing)
        least += 0 if any(in_place for *_, in_place in dies) else made
        stays = sum(block.bytes for block in makes if block.readers or block.kept)
        return _Step(self._mask(graph.needs[number]), leads, made, stays, dies, least)

    def search(self, peak: int, live: int, states: int) -> tuple[int, int, int, list[int]]:
        """Peak, live bytes at the end, states left, order; ``peak`` is what earlier pieces took.

        No order is below the least that its dearest step takes, so that the search may start there.
        """
        peak = max(peak, live - self.inherited + max(step.least for step in self.steps))
        ready = sum(1 << number for number, step in enumerate(self.steps) if not step.needs)
        seen, came = {0: peak}, dict[int, tuple[int, list[int]]]()
        heap = [(peak, 0, 0, live, ready)]
        while heap:
            peak, _, start, live, ready = heapq.heappop(heap)
            if peak > seen[start]:
                continue
            mask, live, ready, path = self._settle(start, live, ready, peak)
            if path:
                if seen.get(mask, peak + 1) <= peak:
                    continue
                seen[mask], came[mask] = peak, (start, path)
            if mask == self.full:
                return peak, live, states, _path(came)
            for number in _bits(ready):
                after = mask | 1 << number
                height, left = self._run(number, after, live)
                if max(height, peak) < seen.get(after, height + peak + 1):
                    seen[after], came[after] = max(height, peak), (mask, [number])
                    state = (seen[after], -after.bit_count(), after, left, self._ready(number, after, ready))
                    heapq.heappush(heap, state)
                    states -= 1 + len(self.steps) // LONG
            if states < 0:
                raise _TooMany
        raise AssertionError("every piece can be executed")

    def _run(self, number: int, mask: int, live: int) -> tuple[int, int]:
        """What running a step takes at its height and leaves behind; ``mask`` has its bit already."""
        step, freed, in_place = self.steps[number], 0, False
        for size, readers, writes in step.dies:
            if readers & mask == readers:
                freed += size
                in_place |= writes
        return live + (0 if in_place else step.made), live + step.stays - freed

    def _ready(self, number: int, mask: int, ready: int) -> int:
        """Steps that can run next, once ``number`` has run."""
        ready ^= 1 << number
        for follower in _bits(self.steps[number].leads):
            if self.steps[follower].needs & ~mask == 0:
                ready |= 1 << follower
        return ready

    def _settle(self, mask: int, live: int, ready: int, peak: int) -> tuple[int, int, int, list[int]]:
        """Run everything that costs no new peak and leaves no more live than before."""
        path: list[int] = []
        moved = True
        while moved:
            moved = False
            for number in _bits(ready):
                height, left = self._run(number, mask | 1 << number, live)
                if height <= peak and left <= live:
                    mask, live, moved = mask | 1 << number, left, True
                    ready = self._ready(number, mask, ready)
                    path.append(number)
        return mask, live, ready, path


def _bits(mask: int) -> Iterator[int]:
    """Places of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _path(came: dict[int, tuple[int, list[int]]]) -> list[int]:
    """The steps that led to the fullest state."""
    mask = max(came, key=int.bit_count)
    parts = []
    while mask:
        mask, part = came[mask]
        parts.append(part)
    return [number for part in reversed(parts) for number in part]
