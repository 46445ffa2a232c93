"""What a stored tensor is, where only values, names, shapes and the exporter's record can tell."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy
import onnx
import pytest
from onnx import helper, numpy_helper, parser
from paramlint.ir import Model
from paramlint.loaders import Request
from paramlint.loaders.onnx.read import read_bytes
from paramlint.measure import measure

RANDOM = numpy.random.default_rng(11)
Arrays = dict[str, Any]


def text(body: str, arrays: Arrays | None = None, producer: str = "", opset: int = 17) -> onnx.ModelProto:
    """A model in onnx's own text syntax; ``arrays`` become initializers: a shape stands for random float32."""
    head = f'"": {opset}, "com.microsoft": 1'
    model = parser.parse_model(f"<ir_version: 10, opset_import: [{head}]>\n{body}")
    for name, array in (arrays or {}).items():
        if isinstance(array, tuple):
            array = RANDOM.normal(size=array).astype(numpy.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    model.producer_name = producer
    return model


def record(model: onnx.ModelProto, *expressions: str) -> onnx.ModelProto:
    """Write what torch's exporter notes about each node, in order."""
    model.producer_name = "pytorch"
    for node, expression in zip(model.graph.node, expressions, strict=True):
        node.metadata_props.add(key="pkg.torch.onnx.fx_node", value=expression)
    return model


def constant(model: onnx.ModelProto, name: str, array: Any) -> onnx.ModelProto:
    """Put ``array`` into a Constant node before all others."""
    node = helper.make_node("Constant", [], [name], name=name, value=numpy_helper.from_array(array))
    model.graph.node.insert(0, node)
    return model


def absent(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the data of all its tensors in a file that is not there."""
    tensors = list(model.graph.initializer)
    tensors += [node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"]
    for tensor in tensors:
        if tensor.data_type == onnx.TensorProto.FLOAT:
            tensor.ClearField("raw_data")
            tensor.ClearField("float_data")
            tensor.data_location = onnx.TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="absent.bin")
    return model


def loaded(model: onnx.ModelProto, **request: Any) -> Model:
    return read_bytes("m.onnx", model.SerializeToString(), Request(**request))


def params(model: onnx.ModelProto) -> int | None:
    """The count, the same with shapes and without."""
    fast, full = measure(loaded(model, shapes=False)), measure(loaded(model))
    assert fast.total("params") == full.total("params")
    return full.total("params").value


def weights(*shape: int) -> Any:
    return RANDOM.normal(size=shape).astype(numpy.float32)


ONES, ZEROS = numpy.ones(4, numpy.float32), numpy.zeros(4, numpy.float32)
SCORES = "g (float[1,4,6,6] x) => (float[1,4,6,6] y) { s = Add(x, b) y = Softmax(s) }"
SLOPES = numpy.float32([0.25, 0.0625, 0.015625, 0.00390625]).reshape(4, 1)
SHIFTED = numpy.where(RANDOM.random((4, 6, 6)) > 0.5, numpy.float32(-100), numpy.float32(0))
RAMP = SLOPES.reshape(4, 1, 1) * numpy.arange(-5, 1, dtype=numpy.float32)


@pytest.mark.parametrize(
    ("body", "arrays"),
    [
        pytest.param("y = LayerNormalization(x, onnx_1, onnx_2)", {"onnx_1": ONES, "onnx_2": ZEROS},
                     id="scale and bias that the operator demands"),
        pytest.param("y = Add(x, onnx_1)", {"onnx_1": SLOPES[:, 0]}, id="slopes of linear biases"),
        pytest.param("y = Add(x, onnx_1)", {"onnx_1": numpy.float32([0, 1, 2, 3])}, id="positions"),
    ],
)  # fmt: skip
def test_what_torch_makes_itself_is_no_weight(body: str, arrays: Arrays) -> None:
    body = body.replace("onnx_", "onnx::K_")
    named = {name.replace("onnx_", "onnx::K_"): array for name, array in arrays.items()}
    model = parser.parse_model('<ir_version: 10, opset_import: ["": 17]> g (float[1,4] x) => (float y) { y = Relu(x) }')
    del model.graph.node[:]
    kind, inputs = body.removeprefix("y = ").rstrip(")").split("(")
    model.graph.node.append(helper.make_node(kind, inputs.split(", "), ["y"]))
    for name, array in named.items():
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    model.producer_name = "pytorch"
    assert params(model) == 0


@pytest.mark.parametrize("mask", [SHIFTED, numpy.where(SHIFTED, numpy.float32(-3e38), numpy.float32(0))])
def test_masks_are_no_weights(mask: Any) -> None:
    assert params(text(SCORES, {"b": mask})) == 0


def test_biases_of_attention_are_weights_and_their_ramps_are_none() -> None:
    assert params(text(SCORES, {"b": (4, 6, 6)})) == 4 * 6 * 6
    assert params(constant(text(SCORES, {"unread": (1,)}, "pytorch"), "b", RAMP)) == 0


def test_without_its_content_a_mask_is_known_by_its_one_head_or_its_name() -> None:
    named = text(SCORES.replace("(x, b)", "(x, attn_mask)"), {"attn_mask": (4, 6, 6)})
    assert params(absent(named)) == 0
    model = absent(text(SCORES.replace("(x, b)", "(x, where)"), {"where": (1, 1, 6, 6)}, "pytorch"))
    assert params(model) == 0
    assert any("masks" in said for said in loaded(model).assumed)
    learned = absent(text(SCORES, {"b": (1, 4, 6, 6)}, "pytorch"))
    assert params(learned) == 4 * 6 * 6
    assert any("values are not at hand" in said for said in loaded(learned).assumed)


def sinusoids(length: int, width: int, halves: bool = False) -> Any:
    angle = numpy.arange(length)[:, None] / 10000 ** (numpy.arange(0, width, 2) / width)
    waves = [numpy.sin(angle), numpy.cos(angle)]
    table = numpy.concatenate(waves, 1) if halves else numpy.stack(waves, -1).reshape(length, width)
    return table.astype(numpy.float32)


@pytest.mark.parametrize("halves", [False, True])
@pytest.mark.parametrize("first", [0, 5])
def test_sinusoids_are_known_in_any_layout_and_from_any_position(halves: bool, first: int) -> None:
    table = sinusoids(20, 8, halves)[first:]
    body = f"g (float[{20 - first},8] x) => (float y) {{ y = Add(x, t) }}"
    assert params(text(body, {"t": table})) == 0
    assert params(text(body, {"t": weights(20 - first, 8)})) == (20 - first) * 8


ROTATION = (
    "g (float[6,8] q) => (float[6,8] y) { a, b = Split(q, half) n = Neg(b) r = Concat<axis = 1>(n, a) "
    "c = Mul(q, table1) s = Mul(r, table2) y = Add(c, s) }"
)


def test_tables_that_rotate_are_known_by_the_rotation() -> None:
    arrays = {"half": numpy.array([4, 4]), "table1": (6, 8), "table2": (6, 8)}
    model = text(ROTATION.replace("Split(q, half)", "Split<axis = 1>(q, half)"), arrays)
    assert params(model) == 0
    assert any("rotary" in said for said in loaded(model).assumed)
    scaled = text("g (float[6,8] q) => (float[6,8] y) { c = Mul(q, t) y = Add(c, q) }", {"t": (6, 8)})
    assert params(scaled) == 6 * 8


def test_blurring_filters_are_no_weights() -> None:
    row = numpy.float32([1, 2, 1])
    blur = numpy.broadcast_to(numpy.outer(row, row) / 16, (4, 1, 3, 3)).astype(numpy.float32)
    body = "g (float[1,4,8,8] x) => (float y) { y = Conv<group = 4>(x, k) }"
    model = text(body, {"k": blur})
    assert params(model) == 0
    assert any("same for every channel" in said for said in loaded(model).assumed)
    assert params(text(body, {"k": (4, 1, 3, 3)})) == 4 * 3 * 3
    assert params(text(body, {"k": numpy.ones((4, 1, 3, 3), numpy.float32)})) == 4 * 3 * 3  # not trained yet


def test_constants_of_traced_code_are_no_parameters_beside_initializers() -> None:
    body = "g (float[1,8] x) => (float y) { h = MatMul(x, w) y = MatMul(h, k) }"
    model = constant(text(body, {"w": (8, 8)}, "pytorch"), "k", weights(8, 8))
    assert params(model) == 8 * 8
    frozen = constant(constant(text(body, {}, "pytorch"), "k", weights(8, 8)), "w", weights(8, 8))
    assert params(frozen) == 2 * 8 * 8  # a frozen module has nothing but constants
    assert params(constant(text(body, {"w": (8, 8)}), "k", weights(8, 8))) == 2 * 8 * 8  # another exporter


def test_a_bias_that_the_code_had_looked_up_before_is_a_weight() -> None:
    def model(table: Any) -> onnx.ModelProto:
        body = SCORES.replace("(x, b)", "(h, b)").replace("{ s", "{ h = MatMul(x, w) s")
        return constant(text(body, {"w": (6, 6)}, "pytorch"), "b", table)

    assert params(model(weights(4, 6, 6))) == 6 * 6 + 4 * 6 * 6
    assert params(model(SHIFTED)) == 6 * 6
    assert params(absent(model(weights(4, 6, 6)))) == 6 * 6 + 4 * 6 * 6  # it ends in a softmax
    assert params(absent(model(weights(4, 1, 6, 6)))) == 6 * 6  # one for all heads


LEARNED_ELSEWHERE = [
    pytest.param("g (float[2,8] x, bool[2,1] m) => (float y) { y = Where(m, token, x) }", {"token": (1, 8)}, 8,
                 id="a mask token"),
    pytest.param("g (float[2,8] x) => (float y) { y = Pow(x, p) }", {"p": numpy.float32([3])}, 1, id="an exponent"),
    pytest.param("g (float[5,1,8] x) => (float y) { y = RNN<hidden_size = 4>(x, w, r, , , h0) }",
                 {"w": (1, 4, 8), "r": (1, 4, 4), "h0": (1, 1, 4)}, 4 * 8 + 4 * 4 + 4, id="a first state"),
    pytest.param("g (float[2,8] x) => (float y) { y = Mul(x, scale) }", {"scale": numpy.float32(0.5)}, 1,
                 id="a scalar"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "arrays", "expected"), LEARNED_ELSEWHERE)
def test_what_a_torch_module_named_is_learned_in_unusual_places(body: str, arrays: Arrays, expected: int) -> None:
    assert params(text(body, arrays, "pytorch")) == expected


@pytest.mark.parametrize(("body", "arrays", "expected"), LEARNED_ELSEWHERE)
def test_other_files_do_not_say_that_it_was(body: str, arrays: Arrays, expected: int) -> None:
    found = params(text(body, arrays))
    assert found is not None
    assert found < expected


def test_after_a_choice_the_graph_goes_on() -> None:
    body = (
        "g (float[2,8] x, bool[2,1] m) => (float y) { t = Where(m, fill, x) h = MatMul(t, w) z = Where(m, h, fill) "
        "y = MatMul(z, w) }"
    )
    assert params(text(body, {"fill": numpy.float32(0), "w": (8, 8)})) == 8 * 8


def test_what_is_scattered_into_zeros_comes_from_the_graph() -> None:
    body = "g (float[1,8] x) => (float y) { c = ScatterND(zeros, i, x) y = MatMul(c, w) }"
    arrays = {"zeros": numpy.zeros((3, 8), numpy.float32), "i": numpy.array([[1]]), "w": (8, 4)}
    found = measure(loaded(text(body, arrays)))
    assert (found.total("params").value, found.total("macs").value) == (8 * 4, 3 * 8 * 4)


def test_quantisation_scales_made_at_run_time_are_no_weights() -> None:
    body = (
        "g (float[2,8] x) => (float y) { q, s, z = DynamicQuantizeLinear(x) m = MatMulInteger(q, w, z) "
        "f = Cast<to = 1>(m) k = Mul(s, ws) r = Mul(f, k) h = Add(r, b) y = Mul(h, gain) }"
    )
    arrays = {"w": RANDOM.integers(-9, 9, (8, 4)).astype(numpy.int8), "ws": (4,), "b": (4,), "gain": (4,)}
    assert params(text(body, arrays)) == 8 * 4 + 4 + 4
    arrays["ws"] = numpy.float32(0.1)  # one for all columns, and named as a module would name its own
    assert params(text(body, arrays, "pytorch")) == 8 * 4 + 4 + 4


def test_tables_of_other_integer_widths_and_forms() -> None:
    wide = text("g (int64[3] i) => (float y) { r = Gather(t, i) y = DequantizeLinear(r, s) }",
                {"t": RANDOM.integers(-99, 99, (10, 4)).astype(numpy.int16), "s": numpy.float32(0.1)},
                opset=21)  # fmt: skip
    assert params(wide) == 10 * 4
    fused = text(
        "g (int64[3] i, uint8[3,4] o) => (uint8 y) "
        "{ r = Gather(t, i) y = com.microsoft.QLinearAdd(r, s, z, o, s, z, s, z) }",
        {"t": RANDOM.integers(0, 99, (10, 4)).astype(numpy.uint8), "s": numpy.float32(0.1), "z": numpy.uint8(0)},
    )
    assert params(fused) == 10 * 4


def test_points_that_distances_are_taken_to_are_weights() -> None:
    body = "g (float[1,1,3] x) => (float y) { d = Sub(x, points) y = ReduceL2<keepdims = 0>(d) }"
    assert params(text(body, {"points": (1, 20, 3)})) == 20 * 3
    assert params(text(body, {"points": (1, 1, 3)})) == 0  # a mean


def test_the_record_of_the_exporter_decides() -> None:
    body = "g (float[1,8] x) => (float y) { a = Mul(x, gain) b = Add(a, shift) y = Add(b, offset) }"
    arrays = {"gain": numpy.ones(8, numpy.float32), "shift": (8,), "offset": (8,)}
    model = record(text(body, arrays), "%mul = mul(args = (%x, %p_gain))", "%add = add(args = (%mul, %b_shift))",
                   "%add_1 = add(args = (%add, %c_offset))")  # fmt: skip
    found = measure(loaded(model))
    assert (found.total("params").value, found.total("buffers").value) == (8, 8)


def test_what_the_exporter_folded_counts_unless_it_is_neutral() -> None:
    body = "g (float[1,8] x) => (float y) { a = Mul(x, p) b = Mul(a, add_4) c = Mul(b, ones_like) y = Div(c, sum_1) }"
    arrays = {"p": (8,), "add_4": (8,), "ones_like": numpy.ones(8, numpy.float32),
              "sum_1": numpy.full(8, 32, numpy.float32)}  # fmt: skip
    notes = ("%mul = mul(args = (%x, %p_p))", "%mul_1 = mul(args = (%mul, %add_4))", "%mul_2 = mul()", "%div = div()")
    assert params(record(text(body, arrays), *notes)) == 8 + 8


def test_a_grid_that_a_small_network_reads_is_data() -> None:
    axis = numpy.arange(5, dtype=numpy.float32)
    grid = numpy.stack(numpy.meshgrid(axis, axis), -1)[None]
    body = (
        "g (float[1,4,25,25] x) => (float y) { a = MatMul(grid, w1) r = Relu(a) b = MatMul(r, w2) "
        "t = Reshape(b, s) p = Expand(t, e) y = Add(x, p) }"
    )
    arrays = {
        "grid": grid,
        "w1": (2, 16),
        "w2": (16, 1),
        "s": numpy.array([1, 1, 1, 25]),
        "e": numpy.array([1, 4, 1, 25]),
    }
    found = measure(loaded(text(body, arrays)))
    assert (found.total("params").value, found.total("macs").value) == (2 * 16 + 16, 0)


def test_following_constants_stays_cheap() -> None:
    names = [f"v{index}" for index in range(400)]
    steps = " ".join(f"{after} = Mul({before}, {before})" for before, after in pairwise(names))
    model = text(f"g (float[1,8] x) => (float y) {{ v0 = Mul(x, f) {steps} y = Cos({names[-1]}) }}", {"f": (8,)})
    assert params(model) == 0  # frequencies of a wave, followed through sums of equal parts without doubling
