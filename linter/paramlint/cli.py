"""The command line: words in, exit code out. Each command is one file of ``commands``; ``check`` is the default.

Exit codes: 0 nothing at the fail level, 1 findings, 2 the call or the config is wrong, 3 an input could not be judged,
4 a defect in paramlint, 130 interrupted.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import click

from paramlint import __version__, commands
from paramlint.display import escape, forget_output
from paramlint.errors import UsageError
from paramlint.folders import modules
from paramlint.spelling import nearest

DEFAULT = "check"
USAGE, DEFECT, INTERRUPTED = 2, 4, 130
COMPLETION = "_PARAMLINT_COMPLETE"  # set by the shell functions that click makes for completion

HELP = """Linter and budget checker for neural-network model specs.

Reads YAML architectures and ONNX models, counts parameters, multiply-accumulates, flash and RAM, and complains about
what overruns a budget or does not fit a target. It needs no ML framework and runs no model.

\b
  paramlint model.onnx --max 1M                    at most a million parameters
  paramlint kws.arch.yaml --target nano33ble       fits a board
  paramlint                                        this folder, budgets from pyproject.toml
  paramlint show model.onnx                        the layers, one by one

Without a command it checks: `paramlint check --help` lists the options.
"""


class Program(click.Group):
    """The commands found in the folder; words without a command are a check."""

    @cached_property
    def names(self) -> list[str]:
        return modules(commands.__path__)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return self.names

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.names:
            return None
        command: click.Command = importlib.import_module(f"paramlint.commands.{cmd_name}").command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args[:1] in (["--help"], ["-h"], ["--version"]):
            return super().parse_args(ctx, args)
        return super().parse_args(ctx, self.with_command(ctx, args))

    def with_command(self, ctx: click.Context, args: list[str]) -> list[str]:
        """``args`` with the command in front; options may have stood before it."""
        index = self.first_word(ctx, args)
        if index is None:
            return [DEFAULT, *args]
        word = args[index]
        if word in self.names:
            return [word, *args[:index], *args[index + 1 :]]
        if word.isidentifier() and not os.path.exists(word):
            near = nearest(word, [*self.names, "--help"])
            if near is not None:
                raise UsageError(f"unknown command {word!r}, and no file has this name", f"did you mean {near!r}?")
        return [DEFAULT, *args]

    def first_word(self, ctx: click.Context, args: Sequence[str]) -> int | None:
        """Where the first word stands that is neither an option nor an option's value."""
        if args and not args[0].startswith("-"):
            return 0
        check = self.get_command(ctx, DEFAULT)
        assert check is not None
        takes_value = {
            name
            for option in check.params
            if isinstance(option, click.Option) and not option.is_flag and not option.count
            for name in option.opts
        }
        skip = False
        for index, word in enumerate(args):
            if skip:
                skip = False
            elif word == "--":
                return None
            elif word.startswith("-") and word != "-":
                skip = word in takes_value
            else:
                return index
        return None


@click.group(
    cls=Program,
    help=HELP,
    options_metavar="",
    subcommand_metavar="[COMMAND] [OPTIONS] [PATH...|-]",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="%(prog)s %(version)s")
def program() -> None:
    """Options stand on the commands."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; never raises for what a user did."""
    if arguments is None:  # a process of our own: models are trees that live to its end, looking for cycles is idle
        gc.disable()
    args = list(sys.argv[1:] if arguments is None else arguments)
    _tame_output()
    code = _run(args)
    try:
        sys.stdout.flush()
    except OSError:  # closed or full: what stands in its buffer is lost, which must not end in a traceback
        forget_output()
        return max(code, USAGE) if code in (0, 1) else code
    return code


def _run(args: list[str]) -> int:
    try:
        result: Any = program.main(args, prog_name="paramlint", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except UsageError as error:
        return _say(_place(error) + error.message, error.hint)
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _say(error.format_message(), None)
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            return _broken(error, args)
        forget_output()
        return _say("standard output cannot be written: no space left on device", None)
    except SystemExit as ended:  # how click ends shell completion, and a command whose reader has gone
        if COMPLETION not in os.environ:
            forget_output()
            return 0
        return ended.code if isinstance(ended.code, int) else 0
    except Exception as error:  # noqa: BLE001  # whatever is left is our own mistake, and is said in one line
        return _broken(error, args)


def _tame_output() -> None:
    """Let text that the terminal's encoding lacks come out as escapes instead of ending the run."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _place(error: UsageError) -> str:
    source = error.source
    if source is None or source.path is None:
        return ""
    return ":".join(str(part) for part in (source.path, source.line, source.column) if part is not None) + ": "


def _say(message: str, hint: str | None) -> int:
    click.echo(f"error: {escape(message)}", err=True)
    if hint:
        click.echo(f"  hint: {escape(hint)}", err=True)
    return USAGE


def _usage(error: click.UsageError) -> int:
    hint = None
    if isinstance(error, click.NoSuchOption):
        message, hint = f"unknown option {error.option_name}", _near_option(error)
    else:
        message = error.format_message().rstrip(".")
    command = error.ctx.info_name if error.ctx and error.ctx.parent else DEFAULT
    return _say(message, hint or f"`paramlint {command} --help` shows what there is")


def _near_option(error: click.NoSuchOption) -> str | None:
    """The option that was probably meant, or the command that has this one."""
    if error.ctx is None:
        return None
    known = [name for param in error.ctx.command.params for name in param.opts if name.startswith("-")]
    near = nearest(error.option_name.lstrip("-"), (name.lstrip("-") for name in known))
    if near is not None:
        return f"did you mean {next(name for name in known if name.lstrip('-') == near)!r}?"
    check = program.get_command(error.ctx, DEFAULT)
    if check is not None and any(error.option_name in param.opts for param in check.params):
        return f"`paramlint {DEFAULT}` has it"
    return None


def _broken(error: Exception, args: Sequence[str]) -> int:
    verbose = any(word in ("-v", "-vv", "--verbose") for word in args)
    advice = "" if verbose else " (-v shows where)"
    click.echo(escape(f"paramlint has a defect: {type(error).__name__}: {error}{advice}"), err=True)
    if verbose:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True)
    return DEFECT
