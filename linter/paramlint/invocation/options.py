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
    order: bool = False


class Option(click.Option):
    """An option that stands under a heading of the help page."""

    def __init__(self, *args: Any, heading: str, **more: Any) -> None:
        super().__init__(*args, **more)
        self.heading = heading


class Command(click.Command):
    """A command whose help page lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx) if isinstance(param, click.Option) else None
            if record is not None:
                heading = param.heading if isinstance(param, Option) else "Output"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _stack(*options: Callable[[_Function], _Function]) -> Callable[[_Function], _Function]:
    def decorate(function: _Function) -> _Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


def _option(heading: str, *names: str, **more: Any) -> Callable[[_Function], _Function]:
    return click.option(*names, cls=Option, heading=heading, **more)


def _many(heading: str, *names: str, **more: Any) -> Callable[[_Function], _Function]:
    return _option(heading, *names, multiple=True, **more)


#: What a model is held against.
limit_options = _stack(
    _many("Limits", "--max", "most", metavar="[METRIC=]SIZE", help="Most parameters (1M), or of a metric (ram=64KiB)."),
    _many("Limits", "--max-layer", "most_layer", metavar="METRIC=SIZE", help="Most in one layer; or params=25%."),
    _option("Limits", "--warn-at", metavar="90%", help="Warn above this share of every limit."),
    _many("Limits", "--target", "target", metavar="NAME", help="Fit this board or chip (see `paramlint targets`)."),
)

#: How a model is read: for every command that takes one.
model_options = _stack(
    _option("Model", "--as", "as_dtype", metavar="DTYPE", help="Deploy as int8, int16, float16 or float32."),
    _many("Model", "--set", "variables", metavar="VAR=VALUE", help="Set a variable of a spec's `vars`."),
    _many("Model", "--dim", "dims", metavar="NAME=N", help="Bind a named dimension (batch=1)."),
    _many("Model", "--input-shape", "input_shapes", metavar="NAME=1,3,224,224", help="Give an input's whole shape."),
)

rule_options = _stack(
    _many("Rules", "--select", "select", metavar="RULE", help="Rules to run: codes, beginnings of codes, names."),
    _many("Rules", "--ignore", "ignore", metavar="RULE", help="Rules to leave out."),
    _many("Rules", "--severity", "severity", metavar="RULE=LEVEL", help="Make a rule error, warning or note."),
    _option("Rules", "--fail-level", metavar="LEVEL", help="Fail from this level on, or `never`. [error]"),
)

config_options = _stack(
    _option("Config", "--config", metavar="PATH", help="Use this config file and no other."),
    _option("Config", "--isolated", is_flag=True, help="Use no config file."),
)

report_options = _stack(
    _many("Output", "-o", "--output", "output", metavar="FMT[:PATH]", help="text, concise or json; and a file for it."),
    _option(
        "Output", "-j", "--jobs", type=click.IntRange(1, 256), default=1, metavar="N", help="Processes for many files."
    ),
)

output_options = _stack(
    _option("Output", "--color", default="auto", metavar="WHEN", help="auto, always or never. [auto]"),
    _option("Output", "-q", "--quiet", count=True, help="Say less: no notes, no tables."),
    _option("Output", "-v", "--verbose", count=True, help="Say more: every note and total; tracebacks of defects."),
)

check_options = _stack(limit_options, model_options, rule_options, config_options, report_options, output_options)
show_options = _stack(model_options, config_options, output_options)
order_option = _option("Model", "--order", is_flag=True, help="Find the operator order that needs the least memory.")


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
    """``--input-shape x=1,3,224,224``."""
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
