"""Keras's ``SimpleRNN``, ``GRU`` and ``LSTM``, and the CuDNN forms of Keras 2.

Gates stand on the last axis of every weight. A GRU has two bias vectors under ``reset_after``, which is its default.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from paramlint.formulas import formula, macs, recurrent
from paramlint.ir import Dim, Formula, Shape, Tensor, Weight
from paramlint.loaders.spec.arguments import choice, flag, integer, number, one_of, optional, positive, where
from paramlint.loaders.spec.keras.checks import ACTIVATIONS, SEED, USE_BIAS, fitted, keras_layer
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import flowing, ranked, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

#: Functions of a state keep its shape, which ``glu`` does not.
FUNCTION = optional(choice(*[name for name in ACTIVATIONS if name != "glu"]))
_ROLES = ("kernel", "recurrent", "bias")
_TANH: dict[str, Any] = {"activation": Argument(FUNCTION, "Function of the state.", "tanh")}
_SIGMOID: dict[str, Any] = {"recurrent_activation": Argument(FUNCTION, "Function of the gates.", "sigmoid")}
RATES: dict[str, Any] = {
    "dropout": Argument(number, "Dropout of the input in training.", 0),
    "recurrent_dropout": Argument(number, "Dropout of the state in training.", 0),
    "seed": SEED,
}
FORGET: dict[str, Any] = {
    "unit_forget_bias": Argument(flag, "Start the forget gate's bias at 1; changes no number.", True)
}
_CELL: dict[str, Any] = {"units": Argument(positive, "Features of the state.")}
_SHARED: dict[str, Any] = {"use_bias": USE_BIAS, **fitted(*_ROLES), **RATES}
_HOW: dict[str, Any] = {"implementation": Argument(integer, "How Keras computes it; changes no number.", 2)}
_CUDNN: dict[str, Any] = {
    "use_cudnn": Argument(one_of(flag, choice("auto")), "Use the GPU's own kernel; changes no number.", "auto"),
    "time_major": Argument(
        where(flag, lambda value: not value, "false (shapes here hold no batch)"), "Keras 2: time first.", False
    ),
}
#: The arguments of each cell.
CELLS: dict[str, dict[str, Any]] = {
    "SimpleRNN": {**_CELL, **_TANH, **_SHARED},
    "GRU": {
        **_CELL, **_TANH, **_SIGMOID, **_SHARED, **_HOW,
        "reset_after": Argument(flag, "Apply the reset gate behind the product, with a second bias vector.", True),
    },
    "LSTM": {**_CELL, **_TANH, **_SIGMOID, **_SHARED, **_HOW, **FORGET},
}  # fmt: skip
_SEQUENCE: dict[str, Any] = {
    "return_sequences": Argument(flag, "Give the output of every step, not of the last one.", False),
    "return_state": Argument(flag, "Give the final states as further outputs.", False),
    "go_backwards": Argument(flag, "Read the sequence from its end; the output is reversed too.", False),
    "stateful": Argument(flag, "Keep the states for the next batch; changes no number.", False),
}
#: A hint for what is no sequence.
LAST_STEP = "if a recurrent layer stands above, write return_sequences: true there"
#: What a layer over a sequence takes beside its cell's arguments.
SEQUENCE: dict[str, Any] = {
    **_SEQUENCE,
    "unroll": Argument(flag, "Unroll the loop; changes no number.", False),
    "zero_output_for_mask": Argument(flag, "Output zeros for masked steps; changes no number.", False),
}
_ONNX = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "softsign": "Softsign", "softplus": "Softplus"}
_GATES = {"SimpleRNN": recurrent.GATES["RNN"], "GRU": recurrent.GATES["GRU"], "LSTM": recurrent.GATES["LSTM"]}


class Cell(NamedTuple):
    """The weights of one cell with their formula; ``second`` are the elements of a second bias vector."""

    gates: int
    weights: tuple[Weight, ...]
    params: Formula
    second: int


def cell(call: Call, kind: str, features: int, paired: tuple[int, ...] = ()) -> Cell:
    """Weights of a cell on inputs of so many features; ``paired`` is the shape of a bias that holds two vectors."""
    gates, units = _GATES[kind], call.args["units"]
    if kind == "GRU" and call.args.get("reset_after"):
        paired = (2, gates * units)
    weights = [call.weight("kernel", features, gates * units), call.weight("recurrent_kernel", units, gates * units)]
    terms = {"kernel": recurrent.ONE_KERNEL, "recurrent_kernel": recurrent.SQUARE_KERNEL}
    biased = call.args.get("use_bias", True)
    if biased:
        weights.append(call.weight("bias", *(paired or (gates * units,))))
        terms["bias"] = recurrent.PAIRED_BIAS if paired else recurrent.ONE_BIAS
    closed = recurrent.CLOSED[0 if not biased else 2 if paired else 1]
    params = formula(terms, {"g": gates, "h": units, "i": features}, recurrent.MEANING, closed)
    return Cell(gates, tuple(weights), params, gates * units if biased and paired else 0)


def textbook(total: int, second: int) -> tuple[str, ...]:
    """The number of the textbook formula, which has one bias vector per gate."""
    if not second:
        return ()
    return (f"{total:,} with Keras's two bias vectors; the textbook formula with one gives {total - second:,}",)


def states_given(call: Call, expected: Sequence[Shape]) -> bool:
    """Whether initial states follow the sequence; they have the shapes of the final ones. A mask may come last."""
    rest, count = call.inputs[1:], len(expected)
    started = bool(rest) and rest[0] is not None
    states = sum(tensor is not None for tensor in rest[:count]) if started else 0
    masks = sum(tensor is not None for tensor in rest) - states
    if len(rest) > count + 1 or masks > 1 or (started and states < count):
        call.fail(f"{call.type} takes {count} states and a mask behind the sequence, or null for them", "inputs")
    for index, wanted in enumerate(expected[:states], 1):
        if not _like(call.shape(index), wanted):
            call.fail(f"initial state {show(call.shape(index))} should be {show(wanted)}", "inputs")
    if masks and not _like(call.shape(len(rest)), call.shape()[:1]):
        call.fail(f"a mask {show(call.shape(len(rest)))} should be {show(call.shape()[:1])}", "inputs")
    return started


def _like(given: Shape, wanted: Shape) -> bool:
    """Two shapes that may be equal."""
    if len(given) != len(wanted):
        return False
    return all(
        one == other or not isinstance(one, int) or not isinstance(other, int)
        for one, other in zip(given, wanted, strict=True)
    )


def reversed_in_time(call: Call, source: Tensor, shape: Shape) -> Tensor:
    """A sequence from its end to its start."""
    attributes = {"axes": (1,), "starts": (-1,), "ends": (-(2**31),), "steps": (-1,)}
    return call.step("Slice", [source], shape, attributes)


def _over_sequence(call: Call, kind: str, paired: int = 0) -> Built:
    """``paired`` is the number of gates of a CuDNN form, whose bias is one vector of twice the length."""
    args, units = call.args, call.args["units"]
    shape = ranked(call, [2], what="a sequence [steps, features]", short=LAST_STEP)
    states = 2 if kind == "LSTM" else 1
    started = states_given(call, [(units,)] * states)
    made = cell(call, kind, fixed(call, shape[1], shape, "features"), (2 * paired * units,) if paired else ())
    symbols: dict[str, Dim] = {"T": shape[0], "g": made.gates, "h": units, "i": shape[1]}
    work = macs(recurrent.SEQUENCE_MACS, symbols, recurrent.MEANING)
    functions = _functions(call, kind)
    if None in functions:
        out: Shape = (shape[0], units) if args["return_sequences"] else (units,)
        outputs = [call.output(out), *[call.output((units,)) for _ in range(states)]]
    else:
        outputs = _lowered(call, kind, made, started, functions)
    kept = outputs if args["return_state"] else outputs[:1]
    return Built(tuple(kept), made.params, made.weights, work, textbook(made.params.value, made.second))


def _functions(call: Call, kind: str) -> list[str | None]:
    """The gates' and states' functions as the operator names them, in its order; None for one it does not have."""
    state = _ONNX.get(call.args.get("activation", "tanh"))
    gate = _ONNX.get(call.args.get("recurrent_activation", "sigmoid"))
    return {"SimpleRNN": [state], "GRU": [gate, state], "LSTM": [gate, state, state]}[kind]


def _lowered(call: Call, kind: str, made: Cell, started: bool, functions: Sequence[str | None]) -> list[Tensor]:
    """One ONNX operator, batch first; its output is cut to the last step where only that is wanted."""
    units, args = call.args["units"], call.args
    shape, source = call.shape(), flowing(call)
    if args["go_backwards"]:
        source = reversed_in_time(call, source, shape)
    slots = {index + 1: one._replace(shape=(1, *reversed(one.shape))) for index, one in enumerate(made.weights[:2])}
    if len(made.weights) == 3:
        slots[3] = made.weights[2]._replace(shape=(1, made.weights[2].elements))
    inputs: list[Tensor | None] = [source, None, None, *[None] * (3 in slots)]
    if started:
        inputs += [None] * (5 - len(inputs))
        for index in range(1, 3 if kind == "LSTM" else 2):
            inputs.append(call.step("Unsqueeze", [flowing(call, index)], (1, units), {"axes": (1,)}))
    attributes = {"hidden_size": units, "direction": "forward", "layout": 1}
    if kind == "GRU":
        attributes["linear_before_reset"] = int(args.get("reset_after", True))
    if tuple(functions) not in (("Tanh",), ("Sigmoid", "Tanh"), ("Sigmoid", "Tanh", "Tanh")):
        attributes["activations"] = tuple(functions)
    operator = "RNN" if kind == "SimpleRNN" else kind
    every = call.step(operator, inputs, (shape[0], 1, units), attributes, slots)
    raw = [call.also((1, units)) for _ in range(2 if kind == "LSTM" else 1)] if args["return_state"] else []
    out = call.step("Squeeze", [every], (shape[0], units), {"axes": (2,)})
    if not args["return_sequences"]:
        out = call.step("Gather", [out], (units,), {"axis": 1, "indices": -1})
    return [out, *[call.step("Squeeze", [state], (units,), {"axes": (1,)}) for state in raw]]


keras_layer("SimpleRNN", "Recurrent layer of one gate over a sequence.",
            **CELLS["SimpleRNN"], **SEQUENCE)(partial(_over_sequence, kind="SimpleRNN"))  # fmt: skip
keras_layer("GRU", "Gated recurrent unit over a sequence.",
            **CELLS["GRU"], **SEQUENCE, **_CUDNN)(partial(_over_sequence, kind="GRU"))  # fmt: skip
keras_layer("LSTM", "Long short-term memory over a sequence.",
            **CELLS["LSTM"], **SEQUENCE, **_CUDNN)(partial(_over_sequence, kind="LSTM"))  # fmt: skip
_GPU: dict[str, Any] = {**_CELL, **fitted(*_ROLES), **_SEQUENCE, "time_major": _CUDNN["time_major"]}
keras_layer("CuDNNGRU", "Gated recurrent unit in its GPU form, with two bias vectors.", keras2=True,
            **_GPU)(partial(_over_sequence, kind="GRU", paired=3))  # fmt: skip
keras_layer("CuDNNLSTM", "Long short-term memory in its GPU form, with two bias vectors.", keras2=True,
            **_GPU, **FORGET)(partial(_over_sequence, kind="LSTM", paired=4))  # fmt: skip
