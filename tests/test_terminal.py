"""What a terminal gets and what a pipe gets: colour, width, characters, completion."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
from paramlint.invocation.options import colored
from place import DEEP, Place

ESCAPE = "\x1b["
LIMIT = ("--max", "1M")


@pytest.mark.parametrize(
    ("flag", "environment", "terminal", "expected"),
    [
        ("auto", {}, True, True),
        ("auto", {}, False, False),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),  # empty is as good as not set
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, False, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True),
        ("never", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_when_there_is_colour(flag: str, environment: dict[str, str], terminal: bool, expected: bool) -> None:
    assert colored(flag, terminal, environment) is expected


def on_a_terminal(place: Place, *arguments: str, **environment: str) -> str:
    """What a terminal of 80 columns gets."""
    leader, follower = pty.openpty()
    clean = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    command = [sys.executable, "-m", "paramlint", *arguments]
    process = subprocess.Popen(["stty", "columns", "80"], stdin=follower, stdout=follower, stderr=follower)
    process.wait()
    process = subprocess.Popen(
        command, cwd=place.folder, stdout=follower, env={**clean, "TERM": "xterm", **environment}
    )
    os.close(follower)
    written = b""
    try:
        while chunk := os.read(leader, 65536):
            written += chunk
    except OSError:  # how a terminal says that its last writer has gone
        pass
    process.wait()
    os.close(leader)
    return written.decode()


@pytest.mark.parametrize(
    "command", [("check", "wide.arch.yaml"), ("show", "wide.arch.yaml"), ("explain", "wide.arch.yaml")]
)
def test_a_terminal_gets_colours_and_a_pipe_gets_none(place: Place, command: tuple[str, ...]) -> None:
    assert ESCAPE in on_a_terminal(place, *command)
    assert ESCAPE not in on_a_terminal(place, *command, NO_COLOR="1")
    assert ESCAPE not in on_a_terminal(place, *command, "--color", "never", FORCE_COLOR="1")
    assert ESCAPE not in place.process(*command).out
    assert ESCAPE in place.process(*command, FORCE_COLOR="1").out
    assert ESCAPE in place.process(*command, "--color", "always", NO_COLOR="1").out


def test_json_has_no_colour_and_suits_its_reader(place: Place) -> None:
    piped = place.process("wide.arch.yaml", "-o", "json", FORCE_COLOR="1").out
    assert ESCAPE not in piped
    assert piped.count("\n") == 1
    shown = on_a_terminal(place, "wide.arch.yaml", "-o", "json", FORCE_COLOR="1")
    assert ESCAPE not in shown
    assert shown.count("\n") > 20
    assert json.loads(shown) == json.loads(piped)


def test_a_file_gets_no_colour(place: Place) -> None:
    place("wide.arch.yaml", "-o", "text:report.txt", "--color", "always")
    assert ESCAPE not in (place.folder / "report.txt").read_text()


@pytest.mark.parametrize("columns", [60, 80, 100, 132])
def test_the_layer_table_keeps_to_its_width(place: Place, columns: int) -> None:
    place.write("deep.arch.yaml", DEEP)
    done = place.process("show", "deep.arch.yaml", COLUMNS=str(columns), PYTHONIOENCODING="utf-8")
    lines = done.out.splitlines()
    assert len(lines) > 60
    assert all(len(line) <= columns for line in lines)
    assert all(line == line.rstrip() for line in lines)
    first, rest = 3 * 9 * 123 + 123, 123 * 9 * 123 + 123
    total = next(line for line in lines if line.startswith("total"))
    assert f"{first + 19 * rest + 20 * 2 * 123:,}" in total
    assert f"{64 * 64 * 9 * 123 * (3 + 19 * 123):,}" in total


def test_a_narrow_table_says_what_it_left_out(place: Place) -> None:
    place.write("deep.arch.yaml", DEEP)
    assert "wider terminal also shows shares" in place.process("show", "deep.arch.yaml", COLUMNS="80").out
    wide = place.process("show", "deep.arch.yaml").out
    assert "wider terminal" not in wide
    assert "activations" in wide
    assert wide == place.process("show", "deep.arch.yaml", COLUMNS="200").out


@pytest.mark.parametrize("command", [("show",), ("explain",), ("check", "-v", "--max", "1G")])
def test_a_terminal_without_unicode(place: Place, command: tuple[str, ...]) -> None:
    place.write("deep.arch.yaml", DEEP)
    done = place.process(*command, "deep.arch.yaml", PYTHONIOENCODING="ascii")
    assert done.code == 0, done.err
    assert done.out.isascii()
    assert "\\x" not in done.out
    assert "\\u" not in done.out


def test_a_shell_completes_options(place: Place) -> None:
    words = {"_PARAMLINT_COMPLETE": "bash_complete", "COMP_WORDS": "paramlint tiny.arch.yaml --ma", "COMP_CWORD": "2"}
    assert place.process(**words) == (0, "plain,--max\nplain,--max-layer\n", "")
    assert "_paramlint_completion" in place.process(_PARAMLINT_COMPLETE="bash_source").out
