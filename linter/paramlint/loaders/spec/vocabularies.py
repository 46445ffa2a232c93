"""Finding layer types: the vocabulary modules of one framework are imported by listing their folder, once."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from paramlint.folders import modules
from paramlint.loaders.spec.vocabulary import ENTRIES, KERAS, PYTORCH, Entry

FRAMEWORKS = (KERAS, PYTORCH)
_loaded: set[str] = set()


def entries(framework: str) -> Mapping[str, Entry]:
    """Every layer type of a framework by name, aliases included."""
    for folder in ("common", framework):
        if folder not in _loaded:
            package = importlib.import_module(f"paramlint.loaders.spec.{folder}")
            for module in modules(package.__path__):
                importlib.import_module(f"{package.__name__}.{module}")
            _loaded.add(folder)
    return ENTRIES[framework]
