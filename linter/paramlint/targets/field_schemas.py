"""The table of fields as JSON Schemas: of a data file, and of a target in the config.

``schemas/target.schema.json`` and the ``target`` of ``schemas/config.schema.json`` are these, written down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from paramlint.targets.fields import FIELDS, Field, user_fields

_TEXT: Mapping[str, Any] = {"type": "string", "minLength": 1}
_SIZE: Mapping[str, Any] = {"type": ["integer", "null"], "minimum": 0}
_USER_SIZE: Mapping[str, Any] = {"$ref": "#/$defs/bytes"}
_FIGURE: Mapping[str, Any] = {"type": ["number", "string"]}


def schema() -> dict[str, Any]:
    """The schema of a data file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "paramlint target",
        "description": "One board or chip, a file of paramlint/targets. Sizes are bytes.",
        "type": "object",
        "properties": {name: {"description": field.doc, **_node(field)} for name, field in FIELDS.items()},
        "required": [name for name, field in FIELDS.items() if field.required],
        "additionalProperties": False,
    }


def user_schema() -> dict[str, Any]:
    """The schema of ``[tool.paramlint.targets.NAME]``: keys with '-' or '_', sizes with a unit."""
    fields = user_fields()
    nodes = {name: {"description": field.doc, **_user_node(field)} for name, field in fields.items()}
    return {
        "type": "object",
        "properties": {name.replace("_", "-"): node for name, node in nodes.items()},
        "patternProperties": {
            f"^{name.replace('_', '[-_]')}$": _user_node(fields[name]) for name in nodes if "_" in name
        },
        "additionalProperties": False,
        "anyOf": [
            {"required": [key]}
            for name in ("base", "ram_bytes", "ram_regions", "flash_bytes")
            for key in dict.fromkeys((name.replace("_", "-"), name))
        ],
    }


def _node(field: Field) -> dict[str, Any]:
    choice = {"enum": list(field.choices)}
    words = {**_list_of(_TEXT), "uniqueItems": True}
    nodes: Mapping[str, Mapping[str, Any]] = {
        "text": _TEXT,
        "words": words,
        "texts": words,
        "choice": choice,
        "count": {"type": ["integer", "null"], "exclusiveMinimum": 0},
        "bytes": _SIZE,
        "regions": _list_of(_record({"name": _TEXT, "bytes": {"type": "integer", "minimum": 1}})),
        "precisions": _list_of({"anyOf": [choice, _record({"dtype": choice, "note": _TEXT})]}),
        "accelerator": {**_record({"name": _TEXT}), "additionalProperties": _FIGURE},
    }
    return dict(nodes[field.check])


def _user_node(field: Field) -> dict[str, Any]:
    choice = {"enum": list(field.choices)}
    nodes: Mapping[str, Mapping[str, Any]] = {
        "text": _TEXT,
        "words": _list_of(_TEXT),
        "texts": _list_of(_TEXT),
        "choice": choice,
        "count": {"type": "integer", "exclusiveMinimum": 0},
        "bytes": _USER_SIZE,
        "regions": _list_of(_record({"name": _TEXT, "bytes": _USER_SIZE})),
        "precisions": _list_of(choice),
        "accelerator": {"anyOf": [_TEXT, {**_record({"name": _TEXT}), "additionalProperties": _FIGURE}]},
        "reserve": _record({"ram": _USER_SIZE, "flash": _USER_SIZE}, required=()),
    }
    return dict(nodes[field.check])


def _record(properties: Mapping[str, Any], required: Iterable[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties if required is None else required),
        "additionalProperties": False,
    }


def _list_of(items: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1, "items": items}
