"""onnx's own shape inference, in a process of its own: a crash of the native library is an error of one file alone.

``python -m paramlint.loaders.onnx.worker`` reads a length (8 bytes, little-endian) and a model, and answers with a
length and a GraphProto that holds value_info; length 0 where inference failed. It is kept for the next file.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from typing import Any

LIMIT_SECONDS = 4.0  # one file; the largest known exports need less than one second
_MAX_ANSWER = 1 << 28


class _Process:
    """The one worker of this process, started when first asked."""

    child: subprocess.Popen[bytes] | None = None


def infer(skeleton: bytes) -> bytes | None:
    """The inferred GraphProto's bytes; None where inference failed, crashed or took too long."""
    child = _Process.child
    if child is None or child.poll() is not None:
        command = [sys.executable, "-m", "paramlint.loaders.onnx.worker"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        child = _Process.child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
    try:
        answer = _ask(child, skeleton)
    except OSError:
        answer = None
    if answer is None:
        child.kill()
        child.wait()
        _Process.child = None
    return answer or None


def _ask(child: subprocess.Popen[bytes], skeleton: bytes) -> bytes | None:
    if child.stdin is None or child.stdout is None:
        return None
    deadline = time.monotonic() + LIMIT_SECONDS
    message = memoryview(len(skeleton).to_bytes(8, "little") + skeleton)
    descriptor, sink = child.stdout.fileno(), child.stdin.fileno()
    os.set_blocking(sink, False)
    while message:
        if not select.select([], [sink], [], max(0.0, deadline - time.monotonic()))[1]:
            return None
        message = message[os.write(sink, message) :]
    head = _receive(descriptor, 8, deadline)
    if head is None:
        return None
    size = int.from_bytes(head, "little")
    return _receive(descriptor, size, deadline) if size <= _MAX_ANSWER else None


def _receive(descriptor: int, size: int, deadline: float) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        part = os.read(descriptor, size - len(parts))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _answer(skeleton: bytes, onnx: Any) -> bytes:
    model = onnx.ModelProto()
    model.ParseFromString(skeleton)
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    graph = onnx.GraphProto()
    graph.value_info.extend(inferred.graph.value_info)
    graph.output.extend(inferred.graph.output)
    answer: bytes = graph.SerializeToString()
    return answer


def main() -> None:
    """Serve until the pipe closes."""
    import onnx
    import onnx.shape_inference

    reader, writer = sys.stdin.buffer, sys.stdout.buffer
    while len(head := reader.read(8)) == 8:
        skeleton = reader.read(int.from_bytes(head, "little"))
        try:
            answer = _answer(skeleton, onnx)
        except Exception:  # noqa: BLE001  # the native library raises many kinds; the file simply has no hints then
            answer = b""
        writer.write(len(answer).to_bytes(8, "little") + answer)
        writer.flush()


if __name__ == "__main__":
    main()
