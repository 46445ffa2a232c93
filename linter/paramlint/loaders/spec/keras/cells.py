"""One step of Keras's recurrent layers as cells, stacks of cells, and ``RNN``, which runs them over a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from paramlint.formulas import macs, recurrent, repeated
from paramlint.ir import Dim, Formula, Shape, Tensor, Unknown
from paramlint.loaders.spec.arguments import a_layer, layers, one_of
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.keras.recurrent import CELLS, LAST_STEP, SEQUENCE, cell, states_given, textbook
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import composite, ranked, show
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.vocabulary import KERAS, Argument, Built, Call, Nested

_STACK = "StackedRNNCells"


def _states(value: Nested) -> tuple[int, ...]:
    """The sizes of a cell's states; empty for a layer that is no cell."""
    name = value.entry.name
    if name == _STACK:
        parts = [_states(one) for one in value.args["cells"]]
        return tuple(size for part in parts for size in part) if all(parts) else ()
    if name not in ("SimpleRNNCell", "GRUCell", "LSTMCell"):
        return ()
    return (value.args["units"],) * (2 if name == "LSTMCell" else 1)


def _width(value: Nested) -> int:
    """Features of a cell's output."""
    while value.entry.name == _STACK:
        value = value.args["cells"][-1]
    return int(value.args["units"])


def _given(call: Call, sizes: Sequence[int]) -> None:
    """A cell is called with its states."""
    if len(call.inputs) != 1 + len(sizes):
        words = "its state" if len(sizes) == 1 else f"its {len(sizes)} states"
        names = ", ".join(["x", *[f"state{index}" for index in range(1, len(sizes) + 1)]])
        call.fail(f"{call.type} is called with one step and {words}", "inputs", f"write inputs: [{names}]")
    for index, size in enumerate(sizes, 1):
        state = call.shape(index)
        if len(state) != 1 or (isinstance(state[0], int) and state[0] != size):
            call.fail(f"state {show(state)} should be [{size}]", "inputs")


def _cell(call: Call, kind: str) -> Built:
    """One step: the output, then the new states, the first of which it equals."""
    units = call.args["units"]
    shape = ranked(call, [1], what="one step [features]")
    sizes = (units,) * (2 if kind == "LSTM" else 1)
    _given(call, sizes)
    made = cell(call, kind, fixed(call, shape[0], shape, "features"))
    symbols: dict[str, Dim] = {"g": made.gates, "h": units, "i": shape[0]}
    work = macs(recurrent.CELL_MACS, symbols, recurrent.MEANING)
    outputs = tuple(call.output((units,)) for _ in range(1 + len(sizes)))
    return Built(outputs, made.params, made.weights, work, textbook(made.params.value, made.second))


for _kind, _doc in (
    ("SimpleRNN", "One step of a SimpleRNN; called with its state."),
    ("GRU", "One step of a GRU; called with its state."),
    ("LSTM", "One step of an LSTM; called with its hidden and its cell state."),
):
    keras_layer(f"{_kind}Cell", _doc, **CELLS[_kind])(partial(_cell, kind=_kind))


def _checked(call: Call, value: Nested, argument: str) -> None:
    if not _states(value):
        hint = f"write {value.entry.name}Cell" if f"{value.entry.name}Cell" in entries(KERAS) else None
        call.fail(f"{argument} must be recurrent cells, {value.entry.name} is none", argument, hint)


@keras_layer(_STACK, "Cells on top of each other as one cell.",
             cells=Argument(layers, "The cells, from the input up."))  # fmt: skip
def stacked(call: Call) -> Built:
    """Each cell reads the output of the one below; the states of all follow the output."""
    cells: tuple[Nested, ...] = call.args["cells"]
    for one in cells:
        _checked(call, one, "cells")
    _given(call, [size for one in cells for size in _states(one)])
    below = call.inputs[0]
    parts: dict[str, Built] = {}
    outputs: list[Tensor | None] = []
    place = 1
    for index, one in enumerate(cells):
        count = len(_states(one))
        built = call.nested(one, [below, *call.inputs[place : place + count]], f"cells.{index}")
        parts[f"cells.{index}"] = built
        outputs += built.outputs[1:]
        below, place = built.outputs[0], place + count
    whole = composite((below, *outputs), parts)
    return whole._replace(notes=convention(whole))


def convention(built: Built) -> tuple[str, ...]:
    """The textbook's number of a layer made of recurrent ones: every GRU with two bias vectors has one too many."""
    pairs = [one.shape[1] for one in built.weights if one.role.endswith("bias") and len(one.shape) == 2]
    return textbook(built.params.value if built.params else 0, sum(pairs))


@keras_layer("RNN", "Runs a cell, or a list of cells on top of each other, over a sequence.",
             cell=Argument(one_of(a_layer, layers), "The cell ({type: LSTMCell, ...}), or a list from the input up."),
             **SEQUENCE)  # fmt: skip
def rnn(call: Call) -> Built:
    """A loop, which has no operator of its own."""
    value = call.args["cell"]
    if not isinstance(value, Nested):
        stack = entries(KERAS)[_STACK]
        defaults = {name: one.default for name, one in stack.arguments.items()}
        value = Nested(stack, {**defaults, "cells": value}, frozenset({"cells"}), None, True)
    _checked(call, value, "cell")
    sizes: list[Shape] = [(size,) for size in _states(value)]
    shape = ranked(call, [2], what="a sequence [steps, features]", short=LAST_STEP)
    states_given(call, sizes)
    step = [Tensor("step", shape[1:]), *[Tensor("state", size) for size in sizes]]
    inner = call.nested(value, step, "cell")
    width = _width(value)
    outputs = [call.output((shape[0], width) if call.args["return_sequences"] else (width,))]
    if call.args["return_state"]:
        outputs += [call.output(size) for size in sizes]
    built = composite(tuple(outputs), {"cell": inner})
    return built._replace(macs=times(built.macs, "T", shape[0], "time steps"), notes=convention(built))


def times(work: Formula | Unknown | None, letter: str, count: Dim, meaning: str) -> Formula | Unknown | None:
    """Multiply-accumulates done ``count`` times over."""
    if work is None or isinstance(work, Unknown):
        return work
    known = macs(letter, {letter: count}, {letter: meaning})
    return known if isinstance(known, Unknown) else repeated(work, letter, known.value, meaning)
