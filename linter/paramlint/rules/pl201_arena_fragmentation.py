from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from paramlint.findings import Finding, Level
from paramlint.ir import Unknown
from paramlint.measure import Measured
from paramlint.quantities import BYTES, format_size, grouped, percent
from paramlint.rules import Rule, rule
from paramlint.rules.budget_rule import place

if TYPE_CHECKING:
    from paramlint.memory import Ram
    from paramlint.memory.layout import Layout

MAX_OFFSETS = 24  # tensors of a plan that the help lists


@rule("PL201", "arena-fragmentation", Level.NOTE, "The planner leaves holes in the arena")
class ArenaFragmentation(Rule):
    """The memory plan of TensorFlow Lite Micro takes more than what is live at any one time.

    Why: its planner is greedy, largest buffer first, and buffers placed early may split the space that later ones
    need. The layers are not to blame, and nothing has to be trained anew to win the memory back.

    Fix: give the model an offline plan (``OfflineMemoryAllocation`` metadata): the message names tensors and their
    offsets in bytes; -1 for all others leaves them to the planner. The plan was found by trying placement orders.
    Option ``percent``: how far above the lowest possible size the rule speaks.

    Bad::

        framework: keras
        dtype: int8
        input: [96, 96, 3]
        layers:
          - {type: Conv2D, filters: 8, kernel_size: 3, strides: 2, padding: same}
          - {type: DepthwiseConv2D, kernel_size: 3, padding: same}
          - {type: Conv2D, filters: 16, kernel_size: 1}
          - {type: DepthwiseConv2D, kernel_size: 3, strides: 2, padding: same}
          - {type: Conv2D, filters: 32, kernel_size: 1}
          - GlobalAveragePooling2D
        budget: {ram: 96KiB}

    Good::

        framework: keras
        dtype: int8
        input: [96, 96, 1]
        layers:
          - {type: Conv2D, filters: 8, kernel_size: 3, strides: 2, padding: same}
          - {type: DepthwiseConv2D, kernel_size: 3, padding: same}
          - {type: Conv2D, filters: 16, kernel_size: 1}
          - {type: DepthwiseConv2D, kernel_size: 3, strides: 2, padding: same}
          - {type: Conv2D, filters: 32, kernel_size: 1}
          - GlobalAveragePooling2D
        budget: {ram: 96KiB}
    """

    options = {"percent": 10}

    def applies(self, measured: Measured) -> bool:
        return measured.ram is not None

    def check(self, measured: Measured) -> Iterable[Finding]:
        seen = set()
        for ram in _models(measured):
            arena = ram.arena
            if isinstance(arena, Unknown) or not ram.floor or (arena, ram.floor) in seen:
                continue
            seen.add((arena, ram.floor))
            if arena * 100 > ram.floor * (100 + self.settings["percent"]):
                yield self._complain(measured, ram, arena)

    def _complain(self, measured: Measured, ram: Ram, arena: int) -> Finding:
        from paramlint.memory.layout import improve

        layout = improve(ram.slots, ram.floor)
        lowest = format_size(ram.floor, BYTES)
        return self.finding(
            f"the planner takes {format_size(arena, BYTES)} for buffers of which at most {lowest} are live at once "
            f"(+{percent(arena - ram.floor, ram.floor)})",
            place(measured),
            measured=arena,
            limit=ram.floor,
            unit=BYTES,
            help=None if layout is None else _plan(layout, arena, len(ram.slots)),
        )


def _models(measured: Measured) -> Iterator[Ram]:
    """The memory model of each target that plans an arena; without targets the one that is assumed."""
    found = [verdict.ram for verdict in measured.verdicts if verdict.target.runtime == "tflm"]
    yield from found
    if not measured.verdicts and measured.ram is not None:
        yield measured.ram


def _plan(layout: Layout, arena: int, buffers: int) -> str:
    """The better plan as offsets."""
    offsets = ", ".join(f"{name} at {grouped(offset)}" for name, offset in layout.fixed[:MAX_OFFSETS])
    more = f" and {len(layout.fixed) - MAX_OFFSETS} more" if len(layout.fixed) > MAX_OFFSETS else ""
    return (
        f"an offline plan that fixes {len(layout.fixed)} of {grouped(buffers)} buffers takes "
        f"{format_size(layout.head, BYTES)}, {grouped(arena - layout.head)} B less: {offsets}{more}"
    )
