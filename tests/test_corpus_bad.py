"""Every hostile or broken file that an ``index.json`` below ``--corpus DIR`` lists: a clear line, in time, no crash."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.corpus

SECONDS = 5.0
MEMORY = 1 << 20  # KiB: 1 GiB

#: The exit codes that an expectation allows.
CODES = {"error": {3}, "report": {0, 1}, "error-or-report": {0, 1, 3}}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        corpus: Path | None = metafunc.config.getoption("--corpus")
        indexes = sorted(corpus.rglob("index.json")) if corpus else []
        found = [(index.parent, case) for index in indexes for case in json.loads(index.read_text())["files"]]
        metafunc.parametrize(("folder", "case"), found, ids=[case["file"] for _, case in found])


def run(path: Path, cwd: Path) -> tuple[int, str, str]:
    """Exit code, standard output and error of a whole process that keeps to its time and memory."""
    command = [
        sys.executable,
        "-m",
        "paramlint",
        str(path),
        "--isolated",
        "--output",
        "concise",
        "--output",
        "json:r.json",
    ]
    started = time.perf_counter()
    with open(cwd / "out", "w+") as out, open(cwd / "err", "w+") as err:
        process = subprocess.Popen(command, cwd=cwd, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        written = out.read(), err.read()
    assert time.perf_counter() - started < 2 * SECONDS  # the clock of a busy machine
    assert usage.ru_utime + usage.ru_stime < SECONDS
    assert usage.ru_maxrss < MEMORY
    return process.returncode, *written


def test_a_bad_file(folder: Path, case: dict[str, Any], tmp_path: Path, compared: Counter[str]) -> None:
    code, out, err = run(folder / case["file"], tmp_path)
    assert code in CODES[case["expect"]], (code, out, err)
    assert "Traceback" not in out + err
    assert err == ""
    if code == 3:
        assert case["file"] in out.splitlines()[0], out
        assert all("error[PL000]" in line for line in out.splitlines()), out
    report = json.loads((tmp_path / "r.json").read_text())
    assert {path.name for path in tmp_path.iterdir()} == {"out", "err", "r.json"}, "the file made something happen"
    for model in report["models"]:
        if "params" in case:
            assert model["totals"]["params"] == case["params"], model["unknown"]
    compared["bad files"] += 1
