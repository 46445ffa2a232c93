"""The architecture language: what is valid says nothing and counts right. Numbers are products written out."""

from __future__ import annotations

import pytest
from paramlint.engine import load
from paramlint.errors import LoadError
from paramlint.ir import DType, Model
from paramlint.loaders import Request
from paramlint.measure import measure


def spec(layers: str, head: str = "input: [8]", framework: str = "pytorch") -> str:
    """A small architecture; ``layers`` is written as in the file."""
    body = "\n".join(f"  {line}" for line in layers.strip().splitlines())
    return f"framework: {framework}\n{head}\nlayers:\n{body}\n"


def model(text: str, **request: object) -> Model:
    wanted = Request(**request)  # type: ignore[arg-type]  # each test gives fields of Request
    return load("net.arch.yaml", wanted, text.encode())


def total(text: str, key: str = "params", **request: object) -> int | None:
    return measure(model(text, **request)).totals[key].value


def names(found: Model) -> list[str]:
    return [layer.name for layer in found.layers]


def test_two_layers() -> None:
    found = model(spec("- {type: Linear, out_features: 5}\n- ReLU\n- {type: Linear, out_features: 2}"))
    assert names(found) == ["linear", "re_lu", "linear_1"]
    assert measure(found).totals["params"].value == (8 * 5 + 5) + (5 * 2 + 2)
    assert measure(found).totals["macs"].value == 8 * 5 + 5 * 2
    assert found.outputs == ("linear_1",)
    assert found.layer_count == 3
    source = found.layers[0].source
    assert (source.line, source.column) == (4, 12)


def test_variables_expressions_and_set() -> None:
    text = spec(
        '- {type: Linear, out_features: $width, bias: $bias}\n- {type: Linear, out_features: "${width // 3 + 1}"}',
        "vars: {half: 3, width: '${2 * half}', bias: false}\ninput: [4]",
    )
    assert total(text) == 4 * 6 + (6 * 3 + 3)
    assert total(text, set={"width": "9"}) == 4 * 9 + (9 * 4 + 4)
    assert total(text, set={"half": "5", "bias": "true"}) == (4 * 10 + 10) + (10 * 4 + 4)


@pytest.mark.parametrize("written", [">\n      ${w +\n      2}", "|\n      $w", '" ${w} "'])
def test_an_expression_in_a_block_scalar(written: str) -> None:
    text = spec(f"- type: Linear\n  out_features: {written}", "vars: {w: 6}\ninput: [4]")
    assert total(text) in (4 * 6 + 6, 4 * 8 + 8)


@pytest.mark.parametrize(
    "written",
    [
        "10",
        "10.0",
        "1e1",
        "1_0",
        "0xA",
        "+10",
        '"${5 * 2}"',
        '"${25 // 2 - 2}"',
        '"${10 if 1 < 2 <= 2 != 3 else 1}"',
        '"${1 if 1 < 3 < 2 else 10}"',
    ],
)
def test_integers_in_every_form(written: str) -> None:
    assert total(spec(f"- {{type: Linear, out_features: {written}}}")) == 8 * 10 + 10


def test_block_defaults_index_and_in_channels() -> None:
    head = """input: [4]
vars: {top: 2}
blocks:
  grow:
    vars: {width: required, twice: "${width * top}"}
    layers:
      - {type: Linear, out_features: $twice}
      - {type: Linear, out_features: "${in_channels}", name: back}"""
    found = model(spec('- {type: grow, width: "${index + 1}", repeat: 2}\n- {type: grow, width: 1, twice: 7}', head))
    calls = ["grow.0", "grow.1", "grow_1"]
    assert names(found) == [f"{call}.{layer}" for call in calls for layer in ("linear", "back")]
    per_call = [(4 * t + t) + (t * 4 + 4) for t in (2, 4, 7)]
    assert measure(found).totals["params"].value == sum(per_call)
    assert [layer.group for layer in found.layers[:3]] == ["grow.0", "grow.0", "grow.1"]


def test_repeat_of_a_layer_chains_and_is_numbered() -> None:
    found = model(spec("- {type: Linear, out_features: 3, repeat: 3, name: deep}\n- {type: ReLU, inputs: [deep]}"))
    assert names(found) == ["deep.0", "deep.1", "deep.2", "re_lu"]
    assert measure(found).totals["params"].value == (8 * 3 + 3) + 2 * (3 * 3 + 3)
    assert found.layers[-1].inputs == ("deep.2",)
    assert names(model(spec("- {type: ReLU, repeat: 1}"))) == ["re_lu.0"]


