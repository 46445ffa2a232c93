"""Errors of an architecture: each at its line and column, with a way out, all at once, one cause one error."""

from __future__ import annotations

from pathlib import Path

import pytest
from paramlint.engine import load
from paramlint.errors import InputError, LoadError
from paramlint.loaders import Request

HEAD = "framework: pytorch\ninput: [8]\n"


LAUGHS = "a: &a [x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 40)}]\n" for before, name in ("ab", "bc", "cd", "de")
)


def errors(text: str, **request: object) -> tuple[InputError, ...]:
    wanted = Request(**request)  # type: ignore[arg-type]  # each test gives fields of Request
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", wanted, text.encode())
    return caught.value.errors


def one(text: str, **request: object) -> InputError:
    found = errors(text, **request)
    assert len(found) == 1, found
    return found[0]


def of_layer(layer: str, framework: str = "pytorch") -> InputError:
    """The single error of a file with one layer in line 4, whose mapping begins in column 5."""
    return one(f"framework: {framework}\ninput: [8]\nlayers:\n  - {layer}\n")


@pytest.mark.parametrize(
    ("layer", "column", "message", "hint"),
    [
        ("{type: Liner, out_features: 3}", 12, "unknown layer 'Liner'", "did you mean 'Linear'?"),
        ("{type: linear, out_features: 3}", 12, "unknown layer 'linear'", "did you mean 'Linear'?"),
        ("{type: nn.Linear, out_features: 3}", 12, "unknown layer 'nn.Linear'", "did you mean 'Linear'?"),
        ("{type: Linear, out_feature: 3}", 20, "Linear has no argument 'out_feature'", "did you mean 'out_features'?"),
        ("{type: Linear, units: 3}", 20, "Linear has no argument 'units'", "did you mean 'out_features'?"),
        ("{type: Linear}", 12, "Linear needs 'out_features'", "write out_features: ..."),
        ("Linear", 5, "Linear needs 'out_features'", "write out_features: ..."),
        ("{type: Linear, out_features: 0}", 34, "must be a positive integer, not 0", None),
        ("{type: Linear, out_features: 4.5}", 34, "must be a positive integer, not 4.5", None),
        ("{type: Linear, out_features: .nan}", 34, "not '.nan'", None),
        ("{type: Linear, out_features: 1e300}", 34, "must be at most", None),
        (f"{{type: Linear, out_features: {'9' * 10_000}}}", 34, "must be a positive integer", None),
        ("{type: Linear, out_features: '4'}", 34, "not '4'", "the quotes make it text: remove them"),
        ("{type: Linear, out_features: 012}", 34, "not '012'", "write 10, or 12 if the digits are decimal"),
        ("{type: Linear, out_features: 0o17}", 34, "not '0o17'", "write 15"),
        ("{type: Linear, out_features: '1:30'}", 34, "not '1:30'", "write 90"),
        ("{type: Linear, out_features: 8, bias: off}", 43, "must be true or false, not 'off'", "write false"),
        ("{type: Linear, out_features: 8, bias: 1}", 43, "must be true or false, not 1", None),
        ("{type: Linear, out_features: $widht}", 34, "unknown variable 'widht'", None),
        ('{type: Linear, out_features: "${5 / 2}"}', 34, "must be a positive integer, not 2.5", None),
        ('{type: Linear, out_features: "${2 ** 0.5}"}', 34, "is not a rational number", None),
        ('{type: Linear, out_features: "x$y"}', 34, "'$' inside a longer text", "an expression stands alone"),
        ("{type: Linear, out_features: ${5}}", 34, "inside braces ${5} must be quoted", 'write "${5}"'),
        ("{type: Linear, in_features: 9, out_features: 3}", 33, "[8]", None),
        ("{type: ReLU, inputs: [inptu]}", 27, "no layer or input above is called 'inptu'", "did you mean 'input'?"),
        ("{type: ReLU, inputs: ['input:1']}", 27, "has only one output", None),
        ("{type: ReLU, inputs: input}", 26, "inputs must be a list", "write inputs: [input]"),
        ("{type: ReLU, repeat: -1}", 26, "repeat must be an integer of at least 0, not -1", None),
        ("{type: ReLU, when: 1}", 24, "when must be true or false, not 1", None),
        ("{type: ReLU, active: 2}", 18, "only read with 'parallel'", "add parallel: N"),
        ("{type: ReLU, parallel: 2, active: 3}", 39, "active is 3", None),
        ("{type: ReLU, name: a.b}", 24, "holds no ':' or '.'", None),
        ("{type: ReLU, name: input}", 24, "belongs to an input", None),
        ("{type: ReLU, dtype: float23}", 25, "dtype must be an element type", "did you mean 'float32'?"),
        ("{type: ReLU, shared_with: relu}", 31, "no layer or input above is called 'relu'", None),
        ("{typ: ReLU}", 5, "a layer has no type", "did you mean 'type', not 'typ'?"),
        ("{type:ReLU}", 5, "a layer has no type", "write a space behind the colon: type: ReLU"),
        ("{type: ReLU, name: a$b}", 24, "name must be text", "no variable can stand in it"),
        ('{type: Linear, out_features: "${$x}"}', 34, "unexpected '$'", "a variable stands without $"),
        ("{type: !!python/name:os.system ReLU}", 12, "tag", "remove it"),
        ("{type: ReLU, type: ReLU}", 18, "the key 'type' is there twice", None),
        ("{<<: {type: ReLU}, type: ReLU}", 6, "merge keys", None),
    ],
)  # fmt: skip
def test_error_has_place_message_and_hint(layer: str, column: int, message: str, hint: str | None) -> None:
    found = of_layer(layer)
    assert (found.line, found.column) == (4, column)
    assert message in found.message
    if hint is not None:
        assert found.hint is not None
        assert hint in found.hint
    assert found.frame is not None
    assert found.frame.strip().startswith("- ")


