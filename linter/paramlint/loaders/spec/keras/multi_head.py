"""Keras's ``MultiHeadAttention`` and ``GroupQueryAttention``: inputs are query, value, key, in this order."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

from paramlint.formulas import combine, formula, macs, multi_head
from paramlint.ir import Dim, Formula, Shape, Tensor, Unknown, Weight
from paramlint.loaders.spec.arguments import flag, integer_list, one_of, optional, positive, probability
from paramlint.loaders.spec.keras.checks import SEED, USE_BIAS, fitted, keras_layer
from paramlint.loaders.spec.keras.heads import Plan, attend
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import at_most, axis, flowing, project, shaped, show, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_SHARED: dict[str, Any] = {
    "dropout": Argument(probability, "Dropout of the attention weights in training.", 0),
    "use_bias": USE_BIAS,
    "sliding_window": Argument(optional(positive), "How far a position sees; does not reduce the MACs.", None),
    "flash_attention": Argument(optional(flag), "Use the GPU's own kernel; changes no number.", None),
    **fitted("kernel", "bias"),
    "use_gate": Argument(flag, "Multiply the heads' outputs by a learned gate on the query.", False),
    "seed": SEED,
    "return_attention_scores": Argument(flag, "Give the attention weights as second output (call argument).", False),
    "use_causal_mask": Argument(flag, "Mask later positions; does not reduce the MACs (call argument).", False),
}


class _Inputs(NamedTuple):
    """Shapes of query, value and key; the key is the value where only two are given."""

    query: Shape
    value: Shape
    key: Shape


def _entered(call: Call) -> _Inputs:
    at_most(call, 7)  # query, value and key, their masks and the attention's, which change no number
    if len(call.inputs) < 2 or call.inputs[0] is None or call.inputs[1] is None:
        call.fail(f"{call.type} needs query and value", "inputs", "write inputs: [x, x]")
    third = 2 if len(call.inputs) > 2 and call.inputs[2] is not None else 1
    found = _Inputs(call.shape(0), call.shape(1), call.shape(third))
    shown = f"query {show(found.query)}, value {show(found.value)}, key {show(found.key)}"
    if len({len(shape) for shape in found}) > 1 or len(found.query) < 2:
        call.fail(
            f"{call.type} needs sequences [.., positions, features] with equally many axes, got {shown}", "inputs"
        )
    for one, other in zip(found.value[:-1], found.key[:-1], strict=True):
        if one != other and (isinstance(one, int) or isinstance(other, int)):
            call.fail(f"value and key differ before their last axis: {shown}", "inputs")
    if call.args["flash_attention"] and call.args["dropout"]:
        call.fail("flash_attention has no dropout", "flash_attention")
    if call.args["flash_attention"] and call.args["return_attention_scores"]:
        call.fail("flash_attention gives no attention scores", "flash_attention")
    return found


class _Projection:
    """Collects the weights of the projections with their terms, and applies them.

    They are made in the order in which they run and listed in that of the layer.
    """

    ORDER = ("query", "key", "gate", "value", "attention_output")

    def __init__(self, call: Call) -> None:
        self.call = call
        self._weights: list[Weight] = []
        self._terms: dict[str, str] = {}

    @property
    def weights(self) -> tuple[Weight, ...]:
        return tuple(sorted(self._weights, key=lambda weight: self.ORDER.index(weight.role.partition(".")[0])))

    def __call__(
        self, source: Tensor, name: str, shape: tuple[int, ...], texts: tuple[str, str], bound: int = 1
    ) -> Tensor:
        """``source`` times a kernel, whose first ``bound`` axes are the source's features; a bias has the others."""
        call, positions = self.call, (source.shape or ())[:-1]
        kernel, outputs = call.weight(f"{name}.kernel", *shape), shape[bound:]
        self._weights.append(kernel)
        self._terms[kernel.role] = texts[0]
        bias = None
        if call.args["use_bias"]:
            bias = call.weight(f"{name}.bias", *outputs)
            self._weights.append(bias)
            self._terms[bias.role] = texts[1]
            bias = bias._replace(shape=(prod(outputs),))
        matrix = kernel._replace(shape=(prod(outputs), prod(shape[:bound])))
        return project(call, source, matrix, bias, (*positions, prod(outputs)))

    def params(self, symbols: dict[str, int]) -> Formula:
        terms = {weight.role: self._terms[weight.role] for weight in self.weights}
        return formula(terms, symbols, multi_head.MEANING)


