"""Keras's layers that turn numbers, categories and words into codes; none of them has parameters."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from paramlint.ir import Dim, DType, Shape
from paramlint.loaders.spec.arguments import (
    anything,
    choice,
    flag,
    integer,
    integer_list,
    list_of,
    non_negative,
    number,
    one_of,
    optional,
    positive,
    text,
)
from paramlint.loaders.spec.keras.checks import keras_layer, plain
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked, same_size, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_SPARSE = Argument(flag, "Give a sparse tensor; changes no number.", False)
_FIGURES = ("one_hot", "multi_hot", "count")


def _codes(*words: str, default: str = "int") -> Argument:
    return Argument(choice(*words), "Indices, or vectors of zeros and ones or of counts.", default)


def _encoded(call: Call, shape: Shape, mode: str, depth: Dim) -> Built:
    """Indices, or a vector for each; counts and several ones at once run over the first axis."""
    if mode == "int":
        return Built((call.output(shape, DType.INT64),))
    if mode == "one_hot":
        kept = shape[:-1] if shape and shape[-1] == 1 else shape
        return Built((call.output((*kept, depth)),))
    if not shape:
        call.fail(f"output_mode {mode} counts over an axis, the input [] has none beside the batch", "output_mode")
    return Built((call.output((*shape[1:], depth)),))


def _exclusive(call: Call, name: str) -> None:
    if call.args["sparse"] and call.args["output_mode"] == "int":
        call.fail(f"sparse goes with an output_mode other than int; {name} gives indices", "sparse")


@keras_layer("CategoryEncoding", "Vectors of zeros and ones, or of counts, of category indices.",
             num_tokens=Argument(positive, "Categories."),
             output_mode=_codes(*_FIGURES, "binary", default="multi_hot"), sparse=_SPARSE)  # fmt: skip
def category_encoding(call: Call) -> Built:
    """Weights of the counts may come as a second input."""
    at_most(call, 2)
    mode = {"binary": "multi_hot"}.get(call.args["output_mode"], call.args["output_mode"])
    if len(call.inputs) > 1 and call.inputs[1] is not None and mode != "count":
        call.fail("weights as a second input go with output_mode: count", "output_mode")
    return _encoded(call, call.shape(), mode, call.args["num_tokens"])


@keras_layer("Discretization", "Which of several intervals a number lies in.",
             bin_boundaries=Argument(optional(list_of(number)), "Where the intervals meet.", None),
             num_bins=Argument(optional(non_negative), "How many intervals are read from data.", None),
             epsilon=Argument(number, "Precision of reading; changes no number.", Fraction(1, 100)),
             output_mode=_codes("int", *_FIGURES), sparse=_SPARSE)  # fmt: skip
def discretization(call: Call) -> Built:
    """Boundaries, or their number."""
    at_most(call, 1)
    bounds, count = call.args["bin_boundaries"], call.args["num_bins"]
    if (bounds is None) == (count is None):
        call.fail("Discretization takes either bin_boundaries or num_bins", "num_bins" if count is not None else None)
    _exclusive(call, "Discretization")
    return _encoded(call, call.shape(), call.args["output_mode"], count if bounds is None else len(bounds) + 1)


_SALT = Argument(optional(one_of(integer, integer_list(minimum=2))), "Key of the hash; changes no number.", None)


@keras_layer("Hashing", "Bins of categories by their hash.",
             num_bins=Argument(positive, "Bins."),
             mask_value=Argument(anything, "The category that gets bin 0.", None), salt=_SALT,
             output_mode=_codes("int", *_FIGURES), sparse=_SPARSE)  # fmt: skip
def hashing(call: Call) -> Built:
    """Any shape."""
    at_most(call, 1)
    _two_keys(call)
    _exclusive(call, "Hashing")
    return _encoded(call, call.shape(), call.args["output_mode"], call.args["num_bins"])


def _two_keys(call: Call) -> None:
    salt = call.args["salt"]
    if isinstance(salt, tuple) and len(salt) != 2:
        call.fail(f"salt must be an integer or two, not {show(salt)}", "salt")


@keras_layer("HashedCrossing", "Bins of pairs of categories by their hash.",
             num_bins=Argument(positive, "Bins."), output_mode=_codes("int", "one_hot"), sparse=_SPARSE)  # fmt: skip
def hashed_crossing(call: Call) -> Built:
    """Two inputs of one category per sample."""
    if len(call.inputs) != 2:
        call.fail(f"HashedCrossing takes exactly two inputs, {len(call.inputs)} given", "inputs")
    first, second = (ranked(call, [0, 1], index, "one category per sample, [] or [1],") for index in range(2))
    shown = f"HashedCrossing needs two inputs [] or two [1], got {show(first)} and {show(second)}"
    if len(first) != len(second):
        call.fail(shown, "inputs")
    for size in (*first, *second):
        same_size(call, size, 1, shown, "inputs")
    return _encoded(call, first, call.args["output_mode"], call.args["num_bins"])


_ALIASES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
_MODES = _codes("int", *_FIGURES, "tf_idf", *_ALIASES)
_LOOKUP: dict[str, Any] = {
    "max_tokens": Argument(optional(positive), "Largest size of the vocabulary.", None),
    "num_oov_indices": Argument(non_negative, "Indices of what is not in the vocabulary.", 1),
    "mask_token": Argument(anything, "The token that gets index 0.", None),
    "idf_weights": Argument(optional(list_of(number)), "How rare each token is.", None),
    "invert": Argument(flag, "From indices to tokens.", False),
    "output_mode": _MODES,
    "sparse": _SPARSE,
    "pad_to_max_tokens": Argument(flag, "Vectors as long as max_tokens.", False),
    "salt": _SALT,
    "vocabulary_size": Argument(optional(positive), "Size of a vocabulary that is read from data.", None),
    "has_input_vocabulary": Argument(anything, "Not read.", None),
}
_WORDS = Argument(optional(one_of(list_of(one_of(text, number)), text)), "The tokens, or a file of them.", None)


def _depth(call: Call, mode: str, masked: bool, unknown: int) -> Dim:
    """The length of a token's vector: the vocabulary with its special tokens, or the size it is padded to."""
    args, words = call.args, call.args["vocabulary"]
    most = args["max_tokens"]
    if most is not None and most < 2:
        call.fail(f"max_tokens must be above 1, not {most}", "max_tokens")
    if args["pad_to_max_tokens"] and most is None:
        call.fail("pad_to_max_tokens needs max_tokens", "pad_to_max_tokens")
    if words == ():
        call.fail("vocabulary is empty", "vocabulary")
    size: Dim = args.get("vocabulary_size")
    if isinstance(words, tuple):
        special = ((args.get("mask_token", ""),) if masked and mode == "int" else ()) + (
            args.get("oov_token", "[UNK]"),
        ) * unknown
        own = words[len(special) :] if words[: len(special)] == special else words
        if len(set(own)) < len(own):
            call.fail("vocabulary names a token twice", "vocabulary")
        size = len(special) + len(own)
        if most is not None and size > most:
            call.fail(f"vocabulary has {size} tokens with the special ones, max_tokens is {most}", "max_tokens")
    return most if args["pad_to_max_tokens"] else size


