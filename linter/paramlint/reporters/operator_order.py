"""What ``show --order`` adds: the operator order that needs the least memory, against the one that is written."""

from __future__ import annotations

import textwrap
from typing import TextIO

from paramlint.display import escape
from paramlint.ir import Unknown
from paramlint.measure import Measured
from paramlint.quantities import BYTES, format_size, percent
from paramlint.reporters import Look

WIDTH = 120  # of a pipe, whose lines nobody folds


def operator_order(measured: Measured, out: TextIO, look: Look) -> None:
    """Print what the best order needs, and the order itself where it is another than the one written."""
    ram, deployed = measured.ram, measured.deployed
    if ram is None or deployed is None or ram.best is None:
        return
    if isinstance(ram.best, Unknown) or isinstance(ram.bound, Unknown):
        reason = ram.best.reason if isinstance(ram.best, Unknown) else "sizes are not known"
        out.write(f"  order     not known: {escape(reason)}\n")
        return
    written, best = format_size(ram.bound, BYTES), format_size(ram.best, BYTES)
    if ram.best >= ram.bound:
        out.write(f"  order     no other order needs less than the {written} of live tensors of the one written\n")
        return
    gain = percent(ram.bound - ram.best, ram.bound)
    if ram.order == tuple(range(len(deployed.operators))):
        out.write(f"  order     as written, with operators that work in place: {best} against {written} (-{gain})\n")
        return
    out.write(f"  order     {best} of live tensors at most, {written} as written (-{gain}):\n")
    names = ", ".join(escape(deployed.operators[place].layer) for place in ram.order)
    indent = " " * 12
    width = look.width if look.terminal else WIDTH
    out.write(
        textwrap.fill(names, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False) + "\n"
    )
