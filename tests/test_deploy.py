"""The deployment view: what a converter makes of a network, operator by operator.

Lists of operators are the converter's own: those in ``converted.yaml`` of Keras networks, those here of ONNX graphs
and PyTorch networks as onnx2tf and tf2onnx's twins of .tflite files have them.
"""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import onnx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper
from paramlint.deploy import CONSTANT, Deployed, deploy, operators, passes
from paramlint.deploy.convert import convert
from paramlint.deploy.finish import finish
from paramlint.deploy.types import settle
from paramlint.engine import load
from paramlint.ir import DType, Model, Step, Tensor, Unknown, Weight
from paramlint.loaders import Request
from paramlint.memory import measure_ram

FLOAT, INT8, INT16, HALF = DType.FLOAT32, DType.INT8, DType.INT16, DType.FLOAT16
CONVERTED = yaml.safe_load((Path(__file__).parent / "converted.yaml").read_text())

Read = Callable[..., Model]


@pytest.fixture
def spec(tmp_path: Path) -> Read:
    """A network from its layers, written as a spec."""

    def read(layers: str | Sequence[Any], shape: Any, framework: str = "pytorch", **more: Any) -> Model:
        listed = [line.strip() for line in layers.splitlines() if line.strip()] if isinstance(layers, str) else layers
        items = [yaml.safe_load(one) if isinstance(one, str) else one for one in listed]
        path = tmp_path / "net.arch.yaml"
        path.write_text(yaml.safe_dump({"framework": framework, "input": shape, "layers": items, **more}))
        return load(str(path), Request(shapes=True))

    return read


@pytest.fixture
def graph(tmp_path: Path) -> Read:
    """An ONNX graph from its text; ``weights`` are initializers by name, of a shape or of numbers."""

    def read(text: str, opset: int = 17, **weights: Any) -> Model:
        model = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["" : {opset}]> g {text}')
        for name, value in weights.items():
            model.graph.initializer.append(stored(name, value))
        path = tmp_path / "net.onnx"
        onnx.save(model, path)
        return load(str(path), Request(shapes=True))

    return read


def stored(name: str, value: Any) -> TensorProto:
    """Weights of a shape (every one with numbers of its own), one float, or a list of integers; ``q`` is int8."""
    if isinstance(value, float):
        return helper.make_tensor(name, TensorProto.FLOAT, [], [value])
    if isinstance(value, list):
        return helper.make_tensor(name, TensorProto.INT64, [len(value)], value)
    count = 1
    for size in value:
        count *= size
    if name.startswith("q"):
        return helper.make_tensor(name, TensorProto.INT8, value, [1] * count)
    return helper.make_tensor(name, TensorProto.FLOAT, value, [float(len(name)) + place for place in range(count)])


def listing(view: Deployed) -> list[str]:
    """Each operator with its fused activation and the shape of its output."""
    found = []
    for one in view.operators:
        fused = one.options.get("activation")
        shape = "x".join(map(str, view.buffers[one.outputs[0]].shape))
        found.append(f"{one.kind}{f'+{fused}' if fused else ''} {shape}")
    return found


def kinds(view: Deployed) -> list[str]:
    return [one.kind for one in view.operators]


def sizes(view: Deployed) -> list[Any]:
    return [buffer.bytes for buffer in view.buffers]


# -- what is free ---


def test_nothing_is_left_of_what_does_nothing(spec: Read) -> None:
    view = deploy(spec("Identity\nDropout", [4]))
    assert (view.operators, view.params, view.unknown, view.assumed) == ((), 0, (), ())
    assert (view.inputs, view.outputs, sizes(view)) == ((0,), (0,), [16])


def test_what_reaches_no_output_is_not_deployed(graph: Read) -> None:
    view = deploy(graph("(float[1,4] x) => (float[1,4] y) { y = Relu(x) z = MatMul(x, w) }", w=(4, 8)))
    assert (kinds(view), view.params) == (["RELU"], 0)


