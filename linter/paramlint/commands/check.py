"""``paramlint check``: hold models against their budgets, targets and rules."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import click

from paramlint.display import escape, forget_output
from paramlint.errors import UsageError
from paramlint.invocation.options import Command, Settings, check_options
from paramlint.spelling import hint

if TYPE_CHECKING:
    from paramlint.engine import Outcome, Plan
    from paramlint.invocation.discover import Found
    from paramlint.invocation.plans import Planner
    from paramlint.report import Report
    from paramlint.reporters import Look, Write

#: Formats that hold every metric, not only those with a limit.
COMPLETE = frozenset({"json"})


@click.command("check", cls=Command, short_help="Check models (the default command).")
@click.argument("paths", nargs=-1, metavar="[PATH...|-]", type=click.Path())
@check_options
def command(**options: Any) -> int:
    """Check YAML architectures and ONNX models against limits, targets and rules.

    PATH is a file, a folder to search, or - for standard input; without one the current folder is searched.

    METRIC is params, trainable, weights, flash, ram, ram.bound, ram.arena, ram.best, macs, file or layers. SIZE is a
    count (1M, 2.5k, 1_000_000) or bytes (256KiB, 256kB, 1MiB).

    Exit code: 0 nothing at the fail level, 1 findings, 2 the call or the config is wrong, 3 an input could not be
    judged, 4 a defect in paramlint.
    """
    return run(Settings(**options))


class Output(NamedTuple):
    """One report to write: the reporter and the file (None: standard output)."""

    format: str
    write: Write
    path: str | None


def run(settings: Settings) -> int:
    """Check everything, write every report, and return the exit code."""
    from paramlint.invocation.discover import discover
    from paramlint.invocation.look import look
    from paramlint.invocation.plans import Planner

    started = time.perf_counter()
    outputs = _outputs(settings.output)
    looks = [look(settings, output.path) for output in outputs]
    every = any(output.format in COMPLETE for output in outputs)
    planner = Planner(settings, every=every, totals=True)
    found = discover(settings.paths, planner.config)
    report = _report(planner, found, settings.jobs)._replace(seconds=time.perf_counter() - started)
    for output, destination in zip(outputs, looks, strict=True):
        _write(output, report, destination)
    for defect in report.defects:
        click.echo(escape(f"paramlint has a defect: {defect.path}: {defect.what}"), err=True)
        if settings.verbose:
            click.echo(defect.trace, err=True)
    return report.exit_code


def _report(planner: Planner, found: Sequence[Found], jobs: int) -> Report:
    from paramlint import engine, rules

    work = [(item.path, planner.plan(item.path, item.config), item.data) for item in found if item.error is None]
    judged = iter(_judge(work, jobs))
    report = engine.collect([engine.Outcome(errors=(item.error,)) if item.error else next(judged) for item in found])
    report = rules.review_silences(report, {path: plan.rules for path, plan, _ in work})
    plugins = tuple(plugin for item in found for plugin in item.config.plugins)
    return report._replace(rules=rules.cards(report, plugins))


def _judge(work: Sequence[tuple[str, Plan, bytes | None]], jobs: int) -> Iterator[Outcome]:
    from paramlint import engine

    if jobs > 1 and len(work) > 1:
        from paramlint.invocation import parallel

        return parallel.judge(work, jobs)
    return (engine.judge(path, plan, data) for path, plan, data in work)


def _outputs(words: Sequence[str]) -> list[Output]:
    from paramlint import reporters

    found = []
    for word in words or ("text",):
        name, _, path = word.partition(":")
        write = reporters.find(name)
        if write is None:
            raise UsageError(f"--output: unknown format {name!r}", hint(name, reporters.formats()))
        found.append(Output(name, write, None if path in ("", "-") else path))
    if sum(output.path is None for output in found) > 1:
        raise UsageError("two reports cannot share standard output", "give one a file: --output json:report.json")
    if len({output.path for output in found}) < len(found):
        raise UsageError("two reports cannot share one file")
    return found


def _write(output: Output, report: Report, look: Look) -> None:
    """Write one report. Where the reader has gone the verdict still counts, and so do the other reports."""
    try:
        with _opened(output.path) as stream:
            output.write(report, stream, look)
            stream.flush()
    except BrokenPipeError:
        forget_output()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--output: {output.path or 'standard output'} cannot be written: {reason}") from error


@contextmanager
def _opened(path: str | None) -> Iterator[TextIO]:
    if path is None:
        yield sys.stdout
        return
    with open(path, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as stream:
        yield stream
