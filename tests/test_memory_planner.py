"""RAM under TensorFlow Lite Micro: lifetimes, the planner's head to the byte, scratch memory, the whole arena.

Expected sizes of networks are those of the recording interpreter of tflite-micro (reference kernels, x86-64).
"""

from __future__ import annotations

import time
from itertools import pairwise
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import FLOAT, INT8, INT16, Net, autoencoder, keyword_spotting, resnet8, visual_wake_words
from paramlint.deploy import Buffer, Deployed
from paramlint.ir import DType, Unknown
from paramlint.memory import Ram, measure_ram
from paramlint.memory.layout import improve
from paramlint.memory.lifetimes import Slot, live_bytes, slots
from paramlint.memory.planner import ALIGNMENT, aligned, by_size, head, place
from paramlint.memory.scratch import scratch


class Arena(NamedTuple):
    """What the interpreter reports: head and tail; the peak is counted by hand."""

    bound: int
    peak: str
    head: int
    tail: int


NETWORKS = {
    "autoencoder int8": (autoencoder(), Arena(640 + 128, "fully_connected_0", 768, 3_216)),
    "autoencoder float": (autoencoder(FLOAT), Arena(4 * 768, "fully_connected_0", 3_072, 3_152)),
    "keywords int8": (keyword_spotting(), Arena(2 * 25 * 5 * 64, "depthwise_conv_2d_1", 16_000, 8_272)),
    "wake words int8": (visual_wake_words(), Arena(48 * 48 * (8 + 16), "conv_2d_2", 73_728, 29_952)),
    "wake words float": (visual_wake_words(FLOAT), Arena(4 * 48 * 48 * (8 + 16), "conv_2d_2", 294_912, 29_888)),
    "resnet8 int8": (resnet8(), Arena(3 * 32 * 32 * 16, "conv_2d_2", 49_152, 6_832)),
    "resnet8 float": (resnet8(FLOAT), Arena(4 * 3 * 32 * 32 * 16, "conv_2d_2", 196_608, 6_768)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_take_what_the_interpreter_reports(name: str) -> None:
    deployed, arena = NETWORKS[name]
    ram = measure_ram(deployed)
    assert ram.peak is not None
    assert (ram.bound, ram.peak.layer, ram.arena) == (arena.bound, arena.peak, arena.head)
    records = 32 * _tensors(deployed) + 40 * len(deployed.buffers)
    assert ram.arena_total == arena.tail + max(arena.head, records)
    assert isinstance(ram.arena_total, int)
    assert ram.arena_upper == ram.arena_total + -(-arena.tail // 20)


def _tensors(deployed: Deployed) -> int:
    return len(deployed.buffers) + sum(len(operator.constants) for operator in deployed.operators)


def test_small_models_need_room_to_plan() -> None:
    """The interpreter reports 3,984 bytes in use for the autoencoder and fails below 4,640."""
    total = measure_ram(autoencoder()).arena_total
    assert total == 3_216 + 32 * 31 + 40 * 11
    assert abs(total - 4_640) <= 16


def test_what_is_assumed_is_said() -> None:
    (text,) = measure_ram(autoencoder()).assumed
    assert "reference kernels" in text
    assert "64-bit" in text
    assert "Helium" in measure_ram(autoencoder(), kernels="mve").assumed[0]


class TestLifetimes:
    def test_an_input_nobody_reads_may_be_overwritten(self) -> None:
        net = Net()
        read, _spare = net.input(100), net.input(1_000)
        out = net.done(net.dense(net.dense(read, 10), 20))
        assert [(slot.first, slot.last) for slot in slots(out)] == [(0, 1), (0, 0), (1, 2), (2, 2)]
        ram = measure_ram(out)
        assert ram.bound == 100 + 1_000  # both are there before the first operator
        assert ram.peak is not None
        assert ram.peak.layer == "the inputs"

    def test_an_output_stays_to_the_end(self) -> None:
        net = Net()
        early = net.dense(net.input(10), 50)
        late = net.dense(net.dense(early, 7), 3)
        assert [slot.last for slot in slots(net.done(early, late))] == [1, 3, 3, 3]
        assert [slot.last for slot in slots(net.done(late))] == [1, 2, 3, 3]

    def test_a_dead_result_is_live_while_it_is_made(self) -> None:
        net = Net()
        source = net.input(10)
        net.dense(source, 500)
        deployed = net.done(net.dense(source, 20))
        assert measure_ram(deployed).timeline == (10 + 500, 10 + 20)

    def test_a_buffer_nobody_makes_or_reads_takes_nothing(self) -> None:
        net = Net()
        out = net.dense(net.input(10), 20)
        deployed = net.done(out)
        loose = deployed._replace(buffers=(*deployed.buffers, Buffer("loose", (1, 999), INT8, 999)))
        assert measure_ram(loose).bound == 10 + 20

    def test_an_input_that_is_an_output(self) -> None:
        net = Net()
        source = net.input(10)
        assert measure_ram(net.done(source)).bound == 10

    def test_a_free_size_leaves_all_unknown(self) -> None:
        net = Net()
        deployed = net.done(net.dense(net.input(10), 20))
        buffers = (deployed.buffers[0]._replace(bytes=Unknown("size seq of x is free")), deployed.buffers[1])
        ram = measure_ram(deployed._replace(buffers=buffers), order=True)
        expected = Unknown("size seq of x is free")
        assert (ram.bound, ram.arena, ram.arena_total, ram.arena_upper, ram.best) == (expected,) * 5
        assert ram.peak is None

    def test_an_operator_without_a_known_form_leaves_all_unknown(self) -> None:
        net = Net()
        deployed = net.done(net.dense(net.input(10), 20))._replace(unknown=("node n: no form for com.acme::Foo",))
        assert measure_ram(deployed).arena == Unknown("node n: no form for com.acme::Foo")

    def test_live_tensors_of_the_peak_largest_first(self) -> None:
        peak = measure_ram(visual_wake_words()).peak
        assert peak is not None
        assert peak.live == (("t3", 48 * 48 * 16), ("t2", 48 * 48 * 8))


class TestScratch:
    def test_transposed_convolution_adds_up_in_32_bits(self) -> None:
        def unpooled(dtype: DType) -> Ram:
            net = Net(dtype)
            window = {"kernel": (3, 3), "strides": (2, 2), "padding": "SAME"}
            return measure_ram(net.done(net.add("TRANSPOSE_CONV", [net.input(8, 8, 16)], 16, 16, 8, **window)))

        data = 8 * 8 * 16 + 16 * 16 * 8
        assert unpooled(INT8).arena == data + 4 * 16 * 16 * 8
        assert unpooled(INT16).arena == 2 * data + 8 * 16 * 16 * 8
        assert unpooled(FLOAT).arena == 4 * data
        assert unpooled(INT8).bound == data  # scratch memory is no tensor

    def test_mean_keeps_an_index_its_axes_and_sums(self) -> None:
        def pooled(dtype: DType, kind: str) -> list[int]:
            net = Net(dtype)
            deployed = net.done(net.add(kind, [net.input(8, 8, 4)], 4, axes=(1, 2)))
            return [slot.bytes for slot in scratch(deployed, "reference")]

        assert pooled(INT8, "MEAN") == [4 * 4, 4 * 2, 4 * 4]
        assert pooled(INT16, "SUM") == [4 * 4, 4 * 2, 4 * 4]
        assert pooled(FLOAT, "MEAN") == [4 * 4, 4 * 2]
        assert pooled(INT8, "REDUCE_MAX") == [4 * 4, 4 * 2]

    # what the C functions of CMSIS-NN return (commit 99f736a6), planned by hand-checked first fit
    @pytest.mark.parametrize(
        ("deployed", "kernels", "largest", "planned"),
        [
            (keyword_spotting(), "dsp", 256, 16_000),
            (keyword_spotting(), "mve", 4_464, 20_464),
            (resnet8(), "dsp", 2_304, 49_728),
            (resnet8(), "mve", 2_304, 49_728),
            (visual_wake_words(), "dsp", 1_024, 73_728),
            (visual_wake_words(), "mve", 4_464, 73_728),
            (autoencoder(), "dsp", 0, 768),
            (autoencoder(), "mve", 0, 768),
        ],
    )
    def test_cmsis_nn(self, deployed: Deployed, kernels: str, largest: int, planned: int) -> None:
        assert max((slot.bytes for slot in scratch(deployed, kernels)), default=0) == largest
        assert measure_ram(deployed, kernels=kernels).arena == planned

    def test_cmsis_nn_leaves_float_to_the_reference_kernels(self) -> None:
        for kernels in ("c", "dsp", "mve"):
            assert scratch(keyword_spotting(FLOAT), kernels) == []

    def test_cores_without_simd(self) -> None:
        """Convolutions gather columns, 4 bytes for each element of the window, in steps of four; 1x1 ones need none."""
        assert {slot.bytes for slot in scratch(keyword_spotting(), "c")} == {4 * 10 * 4 * 1}
        assert {slot.bytes for slot in scratch(resnet8(), "c")} == {4 * 28, 4 * 9 * 16, 4 * 9 * 32, 4 * 9 * 64}


class TestTail:
    """Parts that the small networks above do not have; sizes read off the interpreter for one operator each."""

    def test_a_product_of_two_activations_keeps_a_turned_copy(self) -> None:
        def product(turned: bool) -> int:
            net = Net(FLOAT)
            left, right = net.input(6, 20), net.input(*(20, 33) if turned else (33, 20))
            total = measure_ram(net.done(net.add("BATCH_MATMUL", [left, right], 6, 33))).arena_total
            assert isinstance(total, int)
            return total

        copied = product(turned=True) - product(turned=False)
        assert copied == 32 + 16 + 20 * 33 * 4  # a record, a shape of three sizes, the operand itself

    def test_scales_for_each_channel_are_kept(self) -> None:
        """A multiplier and a shift of 4 bytes each, for convolutions of every element type."""
        narrow, wide = (self._tail(filters) for filters in (16, 48))
        assert wide - narrow == 2 * 4 * 32

    def _tail(self, filters: int) -> int:
        net = Net(FLOAT)
        ram = measure_ram(net.done(net.conv(net.input(64, 64, 3), filters)))
        assert isinstance(ram.arena_total, int)
        assert isinstance(ram.arena, int)
        return ram.arena_total - ram.arena

    def test_state_is_not_guessed(self) -> None:
        net = Net()
        ram = measure_ram(net.done(net.add("UNIDIRECTIONAL_SEQUENCE_LSTM", [net.input(8, 5)], 8, 10)))
        assert isinstance(ram.arena_total, Unknown)
        assert "LSTM" in ram.arena_total.reason
        assert ram.arena == 48 + 80 + 4 * aligned(2 * 10)
        net = Net()
        assert isinstance(measure_ram(net.done(net.add("SVDF", [net.input(8)], 8))).arena, Unknown)


class TestFragmentation:
    def test_an_order_that_reaches_the_bound(self) -> None:
        """Wake words: 73,728 bytes by the planner, 55,296 live; the interpreter took this plan and used 55,296."""
        ram = measure_ram(visual_wake_words())
        assert (ram.arena, ram.floor) == (73_728, 55_296)
        layout = improve(ram.slots, ram.floor)
        assert layout is not None
        assert (layout.head, layout.fixed) == (55_296, (("t3", 18_432), ("t5", 9_216)))

    def test_a_plan_without_holes_is_left_alone(self) -> None:
        ram = measure_ram(keyword_spotting())
        assert improve(ram.slots, ram.floor) is None


@st.composite
def networks_of_slots(draw: st.DrawFn) -> list[Slot]:
    """Buffers and scratch memory of some network: any sizes, equal ones often, any lifetimes."""
    times = draw(st.integers(0, 12))
    sizes = st.one_of(st.sampled_from([1, 16, 17, 64]), st.integers(1, 3_000))
    found = []
    for index in range(draw(st.integers(0, 16))):
        first = draw(st.integers(0, times))
        last = draw(st.integers(first, times))
        tensor = draw(st.booleans())
        found.append(Slot(f"t{index}", draw(sizes), first, last if tensor else first, index if tensor else None))
    return found


def naive(items: list[Slot], order: list[int], fixed: dict[int, int] | None = None) -> list[int]:
    """First fit as the paper describes it: walk all placed buffers that live at the same time by offset."""
    fixed = fixed or {}
    offsets = [fixed.get(index, 0) for index in range(len(items))]
    placed = list(fixed)
    for index in order:
        if index in fixed:
            continue
        mine, offset = items[index], 0
        met = [other for other in placed if items[other].first <= mine.last and mine.first <= items[other].last]
        for other in sorted(met, key=lambda other: offsets[other]):
            if offsets[other] - offset >= aligned(mine.bytes):
                break
            offset = max(offset, offsets[other] + aligned(items[other].bytes))
        offsets[index] = offset
        placed.append(index)
    return offsets


def lowest(items: list[Slot]) -> int:
    times = max((item.last for item in items), default=0)
    return max(live_bytes([item._replace(bytes=aligned(item.bytes)) for item in items], times))


@settings(max_examples=120, deadline=None)
@given(networks_of_slots())
def test_a_plan_is_one(items: list[Slot]) -> None:
    offsets = place(items)
    assert all(offset % ALIGNMENT == 0 for offset in offsets)
    assert head(items, offsets) >= lowest(items)
    for one, first in enumerate(items):
        for two, second in enumerate(items[:one]):
            if first.first <= second.last and second.first <= first.last:
                apart = offsets[one] + first.bytes <= offsets[two] or offsets[two] + second.bytes <= offsets[one]
                assert apart, (first, second)


@settings(max_examples=120, deadline=None)
@given(networks_of_slots(), st.randoms(use_true_random=False))
def test_the_planner_is_first_fit(items: list[Slot], chance: Random) -> None:
    assert place(items) == naive(items, by_size(items))
    order = list(range(len(items)))
    chance.shuffle(order)
    assert place(items, order) == naive(items, order)
    fixed = {index: 16 * chance.randrange(50) for index in order[:3]}
    assert place(items, fixed=fixed) == naive(items, by_size(items), fixed)


@given(networks_of_slots())
def test_largest_first_and_the_last_of_equals_first(items: list[Slot]) -> None:
    order = by_size(items)
    assert sorted(order) == list(range(len(items)))
    for one, two in pairwise(order):
        assert (-aligned(items[one].bytes), -one) < (-aligned(items[two].bytes), -two)


@settings(max_examples=80, deadline=None)
@given(networks_of_slots())
def test_a_better_plan_is_better(items: list[Slot]) -> None:
    """Whatever the search returns, the planner given those offsets takes no more, and nothing meets."""
    floor, own = lowest(items), head(items, place(items))
    layout = improve(items, floor)
    if layout is None:
        return
    assert floor <= layout.head < own
    fixed = {index: offset for index, item in enumerate(items) for name, offset in layout.fixed if name == item.name}
    assert all(items[index].place is not None for index in fixed), "scratch memory cannot be fixed"
    offsets = naive(items, by_size(items), fixed)
    assert head(items, offsets) == layout.head
    for one, first in enumerate(items):
        for two, second in enumerate(items[:one]):
            if first.first <= second.last and second.first <= first.last:
                assert offsets[one] + first.bytes <= offsets[two] or offsets[two] + second.bytes <= offsets[one]


@pytest.mark.parametrize("life", [1, 4, 20_000])
def test_planning_a_large_network_is_no_work(life: int) -> None:
    """Each buffer against all others would be hundreds of millions of comparisons."""
    items = [Slot(str(index), 64 + index % 7 * 16, index, min(20_000, index + life)) for index in range(20_000)]
    started = time.process_time()
    offsets = place(items)
    assert time.process_time() - started < 5
    assert head(items, offsets) >= lowest(items)
