"""Keras's recurrent layers, cells and the wrappers around layers: both bias conventions, states, directions, loops."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from layer_numbers import Sizes, numbers, shapes
from paramlint.engine import load
from paramlint.ir import Step, Unknown
from paramlint.loaders import Request
from paramlint.loaders.spec.build import build_layer, lower_layer
from paramlint.loaders.spec.vocabulary import KERAS, PYTORCH, LayerError


def both_ways(kind: str, **args: Any) -> dict[str, Any]:
    return {"layer": {"type": kind, **args}}


SIMPLE = {"type": "SimpleRNNCell", "units": 4}
#: layer, arguments, inputs -> parameters, MACs, outputs. Products by hand; Keras 3.15 (CuDNN: Keras 2) gives the same.
EXACT: list[tuple[str, dict[str, Any], list[Sizes], int, int, list[tuple[Any, ...]]]] = [
    ("SimpleRNN", {"units": 2}, [[7, 3]], 2 * (3 + 2) + 2, 7 * 10, [(2,)]),
    ("LSTM", {"units": 2, "return_sequences": True}, [[7, 3]], 4 * (2 * 5 + 2), 7 * 40, [(7, 2)]),
    ("LSTM", {"units": 2, "use_bias": False}, [[7, 3]], 4 * 2 * 5, 280, [(2,)]),
    ("LSTM", {"units": 2, "return_state": True}, [[7, 3], [2], [2]], 48, 280, [(2,), (2,), (2,)]),
    ("GRU", {"units": 2}, [[6, 3]], 3 * (2 * 5 + 2 * 2), 6 * 30, [(2,)]),
    ("GRU", {"units": 2, "reset_after": False}, [[6, 3]], 3 * (2 * 5 + 2), 180, [(2,)]),
    ("GRU", {"units": 2, "use_bias": False}, [[6, 3]], 3 * 2 * 5, 180, [(2,)]),
    ("CuDNNGRU", {"units": 2}, [[6, 3]], 42, 180, [(2,)]),
    ("CuDNNLSTM", {"units": 2, "return_sequences": True}, [[6, 3]], 4 * 2 * 5 + 2 * 8, 240, [(6, 2)]),
    ("SimpleRNNCell", {"units": 4}, [[3], [4]], 32, 28, [(4,), (4,)]),
    ("LSTMCell", {"units": 4}, [[3], [4], [4]], 128, 112, [(4,), (4,), (4,)]),
    ("RNN", {"cell": SIMPLE}, [[6, 3]], 32, 6 * 28, [(4,)]),
    ("RNN", {"cell": [SIMPLE, {**SIMPLE, "units": 5}], "return_sequences": True}, [[6, 3]],
     32 + 5 * 9 + 5, 6 * (28 + 45), [(6, 5)]),
    ("RNN", {"cell": [{"type": "LSTMCell", "units": 4}, SIMPLE], "return_state": True}, [[6, 3]],
     128 + 36, 6 * (112 + 32), [(4,), (4,), (4,), (4,)]),
    ("Bidirectional", both_ways("LSTM", units=4), [[6, 3]], 2 * 128, 2 * 6 * 112, [(8,)]),
    ("Bidirectional", {**both_ways("GRU", units=4, return_sequences=True), "merge_mode": "ave"}, [[6, 3]],
     2 * 108, 2 * 6 * 84, [(6, 4)]),
    ("Bidirectional", {**both_ways("SimpleRNN", units=4), "merge_mode": None}, [[6, 3]], 64, 336, [(4,), (4,)]),
    ("Bidirectional", both_ways("LSTM", units=4, return_state=True), [[6, 3], [4], [4], [4], [4]],
     256, 1344, [(8,), (4,), (4,), (4,), (4,)]),
    ("Bidirectional", {**both_ways("LSTM", units=5), "backward_layer":
     {"type": "GRU", "units": 3, "go_backwards": True, "reset_after": False}}, [[9, 8]],
     4 * (5 * 13 + 5) + 3 * (3 * 11 + 3), 9 * (20 * 13 + 9 * 11), [(8,)]),
    ("ConvLSTM1D", {"filters": 4, "kernel_size": 3}, [[3, 9, 2]], 4 * 4 * (3 * 6 + 1), 3 * 7 * 16 * 18, [(7, 4)]),
    ("ConvLSTM2D", {"filters": 4, "kernel_size": [3, 2], "strides": 2, "padding": "same", "return_sequences": True},
     [[3, 9, 8, 2]], 4 * 4 * (6 * 6 + 1), 3 * 5 * 4 * 16 * 36, [(3, 5, 4, 4)]),
    ("ConvLSTM2D", {"filters": 4, "kernel_size": 3, "data_format": "channels_first", "return_state": True},
     [[3, 2, 9, 8]], 880, 3 * 42 * 16 * 54, [(4, 7, 6)] * 3),
    ("TimeDistributed", {"layer": {"type": "Dense", "units": 4}}, [[6, 3]], 16, 6 * 12, [(6, 4)]),
    ("TimeDistributed", {"layer": {"type": "Conv2D", "filters": 4, "kernel_size": 3}}, [[5, 8, 8, 3]],
     112, 5 * 36 * 108, [(5, 6, 6, 4)]),
    ("TimeDistributed", {"layer": {"type": "Bidirectional", **both_ways("GRU", units=2)}}, [[5, 6, 3]],
     84, 5 * 2 * 6 * 30, [(5, 4)]),
    ("TimeDistributed", {"layer": {"type": "BatchNormalization"}}, [[5, 8]], 32, 0, [(5, 8)]),
    ("SpectralNormalization", {"layer": {"type": "Dense", "units": 4}}, [[8]], 36 + 4, 32, [(4,)]),
    ("SpectralNormalization", {"layer": {"type": "Embedding", "input_dim": 9, "output_dim": 3}}, [[5]],
     27 + 3, 0, [(5, 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "params", "macs", "outputs"), EXACT)
def test_numbers(
    kind: str, args: dict[str, Any], inputs: list[Sizes], params: int, macs: int, outputs: list[tuple[Any, ...]]
) -> None:
    built = build_layer(KERAS, kind, args, inputs)
    assert numbers(built) == (params, 0, macs)
    assert shapes(built) == outputs


REFUSED: list[tuple[str, dict[str, Any], list[Sizes], str | None, str]] = [
    ("LSTM", {"units": 0}, [[6, 3]], "units", "positive"),
    ("LSTM", {"units": 4}, [[6]], None, "2 axes"),
    ("LSTM", {"units": 4}, [[6, None]], None, "fixed"),
    ("LSTM", {"units": 4, "activation": "Tanh"}, [[6, 3]], "activation", "one of"),
    ("LSTM", {"units": 4}, [[6, 3], [4]], "inputs", "2 states"),
    ("LSTM", {"units": 4}, [[6, 3], [4], [5]], "inputs", "should be [4]"),
    ("GRU", {"units": 4}, [[6, 3], [4], [5]], "inputs", "mask"),
    ("GRU", {"units": 4, "time_major": True}, [[6, 3]], "time_major", "false"),
    ("LSTMCell", {"units": 4}, [[3]], "inputs", "2 states"),
    ("SimpleRNNCell", {"units": 4}, [[3], [5]], "inputs", "should be [4]"),
    ("RNN", {"cell": {"type": "LSTM", "units": 4}}, [[6, 3]], "cell", "LSTM is none"),
    ("RNN", {"cell": [SIMPLE, {"type": "Dense", "units": 4}]}, [[6, 3]], "cell", "cells"),
    ("StackedRNNCells", {"cells": [{"type": "Dense", "units": 4}]}, [[3]], "cells", "Dense is none"),
    ("Bidirectional", both_ways("Dense", units=4), [[6, 3]], "layer", "recurrent"),
    ("Bidirectional", both_ways("LSTM", units=4, go_backwards=True), [[6, 3]], "layer", "backwards"),
    ("Bidirectional", {**both_ways("LSTM", units=4), "merge_mode": "avg"}, [[6, 3]], "merge_mode", "ave"),
    ("Bidirectional", {**both_ways("GRU", units=4), "backward_layer": {"type": "GRU", "units": 4}}, [[6, 3]],
     "backward_layer", "same direction"),
    ("Bidirectional", {**both_ways("GRU", units=4), "backward_layer":
     {"type": "GRU", "units": 4, "go_backwards": True, "return_state": True}}, [[6, 3]],
     "backward_layer", "return_state"),
    ("Bidirectional", {**both_ways("GRU", units=4), "merge_mode": "sum", "backward_layer":
     {"type": "GRU", "units": 3, "go_backwards": True}}, [[6, 3]], "backward_layer", "4 and 3 differ"),
    ("Bidirectional", both_ways("GRU", units=4), [[6, 3], [4]], "inputs", "both directions"),
    ("ConvLSTM2D", {"filters": 4, "kernel_size": 3}, [[3, None, 8, 2]], None, "spatial"),
    ("ConvLSTM2D", {"filters": 4, "kernel_size": 3}, [[3, 9, 8]], None, "sequence of images"),
    ("ConvLSTM2D", {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, [[3, 9, 8, 2]],
     "dilation_rate", "both"),
    ("TimeDistributed", {"layer": {"type": "Dense", "units": 4}}, [[6]], None, "at least 2 axes"),
    ("TimeDistributed", {"layer": {"type": "LSTM", "units": 4, "return_state": True}}, [[2, 6, 3]], "layer", "outputs"),
    ("SpectralNormalization", {"layer": {"type": "LSTM", "units": 4}}, [[6, 3]], "layer", "kernel"),
    ("SpectralNormalization", {"layer": {"type": "Dropout", "rate": 0.5}}, [[3]], "layer", "kernel"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "argument", "words"), REFUSED)
def test_refusals(kind: str, args: dict[str, Any], inputs: list[Sizes], argument: str | None, words: str) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(KERAS, kind, args, inputs)
    assert caught.value.argument == argument
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("kind", "args", "total", "textbook"),
    [
        ("GRU", {"units": 2}, "42", "36"),
        ("Bidirectional", both_ways("GRU", units=5), "450", "420"),
        ("RNN", {"cell": [{"type": "GRUCell", "units": 2}, {"type": "GRUCell", "units": 2}]}, "78", "66"),
        ("CuDNNLSTM", {"units": 2}, "112", "104"),
    ],
)
def test_the_textbook_number_is_told_where_it_differs(
    kind: str, args: dict[str, Any], total: str, textbook: str
) -> None:
    width = {"GRU": 3, "RNN": 3, "CuDNNLSTM": 10}.get(kind, 8)
    (note,) = build_layer(KERAS, kind, args, [[6, width]]).notes
    assert note.startswith(f"{total} ")
    assert note.endswith(f" {textbook}")


def test_one_bias_vector_needs_no_note() -> None:
    assert build_layer(KERAS, "LSTM", {"units": 2}, [[6, 3]]).notes == ()
    assert build_layer(KERAS, "GRU", {"units": 2, "reset_after": False}, [[6, 3]]).notes == ()


def test_free_lengths_stay() -> None:
    built = build_layer(KERAS, "LSTM", {"units": 4, "return_sequences": True}, [["seq", 3]])
    assert shapes(built) == [("seq", 4)]
    assert isinstance(built.macs, Unknown)
    assert "seq" in built.macs.reason
    spread = build_layer(KERAS, "TimeDistributed", {"layer": {"type": "Flatten"}}, [[None, 2, 3]])
    assert shapes(spread) == [(None, 6)]
    assert numbers(spread)[2] == 0


def test_states_and_masks_follow_the_sequence() -> None:
    plain = numbers(build_layer(KERAS, "LSTM", {"units": 4}, [[6, 3]]))
    for rest in ([[4], [4]], [[4], [4], [6]], [None, [6]], [None, None, [6]]):
        assert numbers(build_layer(KERAS, "LSTM", {"units": 4}, [[6, 3], *rest])) == plain


def lowered(kind: str, args: dict[str, Any], *inputs: Sizes) -> list[Step]:
    return list(lower_layer(KERAS, kind, args, inputs).steps)


def test_a_layer_lowers_to_one_operator_and_its_last_step() -> None:
    steps = lowered("GRU", {"units": 5, "return_state": True}, [7, 8])
    assert [step.kind for step in steps] == ["GRU", "Squeeze", "Gather", "Squeeze"]
    gates = steps[0]
    assert gates.attributes == {"hidden_size": 5, "direction": "forward", "layout": 1, "linear_before_reset": 1}
    assert {index: weight.shape for index, weight in gates.weights.items()} == {
        1: (1, 15, 8),
        2: (1, 15, 5),
        3: (1, 30),
    }
    assert [step.kind for step in lowered("LSTM", {"units": 5, "return_sequences": True}, [7, 8])] == [
        "LSTM",
        "Squeeze",
    ]


def test_backwards_reads_the_sequence_from_its_end() -> None:
    both = both_ways("LSTM", units=5, return_sequences=True)
    kinds = [step.kind for step in lowered("Bidirectional", both, [7, 8])]
    assert kinds == ["LSTM", "Squeeze", "Slice", "LSTM", "Squeeze", "Slice", "Concat"]


@pytest.mark.parametrize(
    ("kind", "args", "inputs"),
    [
        ("RNN", {"cell": SIMPLE}, [[6, 3]]),
        ("ConvLSTM1D", {"filters": 4, "kernel_size": 3}, [[3, 9, 2]]),
        ("TimeDistributed", {"layer": {"type": "Conv1D", "filters": 2, "kernel_size": 2}}, [[3, 9, 2]]),
        ("LSTM", {"units": 4, "activation": "gelu"}, [[6, 3]]),
    ],
)
def test_loops_without_an_operator_are_one_opaque_step(kind: str, args: dict[str, Any], inputs: list[Sizes]) -> None:
    assert [step.kind for step in lowered(kind, args, *inputs)] == [f"keras::{kind}"]


def test_what_works_on_the_last_axis_needs_no_loop() -> None:
    dense = {"layer": {"type": "Dense", "units": 4, "activation": "relu"}}
    assert [step.kind for step in lowered("TimeDistributed", dense, [6, 3])] == ["MatMul", "Add", "Relu"]
    other = {"layer": {"type": "BatchNormalization", "axis": 1}}
    assert [step.kind for step in lowered("TimeDistributed", other, [6, 3, 2])] == ["keras::TimeDistributed"]


def test_freezing_a_wrapper_or_what_is_in_it() -> None:
    inside = {"layer": {"type": "Dense", "units": 4, "trainable": False}}
    for kind in ("TimeDistributed", "SpectralNormalization"):
        built = build_layer(KERAS, kind, inside, [[6, 3]])
        assert not any(weight.trainable for weight in built.weights)
    whole = build_layer(KERAS, "Bidirectional", both_ways("LSTM", units=4), [[6, 3]], trainable=False)
    assert not any(weight.trainable for weight in whole.weights)
    one = {**both_ways("LSTM", units=4, trainable=False), "backward_layer":
           {"type": "LSTM", "units": 4, "go_backwards": True}}  # fmt: skip
    built = build_layer(KERAS, "Bidirectional", one, [[6, 3]])
    assert sum(weight.elements for weight in built.weights if weight.trainable) == 128


def test_outputs_of_a_nested_layer_are_numbered_flat() -> None:
    spec = b"""
