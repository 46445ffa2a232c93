"""The inputs of a model: their names, shapes and element types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from paramlint.ir import Dim, DType, Tensor
from paramlint.loaders import Request
from paramlint.loaders.spec.check import meant, show
from paramlint.loaders.spec.document import MAX_SIZE, dtype_of, value_or_none
from paramlint.loaders.spec.nodes import Items, Node, Scalar, Table, describe
from paramlint.loaders.spec.problems import Problems
from paramlint.spelling import did_you_mean


class Entered(NamedTuple):
    """An input of the model; ``stated`` is False where its type is the default and may follow its use."""

    tensor: Tensor
    node: Scalar
    stated: bool


def inputs_of(
    problems: Problems, table: Table, names: Mapping[str, Any], request: Request, default: DType
) -> dict[str, Entered]:
    """The model's inputs by name, in order."""
    entered: dict[str, Entered] = {}
    if "input" in table.items and "inputs" in table.items:  # which of them is meant is not known
        given = table.items["inputs"][1]
        keys = [key for key, _ in given.items.values()] if isinstance(given, Table) else []
        keys.append(table.items["input"][0])
        return {key.text: Entered(Tensor(key.text, None), key, True) for key in keys}
    if "inputs" in table.items:
        node = table.items["inputs"][1]
        if not isinstance(node, Table) or not node.items:
            hint = "write inputs: {audio: [49, 10, 1]}, or input: for a single one"
            problems.add(node, f"inputs must be a mapping of names and shapes, not {describe(node)}", hint)
            return {}
        for name, (key, value) in node.items.items():
            if not name or any(letter in name for letter in ":.$"):
                problems.add(key, f"an input's name holds no ':', '.' or '$': {name[:60]!r}")
                continue
            entered[name] = _input(problems, name, key, value, names, request, default)
    elif "input" in table.items:
        key, value = table.items["input"]
        entered["input"] = _input(problems, "input", key, value, names, request, default)
    for name in request.input_shapes:
        if name not in entered and not problems:
            hint = did_you_mean(name, entered) or f"there are: {', '.join(entered)}"
            problems.at(1, 1, f"--input-shape {name}: there is no such input", hint, about="--input-shape")
    return entered


def _input(
    problems: Problems, name: str, key: Scalar, node: Node, names: Mapping[str, Any], request: Request, default: DType
) -> Entered:
    dtype, shape_node = None, node
    if isinstance(node, Table):
        unknown = [word for word, _ in node.items.values() if word.text not in ("shape", "dtype")]
        for word in unknown:
            hint = did_you_mean(word.text, ("shape", "dtype")) or "an input has shape and dtype"
            problems.add(word, f"unknown key {word.text[:60]!r} of an input", hint)
        if "shape" not in node.items:
            if not unknown:  # a misspelled key is the one cause
                problems.add(node, f"the input {name} has no shape", "write {shape: [128], dtype: int32}")
            return Entered(Tensor(name, None), key, True)
        shape_node = node.items["shape"][1]
        dtype = dtype_of(problems, node.get("dtype"), names, DType.STRING.value)
    shape = _shape(problems, name, shape_node, names, request)
    return Entered(Tensor(name, shape, dtype or default), key, dtype is not None)


def _shape(
    problems: Problems, name: str, node: Node, names: Mapping[str, Any], request: Request
) -> tuple[Dim, ...] | None:
    if name in request.input_shapes:
        return request.input_shapes[name]
    if isinstance(node, Items):
        values = [(item, value_or_none(problems, item, names, _WRONG)) for item in node.items]
        return _sizes(problems, values, request)
    whole = value_or_none(problems, node, names)
    if isinstance(whole, tuple):
        return _sizes(problems, [(node, value) for value in whole], request)
    if whole is None and isinstance(node, Scalar) and "$" in node.text:
        return None  # why it has no value is noted
    shown = show(whole) if isinstance(whole, int) else "784"
    if isinstance(whole, str) and whole.startswith("(") and whole.endswith(")"):
        shown = whole[1:-1].rstrip(", ")
    problems.add(node, f"the shape of {name} must be a list, not {describe(node)}", f"write [{shown}]")
    return None


_WRONG = object()


def _sizes(problems: Problems, values: Sequence[tuple[Node, Any]], request: Request) -> tuple[Dim, ...] | None:
    """A shape, None where a size is wrong."""
    sizes = [_size(problems, node, value, request) for node, value in values]
    return None if _WRONG in sizes else tuple(sizes)  # type: ignore[arg-type]  # what is not _WRONG is a size


def _size(problems: Problems, node: Node, value: Any, request: Request) -> object:
    if value is None or value is _WRONG or (type(value) is int and 0 < value <= MAX_SIZE):
        return value
    if isinstance(value, str) and value.isidentifier():
        return request.dims.get(value, value)
    hint = meant(value) if isinstance(value, str) else None
    if value == -1:
        hint = "write null for a size that is not fixed; the batch is not written"
    message = f"a size must be a positive integer, a name or null, not {show(value)}"
    problems.add(node, message, hint)
    return _WRONG
