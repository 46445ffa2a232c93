"""Time paramlint against ``import onnx`` and ``onnx.load`` on the same machine, in the same run.

    python tests/benchmarks/run.py [--runs 5]

Prints one line for each measurement: CPU seconds (user + system, median of the runs), peak resident memory, and the
ratio to ``python -c "import onnx"``. Nothing is asserted: a clock in a test fails for the machine's reasons.

This process imports nothing heavy: what it holds when it starts another one would count as the other's memory.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PYTHON = sys.executable
CLI = [PYTHON, "-m", "paramlint"]
MODELS = Path(__file__).resolve().parent / "models.py"


def once(command: list[str], folder: Path) -> tuple[float, float]:
    """CPU seconds and peak MiB of one process with its children; any paramlint exit code but a defect is a run."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([PYTHON, str(MODELS), name], check=True)
        table = cases(folder)
        for _, command in table:
            once(command, folder)  # byte code is written, files are in the cache
        results: dict[str, list[tuple[float, float]]] = {label: [] for label, _ in table}
        for _ in range(runs):  # interleaved, so that a busy moment of the machine hits every row alike
            for label, command in table:
                results[label].append(once(command, folder))
        base = statistics.median(cpu for cpu, _ in results["import onnx"])
        print(f"{'what':44} {'CPU s':>8} {'peak MiB':>9} {'x import onnx':>14}")  # noqa: T201  # a benchmark prints
        for label, _ in table:
            cpu = statistics.median(cpu for cpu, _ in results[label])
            peak = max(peak for _, peak in results[label])
            print(f"{label:44} {cpu:8.3f} {peak:9.1f} {cpu / base:14.2f}")  # noqa: T201  # as above


def cases(folder: Path) -> list[tuple[str, list[str]]]:
    """Label and command of every measurement, the reference first."""
    table = [("import onnx", [PYTHON, "-c", "import onnx"]), ("python -c pass", [PYTHON, "-c", "pass"])]
    for megabytes in (1, 100, 1000):
        path = folder / f"heavy{megabytes}.onnx"
        table.append((f"paramlint --max 1M, {megabytes} MB of weights", [*CLI, str(path), "--max", "1M"]))
    load = f"import onnx; onnx.load({str(folder / 'heavy100.onnx')!r})"
    table.append(("onnx.load, 100 MB of weights", [PYTHON, "-c", load]))
    for nodes in (1000, 20000):
        path = folder / f"deep{nodes}.onnx"
        table.append((f"every metric, {nodes} nodes", [*CLI, str(path), "--output", "json"]))
    load = f"import onnx; onnx.shape_inference.infer_shapes(onnx.load({str(folder / 'deep20000.onnx')!r}))"
    table.append(("onnx.load + infer_shapes, 20000 nodes", [PYTHON, "-c", load]))
    table.append(("a spec of 20 layers", [*CLI, str(folder / "small.arch.yaml"), "--max", "1M"]))
    table.append(("a spec of 2000 layers", [*CLI, str(folder / "large.arch.yaml"), "--max", "9M"]))
    table.append(("1000 small specs in one run", [*CLI, str(folder / "many"), "--max", "1M"]))
    table.append(("--help", [*CLI, "--help"]))
    table.append(("--version", [*CLI, "--version"]))
    return table


if __name__ == "__main__":
    main()
