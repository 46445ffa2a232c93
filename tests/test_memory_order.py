"""The best operator order: the worked example, shared memory, the work limit, and brute force on drawn graphs."""

from __future__ import annotations

from functools import cache
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import FLOAT, INT8, Net, keyword_spotting, resnet8, visual_wake_words
from paramlint.deploy import Buffer, Deployed, Operator
from paramlint.ir import Unknown
from paramlint.memory import measure_ram, order
from paramlint.memory.blocks import ELEMENTWISE, SHARING
from paramlint.memory.lifetimes import live_bytes, slots
from paramlint.memory.order import Best, best_order


def graph(*steps: tuple[str, tuple[int, ...], int], sizes: tuple[int, ...], outputs: tuple[int, ...]) -> Deployed:
    """Operators as kind, input places, output place; every buffer that no operator makes is an input."""
    operators = tuple(Operator(kind, kind, f"n{i}", read, (made,)) for i, (kind, read, made) in enumerate(steps))
    buffers = tuple(Buffer(f"b{place}", (1, size), INT8, size) for place, size in enumerate(sizes))
    made = {operator.outputs[0] for operator in operators}
    return Deployed(operators, buffers, tuple(i for i in range(len(sizes)) if i not in made), outputs, 0)


def best(deployed: Deployed) -> Best:
    found = best_order(deployed)
    assert isinstance(found, Best)
    return found


WORKED = graph(
    ("CONV_2D", (0,), 1),
    ("CONV_2D", (0,), 2),
    ("CONV_2D", (1,), 3),
    ("CONV_2D", (2,), 4),
    ("CONCATENATION", (3, 4), 5),
    sizes=(100, 1000, 900, 10, 10, 20),
    outputs=(5,),
)


def test_the_worked_example() -> None:
    """A, B, a, b, concat holds 100 + 1000 + 900; A, a, B, b, concat 100 + 1000 + 10."""
    ram = measure_ram(WORKED, order=True)
    assert (ram.bound, ram.best) == (2_000, 1_110)
    again = WORKED._replace(operators=tuple(WORKED.operators[number] for number in ram.order))
    assert measure_ram(again).bound == 1_110


def test_nobody_asked() -> None:
    assert measure_ram(WORKED).best is None


@pytest.mark.parametrize("deployed", [keyword_spotting(), visual_wake_words(), resnet8(), resnet8(FLOAT)])
def test_chains_with_short_skips_gain_nothing(deployed: Deployed) -> None:
    assert best(deployed).bytes == measure_ram(deployed).bound
    assert sorted(best(deployed).order) == list(range(len(deployed.operators)))


class TestInPlace:
    def chain(self, *kinds: str, sizes: tuple[int, ...]) -> int:
        steps = [(kind, (place,), place + 1) for place, kind in enumerate(kinds)]
        return best(graph(*steps, sizes=sizes, outputs=(len(kinds),))).bytes

    def test_an_input_of_the_graph_is_never_written(self) -> None:
        assert self.chain("RELU", sizes=(100, 100)) == 200
        assert self.chain("RESHAPE", sizes=(100, 100)) == 200

    def test_an_elementwise_operator_takes_over_its_input(self) -> None:
        assert self.chain("CONV_2D", "RELU", sizes=(10, 100, 100)) == 110
        assert self.chain("CONV_2D", "SOFTMAX", sizes=(10, 100, 100)) == 200

    def test_not_one_that_is_too_small(self) -> None:
        assert self.chain("CONV_2D", "DEQUANTIZE", sizes=(10, 100, 400)) == 500
        assert self.chain("CONV_2D", "QUANTIZE", sizes=(10, 400, 100)) == 410

    def test_not_one_that_somebody_still_needs(self) -> None:
        kept = graph(("CONV_2D", (0,), 1), ("RELU", (1,), 2), sizes=(10, 100, 100), outputs=(1, 2))
        assert best(kept).bytes == 200
        read = graph(
            ("CONV_2D", (0,), 1), ("RELU", (1,), 2), ("ADD", (1, 2), 3), sizes=(10, 100, 100, 100), outputs=(3,)
        )
        assert best(read).bytes == 200

    def test_a_reshape_shares_even_what_is_needed_later(self) -> None:
        shared = graph(
            ("CONV_2D", (0,), 1), ("RESHAPE", (1,), 2), ("CONV_2D", (2,), 3), ("CONCATENATION", (1, 3), 4),
            sizes=(10, 100, 100, 5, 105), outputs=(4,),
        )  # fmt: skip
        assert best(shared).bytes == 100 + 5 + 105

    def test_the_bound_counts_none_of_it(self) -> None:
        deployed = graph(("CONV_2D", (0,), 1), ("RELU", (1,), 2), sizes=(10, 100, 100), outputs=(2,))
        assert measure_ram(deployed).bound == 200