# -- as the converter ---


@pytest.mark.parametrize("dtype", [FLOAT, INT8], ids=lambda one: one.value)
@pytest.mark.parametrize("name", CONVERTED)
def test_a_keras_network_becomes_what_the_converter_makes_of_it(name: str, dtype: DType, spec: Read) -> None:
    case = CONVERTED[name]
    view = deploy(spec(case["layers"], case["input"], "keras"), dtype)
    assert listing(view) == case.get(dtype.value, case["float32"]).splitlines()
    assert (view.params, view.unknown) == (case["params"], ())
    assert measure_ram(view, kernels="reference", order=False).bound == case["bound"][dtype.value]
    assert view.quantized == (dtype == INT8)


PYTORCH = {
    "flattened images turn back to channels first": (
        [3, 8, 8],
        "{type: Conv2d, out_channels: 4, kernel_size: 3, padding: 1}\nReLU\n{type: MaxPool2d, kernel_size: 2}\n"
        "Flatten\n{type: Linear, out_features: 5}",
        "CONV_2D+RELU 1x8x8x4 | MAX_POOL_2D 1x4x4x4 | TRANSPOSE 1x4x4x4 | RESHAPE 1x64 | FULLY_CONNECTED 1x5",
    ),
    "padding at both sides under a stride is an operator": (
        [3, 16, 16],
        "{type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1, bias: false}\nBatchNorm2d\nReLU6\n"
        "{type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1}",
        "PAD 1x18x18x3 | CONV_2D+RELU6 1x8x8x4 | PADV2 1x10x10x4 | MAX_POOL_2D 1x4x4x4",
    ),
    "an odd length makes it the converter's own": (
        [3, 17, 17],
        "{type: Conv2d, out_channels: 4, kernel_size: 3, stride: 2, padding: 1}",
        "CONV_2D 1x9x9x4",
    ),
    "a last window that hangs over the edge is padding": (
        [3, 8, 8],
        "{type: MaxPool2d, kernel_size: 3, stride: 2, ceil_mode: true}\n"
        "{type: MaxPool2d, kernel_size: 3, stride: 2, padding: 1, ceil_mode: true}",
        "MAX_POOL_2D 1x4x4x3 | PADV2 1x7x7x3 | MAX_POOL_2D 1x3x3x3",
    ),
    "zeros of a mean count": (
        [3, 8, 8],
        "{type: AvgPool2d, kernel_size: 3, stride: 1, padding: 1}",
        "PAD 1x10x10x3 | AVERAGE_POOL_2D 1x8x8x3",
    ),
    "depthwise is one group for each channel": (
        [4, 8, 8],
        "{type: Conv2d, out_channels: 8, kernel_size: 3, groups: 4}\n"
        "{type: Conv2d, out_channels: 8, kernel_size: 1, groups: 2}",
        "DEPTHWISE_CONV_2D 1x6x6x8 | CONV_2D 1x6x6x8",
    ),
    "more output than the window gives is cut off": (
        [3, 8, 8],
        "{type: ConvTranspose2d, out_channels: 2, kernel_size: 3, stride: 2, padding: 1, output_padding: 1}",
        "TRANSPOSE_CONV 1x17x17x2 | STRIDED_SLICE 1x16x16x2",
    ),
    "pixels in PyTorch's order": (
        [8, 4, 4],
        "{type: PixelShuffle, upscale_factor: 2}",
        "RESHAPE 1x4x4x2x2x2 | TRANSPOSE 1x4x2x4x2x2 | RESHAPE 1x8x8x2",
    ),
    "sequences": (
        [3, 20],
        "{type: Conv1d, out_channels: 4, kernel_size: 3, padding: 1}\nBatchNorm1d\nReLU\n"
        "{type: MaxPool1d, kernel_size: 2}\n{type: AdaptiveAvgPool1d, output_size: 1}\nFlatten\n"
        "{type: Linear, out_features: 2}",
        "RESHAPE 1x1x20x3 | CONV_2D+RELU 1x1x20x4 | MAX_POOL_2D 1x1x10x4 | RESHAPE 1x10x4 | MEAN 1x1x4 | "
        "FULLY_CONNECTED 1x2",
    ),
    "one slope for each channel": (
        [3, 6, 6],
        "{type: Conv2d, out_channels: 4, kernel_size: 3}\n{type: PReLU, num_parameters: 4}",
        "CONV_2D 1x4x4x4 | PRELU 1x4x4x4",
    ),
    "instance normalisation": (
        [3, 6, 6],
        "{type: Conv2d, out_channels: 4, kernel_size: 3}\n{type: InstanceNorm2d, affine: true}\nReLU",
        "CONV_2D 1x4x4x4 | MEAN 1x1x1x4 | SQUARED_DIFFERENCE 1x4x4x4 | MEAN 1x1x1x4 | ADD 1x1x1x4 | RSQRT 1x1x1x4 | "
        "SUB 1x4x4x4 | MUL 1x4x4x4 | MUL 1x4x4x4 | ADD+RELU 1x4x4x4",
    ),
}


