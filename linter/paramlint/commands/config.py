"""``paramlint config``: which config holds here, and whether it is right."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from paramlint.display import escape
from paramlint.errors import UsageError
from paramlint.invocation.options import Settings
from paramlint.spelling import hint

if TYPE_CHECKING:
    from paramlint.budgets import Growth, Limit
    from paramlint.config import Config

ACTIONS = ("show", "check")


@click.command("config", short_help="Show or check the config that holds here.")
@click.argument("action", default="show", metavar="[show|check]")
@click.argument("path", default=".", metavar="[PATH]")
@click.option("--config", metavar="PATH", help="Use this config file and no other.")
def command(action: str, path: str, config: str | None) -> int:
    """Show the config that holds for PATH (a file or folder), or check it: keys, units, rules and targets.

    A mistake in it is exit code 2, here as in every other command.
    """
    if action not in ACTIONS:
        raise UsageError(f"unknown action {action!r}", hint(action, ACTIONS))
    from paramlint.invocation.plans import Planner

    planner = Planner(Settings(config=config))
    held = planner.config(path if os.path.isdir(path) else os.path.dirname(path) or ".")
    planner.plan(path, held)
    if held.path is None:
        click.echo("# no config file: the defaults hold" if action == "show" else "no config file")
    elif action == "check":
        click.echo(f"{escape(held.path)}: ok")
    if action == "show":
        for line in _shown(held):
            click.echo(escape(line))
    return 0


def _shown(held: Config) -> Iterator[str]:
    """The config as TOML that means the same."""
    from paramlint.quantities import show_share

    if held.path is not None:
        yield f"# {held.path}"
    for key in ("target", "include", "exclude", "select", "ignore", "plugins"):
        yield f"{key} = {_value(list(getattr(held, key)))}"
    yield f"fail-level = {_value(held.fail_level.word if held.fail_level else 'never')}"
    if held.warn_at is not None:
        yield f"warn-at = {_value(show_share(held.warn_at))}"
    yield from _table("dims", dict(held.dims))
    yield from _table("severity", {rule: level.word for rule, level in held.severity.items()})
    yield from _table("budget", _limits(held.budget))
    for layer in held.layer_budget:
        match = {"match": layer.match} if layer.match is not None else {}
        size = show_share(layer.share) if layer.share is not None else layer.max
        yield from _table("layer-budget", {**match, layer.metric: size}, array=True)
    for override in held.override:
        yield from _table("override", {"paths": list(override.paths), "budget": _limits(override.limits)}, array=True)
    for entry in held.suppress:
        known = {"rule": entry.rule, "path": entry.path, "layer": entry.layer, "reason": entry.reason}
        yield from _table("suppress", {key: value for key, value in known.items() if value is not None}, array=True)
    for rule, options in held.rule.items():
        yield from _table(f"rule.{rule}", dict(options))
    for name, table in held.targets.items():
        yield from _table(f"targets.{_key(name)}", dict(table))


def _limits(limits: tuple[Limit, ...]) -> dict[str, Any]:
    from paramlint.quantities import show_share

    found: dict[str, Any] = {}
    for limit in limits:
        growth = _growth(limit.growth) if limit.growth is not None else None
        warn = show_share(limit.warn) if limit.warn is not None else None
        entry = {"max": limit.max, "warn": warn, "max-increase": growth}
        stated = {key: value for key, value in entry.items() if value is not None}
        found[limit.metric] = limit.max if set(stated) == {"max"} else stated
    return found


def _growth(growth: Growth) -> str:
    from paramlint.quantities import show_share

    share = [] if growth.share is None else [show_share(growth.share)]
    return ",".join(share if growth.amount is None else [*share, f"+{growth.amount}"])


def _table(name: str, entries: dict[str, Any], array: bool = False) -> Iterator[str]:
    if entries:
        yield ""
        yield f"[[{name}]]" if array else f"[{name}]"
        for key, value in entries.items():
            yield f"{_key(key)} = {_value(value)}"


def _key(name: str) -> str:
    bare = name.isascii() and name.replace("-", "_").isidentifier()
    return name if bare else _value(name)


def _value(value: Any) -> str:
    """A value as TOML; texts as JSON writes them, which TOML reads alike."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    import json

    return json.dumps(value)
