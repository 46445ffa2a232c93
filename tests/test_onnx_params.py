"""Which stored tensors of a graph are parameters, and what the graph costs: numbers are written as products."""

from __future__ import annotations

from typing import Any

import numpy
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper, parser
from paramlint.ir import DType, Model
from paramlint.loaders import Request
from paramlint.loaders.onnx.read import read_bytes
from paramlint.measure import Measured, measure

RANDOM = numpy.random.default_rng(7)


def text(
    body: str, *arrays: tuple[str, Any], head: str = '"": 17', functions: str = "", producer: str = ""
) -> onnx.ModelProto:
    """A model in onnx's own text syntax, with ``arrays`` as initializers."""
    model = parser.parse_model(f"<ir_version: 9, opset_import: [{head}]>\n{body}\n{functions}")
    for name, array in arrays:
        model.graph.initializer.append(numpy_helper.from_array(numpy.asarray(array), name))
    model.producer_name = producer
    return model


def loaded(model: onnx.ModelProto, **request: Any) -> Model:
    return read_bytes("m.onnx", model.SerializeToString(), Request(**request))


def measured(model: onnx.ModelProto, **request: Any) -> Measured:
    return measure(loaded(model, **request))


def params(model: onnx.ModelProto) -> int | None:
    fast, full = measured(model, shapes=False), measured(model)
    assert fast.total("params") == full.total("params")
    return full.total("params").value


def weights(*shape: int) -> Any:
    return RANDOM.normal(size=shape).astype(numpy.float32)


LINEAR = "g (float[1,8] x) => (float[1,4] y) { y = MatMul(x, w) }"


def test_an_initializer_a_constant_and_a_made_tensor_count_the_same() -> None:
    array = weights(8, 4)
    assert params(text(LINEAR, ("w", array))) == 8 * 4
    constant = text(LINEAR)
    constant.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(array)))
    assert params(constant) == 8 * 4
    made = text("g (float[1,8] x) => (float[1,4] y) { "
                "w = ConstantOfShape<value = float[1] {0.5}>(s) y = MatMul(x, w) }",
                ("s", numpy.array([8, 4])))  # fmt: skip
    found = measured(made)
    assert found.total("params").value == 8 * 4
    assert found.total("param_bytes").value == 8 * 4 * 4


def test_value_floats_of_a_constant_count() -> None:
    model = text("g (float[1,3] x) => (float[1,3] y) { b = Constant<value_floats = [0.1, 0.2, 0.4]>() y = Add(x, b) }")
    assert params(model) == 3


def test_a_sparse_tensor_counts_its_dense_size() -> None:
    values = numpy_helper.from_array(numpy.array([1.0, 2.0, 3.0], numpy.float32), "w")
    places = numpy_helper.from_array(numpy.array([0, 5, 9]))
    model = text(LINEAR)
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, places, [8, 4]))
    read = loaded(model)
    assert measure(read).total("params").value == 8 * 4
    assert read.details["sparse_values"] == 3


def test_a_weight_is_followed_through_moves_and_casts() -> None:
    model = text(
        "g (float[1,8] x) => (float[1,4] y) { t = Transpose(w) "
        "c = Cast<to = 1>(t) i = Identity(c) r = Reshape(i, s) y = MatMul(x, r) }",
        ("w", weights(4, 8).astype(numpy.float16)), ("s", numpy.array([8, 4])),
    )  # fmt: skip
    found = measured(model)
    assert found.total("params").value == 4 * 8
    assert found.total("param_bytes").value == 4 * 8 * 2
    assert not [seen for seen in found.model.observations if seen.rule == "PL002"]


def test_a_quantised_weight_counts_once_without_scale() -> None:
    body = "g (float[1,8] x) => (float[1,4] y) { f = DequantizeLinear<axis = 1>(w, scale, zero) y = MatMul(x, f) }"
    model = text(
        body, ("w", RANDOM.integers(-9, 9, (8, 4)).astype(numpy.int8)), ("scale", weights(4)),
        ("zero", numpy.zeros(4, numpy.int8)),
    )  # fmt: skip
    found = measured(model)
    assert found.total("params").value == 8 * 4
    assert found.total("param_bytes").value == 8 * 4
    assert found.total("macs").value == 8 * 4


def test_weight_norm_counts_both_parts_and_no_macs() -> None:
    model = text(
        "g (float[1,8] x) => (float[1,4] y) { n = ReduceL2<axes = [1], keepdims = 1>(v) "
        "d = Div(v, n) w = Mul(d, gain) y = Gemm<transB = 1>(x, w) }",
        ("v", weights(4, 8)), ("gain", weights(4, 1)),
    )  # fmt: skip
    found = measured(model)
    assert found.total("params").value == 4 * 8 + 4
    assert found.total("macs").value == 8 * 4


