"""What each rule keeps silent about, with the reason, and then what it says: rules of loading, budgets and advice."""

from __future__ import annotations

from collections.abc import Mapping

import onnx.parser
import pytest
from paramlint.budgets import Limits
from paramlint.engine import Plan, judge
from paramlint.findings import Finding, Level
from paramlint.invocation.plans import layer_limits, model_limits
from paramlint.loaders import Request
from paramlint.rules import Choice, RuleSet, load, rule_set

KERAS = "framework: keras\n"
TORCH = "framework: pytorch\n"


def judged(text: str, rules: RuleSet, *limits: str, layers: tuple[str, ...] = ()) -> list[Finding]:
    """Findings on a spec, or on an ONNX graph in the text form of its package."""
    graph = text.lstrip().startswith("<")
    data = onnx.parser.parse_model(text).SerializeToString() if graph else text.encode()
    plan = Plan(Request(), Limits(model_limits(limits), layer_limits(layers)), rules)
    outcome = judge("m.onnx" if graph else "m.arch.yaml", plan, data)
    assert outcome.judged is not None, outcome
    return list(outcome.judged.findings)


def said(
    code: str, text: str, *limits: str, layers: tuple[str, ...] = (), options: Mapping[str, int] | None = None
) -> list[Finding]:
    """What one rule, asked for by its code, says of a model."""
    return judged(text, RuleSet((load()[code](options),), asked=frozenset({code})), *limits, layers=layers)


def onnx_text(body: str, weights: str = "", x: str = "float[1,4,8,8] x", y: str = "float[n,m] y") -> str:
    held = f"<{weights}>" if weights else ""
    return f'<ir_version: 8, opset_import: ["" : 17, "com.acme" : 1]> g ({x}) => ({y}) {held} {{ {body} }}'


CUSTOM = "input: [8]\nlayers:\n  - {type: Custom, params: 10, output: [8]}\n"


class TestCostUnknown:
    @pytest.mark.parametrize(
        ("why", "text", "limits"),
        [
            ("all is known", TORCH + "input: [8]\nlayers: [{type: Linear, out_features: 4}]\n", ("1", "macs=1")),
            ("stated figures are known", TORCH + CUSTOM.replace("10,", "10, macs: 0,"), ("macs=1",)),
            ("nobody computed it", onnx_text("y = Flatten (x)", x="float[1,seq] x"), ("params=1",)),
        ],
    )
    def test_silence(self, why: str, text: str, limits: tuple[str, ...]) -> None:
        assert said("PL001", text, *limits) == [], why

    def test_an_error_where_a_budget_depends_on_it(self) -> None:
        (finding,) = said("PL001", TORCH + CUSTOM, "macs=1G")
        assert (finding.level, finding.measured, finding.limit, finding.layer) == (Level.ERROR, 0, 10**9, "custom")
        assert finding.limit_source is not None
        assert "macs is at least 0 (limit 1,000,000,000)" in finding.message

    def test_a_note_elsewhere(self) -> None:
        (finding,) = said("PL001", TORCH + CUSTOM, "params=1G")
        assert finding.level == Level.NOTE
        assert "macs not known" in finding.message

    def test_an_operator_without_a_cost_is_not_free(self) -> None:
        """It may hold weights that no rule knows of, so every total is a lower bound."""
        text = onnx_text("h = com.acme.Frob (x) y = Flatten (h)")
        for limit in ("params=1G", "macs=1G", "weights=1GB"):
            (finding,) = [one for one in said("PL001", text, limit) if one.level == Level.ERROR]
            assert (finding.layer, "com.acme::Frob" in finding.message) == ("Frob_0", True)

    def test_a_layer_budget(self) -> None:
        text = TORCH + CUSTOM.replace("params: 10, ", "")
        (finding,) = [one for one in said("PL001", text, layers=("params=5",)) if one.level == Level.ERROR]
        assert "layer budget cannot be judged" in finding.message


