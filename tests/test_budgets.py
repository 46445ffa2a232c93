"""Which limits hold, and where a number stands against them: exact, and never a pass on an unknown."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramlint.budgets import (
    METRICS,
    Growth,
    Limit,
    Limits,
    compare,
    merge,
    read_growth,
    read_layer_limit,
    read_limit,
    resolve,
)
from paramlint.errors import LoadError
from paramlint.ir import DType, Layer, Model, Source, Stated, Tensor, Total, Unknown, Weight
from paramlint.layer_budgets import glob, layer_budgets
from paramlint.measure import Measured, measure
from paramlint.quantities import BYTES, COUNT, QuantityError

HERE = Source("command-line", text="--max")
FILE = Source("file", "m.arch.yaml", 3, 9)


def layer(name: str, params: int, macs: int | Unknown = 0, unknown: tuple[str, ...] = (), op: str = "Dense") -> Layer:
    weight = Weight("kernel", (params,), DType.FLOAT32, name)
    return Layer(name, op, (), (Tensor(name, (4, 5)),), (weight,), macs, FILE, unknown=unknown)


def model(*layers: Layer, format: str = "spec", limits: tuple[Stated, ...] = ()) -> Model:
    return Model("m", "m.arch.yaml", format, None, (), (), layers, {}, (), len(layers), False, limits=limits)


def state(total: Total, limit: Limit, warn_at: Fraction | None = None) -> str:
    measured = Measured(model(), (), {METRICS[limit.metric].key: total})
    limits = resolve(Limits((limit,), warn_at=warn_at), measured.model)
    return compare(limits.model, measured)[0].state


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (Total(100), "pass"),
        (Total(101), "fail"),
        (Total(0), "pass"),
        (Total(100, ("custom",)), "unknown"),
        (Total(0, ("custom",)), "unknown"),
        (Total(101, ("custom",)), "fail"),
        (Total(None, ("custom",)), "unknown"),
        (Total(None), "unknown"),
    ],
)
def test_states(total: Total, expected: str) -> None:
    assert state(total, Limit("params", 100, HERE)) == expected


@pytest.mark.parametrize(("value", "expected"), [(90, "pass"), (91, "warn"), (100, "warn"), (101, "fail")])
def test_the_warn_mark(value: int, expected: str) -> None:
    assert state(Total(value), Limit("params", 100, HERE, Fraction(9, 10))) == expected
    assert state(Total(value), Limit("params", 100, HERE), warn_at=Fraction(9, 10)) == expected


def test_a_mark_of_its_own_wins_over_the_general_one() -> None:
    assert state(Total(60), Limit("params", 100, HERE, Fraction(1, 2)), warn_at=Fraction(9, 10)) == "warn"
    assert state(Total(95), Limit("params", 100, HERE, Fraction(1)), warn_at=Fraction(9, 10)) == "pass"


@given(st.integers(0, 10**30), st.integers(0, 10**30), st.fractions(0, 1, max_denominator=10**6))
def test_the_mark_is_compared_exactly(value: int, most: int, share: Fraction) -> None:
    expected = "fail" if value > most else "warn" if Fraction(value) > share * most else "pass"
    assert state(Total(value), Limit("params", most, HERE, share)) == expected


@given(st.integers(0, 10**20), st.integers(0, 10**20))
def test_a_lower_bound_never_passes(value: int, most: int) -> None:
    assert state(Total(value, ("why",)), Limit("macs", most, HERE, Fraction(1, 2))) in ("fail", "unknown")


def test_entries() -> None:
    assert read_limit("params", "1M", HERE) == Limit("params", 1_000_000, HERE)
    entry = {"max": "256KiB", "warn": "90%", "max-increase": "2%,+10kB"}
    assert read_limit("ram", entry, HERE) == Limit(
        "ram", 262_144, HERE, Fraction(9, 10), Growth(Fraction(1, 50), 10_000)
    )
    assert read_growth("+10k", COUNT) == Growth(None, 10_000)


@pytest.mark.parametrize(
    ("metric", "raw", "hint"),
    [
        ("parms", "1M", "params"),
        ("params", "10MiB", "10M"),
        ("ram", "1M", "1MiB"),
        ("params", {"maxx": "1M"}, "max"),
        ("params", {"warn": "90%"}, "max"),
        ("params", {"max": "1M", "warn": "0.9"}, "90%"),
        ("params", {"max": "1M", "warn": 1}, "%"),
        ("params", ["1M"], "max"),
        ("params", None, "max"),
        ("params", True, "max"),
        ("params", {"max": "1M", "max-increase": "2%,3%"}, "1M"),
    ],
)
def test_entries_refused(metric: str, raw: object, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        read_limit(metric, raw, HERE)
    assert hint in (caught.value.hint or "")


def test_every_source_of_limits_holds() -> None:
    own = (Stated("params", "1M", FILE), Stated("macs", {"max": "3M"}, FILE))
    found = resolve(Limits((Limit("params", 10, HERE),)), model(limits=own))
    assert [(limit.metric, limit.max, limit.source.kind) for limit in found.model] == [
        ("params", 10, "command-line"),
        ("params", 1_000_000, "file"),
        ("macs", 3_000_000, "file"),
    ]


def test_a_spec_has_no_file_budget_and_a_graph_has() -> None:
    limits = Limits((Limit("file", 1, HERE),))
    assert resolve(limits, model()).model == ()
    assert len(resolve(limits, model(format="onnx")).model) == 1


def test_a_wrong_limit_in_the_file_says_where() -> None:
    own = (Stated("params", "1m", FILE), Stated("rams", "1KiB", FILE))
    with pytest.raises(LoadError) as caught:
        resolve(Limits(), model(limits=own))
    first, second = caught.value.errors
    assert (first.path, first.line, first.column) == ("m.arch.yaml", 3, 9)
    assert "1M" in (first.hint or "")
    assert "ram" in (second.hint or "")


def test_the_command_line_replaces_the_size_alone() -> None:
    config = (Limit("params", 100, FILE, Fraction(9, 10)), Limit("macs", 7, FILE))
    merged = merge(config, (Limit("params", 50, HERE),))
    assert merged == (Limit("params", 50, HERE, Fraction(9, 10)), Limit("macs", 7, FILE))


def failing(
    limit_text: object, *layers: Layer, metric: str = "params", match: str | None = None
) -> list[tuple[str, str]]:
    limit = read_layer_limit(metric, limit_text, HERE, match)
    found = layer_budgets([limit], measure(model(*layers)))
    return [(item.row.layer.name, item.state) for item in found]


def test_layers_by_size_and_by_share() -> None:
    layers = (layer("a", 75), layer("b", 25))
    assert failing("50", *layers) == [("a", "fail")]
    assert failing("75", *layers) == []
    assert failing("25%", *layers) == [("a", "fail")]
    assert failing("24.9%", *layers) == [("a", "fail"), ("b", "fail")]
    assert failing("10", *layers, match="b") == [("b", "fail")]
    assert failing("10", *layers, match="Den*") == [("a", "fail"), ("b", "fail")]


def test_layers_that_are_not_known() -> None:
    layers = (layer("a", 75, Unknown("n is free")), layer("b", 25, 10, ("custom",)))
    assert failing("50", *layers, metric="macs") == [("a", "unknown")]
    assert failing("50", *layers) == [("a", "fail"), ("b", "unknown")]
    assert failing("90%", *layers) == [("a", "unknown"), ("b", "unknown")]


def test_ram_of_a_layer_is_its_outputs() -> None:
    assert failing(str(4 * 5 * 4), layer("a", 1), metric="ram") == []
    assert failing(str(4 * 5 * 4 - 1), layer("a", 1), metric="ram") == [("a", "fail")]


def test_metrics_without_layers() -> None:
    with pytest.raises(QuantityError):
        read_layer_limit("file", "1kB", HERE)


def test_layer_patterns() -> None:
    assert glob("encoder/*").fullmatch("encoder/layer.0/dense")
    assert not glob("encoder/*").fullmatch("decoder/encoder/x")
    assert glob("a?c").fullmatch("a.c")
    assert glob("*" * 50 + "x").fullmatch("y" * 10_000 + "x")
    assert not glob("[a]").fullmatch("a")


def test_units_of_metrics() -> None:
    assert {metric.name for metric in METRICS.values() if metric.unit == BYTES} == {
        "weights", "flash", "ram", "ram.bound", "ram.arena", "ram.best", "file",
    }  # fmt: skip