def test_repeat_zero_and_when_pass_through() -> None:
    layers = """- {type: Linear, out_features: 5, repeat: 0, name: gone}
- {type: Linear, out_features: 6, when: false, name: off}
- {type: Linear, out_features: 2, inputs: [off]}
- {type: Linear, out_features: 3, inputs: [gone], name: b}"""
    found = model(spec(layers) + "outputs: [b]\n")
    assert [layer.inputs for layer in found.layers] == [("input",), ("input",)]
    assert [seen.message for seen in found.observations] == ["the layer linear reaches no output"]


def test_unreachable_layers_count_parameters_and_no_macs() -> None:
    head = "inputs: {a: [4], b: [4]}"
    layers = "- {type: Linear, out_features: 2, inputs: [a], name: x}\n- {type: Linear, out_features: 3, inputs: [a]}"
    found = model(spec(layers, head))
    assert measure(found).totals["params"].value == (4 * 2 + 2) + (4 * 3 + 3)
    assert measure(found).totals["macs"].value == 4 * 3
    assert [seen.rule for seen in found.observations] == ["PL007", "PL007"]
    assert {(seen.source.line, seen.source.column) for seen in found.observations} == {(2, 18), (4, 12)}


@pytest.mark.parametrize("inputs", ["[x]", "[x, router]"])
def test_a_router_before_experts_is_read_by_them(inputs: str) -> None:
    text = spec(
        "- {type: Linear, out_features: 8, name: x}\n"
        "- {type: Linear, out_features: 4, bias: false, name: router}\n"
        f"- {{type: expert, parallel: 4, active: 2, inputs: {inputs}}}\n",
        "input: [8]\nblocks: {expert: {layers: [{type: Linear, out_features: 8}]}}",
    )
    assert model(text).observations == ()
    assert total(text) == (8 * 8 + 8) + 8 * 4 + 4 * (8 * 8 + 8)
    assert total(text, "active_params") == (8 * 8 + 8) + 8 * 4 + 2 * (8 * 8 + 8)
    assert total(text, "macs") == 8 * 8 + 8 * 4 + 2 * 8 * 8
    unread = model(text.replace(", active: 2", "").replace("[x, router]", "[x]"))
    assert [one.message for one in unread.observations] == ["the layer router reaches no output"]


def test_parallel_copies_share_the_input_and_some_are_active() -> None:
    experts = "- {type: Linear, out_features: 8, parallel: 4, active: 2, name: expert}\n"
    found = model(spec(experts + "- {type: ReLU, inputs: [expert]}"))
    assert names(found)[:4] == ["expert.0", "expert.1", "expert.2", "expert.3"]
    assert all(layer.inputs == ("input",) for layer in found.layers[:4])
    totals = measure(found).totals
    assert totals["params"].value == 4 * (8 * 8 + 8)
    assert totals["active_params"].value == 2 * (8 * 8 + 8)
    assert totals["macs"].value == 2 * 8 * 8
    assert found.tensors["expert"].shape == (8,)
    wide = "- {type: Linear, out_features: 5, parallel: 3, merge: cat}\n- {type: Linear, out_features: 2}"
    joined = model(spec(wide))
    assert measure(joined).totals["params"].value == 3 * (8 * 5 + 5) + (15 * 2 + 2)


def test_trainable_false_freezes_everything_inside() -> None:
    head = """input: [4]
blocks:
  two: {layers: [{type: Linear, out_features: 4, trainable: true}, {type: Linear, out_features: 4}]}"""
    text = spec("- {type: two, trainable: false}\n- {type: Linear, out_features: 3}", head)
    assert total(text, "trainable_params") == 4 * 3 + 3
    assert total(text, "non_trainable_params") == 2 * (4 * 4 + 4)


def test_dtype_of_the_file_and_of_a_layer() -> None:
    layers = "- {type: Linear, out_features: 4}\n- {type: Linear, out_features: 4, dtype: float16}"
    text = "dtype: int8\n" + spec(layers)
    found = model(text)
    assert found.dtype is DType.INT8
    assert measure(found).totals["param_bytes"].value == (8 * 4 + 4) + 2 * (4 * 4 + 4)
    assert [layer.outputs[0].dtype for layer in found.layers] == [DType.INT8, DType.FLOAT16]


def test_calls_of_one_block_are_tied_layer_by_layer() -> None:
    head = """input: [4]
blocks:
  two: {layers: [{type: Linear, out_features: 6}, ReLU, {type: Linear, out_features: 4}]}"""
    found = model(spec("- {type: two, name: first}\n- {type: two, shared_with: first, repeat: 2}", head))
    once = (4 * 6 + 6) + (6 * 4 + 4)
    totals = measure(found).totals
    assert totals["params"].value == once
    assert totals["macs"].value == 3 * (4 * 6 + 6 * 4)
    assert [layer.formula.value for layer in found.layers if layer.formula and layer.weights] == [30, 28, 0, 0, 0, 0]


