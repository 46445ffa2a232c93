"""Shapes of an ONNX graph: against the outputs of onnx's own test cases, through shape arithmetic, and as bound."""

from __future__ import annotations

import warnings
from typing import Any

import numpy
import onnx
import pytest
from onnx import numpy_helper, parser
from paramlint.errors import LoadError
from paramlint.ir import DType, Model, Shape
from paramlint.loaders import Request
from paramlint.loaders.onnx.read import read_bytes
from paramlint.measure import measure


def text(body: str, arrays: dict[str, Any] | None = None, opset: int = 17) -> onnx.ModelProto:
    """A model in onnx's own text syntax; ``arrays`` become initializers: a shape stands for float32 zeros."""
    model = parser.parse_model(f'<ir_version: 10, opset_import: ["": {opset}]>\n{body}')
    for name, array in (arrays or {}).items():
        if isinstance(array, tuple):
            array = numpy.zeros(array, numpy.float32)
        model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def loaded(model: onnx.ModelProto, **request: Any) -> Model:
    return read_bytes("m.onnx", model.SerializeToString(), Request(**request))


def shape(model: onnx.ModelProto, name: str = "y", **request: Any) -> Shape | None:
    return loaded(model, **request).tensors[name].shape


#: How many elements these find depends on the data.
FOUND = {"Unique", "StringSplit"}


def test_the_standards_own_cases_have_the_shapes_and_types_that_they_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    from paramlint.loaders.onnx import hints

    monkeypatch.setattr(hints, "ask", lambda *given: False)  # our own functions alone
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the cases are computed when they are collected, overflows and all
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    checked = 0
    for case in cases:
        inputs, outputs = case.data_sets[0]
        given = zip(case.model.graph.input, inputs, strict=False)
        shapes = {info.name: tuple(array.shape) for info, array in given if hasattr(array, "shape")}
        model = loaded(case.model, input_shapes=shapes)
        for info, array in zip(case.model.graph.output, outputs, strict=False):
            found = model.tensors.get(info.name)
            if found is None or not hasattr(array, "shape"):
                continue
            if case.model.graph.node[0].op_type not in FOUND:
                assert found.shape == tuple(array.shape), f"{case.name}: {info.name}"
                checked += 1
        assert not [seen.message for seen in model.observations if seen.rule == "PL002"], case.name
    assert checked > 1000


