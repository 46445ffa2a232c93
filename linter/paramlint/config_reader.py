"""From the table of a config file to a Config: every key checked, every mistake with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import partial
from typing import Any, NamedTuple, NoReturn

from paramlint import __version__, budgets
from paramlint.budgets import LayerLimit, Limit
from paramlint.config import NEVER, Config, Override, Silence
from paramlint.errors import UsageError
from paramlint.findings import LEVELS, Level
from paramlint.quantities import QuantityError, parse_share
from paramlint.spelling import hint

#: Forms of the metric ``ram``, which TOML writes as its sub-keys: ``ram.bound = "64KiB"``.
RAM_FORMS = ("bound", "arena", "best")


class Reader:
    """Turns the table into a Config, key by key; a method for each key that is no plain list."""

    def __init__(self, config: Config) -> None:
        self.config = config

    def read(self, table: object) -> Config:
        entries = self.table(table)
        values: dict[str, Any] = {}
        for key, value in entries.items():
            if key not in KEYS:
                self.fail(f"unknown key {key!r}", hint(key, KEYS), key)
            values[KEYS[key].field] = KEYS[key].read(self, key, value)
        return self.config._replace(**{name: value for name, value in values.items() if name})

    def fail(self, message: str, help: str | None, *keys: str | int) -> NoReturn:
        raise UsageError(message, help, self.config.source(*keys))

    def table(self, value: object, *keys: str | int) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            self.fail(f"{keys[-1] if keys else 'paramlint'} must be a table", None, *keys)
        return value

    def text(self, value: object, *keys: str | int) -> str:
        if not isinstance(value, str):
            self.fail(f"{keys[-1]} must be a text", None, *keys, "=")
        return value

    def texts(self, *at: str | int) -> tuple[str, ...]:
        *keys, value = at
        items = [value] if isinstance(value, str) else value
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            self.fail(f"{keys[-1]} must be a list of texts", None, *keys)
        return tuple(items)

    def names(self, key: str, value: Any) -> tuple[str, ...]:
        return self.texts(key, value)

    def plugins(self, key: str, value: Any) -> tuple[str, ...]:
        names = self.texts(key, value)
        for index, name in enumerate(names):
            if not all(part.isidentifier() for part in name.split(".")):
                self.fail(f"{name!r} is no module name", "write acme_rules", key, index)
        return names

    def level(self, key: str, value: Any) -> Level | None:
        word = self.text(value, key)
        if word == NEVER:
            return None
        return self.one_level(word, [*LEVELS, NEVER], key)

    def one_level(self, word: object, known: Iterable[str], *keys: str | int) -> Level:
        if not isinstance(word, str) or word not in LEVELS:
            self.fail(f"unknown level {str(word)!r}", hint(str(word), known), *keys, "=")
        return LEVELS[word]

    def share(self, key: str, value: Any) -> Fraction:
        share: Fraction = self.size(partial(parse_share, value), key)
        return share

    def size(self, read: Callable[[], Any], *keys: str | int) -> Any:
        """A value that is read from text; what is wrong with it is said at its place."""
        try:
            return read()
        except QuantityError as error:
            self.fail(error.message, error.hint, *(keys if "unknown" in error.message else (*keys, "=")))

    def version(self, key: str, value: Any) -> None:
        text = self.text(value, key)
        try:
            fits = version_fits(text)
        except ValueError:
            self.fail(f"{text!r} is no version requirement", "write >=1.0", key, "=")
        if not fits:
            self.fail(f"this config needs paramlint {text}; this is {__version__}", None, key, "=")

    def dims(self, key: str, value: Any) -> Mapping[str, int]:
        for name, size in self.table(value, key).items():
            if isinstance(size, bool) or not isinstance(size, int) or size < 1:
                self.fail(f"dimension {name} must be a positive integer", None, key, name, "=")
        return dict(value)

    def severity(self, key: str, value: Any) -> Mapping[str, Level]:
        return {rule: self.one_level(word, LEVELS, key, rule) for rule, word in self.table(value, key).items()}

    def budget(self, *at: Any) -> tuple[Limit, ...]:
        *keys, value = at
        limits = []
        for name, raw in self.table(value, *keys).items():
            for full, entry, place in _forms(name, raw):
                source = self.config.source(*keys, *place)
                limits.append(self.size(partial(budgets.read_limit, full, entry, source), *keys, *place))
        return tuple(limits)

    def tables(self, key: str, value: Any, known: tuple[str, ...] | None) -> Iterable[tuple[int, Mapping[str, Any]]]:
        if not isinstance(value, list):
            self.fail(f"{key} must be an array of tables", f"write [[tool.paramlint.{key}]]", key)
        for index, item in enumerate(value):
            for word in self.table(item, key, index):
                if known is not None and word not in known:
                    self.fail(f"unknown key {word!r} in {key}", hint(word, known), key, index, word)
            yield index, item

    def layer_budget(self, key: str, value: Any) -> tuple[LayerLimit, ...]:
        limits: list[LayerLimit] = []
        for index, item in self.tables(key, value, None):
            match = self.text(item["match"], key, index, "match") if "match" in item else None
            for name, raw in item.items():
                if name != "match":
                    source = self.config.source(key, index, name)
                    read = partial(budgets.read_layer_limit, name, raw, source, match)
                    limits.append(self.size(read, key, index, name))
        return tuple(limits)

    def override(self, key: str, value: Any) -> tuple[Override, ...]:
        found = []
        for index, item in self.tables(key, value, ("paths", "budget")):
            if "paths" not in item:
                self.fail("an override needs paths", None, key, index)
            paths = self.texts(key, index, "paths", item["paths"])
            found.append(Override(paths, self.budget(key, index, "budget", item.get("budget", {}))))
        return tuple(found)

    def suppress(self, key: str, value: Any) -> tuple[Silence, ...]:
        found = []
        for index, item in self.tables(key, value, ("rule", "path", "layer", "reason")):
            words = {word: self.text(text, key, index, word) for word, text in item.items()}
            for needed in ("rule", "reason"):
                if not words.get(needed, "").strip():
                    self.fail(f"a suppress entry needs a {needed}", None, key, index)
            source = self.config.source(key, index)
            found.append(
                Silence(
                    words["rule"], words.get("path"), words.get("layer"), words["reason"], source, self.config.folder
                )
            )
        return tuple(found)

    def rule(self, key: str, value: Any) -> Mapping[str, Mapping[str, int]]:
        for code, options in self.table(value, key).items():
            for name, number in self.table(options, key, code).items():
                if isinstance(number, bool) or not isinstance(number, int) or number < 0:
                    self.fail(f"option {name} of {code} must be a whole number", None, key, code, name, "=")
        return dict(value)

    def targets(self, key: str, value: Any) -> Mapping[str, Mapping[str, Any]]:
        return {name: self.table(table, key, name) for name, table in self.table(value, key).items()}


def _forms(name: str, raw: Any) -> Iterable[tuple[str, Any, tuple[str, ...]]]:
    """A budget entry as (metric, entry, way of keys); ``ram`` may hold its forms as sub-keys."""
    if name != "ram" or not isinstance(raw, dict):
        yield name, raw, (name,)
        return
    rest = {key: value for key, value in raw.items() if key not in RAM_FORMS}
    if rest or not raw:
        yield name, rest, (name,)
    for form in RAM_FORMS:
        if form in raw:
            yield f"ram.{form}", raw[form], (name, form)


class Key(NamedTuple):
    """A top-level key: the field it fills, and how it is read."""

    field: str
    read: Callable[[Reader, str, Any], Any]


#: Every key of the config; schemas/config.schema.json lists the same.
KEYS: Mapping[str, Key] = {
    "target": Key("target", Reader.names),
    "include": Key("include", Reader.names),
    "exclude": Key("exclude", Reader.names),
    "select": Key("select", Reader.names),
    "ignore": Key("ignore", Reader.names),
    "fail-level": Key("fail_level", Reader.level),
    "warn-at": Key("warn_at", Reader.share),
    "required-version": Key("", Reader.version),
    "plugins": Key("plugins", Reader.plugins),
    "dims": Key("dims", Reader.dims),
    "severity": Key("severity", Reader.severity),
    "budget": Key("budget", Reader.budget),
    "layer-budget": Key("layer_budget", Reader.layer_budget),
    "override": Key("override", Reader.override),
    "suppress": Key("suppress", Reader.suppress),
    "rule": Key("rule", Reader.rule),
    "targets": Key("targets", Reader.targets),
}

_COMPARE: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": lambda have, want: have >= want,
    "<=": lambda have, want: have <= want,
    "==": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    ">": lambda have, want: have > want,
    "<": lambda have, want: have < want,
}


def version_fits(requirement: str, version: str = __version__) -> bool:
    """``>=1.0,<2`` against a version; a bare ``1.0`` means at least; ValueError for anything else."""
    for part in requirement.split(","):
        match = re.fullmatch(r"\s*(>=|<=|==|!=|>|<|)\s*(\d{1,9}(?:\.\d{1,9}){0,3})\s*", part)
        if match is None:
            raise ValueError(part)
        if not _COMPARE[match[1] or ">="](_numbers(version), _numbers(match[2])):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(word) for word in re.findall(r"\d+", version)[:4]]
    return tuple(numbers + [0] * (4 - len(numbers)))
