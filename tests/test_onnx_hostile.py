"""Hostile ONNX files: whatever the bytes say, the answer is a model or one line, in bounded time and memory."""

from __future__ import annotations

import time
from typing import Any

import numpy
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper, parser
from paramlint.errors import InputError, LoadError
from paramlint.ir import Model
from paramlint.loaders import Request
from paramlint.loaders.onnx import hints
from paramlint.loaders.onnx.read import read_bytes
from paramlint.measure import measure

RANDOM = numpy.random.default_rng(5)
SECONDS = 2.0  # of CPU time for a small file, far above what any takes


def text(body: str, arrays: dict[str, tuple[int, ...]] | None = None, functions: str = "") -> onnx.ModelProto:
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["": 17, "local": 1]>\n{body}\n{functions}')
    for name, dims in (arrays or {}).items():
        model.graph.initializer.append(numpy_helper.from_array(RANDOM.normal(size=dims).astype(numpy.float32), name))
    return model


def loaded(model: onnx.ModelProto | bytes, **request: Any) -> Model:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    return read_bytes("m.onnx", data, Request(**request))


def refusal(model: onnx.ModelProto | bytes) -> str:
    with pytest.raises(LoadError) as caught:
        loaded(model)
    (error,) = caught.value.errors
    assert "\n" not in error.message
    return error.message


def judged(data: bytes, **request: Any) -> tuple[InputError, ...]:
    """The errors of the bytes; none where they are a model, which is then measured."""
    try:
        measure(loaded(data, **request))
    except LoadError as error:
        return error.errors
    return ()


NETWORK = text(
    "g (float[N,3,9,9] x, bool c) => (float y) { p = Conv<pads = [1,1,1,1], group = 1>(x, k, b) s = Shape(p) "
    "t = Gather(s, zero) f = local.scale(p) n = BatchNormalization(f, b, b, b, b) i = If(c)<then_branch = one () => "
    "(float q) { q = Relu(n) }, else_branch = two () => (float r) { r = local.scale(n) }> g = GlobalAveragePool(i) "
    "d = Flatten(g) o = Gemm<transB = 1>(d, w) ten = Constant<value = int64 {3}>() y = Loop(ten, , o)"
    "<body = body (int64 step, bool go, float[1,4] h) => (bool go2, float[1,4] h2) "
    "{ go2 = Identity(go) h2 = MatMul(h, v) }> }",
    {"k": (4, 3, 3, 3), "b": (4,), "w": (4, 4), "v": (4, 4)},
    '<domain: "local", opset_import: ["": 17]> scale (a) => (b) '
    "{ c = Constant<value_floats = [0.5, 2.0]>() b = Relu(a) }",
)
NETWORK.graph.initializer.append(numpy_helper.from_array(numpy.array(0), "zero"))
BYTES = NETWORK.SerializeToString()

edits = st.lists(
    st.tuples(
        st.sampled_from(("set", "flip", "cut", "insert", "copy")),
        st.integers(0, len(BYTES) - 1),
        st.one_of(st.sampled_from((0, 1, 0x7F, 0x80, 0xFF)), st.integers(0, 255)),
    ),
    min_size=1,
    max_size=12,
)


def edited(changes: list[tuple[str, int, int]]) -> bytes:
    data = bytearray(BYTES)
    for kind, place, value in changes:
        place %= max(len(data), 1)
        if kind == "set":
            data[place : place + 1] = bytes([value])
        elif kind == "flip":
            data[place : place + 1] = bytes([data[place] ^ 1 << value % 8]) if data else b""
        elif kind == "cut":
            del data[place : place + value % 16]
        elif kind == "insert":
            data[place:place] = bytes([value]) * (value % 5)
        else:
            data[place : place + 8] = data[value : value + 8]
    return bytes(data)


def test_the_network_is_read_as_it_stands() -> None:
    found = measure(loaded(NETWORK))
    assert found.total("params").value == 4 * 3 * 3 * 3 + 4 + 4 * 4 + 4 * 4
    assert found.total("macs").value == 9 * 9 * 4 * 3 * 3 * 3 + 4 * 4 + 3 * 4 * 4


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=edits, shapes=st.booleans())
def test_changed_bytes_make_a_model_or_one_line(
    monkeypatch: pytest.MonkeyPatch, changes: list[tuple[str, int, int]], shapes: bool
) -> None:
    monkeypatch.setattr(hints, "ask", lambda *given: False)  # onnx itself is in a process of its own
    begun = time.process_time()
    for error in judged(edited(changes), shapes=shapes, duplicates=shapes):
        assert "\n" not in error.message
    assert time.process_time() - begun < SECONDS


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_make_a_model_or_one_line(data: bytes) -> None:
    assert len(judged(data)) <= 1


