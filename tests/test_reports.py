"""The reports: the text as a whole (``--regen`` writes it anew), and JSON against its schema for every kind of run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
from place import POINTER, TINY, Place, graph

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
ROOT = HERE.parent
SCHEMA = json.loads((ROOT / "schemas" / "report.schema.json").read_text())

CONFIG = '[tool.paramlint.budget]\nparams = { max = 40, warn = "80%" }\nmacs = "1k"\n'
ERRORS = """\
framework: keras
input: [28, 28, 1]
vars: {width: 8}
layers:
  - {type: Conv2d, filters: $width, kernel_size: 3}
  - {type: Conv2D, filters: $widht, kernel_size: 3}
  - {type: Dense, unit: 10}
bugdet: {params: 1k}
"""
REPEATED = """\
framework: keras
input: [32, 32, 3]
blocks:
  stage:
    layers:
      - {type: Conv2D, filters: 16, kernel_size: 3, padding: same}
      - BatchNormalization
      - ReLU
layers:
  - {type: stage, repeat: 4}
  - Flatten
  - {type: Dense, units: 10}
budget: {params: 1M, macs: 10G}
layer-budget: [{match: Dense, params: 50%}]
"""
CUSTOM = "framework: pytorch\ninput: [seq, 8]\nlayers: [{type: Custom, params: 5, output: [seq, 8]}]\n"


def config(place: Place) -> None:
    place.write("pyproject.toml", CONFIG)


def unknown(place: Place) -> None:
    graph(place.folder / "custom.onnx", "Frob", "com.acme")
    place.write("custom.arch.yaml", CUSTOM)


def broken(place: Place) -> None:
    place.write("errors.arch.yaml", ERRORS)
    place.write("pointer.onnx", POINTER)
    (place.folder / "cut.onnx").write_bytes(b"\x08\x08\x3a\x7f")


def repeated(place: Place) -> None:
    place.write("stages.arch.yaml", REPEATED)


def many(place: Place) -> None:
    for index in range(6):
        place.write(f"zoo/m{index}.arch.yaml", TINY.replace("out_features: 4", f"out_features: {2 + index}"))
    graph(place.folder / "zoo" / "g.onnx")


def suppressed(place: Place) -> None:
    place.write("known.arch.yaml", TINY.replace("layers:", "layers:  # paramlint: ignore[PL101] until autumn"))


class Run(NamedTuple):
    """A run by the name of its golden file."""

    name: str
    arguments: str
    code: int
    prepare: Callable[[Place], None] = lambda place: None


RUNS = [
    Run("limit_of_the_spec", "wide.arch.yaml --max 1M", 1),
    Run("limit_of_the_config", "tiny.arch.yaml wide.arch.yaml", 1, config),
    Run("limit_of_a_graph", "dense.onnx --max 30 --max file=1MiB", 1, lambda place: graph(place.folder / "dense.onnx")),
    Run("unknown_costs", "custom.onnx custom.arch.yaml --max 1M --max macs=1M", 1, unknown),
    Run("inputs_that_cannot_be_judged", "errors.arch.yaml pointer.onnx cut.onnx none.onnx --max 1", 3, broken),
    Run("copies_of_a_layer", "stages.arch.yaml", 1, repeated),
    Run("copies_of_a_layer_verbose", "stages.arch.yaml -v", 1, repeated),
    Run("copies_of_a_layer_quiet", "stages.arch.yaml -q", 1, repeated),
    Run("a_folder", "zoo --max 50 --max macs=50", 1, many),
    Run("a_layer_that_reaches_nothing", "loose.arch.yaml --max 1M", 0),
    Run("one_target", "stages.arch.yaml --target nano33ble --as int8 --ignore PL4", 1, repeated),
    Run("two_targets", "stages.arch.yaml --target nano33ble --target max78000 --as int8 --ignore PL4", 1, repeated),
    Run("memory", "stages.arch.yaml --max ram=8KiB --max ram.best=64KiB --as int8 --ignore PL4 -v", 1, repeated),
    Run("suppressed", "known.arch.yaml --max 3", 0, suppressed),
    Run("nothing_to_say", "tiny.arch.yaml --max 36", 0),
    Run("nothing_asked_for", "tiny.arch.yaml", 0),
]
IDS = [run.name for run in RUNS]


def compare(text: str, name: str, regen: bool) -> None:
    path = GOLDEN / name
    if regen:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{name} changed: if that is right, run pytest --regen and read the difference"


@pytest.mark.parametrize("run", RUNS, ids=IDS)
def test_the_text(place: Place, run: Run, regen: bool) -> None:
    run.prepare(place)
    done = place(*run.arguments.split())
    assert (done.code, done.err) == (run.code, "")
    compare(done.out, f"{run.name}.txt", regen)


def test_every_golden_file_has_a_run() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == {*IDS, *SHOWN, "concise"}


SHOWN = {
    "show": ("show", "article/lstm.arch.yaml"),
    "explain": ("explain", "article/lstm.arch.yaml"),
    "explain_gru": ("explain", "article/bigru_lstm.arch.yaml"),
    "show_kws": ("show", "tinyml/kws.arch.yaml"),
}


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown(place: Place, name: str, regen: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "examples")
    done = place(*SHOWN[name])
    assert (done.code, done.err) == (0, "")
    compare(done.out, f"{name}.txt", regen)


def test_concise(place: Place, regen: bool) -> None:
    many(place)
    broken(place)
    repeated(place)
    done = place(".", "--max", "50", "-o", "concise")
    assert done.code == 3
    compare(done.out, "concise.txt", regen)


def report(text: str) -> dict[str, Any]:
    """A report that its schema accepts and whose summary counts what it holds."""
    held: dict[str, Any] = json.loads(text)
    jsonschema.Draft202012Validator(SCHEMA).validate(held)
    findings = [finding for model in held["models"] for finding in model["findings"]]
    levels = [finding["level"] for finding in findings] + ["error"] * len(held["errors"])
    summary = held["summary"]
    assert [summary[f"{level}s"] for level in ("error", "warning", "note")] == [
        levels.count(level) for level in ("error", "warning", "note")
    ]
    assert summary["models"] == len(held["models"])
    assert set(held["rules"]) >= {finding["rule"] for finding in findings}
    for model in held["models"]:
        rows, totals = model["layers"], model["totals"]
        assert sum(row["params"] for row in rows) == totals["params"]
        assert sum(row["macs"] or 0 for row in rows) == totals["macs"]
        assert sum(row["param_bytes"] for row in rows) == totals["param_bytes"]
        for row in rows:
            assert row["macs"] is not None or "macs" in model["unknown"]
    return held


@pytest.mark.parametrize("run", RUNS, ids=IDS)
def test_json_keeps_its_contract(place: Place, run: Run) -> None:
    run.prepare(place)
    done = place(*run.arguments.split(), "-o", "json")
    assert done.code == run.code
    held = report(done.out)
    assert held["summary"]["exit_code"] == run.code
    assert done.out.count("\n") == 1


def test_json_of_every_example(place: Place) -> None:
    done = place(str(ROOT / "examples"), "-o", "json", "--isolated")
    assert done.code in (0, 1), done.err
    held = report(done.out)
    assert len(held["models"]) == len(list((ROOT / "examples").rglob("*.arch.yaml")))
    assert not held["errors"]


def test_json_of_standard_input_and_of_odd_names(place: Place) -> None:
    odd = place.write("ünïcode \x1b[31m.arch.yaml", TINY.replace("name: tiny", 'name: "a\\u202eb"'))
    held = report(place(odd, "-o", "json").out)
    assert (held["models"][0]["path"], held["models"][0]["name"]) == (odd, "a\u202eb")
    piped = report(place.process("-", "-o", "json", input=TINY).out)
    assert piped["models"][0]["path"] == "<stdin>"


def test_schemas_are_schemas(place: Place) -> None:
    for name in ("architecture", "config", "target", "report"):
        jsonschema.Draft202012Validator.check_schema(json.loads(place("schema", name).out))
    assert place("schema").out.split() == ["architecture", "config", "target", "report"]
