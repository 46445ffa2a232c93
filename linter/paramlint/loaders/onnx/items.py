"""The parts of a flat graph: nodes, the bodies that run inside some of them, and the names that a body sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CONTROL = frozenset({"If", "Loop", "Scan", "SequenceMap"})  # nodes with bodies


class GraphError(Exception):
    """The graph contradicts itself: one phrase, and the node where there is one."""

    def __init__(self, message: str, node: str | None = None) -> None:
        super().__init__(message)
        self.node = node


class Context:
    """A body that runs inside a node: a branch of If, the body of Loop, Scan or SequenceMap."""

    __slots__ = ("inputs", "item", "outputs", "parent", "role")

    def __init__(self, parent: int, role: str, item: Item) -> None:
        self.parent, self.role, self.item = parent, role, item
        self.inputs: list[str] = []  # the body's own inputs
        self.outputs: list[str] = []


class Item:
    """One node of the flat list. ``enters`` is set on the mark before a body: its inputs become known there."""

    __slots__ = (
        "bodies",
        "context",
        "domain",
        "enters",
        "fixed",
        "inputs",
        "key",
        "kind",
        "name",
        "op",
        "opset",
        "outer",
        "outputs",
        "proto",
        "scope",
        "uses",
    )

    def __init__(self, kind: str, domain: str, name: str, inputs: list[str], outputs: list[str]) -> None:
        self.kind, self.domain, self.name = kind, domain, name
        self.inputs, self.outputs = inputs, outputs
        self.proto: Any = None
        self.outer: Mapping[str, Any] | None = None  # attributes of the call, which a function's node may refer to
        self.opset = 0
        self.context = 0
        self.scope = ""
        self.key = ""  # identity of the node's definition, the same for every call of its function
        self.op: Any = None
        self.uses: list[Any] = []
        self.bodies: list[int] | None = None
        self.enters: int | None = None
        self.fixed = False  # nothing about its results depends on a graph input (set while tracing)


class Scope:
    """Names of one graph or function body, with those around it."""

    __slots__ = ("call", "definition", "depth", "names", "opsets", "outer", "path")

    def __init__(self, outer: Scope | None, path: str, definition: str, opsets: Mapping[str, int], depth: int) -> None:
        self.outer, self.path, self.definition, self.opsets, self.depth = outer, path, definition, opsets, depth
        self.names: dict[str, str] = {}
        self.call: Mapping[str, Any] | None = None

    def find(self, name: str) -> str | None:
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.outer
        return None


def check_text(texts: Iterable[str], where: str) -> None:
    """GraphError where a name is no UTF-8: protobuf hands such a one over as bytes."""
    try:
        "".join(texts)
    except TypeError:
        raise GraphError(f"{where} holds a name that is no UTF-8 text") from None
