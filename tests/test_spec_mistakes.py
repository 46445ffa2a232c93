"""Slips that people make in whole architectures: each is one error, where it was made, with the way out."""

from __future__ import annotations

import pytest
from paramlint.engine import load
from paramlint.errors import LoadError
from paramlint.loaders import Request

NET = """\
framework: pytorch
vars: {width: 64, depths: [2, 3]}
input: [3, 32, 32]
blocks:
  conv_bn:
    vars: {out: required, k: 3, s: 1}
    layers:
      - {type: Conv2d, out_channels: $out, kernel_size: $k, stride: $s, padding: "${k // 2}", bias: false}
      - BatchNorm2d
      - ReLU
  res:
    vars: {out: required, s: 1}
    layers:
      - {type: conv_bn, out: $out, s: $s}
      - {type: conv_bn, out: $out, name: main}
      - {type: Conv2d, inputs: [input], out_channels: $out, kernel_size: 1, stride: $s, when: "${s > 1}", name: skip}
      - {type: add, inputs: [main, skip]}
layers:
  - {type: conv_bn, out: $width, name: stem}
  - {type: res, out: "${width * 2 ** (index + 1)}", s: 2, repeat: "${depths[0]}", name: stages}
  - {type: AdaptiveAvgPool2d, output_size: 1}
  - Flatten
  - {type: Linear, out_features: 10, name: fc}
outputs: [fc]
"""


def test_the_network_itself_is_silent() -> None:
    model = load("net.arch.yaml", Request(), NET.encode())
    assert len(model.layers) == 3 + 2 * (3 + 3 + 1 + 1) + 3


