"""Everything that is wrong with one file, each cause once, with its place and source line."""

from __future__ import annotations

from typing import Protocol

from paramlint.errors import InputError, LoadError
from paramlint.ir import Source

MAX_ERRORS = 500  # nobody reads more at once, and each did-you-mean costs a millisecond
MAX_LINES = 5  # of one cause that its error names
MAX_FRAME = 300  # characters of a source line that a report shows


class Place(Protocol):
    """Where something stands: line and column, both from 1."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Problems:
    """Collects errors of a file; a second one at the same place has the same cause and is dropped.

    Errors at several places that share a stated ``cause`` (a name that nothing has) are one as well: it stands at the
    first of them and names the other lines.
    """

    def __init__(self, path: str, text: str = "") -> None:
        self.path, self.text = path, text
        self._lines: list[str] | None = None
        self._found: dict[tuple[int, int, str], InputError] = {}
        self._causes: dict[str, list[tuple[int, int, str]]] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    def line(self, number: int) -> str:
        """One line of the file, counted from 1."""
        if self._lines is None:
            self._lines = self.text.splitlines()
        return self._lines[number - 1][:MAX_FRAME] if 0 < number <= len(self._lines) else ""

    def add(self, place: Place, message: str, hint: str | None = None, cause: str | None = None) -> None:
        self.at(place.line, place.column, message, hint, cause=cause)

    def at(
        self, line: int, column: int, message: str, hint: str | None = None, about: str = "", cause: str | None = None
    ) -> None:  # fmt: skip
        """Note an error at a place (both from 1); ``about`` tells it from others there that have another cause."""
        key = (line, column, about)
        if key not in self._found:
            self._found[key] = InputError(self.path, message, line, column, hint=hint, frame=self.line(line))
            if cause is not None:
                self._causes.setdefault(cause, []).append(key)
            if len(self._found) > MAX_ERRORS:
                self.raise_all()

    def source(self, place: Place) -> Source:
        return Source("file", self.path, place.line, place.column)

    def raise_all(self) -> None:
        """End the reading of the file if anything is wrong with it."""
        if self._found:
            found = dict(self._found)
            for places in self._causes.values():
                first, *others = sorted(places)
                lines = list(dict.fromkeys(line for line, _, _ in others if line != first[0]))
                if lines:
                    found[first] = found[first]._replace(message=f"{found[first].message} ({_too(lines)})")
                for place in others:
                    del found[place]
            raise LoadError(*[found[place] for place in sorted(found)])


def _too(lines: list[int]) -> str:
    """The other lines that have the same cause; of many, the first ones."""
    *most, last = [str(line) for line in lines]
    if len(most) > MAX_LINES:
        return f"also in lines {', '.join(most[:MAX_LINES])} and {len(lines) - MAX_LINES} more"
    return f"also in lines {', '.join(most)} and {last}" if most else f"also in line {last}"
