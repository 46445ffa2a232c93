"""Bounded reading: all bytes of a model file come through ``os.pread`` (never a memory map, which dies with it)."""

from __future__ import annotations

import os
import stat
from typing import Protocol

from paramlint.errors import InputError, LoadError

WINDOW = 1 << 17  # bytes read at once while walking: a graph's nodes come in few reads, a payload is stepped over


class Source(Protocol):
    """Bytes with a length; ``read`` gives at most ``length`` bytes from ``start``."""

    size: int
    disk: int  # bytes on disk

    def read(self, start: int, length: int) -> bytes: ...


class Held:
    """A model that came as bytes (standard input)."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.disk = data, len(data), len(data)

    def read(self, start: int, length: int) -> bytes:
        return self.data[start : start + length]


class File:
    """A regular file, open while the model is read."""

    def __init__(self, path: str) -> None:
        self.path = path
        try:
            self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        except OSError as error:
            raise LoadError(InputError(path, f"cannot be read: {(error.strerror or str(error)).lower()}")) from error
        status = os.fstat(self.descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(self.descriptor)
            raise LoadError(InputError(path, "is not a regular file"))
        self.size = self.disk = status.st_size

    def read(self, start: int, length: int) -> bytes:
        parts = []
        try:
            while length > 0:
                part = os.pread(self.descriptor, min(length, 1 << 24), start)
                if not part:
                    break
                parts.append(part)
                start, length = start + len(part), length - len(part)
        except OSError as error:
            raise LoadError(
                InputError(self.path, f"cannot be read: {(error.strerror or str(error)).lower()}")
            ) from error
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        os.close(self.descriptor)
