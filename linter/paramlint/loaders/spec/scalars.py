"""Scalars as YAML 1.2 reads them, with exact decimals, and nothing that YAML 1.1 made of words.

``012``, ``0o17``, ``1:30``, ``on`` and ``yes`` stay text; ``check.meant`` says what was meant where text is refused.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache

_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*(?:_[0-9]+)*)")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:_[0-9]+)*(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_ZERO_FIRST = re.compile(r"[-+]?0[0-9]+")
MAX_DIGITS = 100  # longer than any number that means something; int() of more digits costs quadratic time


@lru_cache(maxsize=8192)
def plain(text: str) -> int | Fraction | bool | str | None:
    """The value of an unquoted scalar. A whole decimal is an int (``4.0``, ``1e3``)."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > MAX_DIGITS or text[0] not in "0123456789.+-":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _HEX.fullmatch(text):
        return int(text, 16)
    if _DECIMAL.fullmatch(text) and not _ZERO_FIRST.fullmatch(text):
        value = Fraction(text.replace("_", ""))
        return int(value) if value.denominator == 1 else value
    return text
