"""Reshapes and repetitions that an operator's own broadcast makes superfluous."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Node, Value
from paramlint.deploy.passes import rewrites
from paramlint.deploy.passes.reshape import MOST_AXES, reduced_tail
from paramlint.ir import Shape


@rewrites("ADD", "SUB", "MUL", "DIV", behind=("RESHAPE",))
def reshape_for_broadcast(draft: Draft, node: Node) -> bool:
    """A reshape that only puts ones in front, which the operator does by itself."""
    for mine, other in ((0, 1), (1, 0)):
        move, value, partner = node.source(mine), node.value(mine), node.inputs[other]
        if move is None or value is None or move.kind != "RESHAPE" or partner is None:
            continue
        entered = move.value()
        if entered is None or entered.rank > value.rank or value.rank > len(partner.shape or ()):
            continue
        if max(entered.rank, len(partner.shape or ())) > MOST_AXES:
            continue
        if not reduced_tail(value.shape or (), entered.shape or ()) or not _only_binary(value):
            continue
        draft.rewire(node, mine, entered)
        return True
    return False


def _only_binary(value: Value) -> bool:
    if value.outputs:
        return False
    return value.once or all(user.kind in ("ADD", "SUB", "MUL", "DIV") for user in value.users)


@rewrites("ADD", "SUB", "MUL", "DIV", behind=("TILE", "BROADCAST_TO"))
def repeat_for_broadcast(draft: Draft, node: Node) -> bool:
    """A repetition that the operator's broadcast does by itself."""
    for mine, other in ((0, 1), (1, 0)):
        tile, partner = node.source(mine), node.inputs[other]
        if tile is None or partner is None or tile.kind not in ("TILE", "BROADCAST_TO"):
            continue
        entered = tile.value()
        if entered is None or max(entered.rank, len(partner.shape or ())) > MOST_AXES:
            continue
        if _broadcast(entered.shape or (), partner.shape or ()) == node.made.shape:
            draft.rewire(node, mine, entered)
            return True
    return False


def _broadcast(one: Shape, other: Shape) -> Shape | None:
    if len(one) < len(other):
        one, other = other, one
    missing = len(one) - len(other)
    found = list(one[:missing])
    for a, b in zip(one[missing:], other, strict=True):
        if a != b and 1 not in (a, b):
            return None
        found.append(b if a == 1 else a)
    return tuple(found)