def test_a_low_rank_product_is_folded() -> None:
    model = text(
        "g (float[1,8] x) => (float[1,4] y) { d = MatMul(a, b) w = Add(base, d) y = MatMul(x, w) }",
        ("a", weights(8, 2)), ("b", weights(2, 4)), ("base", weights(8, 4)),
    )  # fmt: skip
    found = measured(model)
    assert found.total("params").value == 8 * 2 + 2 * 4 + 8 * 4
    assert found.total("macs").value == 8 * 4


@pytest.mark.parametrize(
    ("operand", "counts"),
    [
        (weights(1, 8), 8),  # a bias
        (numpy.float32([2.0]), 0),  # one element is no weight
        (numpy.triu(numpy.full((8, 8), -1e9, numpy.float32), 1), 0),  # a causal mask
        (numpy.eye(8, dtype=numpy.float32), 0),  # zeros and ones in two dimensions
        (weights(8, 8), 8 * 8),  # a learned table
    ],
)
def test_elementwise_operands(operand: Any, counts: int) -> None:
    model = text("g (float[8,8] x) => (float[8,8] y) { y = Add(x, b) }", ("b", operand))
    assert params(model) == counts


def test_a_sinusoid_table_is_no_weight_and_is_said() -> None:
    angle = numpy.arange(16)[:, None] / 10000 ** (numpy.arange(0, 8, 2) / 8)
    table = numpy.stack([numpy.sin(angle), numpy.cos(angle)], -1).reshape(16, 8).astype(numpy.float32)
    model = text("g (float[16,8] x) => (float[16,8] y) { y = Add(x, pe) }", ("pe", table))
    assert params(model) == 0
    assert any("pe" in said for said in loaded(model).assumed)


def test_rotary_frequencies_are_no_weights() -> None:
    model = text(
        "g (float[5,1] p) => (float[5,4] y) { a = MatMul(p, f) c = Cos(a) s = Sin(a) y = Add(c, s) }",
        ("f", weights(1, 4)),
    )  # fmt: skip
    assert params(model) == 0


def test_statistics_are_buffers() -> None:
    model = text(
        "g (float[1,4,6] x) => (float[1,4,6] y) { y = BatchNormalization(x, s, b, m, v) }",
        *[(name, numpy.abs(weights(4))) for name in "sbmv"],
    )
    found = measured(model)
    assert (found.total("params").value, found.total("buffers").value) == (2 * 4, 2 * 4)


def test_decomposed_statistics_are_buffers() -> None:
    model = text(
        "g (float[1,4,6] x) => (float[1,4,6] y) { c = Sub(x, m) s = Mul(c, gain) y = Add(s, b) }",
        *[(name, weights(1, 4, 1)) for name in ("m", "gain", "b")],
    )
    found = measured(model)
    assert (found.total("params").value, found.total("buffers").value) == (2 * 4, 4)


def test_a_tensor_that_is_both_is_a_parameter() -> None:
    model = text("g (float[1,4,6] x) => (float[1,4,6] y) { y = BatchNormalization(x, s, z, z, s) }",
                 ("s", numpy.ones(4, numpy.float32)), ("z", numpy.zeros(4, numpy.float32)))  # fmt: skip
    found = measured(model)
    assert (found.total("params").value, found.total("buffers").value) == (2 * 4, 0)


def test_settings_are_never_weights() -> None:
    model = text(
        "g (float[1,1,4,4] x) => (float[1,1,8,8] y) "
        "{ r = Resize<mode = \"nearest\">(x, , scales) y = Clip(r, low, high) }",
        ("scales", numpy.float32([1, 1, 2, 2])), ("low", numpy.float32(0.1)), ("high", numpy.float32(0.9)),
    )  # fmt: skip
    assert params(model) == 0


def test_an_integer_table_counts_only_when_dequantised() -> None:
    table = RANDOM.integers(-9, 9, (10, 4)).astype(numpy.int8)
    plain = text("g (int64[3] i) => (int8[3,4] y) { y = Gather(t, i) }", ("t", table))
    assert params(plain) == 0
    scaled = text("g (int64[3] i) => (float[3,4] y) { r = Gather(t, i) y = DequantizeLinear(r, s) }",
                  ("t", table), ("s", numpy.float32(0.1)))  # fmt: skip
    assert params(scaled) == 10 * 4


def branch(name: str, columns: int) -> onnx.GraphProto:
    return helper.make_graph(
        [helper.make_node("MatMul", ["x", name], [f"{name}_y"])], name, [],
        [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, [1, columns])],
        [numpy_helper.from_array(weights(8, columns), name)],
    )  # fmt: skip


