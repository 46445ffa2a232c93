"""What a target says of single operators: listed, limited, elsewhere, undecided. Graphs are made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from paramlint.deploy.model import CONSTANT, Buffer, Constant, Deployed, Operator
from paramlint.ir import DType, Shape, Unknown
from paramlint.targets import facts, find, operators
from paramlint.targets.facts import FACTS
from paramlint.targets.network import network_verdicts
from paramlint.targets.op import OpVerdict
from paramlint.targets.support import judge_operators

INT8, FLOAT32, INT32 = DType.INT8, DType.FLOAT32, DType.INT32
SMALL: Shape = (1, 8, 8, 16)


def size(shape: Shape, dtype: DType) -> int:
    total = dtype.bits // 8
    for axis in shape:
        total *= axis if isinstance(axis, int) else 0
    return total


def graph(*steps: Operator, shapes: tuple[Shape, ...], dtype: DType = INT8, inputs: tuple[int, ...] = (0,)) -> Deployed:
    buffers = tuple(Buffer(f"t{place}", shape, dtype, size(shape, dtype)) for place, shape in enumerate(shapes))
    return Deployed(steps, buffers, inputs, (len(buffers) - 1,), 0, dtype, dtype == INT8)


def one(
    kind: str,
    onnx: str,
    ins: tuple[Shape, ...] = (SMALL,),
    out: Shape = SMALL,
    dtype: DType = INT8,
    constants: tuple[Constant, ...] = (),
    domain: str = "",
    **options: Any,
) -> Deployed:
    """A graph of one operator called ``it``."""
    places = tuple(range(len(ins))) + (CONSTANT,) * len(constants)
    step = Operator(kind, onnx, "it", places, (len(ins),), constants, options, domain)
    return graph(step, shapes=(*ins, out), dtype=dtype, inputs=tuple(range(len(ins))))


def conv(
    kernel: tuple[int, int] = (3, 3),
    strides: tuple[int, int] = (1, 1),
    shape: Shape = SMALL,
    out: Shape | None = None,
    dtype: DType = INT8,
    weights: DType | None = None,
    bias: bool = True,
    kind: str = "CONV_2D",
    onnx: str = "Conv",
    **more: Any,
) -> Deployed:
    if out is None:
        rows, columns = (-(-side // stride) for side, stride in zip((8, 8), strides, strict=True))
        out = (shape[0], rows, columns, 16)
    channels = out[-1] if isinstance(out[-1], int) else 1
    held = shape[-1] if isinstance(shape[-1], int) and kind == "CONV_2D" else 1
    filters = Constant("filter", (channels, *kernel, held), weights or dtype, "w", channels, channels * held)
    constants = (filters, Constant("bias", (channels,), INT32, "b", channels, channels)) if bias else (filters,)
    given: dict[str, Any] = {
        "kernel": kernel,
        "strides": strides,
        "dilations": (1, 1),
        "padding": "SAME",
        "spatial": 2,
        **more,
    }
    return one(kind, onnx, (shape,), out, dtype, constants, **given)


def depthwise(**more: Any) -> Deployed:
    return conv(kind="DEPTHWISE_CONV_2D", groups=16, **more)


def dense(inputs: int, outputs: int, dtype: DType = INT8, bias: bool = True) -> Deployed:
    constants = [Constant("filter", (outputs, inputs), dtype, "w", 1, inputs * outputs)]
    if bias:
        constants.append(Constant("bias", (outputs,), INT32, "b", 1, outputs))
    return one("FULLY_CONNECTED", "Gemm", ((1, inputs),), (1, outputs), dtype, tuple(constants))


def verdicts(target: str, deployed: Deployed) -> tuple[OpVerdict, ...]:
    return judge_operators(find(target), facts.ops(deployed))


def states(target: str, deployed: Deployed) -> list[str]:
    return [verdict.state for verdict in verdicts(target, deployed)]


@pytest.mark.parametrize(
    ("target", "deployed"),
    [
        ("stm32f746", conv()),
        ("stm32f746", depthwise(strides=(4, 4))),  # no limit of strides on a plain core
        ("stm32f746", conv(dtype=FLOAT32)),
        ("stm32f746", one("ELU", "Elu", dtype=FLOAT32)),
        ("esp32", dense(4096, 4096)),
        ("max78000", conv()),
        ("max78000", conv(kernel=(1, 1), padding="VALID")),
        ("max78000", conv(kernel=(1, 9), padding="VALID", spatial=1, shape=(1, 1, 16, 8), out=(1, 1, 8, 8))),
        ("max78000", conv(activation="RELU")),
        ("max78000", conv(out=(1, 8, 8, 1024), bias=False)),
        ("max78000", dense(1024, 512)),
        ("max78000", one("MAX_POOL_2D", "MaxPool", kernel=(16, 16), strides=(2, 2), padding="VALID", spatial=2)),
        ("max78000", one("MEAN", "GlobalAveragePool", out=(1, 16), axes=(1, 2))),
        ("max78000", one("MEAN", "ReduceMean", out=(1, 16), axes=(1, 2))),  # the same, as tf2onnx writes it
        ("max78000", one("MEAN", "GlobalAveragePool", ((1, 16, 8),), (1, 8), axes=(1,))),  # of a sequence
        ("max78000", conv(onnx="QLinearConv")),
        ("max78000", one("RESHAPE", "Squeeze", ((1, 1, 1, 8),), (1, 8))),  # ones are no work
        ("max78000", one("QUANTIZE", "QuantizeLinear")),  # a change of scale between integers
        ("ra8p1", conv(strides=(3, 3))),
        ("ra8p1", conv(strides=(4, 4), padding="VALID")),
        ("ra8p1", depthwise(strides=(3, 3))),
        ("ra8p1", conv(dtype=DType.INT16, weights=INT8)),
        ("ra8p1", one("AVERAGE_POOL_2D", "AveragePool", kernel=(8, 8), strides=(8, 8), padding="SAME", spatial=2)),
        ("ra8p1", one("SOFTMAX", "Softmax", ((1, 10),), (1, 10))),
        ("coral", conv(activation="RELU")),
        ("coral", one("AVERAGE_POOL_2D", "AveragePool", kernel=(2, 2), strides=(2, 2), padding="VALID", spatial=2)),
    ],
)
def test_nothing_to_say(target: str, deployed: Deployed) -> None:
    assert verdicts(target, deployed) == ()


@pytest.mark.parametrize(
    ("deployed", "text", "numbers"),
    [
        (depthwise(), "no depthwise or grouped convolution", (None, None)),
        (conv(strides=(2, 2)), "convolution stride 1", (2, 1)),
        (conv(strides=(1, 2)), "convolution stride 1", (2, 1)),
        (conv(kernel=(5, 5)), "kernel 1x1 or 3x3", (None, None)),
        (conv(kernel=(1, 3)), "kernel 1x1 or 3x3", (None, None)),
        (conv(dilations=(2, 2)), "no dilation", (2, 1)),
        (conv(padding="VALID", pads=(3, 3, 3, 3)), "zero padding 0 to 2", (3, 2)),
        (conv(shape=(1, 8, 8, 1025)), "at most 1024 channels", (1025, 1024)),
        (conv(out=(1, 8, 8, 1025), bias=False), "at most 1024 channels", (1025, 1024)),
        (conv(out=(1, 8, 8, 513)), "a bias for at most 512", (513, 512)),
        (conv(shape=(1, 1024, 8, 16), out=(1, 1024, 8, 16)), "rows and columns at most 1023", (1024, 1023)),
        (dense(1025, 8), "linear layers at most 1024", (1025, 1024)),
        (dense(8, 1025, bias=False), "linear layers at most 1024", (1025, 1024)),
        (
            one("MAX_POOL_2D", "MaxPool", kernel=(17, 2), strides=(2, 2), padding="VALID", spatial=2),
            "pooling kernel 1 to 16",
            (17, 16),
        ),
        (
            one("MAX_POOL_2D", "MaxPool", kernel=(3, 3), strides=(1, 1), padding="SAME", spatial=2),
            "no padding in pooling",
            (1, 0),
        ),
        (one("MEAN", "GlobalAveragePool", ((1, 17, 4, 8),), (1, 8), axes=(1, 2)), "pooling kernel 1 to 16", (17, 16)),
        (one("RESHAPE", "Flatten", ((1, 8, 8, 257),), (1, 16448)), "flatten at most 16384", (16448, 16384)),
        (one("RESHAPE", "Flatten", ((1, 17, 16, 2),), (1, 544)), "flatten at most 256 pixels", (272, 256)),
        (one("BATCH_MATMUL", "MatMul", (SMALL, SMALL)), "a product of two activations", (None, None)),
        (one("MUL", "BatchNormalization"), "batch normalization must be folded", (None, None)),
    ],
)
def test_limits_of_the_max78000(deployed: Deployed, text: str, numbers: tuple[int | None, int | None]) -> None:
    (found,) = verdicts("max78000", deployed)
    assert (found.state, found.layer, found.runs_on, found.stops) == ("limit", "it", None, True)
    assert text in found.reason
    assert (found.measured, found.limit) == numbers
    assert "ai8x-training" in found.cite


@pytest.mark.parametrize(
    ("deployed", "text"),
    [
        (conv(strides=(4, 4)), "VALID padding"),
        (conv(strides=(4, 4), padding="VALID", dilations=(2, 2)), "without dilation"),
        (depthwise(strides=(4, 4)), "stride 1 to 3"),
        (conv(weights=DType.INT16), "8-bit weights"),
        (one("AVERAGE_POOL_2D", "AveragePool", kernel=(9, 8), strides=(1, 1), padding="SAME"), "at most 8x8"),
        (one("AVERAGE_POOL_2D", "AveragePool", kernel=(257, 1), strides=(1, 1), padding="VALID"), "at most 256"),
        (one("MAX_POOL_2D", "MaxPool", kernel=(256, 257), strides=(1, 1), padding="VALID"), "area at most 65536"),
        (one("SOFTMAX", "Softmax", ((1, 256, 256, 2),), (1, 256, 256, 2)), "below 65536"),
        (one("MEAN", "ReduceMean", ((2, 8, 8, 4),), (2, 4), axes=(1, 2)), "batch 1"),
        (one("MEAN", "ReduceMean", ((1, 4096, 2, 4),), (1, 4), axes=(1, 2)), "below 4096"),
        (one("MEAN", "ReduceMean", ((1, 8, 8, 4),), (1, 8, 8), axes=(3,)), "over depth only"),
        (one("ARG_MAX", "ArgMax", ((1, 128),), (1,), axis=1), "depth at most 127"),
        (one("ARG_MAX", "ArgMax", ((1, 8, 4),), (1, 4), axis=1), "along depth only"),
        (one("TRANSPOSE", "Transpose", ((1,) * 9,), (1,) * 9), "rank at most 8"),
    ],
)
def test_limits_of_the_ethos_u55_leave_the_operator_to_the_cpu(deployed: Deployed, text: str) -> None:
    found = [verdict for verdict in verdicts("ra8p1", deployed) if verdict.state == "limit"]
    assert [verdict.runs_on for verdict in found] == ["the CPU"]
    assert not found[0].stops
    assert text in found[0].reason


def test_one_kernel_that_a_processor_cannot_sum_is_undecided() -> None:
    """Below 65,025 weights in a filter no values can reach the sum that the report names."""
    for channels, expected in ((7224, []), (7225, ["undecided"])):
        assert states("ra8p1", conv(shape=(1, 8, 8, channels))) == expected


def test_what_no_runtime_lists_is_unsupported() -> None:
    (found,) = verdicts("nano33ble", one("TILE", "Tile"))
    assert (found.state, found.stops, found.op) == ("unsupported", True, "TILE")
    assert "TensorFlow Lite Micro" in found.reason
    assert "90b983c2" in found.cite


def test_another_runtime_of_the_vendor_keeps_the_answer_open() -> None:
    """ST's tool lists Tile; its memory is not modelled, so nothing is passed and nothing refused."""
    (found,) = verdicts("stm32f746", one("TILE", "Tile", dtype=FLOAT32))
    assert (found.state, found.open) == ("undecided", True)
    assert "not modelled" in found.reason