@pytest.mark.parametrize(
    ("right", "wrong", "line", "column", "message", "hint"),
    [
        # names that cannot be seen from where they are used
        ("s: $s}\n", "s: $s, inputs: [main]}\n", 14, 52, "no layer or input above is called 'main'",
         "stands in line 15"),
        ("output_size: 1}", "output_size: 1, inputs: [stages.main]}", 21, 56, "'stages.main'", "let 'res' name them"),
        ("  - Flatten", "  - Flatten\n  - {type: ReLU, inputs: [flatten]}", 23, 27, "'flatten'",
         "in line 22 name: flatten"),
        # layers and blocks that are not written as such, with names that others refer to
        ("{type: Linear, out_features: 10, name: fc}", "Linear: {out_features: 10, name: fc}", 23, 5,
         "a layer has no type", "write {type: Linear, ...}"),
        ("{type: Linear, out_features: 10, name: fc}", "{Linear: [10], name: fc}", 23, 5,
         "a layer has no type", "write {type: Linear, ...}"),
        ("{type: Linear, out_features: 10, name: fc}", "{type: [Linear], out_features: 10, name: fc}", 23, 12,
         "type must be the name", None),
        ("    layers:\n      - {type: Conv2d", "    layer:\n      - {type: Conv2d", 7, 5, "unknown key 'layer'",
         "did you mean 'layers'?"),
        ("    vars: {out: required, s: 1}\n", "    vars: {out: required, s: 1}\n    outputs: main\n", 13, 14,
         "a block's outputs must be a list of names", "write [main]"),
        ("  - Flatten", "  - {type: Sequential, modules: [ReLU]}", 22, 12, "Sequential only holds layers",
         "as a block"),
        ("  - Flatten", "  - {type: CrossEntropyLoss, reduction: mean}", 22, 12, "is a training loss", "leave it out"),
        # one wrong value that is handed from block to block
        ("${width * 2 ** (index + 1)}", "${width / 3}", 8, 38, "a positive integer, not 64/3", None),
        ("s: 2, repeat", "s: '2', repeat", 8, 69, "not '2'", "the quotes make it text"),
        ("width: 64", "width: 6.4", 8, 38, "a positive integer, not 6.4", None),
        # words of other tools, and inputs that a layer does not take so
        ("  - Flatten", "  - Swish", 22, 5, "unknown layer 'Swish'", "did you mean 'SiLU'?"),
        ("  - Flatten", "  - {type: multiply, other: 2}", 22, 12, "unknown layer 'multiply'", "did you mean 'mul'?"),
        ("  - Flatten", "  - {type: add, inputs: [stem, stem, stem]}", 22, 25, "at most 2 inputs", "one add behind"),
        # keys of other tools, and top-level keys that are nearly right
        ("name: fc}", "requires_grad: false, name: fc}", 23, 38, "no argument 'requires_grad'", "'trainable'"),
        ("name: fc}", "times: 3, name: fc}", 23, 38, "no argument 'times'", "'repeat'"),
        ("name: fc}", "id: fc}", 23, 38, "no argument 'id'", "did you mean 'name'?"),
        ("name: stem}", "id: stem}", 19, 34, "no variable 'id'", "did you mean 'name'?"),
        ("out_features: 10", "out_features:10", 23, 20, "no argument 'out_features:10'", "write out_features: 10"),
        ("framework: pytorch", "backend: pytorch", 1, 1, "unknown key 'backend'", "did you mean 'framework'?"),
        ("input: [3", "input_shape: [3", 3, 1, "unknown key 'input_shape'", "did you mean 'input'?"),
        # lists, expressions and YAML that do not stand as they should
        ("inputs: [main, skip]", "inputs: main, skip", 17, 29, "a list stands in brackets", "inputs: [main, skip]"),
        ('"${k // 2}"', "k // 2", 8, 82, "not 'k // 2'", 'is written "${k // 2}"'),
        ('"${k // 2}"', "'{{ k // 2 }}'", 8, 82, "not '{{ k // 2 }}'", 'is written "${k // 2}"'),
        ('"${k // 2}"', '"${k // 2}', 16, 96, "is not valid YAML", "begins in line 8, column 9, is not closed"),
        ("  - Flatten", "  -Flatten", 22, 3, "is not valid YAML", "a space stands behind each '-'"),
        ("  - Flatten", "  flat: Flatten", 22, 3, "is not valid YAML", "begins in line 19 is a list"),
        # axes with and without the batch
        ("  - Flatten", "  - {type: permute, dims: [2, 0, 1]}", 22, 27, "each of the 4 axes", "write [0, 3, 1, 2]"),
        ("  - Flatten", "  - {type: permute, dims: [2, 0, 1, 3]}", 22, 27, "move the batch", "write [0, 2, 1, 3]"),
        # other languages
        ("${s > 1}", "${s > 1 || k == 1}", 16, 95, "unexpected '|'", "write or, not ||"),
        ("${s > 1}", "${s > 1 && true}", 16, 95, "unexpected '&'", "write and, not &&"),
        ("${s > 1}", "${s = 2}", 16, 95, "unexpected '='", "write == to compare"),
        ("${s > 1}", "${!(s == 1)}", 16, 95, "unexpected '!'", "write not, not !"),
        ("bias: false", "bias: None", 8, 101, "not 'None'", "write null"),
        ("kernel_size: 1, stride", "kernel_size: (1, 1), stride", 16, 74, "stands in brackets", "kernel_size: [1, 1]"),
        ("s: 2, repeat", "s: (2, 2), repeat", 20, 56, "a list stands in brackets", "write s: [2, 2]"),
        ("[3, 32, 32]", "(3, 32, 32)", 3, 8, "the shape of input must be a list", "write [3, 32, 32]"),
        ("kernel_size: 1, stride", "activation: relu, kernel_size: 1, stride", 16, 61, "no argument 'activation'",
         "a layer of its own"),
        ("out_features: 10", "trainable: 'false', out_features: 10", 23, 31, "trainable must be true or false",
         "the quotes make it text"),
        ("out_features: 10", "dtype: fp16, out_features: 10", 23, 27, "must be an element type", "'float16'"),
        ("framework: pytorch", "framework: pytorch\ndtype: half", 2, 8, "must be an element type", "'float16'"),
        ("input: [3, 32, 32]", "input: [3, 32, 32]\ninputs: {x: [3]}", 4, 1, "both 'input' and 'inputs'", "keep one"),
    ],
)  # fmt: skip
def test_one_slip_is_one_error(right: str, wrong: str, line: int, column: int, message: str, hint: str | None) -> None:
    assert right in NET
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), NET.replace(right, wrong, 1).encode())
    found = [(error.line, error.column, error.message) for error in caught.value.errors]
    assert len(found) == 1, found
    assert found[0][:2] == (line, column)
    assert message in found[0][2]
    if hint is not None:
        assert hint in (caught.value.errors[0].hint or "")