def _mode(call: Call) -> str:
    """The output mode, held against the arguments that go with only some of them."""
    args = call.args
    mode = _ALIASES.get(args["output_mode"], args["output_mode"])
    if args.get("invert") and mode != "int":
        call.fail(f"invert goes with output_mode: int, not {mode}", "output_mode")
    _exclusive(call, call.type)
    weights, words = args["idf_weights"], args["vocabulary"]
    if weights is not None and mode != "tf_idf":
        call.fail("idf_weights go with output_mode: tf_idf", "idf_weights")
    if mode == "tf_idf" and words is not None and weights is None:
        call.fail("output_mode tf_idf with a vocabulary needs idf_weights", "vocabulary")
    if mode == "tf_idf" and isinstance(words, tuple) and len(weights) != len(words):
        call.fail(f"{len(weights)} idf_weights for {len(words)} tokens", "idf_weights")
    return str(mode)


def _lookup(call: Call) -> Built:
    """Indices of tokens, or vectors as long as the vocabulary."""
    at_most(call, 1)
    _two_keys(call)
    mode = _mode(call)
    depth = _depth(call, mode, call.args["mask_token"] is not None, call.args["num_oov_indices"])
    if call.args["invert"]:
        kind = DType.STRING if call.type == "StringLookup" else DType.INT64
        return Built((call.output(call.shape(), kind),))
    return _encoded(call, call.shape(), "count" if mode == "tf_idf" else mode, depth)