def test_shared_with_ties_by_role_and_keeps_its_own_bias() -> None:
    layers = """- {type: Linear, out_features: 8, bias: false, name: first, trainable: false}
- {type: Linear, out_features: 8, shared_with: first}"""
    found = model(spec(layers))
    assert measure(found).totals["params"].value == 8 * 8 + 8
    assert measure(found).totals["trainable_params"].value == 8
    formula = found.layers[1].formula
    assert formula is not None
    assert formula.value == 8


def test_a_block_sees_what_stands_above_its_call() -> None:
    head = """input: [4]
blocks:
  read: {layers: [{type: Linear, out_features: 3, inputs: [memory]}]}"""
    found = model(spec("- {type: Linear, out_features: 7, name: memory}\n- ReLU\n- read", head))
    assert found.layers[2].inputs == ("memory",)


def test_block_inputs_and_outputs_by_name() -> None:
    head = """inputs: {a: [4], b: [6]}
blocks:
  two:
    inputs: [x, y]
    outputs: [left, right]
    layers:
      - {type: Linear, out_features: 2, inputs: [x], name: left}
      - {type: Linear, out_features: 3, inputs: ['input:1'], name: right}"""
    layers = """- {type: two, inputs: [a, b], name: pair}
- {type: Linear, out_features: 1, inputs: ['pair:1']}
- {type: Linear, out_features: 1, inputs: [pair], name: z}"""
    found = model(spec(layers, head) + "outputs: [z]\n")
    assert [layer.inputs for layer in found.layers] == [("a",), ("b",), ("pair.right",), ("pair.left",)]


def test_named_dimensions_stay_or_are_bound() -> None:
    text = spec("- {type: Linear, out_features: 2}", "input: [seq, 8]")
    assert model(text).layers[0].outputs[0].shape == ("seq", 2)
    assert model(text, dims={"seq": 5}).layers[0].outputs[0].shape == (5, 2)
    assert total(text, "macs", dims={"seq": 5}) == 5 * 8 * 2
    assert measure(model(text)).totals["macs"].reasons
    assert model(text, input_shapes={"input": (9, 8)}).layers[0].outputs[0].shape == (9, 2)


def test_written_names_are_skipped_by_numbering() -> None:
    layers = "- ReLU\n- {type: ReLU, name: re_lu_1}\n- ReLU"
    assert names(model(spec(layers))) == ["re_lu", "re_lu_1", "re_lu_2"]


def test_suppressions_are_comments_and_nothing_else() -> None:
    first = "- {type: Linear, out_features: 4}  # paramlint: ignore[PL101, PL402] small\n"
    text = spec(first + "- ReLU # paramlint: ignore")
    text += 'name: "# paramlint: ignore[PL102] no comment"\n'
    found = model(text).suppressions
    seen = [(one.rules, one.reason, one.source.line) for one in found]
    assert seen == [(("PL101", "PL402"), "small", 4), ((), "", 5)]


def test_budgets_keep_their_place() -> None:
    text = spec("- ReLU") + "budget: {params: 30k, macs: {max: 3M, warn: 90%}}\n"
    text += "layer-budget:\n  - {match: 're*', params: 25%}\n"
    found = model(text).limits
    assert [(one.metric, one.match, one.source.line, one.source.column) for one in found] == [
        ("params", None, 5, 18), ("macs", None, 5, 29), ("params", "re*", 7, 28),
    ]  # fmt: skip
    assert found[1].value == {"max": "3M", "warn": "90%"}


def test_aliases_are_read_within_bounds() -> None:
    text = "framework: pytorch\ninput: [8]\nlayers:\n  - &one {type: Linear, out_features: 8}\n  - *one\n"
    assert total(text) == 2 * (8 * 8 + 8)


def test_windows_line_ends_and_byte_order_mark() -> None:
    text = "\ufeff" + spec("- {type: Linear, out_features: 8}").replace("\n", "\r\n")
    assert total(text) == 8 * 8 + 8


def test_every_step_reads_what_is_there() -> None:
    found = model(spec("- {type: Linear, out_features: 8, repeat: 2}\n- {type: ReLU, parallel: 2}"))
    known = {tensor.name for tensor in found.inputs}
    for step in found.steps:
        assert set(step.inputs) - {""} <= known
        known |= set(step.outputs)
    assert set(found.outputs) <= known == set(found.tensors)


