"""PyTorch layers: numbers as products, and formula = weights over every layer with drawn arguments."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_numbers import Sizes, numbers, shapes, value_of
from paramlint.formulas import amount
from paramlint.ir import Tensor, Unknown
from paramlint.loaders.spec.build import build_layer, lower_layer
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.vocabulary import PYTORCH, REQUIRED, LayerError

ENCODER = {"type": "TransformerEncoderLayer", "d_model": 16, "nhead": 4, "dim_feedforward": 32}

#: layer, arguments, inputs -> parameters, buffers, MACs, first output. Products by hand; PyTorch 2.13 gives the same.
EXACT: list[tuple[str, dict[str, Any], list[Sizes], int, int, int, tuple[Any, ...]]] = [
    ("Linear", {"out_features": 5}, [[3]], 3 * 5 + 5, 0, 3 * 5, (5,)),
    ("Linear", {"out_features": 5, "bias": False}, [[7, 3]], 3 * 5, 0, 7 * 3 * 5, (7, 5)),
    ("Bilinear", {"out_features": 5}, [[3], [4]], 3 * 4 * 5 + 5, 0, 0, (5,)),
    ("Conv2d", {"out_channels": 6, "kernel_size": 3, "groups": 2},
     [[4, 8, 8]], 2 * 9 * 6 + 6, 0, 36 * 2 * 9 * 6, (6, 6, 6)),
    ("Conv1d", {"out_channels": 6, "kernel_size": 4, "padding": "same"}, [[4, 17]], 4 * 4 * 6 + 6, 0, 17 * 96, (6, 17)),
    (
        "ConvTranspose2d",
        {"out_channels": 6, "kernel_size": 3, "stride": 2, "output_size": [14, 10], "padding": 1},
        [[4, 7, 5]], 4 * 9 * 6 + 6, 0, 35 * 4 * 9 * 6, (6, 14, 10),
    ),
    ("MaxPool2d", {"kernel_size": 3, "stride": 2, "padding": 1}, [[4, 112, 112]], 0, 0, 0, (4, 56, 56)),
    ("AvgPool1d", {"kernel_size": 3, "stride": 2, "ceil_mode": True}, [[3, 12]], 0, 0, 0, (3, 6)),
    ("AdaptiveAvgPool2d", {"output_size": [None, 3]}, [[3, 9, 8]], 0, 0, 0, (3, 9, 3)),
    ("BatchNorm2d", {}, [[6, 8, 8]], 12, 6 + 6 + 1, 0, (6, 8, 8)),
    ("BatchNorm1d", {"bias": False}, [[6]], 6, 13, 0, (6,)),
    ("InstanceNorm2d", {}, [[6, 8, 8]], 0, 0, 0, (6, 8, 8)),
    ("LayerNorm", {"normalized_shape": [4, 5]}, [[3, 4, 5]], 2 * 20, 0, 0, (3, 4, 5)),
    ("RMSNorm", {"normalized_shape": 5}, [[3, 5]], 5, 0, 0, (3, 5)),
    ("PReLU", {"num_parameters": 6}, [[6, 8]], 6, 0, 0, (6, 8)),
    ("LSTM", {"hidden_size": 2}, [[6, 3]], 4 * 2 * (3 + 2) + 16, 0, 6 * 4 * 2 * 5, (6, 2)),
    ("GRU", {"hidden_size": 2, "bidirectional": True}, [[6, 3]], 2 * 42, 0, 2 * 6 * 30, (6, 4)),
    ("LSTM", {"hidden_size": 5, "proj_size": 2}, [[6, 3]], 20 * 5 + 40 + 10, 0, 6 * (20 * 5 + 10), (6, 2)),
    ("Embedding", {"num_embeddings": 100, "embedding_dim": 8}, [[6]], 800, 0, 0, (6, 8)),
    ("MultiheadAttention", {"embed_dim": 16, "num_heads": 4},
     [[6, 16]] * 3, 4 * 256 + 64, 0, 24 * 256 + 2 * 36 * 16, (6, 16)),
    ("TransformerEncoder", {"encoder_layer": ENCODER, "num_layers": 2}, [[6, 16]], 4448, 0, 26880, (6, 16)),
    ("Transformer", {}, [[6, 512], [5, 512]], 44_140_544, 0, 242_780_160, (5, 512)),
    ("weight_norm", {"module": {"type": "Linear", "out_features": 5}}, [[8]], 45 + 5, 0, 40, (5,)),
    ("spectral_norm", {"module": {"type": "Conv2d", "out_channels": 4, "kernel_size": 3}},
     [[3, 9, 9]], 112, 31, 5292, (4, 7, 7)),
    ("orthogonal", {"module": {"type": "Linear", "out_features": 5}}, [[8]], 45, 64, 40, (5,)),
    ("matmul", {}, [[2, 5, 8], [2, 8, 6]], 0, 0, 2 * 5 * 8 * 6, (2, 5, 6)),
    ("scaled_dot_product_attention", {"enable_gqa": True},
     [[8, 5, 4], [2, 7, 4], [2, 7, 6]], 0, 0, 8 * 5 * 7 * 10, (8, 5, 6)),
    ("cat", {"dim": 1}, [[3, 4], [5, 4]], 0, 0, 0, (8, 4)),
    ("permute", {"dims": [0, 2, 1]}, [[3, 4]], 0, 0, 0, (4, 3)),
    ("mean", {"dim": [2, 3]}, [[3, 4, 5]], 0, 0, 0, (3,)),
    ("split", {"split_size_or_sections": [1, 4], "dim": 1}, [[5, 4]], 0, 0, 0, (1, 4)),
    ("interpolate", {"scale_factor": 2}, [[3, 4, 5]], 0, 0, 0, (3, 8, 10)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "params", "buffers", "macs", "output"), EXACT)
def test_numbers(
    kind: str, args: dict[str, Any], inputs: list[Sizes], params: int, buffers: int, macs: int, output: tuple[Any, ...]
) -> None:
    built = build_layer(PYTORCH, kind, args, inputs)
    assert numbers(built) == (params, buffers, macs)
    assert shapes(built)[0] == output


REFUSED: list[tuple[str, dict[str, Any], list[Sizes], str | None, str]] = [
    ("Linear", {"in_features": 3, "out_features": 5}, [[4]], "in_features", "has 4"),
    ("Conv2d", {"out_channels": 6, "kernel_size": 3, "padding": "same", "stride": 2},
     [[3, 8, 8]], "padding", "stride 1"),
    ("Conv2d", {"out_channels": 4, "kernel_size": 3, "groups": 3}, [[3, 8, 8]], "groups", "out_channels 4"),
    ("Conv2d", {"out_channels": 4, "kernel_size": 9}, [[3, 8, 8]], "kernel_size", "8"),
    ("MaxPool2d", {"kernel_size": 2, "padding": 2}, [[3, 8, 8]], "padding", "half"),
    ("Flatten", {"start_dim": 0}, [[4, 5]], "start_dim", "batch"),
    ("Softmax", {"dim": 0}, [[4]], "dim", "batch"),
    ("Softmax", {"dim": 3}, [[4]], "dim", "outside"),
    ("GroupNorm", {"num_groups": 4}, [[6, 3]], "num_groups", "6 channels"),
    ("LSTM", {"hidden_size": 4, "proj_size": 4}, [[6, 5]], "proj_size", "smaller"),
    ("MultiheadAttention", {"embed_dim": 16, "num_heads": 3}, [[6, 16]] * 3, "num_heads", "divide"),
    ("MultiheadAttention", {"embed_dim": 16, "num_heads": 4}, [[6, 16]], "inputs", "query, key and value"),
    ("Upsample", {}, [[3, 4]], None, "size or scale_factor"),
    ("reshape", {"shape": [-1, 5]}, [[3, 4]], "shape", "12 elements"),
    ("permute", {"dims": [1, 0, 2]}, [[3, 4]], "dims", "batch"),
    ("TransformerEncoder", {"encoder_layer": {"type": "Linear", "out_features": 3}, "num_layers": 1}, [[6, 16]],
     "encoder_layer", "TransformerEncoderLayer"),
    ("LSTM", {"hidden_size": 4, "num_layers": 10**12}, [[6, 5]], "num_layers", "at most"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "argument", "words"), REFUSED)
def test_refusals(kind: str, args: dict[str, Any], inputs: list[Sizes], argument: str | None, words: str) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(PYTORCH, kind, args, inputs)
    assert caught.value.argument == argument
    assert words in caught.value.message


def test_free_dimensions_stay() -> None:
    built = build_layer(PYTORCH, "Linear", {"out_features": 5}, [["seq", 3]])
    assert shapes(built) == [("seq", 5)]
    assert isinstance(built.macs, Unknown)
    assert "seq" in built.macs.reason
    assert shapes(build_layer(PYTORCH, "Conv2d", {"out_channels": 2, "kernel_size": 3}, [[3, None, 9]])) == [
        (2, None, 7)
    ]


def shared(*shape: int) -> Tensor:
    """What all samples share, as a Parameter puts it out."""
    return Tensor("shared", shape, batched=False)


@pytest.mark.parametrize(
    ("kind", "inputs", "output", "macs"),
    [
        ("add", [[3, 4], shared(4)], (3, 4), 0),
        ("add", [[3, 4], shared(1, 3, 4)], (3, 4), 0),
        ("mul", [shared(5, 3, 1), [5, 3, 4]], (5, 3, 4), 0),
        ("mul", [shared(2), shared(5, 1)], (5, 2), 0),
        ("matmul", [[6], shared(6, 5)], (5,), 6 * 5),
        ("matmul", [[7, 6], shared(6, 5)], (7, 5), 7 * 6 * 5),
        ("matmul", [[2, 7, 6], shared(2, 6, 5)], (2, 7, 5), 2 * 7 * 6 * 5),
        ("matmul", [[7, 6], shared(6)], (7,), 7 * 6),
        ("matmul", [shared(5, 7), [7, 4]], (5, 4), 5 * 7 * 4),
    ],
)
def test_what_samples_share_meets_the_last_axes(
    kind: str, inputs: list[Any], output: tuple[Any, ...], macs: int
) -> None:
    built = build_layer(PYTORCH, kind, {}, inputs)
    assert shapes(built) == [output]
    assert amount(built.macs) == macs


@pytest.mark.parametrize(
    ("kind", "inputs"),
    [
        ("add", [[3, 4], [4]]),
        ("add", [[1, 3, 4], [3, 4]]),
        ("matmul", [[3, 4, 2], [2, 2]]),
        ("matmul", [[6], [6, 5]]),
        ("matmul", [[6], [6]]),
        ("matmul", [[7, 6], shared(2, 6, 5)]),
        ("bmm", [[7, 6], shared(6, 5)]),
    ],
)
def test_batches_that_would_not_meet_are_refused(kind: str, inputs: list[Any]) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(PYTORCH, kind, {}, inputs)
    assert caught.value.argument == "inputs"


def test_pooling_takes_the_batch_for_missing_channels() -> None:
    assert shapes(build_layer(PYTORCH, "MaxPool1d", {"kernel_size": 2, "return_indices": True}, [[9]])) == [(4,), (4,)]
    assert shapes(build_layer(PYTORCH, "AdaptiveAvgPool2d", {"output_size": [None, 2]}, [[9, 6]])) == [(9, 2)]
    assert shapes(build_layer(PYTORCH, "ConstantPad1d", {"padding": 1, "value": 0}, [[2, 3, 4]])) == [(2, 3, 6)]


@pytest.mark.parametrize(
    ("kind", "args", "inputs", "step"),
    [
        ("BatchNorm2d", {"affine": False}, [6, 8, 8], ("BatchNormalization", [3, 4])),
        ("InstanceNorm2d", {}, [6, 8, 8], ("InstanceNormalization", [])),
        ("InstanceNorm2d", {"track_running_stats": True, "affine": True}, [6, 8, 8],
         ("BatchNormalization", [1, 2, 3, 4])),
        ("GroupNorm", {"num_groups": 2, "bias": False}, [6, 8], ("GroupNormalization", [1])),
        ("LayerNorm", {"normalized_shape": 8, "elementwise_affine": False}, [6, 8], ("LayerNormalization", [])),
    ],
)  # fmt: skip
def test_a_norm_lowers_to_its_operator_with_the_operands_it_has(
    kind: str, args: dict[str, Any], inputs: Sizes, step: tuple[str, list[int]]
) -> None:
    made = lower_layer(PYTORCH, kind, args, [inputs])
    assert [(one.kind, list(one.weights)) for one in made.steps] == [step]


@pytest.mark.parametrize(
    ("old", "new", "out"),
    [
        (["seq", 512], [-1, 8, 64], ("seq", 8, 64)),
        (["seq", 512], ["seq", 8, -1], ("seq", 8, 64)),
        (["a", "b", 4], ["b", -1, 4], ("b", "a", 4)),
        (["seq", 512], [-1], (None,)),
        ([None, 512], [-1, 8, 64], (None, 8, 64)),
    ],
)
def test_names_stay_where_elements_are_laid_out_anew(old: Sizes, new: Sizes, out: tuple[Any, ...]) -> None:
    assert shapes(build_layer(PYTORCH, "reshape", {"shape": new}, [old])) == [out]


def test_names_on_both_sides_cancel() -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(PYTORCH, "reshape", {"shape": ["seq", 8, 65]}, [["seq", 512]])
    assert "520" in caught.value.message


def test_states_and_attention_weights_are_further_outputs() -> None:
    lstm = build_layer(PYTORCH, "LSTM", {"hidden_size": 4, "num_layers": 2, "bidirectional": True}, [[6, 3]])
    assert shapes(lstm) == [(6, 8), (4, 4), (4, 4)]
    heads = {"embed_dim": 16, "num_heads": 4, "add_zero_attn": True, "average_attn_weights": False}
    assert shapes(build_layer(PYTORCH, "MultiheadAttention", heads, [[6, 16]] * 3))[1] == (4, 6, 7)
    assert (
        shapes(build_layer(PYTORCH, "MultiheadAttention", {**heads, "need_weights": False}, [[6, 16]] * 3))[1] is None
    )


def test_the_textbook_number_is_told_beside_two_biases() -> None:
    gru = build_layer(PYTORCH, "GRU", {"hidden_size": 5, "bidirectional": True}, [[6, 8]])
    assert numbers(gru)[0] == 450
    assert "420" in gru.notes[0]


def test_a_convolution_lowers_to_one_operator_with_resolved_pads() -> None:
    made = lower_layer(PYTORCH, "Conv2d", {"out_channels": 2, "kernel_size": 4, "padding": "same"}, [[3, 8, 8]])
    (step,) = made.steps
    assert step.kind == "Conv"
    assert step.attributes["pads"] == (1, 1, 2, 2)
    assert [weight.shape for weight in step.weights.values()] == [(2, 3, 4, 4), (2,)]


def module_for(name: str) -> dict[str, Any]:
    if name in ("encoder_layer", "decoder_layer"):
        kind = f"Transformer{name.title().replace('_', '')}"
        return {"type": kind, "d_model": 4, "nhead": 2, "dim_feedforward": 3}
    return {"type": "LayerNorm", "normalized_shape": 4} if name == "norm" else {"type": "Linear", "out_features": 3}


@st.composite
def a_layer(draw: Any) -> tuple[str, dict[str, Any], list[Sizes]]:
    """Any layer of the vocabulary with arguments from its own table and inputs of any rank."""
    table = {
        name: entry
        for name, entry in entries(PYTORCH).items()
        if not entry.source and not name.islower() and not name.endswith("Loss")
    }
    name = draw(st.sampled_from(sorted(table)))
    args: dict[str, Any] = {}
    for key, argument in table[name].arguments.items():
        if argument.default is not REQUIRED and draw(st.booleans()):
            continue
        if argument.kind.nested:
            args[key] = module_for(key)
        elif (value := value_of(argument, draw)) is not None:
            args[key] = value
    rank = draw(st.integers(1, 4))
    shape = [draw(st.sampled_from([4, 6, 12])) for _ in range(rank)]
    return name, args, [shape] * draw(st.integers(1, 3))


@settings(max_examples=600, deadline=None)
@given(a_layer())
def test_every_formula_is_the_sum_of_its_weights(case: tuple[str, dict[str, Any], list[Sizes]]) -> None:
    name, args, inputs = case
    try:
        built = build_layer(PYTORCH, name, args, inputs)
    except LayerError:
        return
    learned = sum(prod(weight.shape) for weight in built.weights if not weight.buffer)
    if not built.unknown:
        assert learned == (built.params.value if built.params else 0)
    assert name == "Custom" or all(tensor is None or tensor.shape is not None for tensor in built.outputs)
