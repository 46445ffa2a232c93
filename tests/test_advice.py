"""The advice rules and suppressions: what they leave alone, each with its reason, then what they say."""

from __future__ import annotations

import pytest
from paramlint.findings import Level
from paramlint.rules import Choice, rule_set
from place import Place
from test_rules import KERAS, TORCH, judged, onnx_text, said

IMAGE = "input: [16, 16, 3]\nlayers:\n"
CONV = "  - {type: Conv2D, filters: 16, kernel_size: 3}\n"
NAMED = CONV.replace("3}", "3, name: c}")
NORM = "  - {type: BatchNormalization, name: n}\n"
HEAD = "  - Flatten\n  - {type: Dense, units: 10}\n"
TABLE = "input: [16]\nlayers:\n  - {type: Embedding, num_embeddings: %d, embedding_dim: 32, name: t}\n"
DENSE = "input: [32]\nlayers:\n  - {type: Dense, units: 64}\n"

#: The rule, why it keeps silent, and the model.
SILENT = [
    ("PL401", "positions are pooled away", KERAS + IMAGE + CONV + "  - GlobalAveragePooling2D\n" + HEAD),
    ("PL401", "no convolution stands before it", KERAS + "input: [4, 4]\nlayers:\n" + HEAD),
    ("PL401", "its share is small", KERAS + IMAGE + CONV * 2 + "  - {type: MaxPooling2D, pool_size: 12}\n" + HEAD),
    ("PL402", "there is no bias", KERAS + IMAGE + CONV.replace("3}", "3, use_bias: false}") + NORM),
    ("PL402", "something stands between", KERAS + IMAGE + CONV + "  - ReLU\n" + NORM),
    ("PL402", "another layer reads it too", KERAS + IMAGE + NAMED + NORM + "  - {type: Add, inputs: [c, n]}\n"),
    ("PL402", "it is an output of the model", KERAS + IMAGE + NAMED + NORM + "outputs: [c, n]\n"),
    ("PL402", "another axis is normalised", KERAS + IMAGE + CONV + NORM.replace("name: n", "axis: 1")),
    (
        "PL402",
        "another axis, dense",
        KERAS + IMAGE + "  - {type: Dense, units: 16}\n" + NORM.replace("name: n", "axis: 1"),
    ),
    ("PL403", "a spec is the network as it is trained", KERAS + IMAGE + CONV + NORM),
    ("PL404", "float32 is usual", KERAS + IMAGE + CONV),
    ("PL404", "int64 indices are no weights", onnx_text("y = Gather (w, x)", "float[2,1] w = {1, 2}", "int64[3] x")),
    ("PL405", "how many classes there are is no choice", KERAS + IMAGE + CONV.replace("16", "10")),
    ("PL405", "a multiple of 8", KERAS + IMAGE + CONV + CONV),
    ("PL405", "depthwise ones follow", KERAS + IMAGE + "  - {type: DepthwiseConv2D, kernel_size: 3}\n" + CONV),
    ("PL406", "small tables are left alone", TORCH + TABLE % 900 + "  - {type: Linear, out_features: 900}\n"),
    ("PL406", "the head has another size", TORCH + TABLE % 2000 + "  - {type: Linear, out_features: 1999}\n"),
    ("PL406", "they are tied", TORCH + TABLE % 2000 + "  - {type: Linear, out_features: 2000, shared_with: t}\n"),
    ("PL407", "samples are not stated", KERAS + DENSE),
    ("PL407", "there are as many as parameters", KERAS + DENSE + f"samples: {33 * 64}\n"),
    ("PL407", "frozen ones are not trained", KERAS + DENSE.replace("64}", "64, trainable: false}") + "samples: 1\n"),
]


@pytest.mark.parametrize(("code", "why", "text"), SILENT, ids=[f"{code} {why}" for code, why, _ in SILENT])
def test_silence(code: str, why: str, text: str) -> None:
    assert said(code, text) == []


