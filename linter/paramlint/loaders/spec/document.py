"""The top level of an architecture: its keys, variables, inputs and what it states about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paramlint.ir import DType, Stated
from paramlint.loaders import Request
from paramlint.loaders.spec.check import show
from paramlint.loaders.spec.nodes import Items, Node, Scalar, Table, describe
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.scalars import plain
from paramlint.loaders.spec.values import POISONED, Fault, Unavailable, check_name, value_of, variable_value
from paramlint.loaders.spec.vocabularies import FRAMEWORKS
from paramlint.loaders.spec.vocabulary import KERAS, PYTORCH
from paramlint.quantities import QuantityError
from paramlint.spelling import did_you_mean, nearest

KEYS: tuple[str, ...] = ("name", "framework", "dtype", "vars", "input", "inputs", "blocks", "layers", "outputs")
KEYS += ("budget", "layer-budget", "samples")
_MARKS = ("framework", "input", "inputs", "layers", "blocks")  # a mapping without any of these is something else
#: A misspelled one of these is read as what it was meant to be, so that it is one error.
_READ_ON = ("framework", "dtype", "vars", "input", "inputs", "blocks", "layers")
MAX_SIZE = 10**15
_FRAMEWORK_WORDS = {"torch": PYTORCH, "tensorflow": KERAS, "tf": KERAS, "tf.keras": KERAS, "tf_keras": KERAS}
_MISSING = object()
DTYPES = tuple(dtype.value for dtype in DType if dtype.bits)
_DTYPE_WORDS = {
    "fp64": "float64", "double": "float64", "fp32": "float32", "float": "float32", "fp16": "float16", "half": "float16",
    "bf16": "bfloat16", "long": "int64", "int": "int32", "short": "int16", "byte": "uint8", "boolean": "bool",
}  # fmt: skip


def value_or_none(problems: Problems, node: Node, names: Mapping[str, Any], missing: Any = None) -> Any:
    """A node's value; an error is noted, and None (or ``missing``) returned."""
    try:
        return value_of(node, names)
    except Fault as fault:
        problems.add(fault.node, fault.message, fault.hint, fault.cause)
    except Unavailable:
        pass
    return missing


def top_table(problems: Problems, root: Node) -> Table:
    """The root as a mapping with known keys only."""
    if not isinstance(root, Table):
        problems.add(root, f"an architecture is a mapping with framework, input and layers, not {describe(root)}")
        problems.raise_all()
        raise AssertionError("raise_all ends the reading")
    if not any(key in _MARKS or nearest(key, _MARKS) for key in root.items):
        message = "is no architecture: it has no framework, no input and no layers"
        problems.at(root.line, root.column, message, _example("framework"), about="missing")
        problems.raise_all()
    for key, node in list(root.items.values()):
        if key.text not in KEYS:
            word = _key_meant(key.text, node)
            hint = f"did you mean {word!r}?" if word else f"there are: {', '.join(KEYS)}"
            problems.add(key, f"unknown key {key.text[:60]!r}", hint)
            if word in _READ_ON:
                root.items.setdefault(word, (key, node))
    missing = [key for key in ("framework", "layers") if key not in root.items]
    if not {"input", "inputs"} & set(root.items):
        missing.insert("framework" in missing, "input")
    if missing and not root.broken:
        message = f"the architecture has no {' and no '.join(missing)}"
        problems.at(root.line, root.column, message, _example(missing[0]), about="missing")
    if "input" in root.items and "inputs" in root.items:
        problems.add(root.items["inputs"][0], "both 'input' and 'inputs' are there", "keep one of them")
    return root


def _key_meant(word: str, node: Node) -> str | None:
    """The key that an unknown one was meant to be, also by what it holds."""
    near = nearest(word, KEYS)
    if near == "inputs" and isinstance(node, Items):
        return "input"
    if near is None and isinstance(node, Scalar) and node.text.lower() in (*FRAMEWORKS, *_FRAMEWORK_WORDS):
        return "framework"
    return near


def _example(key: str) -> str:
    return {
        "framework": "write framework: keras or framework: pytorch, whose layers and defaults are meant",
        "layers": "write layers: with a list of layers",
        "input": "write input: with the shape without batch, such as input: [28, 28, 1]",
    }[key]


def framework_of(problems: Problems, table: Table) -> str | None:
    """keras or pytorch; None where it is missing or wrong, which is noted."""
    node = table.get("framework")
    if node is None:
        return None
    word = node.text if isinstance(node, Scalar) else ""
    if word in FRAMEWORKS:
        return word
    near = _FRAMEWORK_WORDS.get(word.lower()) or (word.lower() if word.lower() in FRAMEWORKS else None)
    hint = f"did you mean {near!r}?" if near else did_you_mean(word, FRAMEWORKS)
    problems.add(node, f"framework must be keras or pytorch, not {describe(node)}", hint)
    return None


def dtype_of(problems: Problems, node: Node | None, names: Mapping[str, Any], also: str = "") -> DType | None:
    """An element type by name; ``also`` is one that only an input has."""
    if node is None:
        return None
    word = value_or_none(problems, node, names)
    if isinstance(word, str) and word and (word in DTYPES or word == also):
        return DType(word)
    problems.add(node, f"dtype must be an element type, not {show(word)}", dtype_hint(word))
    return None


