"""``nn.RNN``, ``nn.LSTM``, ``nn.GRU`` and their cells: two bias vectors, gates stacked on the first weight axis."""

from __future__ import annotations

from typing import Any, NamedTuple

from paramlint.formulas import combine, formula, macs, recurrent
from paramlint.ir import Dim, Formula, Shape, Tensor, Unknown, Weight
from paramlint.loaders.spec.arguments import choice, flag, non_negative, positive, probability
from paramlint.loaders.spec.layer_checks import at_most, copies, flowing, ranked, show, width
from paramlint.loaders.spec.pytorch.checks import BIAS, DEVICE, inferred
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_INPUT = Argument(inferred, "Features of one time step; inferred when left out.", None)
_HIDDEN = Argument(positive, "Features of the state.")
_SHARED: dict[str, Any] = {
    "input_size": _INPUT,
    "hidden_size": _HIDDEN,
    "num_layers": Argument(positive, "Layers stacked on each other.", 1),
    "bias": BIAS,
    "batch_first": Argument(flag, "Accepted; shapes here hold no batch.", False),
    "dropout": Argument(probability, "Dropout between layers in training.", 0),
    "bidirectional": Argument(flag, "Run a second set of weights backwards.", False),
    "device": DEVICE,
}


class _One(NamedTuple):
    """The weights of one layer in one direction, with their formula."""

    weights: tuple[Weight, ...]
    params: Formula


def _one(call: Call, gates: int, features: int, suffix: str) -> _One:
    """One layer in one direction: input, recurrent and, for a projecting LSTM, projection weights."""
    hidden, projected = call.args["hidden_size"], call.args.get("proj_size", 0)
    fed = projected or hidden
    symbols = {"g": gates, "h": hidden, "i": features, "r": fed}
    weights = [
        call.weight(f"weight_ih{suffix}", gates * hidden, features),
        call.weight(f"weight_hh{suffix}", gates * hidden, fed),
    ]
    terms = {f"weight_ih{suffix}": recurrent.ONE_KERNEL, f"weight_hh{suffix}": recurrent.ONE_RECURRENT_KERNEL}
    if call.args["bias"]:
        for role in (f"bias_ih{suffix}", f"bias_hh{suffix}"):
            weights.append(call.weight(role, gates * hidden))
            terms[role] = recurrent.ONE_BIAS
    if projected:
        weights.append(call.weight(f"weight_hr{suffix}", projected, hidden))
        terms[f"weight_hr{suffix}"] = recurrent.PROJECTION
        symbols["q"] = projected
    closed = "" if projected else recurrent.CLOSED[2 if call.args["bias"] else 0]
    return _One(tuple(weights), formula(terms, symbols, recurrent.MEANING, closed))


def _work(call: Call, gates: int, steps: Dim, features: int) -> Formula | Unknown:
    hidden, projected = call.args["hidden_size"], call.args.get("proj_size", 0)
    symbols: dict[str, Dim] = {"T": steps, "g": gates, "h": hidden, "i": features, "r": projected or hidden}
    if not projected:
        return macs(recurrent.ONE_MACS, symbols, recurrent.MEANING)
    return macs(recurrent.PROJECTED_MACS, {**symbols, "q": projected}, recurrent.MEANING)


def _notes(total: int, second: int) -> tuple[str, ...]:
    """The number of the textbook formula, which has one bias vector per gate."""
    if not second:
        return ()
    return (f"{total:,} with PyTorch's two bias vectors; the textbook formula with one gives {total - second:,}",)


def _states(call: Call, expected: tuple[Shape, ...]) -> None:
    """Initial states, where given, have the shapes of the final ones; an LSTM takes both or none."""
    at_most(call, 1 + len(expected))
    given_states = sum(one is not None for one in call.inputs[1:])
    if 0 < given_states < len(expected):
        call.fail(f"{call.type} takes both initial states or none, 1 given", "inputs", "write inputs: [x, h, c]")
    for index, shape in enumerate(expected, 1):
        if index < len(call.inputs) and call.inputs[index] is not None:
            given = call.shape(index)
            fits = len(given) == len(shape) and all(
                not isinstance(one, int) or one == other for one, other in zip(given, shape, strict=True)
            )
            if not fits:
                call.fail(f"initial state {show(given)} should be {show(shape)}", "inputs")


def _recurrent(call: Call, kind: str) -> Built:
    gates, args = recurrent.GATES[kind], call.args
    shape = ranked(call, [2], what="a sequence [steps, features]")
    features, hidden = width(call, "input_size", shape[1], shape), args["hidden_size"]
    projected = args.get("proj_size", 0)
    if projected >= hidden:
        call.fail(f"proj_size {projected} must be smaller than hidden_size {hidden}", "proj_size")
    depth, directions = copies(call, "num_layers", args["num_layers"]), 2 if args["bidirectional"] else 1
    fed = projected or hidden
    final = ((depth * directions, fed), (depth * directions, hidden))[: 2 if kind == "LSTM" else 1]
    _states(call, final)
    rows: dict[str, _One] = {}
    work: dict[str, Formula | Unknown] = {}
    levels: list[tuple[_One, ...]] = []
    for level in range(depth):
        incoming = directions * fed if level else features
        for suffix in (f"_l{level}", f"_l{level}_reverse")[:directions]:
            rows[suffix] = _one(call, gates, incoming, suffix)
            work[suffix] = _work(call, gates, shape[0], incoming)
        levels.append(tuple(rows[name] for name in (f"_l{level}", f"_l{level}_reverse")[:directions]))
    params = combine({suffix: row.params for suffix, row in rows.items()})
    params = params._replace(terms=tuple(term._replace(role=term.role.split(".", 1)[1]) for term in params.terms))
    weights = tuple(weight for row in rows.values() for weight in row.weights)
    second = len(rows) * gates * hidden if args["bias"] else 0
    out = (shape[0], directions * fed)
    if projected:
        outputs = [call.output(out), *[call.output(one) for one in final]]
    else:
        outputs = _lowered(call, kind, levels, directions)
    return Built(tuple(outputs), params, weights, _sum(work), _notes(params.value, second))


