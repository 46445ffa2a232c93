"""The YAML architecture: recognised here; ``load`` is imported when a file is read, so that others pay nothing."""

from __future__ import annotations

import re

from paramlint.ir import Model
from paramlint.loaders import Loader, Request, register

_SUFFIXES = (".arch.yaml", ".arch.yml", ".yaml", ".yml")
_KEY = re.compile(rb"^(?:[A-Za-z_][\w-]*|\"[^\"\n]*\"|'[^'\n]*')[ \t]*:(?:[ \t\r\n]|$)", re.MULTILINE)


def accepts(path: str, head: bytes) -> bool:
    """True for text that has a key in its first column, or that carries a YAML suffix and is no binary."""
    if b"\0" in head:
        return False
    return path.lower().endswith(_SUFFIXES) or _KEY.search(head) is not None or head.lstrip().startswith(b"{")


def load(path: str, request: Request) -> Model:
    """The model of one file; LoadError holds every error in it."""
    from paramlint.loaders.spec.load import read

    return read(path, request)


def load_bytes(path: str, data: bytes, request: Request) -> Model:
    """The model of a text that is already in memory."""
    from paramlint.loaders.spec.load import read_bytes

    return read_bytes(path, data, request)


LOADER = register(Loader("spec", accepts, load, load_bytes))
