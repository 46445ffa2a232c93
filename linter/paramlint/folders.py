"""The modules of a package's folder, by listing it: how layers, operators, rules, reporters and commands are found."""

from __future__ import annotations

import os
from collections.abc import Iterable


def modules(path: Iterable[str]) -> list[str]:
    """Names of the modules and packages in the folders of a package (its ``__path__``), in alphabetical order.

    ``pkgutil`` does the same, and its import alone costs a twentieth of a small run; a package in a zip file gets it.
    """
    found: set[str] = set()
    for folder in path:
        try:
            with os.scandir(folder) as entries:
                found.update(name for entry in entries if (name := _module(entry)) is not None)
        except OSError:
            from pkgutil import iter_modules

            found.update(module.name for module in iter_modules([folder]))
    return sorted(found)


def _module(entry: os.DirEntry[str]) -> str | None:
    if entry.name.endswith(".py"):
        return None if entry.name.startswith("__") else entry.name.removesuffix(".py")
    if entry.name.isidentifier() and os.path.isfile(os.path.join(entry.path, "__init__.py")):
        return entry.name
    return None
