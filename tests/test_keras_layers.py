"""Keras layers: numbers as products, refusals, lowerings; formula = weights over every layer with drawn arguments."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_numbers import Sizes, numbers, shapes, value_of
from paramlint.engine import load
from paramlint.errors import LoadError
from paramlint.ir import Step, Unknown
from paramlint.loaders import Request
from paramlint.loaders.spec.build import build_layer, lower_layer
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.vocabulary import KERAS, REQUIRED, LayerError

#: layer, arguments, input -> trained and frozen parameters, MACs, output. Products by hand; Keras 3.15 (Keras 2 for the
#: layers that only it has) gives the same.
EXACT: list[tuple[str, dict[str, Any], Sizes, int, int, int, tuple[Any, ...]]] = [
    ("Dense", {"units": 5}, [3], 3 * 5 + 5, 0, 3 * 5, (5,)),
    ("Dense", {"units": 5, "use_bias": False}, [7, 2, 3], 3 * 5, 0, 7 * 2 * 15, (7, 2, 5)),
    ("Dense", {"units": 5, "lora_rank": 2}, [3], 5 + 3 * 2 + 2 * 5, 15, 15, (5,)),
    ("Dense", {"units": 4, "activation": "glu"}, [3], 16, 0, 12, (2,)),
    ("Dense", {"units": 4, "activation": {"type": "PReLU"}}, [3], 16 + 4, 0, 12, (4,)),
    ("EinsumDense", {"equation": "abc,cde->abde", "output_shape": [10, 2, 8], "bias_axes": "de"}, [10, 16],
     16 * 2 * 8 + 16, 0, 10 * 256, (10, 2, 8)),
    ("EinsumDense", {"equation": "...x,xy->...y", "output_shape": 5, "bias_axes": "y"}, [7, 3, 4],
     4 * 5 + 5, 0, 7 * 3 * 20, (7, 3, 5)),
    ("EinsumDense", {"equation": "ab...,bc->ac...", "output_shape": 5, "bias_axes": "c"}, [4, 3], 25, 0, 60, (5, 3)),
    ("Embedding", {"input_dim": 100, "output_dim": 8}, [6], 800, 0, 0, (6, 8)),
    ("Embedding", {"input_dim": 100, "output_dim": 8, "lora_rank": 3}, [6], 3 * 108, 800, 0, (6, 8)),
    ("ReversibleEmbedding", {"input_dim": 100, "output_dim": 8, "reverse": True}, [6, 8], 800, 0, 6 * 800, (6, 100)),
    ("ReversibleEmbedding", {"input_dim": 100, "output_dim": 8, "tie_weights": False}, [6], 1600, 0, 0, (6, 8)),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 2}, [8, 8, 4], 2 * 9 * 6 + 6, 0, 36 * 108, (6, 6, 6)),
    ("Conv1D", {"filters": 6, "kernel_size": 5, "strides": 3, "padding": "causal"}, [20, 4], 126, 0, 7 * 120, (7, 6)),
    ("Conv1D", {"filters": 6, "kernel_size": 4, "padding": "SAME", "strides": 3}, [17, 4], 102, 0, 6 * 96, (6, 6)),
    ("Conv3D", {"filters": 2, "kernel_size": [1, 2, 3], "data_format": "channels_first"}, [3, 4, 5, 6],
     3 * 6 * 2 + 2, 0, 4 * 4 * 4 * 36, (2, 4, 4, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "lora_rank": 2}, [5, 5, 3], 4 + 9 * 3 * 2 + 2 * 4, 108, 972, (3, 3, 4)),
    ("DepthwiseConv2D", {"kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"}, [9, 8, 3],
     9 * 3 * 2 + 6, 0, 20 * 54, (5, 4, 6)),
    ("SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}, [8, 8, 3],
     9 * 3 * 2 + 3 * 2 * 5 + 5, 0, 36 * (54 + 30), (6, 6, 5)),
    ("Conv2DTranspose", {"filters": 6, "kernel_size": 3, "strides": 2}, [7, 5, 4],
     4 * 9 * 6 + 6, 0, 35 * 216, (15, 11, 6)),
    ("Conv2DTranspose", {"filters": 6, "kernel_size": 3, "strides": 2, "padding": "same"}, [7, 5, 4],
     222, 0, 35 * 216, (14, 10, 6)),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 1, "strides": 2}, [5, 3], 8, 0, 30, (10, 2)),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 4, "strides": 3, "padding": "same", "output_padding": 1}, [5, 3],
     26, 0, 120, (13, 2)),
    ("LocallyConnected1D", {"filters": 5, "kernel_size": 3}, [9, 3], 7 * 9 * 5 + 7 * 5, 0, 7 * 45, (7, 5)),
    ("LocallyConnected1D", {"filters": 5, "kernel_size": 3, "implementation": 2}, [9, 3],
     27 * 35 + 35, 0, 27 * 35, (7, 5)),
    ("LocallyConnected1D", {"filters": 5, "kernel_size": 3, "implementation": 3, "padding": "same"}, [9, 3],
     (9 * 3 - 2) * 15 + 45, 0, 25 * 15, (9, 5)),
    ("MaxPooling2D", {}, [7, 8, 3], 0, 0, 0, (3, 4, 3)),
    ("MaxPooling2D", {"pool_size": 3, "strides": 2, "padding": "same"}, [7, 8, 3], 0, 0, 0, (4, 4, 3)),
    ("AveragePooling1D", {"pool_size": 3}, [10, 4], 0, 0, 0, (3, 4)),
    ("GlobalAveragePooling2D", {}, [7, 8, 3], 0, 0, 0, (3,)),
    ("GlobalMaxPooling2D", {"keepdims": True, "data_format": "channels_first"}, [7, 8, 3], 0, 0, 0, (7, 1, 1)),
    ("AdaptiveAveragePooling2D", {"output_size": [2, 3]}, [7, 9, 4], 0, 0, 0, (2, 3, 4)),
    ("UpSampling2D", {"size": [2, 3], "interpolation": "bilinear"}, [4, 5, 3], 0, 0, 0, (8, 15, 3)),
    ("ZeroPadding2D", {"padding": [[1, 2], 3]}, [4, 5, 3], 0, 0, 0, (7, 11, 3)),
    ("Cropping3D", {"cropping": [[0, 1], [1, 0], [1, 1]]}, [4, 5, 6, 2], 0, 0, 0, (3, 4, 4, 2)),
    ("Flatten", {}, [4, 5, 3], 0, 0, 0, (60,)),
    ("Flatten", {}, [], 0, 0, 0, (1,)),
    ("Reshape", {"target_shape": [-1, 6]}, [4, 3], 0, 0, 0, (2, 6)),
    ("Permute", {"dims": [2, 1]}, [4, 3], 0, 0, 0, (3, 4)),
    ("RepeatVector", {"n": 5}, [3], 0, 0, 0, (5, 3)),
    ("BatchNormalization", {}, [8, 8, 6], 12, 12, 0, (8, 8, 6)),
    ("BatchNormalization", {"axis": 1, "scale": False}, [6, 8, 8], 6, 12, 0, (6, 8, 8)),
    ("BatchNormalization", {"renorm": True}, [6], 12, 5 * 6, 0, (6,)),
    ("BatchNormalization", {"axis": [1, 3]}, [4, 5, 6], 2 * 24, 2 * 24, 0, (4, 5, 6)),
    ("LayerNormalization", {"axis": [1, 2]}, [4, 5], 40, 0, 0, (4, 5)),
    ("LayerNormalization", {"center": False}, [4, 5], 5, 0, 0, (4, 5)),
    ("RMSNormalization", {}, [4, 5], 5, 0, 0, (4, 5)),
    ("GroupNormalization", {"groups": -1}, [4, 6], 12, 0, 0, (4, 6)),
    ("Normalization", {}, [4, 6], 0, 6 + 6 + 1, 0, (4, 6)),
    ("Normalization", {"axis": None}, [4, 6], 0, 3, 0, (4, 6)),
    ("Normalization", {"mean": [0.5, 1.0], "variance": [1.0, 2.0]}, [4, 2], 0, 0, 0, (4, 2)),
    ("PReLU", {}, [4, 5, 3], 60, 0, 0, (4, 5, 3)),
    ("PReLU", {"shared_axes": [1, 2]}, [4, 5, 3], 3, 0, 0, (4, 5, 3)),
    ("ThresholdedReLU", {"theta": 0.5}, [4], 0, 0, 0, (4,)),
    ("Activation", {"activation": "softmax"}, [4], 0, 0, 0, (4,)),
    ("SpatialDropout2D", {"rate": 0.5}, [4, 5, 3], 0, 0, 0, (4, 5, 3)),
    ("Masking", {}, [4, 5], 0, 0, 0, (4, 5)),
    ("InputLayer", {"shape": [4, None]}, [4, 5], 0, 0, 0, (4, 5)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "given", "trained", "frozen", "macs", "output"), EXACT)
def test_numbers(
    kind: str, args: dict[str, Any], given: Sizes, trained: int, frozen: int, macs: int, output: tuple[Any, ...]
) -> None:
    built = build_layer(KERAS, kind, args, [given])
    assert numbers(built) == (trained + frozen, 0, macs)
    assert sum(weight.elements for weight in built.weights if not weight.trainable) == frozen
    assert shapes(built) == [output]


REFUSED: list[tuple[str, dict[str, Any], list[Sizes], str | None, str]] = [
    ("Dense", {"units": 0}, [[4]], "units", "positive"),
    ("Dense", {"units": 4}, [[None]], None, "must be fixed"),
    ("Dense", {"units": 4, "activation": "ReLU"}, [[4]], "activation", "activation"),
    ("Dense", {"units": 4, "activation": "threshold"}, [[4]], "activation", "activation"),
    ("Dense", {"units": 4, "lora_rank": 2, "kernel_constraint": "non_neg"}, [[4]], "kernel_constraint", "exclude"),
    ("Dense", {"units": 4, "input_shape": [5]}, [[4]], "input_shape", "[4]"),
    ("EinsumDense", {"equation": "ab,bc", "output_shape": 4}, [[4]], "equation", "forms"),
    ("EinsumDense", {"equation": "ab,bc->ca", "output_shape": 4}, [[4]], "equation", "batch"),
    ("EinsumDense", {"equation": "abc,cd->abd", "output_shape": [3, 4]}, [[5, 6]], "output_shape", "has 5"),
    ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4, "bias_axes": "d"}, [[3]], "bias_axes", "'d'"),
    ("Conv2D", {"filters": 4, "kernel_size": 3}, [[2, 2, 3]], "kernel_size", "spans 3"),
    ("Conv2D", {"filters": 4, "kernel_size": 3}, [[8, 8]], None, "3 axes"),
    ("Conv2D", {"filters": 4, "kernel_size": 3}, [[8, 8, None]], None, "channels"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, [[8, 8, 3]], "padding", "valid, same"),
    ("Conv2D", {"filters": 4, "kernel_size": [3, 3, 3]}, [[8, 8, 3]], "kernel_size", "list of 2"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, [[9, 9, 3]],
     "dilation_rate", "both"),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 2}, [[9, 9, 3]], "groups", "3 channels"),
    ("SeparableConv1D", {"filters": 6, "kernel_size": 3, "padding": "causal"}, [[11, 4]], "padding", "valid, same"),
    ("Conv2DTranspose", {"filters": 3, "kernel_size": 3, "strides": 2, "output_padding": 2}, [[5, 5, 2]],
     "output_padding", "smaller"),
    ("LocallyConnected1D", {"filters": 3, "kernel_size": 3, "padding": "same"}, [[5, 2]], "padding", "implementation"),
    ("MaxPooling2D", {"pool_size": 3}, [[2, 2, 3]], "pool_size", "spans 3"),
    ("MaxPooling2D", {"padding": "SAME"}, [[8, 8, 3]], "padding", "same"),
    ("AveragePooling2D", {}, [[8, 8, 3]], None, "pool_size"),
    ("Embedding", {"input_dim": 0, "output_dim": 4}, [[4]], "input_dim", "positive"),
    ("ReversibleEmbedding", {"input_dim": 9, "output_dim": 4, "reverse": True}, [[2, 5]], None, "output_dim is 4"),
    ("GroupNormalization", {}, [[8, 8, 10]], "groups", "32"),
    ("BatchNormalization", {"axis": 0}, [[4]], "axis", "batch"),
    ("LayerNormalization", {"axis": [1, 1]}, [[4]], "axis", "twice"),
    ("Normalization", {"mean": 1.0}, [[4]], "mean", "together"),
    ("Normalization", {"mean": [1.0, 2.0], "variance": [1.0, 2.0]}, [[3]], "mean", "[3]"),
    ("Permute", {"dims": [1, 3]}, [[4, 5]], "dims", "once"),
    ("Reshape", {"target_shape": [5, -1]}, [[3, 4]], "target_shape", "12 elements"),
    ("Reshape", {"target_shape": [-1, -1]}, [[3, 4]], "target_shape", "only one"),
    ("Cropping1D", {"cropping": [2, 3]}, [[5, 2]], "cropping", "nothing"),
    ("Flatten", {"data_format": "channels_middle"}, [[4, 5]], "data_format", "channels_last"),
    ("PReLU", {}, [[None, 3]], None, "free"),
    ("ReLU", {"max_value": -1}, [[4]], "max_value", "at least 0"),
    ("Dropout", {"rate": 1.5}, [[4]], "rate", "0 to 1"),
    ("Softmax", {"axis": 0}, [[4]], "axis", "batch"),
    ("InputLayer", {"shape": [5]}, [[4]], "shape", "[4]"),
    ("InputLayer", {"shape": [5]}, [], None, "makes no input"),
    ("Lambda", {"function": "x"}, [[4]], None, "code"),
    ("Sequential", {}, [[4]], None, "holds layers"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "argument", "words"), REFUSED)
def test_refusals(kind: str, args: dict[str, Any], inputs: list[Sizes], argument: str | None, words: str) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(KERAS, kind, args, inputs)
    assert caught.value.argument == argument
    assert words in caught.value.message


def test_a_misspelled_activation_gets_a_hint() -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(KERAS, "Dense", {"units": 4, "activation": "sofmax"}, [[4]])
    assert caught.value.hint == "did you mean 'softmax'?"


def dense_spec(activation: str) -> bytes:
    return f"framework: keras\ninput: [3]\nlayers: [{{type: Dense, units: 4, activation: {activation}}}]\n".encode()


def test_an_activation_may_be_a_layer_but_its_bare_name_is_not_one() -> None:
    (row,) = load("net.arch.yaml", Request(), dense_spec("{type: PReLU}")).layers
    assert sum(weight.elements for weight in row.weights) == 3 * 4 + 4 + 4
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), dense_spec("ReLU"))
    (error,) = caught.value.errors
    assert (error.line, error.hint) == (3, "did you mean 'relu'?")


def test_free_dimensions_stay() -> None:
    built = build_layer(KERAS, "Dense", {"units": 5}, [["seq", 3]])
    assert shapes(built) == [("seq", 5)]
    assert isinstance(built.macs, Unknown)
    assert "seq" in built.macs.reason
    same = {"filters": 2, "kernel_size": 3, "padding": "same"}
    assert shapes(build_layer(KERAS, "Conv1D", same, [["seq", 3]])) == [("seq", 2)]
    assert shapes(build_layer(KERAS, "Conv1D", {**same, "padding": "causal"}, [["seq", 3]])) == [("seq", 2)]
    assert shapes(build_layer(KERAS, "Conv1D", {**same, "strides": 2}, [["seq", 3]])) == [(None, 2)]
    assert shapes(build_layer(KERAS, "Flatten", {}, [[None, 3]])) == [(None,)]
    assert shapes(build_layer(KERAS, "Reshape", {"target_shape": [-1, 3]}, [["seq", 3]])) == [("seq", 3)]


def lowered(kind: str, args: dict[str, Any], *inputs: Sizes) -> list[Step]:
    return list(lower_layer(KERAS, kind, args, inputs).steps)


def weight_shapes(step: Step) -> dict[int, tuple[int, ...]]:
    return {index: weight.shape for index, weight in step.weights.items()}


def test_a_dense_layer_lowers_to_gemm_with_the_kernel_as_onnx_holds_it() -> None:
    gemm, relu = lowered("Dense", {"units": 5, "activation": "relu"}, [3])
    assert (gemm.kind, gemm.attributes, relu.kind) == ("Gemm", {"transB": 1}, "Relu")
    assert weight_shapes(gemm) == {1: (5, 3), 2: (5,)}
    product, add = lowered("Dense", {"units": 5}, [7, 3])
    assert [product.kind, add.kind] == ["MatMul", "Add"]
    assert weight_shapes(product) == {1: (3, 5)}


def test_same_padding_puts_the_odd_zero_at_the_end() -> None:
    (step,) = lowered("Conv2D", {"filters": 2, "kernel_size": [4, 3], "strides": 2, "padding": "same"}, [8, 9, 3])
    assert step.attributes["pads"] == (1, 1, 1, 1)
    (step,) = lowered("Conv2D", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"}, [8, 8, 3])
    assert step.attributes["pads"] == (0, 0, 1, 1)
    assert step.attributes["layout"] == "NHWC"
    assert weight_shapes(step) == {1: (2, 3, 3, 3), 2: (2,)}


def test_causal_padding_is_an_operator_of_its_own() -> None:
    pad, conv = lowered("Conv1D", {"filters": 2, "kernel_size": 3, "dilation_rate": 2, "padding": "causal"}, [8, 3])
    assert (pad.kind, pad.attributes["pads"]) == ("Pad", (0, 4, 0, 0, 0, 0))
    assert (conv.kind, conv.attributes["pads"]) == ("Conv", (0, 0))


def test_a_separable_convolution_is_two_operators() -> None:
    depthwise, pointwise = lowered(
        "SeparableConv2D", {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}, [8, 8, 3]
    )
    assert (depthwise.attributes["group"], pointwise.attributes["group"]) == (3, 1)
    assert weight_shapes(depthwise) == {1: (6, 1, 3, 3)}
    assert weight_shapes(pointwise) == {1: (5, 6, 1, 1), 2: (5,)}


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("extra", [None, 0, 1])
@pytest.mark.parametrize(
    ("window", "stride", "gap"), [(1, 2, 1), (2, 3, 1), (3, 2, 1), (4, 2, 1), (5, 3, 1), (3, 1, 2)]
)
def test_a_transposed_convolution_reproduces_its_length(
    padding: str, extra: int | None, window: int, stride: int, gap: int
) -> None:
    if extra is not None and extra >= stride:
        return
    args = {"filters": 2, "kernel_size": window, "strides": stride, "padding": padding, "dilation_rate": gap}
    made = lower_layer(KERAS, "Conv1DTranspose", {**args, "output_padding": extra}, [[7, 3]])
    (step,) = made.steps
    before, after = step.attributes["pads"]  # type: ignore[misc]  # attributes are untyped
    (added,) = step.attributes["output_padding"]  # type: ignore[misc]  # as above
    length = 6 * stride + added + gap * (window - 1) + 1 - before - after
    assert made.outputs[0] is not None
    assert made.outputs[0].shape == (length, 2)
    assert weight_shapes(step)[1] == (3, 2, window)


def test_a_norm_leaves_the_places_of_absent_weights_empty() -> None:
    (step,) = lowered("BatchNormalization", {"scale": False}, [8, 6])
    assert (step.attributes["axis"], sorted(step.weights)) == (2, [2, 3, 4])
    assert len(step.inputs) == 5


def test_global_pooling_is_a_reduction() -> None:
    (step,) = lowered("GlobalAveragePooling2D", {}, [8, 8, 6])
    assert (step.kind, step.attributes) == ("ReduceMean", {"axes": (1, 2), "keepdims": 0})
    (step,) = lowered("GlobalMaxPooling1D", {"data_format": "channels_first", "keepdims": True}, [8, 6])
    assert (step.kind, step.attributes) == ("ReduceMax", {"axes": (2,), "keepdims": 1})


@pytest.mark.parametrize(
    ("kind", "args", "steps"),
    [
        ("ReLU", {"max_value": 6}, ["Clip"]),
        ("ReLU", {"negative_slope": 0.1}, ["LeakyRelu"]),
        ("ReLU", {"threshold": 1}, ["keras::ReLU"]),
        ("Activation", {"activation": "swish"}, ["Sigmoid", "Mul"]),
        ("Activation", {"activation": "glu"}, ["Split", "Sigmoid", "Mul"]),
        ("Activation", {"activation": "sparsemax"}, ["keras::sparsemax"]),
        ("Activation", {"activation": "linear"}, ["Identity"]),
        ("Dropout", {"rate": 0.5}, ["Dropout"]),
        ("RepeatVector", {"n": 3}, ["Reshape", "Tile"]),
        ("Normalization", {}, ["Sub", "Div"]),
        ("Normalization", {"invert": True, "mean": 1, "variance": 4}, ["Mul", "Add"]),
        ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 4, "bias_axes": "c"}, ["Gemm", "Add"]),
    ],
)
def test_lowerings(kind: str, args: dict[str, Any], steps: list[str]) -> None:
    assert [step.kind for step in lowered(kind, args, [6])] == steps


@st.composite
def a_layer(draw: Any) -> tuple[str, dict[str, Any], list[Sizes]]:
    """Any layer of the vocabulary with arguments from its own table and inputs of any rank; Custom may state none."""
    table = {name: entry for name, entry in entries(KERAS).items() if not entry.source and name != "Custom"}
    name = draw(st.sampled_from(sorted(table)))
    args: dict[str, Any] = {}
    for key, argument in table[name].arguments.items():
        if argument.default is not REQUIRED and draw(st.booleans()):
            continue
        if argument.kind.nested and not argument.kind.choices:
            args[key] = {"type": draw(st.sampled_from(["LSTM", "GRU", "Dense"])), "units": 4}
        elif (value := value_of(argument, draw)) is not None:
            args[key] = value
    rank = draw(st.integers(1, 4))
    shape = [draw(st.sampled_from([4, 6, 12, None])) for _ in range(rank)]
    return name, args, [shape] * draw(st.integers(1, 3))


@settings(max_examples=600, deadline=None)
@given(a_layer())
def test_every_formula_is_the_sum_of_its_weights(case: tuple[str, dict[str, Any], list[Sizes]]) -> None:
    name, args, inputs = case
    try:
        built = build_layer(KERAS, name, args, inputs)
    except LayerError:
        return
    learned = sum(prod(weight.shape) for weight in built.weights)
    if not built.unknown:
        assert learned == (built.params.value if built.params else 0)
    assert not any(weight.buffer for weight in built.weights)  # Keras counts every variable
    assert all(tensor is None or tensor.shape is not None for tensor in built.outputs)