DOUBLING = " ".join(
    f'<domain: "local", opset_import: ["": 17, "local": 1]> f{level} (a) => (b) '
    f"{{ c = local.f{level + 1}(a) b = local.f{level + 1}(c) }}"
    for level in range(30)
)


def test_functions_that_double_are_bounded() -> None:
    last = '<domain: "local", opset_import: ["": 17]> f30 (a) => (b) { b = Relu(a) }'
    model = text("g (float[1,4] x) => (float y) { y = local.f0(x) }", functions=f"{DOUBLING} {last}")
    begun = time.process_time()
    assert "once its calls are unrolled" in refusal(model)
    assert time.process_time() - begun < 2 * SECONDS


def test_functions_nested_without_end_are_bounded() -> None:
    chain = " ".join(
        f'<domain: "local", opset_import: ["": 17, "local": 1]> f{level} (a) => (b) {{ b = local.f{level + 1}(a) }}'
        for level in range(80)
    )
    last = '<domain: "local", opset_import: ["": 17]> f80 (a) => (b) { b = Relu(a) }'
    assert "64 deep" in refusal(text("g (float[1,4] x) => (float y) { y = local.f0(x) }", functions=f"{chain} {last}"))


@pytest.mark.parametrize(
    ("dims", "says"),
    [
        ([1 << 40, 1 << 40], "more elements than can be addressed"),
        ([1] * 300, "has 300 axes"),
        ([-1, 4], "has the size -1"),
    ],
)
def test_sizes_that_no_tensor_has_are_refused(dims: list[int], says: str) -> None:
    model = text("g (float[1,4] x) => (float y) { y = MatMul(x, w) }")
    model.graph.initializer.append(onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims))
    assert says in refusal(model)


def test_names_that_are_no_text_are_refused() -> None:
    model = text("g (float[1,4] x) => (float y) { mark1 = Relu(x) y = Relu(mark1) }")
    assert "no UTF-8" in refusal(model.SerializeToString().replace(b"mark1", b"mar\xff1"))


def test_initializers_and_inputs_need_text_too() -> None:
    model = text("g (float[1,4] mark1) => (float y) { y = MatMul(mark1, mark2) }", {"mark2": (4, 4)})
    data = model.SerializeToString()
    assert "no UTF-8" in refusal(data.replace(b"mark1", b"mar\xff1"))
    assert "no UTF-8" in refusal(data.replace(b"mark2", b"mar\xff2"))


def test_squaring_a_size_again_and_again_stays_cheap() -> None:
    steps = " ".join(f"v{level + 1} = Mul(v{level}, v{level})" for level in range(200))
    model = text(f"g (float[7,9] x) => (float y) {{ v0 = Shape(x) {steps} y = Expand(x, v200) }}")
    begun = time.process_time()
    assert not measure(loaded(model)).total("macs").reasons
    assert time.process_time() - begun < SECONDS


def test_a_hundred_loops_that_grow_are_gone_through_a_few_times() -> None:
    loops = " ".join(
        f"h{level + 1} = Loop(ten, , h{level})<body = b{level} (int64 i, bool g, float[a,8] k) "
        f"=> (bool o, float[b,8] k2) {{ o = Identity(g) k2 = Concat<axis = 0>(k, k) }}>"
        for level in range(100)
    )
    body = f"g (float[1,8] h0) => (float y) {{ ten = Constant<value = int64 {{10}}>() {loops} y = MatMul(h100, w) }}"
    begun = time.process_time()
    assert not measure(loaded(text(body, {"w": (8, 8)}))).total("macs").exact
    assert time.process_time() - begun < SECONDS


def test_a_deep_chain_is_no_recursion() -> None:
    nodes = [helper.make_node("Relu", [f"v{index}"], [f"v{index + 1}"]) for index in range(5000)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("v0", "v5000")]
    graph = helper.make_graph(list(reversed(nodes)), "deep", ends[:1], ends[1:])  # the last node first
    model = loaded(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
    assert len(model.steps) == 5000
