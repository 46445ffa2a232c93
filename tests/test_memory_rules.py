"""PL201 and PL202, silence first; and what the reports show of memory: the timeline, JSON, the best order."""

from __future__ import annotations

import io

import pytest
from networks import FLOAT, Net, keyword_spotting, resnet8, visual_wake_words
from paramlint.budgets import Limits, compare
from paramlint.deploy import Deployed
from paramlint.engine import load
from paramlint.findings import Finding, Level
from paramlint.invocation.plans import model_limits
from paramlint.ir import Unknown
from paramlint.loaders import Request
from paramlint.measure import Measured, measure, with_memory
from paramlint.memory import flash, measure_ram
from paramlint.report import Judged, Report
from paramlint.reporters import Look
from paramlint.reporters.json import document
from paramlint.reporters.memory_timeline import timeline
from paramlint.reporters.operator_order import operator_order
from paramlint.rules import load as rules
from paramlint.targets import Models, find, judge

SPEC = b"framework: keras\ninput: [8]\nlayers:\n  - {type: Dense, units: 4}\n"


def measured(deployed: Deployed, *limits: str, targets: tuple[str, ...] = (), order: bool = False) -> Measured:
    """A network as the engine hands it to rules and reporters."""
    model = load("m.arch.yaml", Request(), SPEC)
    found = with_memory(measure(model), deployed, measure_ram(deployed, order=order), flash(deployed))
    if targets:
        models = Models(found)
        found = found._replace(verdicts=tuple(judge(find(name), found, None, models) for name in targets))
    budgets = compare(Limits(model_limits(limits)).model, found)
    return found._replace(budgets=(*budgets, *(one for verdict in found.verdicts for one in verdict.budgets)))


def said(code: str, found: Measured, **options: int) -> list[Finding]:
    return rules()[code](options).findings(found)


class TestFragmentation:
    @pytest.mark.parametrize(
        ("why", "deployed"),
        [
            ("no holes", keyword_spotting()),
            ("no holes beside a skip", resnet8()),
            ("sizes are not known", visual_wake_words()._replace(unknown=("node n: no form for Foo",))),
        ],
    )
    def test_silence(self, why: str, deployed: Deployed) -> None:
        assert said("PL201", measured(deployed)) == [], why

    def test_scratch_memory_is_no_hole(self) -> None:
        """A transposed convolution takes four times its output, which no placement saves."""
        net = Net()
        window = {"kernel": (3, 3), "strides": (2, 2), "padding": "SAME"}
        deployed = net.done(net.add("TRANSPOSE_CONV", [net.input(8, 8, 16)], 16, 16, 8, **window))
        ram = measure_ram(deployed)
        assert isinstance(ram.arena, int)
        assert isinstance(ram.bound, int)
        assert ram.arena > 3 * ram.bound
        assert said("PL201", measured(deployed)) == []

    def test_only_rounding_is_no_hole(self) -> None:
        net = Net()
        assert said("PL201", measured(net.done(net.dense(net.dense(net.input(1), 1), 1)))) == []

    def test_wake_words(self) -> None:
        (finding,) = said("PL201", measured(visual_wake_words()))
        assert (finding.level, finding.measured, finding.limit, finding.unit) == (Level.NOTE, 73_728, 55_296, "bytes")
        assert "+33.3 %" in finding.message
        assert finding.help is not None
        assert "fixes 2 of 32 buffers takes 55,296 B (54 KiB)" in finding.help
        assert finding.help.endswith("t3 at 18,432, t5 at 9,216")

    def test_the_share_is_an_option(self) -> None:
        assert said("PL201", measured(visual_wake_words()), percent=40) == []
        assert len(said("PL201", measured(visual_wake_words()), percent=33)) == 1

    def test_one_complaint_for_targets_that_plan_alike(self) -> None:
        """CMSIS-NN's scratch memory changes neither size here."""
        several = measured(visual_wake_words(), targets=("stm32f746", "stm32h743zi", "nano33ble"))
        assert len(said("PL201", several)) == 1

    def test_a_compiler_plans_by_itself(self) -> None:
        assert said("PL201", measured(visual_wake_words(), targets=("max78000",))) == []


def two_maps(each: int) -> Deployed:
    """Two buffers of ``each`` bytes that are live at once."""
    net = Net()
    return net.done(net.add("SOFTMAX", [net.input(each)], each))


class TestLargestRegion:
    BLOCK = 512 * 1024  # AXI SRAM of the STM32H743, which has 992 KiB in all

    @pytest.mark.parametrize(
        ("why", "deployed", "target"),
        [
            ("fits into one block", two_maps(200_000), "stm32h743zi"),
            ("there is too little in all, which PL103 says", two_maps(600_000), "stm32h743zi"),
            ("one block is all there is", two_maps(100_000), "stm32f746"),
            ("a compiler divides it as it likes", two_maps(200_000), "max78000"),
            ("sizes are not known", two_maps(9)._replace(unknown=("node n: no form for Foo",)), "stm32h743zi"),
        ],
    )
    def test_silence(self, why: str, deployed: Deployed, target: str) -> None:
        assert said("PL202", measured(deployed, targets=(target,))) == [], why
        assert said("PL202", measured(deployed)) == [], "no target"

    def test_the_head_in_one_piece(self) -> None:
        found = measured(two_maps(300_000), targets=("stm32h743zi",))
        (finding,) = said("PL202", found)
        assert (finding.level, finding.measured, finding.limit) == (Level.ERROR, 600_000, self.BLOCK)
        assert "axi_sram" in finding.message
        assert finding.limit_source is not None
        assert "524,288 bytes in its largest block" in (finding.limit_source.text or "")
        assert found.verdicts[0].fits is False

    def test_the_whole_arena_in_two(self) -> None:
        each = self.BLOCK // 2 - 16
        found = measured(two_maps(each), targets=("stm32h743zi",))
        ram = found.verdicts[0].ram
        assert ram.arena == 2 * each <= self.BLOCK
        (finding,) = said("PL202", found)
        assert (finding.level, finding.measured, finding.limit) == (Level.NOTE, ram.arena_upper, self.BLOCK)
        assert "an arena each" in (finding.help or "")

    def test_the_largest_block_is_enough_to_the_byte(self) -> None:
        """With the upper end of the estimate exactly as large as the block."""
        ram = measure_ram(two_maps(1_600))
        assert isinstance(ram.arena_upper, int)
        each = (self.BLOCK - (ram.arena_upper - 3_200)) // 32 * 16
        assert said("PL202", measured(two_maps(each), targets=("stm32h743zi",))) == []