def test_an_operator_of_another_domain_is_not_the_one_that_is_listed() -> None:
    assert states("max78000", one("Conv", "Conv", domain="com.acme", constants=())) == ["unsupported"]


def test_an_operator_whose_form_is_not_known_is_no_refusal() -> None:
    """A layer normalisation becomes means and products, which TensorFlow Lite Micro has; a GRU has no form there."""
    for target in ("nano33ble", "ra8p1", "coral"):
        (found,) = verdicts(target, one("LayerNormalization", "LayerNormalization"))
        assert (found.state, found.open) == ("undecided", True)
    assert states("nano33ble", one("GRU", "GRU")) == ["unsupported"]
    assert states("nano33ble", one("Mamba", "Mamba", domain="pytorch")) == ["undecided"]
    assert states("nano33ble", one("Custom", "Custom", domain="pytorch")) == ["unsupported"]
    assert states("nano33ble", one("Foo", "Foo", domain="com.acme")) == ["unsupported"]
    assert states("max78000", one("LayerNormalization", "LayerNormalization")) == ["unsupported"]


def test_an_accelerator_without_fallback_refuses() -> None:
    (found,) = verdicts("max78000", one("LOGISTIC", "Sigmoid"))
    assert (found.state, found.op, found.stops) == ("unsupported", "Sigmoid", True)


