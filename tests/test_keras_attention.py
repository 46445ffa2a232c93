"""Attention of Keras: numbers as products, axes, refusals, and the multiply-accumulates of what it lowers to."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_numbers import Sizes, numbers, shapes
from paramlint.ir import Unknown
from paramlint.loaders.spec.build import build_layer, lower_layer
from paramlint.loaders.spec.uses import Use
from paramlint.loaders.spec.vocabulary import KERAS, PYTORCH, LayerError

SELF = [[6, 16], [6, 16]]
MHA, GQA = "MultiHeadAttention", "GroupQueryAttention"

#: layer, arguments, inputs -> parameters, MACs, output; Keras 3.15 gives the same.
EXACT: list[tuple[str, dict[str, Any], list[Sizes], int, int, tuple[Any, ...]]] = [
    (MHA, {"num_heads": 2, "key_dim": 8}, SELF, 4 * 16 * 16 + 4 * 16, 4 * 6 * 256 + 2 * 36 * 16, (6, 16)),
    (MHA, {"num_heads": 1, "key_dim": 5, "use_bias": False}, SELF, 4 * 16 * 5, 4 * 6 * 80 + 2 * 36 * 5, (6, 16)),
    (MHA, {"num_heads": 2, "key_dim": 5, "value_dim": 7}, SELF,
     2 * 16 * 10 + 16 * 14 + 14 * 16 + 2 * 10 + 14 + 16, 6 * (320 + 224 + 224) + 36 * 24, (6, 16)),
    (MHA, {"num_heads": 2, "key_dim": 4}, [[6, 16], [9, 12]],
     16 * 8 + 2 * 12 * 8 + 8 * 16 + 24 + 16, 6 * 128 + 9 * 192 + 54 * 16 + 6 * 128, (6, 16)),
    (MHA, {"num_heads": 2, "key_dim": 4}, [[6, 16], [9, 12], [9, 3]],
     16 * 8 + 12 * 8 + 3 * 8 + 8 * 16 + 24 + 16, 6 * 128 + 9 * 120 + 54 * 16 + 6 * 128, (6, 16)),
    (MHA, {"num_heads": 2, "key_dim": 4, "output_shape": 5}, SELF, 3 * 136 + 8 * 5 + 5, 6 * 424 + 36 * 16, (6, 5)),
    (MHA, {"num_heads": 2, "key_dim": 4, "output_shape": [2, 3]}, SELF,
     3 * 136 + 8 * 6 + 6, 6 * (384 + 48) + 36 * 16, (6, 2, 3)),
    (MHA, {"num_heads": 2, "key_dim": 4, "attention_axes": 2}, [[3, 5, 16]] * 2,
     4 * 128 + 24 + 16, 15 * 512 + 3 * 25 * 16, (3, 5, 16)),
    (MHA, {"num_heads": 2, "key_dim": 4, "attention_axes": [1, -2]}, [[3, 5, 16]] * 2,
     552, 15 * 512 + 15 * 15 * 16, (3, 5, 16)),
    (MHA, {"num_heads": 2, "key_dim": 4, "use_gate": True}, SELF, 552 + 136, 6 * 640 + 36 * 16, (6, 16)),
    (GQA, {"head_dim": 4, "num_query_heads": 8, "num_key_value_heads": 2}, SELF,
     2 * 16 * 32 + 2 * 16 * 8 + 4 * 12 + 16, 2 * 6 * 512 + 2 * 6 * 128 + 2 * 36 * 32, (6, 16)),
    (GQA, {"head_dim": 5, "num_query_heads": 4, "num_key_value_heads": 2}, [[6, 16], [9, 16], [9, 3]],
     2 * 320 + 160 + 30 + 5 * 8 + 16, 2 * 6 * 320 + 9 * 190 + 2 * 54 * 20, (6, 16)),
    ("Attention", {}, [[6, 16], [9, 16]], 0, 2 * 54 * 16, (6, 16)),
    ("Attention", {"use_scale": True}, [[6, 4], [9, 3], [9, 4]], 1, 54 * 7, (6, 3)),
    ("Attention", {"use_scale": True, "score_mode": "concat"}, [[6, 16], [9, 16]], 2, 54 * 16, (6, 16)),
    ("AdditiveAttention", {}, [[6, 16], [9, 16]], 16, 54 * 16, (6, 16)),
    ("AdditiveAttention", {"use_scale": False}, [[2, 6, 4], [1, 9, 4]], 0, 2 * 54 * 4, (2, 6, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "params", "macs", "output"), EXACT)
def test_numbers(
    kind: str, args: dict[str, Any], inputs: list[Sizes], params: int, macs: int, output: tuple[Any, ...]
) -> None:
    built = build_layer(KERAS, kind, args, inputs)
    assert numbers(built) == (params, 0, macs)
    assert shapes(built) == [output]


HEADS = {"num_heads": 2, "key_dim": 4}
REFUSED: list[tuple[str, dict[str, Any], list[Sizes], str | None, str]] = [
    (MHA, HEADS, [[6, 16]], "inputs", "query and value"),
    (MHA, HEADS, [[16], [16]], "inputs", "positions"),
    (MHA, HEADS, [[6, 16], [2, 6, 16]], "inputs", "equally many axes"),
    (MHA, HEADS, [[6, 16], [9, 16], [8, 16]], "inputs", "value and key differ"),
    (MHA, HEADS, [[6, 16], [None, 16], [8, 16]], "inputs", "value and key differ"),
    (MHA, HEADS, [[6, None], [6, 16]], None, "fixed"),
    (MHA, {**HEADS, "num_heads": 0}, SELF, "num_heads", "positive"),
    (MHA, {**HEADS, "dropout": 1.5}, SELF, "dropout", "0 to 1"),
    (MHA, {**HEADS, "attention_axes": 0}, [[3, 5, 16]] * 2, "attention_axes", "batch"),
    (MHA, {**HEADS, "attention_axes": 3}, [[3, 5, 16]] * 2, "attention_axes", "features"),
    (MHA, {**HEADS, "attention_axes": [1, 1]}, [[3, 5, 16]] * 2, "attention_axes", "twice"),
    (MHA, {**HEADS, "attention_axes": 2}, [[3, 5, 16], [4, 5, 16]], "inputs", "does not run over"),
    (MHA, {**HEADS, "use_causal_mask": True}, [[3, 5, 16]] * 2, "use_causal_mask", "one axis"),
    (MHA, {**HEADS, "flash_attention": True, "dropout": 0.1}, SELF, "flash_attention", "dropout"),
    (MHA, {**HEADS, "flash_attention": True, "return_attention_scores": True}, SELF, "flash_attention", "scores"),
    (GQA, {"head_dim": 4, "num_query_heads": 6, "num_key_value_heads": 4}, SELF, "num_key_value_heads", "divide"),
    (GQA, {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 4}, [[2, 6, 16]] * 2, "inputs", "sequences"),
    (GQA, {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 4}, [[6, 16], [6, 8]], "inputs", "equal"),
    ("Attention", {}, [[6, 16]], "inputs", "query and value"),
    ("Attention", {}, [[6, 16], [9, 12]], "inputs", "features"),
    ("Attention", {}, [[6, 16], [9, 16], [8, 16]], "inputs", "length"),
    ("Attention", {}, [[6, 16], [9, 16], [9, 16], [6, 16]], "inputs", "mask"),
    ("Attention", {"score_mode": "dots"}, [[6, 16], [9, 16]], "score_mode", "concat"),
    ("AdditiveAttention", {}, [[6, 16], [9, 12]], "inputs", "16 and 12"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "argument", "words"), REFUSED)
def test_refusals(kind: str, args: dict[str, Any], inputs: list[Sizes], argument: str | None, words: str) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(KERAS, kind, args, inputs)
    assert caught.value.argument == argument
    assert words in caught.value.message


def test_the_third_input_is_the_key() -> None:
    built = build_layer(KERAS, MHA, HEADS, [[6, 16], [9, 12], [9, 3]])
    kernels = {weight.role: weight.shape for weight in built.weights if weight.role.endswith("kernel")}
    assert kernels["value.kernel"] == (12, 2, 4)
    assert kernels["key.kernel"] == (3, 2, 4)
    assert kernels["attention_output.kernel"] == (2, 4, 16)


def test_scores_are_the_second_output() -> None:
    asked = {**HEADS, "return_attention_scores": True}
    assert shapes(build_layer(KERAS, MHA, asked, [[6, 16], [9, 16]])) == [(6, 16), (2, 6, 9)]
    over = {**asked, "attention_axes": 2}
    assert shapes(build_layer(KERAS, MHA, over, [[3, 5, 16], [3, 7, 16]]))[1] == (3, 2, 5, 7)
    both = {**asked, "attention_axes": [1, 2]}
    assert shapes(build_layer(KERAS, MHA, both, [[3, 5, 16], [2, 7, 16]]))[1] == (2, 3, 5, 2, 7)
    plain = {"return_attention_scores": True}
    assert shapes(build_layer(KERAS, "Attention", plain, [[6, 4], [9, 4]])) == [(6, 4), (6, 9)]


def test_masks_are_accepted_and_ignored() -> None:
    masked = build_layer(KERAS, "Attention", {}, [[6, 4], [9, 4], None, [6], [9]])
    assert numbers(masked) == numbers(build_layer(KERAS, "Attention", {}, [[6, 4], [9, 4]]))
    masked = build_layer(KERAS, MHA, HEADS, [[6, 16], [6, 16], None, None, None, None, [6, 6]])
    assert numbers(masked) == numbers(build_layer(KERAS, MHA, HEADS, SELF))


def test_free_lengths_stay() -> None:
    built = build_layer(KERAS, MHA, HEADS, [["seq", 16], ["seq", 16]])
    assert shapes(built) == [("seq", 16)]
    assert numbers(built)[0] == 552
    assert isinstance(built.macs, Unknown)
    assert "seq" in built.macs.reason


def test_heads_lower_to_products_and_a_softmax() -> None:
    kinds = [step.kind for step in lower_layer(KERAS, MHA, HEADS, SELF).steps]
    assert kinds.count("MatMul") == 4 + 2
    assert kinds.count("Softmax") == 1
    shared = {"head_dim": 4, "num_query_heads": 4, "num_key_value_heads": 2}
    assert [step.kind for step in lower_layer(KERAS, GQA, shared, SELF).steps].count("Expand") == 2


def work(use: Use, inputs: list[Sizes]) -> int:
    """Multiply-accumulates of the products among a layer's steps, from the shapes of their operands alone."""
    sizes: dict[str, Any] = {"input": inputs[0], "input:1": inputs[1]}
    sizes |= {name: tensor.shape for name, tensor in use.tensors.items()}
    products = [step for step in use.steps if step.kind == "MatMul"]
    return sum(prod(sizes[step.outputs[0]]) * sizes[step.inputs[0]][-1] for step in products)


