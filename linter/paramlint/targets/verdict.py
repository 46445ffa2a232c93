"""Whether a network fits a target: flash, RAM in every region, operators; each with the target's own numbers."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from paramlint import memory
from paramlint.budgets import Budget, compare, marked
from paramlint.ir import Quantity, Unknown
from paramlint.measure import Measured, with_memory
from paramlint.quantities import grouped
from paramlint.targets import facts
from paramlint.targets.model import Target
from paramlint.targets.network import network_verdicts
from paramlint.targets.op import UNDECIDED, OpVerdict
from paramlint.targets.spread import maps_spread
from paramlint.targets.support import judge_operators

if TYPE_CHECKING:
    from paramlint.memory import Flash, Ram

PASSED = ("pass", "warn")
#: What a budget says of a plan that is not modelled; also the state of a memory whose size is not known.
UNKNOWN, FAIL = "unknown", "fail"
LIVE = "RAM: the bytes that are live at once in the order written; how a compiler places them is not modelled"


class Standing(NamedTuple):
    """One memory of a target: what the network takes of it. ``limit`` is None where its size is not known.

    ``state`` is that of a budget; ``upper`` is the upper end of an estimate, which is what is compared.
    """

    measured: int | None
    limit: int | None
    state: str
    upper: int | None = None


class Verdict(NamedTuple):
    """Everything that a run found out about one target.

    ``budgets`` are its limits that a memory model decides; ``ram`` and ``flash`` are the numbers they were held
    against. ``found`` is everything that is no plain success of its operators, layers and weights; ``questions`` are
    what its memories leave open.
    """

    target: Target
    flash_use: Standing
    ram_use: Standing
    budgets: tuple[Budget, ...]
    found: tuple[OpVerdict, ...]
    questions: tuple[OpVerdict, ...]
    flash: Flash
    ram: Ram
    assumed: tuple[str, ...] = ()

    @property
    def operators(self) -> str:
        """``pass``, ``fail`` or ``unknown`` for operators, element types and layer limits together."""
        if any(one.stops for one in self.found):
            return FAIL
        return UNKNOWN if any(one.open for one in self.found) else "pass"

    @property
    def fits(self) -> bool | None:
        """True only where everything is decided and passes; None where something is not decided."""
        states = (self.flash_use.state, self.ram_use.state, self.operators)
        if FAIL in states:
            return False
        return None if UNKNOWN in states else True


class Models:
    """The memory models of one network, each run once however many targets share it."""

    def __init__(self, measured: Measured) -> None:
        assert measured.deployed is not None
        self.deployed = measured.deployed
        self.ops = facts.ops(measured.deployed)
        self._rams: dict[str, Ram] = {}

    def ram(self, kernels: str) -> Ram:
        """Working memory under one set of kernels."""
        if kernels not in self._rams:
            self._rams[kernels] = memory.measure_ram(self.deployed, kernels=kernels)
        return self._rams[kernels]

    def flash(self, target: Target) -> Flash:
        """Flash under the target's runtime: a flatbuffer, what the user says it adds, or the weights alone."""
        return memory.flash(self.deployed, flatbuffer=target.runtime == "tflm", overhead=target.flash_overhead)


class _Memory(NamedTuple):
    """One memory judged: its budget where a memory model decides it, and what is left open."""

    use: Standing
    budget: Budget | None = None
    questions: tuple[str, ...] = ()


def judge(target: Target, measured: Measured, warn_at: Fraction | None = None, models: Models | None = None) -> Verdict:
    """Hold a measured network against one target. ``models`` is shared between targets to save work."""
    models = models or Models(measured)
    ram, flash = models.ram(target.kernels), models.flash(target)
    own = with_memory(measured, models.deployed, ram, flash)
    budgets = {one.metric.name.partition(".")[0]: one for one in compare(marked(target.limits, warn_at), own)}
    memories = (_flash(budgets.get("flash"), flash), _ram(target, budgets.get("ram"), ram, models))
    flash_use, ram_use = (one.use for one in memories)
    cite = target.cite("memory").text or ""
    found = (*judge_operators(target, models.ops), *network_verdicts(target, models.deployed, models.ops))
    questions = tuple(
        OpVerdict(UNDECIDED, None, None, text, cite, sure=target.sure) for one in memories for text in one.questions
    )
    held = tuple(one.budget for one in memories if one.budget is not None)
    assumed = tuple(_assumed(target, ram, flash))
    return Verdict(target, flash_use, ram_use, held, found, questions, flash, ram, assumed)


def _standing(budget: Budget) -> Standing:
    return Standing(budget.measured, budget.limit, budget.state, budget.upper)


def _flash(budget: Budget | None, flash: Flash) -> _Memory:
    if budget is None:
        use = Standing(_number(flash.estimate), None, UNKNOWN, _number(flash.upper))
        return _Memory(use, None, ("its flash is not known",))
    return _Memory(_standing(budget), budget)


def _ram(target: Target, budget: Budget | None, ram: Ram, models: Models) -> _Memory:
    if budget is None:
        value = ram.arena_total if target.runtime == "tflm" else ram.bound
        return _Memory(Standing(_number(value), None, UNKNOWN), None, ("its RAM is not known",))
    use = _standing(budget)
    if target.runtime == "tflm":
        state, question = _in_one_block(target, budget, ram)
        return _Memory(use._replace(state=state), budget, question)
    if budget.state not in PASSED or (target.data_memory is not None and maps_spread(target, models.deployed)):
        return _Memory(use, budget)
    what = f"{grouped(budget.measured or 0)} bytes are live at once; how the compiler places them is not modelled"
    return _Memory(use._replace(state=UNKNOWN), None, (what,))


def _in_one_block(target: Target, budget: Budget, ram: Ram) -> tuple[str, tuple[str, ...]]:
    """The state of RAM with its blocks: the planner's head lies in one piece, what is left of the arena in another."""
    head, block = _number(ram.arena), target.largest_block
    if budget.state not in PASSED or head is None:
        return budget.state, ()
    if block is None:
        return UNKNOWN, ("its largest block of RAM is not known",)
    whole = budget.upper or budget.measured or 0
    if whole <= block:
        return budget.state, ()
    if head > block:
        return FAIL, ()
    others = sorted((region.bytes for region in target.ram_regions), reverse=True)[1:]
    if others and whole - head <= others[0]:
        return budget.state, ()
    return UNKNOWN, (f"the arena of {grouped(whole)} bytes is larger than its largest block of RAM",)


def _number(quantity: Quantity) -> int | None:
    return None if isinstance(quantity, Unknown) else quantity


def _assumed(target: Target, ram: Ram, flash: Flash) -> Iterator[str]:
    """Which models stand behind the numbers of this target."""
    yield from ram.assumed if target.runtime == "tflm" else (LIVE,)
    yield from flash.assumed
    if target.accelerator is not None and target.runtime == "tflm":
        yield f"RAM: as the core alone plans it; the compiler for {target.accelerator.name} plans its own"
