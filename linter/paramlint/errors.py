"""What a user's mistake becomes: an input that cannot be judged (exit 3) or a wrong call or config (exit 2)."""

from __future__ import annotations

from typing import NamedTuple

from paramlint.ir import Source


class InputError(NamedTuple):
    """An input that could not be judged (PL000): exit code 3."""

    path: str
    message: str
    line: int | None = None
    column: int | None = None
    node: str | None = None
    hint: str | None = None
    frame: str | None = None  # the source line, for the text report


class LoadError(Exception):
    """Raised by a loader: the input cannot be judged. Holds every error found in the file."""

    def __init__(self, *errors: InputError) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


class UsageError(Exception):
    """The call or the config is wrong: exit code 2. One line, with place and hint where there is one."""

    def __init__(self, message: str, hint: str | None = None, source: Source | None = None) -> None:
        super().__init__(message)
        self.message, self.hint, self.source = message, hint, source
