"""What the converter rewrites: small rules, each under one name, found by listing this folder.

A rule looks at one operator, its root, and at what makes its operands; it rewrites and returns True, or returns False
and has changed nothing. Rules are tried from the last operator to the first, and again wherever one has changed
something, as the converter does: a chain of dense layers depends on that order. ``early`` rules come in a sweep of
their own in front, ``late`` ones when nothing is left for the others.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TypeVar

from paramlint.deploy.draft import Draft, Node, Value

Rule = Callable[[Draft, Node], bool]
Function = TypeVar("Function", bound=Rule)

RULES: dict[str, list[Rule]] = {}
EARLY: dict[str, list[Rule]] = {}
LATE: dict[str, list[Rule]] = {}


def rewrites(*kinds: str, early: bool = False, late: bool = False) -> Callable[[Function], Function]:
    """Register a rule for roots of these kinds; an early one is also tried with the others."""

    def register(function: Function) -> Function:
        for kind in kinds:
            (LATE if late else RULES).setdefault(kind, []).append(function)
            if early:
                EARLY.setdefault(kind, []).append(function)
        return function

    return register


def load() -> None:
    """Import every rule."""
    if not RULES:
        for module in pkgutil.iter_modules(__path__):
            importlib.import_module(f"{__name__}.{module.name}")


def rewrite(draft: Draft) -> None:
    """Apply the rules until none applies."""
    load()
    _sweep(draft, EARLY)
    _sweep(draft, RULES)
    both = {kind: [*RULES.get(kind, ()), *LATE.get(kind, ())] for kind in {*RULES, *LATE}}
    _sweep(draft, both)


def _sweep(draft: Draft, rules: dict[str, list[Rule]]) -> None:
    waiting = [node for node in draft.nodes if node.kind in rules and node.alive]
    for node in waiting:
        node.queued = True
    while waiting:
        node = waiting.pop()
        node.queued = False
        if not node.alive:
            continue
        for rule in rules.get(node.kind, ()):
            before = len(draft.nodes)
            outputs = list(node.outputs)
            if rule(draft, node):
                _wake(waiting, node, outputs, draft.nodes[before:])
                break


def _wake(waiting: list[Node], node: Node, outputs: list[Value], new: list[Node]) -> None:
    """Look again at the operator, at what reads it, and at operators that were added."""
    again = [*new, node]
    for value in outputs:
        again += value.users
        if value.node is not None:
            again.append(value.node)
            for made in value.node.outputs:
                again += made.users
    for one in again:
        if one.alive and not one.queued:
            one.queued = True
            waiting.append(one)
