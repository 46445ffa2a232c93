"""``paramlint targets``: the boards and chips that models are held against."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from paramlint.errors import UsageError
from paramlint.invocation.options import Command, Option, Settings, config_options, output_options
from paramlint.spelling import hint

if TYPE_CHECKING:
    from paramlint.targets import Target

#: Filters that look for a piece of text in a field: the option, and where a target holds the text.
TEXTS: dict[str, Callable[[Target], tuple[str, ...]]] = {
    "vendor": lambda target: (target.vendor,),
    "kind": lambda target: (target.kind,),
    "core": lambda target: (target.core,),
    "simd": lambda target: (target.simd,),
    "accelerator": lambda target: (target.accelerator.name,) if target.accelerator else (),
    "ops": lambda target: target.op_sets,
}


def _filter(name: str, metavar: str, help: str) -> Callable[[Any], Any]:
    return click.option(f"--{name}", cls=Option, heading="Which", metavar=metavar, help=help)


@click.command("targets", cls=Command, short_help="List boards and chips, or show one.")
@click.argument("target", required=False, metavar="[TARGET]")
@_filter("vendor", "TEXT", "Made by (st, nordic, espressif).")
@_filter("kind", "TEXT", "mcu, board, sbc or accelerator.")
@_filter("core", "TEXT", "With this core (m7, risc-v).")
@_filter("simd", "TEXT", "With this vector unit: none, dsp, mve, esp-vector or neon.")
@_filter("accelerator", "TEXT", "With this neural processor (ethos).")
@_filter("ops", "TEXT", "With this operator list (tflm, edge_tpu).")
@_filter("ram", "SIZE", "With at least so much RAM (256KiB).")
@_filter("flash", "SIZE", "With at least so much flash for the model (1MiB).")
@config_options
@output_options
def command(target: str | None, **options: Any) -> int:
    """List the targets that `--target` knows, those of the config first, or show everything known about TARGET."""
    from paramlint import targets
    from paramlint.invocation.look import look
    from paramlint.invocation.plans import Planner
    from paramlint.reporters.target_table import target_page, target_table

    wanted = {name: options.pop(name) for name in (*TEXTS, "ram", "flash")}
    settings = Settings(**options)
    held = Planner(settings).config(".")
    own = targets.from_config(held.targets, held.source)
    if target is not None:
        target_page(targets.find(target, own), sys.stdout, look(settings))
        return 0
    found = _by_size(_by_text(targets.every(own), wanted), wanted)
    if not found:
        raise UsageError("no target is like that", "`paramlint targets` lists all of them")
    target_table(found, sys.stdout, look(settings))
    return 0


def _by_text(every: Iterable[Target], wanted: dict[str, str | None]) -> list[Target]:
    """Targets whose fields hold the words, letter case, '-' and '_' aside; a word that none holds is a UsageError."""
    from paramlint.targets.reader import normal

    found = list(every)
    for name, texts in TEXTS.items():
        word = wanted[name]
        if word is None:
            continue
        known = sorted({text for target in found for text in texts(target)})
        if not any(normal(word) in normal(text) for text in known):
            raise UsageError(f"--{name}: no target here has {word!r}", hint(word, known))
        found = [target for target in found if any(normal(word) in normal(text) for text in texts(target))]
    return found


def _by_size(targets: Iterable[Target], wanted: dict[str, str | None]) -> list[Target]:
    """Targets with at least so much memory; one whose memory is not known is left out."""
    ram, flash = (_least(name, wanted[name]) for name in ("ram", "flash"))
    return [
        target
        for target in targets
        if (ram is None or (target.ram_bytes or 0) >= ram) and (flash is None or (target.flash_capacity or 0) >= flash)
    ]


def _least(name: str, word: str | None) -> int | None:
    from paramlint.quantities import QuantityError, parse_bytes

    if word is None:
        return None
    try:
        return parse_bytes(word)
    except QuantityError as error:
        raise UsageError(f"--{name}: {error.message}", error.hint) from error
