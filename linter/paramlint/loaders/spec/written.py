"""What a file writes, before any variable has a value: references, blocks, and entries of lists of layers."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import NamedTuple

from paramlint.loaders.spec.arguments_reader import Arguments
from paramlint.loaders.spec.nodes import Node, Scalar, Table
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.types import snake_case
from paramlint.loaders.spec.vocabulary import Entry


class Reference(NamedTuple):
    """A named tensor: ``lstm:1`` is output 1 of ``lstm``."""

    node: Scalar
    name: str
    output: int


class Block:
    """A block as defined: its variables, its tensors' names, its layers.

    ``broken`` marks one without layers or outputs that could be read; its calls have their cause there.
    """

    __slots__ = (
        "broken", "input_names", "items", "key", "name", "outputs", "refused", "trainable", "unknown", "variables",
    )  # fmt: skip

    def __init__(self, name: str, key: Scalar) -> None:
        self.name, self.key, self.broken = name, key, False
        self.variables: dict[str, tuple[Scalar, Node]] = {}
        self.refused: list[str] = []  # names that no variable may have
        self.unknown: list[str] = []  # names that calls give and no variable has: what reads them inside has its cause
        self.input_names: list[str] | None = None
        self.outputs: list[Reference] | None = None
        self.trainable: Node | None = None
        self.items: list[Item] = []


class Item:
    """One entry of a list of layers: a layer or a call of a block.

    ``broken`` marks one whose error is already noted: it is not built, and what follows is not held against it.
    """

    __slots__ = (
        "active", "arguments", "block", "broken", "call_arguments", "dtype", "entry", "inputs", "merge", "name",
        "parallel", "place", "plain", "repeat", "shared", "table", "trainable", "type", "when", "written_name",
    )  # fmt: skip

    def __init__(self, word: str, place: Node, table: Table | None) -> None:
        self.type, self.place, self.table = word, place, table
        self.entry: Entry | None = None
        self.block: Block | None = None
        self.broken = False
        self.arguments: Arguments | None = None
        self.call_arguments: dict[str, Node] = {}
        self.name = ""
        self.written_name: Scalar | None = None
        self.inputs: list[Reference | None] | None = None
        self.shared: Scalar | None = None
        self.repeat = self.when = self.parallel = self.active = self.merge = self._none()
        self.trainable = self.dtype = self._none()
        self.plain = True

    @staticmethod
    def _none() -> Node | None:
        return None


def reference(node: Scalar) -> Reference:
    """``lstm:1`` as name and number; a number that is none stays part of the name, which then is unknown."""
    name, colon, number = node.text.rpartition(":")
    if colon and number.isascii() and number.isdigit() and len(number) < 6:
        return Reference(node, name, int(number))
    return Reference(node, node.text, 0)


def unread(node: Node) -> Item:
    """An entry that names no type: it keeps its place in the list, and its name stands for something that failed."""
    item = Item("", node, None)
    item.broken = True
    if isinstance(node, Table):
        inner = [one for _, one in node.items.values() if isinstance(one, Table)]  # {Linear: {name: head}}
        found = next((one.get("name") for one in (node, *inner) if "name" in one.items), None)
        if isinstance(found, Scalar) and found.text:
            item.written_name = found
    return item


def give_names(problems: Problems, items: Sequence[Item], taken: Container[str]) -> None:
    """The written names, held to be unique in their scope, and numbered ones for the rest."""
    written: dict[str, Scalar] = {}
    for item in items:
        node = item.written_name
        if node is None:
            continue
        if node.text in taken:
            problems.add(node, f"the name {node.text!r} belongs to an input", "choose another name")
        elif node.text in written:
            first = written[node.text].line
            problems.add(node, f"the name {node.text!r} is there twice, first in line {first}")
        written.setdefault(node.text, node)
        item.name = node.text
    counts: dict[str, int] = {}
    for item in items:
        if item.name:
            continue
        stem = item.type if item.block is not None else snake_case(item.type)
        number = counts.get(stem, 0)
        while (name := f"{stem}_{number}" if number else stem) in written or name in taken:
            number += 1
        counts[stem] = number + 1
        item.name = name