def test_what_runs_in_software_beside_the_accelerator() -> None:
    (found,) = verdicts("max78000", one("SOFTMAX", "Softmax", ((1, 10),), (1, 10)))
    assert (found.state, found.runs_on, found.stops, found.open) == ("fallback", "the CPU", False, False)


def test_a_fused_activation_is_an_operator_to_a_list_in_onnx_words() -> None:
    (found,) = verdicts("max78000", conv(activation="RELU6"))
    assert (found.state, found.op) == ("unsupported", "Clip")


def test_the_edge_tpu_has_one_partition() -> None:
    """Everything behind the first operator that is not mapped runs on the host."""
    steps = (
        Operator("RELU", "Relu", "first", (0,), (1,)),
        Operator("EXP", "Exp", "second", (1,), (2,)),
        Operator("RELU", "Relu", "third", (2,), (3,)),
    )
    found = verdicts("coral", graph(*steps, shapes=(SMALL,) * 4))
    assert [(verdict.layer, verdict.state) for verdict in found] == [("second", "fallback"), ("third", "fallback")]
    assert "one partition" in found[1].reason
    assert {verdict.runs_on for verdict in found} == {"the host processor"}


@pytest.mark.parametrize(
    ("deployed", "text"),
    [
        (conv(dilations=(1, 2)), "equal dilation"),
        (conv(shape=(2, 8, 8, 16)), "outer dimensions are 1"),
        (one("CONCATENATION", "Concat", (SMALL, SMALL), activation="RELU"), "no fused activation"),
        (one("MEAN", "ReduceMean", ((1, 8, 8, 6),), (1, 8, 8), axes=(3,)), "divisible by 4"),
        (one("MEAN", "ReduceMean", ((1, 8, 8, 6),), (8, 8, 6), axes=(0,)), "not over the batch"),
    ],
)
def test_limits_of_the_edge_tpu(deployed: Deployed, text: str) -> None:
    found = verdicts("coral", deployed)
    assert [verdict.state for verdict in found] == ["limit"]
    assert text in found[0].reason