def _sum(parts: dict[str, Formula | Unknown]) -> Formula | Unknown:
    known: dict[str, Formula] = {}
    for name, part in parts.items():
        if isinstance(part, Unknown):
            return part
        known[name.lstrip("_")] = part
    return combine(known)


def _lowered(call: Call, kind: str, levels: list[tuple[_One, ...]], directions: int) -> list[Tensor]:
    """One ONNX operator per layer, batch first: Y [steps, directions, hidden], then the final states."""
    hidden, steps = call.args["hidden_size"], call.shape()[0]
    source = flowing(call)
    finals: list[list[Tensor]] = [[], []]
    starts = {5: 1, 6: 2} if len(levels) == 1 else {}
    for level in levels:
        slots = _slots(level, call.args["bias"])
        inputs: list[Tensor | None] = [source, None, None, *[None] * (3 in slots)]
        for index, origin in starts.items():
            if origin < len(call.inputs) and call.inputs[origin] is not None:
                inputs += [None] * (index + 1 - len(inputs))
                inputs[index] = call.inputs[origin]
        attributes = {
            "hidden_size": hidden,
            "direction": "bidirectional" if directions == 2 else "forward",
            "layout": 1,
            **({"linear_before_reset": 1} if kind == "GRU" else {}),
        }
        if call.args.get("nonlinearity") == "relu":
            attributes["activations"] = ("Relu",) * directions
        raw = call.step(kind, inputs, (steps, directions, hidden), attributes, slots)
        for states in finals[: 2 if kind == "LSTM" else 1]:
            states.append(call.also((directions, hidden)))
        out = (steps, directions * hidden)
        source = call.step("Reshape", [raw], out, {"shape": (0, 0, directions * hidden)})
    total = (len(levels) * directions, hidden)
    joined = [
        states[0] if len(states) == 1 else call.step("Concat", states, total, {"axis": 1})
        for states in finals
        if states
    ]
    return [source, *joined]


def _slots(level: tuple[_One, ...], bias: bool) -> dict[int, Weight]:
    """The weights as the operator stacks them: directions in front, both biases in one row."""
    count, first = len(level), level[0].weights
    slots = {index + 1: weight._replace(shape=(count, *weight.shape)) for index, weight in enumerate(first[:2])}
    if bias:
        slots[3] = first[2]._replace(shape=(count, 2 * first[2].shape[0]))
    return slots


@layer(PYTORCH, "RNN", "Recurrent network of one gate over a sequence.", **_SHARED,
       nonlinearity=Argument(choice("tanh", "relu"), "Function of the state.", "tanh"))  # fmt: skip
def rnn(call: Call) -> Built:
    """Outputs: sequence and final state."""
    return _recurrent(call, "RNN")


@layer(PYTORCH, "GRU", "Gated recurrent unit over a sequence.", **_SHARED)
def gru(call: Call) -> Built:
    """Outputs: sequence and final state."""
    return _recurrent(call, "GRU")


@layer(PYTORCH, "LSTM", "Long short-term memory over a sequence.", **_SHARED,
       proj_size=Argument(non_negative, "Features the state is projected to; 0 is none.", 0))  # fmt: skip
def lstm(call: Call) -> Built:
    """Outputs: sequence, final hidden state, final cell state."""
    return _recurrent(call, "LSTM")


def _cell(call: Call, kind: str) -> Built:
    """One step: input [features], state [hidden]; an LSTM has two states."""
    gates, hidden = recurrent.GATES[kind], call.args["hidden_size"]
    shape = ranked(call, [1], what="a vector [features]")
    features = width(call, "input_size", shape[0], shape)
    states = 2 if kind == "LSTM" else 1
    _states(call, ((hidden,),) * states)
    one = _one(call, gates, features, "")
    second = gates * hidden if call.args["bias"] else 0
    work = _work(call, gates, 1, features)
    outputs = tuple(call.output((hidden,)) for _ in range(states))
    return Built(outputs, one.params, one.weights, work, _notes(one.params.value, second))


_CELL: dict[str, Any] = {"input_size": _INPUT, "hidden_size": _HIDDEN, "bias": BIAS}
_NONLINEARITY = Argument(choice("tanh", "relu"), "Function of the state.", "tanh")
layer(PYTORCH, "RNNCell", "One step of an RNN.", **_CELL, nonlinearity=_NONLINEARITY,
      device=DEVICE)(lambda call: _cell(call, "RNN"))  # fmt: skip
layer(PYTORCH, "GRUCell", "One step of a GRU.", **_CELL, device=DEVICE)(lambda call: _cell(call, "GRU"))
layer(PYTORCH, "LSTMCell", "One step of an LSTM; hidden and cell state.", **_CELL,
      device=DEVICE)(lambda call: _cell(call, "LSTM"))  # fmt: skip
