"""Working memory of a network under TensorFlow Lite Micro, four ways: bound, arena, whole arena, best order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from paramlint.deploy.model import Deployed
from paramlint.ir import Quantity, Unknown
from paramlint.memory.lifetimes import Slot, live_at, live_bytes, slots, unknown
from paramlint.memory.order import Best, best_order
from paramlint.memory.planner import ALIGNMENT, head, place
from paramlint.memory.scratch import KERNELS, scratch
from paramlint.memory.tail import UNMODELLED, constants, tail

MARGIN = 20  # the tail is an estimate: a twentieth of it is its margin
RECORD, PLAN = 32, 40  # bytes for each tensor or request, and for each buffer, while the planner works
BEFORE = "the inputs"  # what the peak is called where it lies before the first operator


class Held(NamedTuple):
    """A tensor that is live at the peak."""

    name: str
    bytes: int


class Peak(NamedTuple):
    """Where the most bytes are live, how many, and which tensors they are, largest first."""

    layer: str
    bytes: int
    live: tuple[Held, ...]


class Ram(NamedTuple):
    """The numbers of one network under one set of kernels.

    ``bound``: the most bytes that are live at once in the order written. ``arena``: the head that the planner needs,
    scratch memory included. ``arena_total``: what the whole arena must hold, ``arena_upper`` the upper end of that
    estimate. ``best``: the bound of the best operator order, None where nobody asked. ``floor`` is what no plan for
    these buffers and this scratch memory can be below. ``timeline`` are the live bytes at each operator, ``slots`` all
    buffers with scratch memory behind them, ``offsets`` where the planner puts each.
    """

    kernels: str
    bound: Quantity
    arena: Quantity
    arena_total: Quantity
    arena_upper: Quantity
    best: Quantity | None = None
    order: tuple[int, ...] = ()
    peak: Peak | None = None
    timeline: tuple[int, ...] = ()
    slots: tuple[Slot, ...] = ()
    offsets: tuple[int, ...] = ()
    floor: int = 0
    assumed: tuple[str, ...] = ()


def measure_ram(deployed: Deployed, kernels: str = "reference", order: bool = False) -> Ram:
    """Working memory under one set of kernels; with ``order`` the best operator order is searched for too."""
    missing = unknown(deployed)
    best = best_order(deployed) if order else None
    found, path = (best.bytes, best.order) if isinstance(best, Best) else (best, ())
    assumed = (f"RAM: TensorFlow Lite Micro, {KERNELS[kernels]}, 64-bit words; its bookkeeping is estimated within 5%",)
    if missing is not None:
        return Ram(kernels, missing, missing, missing, missing, found, path, assumed=assumed)
    tensors, asked = slots(deployed), scratch(deployed, kernels)
    count = len(deployed.operators)
    live = live_bytes(tensors, count)
    peak = _peak(deployed, tensors, live)
    wanted = (*tensors, *asked)
    arena, offsets = _plan(deployed, wanted)
    total, upper = _total(deployed, arena, len(tensors), len(asked), kernels)
    return Ram(
        kernels,
        peak.bytes,
        arena,
        total,
        upper,
        found,
        path,
        peak,
        tuple(live[1:]),
        wanted,
        offsets,
        max(live_bytes(wanted, count, ALIGNMENT)),
        assumed,
    )


def _peak(deployed: Deployed, tensors: list[Slot], live: list[int]) -> Peak:
    """The first operator at which most is live; before all of them only where no operator needs as much."""
    most = max(live)
    time = live.index(most, 1) if most in live[1:] else 0
    layer = deployed.operators[time - 1].layer if time else BEFORE
    return Peak(layer, most, tuple(Held(slot.name, slot.bytes) for slot in live_at(tensors, time)))


def _plan(deployed: Deployed, wanted: Sequence[Slot]) -> tuple[Quantity, tuple[int, ...]]:
    """The planner's head and where it puts everything."""
    if any(operator.kind == "SVDF" for operator in deployed.operators):
        return Unknown("the scratch memory of SVDF is not modelled"), ()
    offsets = place(wanted)
    return head(wanted, offsets), tuple(offsets)


def _total(deployed: Deployed, arena: Quantity, buffers: int, requests: int, kernels: str) -> tuple[Quantity, Quantity]:
    """The whole arena and the upper end of it.

    The planner works in the free part of the arena, so that must hold its records even where the head is smaller.
    """
    stateful = next((operator.kind for operator in deployed.operators if operator.kind in UNMODELLED), None)
    if isinstance(arena, Unknown) or stateful is not None:
        reason = Unknown(f"what the runtime keeps for {stateful} is not modelled")
        return reason, reason
    tensors = len(deployed.buffers) + constants(deployed)
    planning = RECORD * (tensors + requests) + PLAN * (buffers + requests)
    kept = tail(deployed, requests, kernels)
    total = kept + max(arena, planning)
    return total, total + -(-kept // MARGIN)
