"""``paramlint schema``: the JSON Schemas that come along."""

from __future__ import annotations

import click

from paramlint.errors import UsageError
from paramlint.spelling import hint

NAMES = ("architecture", "config", "target", "report")


@click.command("schema", short_help="Print a JSON Schema.")
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """Print the JSON Schema NAME: architecture, config, target or report; without a name, list them."""
    if name is None:
        click.echo("\n".join(NAMES))
        return 0
    if name not in NAMES:
        raise UsageError(f"unknown schema {name!r}", hint(name, NAMES))
    from importlib.resources import files

    click.echo(files("paramlint.schemas").joinpath(f"{name}.schema.json").read_text(encoding="utf-8").rstrip("\n"))
    return 0
