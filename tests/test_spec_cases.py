"""Layers that the frameworks themselves built, turned into specs by one converter that knows no case by name.

``--corpus DIR`` names a folder that holds ``layer_cases.json`` and ``layer_rejected.json``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from paramlint.engine import load
from paramlint.errors import InputError, LoadError
from paramlint.loaders import Request
from paramlint.measure import measure

pytestmark = pytest.mark.corpus

FRAMEWORK = {"keras": "keras", "tf_keras": "keras", "torch": "pytorch"}


def layer_of(kind: str, config: dict[str, Any]) -> dict[str, Any]:
    """A layer's mapping; nested ``{class_name, config}`` become ``{type, ...}``."""
    made: dict[str, Any] = {"type": kind}
    for key, value in config.items():
        made["trainable" if key == "requires_grad" else key] = nested(value)
    return made


def nested(value: Any) -> Any:
    if isinstance(value, dict) and "class_name" in value:
        return layer_of(value["class_name"], value.get("config", {}))
    if isinstance(value, list):
        return [nested(item) for item in value]
    return value


def without_batch(shape: list[Any]) -> list[Any]:
    """A shape without its batch axis, which is the first null."""
    if None not in shape:
        return shape
    at = shape.index(None)
    return shape[:at] + shape[at + 1 :]


def spec_of(case: dict[str, Any]) -> str:
    """A case as the text of an architecture."""
    names = [f"x{index}" if shape is not None else None for index, shape in enumerate(case["inputs"])]
    inputs = {name: without_batch(shape) for name, shape in zip(names, case["inputs"], strict=True) if name}
    layer = layer_of(case["layer"], {**case["config"], **case.get("call_kwargs", {})})
    layer |= {"inputs": names, "name": "layer"}
    spec = {"framework": FRAMEWORK[case["framework"]], "inputs": inputs, "layers": [layer]}
    return yaml.safe_dump(spec, sort_keys=False)


def outputs_of(value: Any) -> Iterator[list[Any] | None]:
    """The output shapes of a case, flat."""
    if value is None or not any(isinstance(item, list) for item in value):
        yield None if value is None else without_batch(value)
        return
    for item in value:
        yield from outputs_of(item)


def cases(corpus: Path, name: str, key: str) -> list[dict[str, Any]]:
    found = sorted(corpus.rglob(name))
    if not found:
        pytest.skip(f"the corpus holds no {name}")
    every = [case for path in found for case in json.loads(path.read_text())[key]]
    return [case for case in every if case["framework"] in FRAMEWORK]


def differences(case: dict[str, Any]) -> list[str]:
    """What a spec of this case says otherwise than the framework."""
    try:
        model = load("case.arch.yaml", Request(), spec_of(case).encode())
    except LoadError as error:
        return [f"refused: {error}"]
    totals = measure(model).totals
    wrong = []
    pairs = {"params": "params", "trainable": "trainable_params", "non_trainable": "non_trainable_params"}
    for theirs, ours in {**pairs, "buffers": "buffers", "macs": "macs"}.items():
        if theirs in case and totals[ours] != (case[theirs], ()):
            wrong.append(f"{theirs} {totals[ours].value} {totals[ours].reasons}, the framework has {case[theirs]}")
    shapes = [list(tensor.shape or ()) for layer in model.layers for tensor in layer.outputs]
    wanted = [shape for shape in outputs_of(case.get("output_runtime", case["output"])) if shape is not None]
    if shapes != wanted:
        wrong.append(f"outputs {shapes}, the framework has {wanted}")
    return wrong


def expressible(case: dict[str, Any]) -> bool:
    """False where the layer merges the batch into another axis, which the language refuses."""
    return "B" not in json.dumps(case["output"])


def test_every_case_agrees(
    corpus: Path, compared: Counter[str], record_property: Callable[[str, object], None]
) -> None:
    every = cases(corpus, "layer_cases.json", "cases")
    refused = [case for case in every if not expressible(case)]
    record_property("cases that the language cannot express", len(refused))
    for case in refused:
        with pytest.raises(LoadError):
            load("case.arch.yaml", Request(), spec_of(case).encode())
    found = {case["id"]: differences(case) for case in every if expressible(case)}
    compared["layers of frameworks"] += len(every)
    wrong = {name: why for name, why in found.items() if why}
    report = "\n".join(f"{name}: {'; '.join(why)}" for name, why in wrong.items())
    assert not wrong, f"{len(wrong)} of {len(found)} cases differ\n{report}"


def refusal(case: dict[str, Any]) -> tuple[InputError, ...]:
    """The errors of a case; none where it is accepted."""
    try:
        load("case.arch.yaml", Request(), spec_of(case).encode())
    except LoadError as error:
        return error.errors
    return ()


def test_what_a_framework_refuses_is_refused(corpus: Path, compared: Counter[str]) -> None:
    accepted = []
    every = cases(corpus, "layer_rejected.json", "rejected")
    compared["refusals of frameworks"] += len(every)
    for case in every:
        errors = refusal(case)
        assert all(one.line and one.column for one in errors), case
        if not errors:
            accepted.append(f"{case['framework']} {case['layer']} {case['config']} on {case['inputs']}")
    assert not accepted, "\n".join([f"{len(accepted)} accepted", *accepted])