def test_the_unverified_part_of_a_list_is_no_pass() -> None:
    (found,) = verdicts("coral", one("TANH", "Tanh"))
    assert (found.state, found.sure) == ("undecided", False)


def test_float_on_integers_only() -> None:
    assert states("max78000", conv(dtype=FLOAT32)) == ["dtype"]
    assert states("coral", conv(dtype=FLOAT32)) == ["dtype"]
    (found,) = verdicts("ra8p1", conv(dtype=FLOAT32))
    assert found.stops
    assert "float32" in found.reason


def test_float_on_a_processor_whose_core_has_floats_runs_there() -> None:
    found = verdicts("stm32n6", conv(dtype=FLOAT32))
    assert [(verdict.state, verdict.stops) for verdict in found] == [("fallback", False)]


def test_indices_and_masks_are_no_arithmetic() -> None:
    """A table is read by int32 indices and puts out int8: what counts is int8."""
    step = Operator("GATHER", "Gather", "it", (0, CONSTANT), (1,), (Constant("table", (9, 4), INT8, "t", 1, 36),))
    buffers = (Buffer("ids", (1, 6), INT32, 24), Buffer("out", (1, 6, 4), INT8, 24))
    deployed = Deployed((step,), buffers, (0,), (1,), 36, INT8, True)
    assert facts.ops(deployed)[0].dtype == "int8"
    assert states("stm32f746", deployed) == []


