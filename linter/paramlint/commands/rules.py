"""``paramlint rules``: all rules, or one rule's page of the manual."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from paramlint.errors import UsageError
from paramlint.spelling import hint

if TYPE_CHECKING:
    from paramlint.rules import Rule


@click.command("rules", short_help="List the rules, or explain one.")
@click.argument("rule", required=False, metavar="[RULE]")
@click.option("--config", metavar="PATH", help="Use this config file for its plugins.")
def command(rule: str | None, config: str | None) -> int:
    """List every rule with its default level, or print the manual page of RULE (a code or a name).

    The beginning of codes (PL4) lists those rules.
    """
    import os

    from paramlint import config as configs
    from paramlint import rules

    held = configs.read(config) if config else configs.nearest(os.getcwd())
    known = rules.load(held.plugins)
    if rule is None:
        _list(known.values())
        return 0
    found = next((cls for cls in known.values() if rule.upper() == cls.code or rule == cls.name), None)
    begun = [cls for cls in known.values() if cls.code.startswith(rule.upper())]
    if found is not None:
        _page(found)
    elif begun:
        _list(begun)
    else:
        raise UsageError(f"unknown rule {rule!r}", hint(rule, [*known, *(cls.name for cls in known.values())]))
    return 0


def _list(found: Iterable[type[Rule]]) -> None:
    rows = list(found)
    width = max(len(cls.name) for cls in rows)
    for cls in rows:
        click.echo(f"{cls.code}  {cls.name:{width}}  {cls.level.word:7}  {cls.summary}")


def _page(cls: type[Rule]) -> None:
    """The docstring without the marks that make code of words."""
    from paramlint.rules import cleandoc

    click.echo(f"{cls.code} {cls.name} ({cls.level.word})\n{cls.summary}.\n")
    click.echo(cleandoc(cls.__doc__ or "").replace("``", "`").replace("::\n", ":\n"))
    if cls.opt_in:
        click.echo(f"\nIt runs only when it is asked for: --select {cls.code}")
    if cls.options:
        listed = ", ".join(f"{name} = {value}" for name, value in cls.options.items())
        click.echo(f"\nOptions in [tool.paramlint.rule.{cls.code}]: {listed}")
