"""``paramlint show``: the layers of one model as a table."""

from __future__ import annotations

import sys
from typing import Any

import click

from paramlint.invocation.options import Command, Settings, order_option, show_options


@click.command("show", cls=Command, short_help="Show a model's layers as a table.")
@click.argument("model", metavar="MODEL", type=click.Path())
@show_options
@order_option
def command(model: str, **options: Any) -> int:
    """Show each layer of MODEL: output shape, parameters, multiply-accumulates, activations, shares of the whole."""
    from paramlint.invocation import single
    from paramlint.invocation.look import look

    settings = Settings(**options)
    measured = single.measure(model, settings)
    if isinstance(measured, int):
        return measured
    from paramlint.reporters.layer_table import layer_table

    layer_table(measured, sys.stdout, look(settings))
    if settings.order:
        from paramlint.reporters.operator_order import operator_order

        operator_order(measured, sys.stdout, look(settings))
    return 0