def _joined(work: Formula | Unknown, gate: Formula | Unknown | None) -> Formula | Unknown:
    if gate is None or isinstance(work, Unknown):
        return work
    return gate if isinstance(gate, Unknown) else combine({"": work, "gate": gate})


def _attention_axes(call: Call, found: _Inputs) -> tuple[int, ...]:
    """Positions in our shape of the axes that attention runs over: by default all but the features."""
    args, rank = call.args, len(found.query)
    wanted = args["attention_axes"]
    # two axes without scores or dropout take a path of Keras that knows no attention_axes
    if wanted is None or (rank == 2 and not args["dropout"] and not args["return_attention_scores"]):
        places = list(range(rank - 1))
    else:
        places = [axis(call, "attention_axes", rank, value) for value in wanted]
    if rank - 1 in places:
        call.fail("attention_axes names the features, over which attention does not run", "attention_axes")
    if len(set(places)) < len(places) or not places:
        call.fail("attention_axes names no axis, or one twice", "attention_axes")
    _masked(call, found, places)
    return tuple(places)


def _masked(call: Call, found: _Inputs, places: list[int]) -> None:
    """A causal mask or a window is made for the first axis and must fit the scores."""
    names = [name for name in ("sliding_window", "use_causal_mask") if call.args[name]]
    if not names:
        return
    if len(places) > 1:
        call.fail(f"{names[0]} masks one axis, attention runs over {len(places)}", names[0])
    for shape in (found.query, found.value):
        mine, masked = shape[places[0]], shape[0]
        if isinstance(mine, int) and isinstance(masked, int) and masked not in (1, mine):
            message = f"{names[0]} masks axis 1 of {show(shape)}, attention runs over axis {places[0] + 1}"
            call.fail(message, names[0])


@keras_layer("MultiHeadAttention", "Attention of several heads with projections; key_dim is that of one head.",
             num_heads=Argument(positive, "Heads."),
             key_dim=Argument(positive, "Size of a query and key head."),
             value_dim=Argument(optional(positive), "Size of a value head; key_dim by default.", None),
             output_shape=Argument(optional(one_of(positive, integer_list(1))),
                                   "Features of the output, in one or more axes; the query's by default.", None),
             attention_axes=Argument(optional(integer_list(single=True)),
                                     "Axes attention runs over (batch 0); all but the features by default.", None),
             **_SHARED)  # fmt: skip
def multi_head_attention(call: Call) -> Built:
    """Projections to heads, scores, weighted sums, and the projection back."""
    args, found = call.args, _entered(call)
    heads, size, wide = args["num_heads"], args["key_dim"], args["value_dim"] or args["key_dim"]
    query, value, key = (fixed(call, shape[-1], shape, "features") for shape in found)
    plan = Plan.of(call, found.query, found.value, _attention_axes(call, found), heads)
    wanted = args["output_shape"]
    sizes = (wanted,) if isinstance(wanted, int) else wanted or (query,)
    made = _Projection(call)
    text = multi_head
    mixed, scores = attend(
        call, plan,
        lambda: made(flowing(call, 0), "query", (query, heads, size), (text.QUERY_KERNEL, text.QUERY_BIAS)),
        lambda: made(_key(call), "key", (key, heads, size), (text.KEY_KERNEL, text.KEY_BIAS)),
        lambda: made(flowing(call, 1), "value", (value, heads, wide), (text.VALUE_KERNEL, text.VALUE_BIAS)),
        size, wide,
    )  # fmt: skip
    gate = _gate(made, (query, heads, wide))
    out = _out(made, mixed, gate, (heads, wide, *sizes))
    symbols = {"H": heads, "d": size, "w": wide, "q": query, "k": key, "v": value, "o": prod(sizes)}
    if len(found.query) == 2:
        places: dict[str, Dim] = {"t": found.query[0], "s": found.value[0]}
        work = macs(text.MACS, {**symbols, **places}, text.MEANING)
    else:
        x, y = symbol(found.query[:-1]), symbol(found.value[:-1])
        places = {"x": x, "y": y, "P": symbol(plan.others), "t": symbol(plan.targets), "s": symbol(plan.sources)}
        work = macs(text.MACS_OVER_AXES, {**symbols, **places}, text.MEANING)
    return _finished(call, made, symbols, work, found.query, [out, scores])