class TestLimits:
    def branches(self, count: int, length: int) -> Deployed:
        steps, sizes, ends = [], [100], []
        for branch in range(count):
            place = 0
            for step in range(length):
                sizes.append(100 + (branch * 7 + step * 13) % 50)
                steps.append(("CONV_2D", (place,), len(sizes) - 1))
                place = len(sizes) - 1
            ends.append(place)
        steps.append(("CONCATENATION", tuple(ends), len(sizes)))
        return graph(*steps, sizes=(*sizes, 10), outputs=(len(sizes),))

    def test_beyond_the_work_limit_it_is_unknown_with_the_reason(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(order, "MAX_STATES", 1_000)
        found = measure_ram(self.branches(8, 3), order=True)
        assert found.best == Unknown("the best operator order was not found within 1,000 partial orders")
        assert isinstance(found.bound, int)
        monkeypatch.undo()
        assert isinstance(measure_ram(self.branches(5, 3), order=True).best, int)

    def test_pieces_are_searched_apart(self) -> None:
        """Sixty forks in a row: 4 ** 60 orders in all, a handful for each."""
        steps, sizes, place = [], [100], 0
        for _ in range(60):
            left, right, joined = len(sizes), len(sizes) + 1, len(sizes) + 2
            steps += [
                ("CONV_2D", (place,), left),
                ("CONV_2D", (place,), right),
                ("CONCATENATION", (left, right), joined),
            ]
            sizes += [50, 70, 100]
            place = joined
        assert best(graph(*steps, sizes=tuple(sizes), outputs=(place,))).bytes == 100 + 50 + 70

    def test_a_long_chain_is_no_work(self) -> None:
        net = Net()
        place = net.input(10)
        for units in range(3_000):
            place = net.dense(place, 10 + units % 7)
        assert best(net.done(place)).bytes == 16 + 15

    def test_unknown_sizes(self) -> None:
        buffers = (Buffer("x", ("n",), INT8, Unknown("n is free")), *WORKED.buffers[1:])
        assert best_order(WORKED._replace(buffers=buffers)) == Unknown("n is free")

    def test_nothing_to_order(self) -> None:
        net = Net()
        assert best(net.done(net.input(10))) == Best(10, ())


@st.composite
def branchy(draw: st.DrawFn, kinds: tuple[str, ...], most: int = 6) -> Deployed:
    """A graph of a few operators over one or two inputs; equal sizes are frequent, so that memory can be shared."""
    sizes = draw(st.lists(st.sampled_from([1, 10, 50, 300]), min_size=1, max_size=2))
    given_inputs, steps = len(sizes), []
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(kinds))
        count = draw(st.integers(1, 3)) if kind in ("ADD", "CONCATENATION") else 1
        read = tuple(draw(st.integers(0, len(sizes) - 1)) for _ in range(count))
        same = kind in SHARING or (kind in ELEMENTWISE and draw(st.booleans()))
        sizes.append(sizes[read[0]] if same else draw(st.sampled_from([1, 10, 50, 300, 777])))
        steps.append((kind, read, len(sizes) - 1))
    outputs = {len(sizes) - 1} | draw(st.sets(st.integers(0, len(sizes) - 1), max_size=1))
    deployed = graph(*steps, sizes=tuple(sizes), outputs=tuple(sorted(outputs)))
    assert len(deployed.inputs) == given_inputs
    return deployed


