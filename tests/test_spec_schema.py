"""The schema of an architecture says what our own check says: made from the same tables, held against it here."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from paramlint.loaders.spec.schema import architecture_schema, text
from paramlint.loaders.spec.vocabularies import FRAMEWORKS, entries

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "schemas" / "architecture.schema.json"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return architecture_schema()


def accepts(schema: dict[str, Any], document: str) -> bool:
    return jsonschema.Draft7Validator(schema).is_valid(yaml.safe_load(document))


def test_the_file_is_what_the_tables_say(regen: bool) -> None:
    if regen:
        FILE.write_text(text(), encoding="utf-8")
    assert FILE.read_text(encoding="utf-8") == text(), "run pytest --regen and commit the schema"


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(schema)
    for framework in FRAMEWORKS:
        for word, entry in entries(framework).items():
            made = schema["$defs"][f"{framework}.{word}"]
            assert set(entry.arguments) <= set(made["properties"])
            assert made["description"]


def test_every_reference_leads_somewhere(schema: dict[str, Any]) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                assert value["$ref"].removeprefix("#/$defs/") in schema["$defs"], value
                assert len(value) == 1, f"draft 7 reads nothing beside a $ref: {value}"
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(schema)


def test_examples_are_valid(schema: dict[str, Any]) -> None:
    validator = jsonschema.Draft7Validator(schema)
    for path in sorted((ROOT / "examples").rglob("*.arch.yaml")):
        found = [error.message for error in validator.iter_errors(yaml.safe_load(path.read_text()))]
        assert not found, (path, found)


@pytest.mark.parametrize(
    ("layer", "valid"),
    [
        ("{type: Linear, out_features: 3}", True),
        ("{type: Linear, out_features: $width}", True),
        ('{type: Linear, out_features: "${2 * width}", bias: $bias, repeat: $n}', True),
        ("{type: some_block, width: 3}", True),
        ("ReLU", True),
        ("{type: Linear, out_features: 3, repeat: 2, trainable: false, name: a, inputs: [input, null]}", True),
        ("{type: Linear, out_feature: 3}", False),
        ("{type: Linear}", False),
        ("{type: Linear, out_features: 0}", False),
        ("{type: Linear, out_features: 2.5}", False),
        ("{type: Linear, out_features: three}", False),
        ("{out_features: 3}", False),
        ("[Linear]", False),
    ],
)
def test_layers(schema: dict[str, Any], layer: str, valid: bool) -> None:
    assert accepts(schema, f"{{framework: pytorch, input: [8], layers: [{layer}]}}") is valid


@pytest.mark.parametrize("key", ["laysers: []", "framework: torch", "dtype: float23", "samples: 0", "inputs: {a: 3}"])
def test_wrong_keys_at_the_top(schema: dict[str, Any], key: str) -> None:
    document = {"framework": "pytorch", "input": [8], "layers": ["ReLU"], **yaml.safe_load(key)}
    assert not jsonschema.Draft7Validator(schema).is_valid(document)


def test_many_layers_do_not_take_long(schema: dict[str, Any]) -> None:
    layers = [{"type": "Linear", "out_features": 64}, "ReLU"] * 500
    began = time.process_time()
    assert jsonschema.Draft7Validator(schema).is_valid({"framework": "pytorch", "input": [64], "layers": layers})
    assert time.process_time() - began < 4  # trying one layer after the other takes minutes


def test_the_file_is_json() -> None:
    assert json.loads(FILE.read_text(encoding="utf-8"))["title"] == "paramlint architecture"