def test_all_errors_at_once_and_one_for_each_cause() -> None:
    text = (
        HEAD
        + """layers:
  - {type: Linear, out_featurs: 3, name: first}
  - {type: Linear, out_features: 4}
  - {type: Linear, in_features: 99, out_features: 4}
  - {type: Linear, out_features: no}
  - {type: Linear, out_features: 3, inputs: [first]}
budget: {parms: 1M}
outpts: [a]
"""
    )
    found = [(error.line, error.column) for error in errors(text)]
    assert found == [(4, 20), (7, 34), (9, 10), (10, 1)]


@pytest.mark.parametrize(
    "layer",
    [
        "{type: LSTM, units: 2}",
        "{type: Bidirectional, layer: {type: GRU, units: 2}}",
        "{type: RNN, cell: {type: LSTMCell, units: 2}}",
        "{type: TimeDistributed, layer: {type: Dense, units: 2}}",
    ],
)
def test_a_last_step_is_no_sequence(layer: str) -> None:
    found = one(f"framework: keras\ninput: [5, 3]\nlayers:\n  - {{type: LSTM, units: 2}}\n  - {layer}\n")
    assert found.line == 5
    assert found.hint == "if a recurrent layer stands above, write return_sequences: true there"


def test_the_inferred_shape_is_in_the_message_and_the_copy_is_named() -> None:
    text = (
        HEAD
        + """blocks:
  b: {layers: [{type: Linear, in_features: 8, out_features: 5}]}
layers:
  - {type: b, repeat: 3}
"""
    )
    found = one(text)
    assert (found.line, found.column) == (4, 44)
    assert "[5]" in found.message
    assert "b.1.linear" in found.message
    size = one(
        HEAD
        + """blocks: {b: {vars: {n: 3}, layers: [{type: Linear, out_features: $n}]}}
layers: [b, {type: b, n: 0}]
"""
    )
    assert (size.line, size.column) == (3, 66)
    assert size.message.endswith("not 0 (in b_1.linear)")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("- 1\n- 2\n", 1, 1, "an architecture is a mapping"),
        (HEAD, 1, 1, "has no layers"),
        ("framework: pytorch\nlayers: [ReLU]\n", 1, 1, "has no input"),
        ("framework: torch\ninput: [8]\nlayers: [ReLU]\n", 1, 12, "framework must be keras or pytorch"),
        (HEAD + "layers: {a: 1}\n", 3, 9, "layers must be a list"),
        (HEAD + "layers: []\n", 3, 9, "layers is empty"),
        (HEAD + "inputs: {a: [3]}\nlayers: [ReLU]\n", 3, 1, "both 'input' and 'inputs'"),
        ("framework: pytorch\ninput: 784\nlayers: [ReLU]\n", 2, 8, "must be a list"),
        ("framework: pytorch\ninput: [-1, 8]\nlayers: [ReLU]\n", 2, 9, "a size must be a positive integer"),
        ("framework: pytorch\ninputs: {a: [3], b: [3]}\nlayers: [ReLU]\n", 3, 10, "there are several inputs"),
        (HEAD + "layers:\n\t- ReLU\n", 4, 1, "a tab in the indentation"),
        (HEAD + "layers: [ReLU\n", 4, 1, "is not valid YAML"),
        (HEAD + "layers: &a [*a]\n", 3, 13, "stands inside its own anchor"),
        (HEAD + "layers: " + "[" * 60, 3, 48, "levels deep"),
        (HEAD + "? [a]\n: 1\nlayers: [ReLU]\n", 3, 3, "a key must be a word"),
        (HEAD + "vars: {index: 3}\nlayers: [ReLU]\n", 3, 8, "reserved word"),
        (HEAD + "vars: {a: $b, b: 1}\nlayers: [ReLU]\n", 3, 11, "unknown variable 'b'"),
        (HEAD + "blocks: {ReLU: {layers: [Tanh]}}\nlayers: [ReLU]\n", 3, 10, "which is a pytorch layer"),
        (HEAD + "blocks: {a: {layers: [b]}, b: {layers: [a]}}\nlayers: [a]\n", 3, 41, "calls itself: a -> b -> a"),
        (HEAD + "blocks: {a: {vars: {n: required}, layers: [ReLU]}}\nlayers: [a]\n", 4, 10, "needs 'n'"),
        (HEAD + "blocks: {a: {layers: [ReLU]}}\nlayers: [{type: a, n: 1}]\n", 4, 20, "has no variable 'n'"),
        (HEAD + "layers: [ReLU]\noutputs: [relu]\n", 4, 11, "no layer or input above"),
        (HEAD + "layers: [{type: ReLU, name: a}, {type: ReLU, name: a}]\n", 3, 52, "there twice, first in line 3"),
        (HEAD + "layers: [ReLU]\nsamples: many\n", 4, 10, "samples must be a positive integer"),
        (HEAD + "layers: [ReLU]\n---\nlayers: []\n", 4, 1, "a second document"),
        (LAUGHS, 5, 8, "aliases counted as what they stand for"),
    ],
)  # fmt: skip
def test_error_of_the_file(text: str, line: int, column: int, message: str) -> None:
    found = one(text)
    assert (found.line, found.column) == (line, column)
    assert message in found.message