def test_dense_after_flatten() -> None:
    text = KERAS + IMAGE + CONV + "  - Flatten\n  - {type: Dense, units: 10}\n"
    (finding,) = said("PL401", text)
    weights, total = 14 * 14 * 16 * 10, 3 * 9 * 16 + 16 + 14 * 14 * 16 * 10 + 10
    assert (finding.level, finding.layer, finding.source.line) == (Level.NOTE, "dense", 6)
    assert f"{weights:,} of {total:,} parameters" in finding.message
    assert finding.help is not None
    assert f"leaves {16 * 10} weights" in finding.help
    assert said("PL401", text, options={"share": 99}) == []


def test_dense_after_flatten_in_a_graph() -> None:
    kernels = ", ".join(["1.0"] * 16)
    weights = f"float[4,4,1,1] w = {{{kernels}}}, float[256,1] d = {{{', '.join(['1.0'] * 256)}}}"
    (finding,) = said("PL401", onnx_text("c = Conv (x, w) f = Flatten (c) y = Gemm (f, d)", weights))
    assert "256 of 272 parameters" in finding.message
    assert "leaves 4 weights" in (finding.help or "")


@pytest.mark.parametrize(
    ("framework", "layers", "off"),
    [
        (KERAS + IMAGE, CONV + "  - BatchNormalization\n", "use_bias: false"),
        (KERAS + IMAGE, "  - {type: Dense, units: 16}\n  - BatchNormalization\n", "use_bias: false"),
        (TORCH + IMAGE, "  - {type: Conv2d, out_channels: 16, kernel_size: 3}\n  - BatchNorm2d\n", "bias: false"),
    ],
)
def test_bias_before_batchnorm(framework: str, layers: str, off: str) -> None:
    (finding,) = said("PL402", framework + layers)
    assert (finding.level, finding.source.line) == (Level.NOTE, 4)
    assert "(16 parameters)" in finding.message
    assert (finding.help or "").startswith(off)


def test_unfolded_batchnorm() -> None:
    ones = "float[4] s = {1.0, 1.0, 1.0, 1.0}"
    weights = f"float[4,4,1,1] w = {{{', '.join(['1.0'] * 16)}}}, " + ", ".join(
        ones.replace(" s ", f" {n} ") for n in "sbmv"
    )
    graph = "c = Conv (x, w) {} n = BatchNormalization ({}, s, b, m, v) y = Flatten (n)"
    (finding,) = said("PL403", onnx_text(graph.format("", "c"), weights))
    assert "16 numbers less" in finding.message
    assert said("PL403", onnx_text(graph.format("r = Relu (c)", "r"), weights)) == []


def test_wide_dtype() -> None:
    (finding,) = said("PL404", KERAS + "input: [8]\nlayers:\n  - {type: Dense, units: 4, dtype: float64}\n")
    assert f"{36 * 8} B of weights in float64" in finding.message
    assert f"{36 * 4} B" in (finding.help or "")


def test_channel_alignment() -> None:
    text = KERAS + IMAGE + "  - {type: Conv2D, filters: 30, kernel_size: 3}\n" + CONV
    (finding,) = said("PL405", text)
    assert "30 channels, no multiple of 8" in finding.message
    assert "32 channels" in (finding.help or "")
    assert said("PL405", text, options={"multiple": 10}) == []


def test_untied_embeddings() -> None:
    text = TORCH + (
        "input: [16]\nlayers:\n  - {type: Embedding, num_embeddings: 2000, embedding_dim: 32}\n"
        "  - {type: Linear, out_features: 2000}\n"
    )
    (finding,) = said("PL406", text)
    assert "2000 × 32" in finding.message
    assert f"saves {2000 * 32:,} parameters" in (finding.help or "")
    assert said("PL406", text, options={"rows": 2001}) == []


