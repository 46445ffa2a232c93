"""Reading ONNX files: payloads stay where they are, and a file that cannot be judged says in one line why."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, helper
from paramlint.errors import LoadError
from paramlint.ir import Model
from paramlint.loaders import Request
from paramlint.loaders.onnx import accepts
from paramlint.loaders.onnx.read import read_bytes, read_file
from paramlint.loaders.onnx.skeleton import Walker
from paramlint.loaders.onnx.source import File, Held
from paramlint.measure import measure

ROOT = Path(__file__).resolve().parents[1]


def dense(weight: Any, rows: int = 8, columns: int = 8, **options: Any) -> onnx.ModelProto:
    """y = x @ W with ``weight`` as the stored tensor W."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "W"], ["y"], name="product")],
        "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, rows])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, columns])],
        [weight] if weight is not None else [],
        **options,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def tensor(rows: int, columns: int, **fields: Any) -> onnx.TensorProto:
    made = onnx.TensorProto(name="W", data_type=TensorProto.FLOAT, dims=[rows, columns])
    for name, value in fields.items():
        if name == "float_data":
            made.float_data.extend(value)
        elif name == "external":
            made.data_location = TensorProto.EXTERNAL
            for key, text in value.items():
                made.external_data.add(key=key, value=text)
        else:
            setattr(made, name, value)
    return made


def loaded(model: onnx.ModelProto | bytes, folder: Path | None = None, **request: Any) -> Model:
    data = model if isinstance(model, bytes) else model.SerializeToString()
    if folder is None:
        return read_bytes("m.onnx", data, Request(**request))
    (folder / "m.onnx").write_bytes(data)
    return read_file(str(folder / "m.onnx"), Request(**request))


def params(model: Model) -> int | None:
    return measure(model).total("params").value


def refusal(model: onnx.ModelProto | bytes, folder: Path | None = None) -> str:
    with pytest.raises(LoadError) as caught:
        loaded(model, folder)
    (error,) = caught.value.errors
    assert "\n" not in error.message
    return error.message


@pytest.mark.parametrize("rows", [8, 64])  # 256 bytes stay in the skeleton, 16 KiB do not
@pytest.mark.parametrize("field", ["raw_data", "float_data"])
def test_a_matrix_counts_however_it_is_stored(rows: int, field: str) -> None:
    content: Any = bytes(4 * rows * rows) if field == "raw_data" else [0.5] * (rows * rows)
    assert params(loaded(dense(tensor(rows, rows, **{field: content}), rows, rows))) == rows * rows


def unpacked(count: int) -> bytes:
    """A model whose float_data has a tag for each number, as proto2 writers may write it."""
    model = dense(tensor(count, 1), count, 1)
    entries = b"".join(b"\x25" + struct.pack("<f", 0.5) for _ in range(count))
    weight = model.graph.initializer[0].SerializeToString() + entries
    del model.graph.initializer[:]
    graph = model.graph.SerializeToString() + b"\x2a" + varint(len(weight)) + weight
    model.ClearField("graph")
    return model.SerializeToString() + b"\x3a" + varint(len(graph)) + graph


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


@pytest.mark.parametrize("count", [5, 5000, 60_000])  # within one window and over several
def test_unpacked_numbers_are_counted(count: int) -> None:
    assert params(loaded(unpacked(count))) == count


def test_the_skeleton_has_no_payload() -> None:
    data = dense(tensor(512, 512, raw_data=bytes(4 * 512 * 512)), 512, 512).SerializeToString()
    skeleton = Walker(Held(data)).skeleton()
    assert len(data) > 1 << 20
    assert len(skeleton) < 500


