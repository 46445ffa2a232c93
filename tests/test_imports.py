"""What a run imports: nobody pays for what he does not use."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from place import Place, graph

HEAVY = frozenset({"onnx", "numpy", "rich", "jsonschema", "attrs", "referencing", "concurrent", "multiprocessing"})
#: Nothing below this is needed to say what the program can do.
LIGHT = HEAVY | {"pkgutil", "google", "yaml", "tomllib", "asyncio", "difflib", "fractions", "dataclasses"}

LIST = """
import json, sys
from paramlint.cli import main
code = main(sys.argv[1:])
with open("modules.json", "w") as file:
    json.dump([code, sorted(sys.modules)], file)
"""


def modules(place: Place, *arguments: str, input: str = "") -> set[str]:
    """Every module that one run imports in its own process."""
    done = subprocess.run(
        [sys.executable, "-c", LIST, *arguments],
        cwd=place.folder,
        input=input,
        capture_output=True,
        text=True,
        check=True,
    )
    code, found = json.loads((place.folder / "modules.json").read_text())
    assert code in (0, 1), done.stderr
    return set(found)


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("check", "--help"), ("show", "--help"), ("schema",)]
)
def test_help_imports_nothing_that_works(place: Place, arguments: tuple[str, ...]) -> None:
    found = modules(place, *arguments)
    assert LIGHT & found == set()
    parts = {name.split(".")[1] for name in found if name.startswith("paramlint.")}
    assert parts <= {"cli", "commands", "display", "errors", "folders", "invocation", "ir", "spelling"}


def test_a_parameter_limit_on_a_graph(place: Place) -> None:
    found = modules(place, graph(place.folder / "g.onnx"), "--max", "1M")
    assert HEAVY & found == set()
    assert "yaml" not in found
    assert "google" in found


def test_a_parameter_limit_on_a_spec(place: Place) -> None:
    found = modules(place, "wide.arch.yaml", "--max", "1M")
    assert (HEAVY | {"google"}) & found == set()
    assert not any(name.startswith("paramlint.loaders.onnx.operators") for name in found)


def test_a_config_adds_its_reader_alone(place: Place) -> None:
    place.write("paramlint.toml", '[budget]\nparams = "1M"\n')
    plain = modules(place, "--isolated", "wide.arch.yaml", "--max", "1M")
    assert HEAVY & modules(place, "wide.arch.yaml") == set()
    assert "tomllib" not in plain


@pytest.mark.parametrize("format", ["text", "concise", "json"])
def test_reports_and_checks_of_every_metric_do_without_tables(place: Place, format: str) -> None:
    found = modules(place, "wide.arch.yaml", "-o", format)
    assert HEAVY & found == set()
    reporters = {name for name in found if name.startswith("paramlint.reporters.")}
    assert not {f"paramlint.reporters.{other}" for other in {"text", "concise", "json"} - {format}} & reporters


def test_shapes_of_a_graph_are_inferred_elsewhere(place: Place) -> None:
    """Only the worker process imports onnx."""
    found = modules(place, graph(place.folder / "g.onnx"), "--max", "macs=1M")
    assert HEAVY & found == set()


def test_a_table_needs_rich_and_no_more(place: Place) -> None:
    assert HEAVY & modules(place, "show", "wide.arch.yaml") == {"rich"}
    assert HEAVY & modules(place, "explain", "wide.arch.yaml") == set()


def test_only_the_package_that_is_asked_for(place: Place) -> None:
    """Plugins are named in the config; installed packages are not searched for any."""
    assert "importlib.metadata" not in modules(place, "wide.arch.yaml", "--max", "1M")


def test_every_module_can_be_imported_alone() -> None:
    root = Path(__file__).resolve().parents[1] / "linter"
    names = [".".join(path.relative_to(root).with_suffix("").parts) for path in sorted(root.glob("paramlint/*.py"))]
    for name in names:
        if not name.endswith("__main__"):
            subprocess.run([sys.executable, "-c", f"import {name.removesuffix('.__init__')}"], check=True)
