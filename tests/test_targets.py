"""Does it fit: a network against targets, each with its own memory models. Graphs are made by hand."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from paramlint import memory
from paramlint.deploy.model import CONSTANT, Buffer, Constant, Deployed, Operator
from paramlint.findings import Finding, Level
from paramlint.ir import DType, Layer, Model, Shape, Source, Unknown
from paramlint.measure import Change, Measured, measure, with_memory
from paramlint.reporters import Look
from paramlint.reporters.comparison import comparison
from paramlint.reporters.json import target_record
from paramlint.rules import load
from paramlint.targets import Models, Target, Verdict, find, from_config, judge

KIB = 1024
INT8, FLOAT32 = DType.INT8, DType.FLOAT32
WINDOW = {"kernel": (3, 3), "strides": (1, 1), "dilations": (1, 1), "padding": "SAME", "spatial": 2}


def network(
    *sides: int,
    channels: int = 4,
    dtype: DType = INT8,
    change: Callable[[Operator], Operator] = lambda operator: operator,
    unknown: tuple[str, ...] = (),
) -> Deployed:
    """Convolutions 3x3 in a row between square maps of these sides; ``change`` is made to each."""
    shapes: list[Shape] = [(1, side, side, channels) for side in sides]
    width = dtype.bits // 8
    buffers = [
        Buffer(f"t{place}", shape, dtype, side * side * channels * width)
        for place, (shape, side) in enumerate(zip(shapes, sides, strict=True))
    ]
    steps = []
    for index in range(len(sides) - 1):
        filters = Constant("filter", (channels, 3, 3, channels), dtype, f"w{index}", channels, 9 * channels**2)
        step = Operator("CONV_2D", "Conv", f"c{index}", (index, CONSTANT), (index + 1,), (filters,), WINDOW)
        steps.append(change(step))
    last = len(buffers) - 1
    return Deployed(tuple(steps), tuple(buffers), (0,), (last,), 0, dtype, dtype == INT8, unknown)


def measured(deployed: Deployed, *targets: Target, warn_at: Fraction | None = None) -> Measured:
    """Numbers of a network and its verdicts; asked again it answers as int8."""
    layers = tuple(
        Layer(step.layer, "Conv", (), (), (), 0, Source("node", "m.onnx", node=step.layer))
        for step in deployed.operators
    )
    model = Model("m", "m.onnx", "onnx", None, (), (), layers, {}, (), len(layers), True)
    found = with_memory(measure(model), deployed, memory.measure_ram(deployed), memory.flash(deployed))
    models = Models(found)
    verdicts = tuple(judge(target, found, warn_at, models) for target in targets)
    budgets = tuple(budget for verdict in verdicts for budget in verdict.budgets)
    return found._replace(verdicts=verdicts, budgets=budgets)


def verdict(deployed: Deployed, target: Target) -> Verdict:
    return measured(deployed, target).verdicts[0]


def said(code: str, found: Measured) -> list[Finding]:
    return load()[code]().findings(found)


def own(**facts: Any) -> Target:
    """A target of the config; '_' stands for '-'."""
    return from_config({"mine": {key.replace("_", "-"): value for key, value in facts.items()}})["mine"]


BOARD = {"ram_bytes": "64KiB", "flash_bytes": "64KiB"}


def test_a_small_network_fits() -> None:
    found = verdict(network(8, 8), find("stm32f746"))
    assert found.fits is True
    assert (found.flash_use.limit, found.ram_use.limit) == (1024 * KIB, 320 * KIB)
    assert found.found == ()
    assert [(budget.metric.name, budget.state) for budget in found.budgets] == [("flash", "pass"), ("ram", "pass")]


def test_the_limit_itself_passes_and_one_byte_less_fails() -> None:
    """What is compared is the upper end of the estimate, not the estimate."""
    deployed = network(8, 8)
    ram, flash = memory.measure_ram(deployed), memory.flash(deployed)
    assert isinstance(ram.arena_upper, int)
    assert isinstance(ram.arena_total, int)
    assert ram.arena_total < ram.arena_upper
    assert flash.estimate < flash.upper
    assert verdict(deployed, own(ram_bytes=ram.arena_upper, flash_bytes=flash.upper)).fits is True
    less_ram = verdict(deployed, own(ram_bytes=ram.arena_upper - 1, flash_bytes=flash.upper))
    assert (less_ram.fits, less_ram.ram_use.state, less_ram.flash_use.state) == (False, "fail", "pass")
    less_flash = verdict(deployed, own(ram_bytes=ram.arena_upper, flash_bytes=flash.upper - 1))
    assert (less_flash.fits, less_flash.flash_use.state) == (False, "fail")


def test_what_the_firmware_needs_is_taken_off() -> None:
    target = own(base="stm32f746", reserve={"ram": "300KiB", "flash": "1000KiB"})
    found = verdict(network(8, 8), target)
    assert (found.ram_use.limit, found.flash_use.limit) == (20 * KIB, 24 * KIB)
    assert "reserved for firmware" in (found.budgets[0].source.text or "")
    assert verdict(network(80, 80), target).ram_use.state == "fail"


def test_the_stated_overhead_replaces_the_estimate() -> None:
    found = verdict(network(8, 8), own(**BOARD, flash_overhead=1000))
    weights = 4 * 9 * 4
    assert (found.flash_use.measured, found.flash_use.upper) == (weights + 1000, weights + 1000)
    assert any("you state" in text for text in found.assumed)


def test_each_target_has_its_own_kernels() -> None:
    """A DSP core's convolution of 3x3x4 asks for 4 * ceil4(36) = 144 bytes, Helium's for 64 * 3 = 192."""
    deployed = network(8, 8)
    heads = {name: verdict(deployed, find(name)).ram.arena for name in ("esp32s3", "stm32f746", "ra8p1")}
    tensors = 2 * 8 * 8 * 4
    assert heads == {"esp32s3": tensors, "stm32f746": tensors + 144, "ra8p1": tensors + 192}


def test_one_model_serves_all_targets_with_the_same_kernels() -> None:
    found = measured(network(8, 8), find("stm32f746"), find("nano33ble"))
    assert found.verdicts[0].ram is found.verdicts[1].ram


def test_a_compiler_keeps_the_weights_alone() -> None:
    found = verdict(network(8, 8), find("max78000"))
    assert found.flash_use.measured == found.flash_use.upper == 4 * 9 * 4


def test_the_block_counts_and_not_the_sum() -> None:
    """512 KiB is the largest block of the H743, 992 KiB its RAM: a head between fits the sum alone."""
    side = 400
    deployed = network(side, side, channels=2)  # two maps of 320,000 bytes
    found = verdict(deployed, find("stm32h743zi"))
    assert found.ram.arena == 2 * 320_000 + 4 * 20  # ceil4(3 * 3 * 2) = 20
    assert (found.budgets[1].state, found.ram_use.state, found.fits) == ("pass", "fail", False)
    assert verdict(deployed, find("stm32l4r5zi")).fits is True  # 640 KiB in one piece


def test_the_rest_of_the_arena_may_lie_in_another_block() -> None:
    board = {"flash_bytes": "1MiB", "ram_regions": [{"name": "a", "bytes": 8192}, {"name": "b", "bytes": 4096}]}
    deployed = network(32, 32)  # 8,192 bytes of maps, and the runtime's records
    whole = verdict(deployed, own(**board))
    assert whole.ram.arena == 8192
    assert (whole.ram_use.state, whole.fits) == ("pass", True)
    tight = {**board, "ram_regions": [{"name": "a", "bytes": 8192}, *({"name": n, "bytes": 512} for n in "bcdefgh")]}
    assert (verdict(deployed, own(**tight)).ram_use.state, verdict(deployed, own(**tight)).fits) == ("unknown", None)


@pytest.mark.parametrize(
    ("target", "question"),
    [
        (lambda: find("esp32"), "its largest block of RAM is not known"),
        (lambda: find("himax_we2"), "its RAM is not known"),
        (lambda: find("stm32h7s7l8"), "its flash is not known"),
        (lambda: own(ram_bytes="64KiB"), "its flash is not known"),
        (lambda: own(flash_bytes="64KiB"), "its RAM is not known"),
        (lambda: find("coral"), "its RAM is not known"),
        (lambda: find("k210"), "how the compiler places them is not modelled"),
        (lambda: find("raspberry-pi-4"), "how the compiler places them is not modelled"),
        (lambda: find("hailo8"), "no operator list is known"),
        (lambda: own(**BOARD, op_sets=["cmsis_nn"]), "the target names no runtime"),
    ],
)
def test_what_is_not_known_is_never_a_fit(target: Callable[[], Target], question: str) -> None:
    found = measured(network(8, 8), target())
    assert found.verdicts[0].fits is None
    notes = said("PL305", found)
    assert any(question in note.message for note in notes)
    assert {note.level for note in notes} == {Level.NOTE}


def test_an_operator_without_a_form_leaves_the_memory_open() -> None:
    def foreign(operator: Operator) -> Operator:
        return operator._replace(kind="Foo", onnx="Foo", domain="com.acme")

    found = measured(network(8, 8, change=foreign, unknown=("node c0: no form of com.acme::Foo",)), find("stm32f746"))
    (one,) = found.verdicts
    assert (one.ram_use.state, one.flash_use.state, one.operators) == ("unknown", "unknown", "fail")
    (error,) = [finding for finding in said("PL001", found) if finding.level == Level.ERROR]
    assert "com.acme::Foo" in error.message
    assert error.limit_source is not None


def test_a_free_size_leaves_the_memory_open() -> None:
    deployed = network(8, 8)
    free = Buffer("t1", (1, None, 8, 4), INT8, Unknown("axis 1 of t1 is free"))
    one = verdict(deployed._replace(buffers=(deployed.buffers[0], free)), find("stm32f746"))
    assert (one.ram_use.state, one.fits) == ("unknown", None)


def test_a_memory_that_fails_decides_whatever_else_is_open() -> None:
    assert verdict(network(500, 500), find("esp32")).fits is False


def test_an_accelerator_split_by_channel() -> None:
    """The MAX78000 has 64 processors with 8 KiB of maps each: one channel of 64x64 pixels is 4 KiB."""
    target = find("max78000")
    assert verdict(network(64, 64), target).fits is True  # 4 KiB in, 4 KiB out
    beside = verdict(network(65, 65), target)  # 4,225 bytes each: one may overwrite the other, or not
    assert (beside.ram_use.state, beside.fits) == ("unknown", None)
    assert beside.ram_use.measured == 2 * 65 * 65 * 4
    over = verdict(network(300, 300), target)
    assert (over.ram_use.state, over.fits) == ("fail", False)


def test_every_channel_beyond_the_processors_needs_more() -> None:
    """65 channels are two on one processor: maps of 46x46 then take 2 * 2 * 2,116 bytes of its 8,192."""
    target = find("max78000")
    assert verdict(network(46, 46, channels=64), target).ram_use.state == "pass"
    assert verdict(network(46, 46, channels=65), target).ram_use.state == "unknown"


def strided(operator: Operator) -> Operator:
    return operator._replace(options={**WINDOW, "strides": (2, 2), "padding": "VALID"})


def grouped(operator: Operator) -> Operator:
    return operator._replace(kind="DEPTHWISE_CONV_2D", options={**WINDOW, "groups": 4})


def renamed(kind: str, onnx: str) -> Callable[[Operator], Operator]:
    return lambda operator: Operator(kind, onnx, operator.layer, operator.inputs[:1], operator.outputs)


class TestRules:
    def test_silence(self) -> None:
        found = measured(network(8, 8), find("stm32f746"), find("max78000"), find("ra8p1"))
        for code in ("PL001", "PL202", "PL301", "PL302", "PL303", "PL304", "PL305"):
            assert said(code, found) == [], code

    def test_without_a_target_there_is_nothing_to_judge(self) -> None:
        found = measured(network(8, 8, change=renamed("TILE", "Tile")))
        for code in ("PL202", "PL301", "PL302", "PL303", "PL304", "PL305"):
            assert said(code, found) == []
            assert not load()[code]().applies(found)

    def test_unsupported(self) -> None:
        (finding,) = said("PL301", measured(network(8, 8, change=renamed("TILE", "Tile")), find("nano33ble")))
        assert (finding.level, finding.layer, finding.source.node) == (Level.ERROR, "c0", "c0")
        assert finding.message.startswith("arduino_nano_33_ble: TILE is not among the operators of TensorFlow Lite")
        assert "micro_mutable_op_resolver.h" in ((finding.limit_source or finding.source).text or "")

    def test_one_cause_is_one_complaint_for_all_targets_that_share_it(self) -> None:
        deployed = network(8, 8, change=renamed("TILE", "Tile"))
        (finding,) = said("PL301", measured(deployed, find("nano33ble"), find("nrf52840"), find("rp2040")))
        assert finding.message.startswith("arduino_nano_33_ble, nrf52840, rp2040: TILE")

    def test_each_layer_that_breaks_a_limit_is_named(self) -> None:
        findings = said("PL303", measured(network(9, 4, 1, change=strided), find("max78000")))
        assert [(one.layer, one.measured, one.limit, one.level) for one in findings] == [
            ("c0", 2, 1, Level.ERROR),
            ("c1", 2, 1, Level.ERROR),
        ]
        (finding,) = said("PL303", measured(network(8, 8, change=grouped), find("max78000")))
        assert "no depthwise or grouped convolution" in finding.message

    def test_a_limit_that_the_core_takes_over_warns(self) -> None:
        wide = {**WINDOW, "strides": (4, 4), "groups": 4}
        deployed = network(8, 2, change=lambda operator: operator._replace(kind="DEPTHWISE_CONV_2D", options=wide))
        found = measured(deployed, find("ra8p1"))
        (finding,) = said("PL303", found)
        assert finding.level == Level.WARNING
        assert found.verdicts[0].fits is True
        assert said("PL303", measured(deployed, find("stm32f746"))) == []

    def test_the_whole_network_breaks_a_limit(self) -> None:
        (finding,) = said("PL303", measured(network(*[4] * 34), find("max78000")))
        assert (finding.layer, finding.measured, finding.limit, finding.unit) == (None, 33, 32, "count")
        (finding,) = said("PL303", measured(network(4, 4, channels=300), find("max78000")))
        assert (finding.measured, finding.limit, finding.unit) == (300 * 300 * 9, 442_368, "bytes")

    def test_element_types_are_said_once(self) -> None:
        (finding,) = said("PL302", measured(network(8, 8, 8, 8, 8, 8, dtype=FLOAT32), find("max78000")))
        assert finding.level == Level.ERROR
        text = "max78000: 5 layers compute in float32; max78000 takes int8, int4, int2, int1 (c0, c1, c2 and 2 more)"
        assert finding.message == text

    def test_int8_is_offered_where_it_was_tried_and_fits(self) -> None:
        def asked(change: Change) -> Measured:
            assert change == Change(INT8)
            return measured(network(8, 8), find("max78000"))

        found = measured(network(8, 8, dtype=FLOAT32), find("max78000"))._replace(recheck=asked)
        assert said("PL302", found)[0].help == "int8 would fit (--as int8)"

        def grown(_: Change) -> Measured:
            return measured(network(300, 300), find("max78000"))

        assert said("PL302", found._replace(recheck=grown))[0].help == "int8 would be taken (--as int8)"

    def test_int8_is_offered_where_memory_is_short(self) -> None:
        target = own(ram_bytes="20KiB", flash_bytes="1MiB")
        found = measured(network(48, 48, dtype=FLOAT32), target)._replace(
            recheck=lambda _: measured(network(48, 48), target)
        )
        (finding,) = said("PL103", found)
        assert (finding.help or "").startswith("int8 would fit: up to 1")
        still = found._replace(recheck=lambda _: measured(network(90, 90), target))
        assert "int8" not in (said("PL103", still)[0].help or "")

    def test_a_quantised_network_is_not_asked_again(self) -> None:
        def never(_: Change) -> Measured:
            raise AssertionError("it is int8 already")

        found = measured(network(300, 300), own(**BOARD))._replace(recheck=never)
        assert "int8" not in (said("PL103", found)[0].help or "")

    def test_falling_back(self) -> None:
        found = measured(network(1, 1, change=renamed("SOFTMAX", "Softmax")), find("max78000"))
        (finding,) = said("PL304", found)
        assert (finding.level, finding.message) == (
            Level.WARNING,
            "max78000: Softmax runs in software on the CPU",
        )
        assert found.verdicts[0].fits is True

    def test_undecided_is_said_once_for_all_layers(self) -> None:
        notes = said("PL305", measured(network(8, 8, 8, 8, 8, 8), find("jetson_nano")))
        assert sum("no operator list" in note.message for note in notes) == 1

    def test_unverified_facts_are_marked(self) -> None:
        (error,) = said("PL103", measured(network(3000, 3000), find("alif_e7")))
        assert "(unverified)" in ((error.limit_source or error.source).text or "")
        (note,) = said("PL305", measured(network(8, 8, change=renamed("TANH", "Tanh")), find("coral-micro")))
        assert note.message.endswith("(unverified)")

    def test_a_margin(self) -> None:
        found = measured(network(170, 170), find("nano33ble"), warn_at=Fraction(8, 10))
        assert [one.level for one in said("PL103", found)] == [Level.WARNING]
        assert found.verdicts[0].fits is True


class TestConfig:
    def test_what_is_stated_replaces_what_the_base_says(self) -> None:
        target = own(base="stm32f746", ram_bytes="192KiB")
        assert (target.ram_bytes, target.largest_block, target.flash_bytes) == (192 * KIB, 192 * KIB, 1024 * KIB)
        assert (target.base, target.kernels, target.ram_regions) == ("stm32f746", "dsp", ())
        assert "probe-rs" in target.source

    def test_targets_may_stand_on_each_other(self) -> None:
        tables: dict[str, dict[str, Any]] = {
            "a": {"base": "b", "ram-bytes": 1024},
            "b": {"base": "nano33ble", "flash-bytes": "9KiB"},
            "rp2040": {"base": "rp2040", "ram-bytes": "200KiB"},
        }
        found = from_config(tables)
        assert (found["a"].ram_bytes, found["a"].flash_bytes, found["a"].simd) == (1024, 9 * KIB, "dsp")
        assert find("RP-2040", found).ram_bytes == 200 * KIB  # the user's own hides the one that comes along

    def test_a_smaller_ram_shrinks_its_blocks_and_a_larger_one_does_not_grow_them(self) -> None:
        assert own(base="stm32h743zi", ram_bytes="256KiB").largest_block == 256 * KIB
        assert own(base="stm32h743zi", ram_bytes="4MiB").largest_block == 512 * KIB

    def test_regions_say_the_rest(self) -> None:
        regions = [{"name": "a", "bytes": "48KiB"}, {"name": "b", "bytes": "16KiB"}]
        for target in (own(flash_bytes=1, ram_regions=regions), own(base="stm32h743zi", ram_regions=regions)):
            assert (target.ram_bytes, target.largest_block) == (64 * KIB, 48 * KIB)


class TestReports:
    def test_one_target_is_one_line(self) -> None:
        (line,) = comparison(measured(network(8, 8), find("stm32f746")).verdicts, Look())
        assert line.split() == ["target", "stm32f746:", "fits"]
        (line,) = comparison(measured(network(300, 300), find("nano33ble")).verdicts, Look())
        assert line.strip().endswith("does not fit (RAM too small)")
        (line,) = comparison(measured(network(8, 8), find("esp32")).verdicts, Look())
        assert "not decided (RAM not decided)" in line

    def test_several_targets_are_a_table(self) -> None:
        verdicts = measured(network(9, 4, change=strided), find("stm32f746"), find("max78000"), find("esp32")).verdicts
        title, *rows = comparison(verdicts, Look())
        assert title.split() == ["target", "flash", "RAM", "operators", "verdict"]
        assert [row.split()[0] for row in rows] == ["stm32f746", "max78000", "esp32"]
        assert rows[0].endswith("fits")
        assert "1 refused" in rows[1]
        assert rows[1].endswith("does not fit")
        assert rows[2].endswith("not decided")

    def test_json(self) -> None:
        record = target_record(verdict(network(9, 4, change=strided), find("max78000")))
        assert record["name"] == "max78000"
        assert record["flash"] == {"measured": 4 * 9 * 4, "limit": 512 * KIB, "state": "pass"}
        assert record["ram"] == {"measured": 9 * 9 * 4 + 4 * 4 * 4, "limit": 512 * KIB, "state": "pass"}
        assert record["ops"]["unsupported"] == ["c0: Conv convolution stride 1 (stride is 2)"]
        assert record["fits"] is False
        assert target_record(verdict(network(8, 8), find("stm32f746")))["fits"] is True
        assert target_record(verdict(network(8, 8), find("esp32")))["fits"] is None
