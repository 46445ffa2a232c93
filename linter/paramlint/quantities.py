"""Sizes as people write them: ``1M`` parameters, ``256KiB``, ``25%``. Counts and bytes are never mixed up.

Everything is exact: a size is an integer, a share a fraction. A text that could mean two things is refused with a
hint that says both.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TypeAlias

COUNT = "count"
BYTES = "bytes"

#: What a config file or a spec may hold where a size is wanted.
Raw: TypeAlias = "str | int | float | Fraction"

MAX_TEXT = 40  # characters of one size; longer is a mistake, and unbounded digits cost quadratic time

_COUNT_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_BYTE_UNITS = {
    "": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_UNITS = {COUNT: _COUNT_UNITS, BYTES: _BYTE_UNITS}
_SIZE = re.compile(r"(\d+(?:_\d+)*(?:\.\d+(?:_\d+)*)?(?:[eE][+-]?\d{1,2})?)\s?([A-Za-z]*)", re.ASCII)
_SHARE = re.compile(r"(\d+(?:\.\d+)?)\s?%", re.ASCII)


class QuantityError(ValueError):
    """A text that is no size: what is wrong with it in one line, and what was probably meant."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def parse_count(raw: Raw) -> int:
    """A number of things: ``1M`` = 1,000,000, ``2.5k``, ``3G``, ``1_000_000``."""
    return parse_size(raw, COUNT)


def parse_bytes(raw: Raw) -> int:
    """A number of bytes: ``256KiB``, ``256kB``, ``1.5GB``, a bare integer."""
    return parse_size(raw, BYTES)


def parse_size(raw: Raw, unit: str) -> int:
    """A size in ``unit`` (count or bytes); raises QuantityError with a hint."""
    if isinstance(raw, bool):
        raise QuantityError(f"{str(raw).lower()} is not a size", _example(unit))
    if isinstance(raw, str):
        return _from_text(raw.strip(), unit)
    if isinstance(raw, float) and (raw != raw or raw in (float("inf"), float("-inf"))):
        raise QuantityError(f"{raw} is not a size", _example(unit))
    return _whole(Fraction(raw), str(raw), unit)


def _from_text(text: str, unit: str) -> int:
    match = _SIZE.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is None:
        raise _malformed(text, unit)
    units = _UNITS[unit]
    if match[2] not in units:
        raise QuantityError(f"{text!r} is not a {_noun(unit)}", _unit_hint(match[1], match[2], unit))
    return _whole(Fraction(match[1].replace("_", "")) * units[match[2]], text, unit)


def _whole(value: Fraction, text: str, unit: str) -> int:
    if value < 0:
        raise QuantityError(f"a limit cannot be negative: {text}", _example(unit))
    if value.denominator != 1:
        what = "a byte" if unit == BYTES else "one"
        near = int(value) if value > 1 else 1
        raise QuantityError(f"{text} is {_decimal(value)}: a fraction of {what}", f"did you mean {near}?")
    return int(value)


def _malformed(text: str, unit: str) -> QuantityError:
    shown = text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 3] + "..."
    if text.startswith("-"):
        return QuantityError(f"a limit cannot be negative: {shown}", _example(unit))
    plain = text.replace(",", "_")
    if "," in text and _SIZE.fullmatch(plain):
        return QuantityError(f"{shown!r} is not a {_noun(unit)}", f"did you mean {plain}?")
    if text.endswith("%"):
        return QuantityError(f"{shown!r} is a share, not a {_noun(unit)}", _example(unit))
    return QuantityError(f"{shown!r} is not a {_noun(unit)}", _example(unit))


def _noun(unit: str) -> str:
    return "number of bytes" if unit == BYTES else "count"


def _example(unit: str) -> str:
    return "write 256KiB, 256kB or a bare number of bytes" if unit == BYTES else "write 1M, 2.5k or 1_000_000"


def _unit_hint(number: str, word: str, unit: str) -> str:
    """What ``number`` with the wrong unit ``word`` may have meant."""
    if unit == COUNT and word in ("B", "b", "bn"):
        return f"did you mean {number}G? (a billion is G; B would be bytes)"
    letter = word[0]
    scale = {"k": "k", "m": "M", "g": "G", "b": "", "t": "T"}.get(letter.lower())
    if scale is None:
        return _example(unit)
    if unit == COUNT:
        suffix = " (this metric is a count, not bytes)" if word[1:].lower() in ("b", "ib") else ""
        return f"did you mean {number}{scale}?{suffix}"
    if not scale:
        return f"did you mean {number}B?"
    binary = scale.replace("k", "K") + "iB"
    if word.lower().endswith("ib"):
        return f"did you mean {number}{binary}?"
    if word[:2] == f"{scale}B":
        return f"did you mean {number}{scale}B?"
    return f"did you mean {number}{scale}B ({spelled_out(scale + 'B')}) or {number}{binary} ({spelled_out(binary)})?"