def dtype_hint(word: Any) -> str:
    """The element type that a word means, else all there are."""
    if isinstance(word, str):
        near = _DTYPE_WORDS.get(word.lower().removeprefix("torch."))
        hint = f"did you mean {near!r}?" if near else did_you_mean(word, DTYPES)
        if hint is not None:
            return hint
    return f"there are: {', '.join(DTYPES)}"


def text_of(problems: Problems, node: Node | None, what: str) -> str | None:
    """A word or text."""
    if node is None:
        return None
    if not isinstance(node, Scalar) or "$" in node.text:
        hint = "no variable can stand in it" if isinstance(node, Scalar) else None
        problems.add(node, f"{what} must be text, not {describe(node)}", hint)
        return None
    return node.text


def variables_of(problems: Problems, node: Node | None, request: Request) -> dict[str, Any]:
    """The top level's variables with ``--set`` put in; each may use the ones before it."""
    names: dict[str, Any] = {}
    given = {name: setting(text) for name, text in request.set.items()}
    table, refused = variable_table(problems, node)
    names |= dict.fromkeys(refused, POISONED)
    for name, (key, value) in table.items():
        if name in given:
            names[name] = given[name]
        elif is_required(value):
            names[name] = POISONED
            problems.add(key, f"the variable {name!r} has no value", f"give it with --set {name}=...")
        else:
            try:
                names[name] = variable_value(value, names)
            except Fault as fault:
                names[name] = POISONED
                problems.add(fault.node, fault.message, fault.hint, fault.cause)
            except Unavailable:
                names[name] = POISONED
    for name in given:
        if name not in table and name not in refused:
            hint = did_you_mean(name, table) or (f"there are: {', '.join(table)}" if table else "this file has no vars")
            problems.at(1, 1, f"--set {name}: vars holds no such variable", hint, about=f"--set {name}")
    return names


def setting(text: str) -> Any:
    """The value of ``--set NAME=VALUE``: a scalar, or a list in brackets."""
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        inner = stripped[1:-1].strip()
        return tuple(plain(part.strip()) for part in inner.split(",")) if inner else ()
    return plain(stripped)


def is_required(node: Node) -> bool:
    return isinstance(node, Scalar) and node.plain and node.text == "required"


def variable_table(problems: Problems, node: Node | None) -> tuple[dict[str, tuple[Scalar, Node]], list[str]]:
    """``vars`` under names that may stand, and the names that are refused: who reads those has the cause there."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return {}, []
    if not isinstance(node, Table):
        problems.add(node, f"vars must be a mapping of names and values, not {describe(node)}")
        return {}, []
    kept, refused = {}, []
    for name, (key, value) in node.items.items():
        wrong = check_name(key)
        if wrong:
            problems.add(key, wrong, "choose another name")
            refused.append(name)
        else:
            kept[name] = (key, value)
    return kept, refused


def limits_of(problems: Problems, table: Table, names: Mapping[str, Any]) -> tuple[Stated, ...]:
    """``budget`` and ``layer-budget`` as they stand, each size held to be one."""
    stated: list[Stated] = []
    budget = table.get("budget")
    if isinstance(budget, Table):
        stated += _entries(problems, budget, names, None, ())
    elif budget is not None:
        problems.add(budget, f"budget must be a mapping such as {{params: 30k}}, not {describe(budget)}")
    layers = table.get("layer-budget")
    if layers is None:
        return tuple(stated)
    listed = layers.items if isinstance(layers, Items) else [layers]
    for item in listed:
        if not isinstance(item, Table):
            problems.add(item, "a layer-budget is a mapping such as {match: 'encoder*', params: 25%}")
            continue
        match = text_of(problems, item.get("match"), "match") if "match" in item.items else "*"
        stated += _entries(problems, item, names, match, ("match",))
    return tuple(stated)


def _entries(
    problems: Problems, table: Table, names: Mapping[str, Any], match: str | None, other: tuple[str, ...]
) -> list[Stated]:
    from paramlint.budgets import METRICS, PER_LAYER, read_layer_limit, read_limit

    known = METRICS if match is None else PER_LAYER
    stated = []
    for metric, (key, node) in table.items.items():
        if metric in other:
            continue
        if metric not in known:
            words = [*known, *other]
            hint = did_you_mean(metric, words) or f"there are: {', '.join(words)}"
            problems.add(key, f"unknown metric {metric[:60]!r}", hint)
            continue
        value = value_or_none(problems, node, names, _MISSING)
        if value is _MISSING:
            continue
        source = problems.source(node)._replace(text=problems.line(node.line))
        read = read_limit if match is None else read_layer_limit
        try:
            read(metric, value, source)
        except QuantityError as error:
            problems.add(node, error.message, error.hint)
        stated.append(Stated(metric, value, source, match))
    return stated


def samples_of(problems: Problems, node: Node | None, names: Mapping[str, Any]) -> int | None:
    """The size of the training set."""
    if node is None:
        return None
    value = value_or_none(problems, node, names)
    if type(value) is int and value > 0:
        return value
    problems.add(node, f"samples must be a positive integer, not {show(value)}")
    return None