def test_both_branches_count_and_the_larger_one_runs() -> None:
    model = text("g (bool c, float[1,8] x) => (float[1,N] y) { y = Identity(x) }")
    del model.graph.node[:]
    model.graph.node.append(
        helper.make_node("If", ["c"], ["y"], then_branch=branch("a", 4), else_branch=branch("b", 6))
    )
    found = measured(model)
    assert found.total("params").value == 8 * 4 + 8 * 6
    assert found.total("macs").value == 8 * 6
    assert any("larger branch, else_branch" in said for said in found.assumed)


LOOP = """
g (float[1,8] x) => (float[1,8] y) {
  n = Constant<value = int64 {10}>()
  t = Constant<value = bool {1}>()
  y = Loop(n, t, x)<body = body (int64 i, bool go, float[1,8] h) => (bool go2, float[1,8] h2) {
    go2 = Identity(go)
    h2 = MatMul(h, w)
  }>
}
"""


def test_a_loop_counts_its_weight_once_and_its_work_ten_times() -> None:
    found = measured(text(LOOP, ("w", weights(8, 8))))
    assert found.total("params").value == 8 * 8
    assert found.total("macs").value == 10 * 8 * 8


def test_a_loop_of_unknown_length_says_so() -> None:
    counted = LOOP.replace("float[1,8] x)", "float[1,8] x, int64 n)", 1)
    model = text(counted.replace("  n = Constant<value = int64 {10}>()\n", ""),
                 ("w", weights(8, 8)))  # fmt: skip
    found = measured(model)
    assert found.total("params").value == 8 * 8
    assert "how often the body of Loop runs" in found.total("macs").reasons[0]


FUNCTION = """
<domain: "local", opset_import: ["": 17]>
F (a) => (b) { w = Constant<value = float[4,4] {1,2,3,4,5,6,7,8,9,8,7,6,5,4,3,2}>() b = MatMul(a, w) }
"""


def test_a_function_called_twice_stores_once_and_works_twice() -> None:
    body = "g (float[1,4] x) => (float[1,4] y) { h = local.F(x) y = local.F(h) }"
    found = measured(text(body, head='"": 17, "local": 1', functions=FUNCTION))
    assert found.total("params").value == 4 * 4
    assert found.total("macs").value == 2 * 4 * 4


def test_an_unknown_operator_is_no_zero() -> None:
    model = text(
        "g (float[1,8] x) => (float[1,4] y) { y = com.acme.Foo(x, w) }",
        ("w", weights(8, 4)),
        head='"": 17, "com.acme": 1',
    )
    found = measured(model)
    assert found.total("params").value == 8 * 4
    assert not found.total("params").exact
    assert not found.total("macs").exact
    assert "com.acme::Foo" in found.total("macs").reasons[0]


def test_packed_four_bit_weights_count_rows_times_columns() -> None:
    model = text(
        "g (float[1,32] x) => (float[1,64] y) "
        "{ y = com.microsoft.MatMulNBits<K = 32, N = 64, bits = 4, block_size = 32>(x, w, s) }",
        ("w", RANDOM.integers(0, 255, (64, 1, 16)).astype(numpy.uint8)),
        ("s", weights(64)), head='"": 17, "com.microsoft": 1',
    )  # fmt: skip
    found = measured(model)
    assert found.total("params").value == 64 * 32
    assert found.total("param_bytes").value == 64 * 32 // 2


@pytest.mark.parametrize(
    ("number", "size", "stored"),
    [
        (TensorProto.BFLOAT16, 2 * 35, 70), (TensorProto.FLOAT8E4M3FN, 35, 35), (TensorProto.INT4, 18, 18),
        (TensorProto.UINT4, 18, 18), (TensorProto.DOUBLE, 8 * 35, 280),
    ],
)  # fmt: skip
def test_bytes_by_type(number: int, size: int, stored: int) -> None:
    weight = onnx.TensorProto(name="w", data_type=number, dims=[7, 5], raw_data=bytes(stored))
    model = text("g (float[1,7] x) => (float[1,5] y) { f = Cast<to = 1>(w) y = MatMul(x, f) }")
    model.graph.initializer.append(weight)
    found = measured(model)
    assert found.total("params").value == 7 * 5
    assert found.total("param_bytes").value == size
    assert found.total("constant_bytes").value == size


def test_linear_models_count_and_trees_do_not() -> None:
    model = text("g (float[1,4] x) => (float[1,1] y) "
                 "{ y = ai.onnx.ml.LinearRegressor<coefficients = [0.1,0.2,0.3,0.4], intercepts = [1.0]>(x) }",
                 head='"": 17, "ai.onnx.ml": 3')  # fmt: skip
    assert params(model) == 4 + 1
    tree = text("g (float[1,4] x) => (float[1,1] y) "
                "{ y = ai.onnx.ml.TreeEnsembleRegressor<nodes_nodeids = [0,1,2], n_targets = 1>(x) }",
                head='"": 17, "ai.onnx.ml": 3')  # fmt: skip
    read = loaded(tree)
    assert measure(read).total("params").value == 0
    assert read.details["tree_nodes"] == 3