@settings(deadline=None)
@given(st.data())
def test_the_operators_do_what_the_formula_counts(data: Any) -> None:
    small = st.integers(1, 4)
    axes = data.draw(st.integers(1, 3))
    over = data.draw(st.lists(st.integers(1, axes), min_size=1, max_size=axes, unique=True))
    query = data.draw(st.lists(small, min_size=axes, max_size=axes))
    value = [data.draw(small) if place + 1 in over or axes == 1 else size for place, size in enumerate(query)]
    args = {"num_heads": data.draw(small), "key_dim": data.draw(small), "value_dim": data.draw(small)}
    args |= {"attention_axes": over, "use_gate": data.draw(st.booleans()), "output_shape": [data.draw(small)]}
    args |= {"use_bias": data.draw(st.booleans())}
    inputs = [[*query, 3], [*value, 2]]
    use = lower_layer(KERAS, MHA, args, inputs)
    assert work(use, inputs) == numbers(use.built)[2]
    assert shapes(use.built)[0] == (*query, *args["output_shape"])


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6))
def test_as_wide_as_its_input_it_is_the_attention_of_pytorch(heads: int, size: int, steps: int, keys: int) -> None:
    width = heads * size
    mine = build_layer(KERAS, MHA, {"num_heads": heads, "key_dim": size}, [[steps, width], [keys, width]])
    given_ = [[steps, width], [keys, width], [keys, width]]
    theirs = build_layer(PYTORCH, "MultiheadAttention", {"embed_dim": width, "num_heads": heads}, given_)
    assert numbers(mine) == numbers(theirs)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 8))
def test_without_sharing_grouped_queries_are_multi_head_attention(heads: int, size: int, width: int) -> None:
    own = {"head_dim": size, "num_query_heads": heads, "num_key_value_heads": heads}
    inputs: list[Sizes] = [[5, width], [7, width]]
    plain = build_layer(KERAS, MHA, {"num_heads": heads, "key_dim": size}, inputs)
    assert numbers(build_layer(KERAS, GQA, own, inputs)) == numbers(plain)