@pytest.mark.parametrize(
    ("text", "line", "column", "message", "hint"),
    [
        ("framework: pytorch\ninpt: [8]\nlayers: [ReLU]\n", 2, 1, "unknown key 'inpt'", "did you mean 'input'?"),
        ("framwork: pytorch\ninput: [8]\nlayers: [ReLU]\n", 1, 1, "unknown key 'framwork'", "'framework'"),
        ("framework: pytorch\ninputs: {a: {shap: [8]}}\nlayers: [ReLU]\n", 2, 14, "unknown key 'shap'", "'shape'"),
        (HEAD + "vars: {a: 3}\nlayers: [{<<: $a, type: Linear}]\n", 4, 11, "merge keys", "write the keys out"),
        (HEAD + "blocks: {Linear: {layers: [Tanh]}}\nlayers: [Linear]\n", 3, 10, "which is a pytorch layer", ""),
        ("framework: pytorch\ninput: [null, 3, 9, 9]\nlayers: [{type: MaxPool2d, kernel_size: 2}]\n", 3, 17,
         "needs an input of 3 axes", "write [3, 9, 9]"),
        (HEAD + "layers: [ReLU]\noutputs: []\n", 4, 10, "not an empty one", ""),
        (HEAD + "vas: {n: 3}\nlayers: [{type: Linear, out_features: $n}]\n", 3, 1, "unknown key 'vas'", "'vars'"),
        (HEAD + "bloks: {b: {layers: [Tanh]}}\nlayers: [b, b]\n", 3, 1, "unknown key 'bloks'", "'blocks'"),
        ("framework: pytorch\nvars: {s: [8, -1]}\ninput: $s\nlayers: [ReLU]\n", 3, 8, "a size must be a positive", ""),
        ("framework: pytorch\ninput: [$n, 8]\nlayers: [{type: Conv1d, out_channels: 3, kernel_size: 1}]\n", 2, 9,
         "unknown variable 'n'", ""),
        (HEAD + "blocks: {b: {vars: {width: required}, layers: [{type: Linear, out_features: $width}]}}\n"
         "layers: [{type: b, widht: 3}]\n", 4, 20, "has no variable 'widht'", "'width'"),
        (HEAD + "blocks: {b: {vars: {a: 1, c: $a}, layers: [{type: Linear, out_features: $c}]}}\n"
         "layers: [{type: b, a: $z}]\n", 4, 23, "unknown variable 'z'", ""),
        (HEAD + "vars: {n: 2.5}\nlayers: [{type: Linear, out_features: $n}, {type: Linear, out_features: $n}]\n", 4, 39,
         "not 2.5", ""),
        (HEAD + 'vars: {n: two}\nlayers: [{type: Linear, out_features: "${n * 2}"}, {type: ReLU, repeat: "${-n}"}]\n',
         4, 39, "needs a number, not 'two'", ""),
        (HEAD + "layers: [{type: Linear, out_features: 8, paralel: 8, active: 2}]\n", 3, 42, "no argument 'paralel'",
         "did you mean 'parallel'?"),
        (HEAD + "vars: {active: 3}\nlayers: [{type: Linear, out_features: $active}]\n", 3, 8, "reserved word", ""),
        (HEAD + "blocks: {b: {vars: {when: 3}, layers: [{type: Linear, out_features: $when}]}}\nlayers: [b]\n",
         3, 21, "reserved word", ""),
        (HEAD + "blocks: {b: {layers: [Tanh]}}\nlayers: [{type: b, inputs: []}]\n", 3, 23, "has no input", "is called"),
        (HEAD + 'layers: [{type: Linear, out_features: "${3 +}"}]\n', 3, 39, "ends too soon", ""),
        (HEAD + 'layers: [{type: Linear, out_features: "${012}"}]\n', 3, 39, "write 12 without the leading zero", ""),
        (HEAD + 'layers: [{type: Linear, out_features: 3, bias: "true"}]\n', 3, 48, "true or false", "remove them"),
    ],
)  # fmt: skip
def test_one_cause_is_one_error_with_a_way_out(text: str, line: int, column: int, message: str, hint: str) -> None:
    found = one(text)
    assert (found.line, found.column) == (line, column)
    assert message in found.message
    assert hint in (found.hint or "")


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        # a name that nothing has, wherever it is used
        ("layers:\n  - {type: Linear, out_features: $w}\n  - ReLU\n  - {type: Linear, out_features: $w}\n", 4, 34,
         "unknown variable 'w' (also in line 6)"),
        ("layers:\n  - {type: Linear, out_features: 8}\n  - {type: add, inputs: [a, input]}\n"
         "  - {type: mul, inputs: [a, a]}\noutputs: [a]\n", 5, 26,
         "no layer or input above is called 'a' (also in lines 6 and 7)"),
        # misspelled keys of blocks and layers are read on
        ("blocks: {b: {vas: {f: 3}, layers: [{type: Linear, out_features: $f}]}}\n"
         "layers: [{type: b, f: 4}, {type: b, f: 5}]\n", 3, 14, "unknown key 'vas' of a block"),
        ("blocks: {b: {layer: [{type: Linear, out_features: 3}]}}\nlayers: [b, ReLU]\n", 3, 14,
         "unknown key 'layer' of a block"),
        ("blocks: {b: {input: [x], layers: [{type: add, inputs: [x, x]}]}}\nlayers: [b]\n", 3, 14,
         "unknown key 'input' of a block"),
        ("layers: [{type: Linear, out_features: 8, nme: a}, {type: add, inputs: [a, input]}]\n", 3, 42,
         "Linear has no argument 'nme'"),
        ("blocks: {b: {layers: [ReLU]}}\nlayers: [{type: b, nam: a}, {type: add, inputs: [a, input]}]\n", 4, 20,
         "the block 'b' has no variable 'nam'"),
        ("blocks: {convbn: {layers: [ReLU]}}\nlayers:\n  - conv_bn\n  - {type: conv_bn}\n", 5, 5,
         "no block of this file (also in line 6)"),
        ("blocks: {b: {vars: [f], layers: [{type: Linear, out_features: $f}]}}\nlayers: [{type: b, f: 3}]\n", 3, 20,
         "vars must be a mapping"),
        ("layers:\n  - {type: Linear, out_features: \"${index + 1}\", bias: \"${index < count}\"}\n", 4, 34,
         "index is known only on a layer or call with repeat"),
        # a call's argument that no variable of the block has
        ("blocks: {b: {vars: {wdth: 3}, layers: [{type: Linear, out_features: $width}]}}\n"
         "layers: [b, {type: b, width: 4}]\n", 4, 23, "the block 'b' has no variable 'width'"),
        # whether a layer is there is not known, so nothing below is held against either shape
        ("layers: [{type: Linear, out_features: 3, when: $no, name: a}, {type: add, inputs: [a, input]}]\n", 3, 48,
         "unknown variable 'no'"),
        ("layers: [{type: Linear, out_features: 3, when: 1, name: a}, {type: add, inputs: [a, input]}]\n", 3, 48,
         "when must be true or false"),
    ],
)  # fmt: skip
def test_a_slip_with_many_followers_is_one_error(text: str, line: int, column: int, message: str) -> None:
    found = one(HEAD + text)
    assert (found.line, found.column) == (line, column)
    assert message in found.message


