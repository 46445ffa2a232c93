"""The structure holds: imports run one way, heavy packages stay where they belong, every folder is packaged."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "linter" / "paramlint"

#: From the bottom up. A module may import from its own tier or below, never from above.
TIERS = (
    {
        "ir",
        "errors",
        "quantities",
        "expressions",
        "schemas",
        "spelling",
        "patterns",
        "toml_places",
        "display",
        "folders",
    },
    {"formulas"},
    {"measure", "budgets", "layer_budgets", "deploy", "memory", "targets"},
    {"config", "config_reader", "findings", "report"},
    {"loaders", "rules", "reporters"},
    {"engine"},
    {"invocation"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
#: Siblings that may not know each other although they stand on one tier.
STRANGERS = ({"loaders", "rules", "reporters"},)
#: Outside package -> where it may be imported.
OUTSIDE = {
    "onnx": ("loaders/onnx/",),
    "google": ("loaders/onnx/",),
    "numpy": (),
    "yaml": ("loaders/spec/", "config.py", "targets/"),
    "click": ("cli.py", "commands/", "invocation/", "reporters/"),
    "rich": ("reporters/",),
    "jsonschema": ("targets/",),
}

MODULES = sorted(path for path in PACKAGE.rglob("*.py"))


def tier(name: str) -> int:
    """The tier of ``paramlint.X``; a module that stands on none is a mistake in the table above."""
    for level, names in enumerate(TIERS):
        if name in names:
            return level
    raise AssertionError(f"paramlint.{name} stands on no tier: add it to TIERS in this test, as low as it can stand")


def imports(path: Path) -> set[str]:
    """Every absolute module name that a file imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            if node.module == "paramlint":
                found |= {f"paramlint.{alias.name}" for alias in node.names if not alias.name.startswith("__")}
    return found


def own(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    name = own(path)
    if name == "__init__":
        return
    for module in imports(path):
        if not module.startswith("paramlint."):
            continue
        other = module.split(".")[1]
        assert tier(other) <= tier(name), f"{path.name} ({name}) imports {other}, which stands above it"
        for group in STRANGERS:
            assert not (name in group and other in group and name != other), f"{name} imports its sibling {other}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_outside_packages_stay_in_their_room(path: Path) -> None:
    place = str(path.relative_to(PACKAGE))
    for module in imports(path):
        rooms = OUTSIDE.get(module.split(".")[0])
        assert rooms is None or place.startswith(rooms), f"{place} imports {module}; it belongs in {rooms}"


def test_packages_listed_are_the_folders() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    folders = {".".join(path.parent.relative_to(PACKAGE.parent).parts) for path in PACKAGE.rglob("__init__.py")} | {
        "paramlint.schemas"
    }
    assert set(listed) == folders, "pyproject.toml: [tool.setuptools] packages must list every package folder"
    strays = [path for path in PACKAGE.rglob("*.py") if not (path.parent / "__init__.py").exists()]
    assert not strays, f"folders without __init__.py are lost in a wheel: {strays}"


def test_the_project_speaks_of_no_machine() -> None:
    """Everything the project says must be true on any machine."""
    for path in [*MODULES, ROOT / "README.md"]:
        text = path.read_text()
        assert "/root/" not in text, path
        assert "/tmp/" not in text, path