@pytest.mark.parametrize(
    ("body", "arrays", "expected"),
    [
        pytest.param(
            "g (float[2,3,4] x) => (float y) { s = Shape(x) n = Gather(s, zero) m = Unsqueeze(n, axes) "
            "t = Concat<axis = 0>(m, rest) y = Reshape(x, t) }",
            {"zero": numpy.array(0), "axes": numpy.array([0]), "rest": numpy.array([-1])}, (2, 12),
            id="flatten, as torch writes it",
        ),
        pytest.param(
            "g (float[1,3,10,15] x) => (float y) { s = Shape(x) hw = Slice(s, two, four) f = Cast<to = 1>(hw) "
            "g = Mul(f, factor) h = Floor(g) i = Cast<to = 7>(h) nc = Slice(s, none, two) "
            "t = Concat<axis = 0>(nc, i) y = Resize(x, , , t) }",
            {"none": numpy.array([0]), "two": numpy.array([2]), "four": numpy.array([4]),
             "factor": numpy.float32([0.7, 2])}, (1, 3, 7, 30),
            id="scaled in float32: 10 * 0.7 is 7",
        ),
        pytest.param(
            "g (float[1,2,9,9] x) => (float y) { a = Ceil(half) b = Sub(a, one) c = Mul(b, two) d = Add(c, three) "
            "e = Sub(d, nine) p = Clip(e, zero) h = Div(p, two) l = Cast<to = 7>(h) f = Cast<to = 1>(l) r = Sub(p, f) "
            "k = Cast<to = 7>(r) y = Pad(x, q) q = Concat<axis = 0>(none, none, l, l, none, none, k, k) }",
            {"half": numpy.float32([4.5]), "one": numpy.float32([1]), "two": numpy.float32([2]),
             "three": numpy.float32([3]), "nine": numpy.float32([9]), "zero": numpy.float32(0),
             "none": numpy.array([0])}, (1, 2, 11, 11),
            id="padding computed as TensorFlow does",
        ),
        pytest.param(
            "g (float[2,1,5] x) => (float y) { s = Shape(x) n = Gather(s, one) c = Equal(n, unit) "
            "y = If(c)<then_branch = a () => (float p) { p = Squeeze(x, axes) }, "
            "else_branch = b () => (float q) { q = Identity(x) }> }",
            {"one": numpy.array(1), "unit": numpy.array(1), "axes": numpy.array([1])}, (2, 5),
            id="a squeeze that tests the size first",
        ),
        pytest.param(
            "g (float[4,6] x) => (float y) { s = Shape(x) p = ReduceProd<keepdims = 1>(s) m = Min(p, cap) "
            "r = ConstantOfShape(m) e = Expand(x, s) y = Concat<axis = 0>(r, r) }",
            {"cap": numpy.array([20])}, (40,),
            id="products and minima",
        ),
    ],
)  # fmt: skip
def test_shape_arithmetic_is_followed(body: str, arrays: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert shape(text(body, arrays)) == expected


def test_symbols_are_kept_where_nothing_changes_them() -> None:
    model = text(
        "g (float[n,seq,8] x) => (float y) { h = MatMul(x, w) y = Transpose<perm = [1,0,2]>(h) }", {"w": (8, 4)}
    )
    assert shape(model) == ("seq", 1, 4)
    assert shape(model, dims={"seq": 5, "n": 2}) == (5, 2, 4)


def test_the_batch_is_what_the_graph_fixes() -> None:
    fixed = text("g (float[3,8] x) => (float y) { y = MatMul(x, w) }", {"w": (8, 4)})
    assert loaded(fixed).assumed == ()
    free = text("g (float[N,8] x) => (float y) { y = MatMul(x, w) }", {"w": (8, 4)})
    assert loaded(free).assumed == ("batch 1 for the free axis 0 of x",)
    unnamed = text("g (float[?,8] x) => (float y) { y = MatMul(x, w) }", {"w": (8, 4)})
    assert shape(unnamed) == (1, 4)


@pytest.mark.parametrize(
    ("body", "arrays"),
    [
        pytest.param("g (float[T,2,8] x) => (float y) { y = RNN<hidden_size = 4>(x, w, r) }",
                     {"w": (1, 4, 8), "r": (1, 4, 4)}, id="time of a recurrent layer"),
        pytest.param("g (float[N,8] x) => (float y) { h = MatMul(x, w) y = Reshape(h, s) }",
                     {"w": (8, 4), "s": numpy.array([2, 4])}, id="a size that the graph fixes to something else"),
        pytest.param("g (float[N,8] x, float[4,N] a) => (float y) { h = MatMul(a, x) y = MatMul(h, w) }",
                     {"w": (8, 4)}, id="a name that another shape uses elsewhere"),
    ],
)  # fmt: skip
def test_what_is_no_batch_stays_free(body: str, arrays: dict[str, Any]) -> None:
    model = loaded(text(body, arrays))
    assert not [said for said in model.assumed if said.startswith("batch")]
    assert not measure(model).total("macs").exact
    assert not [seen for seen in model.observations if seen.rule == "PL002"]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ({"input_shapes": {"q": (1, 2)}}, "--input-shape names 'q', which is no graph input (inputs: x, z)"),
        ({"input_shapes": {"x": (1, 2)}}, "--input-shape gives 'x' 2 axes, the model states 3"),
        ({"input_shapes": {"x": (1, 2, 9)}}, "--input-shape x=1,2,9: the model states 8 where this has 9"),
        ({"input_shapes": {"x": (2, 5, 8), "z": (3, 8)}}, "--input-shape gives 'N' the size 3, it already has 2"),
        ({"input_shapes": {"x": (2, 5, 8)}, "dims": {"N": 4}}, "--input-shape gives 'N' the size 2, it already has 4"),
    ],
)
def test_options_that_contradict_the_model_are_refused(request_: dict[str, Any], says: str) -> None:
    model = text("g (float[N,seq,8] x, float[N,8] z) => (float y) { y = MatMul(x, w) }", {"w": (8, 4)})
    with pytest.raises(LoadError) as raised:
        loaded(model, **request_)
    assert raised.value.errors[0].message == says


