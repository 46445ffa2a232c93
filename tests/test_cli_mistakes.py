"""Exit code 2: each mistake in the call or the config is one line, with what was probably meant."""

from __future__ import annotations

import pytest
from place import Place

TINY = "tiny.arch.yaml"

WORDS = [
    (("--mx", "1M"), "unknown option --mx", "'--max'"),
    (("--targt", "nano33ble"), "unknown option --targt", "'--target'"),
    (("--max", "parms=1M"), "unknown metric 'parms'", "'params'"),
    (("--max", "RAM=1KiB"), "unknown metric 'RAM'", "'ram'"),
    (("--max-layer", "file=1kB"), "file has no value per layer", "params"),
    (("--output", "jsn"), "unknown format 'jsn'", "'json'"),
    (("--select", "PL11O"), "unknown rule 'PL11O'", "'PL110'"),
    (("--ignore", "params-bugdet"), "unknown rule 'params-bugdet'", "'params-budget'"),
    (("--severity", "PL402=warn"), "unknown level 'warn'", "'warning'"),
    (("--severity", "PL4O2=note"), "unknown rule 'PL4O2'", "'PL402'"),
    (("--severity", "PL402"), "is not NAME=VALUE", "PL402=warning"),
    (("--fail-level", "eror"), "unknown value 'eror'", "'error'"),
    (("--target", "nano33bl"), "unknown target 'nano33bl'", "nano"),
    (("--as", "int9"), "unknown value 'int9'", "'int8'"),
    (("--color", "alwys"), "unknown value 'alwys'", "'always'"),
    (("--warn-at", "0.9"), "--warn-at", "%"),
    (("--warn-at", "190%"), "--warn-at", "100%"),
    (("--dim", "seq"), "is not NAME=VALUE", "seq=128"),
    (("--dim", "seq=0"), "not a positive integer", ""),
    (("--dim", "seq=1.5"), "not a positive integer", ""),
    (("--input-shape", "x=1,a"), "not a positive integer", ""),
    (("--set", "width"), "is not NAME=VALUE", "width=32"),
    (("--jobs", "0"), "not in the range", "paramlint check --help"),
    (("--max",), "requires an argument", "paramlint check --help"),
    (("-o", "json", "-o", "text"), "two reports cannot share standard output", "json:report.json"),
    (("-o", "json:a", "-o", "text:a"), "two reports cannot share one file", ""),
    (("-o", "json:no/such/folder/r.json"), "cannot be written", ""),
    (("--config", "none.toml"), "none.toml", ""),
]

SIZES = [
    ("1m", "1M"),
    ("1K", "1k"),
    ("10MiB", "10M"),
    ("1kBB", "1k"),
    ("7B", "7G"),
    ("1,000,000", "1_000_000"),
    ("1M5", "1M"),
    ("-5", "1M"),
    ("NaN", "1M"),
    ("inf", "1M"),
    ("", "1M"),
    ("0.5", "1"),
    ("1.0005k", "1000"),
    ("25%", "1M"),
    ("0x10", "1M"),
    ("ram=1M", "1MiB"),
    ("ram=1m", "1MiB"),
    ("ram=64K", "64KiB"),
    ("ram=64kib", "64KiB"),
    ("ram=1.5", "1"),
    ("ram=1kBB", "1kB"),
    ("weights=-1KiB", "256KiB"),
    ("flash=NaNB", "256KiB"),
    ("params=", "params=1M"),
]

COMMANDS = [
    (("chek", TINY), "unknown command 'chek'", "'check'"),
    (("shw", TINY), "unknown command 'shw'", "'show'"),
    (("help",), "unknown command 'help'", "'--help'"),
    (("rules", "PL11O"), "unknown rule 'PL11O'", "'PL110'"),
    (("rules", "parms-budget"), "unknown rule 'parms-budget'", "'params-budget'"),
    (("schema", "repot"), "unknown schema 'repot'", "'report'"),
    (("config", "shw"), "unknown action 'shw'", "'show'"),
    (("explain", TINY, "haed"), "no layer is called 'haed'", "'head'"),
    (("show",), "Missing argument 'MODEL'", "paramlint show --help"),
    (("show", TINY, "--max", "1M"), "unknown option --max", "paramlint check"),
]


def refuse(place: Place, arguments: tuple[str, ...], message: str, hint: str) -> None:
    done = place(*arguments)
    assert (done.code, done.out) == (2, "")
    first, *rest = done.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert len(rest) <= 1
    if hint:
        assert rest[0].startswith("  hint: ")
        assert hint in rest[0]


@pytest.mark.parametrize(("arguments", "message", "hint"), WORDS, ids=[" ".join(words) for words, _, _ in WORDS])
def test_a_wrong_word(place: Place, arguments: tuple[str, ...], message: str, hint: str) -> None:
    refuse(place, (TINY, *arguments), message, hint)


@pytest.mark.parametrize(("size", "hint"), SIZES)
def test_a_wrong_size(place: Place, size: str, hint: str) -> None:
    refuse(place, (TINY, f"--max={size}"), "--max", hint)


@pytest.mark.parametrize(("arguments", "message", "hint"), COMMANDS, ids=[" ".join(words) for words, _, _ in COMMANDS])
def test_a_wrong_command(place: Place, arguments: tuple[str, ...], message: str, hint: str) -> None:
    refuse(place, arguments, message, hint)


@pytest.mark.parametrize(
    ("text", "where", "message", "hint"),
    [
        ("[budget]\nparms = '1M'\n", "paramlint.toml:2:1", "'parms'", "'params'"),
        ("[budget]\nparams = '1m'\n", "paramlint.toml:2:10", "'1m'", "1M"),
        ("selct = ['PL']\n", "paramlint.toml:1:1", "'selct'", "'select'"),
        ("select = ['PL11O']\n", "paramlint.toml:1:11", "'PL11O'", "'PL110'"),
        ("target = ['nano33bl']\n", "paramlint.toml:1:10", "'nano33bl'", "nano"),
        ("[rule.PL405]\nmultipel = 8\n", "paramlint.toml:2:1", "'multipel'", "'multiple'"),
        ("plugins = ['no_such_rules']\n", "", "'no_such_rules'", "installed"),
        ("[budget\n", "paramlint.toml:", "", ""),
    ],
)
def test_a_wrong_config(place: Place, text: str, where: str, message: str, hint: str) -> None:
    place.write("paramlint.toml", text)
    for command in (("check", TINY), ("show", TINY), ("config", "check")):
        done = place(*command)
        assert (done.code, done.out) == (2, ""), command
        assert where in done.err
        assert message in done.err
        assert hint in done.err


def test_a_wrong_word_of_a_spec_stands_in_the_spec(place: Place) -> None:
    """A mistake inside an input is exit 3 of that input, at its place."""
    place.write("budget.arch.yaml", "framework: pytorch\ninput: [8]\nlayers: [ReLU]\nbudget: {params: 1m}\n")
    done = place("budget.arch.yaml", "-o", "concise")
    assert done.code == 3
    assert done.out.startswith("budget.arch.yaml:4:18: error[PL000]")
    assert place("tiny.arch.yaml", "--max", "1M", "--set", "width=3").code == 3
    assert place("tiny.arch.yaml", "--max", "1M", "--input-shape", "y=3").code == 3