def test_every_wrong_size_and_every_width_that_differs_is_told() -> None:
    text = """framework: pytorch
input: [0, 8, '3']
layers: [ReLU]
"""
    assert [(error.line, error.column) for error in errors(text)] == [(2, 9), (2, 15)]
    widths = (
        HEAD
        + """layers:
  - {type: Linear, in_features: 7, out_features: 3}
  - {type: Linear, in_features: 3, out_features: 4}
  - {type: weight_norm, module: {type: Linear, in_features: 3, out_features: 4}}
"""
    )
    found = errors(widths)
    assert [(error.line, error.column) for error in found] == [(4, 33), (6, 61)]
    assert "[4]" in found[1].message


def test_wrong_budgets_and_wrong_layers_are_told_together() -> None:
    text = HEAD + "layers: [{type: Liner, out_features: 3}]\nbudget: {params: 10MiB, macs: {max: $n, warn: 90%}}\n"
    found = [(error.line, error.column) for error in errors(text + "layer-budget: [{match: '*', weights: 1M}]\n")]
    assert found == [(3, 17), (4, 18), (4, 37), (5, 38)]


def test_what_the_call_binds_must_be_there() -> None:
    text = HEAD + "vars: {width: 3}\nlayers: [{type: Linear, out_features: $width}]\n"
    found = one(text, set={"widht": "4"})
    assert "--set widht" in found.message
    assert found.hint == "did you mean 'width'?"
    assert "--input-shape x" in one(text, input_shapes={"x": (3,)}).message


