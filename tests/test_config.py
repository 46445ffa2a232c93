"""Config files: which one holds, what every key means, and where a mistake stands."""

from __future__ import annotations

import json
import tomllib
from fractions import Fraction
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paramlint import config
from paramlint.budgets import METRICS, PER_LAYER
from paramlint.config_reader import KEYS, version_fits
from paramlint.errors import UsageError
from paramlint.findings import Level
from paramlint.patterns import matches, matches_file
from paramlint.toml_places import places

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "schemas" / "config.schema.json").read_text())

FULL = """\
target = ["nano33ble"]
include = ["models/**/*.onnx", "*.arch.yaml"]
exclude = ["models/old/**"]
select = ["PL"]
ignore = ["PL4"]
fail-level = "warning"
warn-at = "90%"
required-version = ">=0.1,<99"
plugins = ["acme_rules"]
budget.params = "1M"
budget.ram.bound = "64KiB"
[dims]
seq = 128
[severity]
PL402 = "warning"
[[layer-budget]]
match = "encoder/*"
params = "25%"
[[override]]
paths = ["models/teacher/**"]
budget.params = { max = "25M", warn = "80%", max-increase = "2%" }
[[suppress]]
rule = "PL401"
path = "models/kws.onnx"
layer = "head/*"
reason = "kept until the next training run"
[rule.PL405]
multiple = 16
[targets.myboard]
base = "stm32f746"
ram-bytes = "192KiB"
reserve = { ram = "32KiB", flash = "200KiB" }
"""


@pytest.fixture(autouse=True)
def fresh() -> None:
    config.nearest.cache_clear()


def read(folder: Path, text: str, name: str = "paramlint.toml") -> config.Config:
    path = folder / name
    path.write_text(text)
    return config.read(str(path))


def test_every_key(tmp_path: Path) -> None:
    held = read(tmp_path, FULL)
    assert held.target == ("nano33ble",)
    assert (held.select, held.ignore, held.plugins) == (("PL",), ("PL4",), ("acme_rules",))
    assert (held.fail_level, held.warn_at) == (Level.WARNING, Fraction(9, 10))
    assert (held.dims, held.severity, held.rule) == (
        {"seq": 128},
        {"PL402": Level.WARNING},
        {"PL405": {"multiple": 16}},
    )
    assert [(limit.metric, limit.max) for limit in held.budget] == [("params", 1_000_000), ("ram.bound", 65_536)]
    assert [(limit.match, limit.share) for limit in held.layer_budget] == [("encoder/*", Fraction(1, 4))]
    assert held.suppress[0].reason == "kept until the next training run"
    assert held.targets["myboard"]["reserve"] == {"ram": "32KiB", "flash": "200KiB"}


def test_the_schema_says_the_same_keys() -> None:
    assert set(SCHEMA["properties"]) == set(KEYS)
    assert set(SCHEMA["$defs"]["budget"]["properties"]) == set(METRICS)
    assert set(SCHEMA["properties"]["layer-budget"]["items"]["properties"]) == {"match", *PER_LAYER}
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_accepts_the_full_one() -> None:
    jsonschema.Draft202012Validator(SCHEMA).validate(tomllib.loads(FULL))


def test_pyproject_means_the_same(tmp_path: Path) -> None:
    text = 'name = "x"\n[tool.paramlint]\nwarn-at = "50%"\n[tool.paramlint.budget]\nparams = "2.5k"\n'
    held = read(tmp_path, "[project]\n" + text, "pyproject.toml")
    assert (held.warn_at, held.budget[0].max) == (Fraction(1, 2), 2_500)
    source = held.budget[0].source
    assert (source.kind, source.line, source.column, source.text) == ("config", 6, 1, 'params = "2.5k"')


WRONG = [
    ("budget.parms = '1M'\n", (1, 1), "params"),
    ("[budget]\n\nparams = '1m'\n", (3, 10), "1M"),
    ("[budget]\nram = '1M'\n", (2, 7), "1MiB"),
    ("budget.params = {max = '1M', wran = '9%'}\n", (1, 1), "warn"),
    ("selct = ['PL']\n", (1, 1), "select"),
    ("# one\nselect = 3\n", (2, 1), ""),
    ("fail-level = 'eror'\n", (1, 14), "error"),
    ("warn-at = 0.9\n", (1, 11), "90%"),
    ("warn-at = '190%'\n", (1, 11), "100%"),
    ("dims = {seq = 0}\n", (1, 15), ""),
    ("[severity]\nPL402 = 'warn'\n", (2, 9), "warning"),
    ("required-version = '>=99'\n", (1, 20), ""),
    ("required-version = 'new'\n", (1, 20), ">=1.0"),
    ("plugins = ['os.path', 'a b']\n", (1, 23), ""),
    ("[[layer-budget]]\nmatch = 'x'\nfile = '1kB'\n", (3, 8), "params"),
    ("[[override]]\nbudget.params = 1\n", (1, 3), ""),
    ("[[override]]\npaths = ['a']\npath = 'b'\n", (3, 1), "paths"),
    ("[[suppress]]\nrule = 'PL401'\n", (1, 3), ""),
    ("[[suppress]]\nrule = 'PL401'\nreason = ' '\n", (1, 3), ""),
    ("[rule.PL405]\nmultiple = 'x'\n", (2, 12), ""),
    ("suppress = {rule = 'PL401'}\n", (1, 1), "[["),
    ("targets = 3\n", (1, 1), ""),
]


