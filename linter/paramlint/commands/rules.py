"""``paramlint rules``: all rules, or one rule's page of the manual."""

from __future__ import annotations

import click

from paramlint.errors import UsageError
from paramlint.spelling import hint


@click.command("rules", short_help="List the rules, or explain one.")
@click.argument("rule", required=False)
@click.option("--config", metavar="PATH", help="Use this config file for its plugins.")
def command(rule: str | None, config: str | None) -> int:
    """List every rule with its default level, or print the manual page of RULE (a code or a name)."""
    import os

    from paramlint import config as configs
    from paramlint import rules

    held = configs.read(config) if config else configs.nearest(os.getcwd())
    known = rules.load(held.plugins)
    if rule is None:
        width = max(len(cls.name) for cls in known.values())
        for cls in known.values():
            click.echo(f"{cls.code}  {cls.name:{width}}  {cls.level.word:7}  {cls.summary}")
        return 0
    cls_found = next((cls for cls in known.values() if rule.upper() == cls.code or rule == cls.name), None)
    if cls_found is None:
        raise UsageError(f"unknown rule {rule!r}", hint(rule, [*known, *(cls.name for cls in known.values())]))
    click.echo(f"{cls_found.code} {cls_found.name} ({cls_found.level.word})\n{cls_found.summary}.\n")
    click.echo(rules.cleandoc(cls_found.__doc__ or ""))
    if cls_found.options:
        listed = ", ".join(f"{name} = {value}" for name, value in cls_found.options.items())
        click.echo(f"\nOptions in [tool.paramlint.rule.{cls_found.code}]: {listed}")
    return 0