@pytest.mark.parametrize("name", PYTORCH)
def test_a_pytorch_network_lies_channels_last(name: str, spec: Read) -> None:
    shape, layers, expected = PYTORCH[name]
    assert listing(deploy(spec(layers, shape))) == expected.split(" | ")


def test_elu_of_a_quantised_network_is_computed_in_floats(spec: Read) -> None:
    view = deploy(spec("{type: Conv2D, filters: 3, kernel_size: 3, activation: elu}", [8, 8, 2], "keras"), INT8)
    assert kinds(view) == ["CONV_2D", "DEQUANTIZE", "ELU", "QUANTIZE"]
    assert sizes(view) == [128, 108, 432, 432, 108]


# -- graphs of ONNX ---


def test_a_layout_change_at_a_convolution_and_at_the_ends_is_free(graph: Read) -> None:
    view = deploy(
        graph(
            """(float[1,8,8,3] x) => (float[1,6,6,4] y) {
                a = Transpose<perm = [0, 3, 1, 2]>(x)
                b = Conv<kernel_shape = [3, 3]>(a, w, b0)
                y = Transpose<perm = [0, 2, 3, 1]>(b)
            }""",
            w=(4, 3, 3, 3),
            b0=(4,),
        )
    )
    assert listing(view) == ["CONV_2D 1x6x6x4"]
    assert [buffer.shape for buffer in view.buffers] == [(1, 8, 8, 3), (1, 6, 6, 4)]


def test_any_other_transpose_is_a_buffer(graph: Read) -> None:
    text = """(float[1,4,6,2] x) => (float[1,4,2,4] y) {
        a = Transpose<perm = [0, 3, 2, 1]>(x)
        b = Conv<kernel_shape = [3, 3]>(a, w)
        y = Transpose<perm = [0, 2, 3, 1]>(b)
    }"""
    assert listing(deploy(graph(text, w=(4, 2, 3, 3)))) == ["TRANSPOSE 1x6x4x2", "CONV_2D 1x4x2x4"]


QUANTISED = """(float[1,4,8,8] x) => (float[1,4,8,8] y) {
    xq = QuantizeLinear(x, s, qz)
    xd = DequantizeLinear(xq, s, qz)
    wd = DequantizeLinear(qw, s, qz)
    c = Conv<kernel_shape = [3, 3], pads = [1, 1, 1, 1]>(xd, wd, b)
    r = Relu(c)
    rq = QuantizeLinear(r, s, qz)
    rd = DequantizeLinear(rq, s, qz)
    %s
}"""


def quantised(graph: Read, rest: str) -> Model:
    return graph(QUANTISED % rest, s=0.5, qz=(), qw=(4, 4, 3, 3), b=(4,), s2=0.25)