def test_the_other_frameworks_word_is_answered_with_ours() -> None:
    found = of_layer("{type: Dense, units: 4}")
    assert "Keras layer" in found.message
    assert found.hint == "did you mean 'Linear'?"
    assert of_layer("{type: Linear, out_features: 4}", "keras").hint == "did you mean 'Dense'?"


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"a: \x01", b"", b"# nothing\n", b"just words", b"\x00\x01", b"[" * 100_000]
)
def test_what_is_no_architecture_is_one_line(data: bytes) -> None:
    with pytest.raises(LoadError) as caught:
        load("net.arch.yaml", Request(), data)
    assert len(caught.value.errors) == 1
    assert "\n" not in caught.value.errors[0].message


def test_bad_files_of_the_corpus_are_refused(corpus: Path) -> None:
    files = sorted((corpus / "bad").glob("*.yaml"))
    assert files
    for path in files:
        with pytest.raises(LoadError):
            load(str(path), Request())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + "vars:\n  v0: 1\n"
         + "".join(f"  v{i}: [$v{i - 1}, $v{i - 1}]\n" for i in range(1, 60)), "nested more than"),
        (HEAD + "blocks:\n  b0: {layers: []}\n"
         + "".join(f"  b{i}: {{layers: [{{type: b{i - 1}, repeat: 30}}]}}\n" for i in range(1, 30)), "expands to more"),
        (HEAD + "blocks:\n  b0: {layers: [ReLU]}\n"
         + "".join(f"  b{i}: {{layers: [b{i - 1}]}}\n" for i in range(1, 300)), "levels deep"),
    ],
)  # fmt: skip
def test_what_grows_without_bound_is_refused(text: str, message: str) -> None:
    last = "b29" if "b29" in text else "ReLU"
    assert any(message in error.message for error in errors(f"{text}layers: [{last}]\n"))


def test_a_variable_without_value_is_one_error() -> None:
    text = HEAD + 'vars: {a: "${1 / 0}", b: $a, c: "${b + 1}"}\nlayers: [{type: Linear, out_features: $c}]\n'
    assert one(text).message == "division by zero"
