"""When each buffer is needed: time 0 is before the first operator, operator k (from 0) runs at time k + 1."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from paramlint.deploy.model import Deployed
from paramlint.ir import Unknown

MAX_REASONS = 3  # causes that one unknown names; more would bury them


class Slot(NamedTuple):
    """A piece of memory that is needed from ``first`` to ``last``, both included.

    ``place`` is the buffer's place in ``Deployed.buffers``; None for a kernel's scratch memory.
    """

    name: str
    bytes: int
    first: int
    last: int
    place: int | None = None


def unknown(deployed: Deployed) -> Unknown | None:
    """Why the buffers or their sizes are not known; None where all are."""
    sizes = (buffer.bytes.reason for buffer in deployed.buffers if isinstance(buffer.bytes, Unknown))
    reasons = list(dict.fromkeys((*deployed.unknown, *sizes)))
    if not reasons:
        return None
    more = f"; and {len(reasons) - MAX_REASONS} more" if len(reasons) > MAX_REASONS else ""
    return Unknown("; ".join(reasons[:MAX_REASONS]) + more)


def slots(deployed: Deployed) -> list[Slot]:
    """Every buffer with its lifetime, in the planner's order; one that nobody makes or reads takes nothing.

    A graph input is there from the start and may be overwritten after its last reader (at once where nobody reads
    it); a graph output stays to the end.
    """
    made, read = _times(deployed)
    found = []
    for place, buffer in enumerate(deployed.buffers):
        first = made.get(place, 0 if place in read else None)
        if first is not None and not isinstance(buffer.bytes, Unknown) and buffer.bytes > 0:
            found.append(Slot(buffer.name, buffer.bytes, first, max(first, read.get(place, 0)), place))
    return found


def _times(deployed: Deployed) -> tuple[dict[int, int], dict[int, int]]:
    """When each buffer is made and when it is needed for the last time."""
    made = dict.fromkeys(deployed.inputs, 0)
    read: dict[int, int] = {}
    for time, operator in enumerate(deployed.operators, start=1):
        for place in operator.outputs:
            made.setdefault(place, time)
        for place in operator.inputs:
            if place >= 0:
                read[place] = time
    read.update(dict.fromkeys(deployed.outputs, len(deployed.operators)))
    return made, read


def live_bytes(items: Iterable[Slot], operators: int, alignment: int = 1) -> list[int]:
    """Bytes needed at every time from 0 to the last operator's, each buffer rounded up to the alignment."""
    changes = [0] * (operators + 2)
    for _, size, first, last, _ in items:
        rounded = -(-size // alignment) * alignment
        changes[first] += rounded
        changes[last + 1] -= rounded
    return list(accumulate(changes[:-1]))


def live_at(items: Sequence[Slot], time: int) -> list[Slot]:
    """What is needed at one time, largest first."""
    return sorted((item for item in items if item.first <= time <= item.last), key=lambda item: -item.bytes)
