"""What a run writes: quiet and loud, folded findings, several reports, closed pipes, many processes, configs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from paramlint import config
from place import DEEP, TINY, Place, graph

LIMIT = ("--max", "1M")


def test_quiet_and_loud(place: Place) -> None:
    assert place("tiny.arch.yaml", *LIMIT, "-q").out == ""
    quiet = place("wide.arch.yaml", *LIMIT, "-q").out
    assert "error[PL101]" in quiet
    assert "3,600 of" not in quiet
    assert "weights" not in place("tiny.arch.yaml", *LIMIT).out
    assert "weights" in place("tiny.arch.yaml", *LIMIT, "-v").out


def test_one_line_of_a_spec_is_complained_about_once(place: Place) -> None:
    place.write("deep.arch.yaml", DEEP)
    words = ("deep.arch.yaml", "--max", "macs=1T", "--select", "PL402")
    assert place(*words, "-v").out.count("note[PL402]") == 20
    assert place(*words, "-v", "-o", "concise").out.count("note[PL402]") == 20
    for format in ("text", "concise"):
        folded = place(*words, "-o", format).out
        assert folded.count("note[PL402]") == 1
        assert "deep.arch.yaml:6:16" in folded
        assert "(and 19 more layers of this line)" in folded
        assert "PL402" not in place(*words, "-o", format, "-q").out


def test_many_notes_of_one_rule_are_counted(place: Place) -> None:
    pair = "  - {type: Conv2d, out_channels: 8, kernel_size: 1}\n  - BatchNorm2d\n"
    place.write("long.arch.yaml", "framework: pytorch\ninput: [3, 9, 9]\nlayers:\n" + 9 * pair)
    words = ("long.arch.yaml", "--max", "macs=1T", "--select", "PL402")
    assert place(*words, "-v").out.count("note[PL402] the bias") == 9
    folded = place(*words).out
    assert folded.count("note[PL402] the bias") == 3
    assert "note[PL402] 6 more notes of this rule (-v shows them)" in folded
    assert "0 errors, 0 warnings, 9 notes" in folded


def test_several_reports_of_one_run(place: Place) -> None:
    done = place("wide.arch.yaml", *LIMIT, "-o", "concise", "-o", "json:r.json", "--output", "text:r.txt")
    assert done.code == 1
    assert done.out.startswith("wide.arch.yaml:3:1: error[PL101]")
    assert json.loads((place.folder / "r.json").read_text())["summary"]["errors"] == 1
    assert "error[PL101]" in (place.folder / "r.txt").read_text()


@pytest.mark.parametrize("format", ["text", "concise", "json"])
def test_processes_change_no_byte(place: Place, format: str) -> None:
    graph(place.folder / "one.onnx")
    graph(place.folder / "two.onnx", "Frob", "com.acme")
    for index in range(9):
        place.write(f"many/m{index}.arch.yaml", TINY.replace("4", str(4 + index)))
    words = (".", "missing.onnx", "--max", "60", "-o", format)
    assert place(*words) == place(*words, "--jobs", "3")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("wide.arch.yaml", *LIMIT), 1),
        (("tiny.arch.yaml", *LIMIT), 0),
        (("broken.arch.yaml", *LIMIT), 3),
        (("show", "tiny.arch.yaml"), 0),
        (("explain", "tiny.arch.yaml"), 0),
        (("rules",), 0),
        (("schema", "architecture"), 0),
        (("--help",), 0),
    ],
)
def test_a_closed_pipe_ends_silently_and_keeps_the_verdict(place: Place, arguments: tuple[str, ...], code: int) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        done = subprocess.run(
            [sys.executable, "-m", "paramlint", *arguments],
            cwd=place.folder,
            stdout=gone,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (code, b"")


def test_a_report_file_is_written_though_the_pipe_is_closed(place: Place) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as gone:
        command = [sys.executable, "-m", "paramlint", "wide.arch.yaml", *LIMIT, "-o", "text", "-o", "json:r.json"]
        assert subprocess.run(command, cwd=place.folder, stdout=gone, check=False).returncode == 1
    assert json.loads((place.folder / "r.json").read_text())["summary"]["exit_code"] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("command", [("check", *LIMIT), ("show",)])
def test_a_full_disk_is_no_success(place: Place, command: tuple[str, ...]) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "paramlint", *command, "tiny.arch.yaml"],
            cwd=place.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 2
    assert b"no space left" in done.stderr


def test_names_cannot_forge_output(place: Place) -> None:
    place.write("\x1b[31mevil\n.arch.yaml", TINY.replace("head", '"\\e[2Jhead"'))
    for words in (("check", ".", "--max", "3"), ("show", "\x1b[31mevil\n.arch.yaml")):
        assert "\x1b" not in place(*words).out


FULL = """
warn-at = "90%"
ignore = ["PL4"]
fail-level = "warning"
dims.seq = 128
severity.PL402 = "warning"
budget.params = { max = "1M", warn = "80%", max-increase = "2%,+10k" }
budget.ram = "64KiB"
budget.macs.max-increase = "+1k"
layer-budget = [{ match = "encoder/*", params = "25%" }]
override = [{ paths = ["big/**"], budget.params = "25M" }]
suppress = [{ rule = "PL401", path = "kws.onnx", layer = "head/*", reason = "until the next run" }]
rule.PL405.multiple = 16
targets.myboard = { base = "stm32f746", ram-bytes = "192KiB", reserve = { ram = "32KiB" } }
"""


def test_config_show_is_a_config_that_means_the_same(place: Place) -> None:
    place.write("paramlint.toml", FULL)
    shown = place("config", "show").out
    assert "paramlint.toml" in shown.splitlines()[0]
    tomllib.loads(shown)
    place.write("again.toml", shown)
    first, second = (config.read(str(place.folder / name)) for name in ("paramlint.toml", "again.toml"))

    def bare(held: config.Config) -> object:
        """A config without the places of its entries."""
        limits = [[(limit.metric, limit.max, limit.warn, limit.growth) for limit in held.budget]]
        limits += [[(o.paths, limit.metric, limit.max) for limit in o.limits] for o in held.override]  # type: ignore[misc]  # lists of tuples of either kind
        layers = [(layer.metric, layer.max, layer.share, layer.match) for layer in held.layer_budget]
        silences = [(entry.rule, entry.path, entry.layer, entry.reason) for entry in held.suppress]
        plain = held._replace(path="", budget=(), override=(), layer_budget=(), suppress=(), sources={})
        return plain, limits, layers, silences

    assert bare(first) == bare(second)
    assert place("config", "check").out.endswith("paramlint.toml: ok\n")


def test_config_without_a_file(place: Place) -> None:
    shown = place("config").out
    assert shown.startswith("# no config file")
    assert tomllib.loads(shown)["include"] == ["*.onnx", "*.arch.yaml", "*.arch.yml"]
    assert place("config", "check").out == "no config file\n"