def test_a_tensor_and_its_integers_are_one_buffer(graph: Read) -> None:
    view = deploy(quantised(graph, "y = Identity(rd)"))
    assert (listing(view), sizes(view)) == (["CONV_2D+RELU 1x8x8x4"], [256, 256])
    assert [buffer.dtype for buffer in view.buffers] == [INT8, INT8]
    assert view.quantized
    assert view.dtype is None
    assert view.assumed == ("RAM: the inputs and outputs of the network are int8, too",)
    filters, bias = view.operators[0].constants
    assert (filters.role, filters.shape, filters.dtype, filters.channels) == ("filter", (4, 3, 3, 4), INT8, 4)
    assert (bias.role, bias.shape, bias.dtype, bias.channels) == ("bias", (4,), DType.INT32, 4)


def test_another_scale_is_an_operator(graph: Read) -> None:
    view = deploy(quantised(graph, "q = QuantizeLinear(rd, s2, qz) y = DequantizeLinear(q, s2, qz)"))
    assert (kinds(view), sizes(view)) == (["CONV_2D", "QUANTIZE"], [256, 256, 256])


def test_floats_between_integers_are_converted(graph: Read) -> None:
    view = deploy(quantised(graph, "y = Softmax<axis = 1>(rd)"))
    assert kinds(view) == ["CONV_2D", "DEQUANTIZE", "SOFTMAX"]
    assert sizes(view) == [256, 256, 1024, 1024]


def test_a_quantised_graph_can_be_taken_at_floats(graph: Read) -> None:
    view = deploy(quantised(graph, "q = QuantizeLinear(rd, s2, qz) y = DequantizeLinear(q, s2, qz)"), FLOAT)
    assert (kinds(view), sizes(view), view.quantized) == (["CONV_2D"], [1024, 1024], False)


def test_a_product_of_two_tensors_takes_transposes_as_flags(graph: Read) -> None:
    text = """(float[1,2,6,4] a, float[1,2,6,4] b) => (float[1,2,6,6] y) {
        t = Transpose<perm = [0, 1, 3, 2]>(b)
        y = MatMul(a, t)
    }"""
    (product,) = deploy(graph(text)).operators
    assert (product.kind, product.inputs, product.options["adj_x"], product.options["adj_y"]) == (
        "BATCH_MATMUL", (0, 1), False, True,
    )  # fmt: skip


GELU = """(float[1,5,8] x) => (float[1,5,8] y) {{
    a = Mul(x, {}) b = Div(x, root) c = Erf(b) d = Add(c, one) y = Mul(a, d)
}}"""


def test_gelu_is_found_in_the_order_in_which_the_converter_finds_it(graph: Read) -> None:
    numbers = {"half": 0.5, "root": 1.4142135, "one": 1.0, "third": 0.3}
    assert kinds(deploy(graph(GELU.format("half"), **numbers))) == ["GELU"]
    other = deploy(graph(GELU.format("third"), **numbers))
    assert kinds(other) == ["MUL", "MUL", "ERF", "ADD", "MUL"]
    assert other.unknown == ()


def test_a_bias_that_is_added_and_a_batch_norm_fold_into_a_product(graph: Read) -> None:
    text = """(float[1,4] x) => (float[1,6] y) {
        a = MatMul(x, w) b = Add(a, bias)
        y = BatchNormalization(b, scale, shift, mean, var)
    }"""
    view = deploy(graph(text, w=(4, 6), bias=(6,), scale=(6,), shift=(6,), mean=(6,), var=(6,)))
    assert (listing(view), view.params) == (["FULLY_CONNECTED 1x6"], 4 * 6 + 6)