def test_hybrid_operators_are_refused_by_tflm() -> None:
    assert states("stm32f746", conv(dtype=FLOAT32, weights=INT8)) == ["dtype"]


def test_int16_kernels_are_not_known_for_every_operator() -> None:
    (found,) = verdicts("stm32f746", one("ADD", "Add", (SMALL, SMALL), dtype=DType.INT16))
    assert (found.state, found.open) == ("undecided", True)


@pytest.mark.parametrize("target", ["hailo8", "gap8", "syntiant_ndp120", "jetson_nano"])
def test_without_a_list_nothing_is_decided(target: str) -> None:
    dtype = FLOAT32 if target == "jetson_nano" else INT8
    (found,) = verdicts(target, conv(dtype=dtype))
    assert (found.state, found.open) == ("undecided", True)
    assert "no operator list" in found.reason


FREE: Shape = (1, None, "width", 16)


@pytest.mark.parametrize(
    ("target", "deployed"),
    [
        ("max78000", conv(shape=FREE, out=FREE)),
        ("max78000", one("CONV_2D", "Conv")),  # no kernel, no stride stated
        ("ra8p1", one("SOFTMAX", "Softmax", (FREE,), FREE)),
        ("ra8p1", one("MEAN", "ReduceMean", (FREE,), (1, 16), axes=(1, 2))),
        ("coral", one("RESIZE_BILINEAR", "Resize", (FREE,), FREE)),
    ],
)
def test_a_fact_that_is_not_known_passes_nothing(target: str, deployed: Deployed) -> None:
    assert "undecided" in states(target, deployed)


def test_without_a_rank_nothing_passes() -> None:
    deployed = conv()
    buffers = tuple(buffer._replace(shape=(), bytes=Unknown("shape")) for buffer in deployed.buffers)
    assert set(states("max78000", deployed._replace(buffers=buffers))) == {"undecided"}
    assert set(states("ra8p1", one("SOFTMAX", "Softmax")._replace(buffers=buffers))) == {"undecided"}


def test_a_broken_limit_is_said_though_another_fact_is_unknown() -> None:
    found = verdicts("max78000", conv(shape=(1, None, 8, 16), out=(1, 1024, 8, 16)))
    assert [verdict.state for verdict in found if "rows and columns" in verdict.reason] == ["limit"]


SHAPES: Mapping[str, tuple[Shape, Shape]] = {
    "FULLY_CONNECTED": ((1, 16), (1, 8)),
    "BATCH_MATMUL": ((1, 4, 16), (1, 4, 8)),
    "RESHAPE": ((1, 4, 4, 2), (1, 32)),
}
KERNELS = {"kernel": (3, 3), "strides": (1, 1), "dilations": (1, 1), "padding": "SAME", "spatial": 2}
#: ONNX name -> what it deploys as, for lists that use ONNX's words.
DEPLOYED_AS = {
    "Conv": "CONV_2D", "ConvTranspose": "TRANSPOSE_CONV", "MaxPool": "MAX_POOL_2D", "AveragePool": "AVERAGE_POOL_2D",
    "Gemm": "FULLY_CONNECTED", "MatMul": "BATCH_MATMUL", "Flatten": "RESHAPE", "Reshape": "RESHAPE",
    "GlobalAveragePool": "MEAN", "GlobalMaxPool": "REDUCE_MAX", "BatchNormalization": "MUL",
}  # fmt: skip


