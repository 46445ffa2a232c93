"""What the converter rewrites: small rules, each under one name, found by listing this folder.

A rule looks at one operator, its root, and at what makes its operands; it rewrites and returns True, or returns False
and has changed nothing. Rules are tried from the last operator to the first, and again wherever one has changed
something, as the converter does: a chain of dense layers depends on that order. ``early`` rules come in a sweep of
their own in front, ``late`` ones when nothing is left for the others.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from paramlint.deploy.draft import Draft, Node, Value

Rule = Callable[[Draft, Node], bool]
Function = TypeVar("Function", bound=Rule)


class Entry(NamedTuple):
    """A rule, and which operators must make one of its root's operands for it to be worth a look."""

    rule: Rule
    behind: frozenset[str] | None


Table = dict[str, tuple[Entry, ...]]

EARLY: Table = {}
RULES: Table = {}
DEEP: Table = {}  # rules that look further than one operator back, tried again once those have settled
LATE: Table = {}


def rewrites(
    *kinds: str,
    behind: Iterable[str] | None = None,
    early: bool = False,
    deep: bool = False,
    late: bool = False,
) -> Callable[[Function], Function]:
    """Register a rule for roots of these kinds; an early or deep one is also tried with the others."""

    def register(function: Function) -> Function:
        entry = Entry(function, None if behind is None else frozenset(behind))
        tables = [LATE] if late else [RULES] + [EARLY] * early + [DEEP] * deep
        for table in tables:
            for kind in kinds:
                table[kind] = (*table.get(kind, ()), entry)
        return function

    return register


def load() -> None:
    """Import every rule."""
    if not RULES:
        for module in pkgutil.iter_modules(__path__):
            importlib.import_module(f"{__name__}.{module.name}")


class _Plan(NamedTuple):
    """The rules of one kind of root; ``near`` are the makers that any of them needs, None where one needs none."""

    entries: tuple[Entry, ...]
    near: frozenset[str] | None


def _plans(*tables: Table) -> dict[str, _Plan]:
    """Rules by kind of root, those of the first table first."""
    plans = {}
    for kind in dict.fromkeys(kind for table in tables for kind in table):
        entries = tuple([entry for table in tables for entry in table.get(kind, ())])
        needed = [entry.behind for entry in entries if entry.behind is not None]
        plans[kind] = _Plan(entries, frozenset().union(*needed) if len(needed) == len(entries) else None)
    return plans


def rewrite(draft: Draft) -> None:
    """Apply the rules until none applies."""
    load()
    rules = _plans(RULES)
    early = _plans(EARLY)
    _sweep(draft, early, early)
    _sweep(draft, rules, rules)
    _sweep(draft, _plans(DEEP), rules)
    _sweep(draft, _plans(LATE), _plans(RULES, LATE))


def _sweep(draft: Draft, first: dict[str, _Plan], again: dict[str, _Plan]) -> None:
    """From the last operator to the first with one table, then with another wherever something has changed."""
    for node in reversed([node for node in draft.nodes if node.kind in first and node.alive]):
        if node.alive and node.kind in first:
            waiting = _try(draft, node, first[node.kind])
            while waiting:
                one = waiting.pop()
                one.queued = False
                if one.alive and one.kind in again:
                    _wake(waiting, _try(draft, one, again[one.kind]))


def _try(draft: Draft, node: Node, plan: _Plan) -> list[Node]:
    """Apply the first rule that fits; returns the operators that are to be looked at again."""
    makers = [operand.node.kind for operand in node.inputs if isinstance(operand, Value) and operand.node is not None]
    if plan.near is not None and plan.near.isdisjoint(makers):
        return []
    for rule, behind in plan.entries:
        if behind is not None and behind.isdisjoint(makers):
            continue
        before, outputs = len(draft.nodes), node.outputs
        if rule(draft, node):
            return _touched(node, outputs, draft.nodes[before:])
    return []


def _touched(node: Node, outputs: list[Value], new: list[Node]) -> list[Node]:
    """The operator, what reads it, and operators that were added."""
    found = dict.fromkeys((*new, node))
    for value in outputs:
        found.update(dict.fromkeys(value.users))
        maker = value.node
        if maker is not None:
            found[maker] = None
            for made in maker.outputs:
                found.update(dict.fromkeys(made.users))
    return list(found)


def _wake(waiting: list[Node], touched: list[Node]) -> None:
    for one in touched:
        if not one.queued:
            one.queued = True
            waiting.append(one)