def test_nothing_folds_past_an_activation_or_another_reader(graph: Read) -> None:
    fused = "(float[1,4] x) => (float[1,6] y) { a = MatMul(x, w) b = Relu(a) y = Mul(b, k) }"
    assert kinds(deploy(graph(fused, w=(4, 6), k=(6,)))) == ["FULLY_CONNECTED", "MUL"]
    read = "(float[1,4,1,1] x) => (float[1,6,1,1] y, float[1,6,1,1] a) { a = Conv(x, w) y = Relu(a) }"
    assert kinds(deploy(graph(read, w=(6, 4, 1, 1)))) == ["CONV_2D", "RELU"]


def test_clamps_that_an_operator_does_itself(graph: Read) -> None:
    text = "(float[1,4] x) => (float[1,4] y) {{ a = Add(x, x) y = Clip(a, low, high) }}"
    for low, high, fused in ((0.0, 6.0, "+RELU6"), (-1.0, 1.0, "+RELU_N1_TO_1"), (0.0, 1.0, "+RELU_0_TO_1")):
        assert listing(deploy(graph(text.format(), low=low, high=high))) == [f"ADD{fused} 1x4"]
    assert kinds(deploy(graph(text.format(), low=-2.0, high=3.0))) == ["ADD", "MINIMUM", "MAXIMUM"]


def test_equal_operators_run_once_but_weights_make_them_differ(graph: Read) -> None:
    text = """(float[1,4] x) => (float[1,4] y) {
        a = Sigmoid(x) b = Sigmoid(x) c = MatMul(a, v) d = MatMul(b, w) y = Add(c, d)
    }"""
    assert kinds(deploy(graph(text, v=(4, 4), w=(4, 4)))) == ["LOGISTIC", "FULLY_CONNECTED", "FULLY_CONNECTED", "ADD"]


def test_constants_that_are_known_before_anything_runs_are_no_operators(graph: Read) -> None:
    text = """(float[1,4,2] x) => (float[1,8] y) {
        s = Shape(x) zero = Constant<value_ints = [0]>() n = Gather(s, zero)
        rest = Constant<value_ints = [8]>() t = Concat<axis = 0>(n, rest) y = Reshape(x, t)
    }"""
    assert listing(deploy(graph(text))) == ["RESHAPE 1x8"]


# -- element types ---


@pytest.mark.parametrize(
    ("dtype", "weights", "bias", "buffers"),
    [
        (None, FLOAT, FLOAT, [16, 24]),
        (HALF, HALF, HALF, [8, 12]),
        (INT8, INT8, DType.INT32, [4, 6]),
        (INT16, INT8, DType.INT64, [8, 12]),
    ],
    ids=lambda one: getattr(one, "value", None),
)
def test_types_of_weights_biases_and_buffers(
    dtype: DType | None, weights: DType, bias: DType, buffers: list[int], spec: Read
) -> None:
    view = deploy(spec("{type: Linear, out_features: 6}", [4]), dtype)
    assert [one.dtype for one in view.operators[0].constants] == [weights, bias]
    assert (sizes(view), view.params) == (buffers, 30)


def test_a_spec_has_a_type_of_its_own(spec: Read) -> None:
    model = spec("{type: Linear, out_features: 6}", [4], dtype="int8")
    assert deploy(model).dtype is INT8
    assert deploy(model, FLOAT).dtype is FLOAT


def test_indices_stay_whole_numbers(spec: Read) -> None:
    layers = "{type: Embedding, num_embeddings: 10, embedding_dim: 4}"
    view = deploy(spec(layers, {"shape": [7], "dtype": "int32"}), INT8)
    assert [(buffer.dtype, buffer.bytes) for buffer in view.buffers] == [(DType.INT32, 28), (INT8, 28)]
    assert [(one.role, one.dtype) for one in view.operators[0].constants] == [("table", INT8)]


def test_a_shared_layer_has_a_bias_for_each_scale_of_its_input(spec: Read) -> None:
    layers = [
        {"type": "Conv2D", "name": "a", "filters": 4, "kernel_size": 3, "inputs": ["input"]},
        {"type": "Activation", "name": "b", "activation": "sigmoid", "inputs": ["input"]},
        {"type": "Conv2D", "name": "c", "filters": 4, "kernel_size": 3, "inputs": ["b"], "shared_with": "a"},
        {"type": "Add", "inputs": ["a", "c"]},
    ]
    model = spec(layers, [8, 8, 2], "keras")
    assert (deploy(model).params, deploy(model, INT8).params) == (76, 80)


