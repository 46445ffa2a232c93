"""Everything that is wrong with one file, each cause once, with its place and source line."""

from __future__ import annotations

from typing import Protocol

from paramlint.errors import InputError, LoadError
from paramlint.ir import Source

MAX_ERRORS = 500  # nobody reads more at once, and each did-you-mean costs a millisecond
MAX_FRAME = 300  # characters of a source line that a report shows


class Place(Protocol):
    """Where something stands: line and column, both from 1."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Problems:
    """Collects errors of a file; a second one at the same place has the same cause and is dropped."""

    def __init__(self, path: str, text: str = "") -> None:
        self.path, self.text = path, text
        self._lines: list[str] | None = None
        self._found: dict[tuple[int, int, str], InputError] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def line(self, number: int) -> str:
        """One line of the file, counted from 1."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines[number - 1][:MAX_FRAME] if 0 < number <= len(self._lines) else ""

    def add(self, place: Place, message: str, hint: str | None = None) -> None:
        self.at(place.line, place.column, message, hint)

    def at(self, line: int, column: int, message: str, hint: str | None = None, about: str = "") -> None:
        """Note an error at a place (both from 1); ``about`` tells it from others there that have another cause."""
        if (line, column, about) not in self._found:
            frame = self.line(line)
            self._found[line, column, about] = InputError(self.path, message, line, column, hint=hint, frame=frame)
            if len(self._found) > MAX_ERRORS:
                self.raise_all()

    def source(self, place: Place) -> Source:
        return Source("file", self.path, place.line, place.column)

    def raise_all(self) -> None:
        """End the reading of the file if anything is wrong with it."""
        if self._found:
            raise LoadError(*[self._found[place] for place in sorted(self._found)])
