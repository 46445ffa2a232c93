"""Loaders: one folder or module each, found by listing this folder; detection by content first, then by suffix."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

from paramlint.errors import InputError, LoadError
from paramlint.folders import modules
from paramlint.ir import Model

HEAD_BYTES = 4096  # what detection may look at; a YAML head or protobuf field shows well before


class Request(NamedTuple):
    """What a run needs from a loader, so that nobody pays for what he does not use.

    ``shapes`` asks for tensor shapes, MACs and formulas (everything but the parameter counts of a file that states
    its weights). ``set`` overrides variables of a spec; ``dims`` binds symbolic dimensions; ``input_shapes`` gives
    whole shapes; ``duplicates`` allows reading payloads to find equal weights.
    """

    shapes: bool = True
    set: Mapping[str, str] = {}
    dims: Mapping[str, int] = {}
    input_shapes: Mapping[str, tuple[int, ...]] = {}
    duplicates: bool = False


class Loader(NamedTuple):
    """``accepts(path, head)`` looks at the first bytes and the name, ``load(path, request)`` gives the model.

    ``load`` raises LoadError with every error of the file. ``priority``: higher is asked first.
    """

    name: str
    accepts: Callable[[str, bytes], bool]
    load: Callable[[str, Request], Model]
    load_bytes: Callable[[str, bytes, Request], Model]  # standard input: shown under the given name
    priority: int = 0


LOADERS: dict[str, Loader] = {}


def register(loader: Loader) -> Loader:
    """Make a loader known; called at the import of its module."""
    LOADERS[loader.name] = loader
    return loader


def available() -> list[Loader]:
    """Every loader, the most specific first. A loader's own heavy imports happen when it loads."""
    for module in modules(__path__):
        importlib.import_module(f"{__name__}.{module}")
    return sorted(LOADERS.values(), key=lambda loader: (-loader.priority, loader.name))


def detect(path: str, head: bytes) -> Loader:
    """The loader for a file by its first bytes and name; LoadError when none takes it."""
    for loader in available():
        if loader.accepts(path, head):
            return loader
    if head.startswith(b"version https://git-lfs"):
        raise LoadError(InputError(path, "is a Git LFS pointer, not the model", hint="fetch it with: git lfs pull"))
    raise LoadError(InputError(path, "is neither an ONNX model nor a YAML architecture"))
