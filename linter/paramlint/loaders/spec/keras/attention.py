"""Keras's ``Attention`` and ``AdditiveAttention``, which have no projections: inputs are query, value, key."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from paramlint.formulas import formula, macs, multi_head
from paramlint.ir import Dim, Shape, Tensor, Weight
from paramlint.loaders.spec.arguments import choice, flag, number
from paramlint.loaders.spec.keras.checks import SEED, keras_layer
from paramlint.loaders.spec.keras.merging import broadcast
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import flowing, same_size, show, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_SHARED: dict[str, Any] = {
    "dropout": Argument(number, "Dropout of the attention weights in training.", 0),
    "seed": SEED,
    "score_mode": Argument(choice("dot", "concat"), "Scores as products, or as sums.", "dot"),
    "return_attention_scores": Argument(flag, "Give the attention weights as second output (call argument).", False),
    "use_causal_mask": Argument(flag, "Mask later positions; does not reduce the MACs (call argument).", False),
}


class _Inputs(NamedTuple):
    """The three inputs; the value is the key where only two are given. ``lead`` are the axes before the positions."""

    query: Tensor
    value: Tensor
    key: Tensor
    lead: Shape
    targets: Dim
    sources: Dim


def _entered(call: Call) -> _Inputs:
    given = call.inputs
    if len(given) < 2 or given[0] is None or given[1] is None:
        call.fail(f"{call.type} needs query and value", "inputs", "write inputs: [query, value]")
    third = 2 if len(given) > 2 and given[2] is not None else 1
    query, value, key = (call.shape(index) for index in (0, 1, third))
    shown = f"query {show(query)}, value {show(value)}, key {show(key)}"
    if not len(query) == len(value) == len(key) >= 2:
        call.fail(f"{call.type} needs [.., positions, features] with equally many axes, got {shown}", "inputs")
    for index in range(3, len(given)):
        if given[index] is not None and (index > 5 or len(call.shape(index)) != len(query) - 1):
            call.fail(f"{call.type} takes query, value and key, and a mask for each", "inputs")
    same_size(call, value[-2], key[-2], f"value and key differ in length: {shown}", "inputs")
    sources = key[-2] if isinstance(key[-2], int) else value[-2]
    lead = broadcast(call, broadcast(call, query[:-2], key[:-2]), value[:-2])
    return _Inputs(flowing(call), flowing(call, 1), flowing(call, third), lead, query[-2], sources)


def _product(call: Call, found: _Inputs, shape: Shape, scale: Weight | None) -> Tensor:
    """Scores as products of query and key."""
    query, key = found.query.shape or (), found.key.shape or ()
    message = f"query {show(query)} and key {show(key)} differ in features"
    same_size(call, query[-1], key[-1], message, "inputs")
    rank = len(key)
    turned = (*key[:-2], key[-1], key[-2])
    perm = (*range(rank - 1), rank, rank - 1)
    right = call.step("Transpose", [found.key], turned, {"perm": perm})
    raw = call.step("MatMul", [found.query, right], shape)
    return raw if scale is None else call.step("Mul", [raw, None], shape, None, {1: scale})


def _added(call: Call, found: _Inputs, inside: Weight | None, outside: Weight | None, shape: Shape) -> Tensor:
    """Scores as a sum over tanh(query + key); a weight scales the sum before or behind the function."""
    query, key = found.query.shape or (), found.key.shape or ()
    rank = len(query)
    left = call.step("Unsqueeze", [found.query], (*query[:-1], 1, query[-1]), {"axes": (rank,)})
    right = call.step("Unsqueeze", [found.key], (*key[:-2], 1, *key[-2:]), {"axes": (rank - 1,)})
    both = broadcast(call, left.shape or (), right.shape or ())
    total = call.step("Add", [left, right], both)
    if inside is not None:
        total = call.step("Mul", [total, None], both, None, {1: inside})
    total = call.step("Tanh", [total], both)
    if outside is not None:
        total = call.step("Mul", [total, None], both, None, {1: outside})
    return call.step("ReduceSum", [total], shape, {"axes": (rank + 1,), "keepdims": 0})


def _attention(call: Call, additive: bool) -> Built:
    args, found = call.args, _entered(call)
    query, value = found.query.shape or (), found.value.shape or ()
    added = additive or args["score_mode"] == "concat"
    sizes = [fixed(call, query[-1], query, "features")] if additive and args["use_scale"] else []
    weights = [call.weight("scale", *sizes)] if args["use_scale"] else []
    terms = {weight.role: multi_head.FEATURE_SCALE if additive else multi_head.SCALE for weight in weights}
    shape: Shape = (*found.lead, found.targets, found.sources)
    scale = weights[0] if weights else None
    if additive:
        raw = _added(call, found, None, scale, shape)
    elif added:
        raw = _added(call, found, scale, None, shape)
        weights.append(call.weight("concat_score_weight"))
        terms["concat_score_weight"] = multi_head.SCALE
        raw = call.step("Mul", [raw, None], shape, None, {1: weights[-1]})
    else:
        raw = _product(call, found, shape, scale)
    scores = call.step("Softmax", [raw], shape, {"axis": len(shape)})
    out = call.step("MatMul", [scores, found.value], (*found.lead, found.targets, value[-1]))
    symbols: dict[str, Dim] = {"P": symbol(found.lead), "t": found.targets, "s": found.sources, "w": value[-1]}
    if added:
        work = macs(multi_head.ADDED_MACS, symbols, multi_head.MEANING)
    else:
        work = macs(multi_head.DOT_MACS, {**symbols, "d": query[-1]}, multi_head.MEANING)
    params = formula(terms, dict(zip("d", sizes, strict=False)), multi_head.MEANING) if terms else None
    return Built((out, scores) if args["return_attention_scores"] else (out,), params, tuple(weights), work)


keras_layer("Attention", "Dot-product attention of given query, value and key.",
            use_scale=Argument(flag, "Multiply the scores by one learned number.", False),
            **_SHARED)(partial(_attention, additive=False))  # fmt: skip
keras_layer("AdditiveAttention", "Attention whose scores are sums (Bahdanau).",
            use_scale=Argument(flag, "Multiply the sum by one learned number per feature.", True),
            **_SHARED)(partial(_attention, additive=True))  # fmt: skip
