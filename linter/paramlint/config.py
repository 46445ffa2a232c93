"""The config file: ``[tool.paramlint]`` in pyproject.toml, or paramlint.toml.

A config holds for the files below its folder, the nearest one wins, and nothing above the repository is looked at.
Every key is checked; a mistake is a UsageError with file, line, column and a did-you-mean.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from paramlint.budgets import LayerLimit, Limit
from paramlint.errors import UsageError
from paramlint.findings import Level
from paramlint.ir import Source
from paramlint.patterns import matches

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
    from paramlint.config_reader import Reader
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
    return Reader(Config(shown, folder, sources=sources)).read(table)
