"""Multiply-accumulates of ONNX operators: each number is the product of what the operator's loops run over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy
import onnx
import pytest
from onnx import numpy_helper, parser
from paramlint.ir import Model
from paramlint.loaders import Request
from paramlint.loaders.onnx.read import read_bytes
from paramlint.measure import Measured, measure

RANDOM = numpy.random.default_rng(3)
CONTRIB = '"": 17, "com.microsoft": 1'


def text(
    body: str, arrays: dict[str, Any] | None = None, head: str = '"": 17', functions: str = ""
) -> onnx.ModelProto:  # fmt: skip
    """A model in onnx's own text syntax; ``arrays`` become initializers: a shape stands for random float32."""
    model = parser.parse_model(f"<ir_version: 10, opset_import: [{head}]>\n{body}\n{functions}")
    for name, array in (arrays or {}).items():
        if isinstance(array, tuple):
            array = RANDOM.normal(size=array).astype(numpy.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def loaded(model: onnx.ModelProto, **request: Any) -> Model:
    return read_bytes("m.onnx", model.SerializeToString(), Request(**request))


def measured(model: onnx.ModelProto, **request: Any) -> Measured:
    return measure(loaded(model, **request))


def macs(model: onnx.ModelProto, **request: Any) -> int | None:
    """The exact number of a model whose witnesses agree."""
    found = measured(model, **request)
    assert not [seen for seen in found.model.observations if seen.rule in ("PL002", "PL003")]
    total = found.total("macs")
    assert total.exact
    return total.value


def int8(*shape: int) -> Any:
    return RANDOM.integers(-9, 9, shape).astype(numpy.int8)


def uint8(*shape: int) -> Any:
    return RANDOM.integers(0, 200, shape).astype(numpy.uint8)


Case = tuple[str, dict[str, Any], int]

CONVOLUTIONS: dict[str, Case] = {
    "plain": ("g (float[2,3,8,8] x) => (float[2,4,6,6] y) { y = Conv(x, w, b) }",
              {"w": (4, 3, 3, 3), "b": (4,)}, 2 * 6 * 6 * 4 * 3 * 3 * 3),
    "strides, pads, dilations": (
        "g (float[1,3,9,9] x) => (float[1,4,4,4] y) "
        "{ y = Conv<strides = [2,2], pads = [1,1,1,1], dilations = [2,2]>(x, w) }",
        {"w": (4, 3, 3, 3)}, 4 * 4 * 4 * 3 * 3 * 3),
    "groups": ("g (float[1,8,5,5] x) => (float[1,16,5,5] y) { y = Conv<group = 4, pads = [1,1,1,1]>(x, w) }",
               {"w": (16, 2, 3, 3)}, 5 * 5 * 16 * 2 * 3 * 3),
    "depthwise": ("g (float[1,8,5,5] x) => (float[1,8,3,3] y) { y = Conv<group = 8>(x, w) }",
                  {"w": (8, 1, 3, 3)}, 3 * 3 * 8 * 3 * 3),
    "same padding": ('g (float[1,1,7,7] x) => (float[1,2,4,4] y) { y = Conv<auto_pad = "SAME_LOWER", strides = [2,2]>'
                     "(x, w) }", {"w": (2, 1, 4, 4)}, 4 * 4 * 2 * 4 * 4),
    "one axis": ("g (float[1,3,10] x) => (float[1,5,8] y) { y = Conv(x, w) }", {"w": (5, 3, 3)}, 8 * 5 * 3 * 3),
    "three axes": ("g (float[1,2,4,4,4] x) => (float[1,3,3,3,3] y) { y = Conv(x, w) }",
                   {"w": (3, 2, 2, 2, 2)}, 3**3 * 3 * 2 * 2**3),
    "transposed": ("g (float[1,3,4,4] x) => (float[1,5,9,9] y) { y = ConvTranspose<strides = [2,2]>(x, w) }",
                   {"w": (3, 5, 3, 3)}, 4 * 4 * 3 * 5 * 3 * 3),
    "transposed in groups": (
        "g (float[1,4,4,4] x) => (float[1,6,8,8] y) { y = ConvTranspose<group = 2, strides = [2,2]>(x, w) }",
        {"w": (4, 3, 2, 2)}, 4 * 4 * 4 * 3 * 2 * 2),
}  # fmt: skip


@pytest.mark.parametrize("case", CONVOLUTIONS.values(), ids=CONVOLUTIONS.keys())
def test_convolutions(case: Case) -> None:
    body, arrays, expected = case
    assert macs(text(body, arrays)) == expected


def test_a_deformable_convolution() -> None:
    body = (
        "g (float[1,4,6,6] x, float[1,18,4,4] offset) => (float[1,8,4,4] y) { y = DeformConv<group = 2>(x, w, offset) }"
    )
    assert macs(text(body, {"w": (8, 2, 3, 3)}, head='"": 19')) == 4 * 4 * 8 * 2 * 3 * 3


def test_integer_convolutions() -> None:
    plain = text("g (uint8[1,3,8,8] x) => (int32[1,4,6,6] y) { y = ConvInteger(x, w) }", {"w": uint8(4, 3, 3, 3)})
    assert macs(plain) == 6 * 6 * 4 * 3 * 3 * 3
    scaled = text(
        "g (uint8[1,3,8,8] x) => (uint8[1,4,6,6] y) { y = QLinearConv(x, s, z, w, s, z, s, z) }",
        {"w": uint8(4, 3, 3, 3), "s": numpy.float32(0.1), "z": numpy.uint8(3)},
    )
    assert macs(scaled) == 6 * 6 * 4 * 3 * 3 * 3


def test_a_quantised_graph_costs_what_the_float_graph_costs() -> None:
    arrays = {"w": int8(4, 3, 3, 3), "b": numpy.arange(4, dtype=numpy.int32), "s": numpy.float32(0.1),
              "z": numpy.int8(3), "t": numpy.int32(0)}  # fmt: skip
    model = text(
        "g (float[1,3,8,8] x) => (float[1,4,6,6] y) { q = QuantizeLinear(x, s, z) d = DequantizeLinear(q, s, z) "
        "v = DequantizeLinear(w, s, z) c = DequantizeLinear(b, s, t) h = Conv(d, v, c) r = Relu(h) "
        "e = QuantizeLinear(r, s, z) y = DequantizeLinear(e, s, z) }",
        arrays,
    )
    assert macs(model) == 6 * 6 * 4 * 3 * 3 * 3


PRODUCTS: dict[str, Case] = {
    "matrix": ("g (float[5,8] x) => (float[5,4] y) { y = MatMul(x, w) }", {"w": (8, 4)}, 5 * 8 * 4),
    "batches": ("g (float[2,3,5,8] x) => (float[2,3,5,4] y) { y = MatMul(x, w) }", {"w": (8, 4)}, 2 * 3 * 5 * 8 * 4),
    "broadcast batches": ("g (float[2,1,5,8] a, float[3,8,4] b) => (float[2,3,5,4] y) { y = MatMul(a, b) }",
                          {}, 2 * 3 * 5 * 8 * 4),
    "vector": ("g (float[5,8] x) => (float[5] y) { y = MatMul(x, w) }", {"w": (8,)}, 5 * 8),
    "weight on the left": ("g (float[2,8,5] x) => (float[2,4,5] y) { y = MatMul(w, x) }", {"w": (4, 8)}, 2 * 4 * 8 * 5),
    "gemm": ("g (float[5,8] x) => (float[5,4] y) { y = Gemm(x, w, b) }", {"w": (8, 4), "b": (4,)}, 5 * 8 * 4),
    "gemm, transposed": ("g (float[8,5] x) => (float[5,4] y) { y = Gemm<transA = 1, transB = 1>(x, w) }",
                         {"w": (4, 8)}, 5 * 8 * 4),
    "einsum": ('g (float[2,5,8] x) => (float[2,5,3,4] y) { y = Einsum<equation = "bij,jhk->bihk">(x, w) }',
               {"w": (8, 3, 4)}, 2 * 5 * 8 * 3 * 4),
    "einsum of activations": (
        "g (float[2,4,5,8] q, float[2,4,6,8] k) => (float[2,4,5,6] y) "
        '{ y = Einsum<equation = "bhid,bhjd->bhij">(q, k) }',
        {}, 2 * 4 * 5 * 6 * 8),
    "integer": ("g (uint8[5,8] x) => (int32[5,4] y) { y = MatMulInteger(x, w) }", {"w": uint8(8, 4)}, 5 * 8 * 4),
    "quantised": ("g (uint8[5,8] x) => (uint8[5,4] y) { y = QLinearMatMul(x, s, z, w, s, z, s, z) }",
                  {"w": uint8(8, 4), "s": numpy.float32(0.1), "z": numpy.uint8(3)}, 5 * 8 * 4),
}  # fmt: skip


@pytest.mark.parametrize("case", PRODUCTS.values(), ids=PRODUCTS.keys())
def test_products(case: Case) -> None:
    body, arrays, expected = case
    assert macs(text(body, arrays)) == expected


CONTRIBUTED: dict[str, Case] = {
    "FusedMatMul": ("g (float[8,5] x) => (float[5,4] y) { y = com.microsoft.FusedMatMul<transA = 1>(x, w) }",
                    {"w": (8, 4)}, 5 * 8 * 4),
    "FusedGemm": ('g (float[5,8] x) => (float[5,4] y) { y = com.microsoft.FusedGemm<activation = "Relu">(x, w, b) }',
                  {"w": (8, 4), "b": (4,)}, 5 * 8 * 4),
    "FusedConv": ("g (float[1,3,8,8] x) => (float[1,4,6,6] y) "
                  '{ y = com.microsoft.FusedConv<activation = "Relu">(x, w) }',
                  {"w": (4, 3, 3, 3)}, 6 * 6 * 4 * 3 * 3 * 3),
    "QGemm": ("g (uint8[5,8] x) => (uint8[5,4] y) { y = com.microsoft.QGemm<transB = 1>(x, s, z, w, s, z, b, s, z) }",
              {"w": uint8(4, 8), "b": numpy.arange(4, dtype=numpy.int32), "s": numpy.float32(0.1),
               "z": numpy.uint8(3)}, 5 * 8 * 4),
    "MatMulNBits": ("g (float[5,32] x) => (float[5,64] y) "
                    "{ y = com.microsoft.MatMulNBits<K = 32, N = 64, bits = 4, block_size = 16>(x, w, s) }",
                    {"w": uint8(64, 2, 8), "s": (128,)}, 5 * 32 * 64),
    "Attention": ("g (float[2,5,16] x) => (float[2,5,16] y) { y = com.microsoft.Attention<num_heads = 4>(x, w, b) }",
                  {"w": (16, 48), "b": (48,)}, 2 * 5 * 16 * 48 + 2 * 4 * 5 * 5 * (4 + 4)),
    "MultiHeadAttention": ("g (float[2,5,16] q, float[2,7,16] k, float[2,7,16] v) => (float[2,5,16] y) "
                           "{ y = com.microsoft.MultiHeadAttention<num_heads = 4>(q, k, v) }",
                           {}, 2 * 4 * 5 * 7 * (4 + 4)),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRIBUTED.values(), ids=CONTRIBUTED.keys())
def test_operators_of_onnx_runtime(case: Case) -> None:
    body, arrays, expected = case
    assert macs(text(body, arrays, head=CONTRIB)) == expected


def test_attention_of_the_standard_shares_key_heads() -> None:
    body = (
        "g (float[2,8,5,16] q, float[2,2,7,16] k, float[2,2,7,12] v) => (float[2,8,5,12] y) { y = Attention(q, k, v) }"
    )
    assert macs(text(body, head='"": 23')) == 2 * 8 * 5 * 7 * (16 + 12)


@pytest.mark.parametrize(("kind", "gates"), [("RNN", 1), ("GRU", 3), ("LSTM", 4)])
@pytest.mark.parametrize("directions", [1, 2])
def test_recurrent_layers_work_once_a_step_and_direction(kind: str, gates: int, directions: int) -> None:
    way = "bidirectional" if directions == 2 else "forward"
    body = (
        f"g (float[7,2,12] x) => (float[7,{directions},2,20] y) "
        f'{{ y = {kind}<hidden_size = 20, direction = "{way}">(x, w, r) }}'
    )
    arrays = {"w": (directions, gates * 20, 12), "r": (directions, gates * 20, 20)}
    assert macs(text(body, arrays)) == 7 * 2 * directions * gates * 20 * (12 + 20)


def test_the_batch_first_layout_is_read() -> None:
    body = "g (float[2,7,12] x) => (float[2,7,1,20] y) { y = LSTM<hidden_size = 20, layout = 1>(x, w, r) }"
    assert macs(text(body, {"w": (1, 80, 12), "r": (1, 80, 20)})) == 7 * 2 * 80 * (12 + 20)


SQUARE = {"w": (8, 8)}


def loop(count: str, condition: str = "t", body: str = "go2 = Identity(go) h2 = MatMul(h, w)", inputs: str = "") -> str:
    """A Loop over ``h2 = h @ w``; ``count`` and ``condition`` are values or empty."""
    return (
        f"g (float[1,8] x{inputs}) => (float[1,8] y) {{ ten = Constant<value = int64 {{10}}>() "
        f"t = Constant<value = bool {{1}}>() f = Constant<value = bool {{0}}>() "
        f"y = Loop({count}, {condition}, x)<body = body (int64 i, bool go, float[1,8] h) "
        f"=> (bool go2, float[1,8] h2) {{ {body} }}> }}"
    )


@pytest.mark.parametrize(("condition", "turns"), [("t", 10), ("", 10), ("f", 0)])
def test_a_loop_works_as_often_as_it_turns(condition: str, turns: int) -> None:
    assert macs(text(loop("ten", condition), SQUARE)) == turns * 8 * 8


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(loop("n", inputs=", int64 n"), id="count is an input"),
        pytest.param(loop("ten", "c", inputs=", bool c"), id="may not begin"),
        pytest.param(
            loop("ten", body="s = ReduceSum<keepdims = 0>(h) z = Constant<value = float {0.0}>() go2 = Less(s, z) "
                      "h2 = MatMul(h, w)"), id="may end early"),
    ],
)  # fmt: skip
def test_a_loop_of_unknown_length_is_unknown_and_said(body: str) -> None:
    found = measured(text(body, SQUARE))
    assert not found.total("macs").exact
    assert "how often the body of Loop runs" in found.total("macs").reasons[0]
    assert [seen for seen in found.model.observations if seen.rule == "PL003"]


