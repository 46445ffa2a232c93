"""Scopes while they are expanded: what names stand for, and how a reference finds its tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from paramlint.ir import Dim, DType, Tensor
from paramlint.loaders.spec.nodes import Scalar
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.written import Item, Reference
from paramlint.spelling import did_you_mean

#: The output of a layer that failed.
POISON = Tensor("", None)

#: What a layer puts out; None where it failed.
Outputs = tuple[Tensor | None, ...] | None


class Made(NamedTuple):
    """What a name stands for: outputs, and the rows that each of its copies has (for ``shared_with``)."""

    outputs: Outputs
    spans: tuple[tuple[int, int], ...] = ()
    block: str | None = None


class Owners:
    """The rows whose weights the layers of a tied call take, one after the other; ``node`` says so in the file."""

    __slots__ = ("_at", "_rows", "name", "node")

    def __init__(self, rows: Sequence[int], node: Scalar) -> None:
        self._rows, self._at = rows, 0
        self.node, self.name = node, node.text

    def take(self) -> int | None:
        """The next row; None where the call has more layers than the owner."""
        self._at += 1
        return self._rows[self._at - 1] if self._at <= len(self._rows) else None

    @property
    def fit(self) -> bool:
        return self._at == len(self._rows)


class Frame:
    """A scope while it is expanded. ``outer`` holds the top level's names for a block, None at the top."""

    __slots__ = (
        "active", "dtype", "input_names", "inputs", "items", "names", "outer", "owners", "prefix", "trainable",
        "variables",
    )  # fmt: skip

    def __init__(
        self, prefix: str, variables: Mapping[str, Any], outer: dict[str, Made] | None, dtype: DType, trainable: bool
    ) -> None:
        self.prefix, self.variables, self.outer = prefix, variables, outer
        self.dtype, self.trainable, self.active = dtype, trainable, True
        self.items: Sequence[Item] = ()
        self.names: dict[str, Made] = {}
        self.inputs: tuple[Tensor | None, ...] = ()
        self.input_names: Sequence[str] = ()
        self.owners: Owners | None = None


def resolve(problems: Problems, ref: Reference, frame: Frame) -> Tensor:
    """The tensor that a reference names; an unknown one is noted."""
    made = frame.names.get(ref.name)
    if made is None and frame.outer is not None:
        if ref.name == "input":
            made = Made(frame.inputs)
        elif ref.name in frame.input_names:
            at = list(frame.input_names).index(ref.name)
            made = Made((frame.inputs[at],))
        else:
            made = frame.outer.get(ref.name)
    if made is None:
        unknown(problems, ref, frame)
        return POISON
    if made.outputs is None:
        return POISON
    if ref.output >= len(made.outputs):
        count = len(made.outputs)
        has = f"only {count} outputs" if count > 1 else "only one output" if count else "no output"
        problems.add(ref.node, f"{ref.name!r} has {has}", cause=f"outputs {id(frame.items)} {ref.name}")
        return POISON
    found = made.outputs[ref.output]
    if found is None:
        problems.add(ref.node, f"output {ref.output} of {ref.name!r} is not there with its arguments")
        return POISON
    return found


def unknown(problems: Problems, ref: Reference, frame: Frame) -> None:
    """Note a reference that leads nowhere."""
    words = [*frame.names, *frame.input_names]
    if frame.outer is not None:
        words = list(dict.fromkeys([*words, "input", *frame.outer]))
    hint = _out_of_sight(ref.name, frame) or did_you_mean(ref.name, words)
    if hint is None and words:
        hint = f"there are: {', '.join(words[:12])}"
    cause = f"name {id(frame.items)} {ref.name}"  # one scope, one name
    problems.add(ref.node, f"no layer or input above is called {ref.name[:60]!r}", hint, cause)


def _out_of_sight(name: str, frame: Frame) -> str | None:
    """A way out where the name leads to a layer that cannot be named from here."""
    head, dot, _ = name.partition(".")
    for item in frame.items:
        if item.name == name and item.written_name is None:
            return f"only a written name can be referred to: give the layer in line {item.place.line} name: {name}"
        if item.name == name:
            return f"{name!r} stands in line {item.place.line}, and inputs name only what is above them"
        if dot and item.name == head and item.block is not None:
            return f"from outside a block shows its outputs: let {item.type!r} name them, and write {head} or {head}:1"
    return None


def show_shape(shape: Sequence[Dim] | None) -> str:
    """A shape as a spec writes it."""
    return "[" + ", ".join("null" if size is None else str(size) for size in shape or ()) + "]"
