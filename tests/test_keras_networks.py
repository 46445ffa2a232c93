"""Whole Keras networks in all of the language: blocks in blocks, conditions, ties, experts, frozen parts.

The numbers are those of the same networks built in Keras 3.15.1 with its functional API: layers called,
``count_params``, trainable parameters, and multiply-accumulates as counted while the layers ran.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from paramlint.engine import load
from paramlint.ir import Layer, Model
from paramlint.loaders import Request
from paramlint.measure import measure

FOLDER = Path(__file__).parent / "keras_networks"


def network(name: str) -> Model:
    return load(str(FOLDER / f"{name}.arch.yaml"), Request())


@pytest.mark.parametrize(
    ("name", "layers", "params", "trainable", "macs"),
    [
        ("diffusion", 293, 3_599_971, 3_599_971, 345_706_496),
        ("experts", 268, 2_982_376, 2_982_376, 14_802_944),
        ("frozen", 131, 220_218, 85_786, 852_008_528),
        ("nasnet", 512, 663_834, 651_674, 173_782_656),
        ("perceiver", 206, 390_346, 390_346, 55_968_384),
        ("reading", 75, 216_068, 216_068, 8_640_000),
        ("recommender", 17, 87_249, 87_249, 19_312),
        ("recurrent", 31, 38_233, 38_169, 1_495_499),
        ("retinanet", 190, 6_061_752, 6_053_368, 447_639_040),
        ("windows", 145, 1_371_524, 1_371_524, 34_091_520),
    ],
)
def test_totals_are_keras_own(name: str, layers: int, params: int, trainable: int, macs: int) -> None:
    found = network(name)
    totals = measure(found).totals
    assert found.observations == ()
    assert totals["layers"].value == layers
    assert totals["params"].value == params
    assert totals["trainable_params"].value == trainable
    assert totals["non_trainable_params"].value == params - trainable
    assert totals["macs"].value == macs
    assert totals["macs"].exact


def test_of_eight_experts_two_are_active() -> None:
    expert = (64 * 256 + 256) + (256 * 64 + 64)
    assert measure(network("experts")).totals["active_params"].value == 2_982_376 - 10 * 6 * expert


@pytest.mark.parametrize(
    ("network_name", "layer", "shape"),
    [
        ("diffusion", "d1.aa.multi_head_attention", (256, 64)),
        ("diffusion", "u1.res_1.c2", (16, 16, 64)),
        ("nasnet", "n2.2.a1.separable_conv2d_1", (32, 32, 24)),
        ("nasnet", "n5.small.concatenate", (8, 8, 96)),
        ("perceiver", "s3.3.think.2.mlp.dense", (32, 256)),
        ("reading", "model.29", (40, 32)),
        ("recurrent", "lstm.5", (24, 16)),
        ("retinanet", "cls7.tower.3", (1, 1, 64)),
        ("retinanet", "c4.5.main.batch_normalization", (8, 8, 128)),
        ("windows", "stage.2.swin.5.win_in.reshape_1", (1, 16, 128)),
    ],
)
def test_layers_are_found_under_their_full_names(network_name: str, layer: str, shape: tuple[int, ...]) -> None:
    rows: dict[str, Layer] = {row.name: row for row in network(network_name).layers}
    assert rows[layer].outputs[0].shape == shape