def test_a_loop_whose_state_grows_makes_no_exact_number() -> None:
    body = (
        "g (float[1,8] x) => (float[n,8] y) { ten = Constant<value = int64 {10}>() y = Loop(ten, , x)"
        "<body = body (int64 i, bool go, float[a,8] h) => (bool go2, float[b,8] h2) "
        "{ go2 = Identity(go) m = MatMul(h, w) h2 = Concat<axis = 0>(h, m) }> }"
    )
    found = measured(text(body, SQUARE))
    assert not found.total("macs").exact
    assert "size that is not fixed" in found.total("macs").reasons[0]


def test_loops_in_loops_multiply() -> None:
    inner = (
        "go2 = Identity(go) four = Constant<value = int64 {4}>() h2 = Loop(four, , h)"
        "<body = inner (int64 j, bool g3, float[1,8] k) => (bool g4, float[1,8] k2) "
        "{ g4 = Identity(g3) k2 = MatMul(k, w) }>"
    )
    assert macs(text(loop("ten", body=inner), SQUARE)) == 10 * 4 * 8 * 8


def test_a_scan_works_once_for_each_entry() -> None:
    body = (
        "g (float[1,8] s, float[6,1,8] x) => (float[1,8] last, float[6,1,8] y) { last, y = Scan<num_scan_inputs = 1, "
        "body = step (float[1,8] h, float[1,8] e) => (float[1,8] h2, float[1,8] o) "
        "{ m = MatMul(e, w) h2 = Add(h, m) o = Identity(h2) }>(s, x) }"
    )
    assert macs(text(body, SQUARE)) == 6 * 8 * 8


