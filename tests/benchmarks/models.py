"""The files that the benchmarks read: ONNX graphs of any weight size and node count, and YAML architectures."""

from __future__ import annotations

import sys
from pathlib import Path

import onnx
from onnx import TensorProto, helper


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, payload: bytes, length: int | None = None) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(payload) if length is None else length) + payload


def heavy(path: Path, megabytes: int) -> Path:
    """A ten-layer perceptron whose float32 weights take ``megabytes`` in all, written without holding them.

    The payloads are holes of a sparse file, so that a gigabyte costs no disk; readers see zeros.
    """
    width = 1000
    rows = megabytes * 1_000_000 // (10 * 4 * width)
    dims = [(rows, width) if index % 2 == 0 else (width, rows) for index in range(10)]
    nodes = [helper.make_node("MatMul", [f"h{i}", f"w{i}"], [f"h{i + 1}"], name=f"dense{i}") for i in range(10)]
    graph = helper.make_graph(
        nodes,
        "heavy",
        [helper.make_tensor_value_info("h0", TensorProto.FLOAT, [1, rows])],
        [helper.make_tensor_value_info("h10", TensorProto.FLOAT, [1, rows])],
    ).SerializeToString()
    initializers = []
    for index, (height, breadth) in enumerate(dims):
        head = TensorProto(name=f"w{index}", dims=[height, breadth], data_type=TensorProto.FLOAT).SerializeToString()
        payload = height * breadth * 4
        raw = _varint(9 << 3 | 2) + _varint(payload)
        initializers.append((_field(5, head + raw, len(head) + len(raw) + payload), payload))
    size = len(graph) + sum(len(head) + payload for head, payload in initializers)
    shell = onnx.ModelProto(ir_version=10, opset_import=[helper.make_opsetid("", 21)]).SerializeToString()
    with path.open("wb") as file:
        file.write(shell + _varint(7 << 3 | 2) + _varint(size) + graph)
        for head, payload in initializers:
            file.write(head)
            file.seek(payload, 1)
        file.truncate(file.tell())
    return path


def deep(path: Path, nodes: int) -> Path:
    """A residual convolution network of about ``nodes`` nodes (Conv, Relu, Add), tiny channels."""
    steps, weights, last = [], [], "x"
    for index in range(nodes // 3):
        weights.append(helper.make_tensor(f"w{index}", TensorProto.FLOAT, [4, 4, 3, 3], b"\0" * 576, raw=True))
        steps += [
            helper.make_node("Conv", [last, f"w{index}"], [f"c{index}"], name=f"conv{index}", pads=[1, 1, 1, 1]),
            helper.make_node("Relu", [f"c{index}"], [f"r{index}"], name=f"relu{index}"),
            helper.make_node("Add", [f"r{index}", last], [f"a{index}"], name=f"add{index}"),
        ]
        last = f"a{index}"
    shape = [1, 4, 16, 16]
    graph = helper.make_graph(
        steps,
        "deep",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)],
        weights,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def spec(path: Path, layers: int) -> Path:
    """A YAML architecture of ``layers`` layers, each written out, no two adjacent ones alike."""
    lines = ["framework: keras", "input: [64, 64, 8]", "layers:"]
    for index in range(layers - 2):
        lines.append(
            ("  - {type: Conv2D, filters: 8, kernel_size: 3, padding: same}", "  - BatchNormalization", "  - ReLU")[
                index % 3
            ]
        )
    lines += ["  - GlobalAveragePooling2D", "  - {type: Dense, units: 10}"]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_all(folder: Path) -> None:
    """Every file that ``run.py`` measures."""
    for megabytes in (1, 100, 1000):
        heavy(folder / f"heavy{megabytes}.onnx", megabytes)
    for nodes in (1000, 20000):
        deep(folder / f"deep{nodes}.onnx", nodes)
    spec(folder / "small.arch.yaml", 20)
    spec(folder / "large.arch.yaml", 2000)
    (folder / "many").mkdir()
    for index in range(1000):
        spec(folder / "many" / f"m{index}.arch.yaml", 10 + index % 10)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