@pytest.mark.parametrize(("text", "place", "hint"), WRONG, ids=[text.strip() for text, _, _ in WRONG])
def test_a_mistake_has_a_place_and_a_hint(tmp_path: Path, text: str, place: tuple[int, int], hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    source = caught.value.source
    assert source is not None
    assert (source.line, source.column) == place
    assert str(source.path).endswith("paramlint.toml")
    assert hint in (caught.value.hint or "")


REFUSED_BY_SCHEMA = [
    text
    for text, _, _ in WRONG
    if "required-version = '>=99'" not in text and "plugins" not in text and "190" not in text and "' '" not in text
]


@pytest.mark.parametrize("text", REFUSED_BY_SCHEMA)
def test_the_schema_refuses_what_the_reader_refuses(text: str) -> None:
    assert not jsonschema.Draft202012Validator(SCHEMA).is_valid(tomllib.loads(text))


def test_broken_toml_says_where(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, "a = 1\nb = = 2\n")
    assert caught.value.source is not None
    assert (caught.value.source.line, caught.value.source.column) == (2, 5)


def test_not_text(tmp_path: Path) -> None:
    (tmp_path / "paramlint.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        config.read(str(tmp_path / "paramlint.toml"))
    with pytest.raises(UsageError, match="no such file"):
        config.read(str(tmp_path / "absent.toml"))


def test_the_nearest_holds_and_never_one_above_the_repository(tmp_path: Path) -> None:
    inner = tmp_path / "repository" / "models" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "paramlint.toml").write_text("ignore = ['PL1']")
    assert config.nearest(str(inner)).ignore == ("PL1",)
    config.nearest.cache_clear()
    (tmp_path / "repository" / ".git").mkdir()
    assert config.nearest(str(inner)).path is None
    config.nearest.cache_clear()
    (tmp_path / "repository" / "pyproject.toml").write_text("[tool.paramlint]\nignore = ['PL2']")
    assert config.nearest(str(inner)).ignore == ("PL2",)
    config.nearest.cache_clear()
    (tmp_path / "repository" / "models" / "pyproject.toml").write_text("[tool.other]\nx = 'paramlint'\n")
    assert config.nearest(str(inner)).ignore == ("PL2",)
    config.nearest.cache_clear()
    (tmp_path / "repository" / "models" / "pyproject.toml").write_text("[tool.paramlint]\nignore = ['PL3']")
    (tmp_path / "repository" / "models" / "paramlint.toml").write_text("ignore = ['PL4']")
    assert config.nearest(str(inner)).ignore == ("PL4",)


def test_the_last_override_of_a_metric_wins(tmp_path: Path) -> None:
    held = read(
        tmp_path,
        "budget = {params = 1, macs = 9}\n"
        "[[override]]\npaths = ['big/**']\nbudget.params = 2\n"
        "[[override]]\npaths = ['big/teacher.onnx']\nbudget.params = 3\n"
        "[[override]]\npaths = ['*.onnx']\nbudget.layers = 4\n",
    )

    def limits(path: str) -> dict[str, int | None]:
        return {limit.metric: limit.max for limit in held.limits_for(str(tmp_path / path))}

    assert limits("a.arch.yaml") == {"params": 1, "macs": 9}
    assert limits("big/x/a.arch.yaml") == {"params": 2, "macs": 9}
    assert limits("big/teacher.onnx") == {"params": 3, "macs": 9, "layers": 4}


@pytest.mark.parametrize(
    ("requirement", "fits"),
    [
        (">=1.0", True),
        ("1", True),
        (">=1.0.1", False),
        ("<1", False),
        (">=1,<2", True),
        ("==1.0.0", True),
        ("!=1.0", False),
    ],
)
def test_versions(requirement: str, fits: bool) -> None:
    assert version_fits(requirement, "1.0.0") is fits


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("*.onnx", "a/b.onnx", True),
        ("/a.onnx", "b/a.onnx", False),
        ("models/**/*.onnx", "models/a.onnx", True),
        ("models/**/*.onnx", "models/x/y/a.onnx", True),
        ("models/*.onnx", "models/x/a.onnx", False),
        ("models/*.onnx", "other/models/a.onnx", False),
        ("models/old/**", "models/old/a/b.onnx", True),
        ("models/old", "models/old/a/b.onnx", True),
        ("old/", "models/old/a.onnx", True),
        ("old/", "models/old", False),
        ("**/x", "x", True),
        ("a/**/b", "a/b", True),
        ("a?.onnx", "a/.onnx", False),
        ("[a-c].onnx", "b.onnx", True),
        ("[!a-c].onnx", "b.onnx", False),
        ("[z-a].onnx", "z.onnx", False),
        ("a.c", "abc", False),
        ("\\!x", "!x", True),
        ("[", "[", True),
    ],
)
def test_patterns_are_those_of_gitignore(pattern: str, path: str, expected: bool) -> None:
    assert matches([pattern], path) is expected


def test_the_last_pattern_decides() -> None:
    assert not matches(["*.onnx", "!a.onnx"], "a.onnx")
    assert matches(["models", "!models/a.onnx"], "models/a.onnx")
    assert not matches_file(["models", "!models/a.onnx"], "models/a.onnx")


@given(st.text(max_size=30), st.text(alphabet="ab/.*", min_size=1, max_size=30))
def test_no_pattern_breaks(pattern: str, path: str) -> None:
    assert matches([pattern], path) in (True, False)


def test_places_in_toml() -> None:
    text = 'a = """x\nb = 1\n"""\n[[t]]\n"k.x" = [1, # c ]\n {q = "}"}]\n[[t]]\nk.y = 1\n[t.sub]\nz=1\n'
    tomllib.loads(text)
    found = places(text)
    assert found["a",] == (1, 1)
    assert ("b",) not in found
    assert found["t", 0, "k.x"] == (5, 1)
    assert found["t", 0, "k.x", 1, "q"] == (6, 3)
    assert found["t", 1, "k", "y"] == (8, 1)
    assert found["t", 1, "sub", "z"] == (10, 1)