BRANCHES = (
    "g (float[1,8] x{inputs}) => (float[1,6] y) {{ {condition} y = If(c)"
    "<then_branch = a () => (float[1,6] p) {{ p = MatMul(x, small) }}, "
    "else_branch = b () => (float[1,6] q) {{ h = MatMul(x, w) q = MatMul(h, small) }}> }}"
)


def test_an_if_costs_its_larger_branch_and_says_so() -> None:
    arrays = {"w": (8, 8), "small": (8, 6)}
    found = measured(text(BRANCHES.format(inputs=", bool c", condition=""), arrays))
    assert found.total("macs").value == 8 * 8 + 8 * 6
    assert any("larger branch, else_branch" in said for said in found.assumed)
    known = text(BRANCHES.format(inputs="", condition="c = Constant<value = bool {1}>()"), arrays)
    assert macs(known) == 8 * 6


def test_a_branch_of_unknown_cost_stays_unknown() -> None:
    body = BRANCHES.format(inputs=", bool c", condition="").replace("p = MatMul(x, small)", "p = com.acme.Foo(x)")
    found = measured(text(body, {"w": (8, 8), "small": (8, 6)}, head='"": 17, "com.acme": 1'))
    assert not found.total("macs").exact


def test_functions_work_at_every_call() -> None:
    functions = '<domain: "local", opset_import: ["": 17]> twice (a, w) => (b) { h = MatMul(a, w) b = MatMul(h, w) }'
    body = "g (float[3,8] x) => (float[3,8] y) { h = local.twice(x, w) y = local.twice(h, w) }"
    assert macs(text(body, SQUARE, head='"": 17, "local": 1', functions=functions)) == 2 * 2 * 3 * 8 * 8