def test_what_is_assumed_is_said(spec: Read) -> None:
    layers = [
        {"type": "Dense", "name": "a", "units": 4},
        {"type": "Dense", "name": "b", "units": 4},
        {"type": "Concatenate", "inputs": ["a", "b"], "axis": 1},
        "Flatten",
        {"type": "Dense", "units": 2},
    ]
    model = spec(layers, [3, 4], "keras")
    buffer = "RAM: a Reshape before a dense layer takes a buffer (old converters dropped it)"
    assert deploy(model).assumed == (buffer,)
    assert deploy(model, INT8).assumed == (
        "RAM: the inputs and outputs of the network are int8, too",
        "RAM: no QUANTIZE where inputs of Concat, Max or Min differ in scale; only an int8 graph tells",
        buffer,
    )


# -- what is not known ---


def test_an_operator_without_a_known_form_is_never_free(graph: Read) -> None:
    text = "(float[1,4] x) => (float[1,4] y) { a = MatMul(x, w) b = Det(a) y = Relu(a) }"
    assert deploy(graph(text, w=(4, 4))).unknown == ()  # nothing reads b
    view = deploy(graph("(float[3,1,2] x) => (float[1,1,2] y) { y, h = GRU<hidden_size = 2>(x, w, r) }",
                        w=(1, 6, 2), r=(1, 6, 2)))  # fmt: skip
    assert [(one.kind, one.onnx) for one in view.operators] == [("GRU", "GRU")]
    (reason,) = view.unknown
    assert "recurrent" in reason
    assert view.params == Unknown(reason)


def test_steps_that_contradict_themselves_are_told(graph: Read) -> None:
    model = graph("(float[1,3,8,8] x) => (float[1,4,6,6] y) { y = Conv(x, w) }", w=(4, 3, 3, 3))
    (step,) = model.steps
    for attributes in ({"strides": (0, 0)}, {"pads": (1,)}, {"kernel_shape": (3,)}, {"kernel_shape": ()}):
        view = deploy(model._replace(steps=(step._replace(attributes={**step.attributes, **attributes}),)))
        assert kinds(view) == ["Conv"]
        assert len(view.unknown) == 1


def test_a_free_size_leaves_bytes_unknown(graph: Read) -> None:
    view = deploy(graph("(float[1,T,4] x) => (float[1,T,6] y) { y = MatMul(x, w) }", w=(4, 6)))
    assert (kinds(view), view.params, view.unknown) == (["FULLY_CONNECTED"], 24, ())
    assert [buffer.bytes for buffer in view.buffers] == [
        Unknown("the size T of x is free"), Unknown("the size T of y is free"),
    ]  # fmt: skip


# -- what always holds ---

LAYERS = (
    {"type": "Conv2D", "filters": 4, "kernel_size": 3, "padding": "same"},
    {"type": "Conv2D", "filters": 4, "kernel_size": 1, "use_bias": False, "activation": "relu"},
    {"type": "DepthwiseConv2D", "kernel_size": 3, "padding": "same"},
    {"type": "MaxPooling2D", "pool_size": 3, "strides": 1, "padding": "same"},
    {"type": "Activation", "activation": "sigmoid"},
    {"type": "Reshape", "target_shape": [8, 8, 4]},
    {"type": "Rescaling", "scale": 0.5, "offset": 1.0},
    "BatchNormalization", "ReLU", "ELU", "LayerNormalization", {"type": "Dropout", "rate": 0.5},
)  # fmt: skip
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D")


