from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from paramlint.findings import Finding, Level
from paramlint.ir import Source, Unknown
from paramlint.measure import Measured
from paramlint.quantities import BYTES, format_size
from paramlint.rules import Rule, rule
from paramlint.rules.budget_rule import place

if TYPE_CHECKING:
    from paramlint.targets import Target, Verdict


@rule("PL202", "largest-contiguous-region", Level.NOTE, "The arena does not fit into one block of the target's RAM")
class LargestContiguousRegion(Rule):
    """The RAM of the target is enough in all, but its largest contiguous block is smaller than the tensor arena.

    Why: memory maps have gaps. The planner's head must lie in one piece: where it is larger than the largest block,
    the network does not run, whatever the sum of all regions says (an error). Where only the whole arena is larger,
    the head and the runtime's own records have to be put into two regions.

    Fix: lower the peak (PL103 says how), take a target with a larger block, or give TensorFlow Lite Micro two arenas
    (``MicroAllocator::Create`` takes a persistent one and one for the planned tensors).

    Bad::

        # --target stm32h743zi
        framework: keras
        dtype: int8
        input: [96, 96, 1]
        layers:
          - {type: Conv2D, filters: 64, kernel_size: 3, padding: same}
          - {type: MaxPooling2D, pool_size: 4}

    Good::

        # --target stm32h743zi
        framework: keras
        dtype: int8
        input: [96, 96, 1]
        layers:
          - {type: Conv2D, filters: 32, kernel_size: 3, padding: same}
          - {type: MaxPooling2D, pool_size: 4}
    """

    def applies(self, measured: Measured) -> bool:
        return bool(measured.verdicts)

    def check(self, measured: Measured) -> Iterable[Finding]:
        for verdict in measured.verdicts:
            target, ram = verdict.target, verdict.ram
            block, head, whole = target.largest_block, ram.arena, ram.arena_upper
            exceeded = any(one.state == "fail" for one in verdict.budgets if one.metric.name == "ram")
            if target.runtime != "tflm" or exceeded or block is None or isinstance(head, Unknown):
                continue  # where there is too little RAM in all, PL103 says so
            if head > block:
                yield self._complain(measured, target, head, block)
            elif not isinstance(whole, Unknown) and whole > block and verdict.ram_use.state != "unknown":
                yield self._split(measured, verdict, whole, block)

    def _complain(self, measured: Measured, target: Target, head: int, block: int) -> Finding:
        return self.finding(
            f"{target.id}: the planned tensors need {format_size(head, BYTES)} in one piece; its largest block of RAM "
            f"{_named(target, block)}has {format_size(block, BYTES)}",
            place(measured),
            level=Level.ERROR,
            measured=head,
            limit=block,
            unit=BYTES,
            limit_source=_cite(target, block),
        )

    def _split(self, measured: Measured, verdict: Verdict, whole: int, block: int) -> Finding:
        target = verdict.target
        return self.finding(
            f"{target.id}: the arena of up to {format_size(whole, BYTES)} is larger than its largest block of RAM "
            f"{_named(target, block)}of {format_size(block, BYTES)}",
            place(measured),
            measured=whole,
            limit=block,
            unit=BYTES,
            limit_source=_cite(target, block),
            help="give the planned tensors and the runtime's records an arena each, in two regions",
        )


def _named(target: Target, block: int) -> str:
    """The region that is the largest block, where it is one of those that the facts name."""
    name = next((region.name for region in target.ram_regions if region.bytes == block), None)
    return f"({name}) " if name else ""


def _cite(target: Target, block: int) -> Source:
    return target.cite(f"{block:,} bytes in its largest block of RAM")
