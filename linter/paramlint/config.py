"""The config file: ``[tool.paramlint]`` in pyproject.toml, or paramlint.toml.

A config holds for the files below its folder, the nearest one wins, and nothing above the repository is looked at.
Every key is checked; a mistake is a UsageError with file, line, column and a did-you-mean.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from paramlint import __version__, budgets
from paramlint.budgets import LayerLimit, Limit
from paramlint.errors import UsageError
from paramlint.findings import LEVELS, Level
from paramlint.ir import Source
from paramlint.patterns import matches
from paramlint.quantities import QuantityError, parse_share
from paramlint.spelling import hint

INCLUDE = ("*.onnx", "*.arch.yaml", "*.arch.yml")
NEVER = "never"
MAX_BYTES = 1 << 20  # a config is written by hand; a larger file is something else


class Override(NamedTuple):
    """Limits for some paths, in place of the config's own for the same metric."""

    paths: tuple[str, ...]
    limits: tuple[Limit, ...]


class Silence(NamedTuple):
    """A ``suppress`` entry: the findings of one rule that are accepted, and why."""

    rule: str
    path: str | None
    layer: str | None
    reason: str
    source: Source
    folder: str


class Config(NamedTuple):
    """A config file as data; the defaults are those of no config at all.

    Patterns are relative to ``folder``. ``fail_level`` is None for ``never``. ``places`` gives the source of an
    entry by its way of keys.
    """

    path: str | None = None
    folder: str = "."
    target: tuple[str, ...] = ()
    include: tuple[str, ...] = INCLUDE
    exclude: tuple[str, ...] = ()
    select: tuple[str, ...] = ("PL",)
    ignore: tuple[str, ...] = ()
    fail_level: Level | None = Level.ERROR
    warn_at: Fraction | None = None
    plugins: tuple[str, ...] = ()
    dims: Mapping[str, int] = {}
    severity: Mapping[str, Level] = {}
    budget: tuple[Limit, ...] = ()
    layer_budget: tuple[LayerLimit, ...] = ()
    override: tuple[Override, ...] = ()
    suppress: tuple[Silence, ...] = ()
    rule: Mapping[str, Mapping[str, int]] = {}
    targets: Mapping[str, Mapping[str, Any]] = {}
    sources: Mapping[tuple[str | int, ...], Source] = {}

    def relative(self, path: str) -> str:
        """``path`` as the patterns see it; one outside the folder keeps its ``..``."""
        return os.path.relpath(os.path.abspath(path), self.folder).replace(os.sep, "/")

    def excluded(self, path: str) -> bool:
        return matches(self.exclude, self.relative(path))

    def limits_for(self, path: str) -> tuple[Limit, ...]:
        """The model limits that hold for one file: the last override that names its path and a metric wins."""
        held = {limit.metric: limit for limit in self.budget}
        relative = self.relative(path)
        for override in self.override:
            if matches(override.paths, relative):
                held.update((limit.metric, limit) for limit in override.limits)
        return tuple(held.values())

    def source(self, *keys: str | int) -> Source:
        """Where an entry stands, or the nearest place above it."""
        for depth in range(len(keys), 0, -1):
            if keys[:depth] in self.sources:
                return self.sources[keys[:depth]]
        return Source("config", self.path)


DEFAULT = Config()


@lru_cache(maxsize=4096)
def nearest(folder: str) -> Config:
    """The config that holds in an absolute folder."""
    found = _in_folder(folder)
    if found is not None:
        return found
    above = os.path.dirname(folder)
    if above == folder or os.path.exists(os.path.join(folder, ".git")):
        return DEFAULT._replace(folder=folder)
    return nearest(above)


def _in_folder(folder: str) -> Config | None:
    own = os.path.join(folder, "paramlint.toml")
    if os.path.isfile(own):
        return read(own)
    project = os.path.join(folder, "pyproject.toml")
    if os.path.isfile(project):
        text = _text(project)
        if "paramlint" in text:  # a project that never names us need not be parsed
            table = _parse(project, text).get("tool", {})
            if isinstance(table, dict) and "paramlint" in table:
                return read(project)
    return None


def _text(path: str) -> str:
    try:
        if os.path.getsize(path) > MAX_BYTES:
            raise UsageError(f"{_shown(path)} is larger than 1 MiB: not a config")
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError as error:
        raise UsageError(f"{_shown(path)} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{_shown(path)} is not UTF-8") from error


def _parse(path: str, text: str) -> dict[str, Any]:
    import tomllib  # 15 ms: only where there is a config

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line, column = (int(place[1]), int(place[2])) if place else (None, None)
        message = re.sub(r" \(at .*\)$", "", str(error))
        raise UsageError(f"is not valid TOML: {message}", None, Source("config", _shown(path), line, column)) from error
    except RecursionError as error:
        raise UsageError(f"{_shown(path)} is nested too deeply") from error


def _shown(path: str) -> str:
    """A path for people: relative where the file lies below the current folder."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def read(path: str) -> Config:
    """Read one config file: any TOML file, or the ``[tool.paramlint]`` table where its name is pyproject.toml."""
    from paramlint.toml_places import places

    text = _text(path)
    table: Any = _parse(path, text)
    inner: tuple[str | int, ...] = ()
    if os.path.basename(path) == "pyproject.toml":
        inner = ("tool", "paramlint")
        table = table.get("tool", {}).get("paramlint", {})
    shown = _shown(path)
    lines = text.splitlines()
    sources = {
        keys[len(inner) :]: Source("config", shown, place.line, place.column, text=lines[place.line - 1])
        for keys, place in places(text).items()
        if keys[: len(inner)] == inner
    }
    folder = os.path.dirname(os.path.abspath(path))
    return _Reader(Config(shown, folder, sources=sources)).read(table)


class _Reader:
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
        return self.size(lambda: parse_share(value), key)

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
            source = self.config.source(*keys, name)
            limits.append(self.size(lambda name=name, raw=raw, source=source: budgets.read_limit(name, raw, source), *keys, name))  # type: ignore[misc]  # defaults bind the loop's values
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
                    read = lambda name=name, raw=raw, source=source, match=match: budgets.read_layer_limit(  # type: ignore[misc]  # as above
                        name, raw, source, match
                    )
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
                Silence(words["rule"], words.get("path"), words.get("layer"), words["reason"], source, self.config.folder)
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


class Key(NamedTuple):
    """A top-level key: the field it fills, and how it is read."""

    field: str
    read: Callable[[_Reader, str, Any], Any]


#: Every key of the config; schemas/config.schema.json lists the same.
KEYS: Mapping[str, Key] = {
    "target": Key("target", _Reader.names),
    "include": Key("include", _Reader.names),
    "exclude": Key("exclude", _Reader.names),
    "select": Key("select", _Reader.names),
    "ignore": Key("ignore", _Reader.names),
    "fail-level": Key("fail_level", _Reader.level),
    "warn-at": Key("warn_at", _Reader.share),
    "required-version": Key("", _Reader.version),
    "plugins": Key("plugins", _Reader.plugins),
    "dims": Key("dims", _Reader.dims),
    "severity": Key("severity", _Reader.severity),
    "budget": Key("budget", _Reader.budget),
    "layer-budget": Key("layer_budget", _Reader.layer_budget),
    "override": Key("override", _Reader.override),
    "suppress": Key("suppress", _Reader.suppress),
    "rule": Key("rule", _Reader.rule),
    "targets": Key("targets", _Reader.targets),
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