def typical(name: str, names: str) -> Deployed:
    """An operator as the deployment view would state it."""
    kind, onnx = (name, "-") if names == "tflite" else (DEPLOYED_AS.get(name, name.upper()), name)
    ins, out = SHAPES.get(kind, (SMALL, SMALL))
    constants: tuple[Constant, ...] = ()
    options: dict[str, Any] = {}
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"):
        constants = (Constant("filter", (8, 3, 3, 16), INT8, "w", 8, 1152),)
    if kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "AVERAGE_POOL_2D", "MAX_POOL_2D"):
        options = dict(KERNELS)
    if kind in ("MEAN", "REDUCE_MAX", "REDUCE_MIN", "ARG_MAX"):
        options = {"axes": (3,) if kind == "ARG_MAX" else (1, 2)}
    if kind == "PRELU":
        constants = (Constant("alpha", (1, 1, 16), INT8, "a", 1, 16),)
    return one(kind, onnx, (ins,), out, INT8, constants, **options)


@pytest.mark.parametrize("name", operators.ids())
def test_every_limit_finds_its_fact(name: str) -> None:
    """A limit whose fact an operator never has would pass everything in silence."""
    entry = operators.load(name)
    for limit in entry.limits:
        for op_name in sorted(limit.ops or ()):
            (op,) = facts.ops(typical(op_name, entry.names))
            flattens = op_name == "Reshape" and entry.role == "accelerator"
            assert op.called(entry) == ("Flatten" if flattens else op_name)
            assert any(fact in op.facts for fact in limit.facts) or limit.undecided, f"{op_name}: {limit.facts}"
            for fact in limit.where:
                assert fact in op.facts, f"{op_name}: where {fact}"


def test_facts_are_those_of_the_table() -> None:
    for kind in ("CONV_2D", "FULLY_CONNECTED", "RESHAPE", "MEAN", "PRELU", "PAD", "AVERAGE_POOL_2D"):
        (op,) = facts.ops(typical(kind, "tflite"))
        assert op.facts.keys() <= FACTS.keys()


@pytest.mark.parametrize(
    ("length", "out", "kernel", "stride", "dilation", "expected"),
    [
        (8, 8, 3, 1, 1, (1, True)),
        (8, 4, 3, 2, 1, (1, False)),  # one pixel is missing, at the end
        (49, 25, 10, 2, 1, (5, False)),  # ceil(49/2) = 25 windows need 24*2 + 10 = 58: 9 more
        (8, 8, 3, 1, 2, (2, True)),
        (8, 8, 1, 1, 1, (0, True)),
    ],
)
def test_same_padding_is_what_the_last_window_needs(
    length: int, out: int, kernel: int, stride: int, dilation: int, expected: tuple[int, bool]
) -> None:
    made = conv(
        kernel=(kernel, kernel),
        strides=(stride, stride),
        dilations=(dilation, dilation),
        shape=(1, length, length, 4),
        out=(1, out, out, 4),
    )
    (op,) = facts.ops(made)
    assert (op.facts["pad_max"], op.facts["symmetric_padding"]) == expected


def padded(pad: int, origin: str) -> Deployed:
    """A convolution 3x3 with the padding in front of it as an operator of its own."""
    side = 8 + 2 * pad
    front = Operator("PAD", origin, "it", (0,), (1,), (), {"pads": (pad,) * 4})
    convolution = conv(padding="VALID").operators[0]._replace(inputs=(1, CONSTANT, CONSTANT), outputs=(2,))
    return graph(front, convolution, shapes=((1, 8, 8, 16), (1, side, side, 16), (1, side - 2, side - 2, 16)))


