"""``show`` and ``explain``: the numbers of the article with their formulas, and which layers a word picks."""

from __future__ import annotations

from pathlib import Path

import onnx.parser
import pytest
from paramlint import config
from place import Place, graph

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"

#: An example of the article, and a line of its explanation.
ARTICLE = [
    ("ffn", "3 * 5 + 5 = 20"),
    ("ffn", "5 * 2 + 2 = 12"),
    ("ffn", "total: 32 parameters, 25 MACs"),
    ("ffn_deep", "total: 10,451 parameters"),
    ("lstm", "g * ((h + i) * h + h)"),
    ("lstm", "4 * ((2 + 3) * 2 + 2) = 48"),
    ("conv_gray_to_3", "= 15"),
    ("conv_2_to_3", "= 27"),
    ("conv_rgb_to_1", "= 13"),
    ("bigru_lstm", "3 * ((5 + 8) * 5 + 2 * 5) + 3 * ((5 + 8) * 5 + 2 * 5) = 450"),
    ("bigru_lstm", "the textbook formula with one gives 420"),
    ("bigru_lstm", "total: 12,650 parameters"),
]


@pytest.mark.parametrize(("name", "line"), ARTICLE)
def test_the_article_comes_out_as_it_says(place: Place, name: str, line: str) -> None:
    assert line in place("explain", str(EXAMPLES / "article" / f"{name}.arch.yaml")).out


STAGES = """\
framework: keras
input: [8, 8, 3]
blocks:
  stage:
    layers:
      - {type: Conv2D, filters: 4, kernel_size: 3, padding: same}
      - BatchNormalization
layers:
  - {type: stage, repeat: 2}
  - Flatten
  - {type: Dense, units: 10, name: head}
"""


@pytest.mark.parametrize(
    ("word", "layers"),
    [
        ("head", ["head"]),
        ("stage.1.conv2d", ["stage.1.conv2d"]),
        ("Conv2D", ["stage.0.conv2d", "stage.1.conv2d"]),
        ("stage.0", ["stage.0.conv2d", "stage.0.batch_normalization"]),
        ("*.conv2d", ["stage.0.conv2d", "stage.1.conv2d"]),
        ("stage*norm*", ["stage.0.batch_normalization", "stage.1.batch_normalization"]),
    ],
)
def test_a_word_picks_layers(place: Place, word: str, layers: list[str]) -> None:
    place.write("stages.arch.yaml", STAGES)
    lines = place("explain", "stages.arch.yaml", word).out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith(("6:16", "7:9", "11:12"))] == layers


def test_modules_have_sums(place: Place) -> None:
    place.write("stages.arch.yaml", STAGES)
    lines = place("show", "stages.arch.yaml").out.splitlines()
    first, second = 3 * 9 * 4 + 4 + 16, 4 * 9 * 4 + 4 + 16
    assert [line.split()[:2] for line in lines if line.startswith("stage.")] == [
        ["stage.0", str(first)],
        ["stage.1", str(second)],
    ]
    total = first + second + 8 * 8 * 4 * 10 + 10
    assert f"{total:,}" in next(line for line in lines if line.startswith("total"))
    assert next(line for line in lines if line.startswith("  trainable")).split()[1] == f"{total - 16:,}"


def test_a_graph_is_explained_node_by_node(place: Place) -> None:
    name = graph(place.folder / "g.onnx", "Frob", "com.acme")
    explained = place("explain", name).out
    assert "dense (Gemm)  g.onnx node dense" in explained
    assert "8 * 4 + 4 = 36" in explained
    assert "unknown: no cost is known for com.acme::Frob" in explained
    shown = place("show", name).out
    assert ">= 36" not in shown.splitlines()[2]  # the dense layer itself is known
    assert "at least 36" in next(line for line in shown.splitlines() if line.startswith("total"))


def test_what_cannot_be_read_is_told_on_standard_error(place: Place) -> None:
    for command in ("show", "explain"):
        for name in ("none.onnx", "broken.arch.yaml", "."):
            done = place(command, name)
            assert (done.code, done.out) == (3, "")
            assert done.err.startswith("error[PL000]")


def test_they_read_what_the_config_excludes_and_keep_its_dimensions(place: Place) -> None:
    place.write("seq.arch.yaml", "framework: pytorch\ninput: [seq, 8]\nlayers: [{type: Linear, out_features: 4}]\n")
    place.write("paramlint.toml", 'exclude = ["*"]\ndims.seq = 5\n')
    assert f"{5 * 8 * 4}" in place("show", "seq.arch.yaml").out
    assert f"{7 * 8 * 4}" in place("show", "seq.arch.yaml", "--dim", "seq=7").out
    assert "?" in place("show", "seq.arch.yaml", "--isolated").out
    config.nearest.cache_clear()


def test_nodes_stand_under_the_module_that_holds_several(place: Place) -> None:
    nodes = (("/net/first/fc/MatMul", "x", "a"), ("/net/first/out/MatMul", "a", "b"), ("/head/MatMul", "b", "y"))
    body = " ".join(f'["{name}"] {out} = MatMul ({x}, w)' for name, x, out in nodes)
    weights = f"float[4,4] w = {{{', '.join(['1.0'] * 16)}}}"
    text = f'<ir_version: 10, opset_import: ["" : 17]> g (float[1,4] x) => (float[1,4] y) <{weights}> {{ {body} }}'
    onnx.save(onnx.parser.parse_model(text), place.folder / "modules.onnx")
    lines = [
        line.split()[0] for line in place("show", "modules.onnx").out.splitlines() if "MatMul" in line or "net" in line
    ]
    assert lines == ["net.first", "fc/MatMul", "out/MatMul", "/head/MatMul"]
