"""Every number that a ``truth.json`` below ``--corpus DIR`` knows of a model, against what the program says of it.

    pytest -m corpus --corpus DIR

Nothing here knows a model by name: which kind of truth an entry holds shows in its keys.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from paramlint.cli import main

pytestmark = pytest.mark.corpus

#: An arena below this is mostly bookkeeping, of which a model file says little.
SMALL_ARENA = 10_000
#: How far the estimated arena may be off above that, and the estimated file in flash, in per cent.
ARENA_ERROR, FLASH_ERROR = 1, 10

Truth = dict[str, Any]


class Reading(NamedTuple):
    """One way to read one file, and what has to come out: the key of a total and the values that are right."""

    path: Path
    arguments: tuple[str, ...]
    exact: dict[str, set[int]]
    arena: int | None = None  # what tensor_arena must hold at least; None where nobody measured it
    best: int | None = None  # the bound of the best operator order where nothing runs in place
    flash: int | None = None  # the converter's file


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "reading" in metafunc.fixturenames:
        found = list(readings(metafunc.config.getoption("--corpus")))
        names = [" ".join((f"{one.path.parent.name}/{one.path.name}", *one.arguments[:2])) for one in found]
        metafunc.parametrize("reading", found, ids=names)


def readings(corpus: Path | None) -> Iterator[Reading]:
    for truth in sorted(corpus.rglob("truth.json")) if corpus else ():
        for model in json.loads(truth.read_text())["models"]:
            if "readings" in model:
                yield from from_keras(truth.parent, model)
            elif "tflm" in model:
                yield from from_tflite(truth.parent, model)
            else:
                yield from from_export(truth.parent, model)


def from_export(folder: Path, model: Truth) -> Iterator[Reading]:
    """An exported ONNX file, at the input shapes with which it was run."""
    expected = model["expected"]
    keys = {"params": "params", "buffers": "buffers", "weight_bytes": "param_bytes"}
    exact = {ours: {expected[theirs]} for theirs, ours in keys.items() if expected.get(theirs) is not None}
    framework = model["framework"]
    check = framework.get("macs_onnx_crosscheck")
    if check is not None or framework.get("macs_source") == "by construction":  # one source alone misses operators
        exact["macs"] = {check if isinstance(check, int) else framework["macs"]}
    shapes = {name: shape for name, shape in model["ort"].get("inputs", {}).items() if shape}
    bound = [f"{name}={','.join(map(str, shape))}" for name, shape in shapes.items()]
    arguments = [word for one in bound for word in ("--input-shape", one)]
    yield Reading(folder / model["file"], tuple(arguments), exact)


def from_tflite(folder: Path, model: Truth) -> Iterator[Reading]:
    """The ONNX twin of a published .tflite file."""
    twin = model.get("onnx_twin")
    if twin is None:
        return
    weights = twin["params_in_conv_gemm_matmul_add"]
    exact = {"params": {weights}, "deployed_params": {weights, model["params"]}, "macs": {model["macs"]}}
    exact["ram.bound"] = {twin["folded_lower_bound_bytes"]}
    arena = None
    if "head_bytes" in model["tflm"] and twin["folded_lower_bound_bytes"] == model["activation"]["lower_bound_bytes"]:
        exact["ram.arena"] = {model["tflm"]["head_bytes"]}
        arena = model["tflm"]["min_working_arena_bytes"] or model["arena_bytes"]
    yield Reading(folder / twin["file"], (), exact, arena)


def from_keras(folder: Path, model: Truth) -> Iterator[Reading]:
    """A network as a spec, as exported from Keras, and as the converter's float and int8 files."""
    keras = model["keras"]
    for reading in model["readings"]:
        truth, file = model[reading["truth"]], reading["file"]
        exact = {"macs": {keras["macs"] + keras["macs_batch_matmul"]}}
        exact["deployed_params"] = {truth["params"]}
        if file == model["spec"]["file"]:
            exact |= {"params": {keras["count_params"]}, "trainable_params": {keras["trainable"]}}
            exact |= {"non_trainable_params": {keras["non_trainable"]}}
        for kind in ("int8", "float"):
            if file == model[kind]["onnx"]["file"]:
                exact["params"] = {model[kind]["onnx"]["params_in_weight_slots"]}
        if "params" not in exact or file == model["spec"]["file"]:  # the converter's zero biases are not in the file
            exact["deployed_params"].add(truth["params"] - truth["all_zero_param_elements"])
        arena = best = None
        if reading["scored"]:
            best = truth["best_order_lower_bound"]
            exact |= {"ram.bound": {truth["lower_bound_bytes"]}, "ram.arena": {truth["tflm_head_bytes"]}}
            arena = truth["min_working_arena_bytes"] or truth["arena_bytes"]
        arguments = ("--as", reading["as"]) if reading["as"] else ()
        yield Reading(folder / file, arguments, exact, arena, best, truth["tflite"]["file_bytes"])


def totals(capsys: pytest.CaptureFixture[str], reading: Reading) -> tuple[dict[str, int | None], Truth]:
    """The totals of the JSON report, flat, and the whole report's model."""
    searched = () if reading.best is None else ("--max", "ram.best=1TiB")
    code = main([str(reading.path), "--isolated", "--output", "json", *reading.arguments, *searched])
    written = capsys.readouterr()
    report = json.loads(written.out)
    assert code in (0, 1), f"exit {code}: {written.err} {report['errors']}"
    (model,) = report["models"]
    flat = dict(model["totals"])
    flat |= {f"ram.{key}": value for key, value in flat.pop("ram").items()}
    return flat, model


def test_a_model_says_the_truth(reading: Reading, capsys: pytest.CaptureFixture[str], compared: Counter[str]) -> None:
    found, model = totals(capsys, reading)
    wrong = []
    for key, right in reading.exact.items():
        if found[key] not in right or key in model["unknown"]:
            wrong.append(f"{key}: {found[key]} {model['unknown'].get(key, '')}, truth {sorted(right)}")
    if reading.arena is not None and reading.arena >= SMALL_ARENA:
        compared["arenas within 1 %"] += 1
        wrong += near(found, "ram.arena_total", reading.arena, ARENA_ERROR)
    if reading.flash is not None:
        compared["files within 10 %"] += 1
        wrong += near(found, "flash_bytes", reading.flash, FLASH_ERROR)
    if reading.best is not None:  # what runs in place may need less
        compared["best orders"] += 1
        if not 0 < (found["ram.best"] or 0) <= reading.best:
            wrong.append(f"ram.best: {found['ram.best']}, truth at most {reading.best}")
    compared["readings of models"] += 1
    compared["exact numbers"] += len(reading.exact)
    assert not wrong, "\n".join(wrong)


def near(found: dict[str, int | None], key: str, truth: int, error: int) -> list[str]:
    """What to say of an estimate that is off by more than ``error`` per cent."""
    said = found[key]
    off = said is None or abs(said - truth) * 100 > error * truth
    return [f"{key}: {said}, truth {truth} and {error} % of it"] if off else []


def test_there_was_something_to_compare(corpus: Path) -> None:
    """A corpus that holds nothing is a mistake in the call, no success."""
    known = ("truth.json", "index.json", "layer_cases.json")
    assert any(list(corpus.rglob(name)) for name in known), f"{corpus} holds none of {', '.join(known)}"
