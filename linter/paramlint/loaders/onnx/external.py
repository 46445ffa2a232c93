"""Payloads in other files: a location is a relative path inside the model's folder, or the model is refused.

Git LFS pointers are followed into ``.git/lfs/objects`` where the object is there.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_POINTER = b"version https://git-lfs.github.com/spec/"
_OID = rb"(?m)^oid sha256:([0-9a-f]{64})$"
_SIZE = rb"(?m)^size (\d{1,19})$"
_MAX_POINTER = 1024  # Git LFS's own limit for a pointer file
_MAX_LEVELS = 64  # folders searched upwards for .git


class External(NamedTuple):
    """A stretch of another file; ``path`` is None where that file is absent (or the model came without a folder)."""

    location: str
    path: str | None
    offset: int
    length: int | None
    available: int | None  # bytes of the file, None where absent


class Refused(Exception):
    """The location must not be read: one phrase."""


def check_location(location: str) -> str:
    """The normalised location; Refused when it is no relative path that stays inside."""
    shown = repr(location[:80])
    if not location:
        raise Refused("external data without a location")
    if any(ord(letter) < 32 or letter == "\x7f" for letter in location):
        raise Refused(f"external data location {shown} holds control characters")
    if "://" in location or re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", location):
        raise Refused(f"external data location {shown} is a URL; only files in the model's folder are read")
    flat = location.replace("\\", "/")
    if flat.startswith("/") or re.match(r"[A-Za-z]:", flat):
        raise Refused(f"external data location {shown} is absolute; only files in the model's folder are read")
    if ".." in flat.split("/"):
        raise Refused(f"external data location {shown} leaves the model's folder")
    return flat


def number(entries: dict[str, str], key: str) -> int | None:
    """A non-negative entry of external_data that fits a file position."""
    text = entries.get(key)
    if text is None or text == "":
        return None
    if not re.fullmatch(r"\d{1,19}", text) or int(text) >= 1 << 63:
        raise Refused(f"external data {key} {text[:40]!r} is no position in a file")
    return int(text)


class Files:
    """The data files of one model, looked at once each."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder
        self.known: dict[str, tuple[str | None, int | None]] = {}

    def find(self, entries: dict[str, str]) -> External:
        """Where a tensor's bytes are; Refused when they must not be read or cannot be there."""
        location = check_location(entries.get("location", ""))
        offset, length = number(entries, "offset") or 0, number(entries, "length")
        if location not in self.known:
            self.known[location] = self._look(location)
        path, available = self.known[location]
        if available is not None and offset + (length or 0) > available:
            raise Refused(
                f"external data of {location!r} ends at byte {offset + (length or 0):,}, the file has {available:,}"
            )
        return External(location, path, offset, length, available)

    def absent(self) -> list[str]:
        return [location for location, (path, _) in self.known.items() if path is None]

    def bytes(self) -> int:
        return sum(size for _, size in self.known.values() if size is not None)

    def _look(self, location: str) -> tuple[str | None, int | None]:
        if self.folder is None:
            return None, None
        path = os.path.join(self.folder, location)
        root, real = os.path.realpath(self.folder), os.path.realpath(path)
        if os.path.commonpath([root, real]) != root:
            raise Refused(f"external data location {location!r} leads out of the model's folder by a link")
        if not os.path.lexists(path):
            return None, None
        if not os.path.isfile(real):
            raise Refused(f"external data location {location!r} is not a regular file")
        size = os.stat(real).st_size
        if size <= _MAX_POINTER:
            with open(real, "rb") as file:
                head = file.read(_MAX_POINTER)
            if is_pointer(head):
                found = resolve(real, head)
                return (found, os.stat(found).st_size) if found else (None, None)
        return real, size


def is_pointer(head: bytes) -> bool:
    """Whether a file is a Git LFS pointer instead of its content."""
    return head.startswith(_POINTER)


def pointer_size(head: bytes) -> int | None:
    """The size that a Git LFS pointer names."""
    match = re.search(_SIZE, head)
    return int(match[1]) if match else None


def resolve(path: str, head: bytes) -> str | None:
    """The object behind a Git LFS pointer; None where it was not fetched."""
    match = re.search(_OID, head)
    if match is None:
        return None
    oid = match[1].decode()
    folder = os.path.dirname(os.path.abspath(path))
    for _ in range(_MAX_LEVELS):
        git = os.path.join(folder, ".git")
        if os.path.exists(git):
            for store in _stores(git):
                found = os.path.join(store, "lfs", "objects", oid[:2], oid[2:4], oid)
                if os.path.isfile(found):
                    return found
            return None
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return None


def _stores(git: str) -> list[str]:
    """The git folder itself; that of a worktree or submodule, and the one it shares."""
    if os.path.isdir(git):
        return [git]
    try:
        with open(git, encoding="utf-8") as file:
            line = file.read(4096).strip()
    except (OSError, UnicodeDecodeError):
        return []
    if not line.startswith("gitdir:"):
        return []
    real = os.path.join(os.path.dirname(git), line.removeprefix("gitdir:").strip())
    stores = [real]
    try:
        with open(os.path.join(real, "commondir"), encoding="utf-8") as file:
            stores.append(os.path.join(real, file.read(4096).strip()))
    except (OSError, UnicodeDecodeError):
        return stores
    return stores