@pytest.mark.parametrize("origin", ["Conv", "Pad"])
def test_padding_in_front_of_a_window_is_the_windows(origin: str) -> None:
    """However the source wrote it, an accelerator's tool takes it as the padding of the convolution."""
    assert verdicts("max78000", padded(2, origin)) == ()
    assert [found.reason for found in verdicts("max78000", padded(3, origin))] == ["zero padding 0 to 2 (pad is 3)"]
    alone = one("PAD", "Pad", (SMALL,), (1, 10, 10, 16), pads=(1, 1, 1, 1))
    assert [found.op for found in verdicts("max78000", alone)] == ["Pad"]


def test_a_sequence_as_an_image_of_one_row_is_a_sequence() -> None:
    row: Shape = (1, 1, 16, 8)
    assert verdicts("max78000", conv(kernel=(1, 9), shape=row, out=row, padding="VALID")) == ()
    (found,) = verdicts("max78000", conv(kernel=(1, 10), shape=row, out=row, padding="VALID"))
    assert found.reason == "1-D kernel 1 to 9 (kernel width is 10)"


def chain(count: int, channels: int = 4, side: int = 8) -> Deployed:
    """Convolutions one behind the other, each with its own weights."""
    steps = []
    for index in range(count):
        filters = Constant("filter", (channels, 3, 3, channels), INT8, f"w{index}", channels, 9 * channels**2)
        steps.append(Operator("CONV_2D", "Conv", f"c{index}", (index, CONSTANT), (index + 1,), (filters,), KERNELS))
    return graph(*steps, shapes=((1, side, side, channels),) * (count + 1))


def network(target: str, deployed: Deployed) -> list[tuple[str, int | None, int | None]]:
    found = network_verdicts(find(target), deployed, facts.ops(deployed))
    return [(verdict.state, verdict.measured, verdict.limit) for verdict in found]


def test_the_number_of_layers() -> None:
    assert network("max78000", chain(32)) == []
    assert network("max78000", chain(33)) == [("limit", 33, 32)]
    assert network("max78002", chain(128)) == []
    assert network("max78002", chain(129)) == [("limit", 129, 128)]


def test_layers_that_may_be_done_on_the_way_leave_it_open() -> None:
    deployed = chain(32)
    pool = Operator("MAX_POOL_2D", "MaxPool", "p", (32,), (33,), (), {**KERNELS, "padding": "VALID"})
    longer = graph(*deployed.operators, pool, shapes=((1, 8, 8, 4),) * 34)
    assert network("max78000", longer) == [("undecided", None, None)]


def test_weight_memory() -> None:
    """Each kernel of 3x3 int8 is 9 bytes; a processor holds 768 of them for its channels."""
    fits, full, over = chain(1, 64), chain(12, 64), chain(13, 64)
    assert network("max78000", fits) == []
    assert network("max78000", full) == []  # 12 * 64 kernels = 768 for each of 64 processors
    assert network("max78000", over) == [("limit", 13 * 64 * 64 * 9, 442_368)]
    assert network("max78000", chain(20, 40)) == [("undecided", None, None)]  # 288,000 bytes on 40 of 64 processors


def test_weights_that_several_layers_share_count_once() -> None:
    deployed = chain(13, 64)
    shared = [step._replace(constants=(step.constants[0]._replace(storage="w"),)) for step in deployed.operators]
    states = [state for state, _, _ in network("max78000", deployed._replace(operators=tuple(shared)))]
    assert "limit" not in states


def test_weights_beyond_the_cache_of_an_edge_tpu_are_streamed() -> None:
    wide = chain(1, 1024)  # 9 * 1024 * 1024 = 9 MiB
    found = list(network_verdicts(find("coral"), wide, facts.ops(wide)))
    assert [(verdict.state, verdict.measured, verdict.stops) for verdict in found] == [("limit", 9_437_184, False)]
    assert network("coral", chain(1, 512)) == []


def test_an_input_that_must_be_streamed() -> None:
    assert network("max78000", chain(1, 1, 181)) == []  # 32,761 pixels
    assert network("max78000", chain(1, 1, 182)) == [("undecided", None, None)]  # 33,124
