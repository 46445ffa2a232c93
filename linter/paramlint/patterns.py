"""Path patterns as in gitignore: ``*`` stays within a folder, ``**`` crosses folders, ``!`` takes back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple


class _Pattern(NamedTuple):
    regex: re.Pattern[str]
    negated: bool
    folders_only: bool


def matches(patterns: Sequence[str], path: str) -> bool:
    """True when ``path`` (with slashes, relative to the patterns' folder) or a folder above it is matched.

    As in gitignore the last pattern that matches decides, and nothing below a matched folder can be taken back.
    """
    compiled = [_compile(text) for text in patterns]
    parts = path.split("/")
    for depth in range(1, len(parts) + 1):
        is_folder = depth < len(parts)
        if _decide(compiled, "/".join(parts[:depth]), is_folder):
            return True
    return False


def matches_file(patterns: Sequence[str], path: str) -> bool:
    """Like ``matches`` for a list of files that are wanted: here a pattern may take back what a folder gave."""
    compiled = [_compile(text) for text in patterns]
    parts = path.split("/")
    found = False
    for pattern in compiled:
        for depth in range(1, len(parts) + 1):
            if (depth < len(parts) or not pattern.folders_only) and pattern.regex.fullmatch("/".join(parts[:depth])):
                found = not pattern.negated
                break
    return found


def _decide(patterns: Sequence[_Pattern], path: str, is_folder: bool) -> bool:
    for pattern in reversed(patterns):
        if (is_folder or not pattern.folders_only) and pattern.regex.fullmatch(path):
            return not pattern.negated
    return False


@lru_cache(maxsize=1024)
def _compile(text: str) -> _Pattern:
    negated = text.startswith("!")
    body = text[1:] if negated else text
    body = body.removeprefix("\\") if body[:2] in ("\\!", "\\#") else body
    folders_only = body.endswith("/")
    body = body.rstrip("/")
    anchored = "/" in body
    body = body.removeprefix("./").removeprefix("/")
    regex = _translate(body)
    return _Pattern(re.compile(regex if anchored else f"(?:.*/)?{regex}", re.DOTALL), negated, folders_only)


def _translate(body: str) -> str:
    pieces: list[str] = []
    at = 0
    while at < len(body):
        if body.startswith("**/", at) and (at == 0 or body[at - 1] == "/"):
            pieces.append("(?:.*/)?")
            at += 3
        elif body[at:] == "**" and (at == 0 or body[at - 1] == "/"):
            pieces.append(".+")
            at += 2
        elif body[at] == "*":
            pieces.append("[^/]*")
            while body.startswith("*", at):
                at += 1
        elif body[at] == "?":
            pieces.append("[^/]")
            at += 1
        elif body[at] == "[" and (end := body.find("]", at + 2)) > 0:
            pieces.append(_letters(body[at + 1 : end]))
            at = end + 1
        else:
            if body[at] == "\\" and at + 1 < len(body):
                at += 1
            pieces.append(re.escape(body[at]))
            at += 1
    return "".join(pieces)


def _letters(text: str) -> str:
    """The inside of ``[a-z]`` or ``[!a-z]`` as a regular expression; a range that runs backwards matches nothing."""
    negated = text[0] in "!^"
    inside = re.sub(r"([\\\]\[^&~|])", r"\\\1", text[1:] if negated else text)
    expression = f"[^/{inside}]" if negated else f"[{inside}]"
    try:
        re.compile(expression)
    except re.error:
        return "(?!)"
    return expression
