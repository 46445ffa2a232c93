"""What ``targets`` prints: the list of boards and chips, and everything known about one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import TextIO

from paramlint.display import escape
from paramlint.quantities import BYTES, format_size, grouped, short
from paramlint.reporters import Look
from paramlint.reporters.frames import paint
from paramlint.reporters.tables import Column, draw, fitted, missing
from paramlint.targets.model import CONFIDENCE, Target
from paramlint.targets.operators import OpSet, load

#: The columns of the list: title, a number (right), may be folded, and what goes first where the terminal is narrow.
COLUMNS = (
    ("target", False, False, 0), ("vendor", False, False, 4), ("kind", False, False, 3), ("core", False, True, 0),
    ("flash", True, False, 0), ("RAM", True, False, 0), ("largest block", True, False, 1), ("SIMD", False, False, 2),
    ("accelerator", False, True, 5), ("facts", False, False, 6),
)  # fmt: skip


def target_table(targets: Sequence[Target], out: TextIO, look: Look) -> None:
    """One row for each target."""
    rows = [[escape(cell) for cell in _row(target)] for target in targets]
    columns = [
        Column(title, [row[index] for row in rows], right=right, fold=fold, rank=rank)
        for index, (title, right, fold, rank) in enumerate(COLUMNS)
    ]
    kept, left_out = fitted(columns, look)
    out.writelines(f"{line}\n" for line in draw(kept, look))
    number = f"{len(targets)} target{'' if len(targets) == 1 else 's'}"
    out.write(f"{number}; `paramlint targets NAME` shows one with its sources\n{missing(left_out)}")


def _row(target: Target) -> tuple[str, ...]:
    external = " ext" if target.flash_capacity is not None and target.flash_capacity != target.flash_bytes else ""
    return (
        target.id,
        target.vendor,
        target.kind,
        target.core,
        _size(target.flash_capacity) + external,
        _size(target.ram_bytes),
        _size(target.largest_block),
        target.simd,
        target.accelerator.name if target.accelerator else "",
        "" if target.confidence == "found" else target.confidence,
    )


def _size(value: int | None) -> str:
    return "?" if value is None else short(value, BYTES)


def target_page(target: Target, out: TextIO, look: Look) -> None:
    """Every fact of one target, where it comes from and how sure it is."""
    lines = list(_facts(target))
    width = max(len(label) for label, _ in lines)
    for label, text in lines:
        room = max(20, look.width - width - 2) if look.width else len(text) or 1
        first, *more = wrap(escape(text), room, break_on_hyphens=False) or [""]
        out.write(f"{paint(label.ljust(width), look, bold=True)}  {first}\n")
        out.writelines(f"{' ' * width}  {line}\n" for line in more)


def _facts(target: Target) -> Iterator[tuple[str, str]]:
    yield target.id, target.name
    if target.aliases:
        yield "also called", ", ".join(target.aliases)
    if target.base is not None:
        yield "on top of", target.base
    yield "vendor", target.vendor
    yield "kind", target.kind + (f", with {target.soc}" if target.soc else "")
    clock = f" at {target.clock_mhz} MHz" if target.clock_mhz else ""
    yield "core", f"{target.core}{clock}, SIMD: {target.simd}"
    yield from _memory(target)
    if target.accelerator is not None:
        figures = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in target.accelerator.details.items())
        yield "accelerator", target.accelerator.name + (f": {figures}" if figures else "")
    dtypes = [entry.dtype + (f" ({entry.note})" if entry.note else "") for entry in target.dtypes]
    yield "dtypes", ", ".join(dtypes)
    for name in target.op_sets:
        yield "operators", _operators(load(name))
    for text in target.restrictions:
        yield "restriction", text
    if target.notes:
        yield "notes", target.notes
    yield "source", target.source
    yield "confidence", f"{target.confidence}: {CONFIDENCE[target.confidence]}"


def _memory(target: Target) -> Iterator[tuple[str, str]]:
    flash = _exact(target.flash_bytes, none="no internal flash")
    yield "flash", flash + ("; weights live in external flash" if target.weights_in else "")
    if target.external_flash_bytes is not None:
        yield "external flash", _exact(target.external_flash_bytes)
    if target.flash_overhead is not None:
        yield "flash overhead", f"{_exact(target.flash_overhead)} beside the weights, as stated"
    yield "RAM", _exact(target.ram_bytes)
    for region in target.ram_regions:
        yield "  region", f"{region.name} {_exact(region.bytes)}"
    yield "largest block", _exact(target.largest_block)
    if target.external_ram_bytes is not None:
        yield "external RAM", f"{_exact(target.external_ram_bytes)}, never counted as RAM"
    if target.reserve.ram or target.reserve.flash:
        kept = f"{_exact(target.reserve.ram)} of RAM, {_exact(target.reserve.flash)} of flash"
        yield "reserve", f"{kept} for the firmware"
    if target.weight_memory_limit_bytes is not None:
        beyond = {"hard": "no more", "streamed": "what is beyond is streamed at each inference"}
        yield "weight memory", f"{_exact(target.weight_memory_limit_bytes)}; {beyond[target.weight_memory_limit]}"


def _exact(value: int | None, none: str = "0 B") -> str:
    if value is None:
        return "not known"
    return format_size(value, BYTES) if value else none


def _operators(entry: OpSet) -> str:
    number = "no list" if entry.listed is None else f"{grouped(entry.listed)} listed"
    doubt = "" if entry.sure else ", unverified"
    return f"{entry.id}: {entry.title} ({entry.role}, {number}{doubt}); {entry.source}"