@st.composite
def networks(draw: st.DrawFn) -> list[Any]:
    """Layers on images of one shape, one behind the other or added to an earlier one."""
    layers: list[Any] = []
    for place in range(draw(st.integers(1, 9))):
        layer = draw(st.sampled_from(LAYERS))
        named = {**({"type": layer} if isinstance(layer, str) else layer), "name": f"l{place}"}
        if place and draw(st.booleans()):
            other = f"l{draw(st.integers(0, place - 1))}"
            named = {"type": "Add", "name": f"l{place}", "inputs": [f"l{place - 1}", other]}
        layers.append(named)
    return layers


@given(networks(), st.sampled_from([FLOAT, INT8]))
def test_folding_keeps_outputs_and_kernels(
    tmp_path_factory: pytest.TempPathFactory, layers: list[Any], dtype: DType
) -> None:
    path = tmp_path_factory.getbasetemp() / "drawn.arch.yaml"
    path.write_text(yaml.safe_dump({"framework": "keras", "input": [8, 8, 4], "layers": layers}))
    model = load(str(path), Request(shapes=True))
    view = deploy(model, dtype)
    draft = convert(model)
    settle(draft, dtype)
    plain = finish(draft, dtype)
    assert [view.buffers[place].bytes for place in view.outputs] == [
        plain.buffers[place].bytes for place in plain.outputs
    ]
    assert len(view.operators) <= len(plain.operators)
    kernels = [one.constants[0].elements for one in view.operators if one.kind in WEIGHTED]
    counted = [step.weights[1].elements for step in model.steps if step.kind == "Conv"]
    assert sorted(kernels) == sorted(counted)
    made = set(view.inputs)
    for one in view.operators:
        assert {place for place in one.inputs if place != CONSTANT} <= made, "an operator reads what is not there yet"
        made |= set(one.outputs)
    assert sorted(made) == list(range(len(view.buffers)))


def chain(count: int) -> Model:
    """Residual blocks: convolution, activation, sum."""
    tensors = {"x": Tensor("x", (1, 8, 16, 16), FLOAT)}
    steps: list[Step] = []
    before = "x"
    for place in range(count // 3):
        names = [f"{kind}{place}" for kind in ("conv", "relu", "sum")]
        tensors |= {name: Tensor(name, (1, 8, 16, 16), FLOAT) for name in names}
        weights = {1: Weight("kernel", (8, 8, 3, 3), FLOAT, f"w{place}"), 2: Weight("bias", (8,), FLOAT, f"b{place}")}
        window = {"kernel_shape": (3, 3), "pads": (1, 1, 1, 1)}
        steps.append(Step("Conv", (before, "", ""), (names[0],), window, weights, names[0]))
        steps.append(Step("Relu", (names[0],), (names[1],), layer=names[1]))
        steps.append(Step("Add", (names[1], before), (names[2],), layer=names[2]))
        before = names[2]
    return Model("m", "m", "onnx", None, (tensors["x"],), (before,), (), tensors, tuple(steps), 0, True)


def test_time_grows_as_the_network_does() -> None:
    def seconds(model: Model) -> float:
        best = 1e9
        for _ in range(3):
            start = time.process_time()
            deploy(model, INT8)
            best = min(best, time.process_time() - start)
        return best

    short, long = chain(1_500), chain(15_000)
    assert len(deploy(long).operators) == 10_000
    assert seconds(long) < 25 * seconds(short)


@pytest.mark.parametrize("package", [operators, passes], ids=["operators", "passes"])
def test_every_file_of_a_folder_adds_something(package: Any) -> None:
    """A new family is a new file; nothing lists them."""
    package.load()
    tables = [operators.CONVERSIONS.values()]
    tables += [[entry.rule for entries in table.values() for entry in entries] for table in (passes.RULES, passes.LATE)]
    homes = {function.__module__ for table in tables for function in table}
    for module in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{module.name}"
        assert importlib.import_module(name).__doc__
        assert name in homes or module.name == "windows", f"{name} registers nothing"