def test_two_thousand_layers_stay_quick() -> None:
    import time

    head = """input: [64]
blocks:
  two: {vars: {width: 1}, layers: [{type: Linear, out_features: $width}, ReLU]}"""
    text = spec('- {type: two, width: "${64 + index - index}", repeat: 1000}', head)
    began = time.process_time()
    assert len(model(text).layers) == 2000
    assert time.process_time() - began < 1


def test_a_billion_repeats_are_refused_at_once() -> None:
    with pytest.raises(LoadError, match="30,000"):
        model(spec("- {type: ReLU, repeat: 1000000000}"))


def test_an_input_that_feeds_only_tables_holds_integers() -> None:
    head = "inputs: {ids: [5], both: [5], stated: {shape: [5], dtype: int64}}"
    layers = """- {type: Embedding, num_embeddings: 9, embedding_dim: 5, inputs: [ids]}
- {type: Embedding, num_embeddings: 9, embedding_dim: 5, inputs: [both]}
- {type: Embedding, num_embeddings: 9, embedding_dim: 5, inputs: [stated]}
- {type: Linear, out_features: 2, inputs: [both]}"""
    assert [tensor.dtype for tensor in model(spec(layers, head)).inputs] == [DType.INT32, DType.FLOAT32, DType.INT64]


def test_an_input_may_hold_text() -> None:
    layers = "- {type: StringLookup, max_tokens: 9}\n- {type: Embedding, input_dim: 9, output_dim: 4}"
    text = spec(layers, "inputs: {word: {shape: [1], dtype: string}}", "keras")
    assert [tensor.dtype for tensor in model(text).inputs] == [DType.STRING]
    assert total(text) == 9 * 4


def test_a_head_shares_the_table_of_an_embedding() -> None:
    layers = """- {type: Embedding, num_embeddings: 30, embedding_dim: 8, name: words}
- {type: Linear, out_features: 8}
- {type: Linear, out_features: 30, bias: false, shared_with: words}"""
    found = model(spec(layers, "input: [5]"))
    assert measure(found).totals["params"].value == 30 * 8 + (8 * 8 + 8)
    assert measure(found).totals["macs"].value == 5 * (8 * 8 + 8 * 30)


def test_a_block_may_call_one_that_stands_below() -> None:
    head = """input: [8]
blocks:
  outer: {layers: [{type: inner, width: 3}]}
  inner: {vars: {width: required}, layers: [{type: Linear, out_features: $width}]}"""
    assert total(spec("- outer", head)) == 8 * 3 + 3


TWO_STREAMS = """inputs: {a: [3, 8, 8], b: [3, 8, 8]}
blocks:
  step:
    vars: {c: required}
    layers:
      - {type: Conv2d, out_channels: $c, kernel_size: 3, padding: 1, name: main}
      - {type: Conv2d, inputs: [input], out_channels: $c, kernel_size: 1, when: "${c != in_channels}", name: side}
      - {type: add, inputs: [main, side]}"""


def test_repeated_calls_share_copy_by_copy_though_their_copies_have_not_as_many_layers() -> None:
    found = model(
        spec(
            """- {type: step, inputs: [a], c: "${4 * (1 + index // 2)}", repeat: 4, name: left}
- {type: step, inputs: [b], c: "${4 * (1 + index // 2)}", repeat: 4, shared_with: left, name: right}
- {type: sub, inputs: [left, right]}""",
            TWO_STREAMS,
        )
    )
    mains, sides = [3 * 9 * 4 + 4, 4 * 9 * 4 + 4, 4 * 9 * 8 + 8, 8 * 9 * 8 + 8], [3 * 4 + 4, 4 * 8 + 8]
    assert measure(found).totals["params"].value == sum(mains) + sum(sides)
    assert len(found.layers) == 2 * (4 * 2 + 2) + 1


def test_parallel_copies_share_copy_by_copy() -> None:
    head = "input: [8]\nblocks: {expert: {layers: [{type: Linear, out_features: 8}]}}"
    text = """- {type: expert, parallel: 4, active: 2, repeat: 2, name: one}
- {type: expert, parallel: 4, active: 2, repeat: 2, shared_with: one}"""
    totals = measure(model(spec(text, head))).totals
    assert totals["params"].value == 2 * 4 * (8 * 8 + 8)
    assert totals["active_params"].value == 2 * 2 * (8 * 8 + 8)


def test_a_copy_that_is_switched_off_keeps_its_place_when_copies_share() -> None:
    layers = """- {type: Linear, out_features: 8, repeat: 3, when: "${index > 0}", name: a}
- {type: Linear, out_features: 8, repeat: 3, when: "${index > 0}", shared_with: a}"""
    assert total(spec(layers)) == 2 * (8 * 8 + 8)