def test_dead_weights_count_and_do_no_work() -> None:
    model = text(
        "g (float[1,8] x) => (float[1,4] y) { y = MatMul(x, w) z = MatMul(x, v) }",
        ("w", weights(8, 4)),
        ("v", weights(8, 6)),
    )
    found = measured(model)
    assert found.total("params").value == 8 * 4 + 8 * 6
    assert found.total("macs").value == 8 * 4
    assert [seen.rule for seen in found.model.observations] == ["PL007"]


def test_storage_that_nobody_reads_is_unused() -> None:
    found = measured(text(LINEAR, ("w", weights(8, 4)), ("spare", weights(100))))
    assert found.total("params").value == 8 * 4
    assert found.total("unused_bytes").value == 4 * 100


def test_equal_weights_are_found_when_asked_for() -> None:
    array = weights(8, 8)
    model = text("g (float[1,8] x) => (float[1,8] y) { h = MatMul(x, a) y = MatMul(h, b) }", ("a", array), ("b", array))
    assert loaded(model).duplicate_bytes is None
    assert loaded(model, duplicates=True).duplicate_bytes == 8 * 8 * 4


def test_weights_left_to_the_caller_are_a_finding() -> None:
    model = text("g (float[1,3,8,8] x, float[4,3,3,3] k) => (float[1,4,6,6] y) { y = Conv(x, k) }")
    found = measured(model)
    assert found.total("params").value == 0
    assert any(seen.rule == "PL005" and "graph inputs" in seen.message for seen in found.model.observations)


def test_the_batch_is_one_and_other_sizes_stay_free() -> None:
    model = text("g (float[N,T,8] x) => (float[N,T,4] y) { y = MatMul(x, w) }", ("w", weights(8, 4)))
    found = measured(model)
    assert found.model.tensors["y"].shape == (1, "T", 4)
    assert not found.total("macs").exact
    assert [seen.rule for seen in found.model.observations] == ["PL003"]
    assert measured(model, dims={"T": 5}).total("macs").value == 5 * 8 * 4
    assert measured(model, input_shapes={"x": (2, 3, 8)}).total("macs").value == 2 * 3 * 8 * 4


@pytest.mark.parametrize(
    ("body", "arrays"),
    [
        ("y = BatchNormalization(x, a, b, c, d)", {"a": (5,), "b": (4,), "c": (4,), "d": (4,)}),
        ("y = Conv(x, a)", {"a": (4, 3, 1)}),
        ("y = MatMul(x, a)", {"a": (7, 6)}),
        ("y = LayerNormalization(x, a)", {"a": (5,)}),
    ],
)
def test_the_second_witness_is_loud(body: str, arrays: dict[str, tuple[int, ...]]) -> None:
    model = text(
        f"g (float[1,4,6] x) => (float[1,4,6] y) {{ {body} }}",
        *[(name, weights(*shape)) for name, shape in arrays.items()],
    )
    assert [seen.rule for seen in loaded(model).observations] == ["PL002"]


def test_torch_names_decide_what_is_a_buffer() -> None:
    model = text("g (float[1,8] x) => (float[1,8] y) { h = Add(x, shift) y = Mul(h, gain) }",
                 ("shift", weights(8)), ("gain", numpy.float32([0.5])), producer="pytorch")  # fmt: skip
    model.graph.node[0].metadata_props.add(key="pkg.torch.onnx.fx_node", value="%add = add(args = (%x, %b_shift))")
    model.graph.node[1].metadata_props.add(key="pkg.torch.onnx.fx_node", value="%mul = mul(args = (%add, %p_gain))")
    found = measured(model)
    assert (found.total("params").value, found.total("buffers").value) == (1, 8)


def test_steps_have_explicit_pads() -> None:
    model = text('g (float[1,1,9,9] x) => (float[1,2,5,5] y) '
                 '{ y = Conv<auto_pad = "SAME_UPPER", strides = [2,2]>(x, w) }',
                 ("w", weights(2, 1, 4, 4)))  # fmt: skip
    (step,) = loaded(model).steps
    assert step.attributes["pads"] == (1, 1, 2, 2)  # (5 - 1) * 2 + 4 - 9 = 3: one before, two behind
    assert step.weights[1].shape == (2, 1, 4, 4)
    assert step.weights[1].dtype is DType.FLOAT32
    assert step.inputs == ("x", "")
