"""Flash: the deployed weights, the file that TensorFlow Lite makes around them, and what a compiler leaves of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import FLOAT, INT8, Net, autoencoder, keyword_spotting, resnet8, visual_wake_words
from paramlint.deploy import Deployed
from paramlint.ir import DType, Unknown
from paramlint.memory import flash

#: Weights by hand and the size of the file that MLPerf Tiny publishes.
FILES = {
    "autoencoder int8": (autoencoder(), 264_192 + 4 * 1_672, 276_976),
    "autoencoder float": (autoencoder(FLOAT), 4 * (264_192 + 1_672), 1_067_648),
    "keywords int8": (keyword_spotting(), 22_016 + 4 * 588 + 8, 53_936),
    "wake words int8": (visual_wake_words(), 219_072, 333_288),
    "wake words float": (visual_wake_words(FLOAT), 843_408, 866_284),
    "resnet8 int8": (resnet8(), 78_752, 98_496),
    "resnet8 float": (resnet8(FLOAT), 310_832, 318_144),
}


@pytest.mark.parametrize("name", FILES)
def test_published_files(name: str) -> None:
    """Weights to the byte; the file within a sixth (its names may be long), never above the upper end."""
    deployed, weights, size = FILES[name]
    found = flash(deployed)
    assert found.weights == weights
    assert weights < found.estimate
    assert abs(found.estimate - size) <= size / 6
    assert size <= found.upper


def test_the_estimate_by_hand() -> None:
    """One dense layer of 10 × 20: 4 tensors, 1 operator, scales for 2 activations, 20 channels and their biases."""
    net = Net()
    found = flash(net.done(net.dense(net.input(10), 20)))
    assert found.weights == 10 * 20 + 4 * 20
    structure = 480 + 84 * 4 + 29 * 1 + 25 * 4 + 12 * (2 + 1 + 1)
    assert found.estimate == found.weights + structure + 60 * 4
    assert found.upper == found.estimate + (158 - 60) * 4 + 8 * 2 + 500
    assert len(found.assumed) == 1


def test_scales_of_each_channel_count_twice() -> None:
    """24 bytes for each output channel of a convolution: one scale for the kernel, one for the bias."""

    def fixed(filters: int) -> int:
        net = Net()
        found = flash(net.done(net.conv(net.input(8, 8, 3), filters)))
        return found.estimate - found.weights

    assert fixed(48) - fixed(16) == 24 * 32


def test_float_files_have_no_scales() -> None:
    def fixed(dtype: DType) -> int:
        found = flash(keyword_spotting(dtype))
        return found.estimate - found.weights

    channels, dense, activations, kernels = 9 * 64, 1, 14, 10
    assert fixed(INT8) - fixed(FLOAT) == 12 * (2 * (channels + dense) + activations) + 25 * (activations + 2 * kernels)


def test_a_shared_weight_is_stored_once() -> None:
    net = Net()
    first = net.dense(net.input(16), 16)
    second = net.add("FULLY_CONNECTED", [first], 16, constants=net.operators[0].constants)
    deployed = net.done(second)
    alone = flash(deployed._replace(operators=deployed.operators[:1]))
    assert flash(deployed).weights == alone.weights
    assert flash(deployed).estimate == alone.estimate + 29


def test_narrow_weights_round_up_once_for_each_tensor() -> None:
    net = Net()
    out = net.dense(net.input(3), 3)
    deployed = net.done(out)
    kernel, bias = deployed.operators[0].constants
    narrow = deployed.operators[0]._replace(constants=(kernel._replace(dtype=DType.INT4), bias))
    assert flash(deployed._replace(operators=(narrow,))).weights == 5 + 4 * 3


def test_a_compiler_stores_the_weights_alone() -> None:
    """Shape constants become code."""
    found = flash(keyword_spotting(), flatbuffer=False)
    assert found.weights == found.estimate == found.upper == 22_016 + 4 * 588


def test_a_stated_overhead_takes_the_place_of_the_estimate() -> None:
    found = flash(keyword_spotting(), overhead=10_000)
    assert found.estimate == found.upper == found.weights + 10_000
    assert "you state" in found.assumed[0]


def test_what_is_not_known_makes_a_lower_bound() -> None:
    net = Net()
    deployed = net.done(net.dense(net.input(10), 20))
    found = flash(deployed._replace(unknown=("node n: no form for com.acme::Foo",)))
    assert found.unknown == ("node n: no form for com.acme::Foo",)
    assert found.estimate == flash(deployed).estimate
    found = flash(deployed._replace(params=Unknown("layer c: parameters are not stated")))
    assert found.unknown == ("layer c: parameters are not stated",)
    assert flash(deployed).unknown == ()


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.sampled_from([INT8, FLOAT]))
def test_another_layer_never_takes_less(widths: list[int], dtype: DType) -> None:
    def chain(count: int) -> Deployed:
        net = Net(dtype)
        place = net.input(widths[0])
        for width in widths[:count]:
            place = net.dense(place, width)
        return net.done(place)

    sizes = [flash(chain(count)) for count in range(1, len(widths) + 1)]
    assert sizes == sorted(sizes, key=lambda one: one.estimate)
    assert all(one.weights <= one.estimate <= one.upper for one in sizes)
