"""The deployment view: what a converter makes of a network, operator by operator.

Lists of operators are the converter's own: those in ``converted.yaml`` of Keras networks, those here of PyTorch
networks as onnx2tf hands them to it.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from deployed import Read, kinds, listing, read_spec, sizes
from hypothesis import given
from hypothesis import strategies as st
from paramlint.deploy import CONSTANT, deploy, operators, passes
from paramlint.deploy.convert import convert
from paramlint.deploy.finish import finish
from paramlint.deploy.types import settle
from paramlint.ir import DType, Model, Step, Tensor, Weight
from paramlint.memory import measure_ram

FLOAT, INT8 = DType.FLOAT32, DType.INT8
CONVERTED = yaml.safe_load((Path(__file__).parent / "converted.yaml").read_text())


@pytest.fixture
def spec(tmp_path: Path) -> Read:
    return partial(read_spec, tmp_path)


def test_nothing_is_left_of_what_does_nothing(spec: Read) -> None:
    view = deploy(spec("Identity\nDropout", [4]))
    assert (view.operators, view.params, view.unknown, view.assumed) == ((), 0, (), ())
    assert (view.inputs, view.outputs, sizes(view)) == ((0,), (0,), [16])


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
    model = read_spec(tmp_path_factory.getbasetemp(), layers, [8, 8, 4], "keras")
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


def test_a_long_network_is_converted_as_a_short_one_is() -> None:
    for links in (15, 15_000):
        view = deploy(chain(links), INT8)
        assert (len(view.operators), view.unknown) == (links * 2 // 3, ())


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
