"""Options of the whole test suite."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--corpus", metavar="DIR", type=Path, default=None, help="models with truth.json files")
    parser.addoption("--regen", action="store_true", help="rewrite generated files instead of comparing them")


@pytest.fixture
def corpus(request: pytest.FixtureRequest) -> Path:
    """The folder given with ``--corpus``; without one the test is skipped."""
    folder: Path | None = request.config.getoption("--corpus")
    if folder is None:
        pytest.skip("needs --corpus DIR")
    return folder


@pytest.fixture
def regen(request: pytest.FixtureRequest) -> bool:
    """True where generated files are to be written anew."""
    return bool(request.config.getoption("--regen"))