def _key(call: Call) -> Tensor:
    given = call.inputs[2] if len(call.inputs) > 2 else None
    return given or flowing(call, 1)


def _gate(made: _Projection, shape: tuple[int, int, int]) -> Tensor | None:
    call = made.call
    if not call.args["use_gate"]:
        return None
    raw = made(flowing(call, 0), "gate", shape, (multi_head.GATE_KERNEL, multi_head.GATE_BIAS))
    return call.step("Sigmoid", [raw], raw.shape or ())


def _out(made: _Projection, mixed: Tensor, gate: Tensor | None, shape: tuple[int, ...]) -> Tensor:
    """The heads' outputs projected to the layer's."""
    call = made.call
    if gate is not None:
        mixed = call.step("Mul", [mixed, gate], mixed.shape or ())
    flat = made(mixed, "attention_output", shape, (multi_head.OUT_KERNEL, multi_head.OUT_BIAS), bound=2)
    return flat if len(shape) == 3 else shaped(call, flat, ((mixed.shape or ())[:-1] + shape[2:]))


def _finished(
    call: Call, made: _Projection, symbols: dict[str, int], work: Formula | Unknown, query: Shape, outputs: list[Tensor]
) -> Built:
    gate: Formula | Unknown | None = None
    if call.args["use_gate"]:
        gate = macs(multi_head.GATE_MACS, {**symbols, "x": symbol(query[:-1])}, multi_head.MEANING)
    kept = outputs if call.args["return_attention_scores"] else outputs[:1]
    return Built(tuple(kept), made.params(symbols), made.weights, _joined(work, gate))


@keras_layer("GroupQueryAttention", "Attention whose query heads share fewer key and value heads.",
             head_dim=Argument(positive, "Size of a head."),
             num_query_heads=Argument(positive, "Query heads."),
             num_key_value_heads=Argument(positive, "Key and value heads; divide the query heads."),
             **_SHARED)  # fmt: skip
def group_query_attention(call: Call) -> Built:
    """As multi-head attention on sequences, the output as wide as the query."""
    args, found = call.args, _entered(call)
    heads, shared, size = args["num_query_heads"], args["num_key_value_heads"], args["head_dim"]
    if heads % shared:
        message = f"num_key_value_heads {shared} does not divide num_query_heads {heads}"
        call.fail(message, "num_key_value_heads")
    if len(found.query) != 2:
        call.fail(f"GroupQueryAttention needs sequences [positions, features], got {show(found.query)}", "inputs")
    query, value, key = (fixed(call, shape[-1], shape, "features") for shape in found)
    if query != value:
        call.fail(f"query has {query} features and value {value}, which must be equal", "inputs")
    plan = Plan.of(call, found.query, found.value, (0,), heads)
    made, text = _Projection(call), multi_head
    mixed, scores = attend(
        call, plan,
        lambda: made(flowing(call, 0), "query", (query, heads, size), (text.QUERY_KERNEL, text.QUERY_BIAS)),
        lambda: made(_key(call), "key", (key, shared, size), (text.SHARED_KEY_KERNEL, text.SHARED_KEY_BIAS)),
        lambda: made(flowing(call, 1), "value", (value, shared, size),
                     (text.SHARED_VALUE_KERNEL, text.SHARED_VALUE_BIAS)),
        size, size, shared,
    )  # fmt: skip
    gate = _gate(made, (query, heads, size))
    out = _out(made, mixed, gate, (heads, size, query))
    symbols = {"H": heads, "N": shared, "d": size, "w": size, "q": query, "k": key, "v": value, "o": query}
    places: dict[str, Dim] = {"t": found.query[0], "s": found.value[0]}
    work = macs(text.SHARED_MACS, {**symbols, **places}, text.MEANING)
    return _finished(call, made, symbols, work, found.query, [out, scores])
