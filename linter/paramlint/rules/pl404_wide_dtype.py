from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.ir import Weight
from paramlint.measure import Measured
from paramlint.quantities import BYTES, format_size
from paramlint.rules import Rule, rule


@rule("PL404", "wide-dtype", Level.NOTE, "Weights in 64 or 128 bits")
class WideDType(Rule):
    """A layer keeps its weights in float64 or a wider type.

    Why: networks are trained in 32 bits or fewer; a 64-bit weight is nearly always a NumPy default that slipped
    through, and takes twice the space and bandwidth.

    Fix: convert before export, or state ``dtype: float32``.

    Bad::

        framework: keras
        input: [8]
        layers:
          - {type: Dense, units: 4, dtype: float64}

    Good::

        framework: keras
        input: [8]
        layers:
          - {type: Dense, units: 4}
    """

    def check(self, measured: Measured) -> Iterable[Finding]:
        for row in measured.rows:
            wide = [weight for weight in row.layer.weights if _is_wide(weight)]
            if not wide:
                continue
            held = sum(weight.bytes for weight in wide)
            half = sum(weight.bytes * 32 // weight.dtype.bits for weight in wide)
            names = ", ".join(dict.fromkeys(weight.dtype.value for weight in wide))
            yield self.finding(
                f"{row.layer.name} keeps {format_size(held, BYTES)} of weights in {names}",
                row.layer.source,
                layer=row.layer.name,
                help=f"float32 takes {format_size(half, BYTES)}",
            )


def _is_wide(weight: Weight) -> bool:
    return weight.dtype.bits >= 64 and weight.dtype.value.startswith(("float", "complex"))