def orders(deployed: Deployed) -> list[tuple[int, ...]]:
    """Every order in which each operator finds its inputs made."""
    maker = {operator.outputs[0]: number for number, operator in enumerate(deployed.operators)}
    needs = [{maker[place] for place in operator.inputs if place in maker} for operator in deployed.operators]
    return [
        chosen
        for chosen in permutations(range(len(needs)))
        if all(needs[number] <= set(chosen[:at]) for at, number in enumerate(chosen))
    ]


@settings(max_examples=80, deadline=None)
@given(branchy(("CONV_2D", "CONCATENATION")))
def test_without_in_place_operators_it_is_the_lowest_bound_of_all_orders(deployed: Deployed) -> None:
    """Lifetimes of each order, written out, are the witness."""

    def bound(chosen: tuple[int, ...]) -> int:
        again = deployed._replace(operators=tuple(deployed.operators[number] for number in chosen))
        return max(live_bytes(slots(again), len(chosen)))

    found = best(deployed)
    assert found.bytes == min(bound(chosen) for chosen in orders(deployed))
    assert bound(found.order) == found.bytes


class Simulated:
    """One order carried out with memory that operators may share: the second witness, written from the definition."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.root = {place: place for place in range(len(deployed.buffers))}
        for operator in deployed.operators:
            source, made = self.root[operator.inputs[0]], operator.outputs[0]
            equal = deployed.buffers[source].bytes == deployed.buffers[made].bytes
            if operator.kind in SHARING and source not in deployed.inputs and equal:
                self.root[made] = source

    def size(self, place: int) -> int:
        size = self.deployed.buffers[place].bytes
        assert isinstance(size, int)
        return size

    def needed(self, root: int, done: frozenset[int]) -> bool:
        shared = [place for place, other in self.root.items() if other == root]
        left = [op for number, op in enumerate(self.deployed.operators) if number not in done]
        return any(place in self.deployed.outputs or any(place in op.inputs for op in left) for place in shared)

    def cost(self, number: int, done: frozenset[int]) -> int:
        """What is live, and the output where it needs memory of its own."""
        made = {self.deployed.operators[one].outputs[0] for one in done} | set(self.deployed.inputs)
        live = sum(self.size(root) for root in {self.root[place] for place in made} if self.needed(root, done))
        operator = self.deployed.operators[number]
        output, after = operator.outputs[0], done | {number}
        if self.root[output] != output:
            return live
        for root in {self.root[place] for place in operator.inputs}:
            free = root not in self.deployed.inputs and not self.needed(root, after)
            if operator.kind in ELEMENTWISE and free and self.size(root) >= self.size(output):
                return live
        return live + self.size(output)


@settings(max_examples=120, deadline=None)
@given(branchy(("CONV_2D", "CONCATENATION", "ADD", "RELU", "RESHAPE"), most=7))
def test_with_in_place_operators_it_is_brute_force(deployed: Deployed) -> None:
    simulated, count = Simulated(deployed), len(deployed.operators)
    maker = {operator.outputs[0]: number for number, operator in enumerate(deployed.operators)}
    needs = [{maker[place] for place in operator.inputs if place in maker} for operator in deployed.operators]

    @cache
    def rest(done: frozenset[int]) -> int:
        """The lowest peak of what is left."""
        if len(done) == count:
            return 0
        ready = [number for number in range(count) if number not in done and needs[number] <= done]
        return min(max(simulated.cost(number, done), rest(done | {number})) for number in ready)

    start = sum(simulated.size(place) for place in deployed.inputs)
    found = best(deployed)
    assert found.bytes == max(start, rest(frozenset()))
    heights = [simulated.cost(number, frozenset(found.order[:at])) for at, number in enumerate(found.order)]
    assert max([start, *heights]) == found.bytes
    bound = measure_ram(deployed).bound
    assert isinstance(bound, int)
    assert found.bytes <= bound