PLAIN = Look(unicode=False)
DRAWN = Look(unicode=True)


class TestTimeline:
    def test_silence(self) -> None:
        assert timeline(measured(keyword_spotting(), "params=1M"), DRAWN) == []
        unknown = keyword_spotting()._replace(unknown=("node n: no form for Foo",))
        assert timeline(measured(unknown, "ram=1MiB"), DRAWN) == []
        net = Net()
        assert timeline(measured(net.done(net.input(4)), "ram=1MiB"), DRAWN) == []

    def test_one_line_of_bars_where_ram_is_limited(self) -> None:
        bars, live = timeline(measured(keyword_spotting(), "ram=1MiB"), DRAWN)
        assert bars.split()[:2] == ["memory", "▅████████▅▁▁▁"]
        assert bars.endswith("peak 16,000 B (15.6 KiB) at depthwise_conv_2d_1")
        assert live.strip() == "live there: t1 8,000, t2 8,000"
        bars, _ = timeline(measured(keyword_spotting(), "ram.bound=1MiB"), PLAIN)
        assert bars.split()[1] == "+########+___"

    def test_a_line_for_each_operator_when_asked_for(self) -> None:
        lines = timeline(measured(resnet8()), DRAWN._replace(verbose=True))
        assert len(lines) == 1 + len(resnet8().operators) + 1
        highest = max(lines[1:-1], key=len)
        assert highest.split()[:2] == ["conv_2d_2", "49,152"]
        assert highest.count("█") == 40

    def test_long_networks_are_drawn_in_few_columns(self) -> None:
        net = Net()
        place = net.input(10)
        for number in range(1_000):
            place = net.dense(place, 500 if number == 777 else 10)
        (bars, _) = timeline(measured(net.done(place), "ram=1MiB"), DRAWN._replace(width=120))
        drawn = bars.split()[1]
        assert len(drawn) == 64
        assert drawn.count("█") == 1
        assert drawn.index("█") == 777 * 64 // 1_000

    def test_many_live_tensors_are_summed_up(self) -> None:
        net = Net()
        source = net.input(10)
        joined = net.add("CONCATENATION", [net.dense(source, 20 + i) for i in range(6)], 135)
        (_, live) = timeline(measured(net.done(joined), "ram=1MiB"), DRAWN)
        assert live.strip() == "live there: t7 135, t6 25, t5 24, t4 23 and 3 more, 63 together"

    def test_json(self) -> None:
        found = measured(visual_wake_words())
        (model,) = document(Report((Judged(found, ()),), (), ()))["models"]
        memory = model["memory"]
        assert memory["peak"]["bytes"] == model["totals"]["ram"]["bound"] == 55_296
        assert sum(one["bytes"] for one in memory["peak"]["live"]) == 55_296
        assert len(memory["timeline"]) == len(visual_wake_words().operators)
        assert max(one["bytes"] for one in memory["timeline"]) == 55_296
        unknown = measured(visual_wake_words()._replace(unknown=("why",)))
        (model,) = document(Report((Judged(unknown, ()),), (), ()))["models"]
        assert model["memory"] is None
        assert model["totals"]["ram"] == {"bound": None, "arena": None, "arena_total": None, "best": None}
        assert model["unknown"]["ram"] == ["why"]


class TestOrder:
    def text(self, found: Measured) -> str:
        out = io.StringIO()
        operator_order(found, out, DRAWN)
        return out.getvalue()

    def forked(self) -> Deployed:
        net = Net(FLOAT)
        source = net.input(25)
        left, right = net.dense(source, 250), net.dense(source, 225)
        ends = [net.dense(left, 3), net.dense(right, 3)]
        return net.done(net.add("CONCATENATION", ends, 6))

    def test_a_better_one(self) -> None:
        text = self.text(measured(self.forked(), order=True))
        assert "1,112 B (1.09 KiB) of live tensors at most, 2,000 B (1.95 KiB) as written (-44.4 %)" in text
        names = text.splitlines()[1].split(", ")
        assert sorted(name.strip() for name in names) == sorted(one.layer for one in self.forked().operators)

    def test_none_better(self) -> None:
        assert "no other order needs less than the 16,000 B" in self.text(measured(keyword_spotting(), order=True))

    def test_in_place_alone(self) -> None:
        net = Net()
        deployed = net.done(net.same("RELU", net.dense(net.input(10), 100)))
        assert "as written, with operators that work in place: 110 B against 200 B" in self.text(
            measured(deployed, order=True)
        )

    def test_not_known(self) -> None:
        unknown = measured(keyword_spotting()._replace(unknown=("why",)), order=True)
        assert self.text(unknown) == "  order     not known: why\n"
        assert unknown.ram is not None
        assert unknown.ram.best == Unknown("why")
        assert self.text(measured(keyword_spotting())) == "", "nobody asked"
