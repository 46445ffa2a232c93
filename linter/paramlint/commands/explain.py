"""``paramlint explain``: every formula of one model with its numbers put in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from paramlint.errors import UsageError
from paramlint.invocation.options import Command, Settings, show_options
from paramlint.spelling import hint

if TYPE_CHECKING:
    from paramlint.measure import Measured, Row


@click.command("explain", cls=Command, short_help="Explain every number with its formula.")
@click.argument("model", metavar="MODEL", type=click.Path())
@click.argument("layer", required=False, metavar="[LAYER]")
@show_options
def command(model: str, layer: str | None, **options: Any) -> int:
    """Explain the parameters and multiply-accumulates of MODEL, layer by layer.

    LAYER is a layer's name, a type, the module that layers stand in, or a pattern (`encoder/*`).
    """
    from paramlint.invocation import single
    from paramlint.invocation.look import look

    settings = Settings(**options)
    measured = single.measure(model, settings)
    if isinstance(measured, int):
        return measured
    from paramlint.reporters.explanation import explain

    explain(measured, choose(measured, layer), sys.stdout, look(settings))
    return 0


def choose(measured: Measured, word: str | None) -> list[Row]:
    """The rows that ``word`` names: by exact name, else by type, module or pattern; UsageError for none."""
    if word is None:
        return list(measured.rows)
    exact = [row for row in measured.rows if row.layer.name == word]
    if exact:
        return exact
    from paramlint.layer_budgets import glob

    pattern = glob(word)
    found = [
        row
        for row in measured.rows
        if pattern.fullmatch(row.layer.name)
        or pattern.fullmatch(row.layer.op)
        or row.layer.name.startswith((f"{word}.", f"{word}/"))
    ]
    if not found:
        names = [row.layer.name for row in measured.rows]
        raise UsageError(f"no layer is called {word!r}", hint(word, names) if len(names) <= 40 else _near(word, names))
    return found


def _near(word: str, names: list[str]) -> str:
    from paramlint.spelling import did_you_mean

    return did_you_mean(word, names) or "`paramlint show` lists the layers"