class TestLoading:
    """PL002 to PL007: what a loader noticed."""

    def test_silence(self) -> None:
        text = onnx_text("c = Relu (x) y = Flatten (c)")
        for code in ("PL002", "PL003", "PL004", "PL005", "PL006", "PL007"):
            assert said(code, text) == [], code
            assert said(code, TORCH + "input: [8]\nlayers: [ReLU]\n") == [], code

    def test_a_named_batch_is_no_dynamic_shape(self) -> None:
        """It is taken as 1, which is said in ``assumed``."""
        text = onnx_text("y = MatMul (x, w)", "float[2,1] w = {1.0, 2.0}", "float[batch,2] x")
        assert said("PL003", text) == []

    def test_dynamic_shape(self) -> None:
        text = onnx_text("y = MatMul (x, w)", "float[2,1] w = {1.0, 2.0}", "float[1,seq,2] x", "float[1,seq,1] y")
        (finding,) = said("PL003", text)
        assert (finding.level, "--dim" in (finding.help or "")) == (Level.NOTE, True)

    def test_unused_weights(self) -> None:
        (finding,) = said("PL004", onnx_text("y = Flatten (x)", "float[2] w = {1.0, 2.0}"))
        assert (finding.level, "8 bytes" in finding.message) == (Level.WARNING, True)

    def test_duplicate_weights_only_when_asked_for(self) -> None:
        held = "float[2] v = {1.0, 2.0}, float[2] w = {1.0, 2.0}"
        text = onnx_text("a = Mul (x, v) b = Mul (a, w) y = Flatten (b)", held, "float[1,2] x")
        assert "PL006" not in {rule.code for rule in rule_set(Choice()).active}
        assert "PL006" not in {rule.code for rule in rule_set(Choice(select=("PL0",))).active}
        assert "PL006" in {rule.code for rule in rule_set(Choice(select=("PL006",))).active}
        assert said("PL004", text) == []

    def test_unreachable_layer(self) -> None:
        layers = "  - {type: Linear, out_features: 4, name: a}\n  - {type: Linear, out_features: 2}\n"
        text = f"{TORCH}input: [8]\nlayers:\n{layers}outputs: [a]\n"
        (finding,) = said("PL007", text)
        assert (finding.level, finding.layer, finding.source.line) == (Level.WARNING, "linear", 5)


NET = """
framework: keras
input: [8]
layers:
  - {type: Dense, units: 8, name: a}
  - {type: Dense, units: 4, name: b, trainable: false}
"""
PARAMS = 8 * 8 + 8 + 8 * 4 + 4
#: The metric of each budget rule, and what the network above has of it.
MEASURES = [
    ("PL101", "params", PARAMS, ""),
    ("PL107", "trainable", 8 * 8 + 8, ""),
    ("PL102", "weights", 4 * PARAMS, "B"),
    ("PL104", "macs", 8 * 8 + 8 * 4, ""),
    ("PL106", "layers", 2, ""),
]


class TestBudgets:
    @pytest.mark.parametrize(("code", "metric", "value", "unit"), MEASURES)
    def test_the_limit_itself_passes_and_one_less_fails(self, code: str, metric: str, value: int, unit: str) -> None:
        assert said(code, NET, f"{metric}={value}{unit}") == []
        (finding,) = said(code, NET, f"{metric}={value - 1}{unit}")
        assert (finding.measured, finding.limit, finding.level) == (value, value - 1, Level.ERROR)
        assert f"{metric} over budget" in finding.message

    def test_silence_without_a_limit(self) -> None:
        for code in ("PL101", "PL102", "PL104", "PL105", "PL106", "PL107", "PL110"):
            assert said(code, NET) == [], code

    def test_the_warn_mark(self) -> None:
        text = NET + f"budget: {{params: {{max: {PARAMS}, warn: 50%}}}}\n"
        (finding,) = said("PL101", text)
        assert (finding.level, "above 50% of the budget" in finding.message) == (Level.WARNING, True)
        assert said("PL101", NET + f"budget: {{params: {{max: {2 * PARAMS}, warn: 50%}}}}\n") == []

    def test_one_complaint_where_one_limit_fails_and_another_warns(self) -> None:
        text = NET + f"budget: {{params: {{max: {PARAMS}, warn: 50%}}}}\n"
        assert [finding.level for finding in said("PL101", text, "50")] == [Level.ERROR]

    def test_a_spec_cannot_loosen_another_limit(self) -> None:
        assert len(said("PL101", NET + "budget: {params: 1M}\n", "50")) == 1

    def test_the_largest_layers_are_named(self) -> None:
        (finding,) = said("PL101", NET, "1")
        assert finding.help == f"the largest layers: a 72 ({100 * 72 / PARAMS:.1f} %), b 36 ({100 * 36 / PARAMS:.1f} %)"

    def test_a_file_has_bytes_and_a_spec_has_none(self) -> None:
        text = onnx_text("y = Flatten (x)")
        size = len(onnx.parser.parse_model(text).SerializeToString())
        assert said("PL105", text, f"file={size}") == []
        assert said("PL105", text, f"file={size - 1}")[0].measured == size
        assert said("PL105", NET, "file=1") == []

    def test_a_layer(self) -> None:
        assert said("PL110", NET, layers=("params=72",)) == []
        (finding,) = said("PL110", NET, layers=("params=71",))
        assert (finding.layer, finding.measured, finding.limit, finding.source.line) == ("a", 72, 71, 5)
        (finding,) = said("PL110", NET, layers=("params=50%",))
        assert (finding.layer, finding.limit) == ("a", PARAMS // 2)
        assert said("PL110", NET, layers=("trainable=71",))[0].layer == "a"
