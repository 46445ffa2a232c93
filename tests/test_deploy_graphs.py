"""The deployment view of ONNX graphs: quantised ones, layouts, patterns, element types, and what is not known."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from deployed import Read, kinds, listing, read_graph, read_spec, sizes
from paramlint.deploy import deploy
from paramlint.ir import DType, Model, Unknown

FLOAT, INT8, INT16, HALF = DType.FLOAT32, DType.INT8, DType.INT16, DType.FLOAT16


@pytest.fixture
def spec(tmp_path: Path) -> Read:
    return partial(read_spec, tmp_path)


@pytest.fixture
def graph(tmp_path: Path) -> Read:
    return partial(read_graph, tmp_path)


def test_what_reaches_no_output_is_not_deployed(graph: Read) -> None:
    view = deploy(graph("(float[1,4] x) => (float[1,4] y) { y = Relu(x) z = MatMul(x, w) }", w=(4, 8)))
    assert (kinds(view), view.params) == (["RELU"], 0)


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
    assert (filters.role, filters.shape, filters.dtype, filters.channels) == ("filter", (4, 3, 3, 4), INT8, 1)
    assert (bias.role, bias.shape, bias.dtype, bias.channels) == ("bias", (4,), DType.INT32, 1)


@pytest.mark.parametrize(("scales", "axis"), [((), ""), ((6,), "<axis = 1>")])
def test_a_quantised_graph_says_how_many_scales_its_weights_have(
    scales: tuple[int, ...], axis: str, graph: Read
) -> None:
    text = f"""(float[1,8] x) => (float[1,6] y) {{
        xq = QuantizeLinear(x, s, qz) xd = DequantizeLinear(xq, s, qz)
        wd = DequantizeLinear{axis}(qw, ws, qzs)
        c = Gemm(xd, wd, b)
        cq = QuantizeLinear(c, s, qz) y = DequantizeLinear(cq, s, qz)
    }}"""
    view = deploy(graph(text, s=0.5, qz=(), qw=(8, 6), ws=scales or 0.25, qzs=scales, b=(6,)))
    assert [constant.channels for constant in view.operators[0].constants] == [6 if scales else 1] * 2


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


def test_experts_that_are_chosen_at_run_time_have_no_known_form(spec: Read) -> None:
    view = deploy(spec("{type: Linear, out_features: 8, parallel: 4, active: 2, name: expert}", [8]))
    assert len(view.unknown) == 1
    assert isinstance(view.params, Unknown)
    assert deploy(spec("{type: Linear, out_features: 8, parallel: 4}", [8])).unknown == ()


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
