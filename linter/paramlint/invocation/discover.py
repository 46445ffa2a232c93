"""Which files a run looks at: the paths given, folders searched, and what is excluded."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from paramlint.config import Config
from paramlint.errors import InputError, UsageError
from paramlint.patterns import matches, matches_file

STDIN = "-"
STDIN_NAME = "<stdin>"

#: Finds the config that holds in a folder.
Finder = Callable[[str], Config]


class Found(NamedTuple):
    """One thing to check: a file, standard input as ``data``, or what is wrong with a path that was given."""

    path: str
    config: Config
    data: bytes | None = None
    error: InputError | None = None


def discover(paths: Sequence[str], find: Finder) -> list[Found]:
    """Everything to check, in the order of the paths; folders in alphabetical order, each file once."""
    if paths.count(STDIN) > 1:
        raise UsageError("standard input (-) can be read only once")
    found: list[Found] = []
    seen: set[str] = set()
    for path in paths or (".",):
        for item in _of_path(path, find):
            key = os.path.realpath(item.path) if item.data is None else STDIN_NAME
            if key not in seen:
                seen.add(key)
                found.append(item)
    return found


def _of_path(path: str, find: Finder) -> Iterator[Found]:
    if path == STDIN:
        yield Found(STDIN_NAME, find("."), sys.stdin.buffer.read())
        return
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError) as error:
        yield _unreadable(path, find("."), error)
        return
    if stat.S_ISDIR(mode):
        yield from _of_folder(path, find)
        return
    config = find(os.path.dirname(path) or ".")
    if config.excluded(path):
        return
    if not stat.S_ISREG(mode):
        yield Found(path, config, error=InputError(path, "is not a regular file", hint="use - for a pipe"))
        return
    yield Found(path, config)


def _of_folder(folder: str, find: Finder) -> Iterator[Found]:
    empty = True
    refused: list[OSError] = []
    for parent, names, files in os.walk(folder, onerror=refused.append):
        config = find(parent)
        names[:] = sorted(name for name in names if not name.startswith(".") and not _shut(parent, name, config))
        for name in sorted(files):
            path = os.path.normpath(os.path.join(parent, name))
            relative = config.relative(path)
            if matches_file(config.include, relative) and not matches(config.exclude, relative):
                empty = False
                yield Found(path, config)
    for error in refused:  # what nobody could look into was not checked
        yield _unreadable(str(error.filename), find(folder), error)
    if empty and not refused:
        hint = f"folders are searched for {', '.join(find(folder).include)}"
        yield Found(folder, find(folder), error=InputError(folder, "holds nothing to check", hint=hint))


def _unreadable(path: str, config: Config, error: OSError | ValueError) -> Found:
    reason = getattr(error, "strerror", None) or str(error)
    return Found(path, config, error=InputError(path, f"cannot be read: {reason.lower()}"))


def _shut(parent: str, name: str, config: Config) -> bool:
    """True for a folder that is excluded as a whole, so that it is not walked at all."""
    return matches(config.exclude, config.relative(os.path.join(parent, name)) + "/.")