def test_an_lstm_takes_both_states_or_none() -> None:
    head = "framework: pytorch\ninputs: {x: [4, 5], h: [1, 6]}\n"
    text = head + "layers:\n  - {type: LSTM, hidden_size: 6, inputs: [x, h]}\n"
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), text.encode())
    assert [(error.line, error.column) for error in caught.value.errors] == [(4, 42)]
    assert caught.value.errors[0].hint == "write inputs: [x, h, c]"


UNUSED = """\
framework: pytorch
vars: {drop: 0}
input: [8]
blocks:
  idle: {vars: {n: 3, twice: "${2 * m}"}, layers: [{type: Linear, out_features: "${k + n}", bias: $index}]}
layers:
  - {type: Dropout, p: $drip, when: "${drop > 0}"}
  - {type: Linear, out_features: "${index + in_channels}", repeat: 0}
  - {type: ReLU, repeat: 0, when: "${drop >}"}
  - ReLU
"""


def test_variables_are_held_to_be_known_where_nothing_is_evaluated() -> None:
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), UNUSED.encode())
    found = [(error.line, error.column, error.message) for error in caught.value.errors]
    assert [place[:2] for place in found] == [(5, 30), (5, 81), (5, 99), (7, 24), (8, 34), (9, 35)]
    assert [place[2].split()[-1] for place in found[:2]] == ["'m'", "'k'"]
    assert caught.value.errors[3].hint == "did you mean 'drop'?"


def test_a_default_of_the_same_name_is_followed_to_the_top_level() -> None:
    text = """\
framework: pytorch
vars: {width: 6.4}
input: [8]
blocks:
  inner: {vars: {width: $width, again: $width}, layers: [{type: Linear, out_features: $again}]}
layers:
  - {type: inner, repeat: 2}
  - {type: Linear, out_features: $width}
"""
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), text.encode())
    assert [(error.line, error.column) for error in caught.value.errors] == [(5, 87)]


SHARED = "framework: pytorch\ninput: [8]\nblocks:\n  one: {layers: [{type: Linear, out_features: 8}]}\nlayers:\n"


@pytest.mark.parametrize(
    ("owner", "other", "column", "message"),
    [
        ("{type: one, name: a, repeat: 2}", "{type: one, shared_with: a}", 30, "'a' stands for 2 copies"),
        ("{type: one, name: a, repeat: 2}", "{type: one, repeat: 3, shared_with: a}", 41, "'a' stands for 2 copies"),
        ("{type: one, name: a, when: false}", "{type: one, shared_with: a}", 30, "'a' has no weights to share"),
        ("{type: ReLU, name: a, repeat: 2}", "{type: one, repeat: 2, shared_with: a}", 41, "is no call of the block"),
        ('{type: one, name: a, repeat: 2, when: "${index > 0}"}', "{type: one, repeat: 2, shared_with: a}", 41,
         "copy 0 of 'a' has no weights to share"),
    ],
)  # fmt: skip
def test_weights_that_cannot_be_shared(owner: str, other: str, column: int, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), f"{SHARED}  - {owner}\n  - {other}\n".encode())
    found = [(error.line, error.column, error.message) for error in caught.value.errors]
    assert len(found) == 1, found
    assert found[0][:2] == (7, column)
    assert message in found[0][2]


WIDE = """\
framework: pytorch
input: [4, 9]
blocks:
  pair:
    vars: {a: 1, b: 1}
    layers:
      - {type: Conv1d, out_channels: $a, kernel_size: 1, groups: $b}
      - {type: ConstantPad1d, padding: [$a, 0], value: 0}
      - {type: Conv1d, out_channels: 4, kernel_size: 1, dilation: $a}
  outer:
    vars: {n: 4, i: 0}
    layers:
      - {type: pair, a: $n, b: $n}
      - {type: pair, a: "${[4, 8][i]}", b: "${[1, 2][i]}"}
layers:
  - {type: outer, n: 4, i: 1}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "line", "column"),
    [("n: 4, i: 1", "n: 4.5", 7, 38), ("n: 4, i: 1", 'i: "${1 / 2}"', 14, 25), ("n: 4, i: 1", "n: wide", 7, 38)],
)
def test_one_value_under_several_names_and_in_lists_is_one_error(
    right: str, wrong: str, line: int, column: int
) -> None:
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), WIDE.replace(right, wrong).encode())
    assert [(error.line, error.column) for error in caught.value.errors] == [(line, column)]