def test_work_on_weights_alone_is_done_before() -> None:
    body = "g (float[3,8] x) => (float[3,8] y) { v = MatMul(w, w) y = MatMul(x, v) }"
    assert macs(text(body, SQUARE)) == 3 * 8 * 8


def test_layers_that_reach_no_output_do_no_work() -> None:
    model = text("g (float[3,8] x) => (float[3,8] y) { dead = MatMul(x, w) y = MatMul(x, w) }", SQUARE)
    found = measured(model)
    assert found.total("macs").value == 3 * 8 * 8
    assert [seen.rule for seen in found.model.observations] == ["PL007"]


FREE: Sequence[str] = (
    "y = Relu(x)", "y = Add(x, x)", "y = Softmax(x)", "y = MaxPool<kernel_shape = [2,2]>(x)",
    "y = GlobalAveragePool(x)", "y = Transpose(x)", "y = ReduceMean(x)", "y = LayerNormalization(x, one)",
    "y = Resize(x, , scales)", "y = Gather(x, i)",
)  # fmt: skip


@pytest.mark.parametrize("body", FREE)
def test_what_truly_costs_nothing_is_exactly_zero(body: str) -> None:
    arrays = {"one": (4,), "scales": numpy.array([1, 1, 2, 2], numpy.float32), "i": numpy.array([0])}
    found = measured(text(f"g (float[1,2,4,4] x) => (float y) {{ {body} }}", arrays))
    assert (found.total("macs").value, found.total("macs").exact) == (0, True)


def test_every_operator_of_the_installed_standard_is_registered() -> None:
    from paramlint.loaders.onnx import operators

    known = operators.load()
    stated = {("" if s.domain == "ai.onnx" else s.domain, s.name) for s in onnx.defs.get_all_schemas_with_history()}
    assert not stated - known.keys()


def test_sizes_are_bound_by_name_and_by_shape() -> None:
    model = text("g (float[batch,seq,8] x, float[batch,8] z) => (float[batch,seq,4] y) { y = MatMul(x, w) }",
                 {"w": (8, 4)})  # fmt: skip
    found = measured(model)
    assert not found.total("macs").exact
    assert "seq" in found.total("macs").reasons[0]
    assert found.assumed == ("batch 1 for the free axis 0 of x, z",)
    assert macs(model, dims={"seq": 5}) == 5 * 8 * 4
    assert macs(model, dims={"seq": 5, "batch": 3}) == 3 * 5 * 8 * 4
    assert macs(model, input_shapes={"x": (3, 5, 8)}) == 3 * 5 * 8 * 4
