"""Sizes: exact, counts and bytes apart, and a hint for everything that is refused."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramlint.quantities import (
    BYTES,
    COUNT,
    QuantityError,
    format_size,
    parse_bytes,
    parse_count,
    parse_percent,
    parse_share,
    parse_size,
    percent,
    short,
    show_share,
    spell,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1M", 1_000_000),
        ("1_000_000", 1_000_000),
        ("2.5k", 2_500),
        ("3G", 3_000_000_000),
        ("0", 0),
        ("1e6", 1_000_000),
        (" 12 ", 12),
        ("1.000001M", 1_000_001),
        (7, 7),
        (1e6, 1_000_000),
        (Fraction(10, 2), 5),
    ],
)
def test_counts(text: str | int | float | Fraction, value: int) -> None:
    assert parse_count(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("256KiB", 256 * 1024),
        ("256kB", 256_000),
        ("1MiB", 1024**2),
        ("1.5GB", 1_500_000_000),
        ("1.5KiB", 1536),
        ("4096", 4096),
        ("100B", 100),
        ("256 KiB", 256 * 1024),
        (262144, 262144),
    ],
)
def test_bytes(text: str | int, value: int) -> None:
    assert parse_bytes(text) == value


@pytest.mark.parametrize(
    ("text", "unit", "hint"),
    [
        ("1M", BYTES, "1MB (1,000,000 bytes) or 1MiB (1,048,576 bytes)"),
        ("10MiB", COUNT, "10M"),
        ("10 MiB", COUNT, "10M"),
        ("1kBB", BYTES, "1kB"),
        ("1kBB", COUNT, "1k"),
        ("1m", COUNT, "1M"),
        ("7B", COUNT, "7G"),
        ("7b", COUNT, "7G"),
        ("1K", COUNT, "1k"),
        ("1KB", BYTES, "1kB (1,000 bytes) or 1KiB (1,024 bytes)"),
        ("256kib", BYTES, "256KiB"),
        ("-1", COUNT, "1M"),
        ("-1KiB", BYTES, "256KiB"),
        ("nan", COUNT, "1M"),
        ("NaN", BYTES, "256KiB"),
        ("inf", COUNT, "1M"),
        ("0.5B", BYTES, "1"),
        ("1.5", BYTES, "1"),
        ("1.0001KiB", BYTES, "1024"),
        ("1.5", COUNT, "1"),
        ("1,000,000", COUNT, "1_000_000"),
        ("25%", COUNT, "1M"),
        ("", COUNT, "1M"),
        ("1__0", COUNT, "1M"),
        ("0x10", COUNT, "1M"),
        ("١", COUNT, "1M"),
        ("9" * 5000, COUNT, "1M"),
        (float("nan"), COUNT, "1M"),
        (float("inf"), BYTES, "256KiB"),
        (-3, COUNT, "1M"),
        (0.5, BYTES, "1"),
        (True, COUNT, "1M"),
    ],
)
def test_refused_with_a_hint(text: str | float, unit: str, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_size(text, unit)
    assert hint in (caught.value.hint or "")
    assert "\n" not in caught.value.message


@given(st.integers(0, 10**18), st.sampled_from([COUNT, BYTES]))
def test_spelling_reads_back(value: int, unit: str) -> None:
    assert parse_size(spell(value, unit), unit) == value


@given(st.integers(0, 10**15))
def test_exact_format_holds_every_digit(value: int) -> None:
    assert int(format_size(value, COUNT).replace(",", "")) == value
    assert int(format_size(value, BYTES).split(" B")[0].replace(",", "")) == value


@given(st.integers(0, 10**15), st.sampled_from([COUNT, BYTES]))
def test_short_is_near(value: int, unit: str) -> None:
    text = short(value, unit)
    number, _, name = text.partition(" ")
    base = 1024 if unit == BYTES else 1000
    scale = {"": 0, "B": 0, "k": 1, "KiB": 1, "M": 2, "MiB": 2, "G": 3, "GiB": 3, "T": 4, "TiB": 4}[name]
    shown = Fraction(number) * base**scale
    assert abs(shown - value) * 150 <= value


@given(st.fractions(0, 1, max_denominator=1000).filter(lambda share: 10**7 % share.denominator == 0))
def test_shares_read_back(share: Fraction) -> None:
    assert parse_share(show_share(share)) == share


@pytest.mark.parametrize(
    ("text", "hint"), [("0.9", "90%"), ("90", "90%"), ("90%%", "90%"), ("-5%", "90%"), ("x", "90%")]
)
def test_shares_refused(text: str, hint: str) -> None:
    with pytest.raises(QuantityError) as caught:
        parse_share(text)
    assert hint in (caught.value.hint or "")


def test_a_share_of_more_than_all() -> None:
    with pytest.raises(QuantityError):
        parse_share("101%")
    assert parse_percent("150%") == Fraction(3, 2)
    assert parse_share("33.3%") == Fraction(333, 1000)


def test_percent_for_the_eye() -> None:
    assert (percent(1, 3), percent(5, 0), percent(2, 1)) == ("33.3 %", "-", "200.0 %")