def test_three_gigabytes_of_weights_are_stepped_over(tmp_path: Path) -> None:
    size = 3 << 30
    rows, columns = 3 << 14, 1 << 14  # times 4 bytes: 3 GiB, in a sparse file
    weight = tensor(rows, columns)
    head = weight.SerializeToString() + b"\x4a" + varint(size)
    model = dense(None, rows, columns)
    graph = model.graph.SerializeToString() + b"\x2a" + varint(len(head) + size) + head
    model.ClearField("graph")
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.write(model.SerializeToString() + b"\x3a" + varint(len(graph) + size) + graph)
        file.truncate(file.tell() + size)
    read = read_file(str(path), Request(shapes=False))
    assert params(read) == 3 * (1 << 14) * (1 << 14)
    assert read.file_bytes == path.stat().st_size


def test_raw_data_shorter_than_its_dims_is_refused() -> None:
    assert "holds 16 bytes, its dims need 256" in refusal(dense(tensor(8, 8, raw_data=bytes(16))))
    assert "holds 16,384 bytes, its dims need 65,536" in refusal(
        dense(tensor(128, 128, raw_data=bytes(16384)), 128, 128)
    )


def test_a_list_shorter_than_its_dims_is_refused() -> None:
    assert "holds 3 elements, its dims say 64" in refusal(dense(tensor(8, 8, float_data=[1.0] * 3)))
    assert "holds 2,000 elements, its dims say 4,096" in refusal(dense(tensor(64, 64, float_data=[1.0] * 2000), 64, 64))


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"", "is empty"),
        (b"hello, this is a text\n" * 9, "is text"),
        (b"\x1c\0\0\0TFL3" + bytes(40), "TensorFlow Lite"),
        (struct.pack("<Q", 200) + b'{"__metadata__":{}}' + bytes(200), "safetensors"),
        (b"PK\x03\x04" + bytes(40), "zip archive"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n", "12,345 bytes"),
        (b"\x0b" * 3000 + b"\xff", "wire type 3"),
        (b"\x3a\xff\xff\xff\xff\x07abc", "truncated"),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "varint"),
        (b"\x08\x08", "no graph"),
    ],
)
def test_what_is_no_model_is_named(head: bytes, says: str, tmp_path: Path) -> None:
    assert says in refusal(head, tmp_path)


def test_every_truncation_is_refused() -> None:
    data = dense(tensor(4, 4, raw_data=bytes(64)), 4, 4).SerializeToString()
    for length in range(len(data)):
        with pytest.raises(LoadError):
            loaded(data[:length])


def test_nesting_beyond_protobuf_names_the_limit() -> None:
    branch = helper.make_graph([], "leaf", [], [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])])
    data = branch.SerializeToString()
    for _ in range(60):  # each level is a graph, a node and an attribute
        attribute = b"\x0a\x01b\x32" + varint(len(data)) + data + b"\xa0\x01\x05"
        node = b"\x22\x02If\x2a" + varint(len(attribute)) + attribute
        data = b"\x0a" + varint(len(node)) + node
    message = refusal(b"\x08\x08\x3a" + varint(len(data)) + data)
    assert "limit of 100" in message


@pytest.mark.parametrize(
    ("location", "says"),
    [
        ("../w.bin", "leaves the model's folder"),
        ("a/../../w.bin", "leaves the model's folder"),
        ("..\\w.bin", "leaves the model's folder"),
        ("/etc/passwd", "absolute"),
        ("\\\\host\\share\\w.bin", "absolute"),
        ("C:\\w.bin", "absolute"),
        ("C:w.bin", "absolute"),
        ("/dev/zero", "absolute"),
        ("https://example.com/w.bin", "URL"),
        ("file:///etc/passwd", "URL"),
        ("", "without a location"),
        ("w\n.bin", "control characters"),
    ],
)
def test_external_data_stays_in_the_folder(location: str, says: str, tmp_path: Path) -> None:
    assert says in refusal(dense(tensor(8, 8, external={"location": location})), tmp_path)


@pytest.mark.parametrize(
    "entries", [{"offset": "-5"}, {"offset": "abc"}, {"length": str(1 << 63)}, {"length": "8"}, {"offset": "300"}]
)
def test_external_positions_are_checked(entries: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(256))
    refusal(dense(tensor(8, 8, external={"location": "w.bin", **entries})), tmp_path)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(256))
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "w.bin").symlink_to(tmp_path / "secret.bin")
    assert "by a link" in refusal(dense(tensor(8, 8, external={"location": "w.bin"})), tmp_path / "model")


