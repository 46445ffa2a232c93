"""The JSON Schema of an architecture, made from the vocabularies' tables: what an editor completes and shows.

Layers are reached by an if/then chain on framework, first letter and type, never by trying one after the other. A type
that is no layer's name stays allowed, since a block of the file may have it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from paramlint.ir import DType
from paramlint.loaders.spec.document import DTYPES
from paramlint.loaders.spec.vocabularies import FRAMEWORKS, entries
from paramlint.loaders.spec.vocabulary import REQUIRED, Argument, Entry

#: The keys that every layer and call may have.
_RESERVED: Mapping[str, dict[str, Any]] = {
    "type": {"description": "The layer's type, or the name of a block.", "type": "string"},
    "name": {
        "description": "A name to refer to; unique in its scope, without ':' and '.'.",
        "type": ["string", "integer"],
    },
    "inputs": {
        "description": "Tensors by name, in call order; null skips an optional one, [] makes a source.",
        "type": "array",
        "items": {"type": ["string", "integer", "null"]},
    },
    "repeat": {"description": "Copies in a chain; index and count are known in the arguments.", "minimum": 0},
    "when": {"description": "false: the layer is passed through.", "type": "boolean"},
    "dtype": {"description": "Element type of its weights and outputs.", "enum": list(DTYPES)},
    "trainable": {"description": "false freezes it and everything inside.", "type": "boolean"},
    "shared_with": {"description": "The layer or call above whose weights it uses.", "type": "string"},
    "parallel": {"description": "Copies side by side on the same input.", "minimum": 1},
    "active": {"description": "How many of the parallel copies work for one token.", "minimum": 1},
    "merge": {"description": "How the parallel copies are joined.", "enum": ["add", "cat"]},
}
_COUNTED = ("repeat", "parallel", "active")
_LITERAL = ("type", "name", "inputs", "shared_with")
_ANY = {"description": "An integer, a decimal, a boolean, a string or a list; 'required' has no default."}


def architecture_schema() -> dict[str, Any]:
    """The whole schema as plain data."""
    definitions: dict[str, Any] = {
        "variable": {"description": '$name or "${expression}"', "type": "string", "pattern": r"^\$"},
    }
    for key, schema in _RESERVED.items():
        definitions[f"key.{key}"] = _reserved(key, schema)
    for framework in FRAMEWORKS:
        known = entries(framework)
        for word in sorted(known):
            definitions[f"{framework}.{word}"] = _layer(framework, word, known[word])
        definitions[f"{framework}.layer"] = _choice(framework, sorted(known))
        definitions[f"{framework}.layers"] = {"type": "array", "items": {"$ref": f"#/$defs/{framework}.layer"}}
        definitions[f"{framework}.block"] = _block(framework)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "paramlint architecture",
        "description": "A neural network as a list of layers, in the words of Keras or PyTorch.",
        "type": "object",
        "required": ["framework", "layers"],
        "anyOf": [{"required": ["input"]}, {"required": ["inputs"]}],
        "additionalProperties": False,
        "properties": _top(),
        "allOf": [_by_framework(framework) for framework in FRAMEWORKS],
        "$defs": definitions,
    }


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(architecture_schema(), indent=1, ensure_ascii=False) + "\n"


def _reserved(key: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = {name: value for name, value in schema.items() if name != "description"}
    if key in _COUNTED:
        plain["type"] = "integer"
    if key not in _LITERAL:
        plain = _admit(plain)
    return {"description": schema["description"], **plain}


def _admit(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A value or a ``$...`` that becomes one."""
    return {"anyOf": [schema, {"$ref": "#/$defs/variable"}]}


def _by_framework(framework: str) -> dict[str, Any]:
    return {
        "if": {"properties": {"framework": {"const": framework}}, "required": ["framework"]},
        "then": {
            "properties": {
                "layers": {"$ref": f"#/$defs/{framework}.layers"},
                "blocks": {"additionalProperties": {"$ref": f"#/$defs/{framework}.block"}},
            }
        },
    }


def _block(framework: str) -> dict[str, Any]:
    return {
        "description": "Layers under a name, called like a layer.",
        "type": "object",
        "required": ["layers"],
        "additionalProperties": False,
        "properties": {
            "vars": {"description": "Its arguments with their defaults.", "additionalProperties": _ANY},
            "inputs": {"description": "Names of the tensors that come in.", "type": "array"},
            "outputs": {"description": "Names of the tensors that go out; default: the last layer.", "type": "array"},
            "trainable": {"$ref": "#/$defs/key.trainable"},
            "layers": {"$ref": f"#/$defs/{framework}.layers"},
        },
    }