keras_layer("IntegerLookup", "Indices of integers in a vocabulary.", **_LOOKUP, vocabulary=_WORDS,
            oov_token=Argument(anything, "Stands for what is not in the vocabulary.", -1),
            vocabulary_dtype=Argument(choice("int64"), "Type of the tokens.", "int64"),
            oov_method=Argument(choice("floormod", "farmhash"), "How indices are shared.", "floormod"),
            )(_lookup)  # fmt: skip
keras_layer("StringLookup", "Indices of words in a vocabulary.", **_LOOKUP, vocabulary=_WORDS,
            oov_token=Argument(anything, "Stands for what is not in the vocabulary.", "[UNK]"),
            encoding=Argument(text, "How words are encoded.", "utf-8"))(_lookup)  # fmt: skip


@keras_layer("TextVectorization", "Indices or vectors of the words of a text.",
             max_tokens=_LOOKUP["max_tokens"],
             standardize=Argument(optional(choice("lower_and_strip_punctuation", "lower", "strip_punctuation")),
                                  "What is removed first.", "lower_and_strip_punctuation"),
             split=Argument(optional(choice("whitespace", "character")), "What a token is.", "whitespace"),
             ngrams=Argument(optional(one_of(integer, integer_list())), "Tokens of several words.", None),
             output_mode=_MODES,
             output_sequence_length=Argument(optional(positive), "Tokens of a text.", None),
             pad_to_max_tokens=_LOOKUP["pad_to_max_tokens"], vocabulary=_WORDS, idf_weights=_LOOKUP["idf_weights"],
             sparse=_SPARSE, ragged=Argument(flag, "Give a ragged tensor.", False),
             encoding=Argument(text, "How words are encoded.", "utf-8"),
             vocabulary_size=_LOOKUP["vocabulary_size"],
             has_input_vocabulary=_LOOKUP["has_input_vocabulary"])  # fmt: skip
def text_vectorization(call: Call) -> Built:
    """One text per sample, or without split its tokens."""
    at_most(call, 1)
    args, mode = call.args, _mode(call)
    shape = ranked(call, [0, 1], what="one text per sample, [] or [1],")
    for size in shape if args["split"] else ():
        same_size(call, size, 1, f"TextVectorization needs one text per sample, [] or [1], got {show(shape)}")
    if mode != "int" and args["output_sequence_length"] is not None:
        call.fail("output_sequence_length goes with output_mode: int", "output_sequence_length")
    if args["ragged"] and mode != "int":
        call.fail("ragged goes with output_mode: int", "ragged")
    depth = _depth(call, mode, True, 1)
    if mode == "int":
        return Built((call.output((args["output_sequence_length"],), DType.INT64),))
    tokens = (None,) if args["split"] else tuple(size for size in shape if size != 1)
    return Built((call.output((*tokens, depth) if mode == "one_hot" else (depth,)),))


@keras_layer("Rescaling", "Multiplies by a scale and adds an offset.",
             scale=Argument(one_of(number, list_of(number)), "Factor, or one for each channel."),
             offset=Argument(one_of(number, list_of(number)), "Summand, or one for each channel.", 0))  # fmt: skip
def rescaling(call: Call) -> Built:
    """Two operators; adding 0 is none."""
    at_most(call, 1)
    shape = call.shape()
    scaled = call.step("Mul", [flowing(call)], shape, {"other": _constant(call.args["scale"])})
    if call.args["offset"] == 0:
        return Built((scaled,))
    return Built((call.step("Add", [scaled], shape, {"other": _constant(call.args["offset"])}),))


def _constant(value: Any) -> Any:
    return tuple(plain(one) for one in value) if isinstance(value, tuple) else plain(value)
