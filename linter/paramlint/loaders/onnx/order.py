"""Nodes in an order in which every value is made before it is read, as a file should but need not list them."""

from __future__ import annotations

from typing import Any

from paramlint.loaders.onnx.attributes import graphs_of
from paramlint.loaders.onnx.items import CONTROL, GraphError, Scope


def in_order(rows: list[tuple[Any, list[str], list[str]]], scope: Scope) -> bool:
    known = set(scope.names)
    outer = scope.outer
    for node, inputs, outputs in rows:
        for name in inputs:
            if name and name not in known and (outer is None or outer.find(name) is None):
                return False
        if node.op_type in CONTROL and any(
            name not in known and (outer is None or outer.find(name) is None) for name in captured(node)
        ):
            return False
        known.update(outputs)
    return True


def captured(node: Any) -> set[str]:
    """Names that the bodies of a node take from outside."""
    free: set[str] = set()
    for _, graph in graphs_of(node, None):
        own = {info.name for info in graph.input} | {proto.name for proto in graph.initializer}
        own |= {proto.values.name for proto in graph.sparse_initializer}
        used: set[str] = {info.name for info in graph.output}
        for inner in graph.node:
            used.update(inner.input)
            if inner.op_type in CONTROL:
                used |= captured(inner)
        for inner in graph.node:
            own.update(inner.output)
        free |= used - own
    free.discard("")
    return free


def sort(rows: list[tuple[Any, list[str], list[str]]], scope: Scope) -> list[tuple[Any, list[str], list[str]]]:
    """Rows in an order in which every input is made before it is read; GraphError for a cycle."""
    producer: dict[str, int] = {}
    for index, (_, _, outputs) in enumerate(rows):
        for name in outputs:
            if name and name in producer:
                raise GraphError(f"the name {name!r} is defined twice")
            producer[name] = index
    waiting, readers = [0] * len(rows), [[] for _ in rows]  # type: list[int], list[list[int]]
    for index, (node, inputs, _) in enumerate(rows):
        needed = set(inputs) | (captured(node) if node.op_type in CONTROL else set())
        for name in needed:
            if name and name in producer:
                waiting[index] += 1
                readers[producer[name]].append(index)
            elif name and scope.find(name) is None:
                label = node.name or node.op_type
                raise GraphError(f"input {name!r} of node {label!r} is defined nowhere", label)
    ready = [index for index, count in enumerate(waiting) if not count]
    order: list[int] = []
    for index in ready:
        order.append(index)
        for reader in readers[index]:
            waiting[reader] -= 1
            if not waiting[reader]:
                ready.append(reader)
    if len(order) < len(rows):
        stuck = next(row[0] for index, row in enumerate(rows) if waiting[index])
        label = stuck.name or stuck.op_type
        raise GraphError(f"node {label!r} depends on its own output", label)
    return [rows[index] for index in order]