def test_absent_external_data_is_counted_and_said(tmp_path: Path) -> None:
    model = loaded(dense(tensor(8, 8, external={"location": "w.bin"})), tmp_path)
    assert params(model) == 8 * 8
    assert [seen.rule for seen in model.observations] == ["PL005"]
    assert model.file_bytes is None


def test_present_external_data_adds_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(256))
    model = loaded(dense(tensor(8, 8, external={"location": "w.bin"})), tmp_path)
    assert not model.observations
    assert model.file_bytes == 256 + (tmp_path / "m.onnx").stat().st_size


@pytest.mark.parametrize("worktree", [False, True])
def test_a_git_lfs_pointer_is_followed(tmp_path: Path, worktree: bool) -> None:
    oid = "ab" * 32
    store = tmp_path / "main" / ".git"
    (store / "lfs" / "objects" / "ab" / "ab").mkdir(parents=True)
    (store / "lfs" / "objects" / "ab" / "ab" / oid).write_bytes(
        dense(tensor(8, 8, raw_data=bytes(256))).SerializeToString()
    )
    folder = tmp_path / "main" / "models"
    if worktree:
        (store / "worktrees" / "w").mkdir(parents=True)
        (store / "worktrees" / "w" / "commondir").write_text("../..\n")
        folder = tmp_path / "tree"
        folder.mkdir()
        (folder / ".git").write_text(f"gitdir: {store / 'worktrees' / 'w'}\n")
    else:
        folder.mkdir()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 400\n".encode()
    assert params(loaded(pointer, folder)) == 8 * 8


def test_names_and_order() -> None:
    weight = tensor(8, 8, raw_data=bytes(256))
    model = dense(weight)
    model.graph.node.add(op_type="Relu", input=["x"], output=["y"])
    assert "'y' is defined twice" in refusal(model)
    model = dense(None)
    assert "'W' of node 'product' is defined nowhere" in refusal(model)
    model = dense(weight)
    model.graph.node[0].input[0] = "y"
    assert "depends on its own output" in refusal(model)
    model = dense(weight)
    model.graph.node.add(op_type="Relu", input=["x"], output=["r"])  # read before it is made: sorted, not refused
    model.graph.node[0].input[0] = "r"
    assert params(loaded(model)) == 8 * 8


def test_functions_must_not_recur() -> None:
    model = dense(tensor(8, 8, raw_data=bytes(256)))
    node = helper.make_node("F", ["a"], ["b"], domain="local")
    model.functions.append(helper.make_function("local", "F", ["a"], ["b"], [node], [helper.make_opsetid("", 17)]))
    model.graph.node.append(helper.make_node("F", ["x"], ["z"], domain="local"))
    assert "calls itself" in refusal(model)


def test_detection() -> None:
    head = dense(tensor(8, 8, raw_data=bytes(256))).SerializeToString()[:64]
    assert accepts("-", head)
    assert accepts("m.onnx", b"anything")
    assert not accepts("m.yaml", b"layers:\n")
    assert not accepts("m.bin", b"\x00\x01\x02\x03")


def test_counting_imports_neither_onnx_nor_numpy(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(dense(tensor(64, 64, raw_data=bytes(4 * 64 * 64)), 64, 64).SerializeToString())
    code = (
        "import sys\n"
        "from paramlint.loaders import Request\n"
        "from paramlint.loaders.onnx.read import read_file\n"
        f"read_file({str(path)!r}, Request(shapes=False))\n"
        "print(sorted({'onnx', 'numpy', 'rich', 'jsonschema'} & set(sys.modules)))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "linter")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_device_is_no_model() -> None:
    with pytest.raises(LoadError, match="not a regular file"):
        File("/dev/null")
