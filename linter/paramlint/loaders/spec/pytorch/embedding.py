"""Look-up tables and the hierarchical softmax: ``nn.Embedding``, ``EmbeddingBag``, ``AdaptiveLogSoftmaxWithLoss``."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from paramlint.formulas import dense, embedding, formula
from paramlint.ir import Formula, Unknown, Weight
from paramlint.loaders.spec.arguments import (
    anything,
    choice,
    flag,
    integer,
    integer_list,
    number,
    optional,
    positive,
    positive_number,
)
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked, show, width
from paramlint.loaders.spec.pytorch.checks import DEVICE, inferred
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_TABLE: dict[str, Any] = {
    "num_embeddings": Argument(positive, "Entries of the table."),
    "embedding_dim": Argument(positive, "Features of one entry."),
}
_NORM: dict[str, Any] = {
    "max_norm": Argument(optional(number), "Entries are scaled down to this norm.", None),
    "norm_type": Argument(number, "Exponent of that norm.", 2),
    "scale_grad_by_freq": Argument(flag, "Scale gradients by frequency.", False),
}
_PADDING = Argument(optional(integer), "Entry that is not trained; changes no number.", None)
_SPARSE = Argument(flag, "Sparse gradients.", False)
_WEIGHT = Argument(anything, "Initial table; changes no number.", None)


def _table(call: Call, trainable: bool = True) -> tuple[Weight, Formula]:
    """The table, its padding index checked."""
    entries, features = call.args["num_embeddings"], call.args["embedding_dim"]
    index = call.args["padding_idx"]
    if index is not None and not -entries <= index < entries:
        call.fail(f"padding_idx {index} is outside the {entries} entries", "padding_idx")
    weight = call.weight("weight", entries, features, trainable=trainable)
    return weight, formula({"weight": embedding.TABLE}, {"V": entries, "d": features}, embedding.MEANING)


@layer(PYTORCH, "Embedding", "Looks up a learned vector for every index.", **_TABLE, padding_idx=_PADDING, **_NORM,
       sparse=_SPARSE, _weight=_WEIGHT, _freeze=Argument(flag, "Hold the table fixed.", False),
       device=DEVICE)  # fmt: skip
def embed(call: Call) -> Built:
    """Any shape of indices gains an axis of features."""
    at_most(call, 1)
    weight, params = _table(call, not call.args["_freeze"])
    out = (*call.shape(), call.args["embedding_dim"])
    made = call.step("Gather", [None, flowing(call)], out, {"axis": 0}, {0: weight}, dtype=call.dtype)
    return Built((made,), params, (weight,))


@layer(PYTORCH, "EmbeddingBag", "Sum, mean or maximum of the vectors of a bag of indices.", **_TABLE, **_NORM,
       mode=Argument(choice("sum", "mean", "max"), "How a bag is joined.", "mean"), sparse=_SPARSE, _weight=_WEIGHT,
       include_last_offset=Argument(flag, "Offsets end with the size of the input.", False), padding_idx=_PADDING,
       device=DEVICE)  # fmt: skip
def embedding_bag(call: Call) -> Built:
    """Indices [bag]; offsets are for inputs without batch. The third input holds weights of the bag."""
    at_most(call, 3)
    shape = ranked(call, [1], what="a bag of indices")
    if len(call.inputs) > 1 and call.inputs[1] is not None:
        call.fail("offsets are for an input without batch", "inputs", "pass null as the second input")
    if len(call.inputs) > 2 and call.inputs[2] is not None:
        if call.args["mode"] != "sum":
            call.fail("weights of a bag need mode 'sum'", "mode")
        if call.shape(2) != shape:
            call.fail(f"weights of a bag {show(call.shape(2))} differ from the indices {show(shape)}", "inputs")
    if call.args["mode"] == "max" and (call.args["sparse"] or call.args["scale_grad_by_freq"]):
        call.fail("mode 'max' takes neither sparse nor scale_grad_by_freq", "mode")
    weight, params = _table(call)
    return Built((call.output((call.args["embedding_dim"],)),), params, (weight,))


@layer(PYTORCH, "AdaptiveLogSoftmaxWithLoss", "Softmax over many classes, rare ones in small clusters.",
       in_features=Argument(inferred, "Features of the input; inferred when left out.", None),
       n_classes=Argument(positive, "All classes."),
       cutoffs=Argument(integer_list(1, minimum=1), "Rising class numbers at which a cluster begins."),
       div_value=Argument(positive_number, "Each cluster is narrower by this factor.", 4),
       head_bias=Argument(flag, "Add a bias to the frequent classes.", False), device=DEVICE)  # fmt: skip
def adaptive_log_softmax(call: Call) -> Built:
    """Head [frequent + clusters, in], tails [z, in] and [size, z]. Outputs: log probability and loss."""
    at_most(call, 2)
    shape = ranked(call, [1])
    ranked(call, [0], 1, "a target")
    features, classes, cutoffs = (
        width(call, "in_features", shape[0], shape),
        call.args["n_classes"],
        call.args["cutoffs"],
    )
    if any(low >= high for low, high in zip(cutoffs, (*cutoffs[1:], classes), strict=True)):
        call.fail(f"cutoffs must rise and stay below n_classes {classes}", "cutoffs")
    clusters = len(cutoffs)
    head = {"i": features, "c": cutoffs[0], "t": clusters}
    weights = [call.weight("head.weight", cutoffs[0] + clusters, features)]
    terms = list(formula({"head.weight": dense.HEAD}, head).terms)
    if call.args["head_bias"]:
        weights.append(call.weight("head.bias", cutoffs[0] + clusters))
        terms += formula({"head.bias": dense.HEAD_BIAS}, head).terms
    for index, (low, high) in enumerate(zip(cutoffs, (*cutoffs[1:], classes), strict=True)):
        inner = floor(features // Fraction(call.args["div_value"]) ** (index + 1))
        weights += [
            call.weight(f"tail.{index}.0.weight", inner, features),
            call.weight(f"tail.{index}.1.weight", high - low, inner),
        ]
        symbols = {"i": features, "z": inner, "u": high - low}
        tail = {f"tail.{index}.0.weight": dense.TAIL_DOWN, f"tail.{index}.1.weight": dense.TAIL_UP}
        terms += formula(tail, symbols).terms
    meanings = {letter: dense.MEANING[letter] for letter in "ictzu"}
    work = Unknown("depends on the clusters the targets fall in")
    return Built((call.output(()), call.output(())), Formula(tuple(terms), meanings), tuple(weights), work)
