"""Where each key of a TOML file stands. ``tomllib`` gives values without places; this gives places without values.

The text has been parsed by ``tomllib`` before, so it is well formed and only its structure is followed here.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple, TypeAlias

#: A key by the way to it; tables of an array carry their number: ("layer-budget", 0, "params").
Path: TypeAlias = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'',
    re.DOTALL,
)
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")


class Place(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


def places(text: str) -> dict[Path, Place]:
    """The place of every key and table in a well-formed TOML text."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self.found: dict[Path, Place] = {}
        self.counts: dict[Path, int] = {}

    def read(self) -> dict[Path, Place]:
        table: Path = ()
        self.skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.entry(table)
            self.skip(_BLANK)
        return self.found

    def skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def header(self) -> Path:
        double = self.text.startswith("[[", self.at)
        self.at += 2 if double else 1
        start = self.at
        path = self.inside_arrays(self.key(), double)
        self.mark(path, start)
        self.skip(re.compile(r"[ \t]*\]{1,2}"))
        return path

    def inside_arrays(self, keys: list[str], new: bool) -> Path:
        """The way to a table, with the number of the array element that each array of tables stands at."""
        path: Path = ()
        for index, key in enumerate(keys):
            path = (*path, key)
            last = index == len(keys) - 1
            if last and new:
                self.counts[path] = self.counts.get(path, -1) + 1
            if path in self.counts:
                path = (*path, self.counts[path])
        return path

    def entry(self, table: Path) -> None:
        start = self.at
        path = (*table, *self.key())
        for depth in range(len(table) + 1, len(path) + 1):
            self.mark(path[:depth], start)
        self.skip(_SPACE)
        self.at += 1  # the equals sign
        self.skip(_SPACE)
        self.value(path)

    def key(self) -> list[str]:
        """A key with its dots."""
        keys: list[str] = []
        while True:
            self.skip(_SPACE)
            match = _STRING.match(self.text, self.at) or _BARE.match(self.text, self.at)
            if match is None:
                return keys
            word = match[0]
            keys.append(word[1:-1] if word[0] in "\"'" else word)
            self.at = match.end()
            self.skip(_SPACE)
            if not self.text.startswith(".", self.at):
                return keys
            self.at += 1

    def value(self, path: Path) -> None:
        """Step over a value, noting the keys of inline tables and the elements of arrays."""
        self.found.setdefault((*path, "="), self.place(self.at))
        match = _STRING.match(self.text, self.at)
        if match:
            self.at = match.end()
        elif self.text.startswith("[", self.at):
            self.sequence(path, "]")
        elif self.text.startswith("{", self.at):
            self.sequence(path, "}")
        else:
            self.skip(_SCALAR)

    def sequence(self, path: Path, end: str) -> None:
        self.at += 1
        index = 0
        while True:
            self.skip(_BLANK)
            if self.at >= len(self.text) or self.text[self.at] == end:
                self.at += 1
                return
            if self.text[self.at] == ",":
                self.at += 1
            elif end == "}":
                self.entry(path)
            else:
                self.mark((*path, index), self.at)
                self.value((*path, index))
                index += 1

    def mark(self, path: Path, at: int) -> None:
        self.found.setdefault(path, self.place(at))

    def place(self, at: int) -> Place:
        line = bisect_right(self.starts, at)
        return Place(line, at - self.starts[line - 1] + 1)