framework: keras
input: [6, 3]
layers:
  - {type: Bidirectional, name: ways, layer: {type: LSTM, units: 4, return_state: true}}
  - {type: Concatenate, inputs: ["ways:1", "ways:4"]}
  - {type: Dense, units: 2}
"""
    model = load("net.arch.yaml", Request(), spec)
    assert [row.outputs[0].shape for row in model.layers] == [(8,), (8,), (2,)]


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 5), st.sampled_from(["LSTM", "GRU"]))
def test_two_bias_vectors_are_pytorchs_numbers(steps: int, width: int, units: int, kind: str) -> None:
    mine = build_layer(KERAS, f"CuDNN{kind}", {"units": units}, [[steps, width]])
    assert numbers(mine) == numbers(build_layer(PYTORCH, kind, {"hidden_size": units}, [[steps, width]]))


@given(st.integers(1, 9), st.integers(1, 5), st.lists(st.integers(1, 5), min_size=1, max_size=3))
def test_a_stack_is_the_sum_of_its_cells(steps: int, width: int, units: list[int]) -> None:
    cells = [{"type": "GRUCell", "units": size} for size in units]
    stack = numbers(build_layer(KERAS, "RNN", {"cell": cells}, [[steps, width]]))
    alone = [
        numbers(build_layer(KERAS, "GRU", {"units": size}, [[steps, before]]))
        for before, size in zip([width, *units], units, strict=False)
    ]
    assert stack == (sum(one[0] for one in alone), 0, sum(one[2] for one in alone))


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 4), st.integers(1, 4))
def test_a_window_of_one_is_an_lstm_at_every_place(steps: int, length: int, width: int, units: int) -> None:
    window = {"filters": units, "kernel_size": 1, "return_sequences": True}
    conv = numbers(build_layer(KERAS, "ConvLSTM1D", window, [[steps, length, width]]))
    lstm = numbers(build_layer(KERAS, "LSTM", {"units": units}, [[steps, width]]))
    assert conv == (lstm[0], 0, length * lstm[2])
