"""Names from files as a terminal may show them, and what happens when nobody reads any more."""

from __future__ import annotations

import os
import re
import sys

#: Control characters, line and paragraph separators, direction overrides, lone surrogates: what could forge output.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")


def escape(text: str) -> str:
    """``text`` with every character that is not plainly visible written as an escape: ``\\x1b``."""
    return _UNSAFE.sub(_code, text)


def shortened(name: str, width: int = 48) -> str:
    """A name cut in the middle: exporters join the names of all that they folded."""
    return name if len(name) <= width else f"{name[: width // 2 - 1]}..{name[1 - width // 2 :]}"


def _code(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def forget_output() -> None:
    """The reader has gone: point standard output at nothing, so that Python's own flush at the end is silent too."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