def test_a_misspelled_dimension_is_named() -> None:
    model = text("g (float[1,seq,8] x) => (float y) { y = MatMul(x, w) }", {"w": (8, 4)})
    said = [seen.message for seen in loaded(model, dims={"sec": 5}).observations]
    assert "no dimension of the model is called 'sec' (did you mean 'seq'?)" in said
    assert not [seen for seen in loaded(model, dims={"seq": 5, "other": 2}).observations if "other" in seen.message]


def test_an_unknown_size_names_its_layer_and_cause() -> None:
    model = loaded(text("g (float[1,3,h,w] x) => (float y) { y = Conv(x, k) }", {"k": (4, 3, 3, 3)}))
    (seen,) = [seen for seen in model.observations if seen.rule == "PL003"]
    assert (seen.layer, seen.help) == ("Conv_0", "bind free sizes with --dim or --input-shape")
    assert "needs a size that is not fixed" in seen.message


def test_onnx_is_asked_where_shapes_end_here() -> None:
    model = text(
        "g (float[2,8] x) => (float y) { q = SequenceConstruct(x, x) e = SequenceAt(q, zero) y = MatMul(e, w) }",
        {"zero": numpy.array(0), "w": (8, 4)},
    )
    assert shape(model) == (2, 4)
    assert measure(loaded(model)).total("macs").value == 2 * 8 * 4


def test_a_worker_that_fails_leaves_the_size_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    from paramlint.loaders.onnx import worker

    monkeypatch.setattr(worker, "infer", lambda skeleton: None)
    model = text(
        "g (float[2,8] x) => (float y) { q = SequenceConstruct(x, x) e = SequenceAt(q, zero) y = MatMul(e, w) }",
        {"zero": numpy.array(0), "w": (8, 4)},
    )
    assert not measure(loaded(model)).total("macs").exact


def test_the_worker_answers_for_one_model_after_another() -> None:
    from paramlint.loaders.onnx import worker

    good = text("g (float[2,8] x) => (float y) { y = Relu(x) }").SerializeToString()
    assert worker.infer(b"\xff\xff") is None
    assert worker.infer(good) is not None


@pytest.mark.parametrize(
    ("body", "arrays", "says"),
    [
        ("y = Conv(x, k)", {"k": (4, 3, 9, 9)}, "a window of 9 does not fit into 8 elements"),
        ("y = Conv<group = 3>(x, k)", {"k": (4, 1, 3, 3)}, "groups"),
        ("y = Reshape(x, s)", {"s": numpy.array([-1, -1])}, "more than one -1"),
        ("y = Reshape(x, s)", {"s": numpy.array([5, 5])}, "192"),
        ("y = Add(x, k)", {"k": (5,)}, "cannot be broadcast"),
    ],
)
def test_a_node_that_contradicts_its_inputs_says_what_differs(body: str, arrays: dict[str, Any], says: str) -> None:
    model = loaded(text(f"g (float[1,3,8,8] x) => (float y) {{ {body} }}", arrays))
    assert any(says in seen.message for seen in model.observations)


def test_types_are_followed() -> None:
    model = loaded(text("g (float[2,8] x) => (float16 y) { i = ArgMax(x) y = Cast<to = 10>(i) z = Shape(x) }"))
    assert model.tensors["i"].dtype is DType.INT64
    assert model.tensors["y"].dtype is DType.FLOAT16