def test_samples_per_parameter() -> None:
    text = KERAS + f"input: [32]\nlayers:\n  - {{type: Dense, units: 64}}\nsamples: {33 * 64 - 1}\n"
    (finding,) = said("PL407", text)
    assert f"{33 * 64:,} trained parameters on {33 * 64 - 1:,} samples" in finding.message
    assert said("PL407", text.replace(f"samples: {33 * 64 - 1}", f"samples: {33 * 64}"), options={"minimum": 2}) != []


def lined(comment: str, budget: str) -> str:
    return TORCH + f"input: [8]\nlayers:  {comment}\n  - {{type: Linear, out_features: 4}}\n{budget}\n"


EVERY = rule_set(Choice())


class TestSuppression:
    def codes(self, text: str, *limits: str) -> list[str]:
        return [finding.rule for finding in judged(text, EVERY, *limits) if finding.level > Level.NOTE]

    def test_a_comment_on_the_line_of_the_limit_or_of_layers(self) -> None:
        assert self.codes(lined("", "budget: {params: 9}")) == ["PL101"]
        for word in ("[PL101]", "[PL1]", "[params-budget]", "[PL402, PL101]"):
            assert "PL101" not in self.codes(lined(f"# paramlint: ignore{word} known", "budget: {params: 9}"))
        assert self.codes(lined("", "budget: {params: 9}  # paramlint: ignore[PL101] known")) == []
        assert self.codes(lined("", "budget:\n  params: 9  # paramlint: ignore[PL101] known")) == []

    def test_another_line_or_rule_is_not_meant(self) -> None:
        assert "PL101" in self.codes(lined("# paramlint: ignore[PL104] known", "budget: {params: 9}"))
        assert "PL101" in self.codes(
            lined("", "budget: {params: 9}").replace("out_features: 4}", "out_features: 4}  # paramlint: ignore[PL101]")
        )

    def test_one_that_silences_nothing_is_said(self) -> None:
        (finding,) = [one for one in judged(lined("# paramlint: ignore[PL101] known", "budget: {params: 99}"), EVERY)
                      if one.level > Level.NOTE]  # fmt: skip
        assert (finding.rule, finding.level, finding.source.line) == ("PL901", Level.WARNING, 3)

    def test_a_rule_that_had_nothing_to_judge_is_not_held_against_it(self) -> None:
        """Without a target nobody knows whether PL301 would have spoken."""
        assert self.codes(lined("# paramlint: ignore[PL301] known", "budget: {params: 99}")) == []

    def test_a_word_that_names_no_rule(self) -> None:
        assert self.codes(lined("# paramlint: ignore[PL777] known", "budget: {params: 99}")) == ["PL901"]

    def test_invalid_input_cannot_be_silenced(self, place: Place) -> None:
        place.write("m.arch.yaml", lined("# paramlint: ignore[PL000]", "budget: {params: 1m}"))
        assert place("m.arch.yaml", "--max", "1M", "--ignore", "PL000").code == 3

    def test_entries_of_the_config(self, place: Place) -> None:
        entry = '[[suppress]]\nrule = "PL101"\npath = "wide*"\nreason = "known"\n'
        place.write("paramlint.toml", entry)
        done = place("wide.arch.yaml", "--max", "macs=1M")
        assert (done.code, "1 suppressed" in done.out) == (0, True)
        unused = place(
            "tiny.arch.yaml",
            "wide.arch.yaml",
            "--max",
            "macs=1M",
            "--max",
            "1M",
            "-o",
            "concise",
            "--fail-level",
            "warning",
        )
        assert (unused.code, unused.out) == (0, "")
        place.write("paramlint.toml", entry.replace("wide*", "tiny*"))
        unused = place("tiny.arch.yaml", "--max", "1M", "-o", "concise")
        assert unused.out.startswith("paramlint.toml:1:3: warning[PL901]")
        place.write("paramlint.toml", entry.replace('reason = "known"\n', ""))
        assert place("tiny.arch.yaml", "--max", "1M").code == 2
