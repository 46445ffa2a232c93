"""Where TensorFlow Lite Micro's planner puts each buffer: first fit, largest first.

Source: ``greedy_memory_planner.cc`` of tflite-micro. Sizes are rounded up to 16 bytes; the buffers are taken largest
first, equal ones in reverse order of index (scratch memory comes after all tensors, so first among its equals); each
goes to the lowest offset where it meets no placed buffer that is needed at the same time. Buffers with an offset
of their own (an offline plan) are placed before all others.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from paramlint.memory.lifetimes import Slot

ALIGNMENT = 16


def aligned(size: int) -> int:
    """``size`` rounded up to the planner's alignment."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def by_size(items: Sequence[Slot]) -> list[int]:
    """The order in which the planner takes buffers."""
    sizes = [aligned(item.bytes) for item in items]
    backwards = range(len(items) - 1, -1, -1)  # sorting keeps the order of equal ones
    return sorted(backwards, key=sizes.__getitem__, reverse=True)


def place(
    items: Sequence[Slot], order: Iterable[int] | None = None, fixed: Mapping[int, int] | None = None
) -> list[int]:
    """The offset of every buffer, taken in ``order`` (the planner's where none is given) after the ``fixed`` ones."""
    fixed = fixed or {}
    taken = Occupied(items)
    sizes = [aligned(item.bytes) for item in items]
    offsets = [0] * len(items)
    for index, offset in fixed.items():
        offsets[index] = offset
        taken.add(index, offset, offset + sizes[index])
    for index in by_size(items) if order is None else order:
        if index not in fixed:
            offset = offsets[index] = taken.lowest_gap(index, sizes[index])
            taken.add(index, offset, offset + sizes[index])
    return offsets


def head(items: Sequence[Slot], offsets: Sequence[int]) -> int:
    """The bytes that a plan takes."""
    ends = [offset + aligned(item.bytes) for item, offset in zip(items, offsets, strict=True)]
    return max(ends, default=0)


class Occupied:
    """Which addresses are taken at which times: a segment tree over time, each node a list of address edges.

    ``inside`` of a node holds what is taken at any time of its span, ``across`` what is taken throughout the span.
    A list is flat (start, end, start, end, ...), sorted, neighbours merged, so that it stays short where memory
    is packed: planning a long chain, or many buffers that all live long, costs about n log n. Node 1 is the root,
    2n and 2n + 1 are the halves of n; a node's bit length is its level.
    """

    def __init__(self, items: Sequence[Slot]) -> None:
        times = max([item.last for item in items], default=0) + 1
        self.leaves = 1 << (times - 1).bit_length()
        self.nodes = [_covering(item.first + self.leaves, item.last + self.leaves + 1) for item in items]
        # only these levels are ever looked at, from the leaves up
        self.levels = sorted({node.bit_length() for nodes in self.nodes for node in nodes}, reverse=True)
        self.inside: list[list[int] | None] = [None] * (2 * self.leaves)
        self.across: list[list[int] | None] = [None] * (2 * self.leaves)

    def add(self, index: int, start: int, end: int) -> None:
        """Take addresses from ``start`` to ``end`` for an item's lifetime."""
        if start == end:
            return
        for node in self.nodes[index]:
            _mark(self.across, node, start, end)
            depth = node.bit_length()
            for level in self.levels:  # a parent holds all that its children hold: stop where nothing is new
                if level <= depth and not _mark(self.inside, node >> depth - level, start, end):
                    break

    def lowest_gap(self, index: int, size: int) -> int:
        """The lowest offset at which ``size`` bytes are free for an item's lifetime."""
        lists = self._meeting(self.nodes[index])
        offset, moved = 0, bool(lists)
        while moved:
            moved = False
            for edges in lists:
                found = _free(edges, offset, size)
                if found != offset:
                    offset, moved = found, len(lists) > 1
        return offset

    def _meeting(self, nodes: Sequence[int]) -> list[list[int]]:
        """Lists of all that is taken at some time of the nodes' spans."""
        found = [edges for node in nodes if (edges := self.inside[node]) is not None]
        above = set()
        for node in nodes:
            depth = node.bit_length()
            for level in self.levels:
                if level < depth:
                    above.add(node >> depth - level)
        return found + [edges for node in above if (edges := self.across[node]) is not None]


def _covering(low: int, high: int) -> list[int]:
    """The fewest nodes whose spans make up the leaves from ``low`` to before ``high``."""
    nodes = []
    while low < high:
        if low & 1:
            nodes.append(low)
            low += 1
        if high & 1:
            high -= 1
            nodes.append(high)
        low >>= 1
        high >>= 1
    return nodes


def _mark(lists: list[list[int] | None], node: int, start: int, end: int) -> bool:
    """Add an interval to a node's list; False where it was there already."""
    edges = lists[node]
    if edges is None:
        lists[node] = [start, end]
        return True
    low, high = bisect_left(edges, start), bisect_right(edges, end)
    if low & 1 and edges[low] >= end:
        return False
    if not low & 1 and low < len(edges) and edges[low] == start and edges[low + 1] >= end:
        return False
    edges[low:high] = ([] if low & 1 else [start]) + ([] if high & 1 else [end])
    return True


def _free(edges: list[int], offset: int, size: int) -> int:
    """The lowest offset from ``offset`` on where ``size`` bytes meet none of the intervals."""
    index = bisect_right(edges, offset)
    if index & 1:
        offset = edges[index]
        index += 1
    while index < len(edges) and edges[index] - offset < size:
        offset = edges[index + 1]
        index += 2
    return offset
