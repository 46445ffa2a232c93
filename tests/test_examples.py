"""Every example loads without a complaint, and says what its publisher, its framework or a pencil says."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from paramlint.engine import load
from paramlint.loaders import Request
from paramlint.measure import Measured, measure

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


class Published(NamedTuple):
    """What an example is known to have; None where nobody published a number."""

    params: int
    trainable: int | None = None
    macs: int | None = None
    active: int | None = None
    buffers: int | None = None


def double(i: int, o: int) -> int:
    """Two padded 3x3 convolutions with bias."""
    return (i * 9 * o + o) + (o * 9 * o + o)


U_NET = (
    double(1, 64) + double(64, 128) + double(128, 256) + double(256, 512) + double(512, 1024)
    + sum(2 * f * 4 * f + f + double(2 * f, f) for f in (512, 256, 128, 64))
    + 64 * 2 + 2
)  # fmt: skip

PUBLISHED = {
    # the article's own arithmetic
    "article/ffn": Published(32),
    "article/ffn_deep": Published(10_451),
    "article/lstm": Published(48),
    "article/bigru_lstm": Published(12_650),
    "article/conv_gray_to_3": Published(15),
    "article/conv_2_to_3": Published(27),
    "article/conv_rgb_to_1": Published(13),
    # MLPerf Tiny, counted by Keras; MACs by the benchmark's own files
    "tinyml/kws": Published(24_908, macs=2_656_768),
    "tinyml/resnet8": Published(78_666, macs=12_501_632),
    "tinyml/mobilenet_v1_025": Published(221_794, 221_794 - 5_472, 7_489_664),
    "tinyml/autoencoder": Published(269_992, 269_992 - 2_064, 264_192),
    # torchvision and Keras applications
    "vision/lenet5": Published(61_706, 61_706, 416_520),
    "vision/alexnet": Published(61_100_840, 61_100_840, 714_188_480),
    "vision/vgg16": Published(138_357_544, 138_357_544, 15_470_264_320),
    "vision/resnet18": Published(11_689_512, 11_689_512, 1_814_073_344, buffers=9_600 + 20),
    "vision/resnet50": Published(25_557_032, 25_557_032, 4_089_184_256, buffers=53_120 + 53),
    "vision/resnet50_keras": Published(25_636_712, 25_583_592, 3_857_973_248),
    "vision/mobilenet_v2": Published(3_538_984, 3_504_872, 300_774_272),
    "vision/efficientnet_b0": Published(5_330_571, 5_288_548),
    "vision/densenet121_keras": Published(8_062_504, 7_978_856, 2_834_161_664),
    "vision/convnext_tiny": Published(28_589_128, 28_589_128, 4_455_531_264),
    "vision/googlenet": Published(6_624_904),
    "vision/unet": Published(U_NET, U_NET),
    "vision/vit_b_16": Published(86_567_656),
    "generative/dcgan_generator": Published(3_576_704),
    "generative/dcgan_discriminator": Published(2_765_568),
    "generative/vae": Published(652_824),
    # language models, as their weight files hold them
    "language/transformer_base": Published(44_140_544),
    "language/gpt2_small": Published(124_439_808),
    "language/gpt2_small_untied": Published(163_037_184),
    "language/bert_base_mlm": Published(109_514_298),
    "language/t5_small": Published(60_506_624),
    "language/llama2_7b": Published(6_738_415_616),
    "language/llama3_8b": Published(8_030_261_248),
    "language/mixtral_8x7b": Published(46_702_792_704, active=12_879_925_248),
    "language/mamba_130m": Published(129_135_360),
    # graph networks, counted by PyTorch Geometric
    "graph/gcn_cora": Published(23_063, 23_063, 2_708 * (1_433 * 16 + 16 * 7)),
    "graph/gat_cora": Published(92_373, 92_373, 2_708 * (1_433 * 64 + 64 * 7)),
}


def example(name: str, **changed: str) -> Measured:
    return measure(load(str(EXAMPLES / f"{name}.arch.yaml"), Request(set=changed)))


def test_no_example_is_without_a_number() -> None:
    files = {str(path.relative_to(EXAMPLES)).removesuffix(".arch.yaml") for path in EXAMPLES.rglob("*.arch.yaml")}
    assert files == set(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_example_has_the_published_numbers(name: str) -> None:
    measured, published = example(name), PUBLISHED[name]
    assert measured.totals["params"] == (published.params, ())
    if published.trainable is not None:
        assert measured.totals["trainable_params"] == (published.trainable, ())
    if published.macs is not None:
        assert measured.totals["macs"] == (published.macs, ())
    if published.buffers is not None:
        assert measured.totals["buffers"] == (published.buffers, ())
    active = published.params if published.active is None else published.active
    assert measured.totals["active_params"] == (active, ())
    assert not [seen for seen in measured.model.observations if seen.rule == "PL007"]


def test_readable_means_short() -> None:
    for path in EXAMPLES.rglob("*.arch.yaml"):
        assert len(path.read_text().splitlines()) < 60, path


def test_the_article_counts_one_bias_vector() -> None:
    assert example("article/bigru_lstm", reset_after="false").totals["params"].value == 12_620
