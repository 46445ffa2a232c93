"""A folder with models, in which the program runs: what the tests of the command line stand on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import onnx
import pytest
from onnx import TensorProto, helper
from paramlint import config
from paramlint.cli import main

#: 8 × 4 weights and 4 biases.
TINY = "name: tiny\nframework: pytorch\ninput: [8]\nlayers:\n  - {type: Linear, out_features: 4, name: head}\n"
#: 8 × 400 weights and 400 biases, which is over its own budget.
WIDE = (
    "framework: pytorch\ninput: [8]\nlayers:\n  - {type: Linear, out_features: 400, name: head}\nbudget: {params: 1k}\n"
)
#: A branch that nothing reads: a warning.
LOOSE = TINY + "  - {type: Linear, out_features: 2, name: spare}\noutputs: [head]\n"
BROKEN = TINY.replace("Linear", "Linaer")
#: Sixty layers under a long name.
DEEP = "framework: pytorch\ninput: [3, 64, 64]\nblocks:\n  stage_with_a_long_name:\n    layers:\n" + (
    "      - {type: Conv2d, out_channels: 123, kernel_size: 3, padding: 1}\n      - BatchNorm2d\n      - ReLU\n"
    "layers:\n  - {type: stage_with_a_long_name, repeat: 20}\n"
)
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 574670000\n"


class Done(NamedTuple):
    """What a run left behind."""

    code: int
    out: str
    err: str


class Place:
    """A folder with models, in which the program runs."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self.capsys = folder, capsys
        (folder / ".git").mkdir()  # no config above is looked at
        for name, text in (("tiny", TINY), ("wide", WIDE), ("loose", LOOSE), ("broken", BROKEN)):
            self.write(f"{name}.arch.yaml", text)

    def write(self, name: str, text: str) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return name

    def __call__(self, *arguments: str) -> Done:
        config.nearest.cache_clear()
        self.capsys.readouterr()
        code = main(arguments)
        return Done(code, *self.capsys.readouterr())

    def process(self, *arguments: str, input: str = "", **environment: str) -> Done:
        """A process of its own, as a shell starts it."""
        done = subprocess.run(
            [sys.executable, "-m", "paramlint", *arguments],
            cwd=self.folder,
            input=input,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)


def graph(path: Path, kind: str = "Relu", domain: str = "") -> str:
    """A Gemm of 8 × 4 weights and 4 biases, then one more operator."""
    weights = [
        helper.make_tensor("w", TensorProto.FLOAT, [8, 4], [0.5] * 32),
        helper.make_tensor("b", TensorProto.FLOAT, [4], [0.5] * 4),
    ]
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["h"], name="dense"),
        helper.make_node(kind, ["h"], ["y"], name="last", domain=domain),
    ]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size]) for name, size in (("x", 8), ("y", 4))]
    made = helper.make_graph(nodes, "g", ends[:1], ends[1:], weights)
    versions = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    onnx.save(helper.make_model(made, opset_imports=versions, ir_version=8), path)
    return path.name
