"""The fields of a target: one table for the check of a user's own targets, the JSON schema and the documentation.

Data files are held to the same table by a test, so reading one costs no check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from paramlint.errors import UsageError
from paramlint.ir import Source
from paramlint.quantities import QuantityError, parse_bytes
from paramlint.spelling import hint

KINDS = ("mcu", "board", "sbc", "accelerator")
SIMD = ("none", "dsp", "mve", "esp-vector", "neon")
CONFIDENCES = ("found", "certain", "unverified")
PRECISIONS = ("float32", "float16", "int16", "int8", "uint8", "int4", "int2", "int1")
MAX_BYTES = 1 << 50  # a petabyte: more is a slip of the pen


class Field(NamedTuple):
    """One field: how its value is checked (a name in ``CHECKS``), what it means, and the words it may be."""

    check: str
    doc: str
    choices: tuple[str, ...] = ()
    required: bool = False  # in a data file; a target of the config has defaults


FIELDS: Mapping[str, Field] = {
    "name": Field("text", "Name as people know it.", required=True),
    "aliases": Field("words", "Other names; case, '-' and '_' do not matter."),
    "vendor": Field("text", "Who makes it.", required=True),
    "kind": Field("choice", "What it is.", KINDS, required=True),
    "soc": Field("text", "The chip on a board."),
    "core": Field("text", "Processor core or cores.", required=True),
    "clock_mhz": Field("count", "Clock rate in MHz.", required=True),
    "flash_bytes": Field("bytes", "Internal program memory; 0: none, null: not known.", required=True),
    "ram_bytes": Field("bytes", "On-chip data memory; null: not known.", required=True),
    "ram_regions": Field("regions", "The blocks that make up the RAM."),
    "largest_contiguous_ram_bytes": Field("bytes", "Largest single block of RAM; null: not known.", required=True),
    "external_flash_bytes": Field("bytes", "Flash outside the chip."),
    "external_ram_bytes": Field("bytes", "RAM outside the chip; never counted as RAM."),
    "weights_in": Field("choice", "Where weights live when internal flash only boots.", ("external_flash",)),
    "simd": Field("choice", "Vector unit, which decides the kernel set.", SIMD, required=True),
    "accelerator": Field("accelerator", "Neural processor: its name and figures."),
    "weight_memory_limit_bytes": Field("bytes", "Memory of an accelerator for weights."),
    "weight_memory_limit": Field("choice", "What happens to weights beyond it.", ("hard", "streamed")),
    "dtypes": Field("precisions", "Element types it runs.", PRECISIONS, required=True),
    "op_sets": Field("words", "Operator lists that apply (targets/operators).", required=True),
    "restrictions": Field("texts", "Limits in words."),
    "source": Field("text", "Where the facts come from.", required=True),
    "confidence": Field("choice", "How sure the facts are.", CONFIDENCES, required=True),
    "notes": Field("text", "What else a reader should know."),
}
#: What only a target of the config has.
USER_FIELDS: Mapping[str, Field] = {
    "base": Field("text", "A target to start from; what is stated here replaces its facts."),
    "reserve": Field("reserve", "RAM and flash that the firmware needs."),
    "flash_overhead": Field("bytes", "What the container adds to the weights in flash, as you measured it."),
}
#: What the config cannot set: a user's facts are his own statement.
NOT_FOR_USERS = frozenset({"confidence"})


def user_fields() -> dict[str, Field]:
    """The fields of ``[tool.paramlint.targets.NAME]``, under their names with '_'."""
    return {name: field for name, field in {**FIELDS, **USER_FIELDS}.items() if name not in NOT_FOR_USERS}


def check(identity: str, table: Mapping[str, Any], place: Callable[[str], Source | None]) -> dict[str, Any]:
    """The plain values of a target of the config; raises UsageError with a did-you-mean.

    Keys may be written with '-' or '_'; sizes as text with a unit. ``place`` says where a key stands.
    """
    known = user_fields()
    where = f"target {identity}"
    values: dict[str, Any] = {}
    for written, raw in table.items():
        key = written.replace("-", "_")
        if key not in known:
            names = sorted(word.replace("_", "-") for word in known)
            raise UsageError(f"{where}: unknown key {written!r}", hint(written, names), place(written))
        if key in values:
            raise UsageError(f"{where}: {written!r} is stated twice, with '-' and with '_'", None, place(written))
        try:
            values[key] = CHECKS[known[key].check](raw, known[key])
        except QuantityError as error:
            raise UsageError(f"{where}: {written}: {error.message}", error.hint, place(written)) from error
        except ValueError as error:
            raise UsageError(f"{where}: {written} {error}", None, place(written)) from error
    return values


def _text(raw: Any, _: Field) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError("must be a text")
    return raw


def _choice(raw: Any, field: Field) -> str:
    if raw not in field.choices:
        raise ValueError(f"must be one of {', '.join(field.choices)}, not {raw!r}")
    return str(raw)


def _count(raw: Any, _: Field) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw <= 0:
        raise ValueError("must be a positive integer")
    return raw


def _bytes(raw: Any, _: Field | None = None) -> int:
    if not isinstance(raw, (str, int, float)):
        raise ValueError("must be a size such as 192KiB")
    size = parse_bytes(raw)
    if size > MAX_BYTES:
        raise ValueError(f"is {size:,} bytes, more than any target has")
    return size


def _texts(raw: Any, field: Field) -> list[str]:
    if not isinstance(raw, list) or not raw:
        raise ValueError("must be a list of texts")
    return [_text(entry, field) for entry in raw]


def _regions(raw: Any, field: Field) -> list[dict[str, Any]]:
    if not isinstance(raw, list) or not raw:
        raise ValueError("must be a list of tables with name and bytes")
    regions = []
    for entry in raw:
        if not isinstance(entry, dict) or set(entry) != {"name", "bytes"}:
            raise ValueError("must be a list of tables with name and bytes")
        regions.append({"name": _text(entry["name"], field), "bytes": _bytes(entry["bytes"])})
    return regions


def _precisions(raw: Any, field: Field) -> list[str]:
    return [_choice(word, field) for word in _texts(raw, field)]


def _accelerator(raw: Any, field: Field) -> dict[str, Any]:
    if isinstance(raw, str):
        return {"name": _text(raw, field)}
    if not isinstance(raw, dict) or not isinstance(raw.get("name"), str):
        raise ValueError("must be a name, or a table with name and figures")
    figures = {key.replace("-", "_"): value for key, value in raw.items()}
    for key, value in figures.items():
        if key.endswith("_bytes"):
            figures[key] = _bytes(value)
        elif isinstance(value, bool) or not isinstance(value, (str, int, float)):
            raise ValueError(f"has a figure {key} that is neither a number nor a text")
    return figures


def _reserve(raw: Any, _: Field) -> dict[str, int]:
    if not isinstance(raw, dict) or not set(raw) <= {"ram", "flash"}:
        raise ValueError('must be a table such as { ram = "32KiB", flash = "200KiB" }')
    return {key: _bytes(value) for key, value in raw.items()}


CHECKS = {
    "text": _text,
    "words": _texts,
    "texts": _texts,
    "choice": _choice,
    "count": _count,
    "bytes": _bytes,
    "regions": _regions,
    "precisions": _precisions,
    "accelerator": _accelerator,
    "reserve": _reserve,
}
