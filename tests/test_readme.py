"""The README: every command in it is run, every output compared, every example read, its tables made from the code.

Commands that build an environment (the blocks after ``<!-- run: ... -->``) are run by ``.ci/run``, on a clean clone.
``--regen`` writes outputs and tables anew.
"""

from __future__ import annotations

import importlib.resources
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from paramlint import __version__, config, rules, targets
from paramlint.cli import main
from paramlint.engine import load
from paramlint.loaders import Request

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, its text and where it begins in the file."""

    language: str
    text: str
    start: int


def blocks(language: str) -> list[Block]:
    text = README.read_text()
    return [Block(match[1], match[2], match.start(2)) for match in BLOCK.finditer(text) if match[1] == language]


class Call(NamedTuple):
    """A command with the output that the README shows for it."""

    command: str
    output: str


def calls(block: Block) -> Iterator[Call]:
    for part in re.split(r"^(?=\$ )", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield Call(command.removeprefix("$ "), output)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What a reader has: the examples, and a model that the onnx package brings along."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    light = importlib.resources.files("onnx") / "backend" / "test" / "data" / "light" / "light_vgg19.onnx"
    (tmp_path / "vgg19.onnx").write_bytes(light.read_bytes())
    return tmp_path


def run(command: str, folder: Path) -> str:
    """What a terminal of 100 columns would show, without colours, the exit code last where it is not 0."""
    words = shlex.split(command, comments=True)
    assert words[0] == "paramlint", f"{command}: only paramlint's own commands are shown with their output"
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**environment, "COLUMNS": "100", "PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return done.stdout


def test_outputs_are_those_of_a_run(home: Path, regen: bool) -> None:
    wrong = []
    for block in blocks("console"):
        made = "".join(f"$ {call.command}\n{run(call.command, home)}" for call in calls(block))
        if made.rstrip() != block.text.rstrip():
            wrong.append((block.text, made.rstrip() + "\n"))
    if regen:
        text = README.read_text()
        for old, new in wrong:
            text = text.replace(old, new)
        README.write_text(text)
    else:
        assert not wrong, "run pytest --regen tests/test_readme.py and read the difference"


def test_every_command_is_one_that_exists() -> None:
    """Also those that stand in a line of text."""
    text = README.read_text()
    for words in re.findall(r"`paramlint ([^`]*)`", text):
        first = words.split()[0]
        known = {path.stem for path in (ROOT / "linter" / "paramlint" / "commands").glob("*.py")}
        assert first in known or first.startswith(("-", "<")) or "." in first, words
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", BLOCK.sub("", text))):
        assert option in {*options(), "--corpus", "--regen"}, option


def options() -> set[str]:
    from paramlint.commands import check, show, targets

    return {name for module in (check, show, targets) for param in module.command.params for name in param.opts} | {
        "--help",
        "--version",
    }


def test_specs_are_read() -> None:
    found = 0
    for block in blocks("yaml"):
        if "framework:" in block.text:
            load("readme.arch.yaml", Request(), block.text.encode())
            found += 1
    assert found


def test_configs_are_read(tmp_path: Path) -> None:
    for index, block in enumerate(blocks("toml")):
        folder = tmp_path / str(index)
        folder.mkdir()
        (folder / "pyproject.toml").write_text(block.text)
        assert main(["config", "check", str(folder)]) == 0
        assert config.nearest(str(folder)).path is not None


def test_the_hooks_shown_are_those_shipped() -> None:
    shipped = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    shown = [yaml.safe_load(block.text) for block in blocks("yaml") if block.text.startswith("repos:")]
    assert {hook["id"] for file in shown for repo in file["repos"] for hook in repo["hooks"]} == shipped
    assert {repo["rev"] for file in shown for repo in file["repos"]} == {f"v{__version__}"}


def rule_table() -> str:
    rows = [f"| {cls.code} | {cls.name} | {cls.level.word} | {cls.summary} |" for cls in rules.load().values()]
    return "\n".join(["| Rule | Name | Level | What it says |", "|---|---|---|---|", *rows])


def target_list() -> str:
    by_vendor: dict[str, list[str]] = {}
    for target in targets.every():
        by_vendor.setdefault(target.vendor, []).append(f"`{target.id}`")
    return "\n".join(f"- {vendor}: {', '.join(sorted(names))}" for vendor, names in sorted(by_vendor.items()))


@pytest.mark.parametrize(("name", "made"), [("rules", rule_table), ("targets", target_list)])
def test_tables_are_made_from_the_code(name: str, made: object, regen: bool) -> None:
    assert callable(made)
    begin, end = f"<!-- {name}: begin -->\n", f"\n<!-- {name}: end -->"
    text = README.read_text()
    before, _, rest = text.partition(begin)
    held, _, after = rest.partition(end)
    assert after, f"README.md has no table between {begin.strip()} and {end.strip()}"
    if regen:
        README.write_text(f"{before}{begin}{made()}{end}{after}")
    else:
        assert held == made(), "run pytest --regen tests/test_readme.py"


def test_the_blocks_that_ci_runs_are_there() -> None:
    text = README.read_text()
    for name in ("install", "test"):
        assert re.search(rf"^<!-- run: {name} -->\n```sh\n[^`]+^```$", text, re.MULTILINE), name


def test_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", README.read_text()):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_the_changelog_begins_with_this_version() -> None:
    first = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert first is not None
    assert first[1] == __version__
