"""One place for each thing: a layer, an ONNX operator, a rule, a loader, a reporter and a target are one file each.

Each test copies the package, adds exactly one file, edits nothing, and runs the program as a user would.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

ROOT = Path(__file__).resolve().parents[1]

LAYER = '''
"""Swirl: one weight for each input feature and turn."""

from paramlint.formulas import formula
from paramlint.loaders.spec.arguments import positive
from paramlint.loaders.spec.vocabulary import KERAS, Argument, Built, Call, layer


@layer(KERAS, "Swirl", "Turns its input a few times.", turns=Argument(positive, "How many times."))
def swirl(call: Call) -> Built:
    width, turns = call.shape()[-1], call.args["turns"]
    return Built(
        (call.output(call.shape()),),
        formula({"swirl": "t * i"}, {"t": turns, "i": width}, {"t": "turns", "i": "input features"}),
        (call.weight("swirl", turns, width),),
    )
'''

OPERATOR = '''
"""acme's Frob: one multiply-accumulate for each element of its table."""

from paramlint.formulas import formula
from paramlint.loaders.onnx.operators import Operator, Output, operator


@operator
class Frob(Operator):
    kinds = ("Frob",)
    domain = "acme"
    slots = {1: "table"}

    def infer(self, node):
        return [Output(node.shape(0))]

    def macs(self, node):
        rows, columns = node.shape(1)
        return formula({"macs": "r * c"}, {"r": rows, "c": columns})
'''

RULE = '''
"""A rule of three lines."""

from paramlint.findings import Level
from paramlint.rules import Rule, rule


@rule("PL499", "model-has-a-name", Level.WARNING, "The model is called something")
class HasAName(Rule):
    """Says the model's name."""

    def check(self, measured):
        yield self.finding(f"this is {measured.model.name}", measured.model.source)
'''

LOADER = '''
"""Models written as one number: that many parameters."""

from paramlint.ir import DType, Layer, Model, Source, Tensor, Weight
from paramlint.loaders import Loader, register


def read(path, data, request):
    source = Source("file", path, 1, 1)
    tensor = Tensor("y", (1,))
    layer = Layer("all", "Number", (), (tensor,), (Weight("all", (int(data),), DType.FLOAT32, "all"),), 0, source)
    return Model("number", path, "number", None, (), ("y",), (layer,), {"y": tensor}, (), 1, False, source=source)


def load(path, request):
    with open(path, "rb") as file:
        return read(path, file.read(100), request)


register(Loader("number", lambda path, head: path.endswith(".number"), load, read, priority=9))
'''

REPORTER = '''
"""Says the total, loudly."""

from paramlint.reporters import reporter


@reporter("shout")
def write(report, out, look):
    for judged in report.models:
        out.write(f"{judged.measured.total('params').value} PARAMETERS!\\n")
'''

SPEC = """
name: tiny
framework: keras
input: [8]
layers:
  - {type: Dense, units: 4}
"""


class Copy:
    """A copy of the package that one file may be added to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.package = folder / "package" / "paramlint"
        ignore = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "linter" / "paramlint", self.package, ignore=ignore)
        shutil.copytree(ROOT / "schemas", self.package / "schemas", ignore=ignore)
        (folder / "tiny.arch.yaml").write_text(SPEC)

    def add(self, place: str, text: str) -> None:
        target = self.package / place
        assert not target.exists()
        target.write_text(text)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "paramlint", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder / "package")},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def test_a_layer_is_one_file(copy: Copy) -> None:
    copy.add("loaders/spec/keras/swirl.py", LAYER)
    (copy.folder / "swirl.arch.yaml").write_text(SPEC + "  - {type: Swirl, turns: 3}\n")
    done = copy.run("swirl.arch.yaml", "--output", "json")
    assert json.loads(done.stdout)["models"][0]["totals"]["params"] == 8 * 4 + 4 + 3 * 4, done.stderr
    assert "3 * 4 = 12" in copy.run("explain", "swirl.arch.yaml").stdout


def test_an_onnx_operator_is_one_file(copy: Copy) -> None:
    table = helper.make_tensor("table", TensorProto.FLOAT, [5, 7], [0.0] * 35)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 5])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 5])
    graph = helper.make_graph(
        [helper.make_node("Frob", ["x", "table"], ["y"], domain="acme", name="frob")], "g", [x], [y], [table]
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("acme", 1)], ir_version=8
    )
    onnx.save(model, copy.folder / "frob.onnx")
    before = copy.run("frob.onnx", "--max", "macs=100")
    assert before.returncode == 1
    assert "PL001" in before.stdout
    copy.add("loaders/onnx/operators/frob.py", OPERATOR)
    after = json.loads(copy.run("frob.onnx", "--max", "macs=100", "--output", "json").stdout)["models"][0]
    assert (after["totals"]["macs"], after["totals"]["params"]) == (35, 35)
    assert all("how it is converted" in finding["message"] for finding in after["findings"])  # of flash and RAM


def test_a_rule_is_one_file(copy: Copy) -> None:
    copy.add("rules/pl499_model_has_a_name.py", RULE)
    assert "this is tiny" in copy.run("tiny.arch.yaml").stdout
    assert "PL499" in copy.run("rules").stdout


def test_a_loader_is_one_file(copy: Copy) -> None:
    copy.add("loaders/number.py", LOADER)
    (copy.folder / "some.number").write_text("1234")
    done = copy.run("some.number", "--max", "1k")
    assert (done.returncode, "1,234" in done.stdout) == (1, True), done.stdout


def test_a_reporter_is_one_file(copy: Copy) -> None:
    copy.add("reporters/shout.py", REPORTER)
    assert copy.run("tiny.arch.yaml", "--output", "shout").stdout == "36 PARAMETERS!\n"


def test_a_target_is_one_file(copy: Copy) -> None:
    text = (copy.package / "targets" / "stm32f746.yaml").read_text()
    copy.add("targets/acmeboard.yaml", text.replace("aliases:", "# aliases:").replace("STM32F746NG", "Acme Board"))
    assert copy.run("tiny.arch.yaml", "--target", "ACME-board").returncode == 0
    assert "acmeboard" in copy.run("targets").stdout
