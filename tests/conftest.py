"""Options of the whole test suite, and how much of a corpus was compared."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from place import Place

#: What ``-m corpus`` compared with an outside truth: a word for the kind of thing, and how many of it.
COMPARED = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", metavar="DIR", type=Path, default=None, help="models with truth.json files")
    parser.addoption("--regen", action="store_true", help="rewrite generated files instead of comparing them")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COMPARED] = Counter()


@pytest.fixture
def corpus(request: pytest.FixtureRequest) -> Path:
    """The folder given with ``--corpus``; without one the test is skipped."""
    folder: Path | None = request.config.getoption("--corpus")
    if folder is None:
        pytest.skip("needs --corpus DIR")
    return folder


@pytest.fixture
def compared(request: pytest.FixtureRequest) -> Counter[str]:
    """Where a test adds what it compared, so that the run ends with a count of it."""
    return request.config.stash[COMPARED]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Place:
    """A folder with models, which is the current one."""
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return Place(tmp_path, capsys)


@pytest.fixture
def regen(request: pytest.FixtureRequest) -> bool:
    """True where generated files are to be written anew."""
    return bool(request.config.getoption("--regen"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    found = config.stash[COMPARED]
    if found:
        counts = ", ".join(f"{number:,} {what}" for what, number in sorted(found.items()))
        terminalreporter.write_line(f"corpus: compared {counts}")
