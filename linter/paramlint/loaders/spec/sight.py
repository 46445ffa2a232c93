"""Variables that no use will ever evaluate: in blocks that nobody calls, layers switched off, repetitions of 0.

What is evaluated meets an unknown variable by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from paramlint.expressions import ExpressionError, parse
from paramlint.loaders.spec.nodes import Items, Node, Scalar
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.values import Fault, Names, handed_on, operator_hint, unknown_variable
from paramlint.loaders.spec.written import Block, Item

_COPIES = {"index": None, "count": None}
_NO_VALUES = ("type", "name", "inputs", "shared_with", "repeat")  # repeat is read before index is known


def check_variables(
    problems: Problems, blocks: Mapping[str, Block], items: Sequence[Item], variables: Mapping[str, Any]
) -> None:
    """Note every variable that is not in sight where it is written."""
    _items(problems, items, variables)
    for block in blocks.values():
        names = {**variables, **dict.fromkeys(block.refused), "in_channels": None}
        for name, (_, default) in block.variables.items():
            _node(problems, default, names)
            names[name] = None
        _items(problems, block.items, names)


def _items(problems: Problems, items: Iterable[Item], names: Names) -> None:
    for item in items:
        if item.table is None:
            continue
        inner = names if item.repeat is None and item.parallel is None else {**names, **_COPIES}
        for key, (_, node) in item.table.items.items():
            if key not in _NO_VALUES:
                _node(problems, node, inner)


def _node(problems: Problems, node: Node, names: Names) -> None:
    for scalar in _scalars(node):
        try:
            _scalar(scalar, names)
        except Fault as fault:
            problems.add(fault.node, fault.message, fault.hint, fault.cause)


def _scalar(node: Scalar, names: Names) -> None:
    text = node.text.strip()
    name = handed_on(node)
    used: Iterable[str] = () if name is None else (name,)
    if name is None and text.startswith("${") and text.endswith("}"):
        try:
            used = parse(text[2:-1]).names
        except ExpressionError as error:
            raise Fault(node, str(error), operator_hint(text[2:-1])) from None
    for one in used:
        if one not in names:
            raise unknown_variable(node, one, names)


def _scalars(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        if "$" in node.text:
            yield node
        return
    for item in node.items if isinstance(node, Items) else [value for _, value in node.items.values()]:
        yield from _scalars(item)
