"""``Embedding`` and ``ReversibleEmbedding``: a table of learned vectors, read forwards or as a projection back."""

from __future__ import annotations

from typing import Any

from paramlint.formulas import embedding, formula, macs
from paramlint.ir import Formula, Weight
from paramlint.loaders.spec.arguments import anything, flag, number, optional, positive
from paramlint.loaders.spec.keras.checks import LORA, fitted, keras_layer, lora
from paramlint.loaders.spec.layer_checks import at_most, flowing, project, same_size, show, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_TABLE: dict[str, Any] = {
    "input_dim": Argument(positive, "Entries of the vocabulary."),
    "output_dim": Argument(positive, "Features of one entry."),
    **fitted("embeddings"),
    "mask_zero": Argument(flag, "Index 0 is padding; changes no number.", False),
    "weights": Argument(anything, "First values of the table; changes no number.", None),
    **LORA,
    "quantization_config": Argument(anything, "How a quantized type is made; changes no number here.", None),
    "input_length": Argument(anything, "Old form of the sequence's length; without effect.", None),
}


def _table(call: Call) -> tuple[list[Weight], dict[str, str]]:
    """The table with its adapters, and the terms of their formula."""
    table, adapters = lora(call, call.weight("embeddings", call.args["input_dim"], call.args["output_dim"]))
    terms = {"embeddings": embedding.TABLE}
    if adapters:
        terms |= {"lora_embeddings_a": embedding.LORA_A, "lora_embeddings_b": embedding.LORA_B}
    return [table, *adapters], terms


def _params(call: Call, terms: dict[str, str]) -> Formula:
    symbols = {"V": call.args["input_dim"], "d": call.args["output_dim"]}
    if call.args["lora_rank"]:
        symbols["r"] = call.args["lora_rank"]
    return formula(terms, symbols, embedding.MEANING)


def _look_up(call: Call, weights: list[Weight], params: Formula) -> Built:
    out = (*call.shape(), call.args["output_dim"])
    made = call.step("Gather", [None, flowing(call)], out, {"axis": 0}, {0: weights[0]}, dtype=call.dtype)
    return Built((made,), params, tuple(weights))


@keras_layer("Embedding", "Looks up a learned vector for every index.", **_TABLE)
def embed(call: Call) -> Built:
    """Any shape of indices gains an axis of features."""
    at_most(call, 1)
    weights, terms = _table(call)
    return _look_up(call, weights, _params(call, terms))


@keras_layer("ReversibleEmbedding", "An embedding whose table can also project features back onto the vocabulary.",
             **_TABLE, tie_weights=Argument(flag, "Project back with the same table.", True),
             reverse_dtype=Argument(anything, "Type of the projection; changes no number.", None),
             logit_soft_cap=Argument(optional(number), "Bound of the projection's outputs, by tanh.", None),
             reverse=Argument(flag, "Project features back (call argument).", False))  # fmt: skip
def reversible(call: Call) -> Built:
    """Forwards as Embedding; backwards features times the transposed table."""
    at_most(call, 1)
    weights, terms = _table(call)
    entries, features = call.args["input_dim"], call.args["output_dim"]
    if not call.args["tie_weights"]:
        if call.args["lora_rank"]:
            call.fail("lora_rank needs tied weights", "lora_rank", "write tie_weights: true")
        weights.append(call.weight("reverse_embeddings", features, entries))
        terms["reverse_embeddings"] = embedding.REVERSE_TABLE
    params = _params(call, terms)
    if not call.args["reverse"]:
        return _look_up(call, weights, params)
    shape = call.shape()
    if not shape:
        call.fail("a projection back needs features on the last axis, got []")
    same_size(call, features, shape[-1], f"output_dim is {features}, the input {show(shape)} ends in {shape[-1]}")
    out = (*shape[:-1], entries)
    matrix = weights[0] if call.args["tie_weights"] else weights[-1]._replace(shape=(entries, features))
    made = project(call, flowing(call), matrix, None, out)
    cap = call.args["logit_soft_cap"]
    if cap is not None:
        squashed = call.step("Tanh", [call.step("Div", [made], out, {"other": float(cap)})], out)
        made = call.step("Mul", [squashed], out, {"other": float(cap)})
    work = macs(embedding.REVERSE_MACS, {"n": symbol(shape[:-1]), "d": features, "V": entries}, embedding.MEANING)
    return Built((made,), params, tuple(weights), work)