def _choice(framework: str, words: list[str]) -> dict[str, Any]:
    """A layer as a word or a mapping, sent on by first letter, then by type."""
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(word[0], []).append(word)
    named = {"anyOf": [{"enum": words}, {"type": "string"}]}
    return {
        "if": {"type": "string"},
        "then": {"description": "A layer with its defaults, or a block.", **named},
        "else": {
            "type": "object",
            "required": ["type"],
            "properties": {"type": {"description": "The layer's type, or the name of a block.", **named}},
            "allOf": [_letter(framework, letter, group) for letter, group in groups.items()],
        },
    }


def _letter(framework: str, letter: str, words: list[str]) -> dict[str, Any]:
    chain = [
        {
            "if": {"properties": {"type": {"const": word}}, "required": ["type"]},
            "then": {"$ref": f"#/$defs/{framework}.{word}"},
        }
        for word in words
    ]
    return {"if": {"properties": {"type": {"pattern": f"^{letter}"}}, "required": ["type"]}, "then": {"allOf": chain}}


def _layer(framework: str, word: str, entry: Entry) -> dict[str, Any]:
    properties: dict[str, Any] = {key: {"$ref": f"#/$defs/key.{key}"} for key in _RESERVED}
    for name, argument in entry.arguments.items():
        properties[name] = _argument(framework, argument)
    required = [name for name, argument in entry.arguments.items() if argument.default is REQUIRED]
    return {
        "title": word,
        "description": entry.doc,
        "type": "object",
        "properties": properties,
        "required": ["type", *required],
        "additionalProperties": False,
    }


def _argument(framework: str, argument: Argument) -> dict[str, Any]:
    schema = _for_framework(argument.kind.schema, framework)
    made: dict[str, Any] = {"description": argument.doc}
    if schema:
        made |= _admit(schema)
    default = _plain(argument.default)
    if argument.default is not REQUIRED and default is not REQUIRED:
        made["default"] = default
    return made


def _for_framework(schema: Any, framework: str) -> Any:
    """A kind's schema with its references to nested layers pointed at one framework's."""
    if isinstance(schema, Mapping):
        if schema.get("$ref") == "#/$defs/nested":
            return {"$ref": f"#/$defs/{framework}.layer"}
        return {key: _for_framework(value, framework) for key, value in schema.items()}
    return [_for_framework(item, framework) for item in schema] if isinstance(schema, (list, tuple)) else schema


def _plain(value: Any) -> Any:
    """A default as JSON; REQUIRED where JSON has no word for it."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (Fraction, float)):
        return float(value)
    if isinstance(value, (tuple, list)):
        items = [_plain(item) for item in value]
        return REQUIRED if REQUIRED in items else items
    return REQUIRED


def _top() -> dict[str, Any]:
    size = {"type": ["integer", "string", "null"]}
    shape = {"type": "array", "items": size}
    known = {"type": "object", "required": ["shape"], "additionalProperties": False}
    kind = {"anyOf": [{"$ref": "#/$defs/key.dtype"}, {"enum": [DType.STRING.value]}]}
    full = {**known, "properties": {"shape": _admit(shape), "dtype": kind}}
    tensor = {"anyOf": [shape, full, {"$ref": "#/$defs/variable"}]}
    dtype = _admit({"enum": list(DTYPES)})
    limit = {"type": ["integer", "number", "string", "object"]}
    return {
        "name": {"description": "The network's name; default: the file's.", "type": ["string", "integer"]},
        "framework": {"description": "Whose layers, arguments and defaults are meant.", "enum": list(FRAMEWORKS)},
        "dtype": {"description": "Element type of weights and tensors; default float32.", **dtype},
        "vars": {"description": "Variables; --set overrides them.", "type": "object", "additionalProperties": _ANY},
        "input": {"description": "The shape without batch; null or a name is not fixed.", **tensor},
        "inputs": {"description": "Several inputs by name.", "type": "object", "additionalProperties": tensor},
        "blocks": {"description": "Layers under a name, called like a layer.", "type": ["object", "null"]},
        "layers": {"description": "The layers in order.", "type": "array"},
        "outputs": {"description": "Names of the outputs; default: the last layer.", "type": "array"},
        "budget": {
            "description": "Limits, such as {params: 30k, ram: 32KiB}.",
            "type": "object",
            "additionalProperties": limit,
        },
        "layer-budget": {"description": "Limits on layers whose name or type matches.", "type": ["array", "object"]},
        "samples": {"description": "Size of the training set (PL407).", **_admit({"type": "integer", "minimum": 1})},
    }