def spelled_out(unit: str) -> str:
    """What one byte unit is worth, in words: ``1,024 bytes``."""
    return f"{_BYTE_UNITS[unit]:,} bytes"


def parse_share(raw: Raw) -> Fraction:
    """A share between 0 and 100 per cent, exact: ``12.5%`` is 1/8."""
    share = parse_percent(raw)
    if share > 1:
        raise QuantityError(f"{raw} is more than the whole", "write a share up to 100%")
    return share


def parse_percent(raw: Raw) -> Fraction:
    """A percentage as an exact fraction, above 100 too (growth)."""
    text = raw.strip() if isinstance(raw, str) else str(raw)
    match = _SHARE.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match:
        return Fraction(match[1]) / 100
    number = re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII) if len(text) <= MAX_TEXT else None
    if number is None:
        raise QuantityError(f"{text[:MAX_TEXT]!r} is not a share", "write 90%")
    value = Fraction(text)
    meant = value * 100 if value <= 1 else value
    raise QuantityError(f"{text!r} has no unit", f"did you mean {_decimal(meant)}%?")


def is_share(raw: object) -> bool:
    """True for a text that ends in a per cent sign: where a size or a share may stand."""
    return isinstance(raw, str) and raw.rstrip().endswith("%")


def grouped(value: int) -> str:
    """The exact number with thousands apart: ``143,667,240``."""
    return f"{value:,}"


def format_size(value: int, unit: str) -> str:
    """The exact number with its unit: ``143,667,240`` or ``262,144 B (256 KiB)``."""
    if unit != BYTES:
        return grouped(value)
    return f"{grouped(value)} B ({short(value, BYTES)})" if value >= 1024 else f"{grouped(value)} B"


def short(value: int, unit: str) -> str:
    """Three digits and a unit, for tables: ``143 M``, ``1.18 MiB``; rounded to the nearest."""
    base = 1024 if unit == BYTES else 1000
    names = ("B", "KiB", "MiB", "GiB", "TiB") if unit == BYTES else ("", "k", "M", "G", "T")
    scale = 0
    while value >= base ** (scale + 1) and scale < len(names) - 1:
        scale += 1
    if scale == 0:
        return f"{value} {names[0]}".rstrip()
    text, scale = _three_digits(value, base, scale, len(names))
    return f"{text} {names[scale]}"


def _three_digits(value: int, base: int, scale: int, count: int) -> tuple[str, int]:
    size = Fraction(value, base**scale)
    digits = 2 if size < 10 else 1 if size < 100 else 0
    rounded = round(size, digits)
    if rounded >= base and scale < count - 1:  # 999,999 is 1 M, not 1000 k
        return "1", scale + 1
    text = f"{float(rounded):.{digits}f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text), scale


def spell(value: int, unit: str) -> str:
    """The shortest text that ``parse_size`` reads back as exactly ``value``: ``1M``, ``256KiB``, ``1.5kB``."""
    plain = grouped(value).replace(",", "_")
    texts = [
        _decimal(Fraction(value, size)) + name
        for name, size in _UNITS[unit].items()
        if name != "B" and value >= size and _ends(Fraction(value, size))
    ]
    return min([plain, *texts], key=len)


def percent(part: int, whole: int) -> str:
    """``part`` of ``whole`` in per cent with one digit; rounded, for the eye only."""
    return f"{float(round(Fraction(100 * part, whole), 1)):.1f} %" if whole else "-"


def show_share(share: Fraction) -> str:
    """A share as it was written: ``12.5%``."""
    return f"{_decimal(share * 100)}%"


def _ends(value: Fraction) -> bool:
    """True when at most three decimals write ``value`` exactly."""
    return 1000 % value.denominator == 0


def _decimal(value: Fraction) -> str:
    """A fraction as decimal text, exact where it ends within nine digits."""
    text = f"{value.numerator * 10**9 // value.denominator:010d}"
    return f"{text[:-9]}.{text[-9:]}".rstrip("0").rstrip(".")
