"""Keras layers that merge inputs: broadcasting, refusals and products as Keras has them, and how they lower."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_numbers import Sizes, numbers, shapes
from paramlint.ir import Unknown
from paramlint.loaders.spec.build import build_layer, lower_layer
from paramlint.loaders.spec.vocabulary import KERAS, LayerError

ELEMENTWISE = ("Add", "Multiply", "Average", "Maximum", "Minimum")

#: layer, arguments, inputs -> MACs, output; Keras 3.15 gives the same.
EXACT: list[tuple[str, dict[str, Any], list[Sizes], Any, tuple[Any, ...]]] = [
    ("Add", {}, [[4, 5]], 0, (4, 5)),  # one input is accepted
    ("Add", {}, [[4, 5], [4, 5]], 0, (4, 5)),
    ("Add", {}, [[4, 5], [1, 5], [4, 1]], 0, (4, 5)),
    ("Multiply", {}, [[8, 8, 3], [3]], 0, (8, 8, 3)),
    ("Maximum", {}, [[1, 1, 3], [8, 8, 3]], 0, (8, 8, 3)),
    ("Average", {}, [[5], [2, 1]], 0, (2, 5)),
    ("Subtract", {}, [[4, 5], [1, 5]], 0, (4, 5)),
    ("Minimum", {}, [["seq", 4], ["seq", 1]], 0, ("seq", 4)),
    ("Add", {}, [[None, 5], [4, 5]], 0, (None, 5)),  # Keras leaves the axis open
    ("Concatenate", {}, [[4, 5], [4, 7]], 0, (4, 12)),
    ("Concatenate", {"axis": 1}, [[2, 8], [5, 8], [1, 8]], 0, (8, 8)),
    ("Concatenate", {"axis": -2}, [[2, 8], ["n", 8]], 0, (None, 8)),
    ("Concatenate", {}, [[None, 3], [6, 4]], 0, (None, 7)),
    ("Dot", {"axes": 1}, [[6], [6]], 6, (1,)),
    ("Dot", {"axes": [2, 1]}, [[4, 6], [6, 5]], 4 * 6 * 5, (4, 5)),
    ("Dot", {"axes": -1}, [[4, 6], [3, 6]], 4 * 6 * 3, (4, 3)),
    ("Dot", {"axes": [1, 2], "normalize": True}, [[6], [5, 6]], 6 * 5, (5,)),
    ("Dot", {"axes": [2, 3]}, [[2, 7, 3], [4, 5, 7]], 6 * 7 * 20, (2, 3, 4, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "macs", "output"), EXACT)
def test_numbers(kind: str, args: dict[str, Any], inputs: list[Sizes], macs: int, output: tuple[Any, ...]) -> None:
    built = build_layer(KERAS, kind, args, inputs)
    assert numbers(built) == (0, 0, macs)
    assert shapes(built) == [output]


REFUSED: list[tuple[str, dict[str, Any], list[Sizes], str | None, str]] = [
    ("Add", {}, [], "inputs", "needs inputs"),
    ("Add", {}, [[4, 5], [3, 5]], "inputs", "4 and 3 differ"),
    ("Multiply", {}, [[8, 8, 3], [8]], "inputs", "3 and 8 differ"),
    ("Subtract", {}, [[4], [4], [4]], "inputs", "exactly two"),
    ("Subtract", {}, [[4]], "inputs", "exactly two"),
    ("Concatenate", {}, [[4, 5], [3, 5]], "inputs", "axis 1"),
    ("Concatenate", {}, [[4, 5], [5]], "inputs", "number of axes"),
    ("Concatenate", {"axis": 0}, [[4], [4]], "axis", "batch"),
    ("Concatenate", {"axis": -2}, [[4], [4]], "axis", "batch"),
    ("Concatenate", {"axis": 3}, [[4, 5], [4, 5]], "axis", "outside"),
    ("Dot", {"axes": 1}, [[6], [5]], "axes", "differ in length"),
    ("Dot", {"axes": 1}, [[6], [None]], "axes", "differ in length"),  # Keras compares a free length too
    ("Dot", {"axes": 0}, [[6], [6]], "axes", "batch"),
    ("Dot", {"axes": 2}, [[6], [6]], "axes", "outside"),
    ("Dot", {"axes": 1}, [[6], [6], [6]], "inputs", "exactly two"),
    ("Dot", {"axes": 1}, [[], [6]], "inputs", "beside the batch"),
    ("Dot", {"axes": [1, 2, 3]}, [[6], [6]], "axes", "integer"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "argument", "words"), REFUSED)
def test_refusals(kind: str, args: dict[str, Any], inputs: list[Sizes], argument: str | None, words: str) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(KERAS, kind, args, inputs)
    assert caught.value.argument == argument
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("kind", "args", "inputs", "steps"),
    [
        ("Add", {}, [[4, 5]], ["Identity"]),
        ("Add", {}, [[4], [4]], ["Add"]),
        ("Add", {}, [[4], [4], [4]], ["Add", "Add"]),
        ("Average", {}, [[4], [4], [4]], ["Add", "Add", "Mul"]),
        ("Maximum", {}, [[4], [4]], ["Max"]),
        ("Multiply", {}, [[4, 5], [5]], ["Unsqueeze", "Mul"]),
        ("Concatenate", {}, [[4], [4], [4]], ["Concat"]),
        ("Dot", {"axes": [2, 1]}, [[4, 6], [6, 5]], ["MatMul"]),
        ("Dot", {"axes": 2}, [[4, 6], [5, 6]], ["Transpose", "MatMul"]),
        ("Dot", {"axes": 1}, [[6], [6]], ["Reshape", "Reshape", "MatMul", "Reshape"]),
        ("Dot", {"axes": 1, "normalize": True}, [[6], [6]], ["keras::Dot"]),
    ],
)
def test_lowerings(kind: str, args: dict[str, Any], inputs: list[Sizes], steps: list[str]) -> None:
    assert [step.kind for step in lower_layer(KERAS, kind, args, inputs).steps] == steps


def test_a_mean_divides_by_the_number_of_inputs() -> None:
    *_, last = lower_layer(KERAS, "Average", {}, [[4]] * 4).steps
    assert last.attributes == {"other": 0.25}


def test_free_lengths_of_a_product_are_unknown_work() -> None:
    built = build_layer(KERAS, "Dot", {"axes": [2, 1]}, [["seq", 6], [6, 5]])
    assert shapes(built) == [("seq", 5)]
    assert isinstance(built.macs, Unknown)
    assert "seq" in built.macs.reason


SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=3)


@given(st.sampled_from(ELEMENTWISE), SIZES, st.data())
def test_order_of_inputs_changes_no_shape(kind: str, sizes: list[int], data: Any) -> None:
    inputs = [[data.draw(st.sampled_from([size, 1])) for size in sizes] for _ in range(3)]
    made = {shapes(build_layer(KERAS, kind, {}, order))[0] for order in (inputs, inputs[::-1])}
    assert made == {tuple(max(column) for column in zip(*inputs, strict=True))}


@given(SIZES, SIZES, st.data())
def test_a_product_keeps_the_axes_that_are_not_multiplied(left: list[int], right: list[int], data: Any) -> None:
    one, other = data.draw(st.integers(0, len(left) - 1)), data.draw(st.integers(0, len(right) - 1))
    right[other] = left[one]
    built = build_layer(KERAS, "Dot", {"axes": [one + 1, other + 1]}, [left, right])
    rest = (*left[:one], *left[one + 1 :], *right[:other], *right[other + 1 :])
    assert shapes(built) == [rest or (1,)]
    assert numbers(built)[2] == prod(rest) * left[one]
