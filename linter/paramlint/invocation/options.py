"""The options of the command line, and their values as the rest of the program takes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import click

from paramlint.errors import UsageError
from paramlint.spelling import hint

_Function = TypeVar("_Function", bound=Callable[..., Any])

PRECISIONS = ("int8", "int16", "float16", "float32")
COLORS = ("auto", "always", "never")


class Settings(NamedTuple):
    """Everything the command line said, as words; a command has the options it offers, the others stay empty."""

    paths: tuple[str, ...] = ()
    most: tuple[str, ...] = ()
    most_layer: tuple[str, ...] = ()
    warn_at: str | None = None
    target: tuple[str, ...] = ()
    as_dtype: str | None = None
    variables: tuple[str, ...] = ()
    dims: tuple[str, ...] = ()
    input_shapes: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    fail_level: str | None = None
    config: str | None = None
    isolated: bool = False
    jobs: int = 1
    output: tuple[str, ...] = ()
    color: str = "auto"
    quiet: int = 0
    verbose: int = 0


def _stack(*options: Callable[[_Function], _Function]) -> Callable[[_Function], _Function]:
    def decorate(function: _Function) -> _Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _many(flag: str, name: str, metavar: str, help: str, *more: str) -> Callable[[_Function], _Function]:
    return click.option(flag, *more, name, multiple=True, metavar=metavar, help=help)


#: How a model is read: for every command that takes one.
model_options = _stack(
    click.option("--as", "as_dtype", metavar="DTYPE", help="Deploy as int8, int16, float16 or float32."),
    _many("--set", "variables", "VAR=VALUE", "Set a variable of a spec's `vars`."),
    _many("--dim", "dims", "NAME=N", "Bind a named dimension."),
    _many("--input-shape", "input_shapes", "NAME=1,3,224,224", "Give an input's whole shape."),
    click.option("--config", metavar="PATH", help="Use this config file and no other."),
    click.option("--isolated", is_flag=True, help="Use no config file."),
    click.option("--color", default="auto", metavar="auto|always|never", help="Colour the output."),
    click.option("-q", "--quiet", count=True, help="Say less."),
    click.option("-v", "--verbose", count=True, help="Say more: every note, and tracebacks of defects."),
)

#: What a model is held against.
check_options = _stack(
    _many("--max", "most", "[METRIC=]SIZE", "Most parameters (1M), or most of a metric (ram=64KiB)."),
    _many("--max-layer", "most_layer", "METRIC=SIZE", "Most of a metric in one layer; also a share (params=25%)."),
    click.option("--warn-at", metavar="90%", help="Warn above this share of every limit."),
    _many("--target", "target", "NAME", "Hold against a board or chip; `paramlint targets` lists them."),
    _many("--select", "select", "RULE", "Rules to run: codes, beginnings of codes or names."),
    _many("--ignore", "ignore", "RULE", "Rules to leave out."),
    _many("--severity", "severity", "RULE=LEVEL", "Give a rule another level: error, warning or note."),
    click.option("--fail-level", metavar="LEVEL", help="Fail from this level on; `never` to only report. [error]"),
    click.option("-j", "--jobs", type=click.IntRange(1, 256), default=1, metavar="N", help="Processes for many files."),
    _many("--output", "output", "FMT[:PATH]", "Format of the report, and a file for it; repeatable.", "-o"),
)


def pairs(words: tuple[str, ...], flag: str, example: str) -> dict[str, str]:
    """``NAME=VALUE`` words as a mapping; of two with one name the later holds."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise UsageError(f"{flag} {word!r} is not NAME=VALUE", f"write {flag} {example}")
        found[name.strip()] = value.strip()
    return found


def listed(words: tuple[str, ...]) -> tuple[str, ...]:
    """Words that may also be separated by commas: ``PL1,PL4``."""
    return tuple(part.strip() for word in words for part in word.split(",") if part.strip())


def dimensions(words: tuple[str, ...]) -> dict[str, int]:
    """``--dim seq=128``."""
    return {name: _size(value, f"--dim {name}={value}") for name, value in pairs(words, "--dim", "seq=128").items()}


def shapes(words: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """``--input-shape x=1,3,224,224``; sizes may be separated by ``x`` too."""
    found = {}
    for name, value in pairs(words, "--input-shape", "x=1,3,224,224").items():
        text = f"--input-shape {name}={value}"
        found[name] = tuple(_size(part, text) for part in value.strip("[]()").split(","))
    return found


def _size(text: str, option: str) -> int:
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 12 or int(digits) < 1:
        raise UsageError(f"{option}: {digits!r} is not a positive integer")
    return int(digits)


def choice(word: str, known: tuple[str, ...], flag: str) -> str:
    """One of a few words; another is a UsageError with a did-you-mean."""
    if word not in known:
        raise UsageError(f"{flag}: unknown value {word!r}", hint(word, known))
    return word


def colored(color: str, terminal: bool, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: the flag decides, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal."""
    if choice(color, COLORS, "--color") != "auto":
        return color == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "") not in ("", "0"):
        return True
    return terminal and environment.get("TERM") != "dumb"
