"""In which order the axes of a source tensor lie in memory once deployed.

An order lists the source's axes from the outermost to the innermost. A tensor ``[N, C, H, W]`` of a convolution lies
channels last, so its order is ``(0, 2, 3, 1)`` and its deployed shape ``[N, H, W, C]``. A Transpose of the source
between these two only names the axes anew: nothing moves, which is how layouts vanish at convolutions.
"""

from __future__ import annotations

from collections.abc import Sequence

from paramlint.ir import Dim, Shape

Order = tuple[int, ...]

_IDENTITIES: list[Order] = [tuple(range(rank)) for rank in range(10)]
_CHANNELS_LAST: list[Order] = [tuple(range(rank)) if rank < 3 else (0, *range(2, rank), 1) for rank in range(10)]


def identity(rank: int) -> Order:
    """As the source has it."""
    return _IDENTITIES[rank] if rank < len(_IDENTITIES) else tuple(range(rank))


def channels_last(rank: int) -> Order:
    """Of a source whose axis 1 are channels."""
    return _CHANNELS_LAST[rank] if rank < len(_CHANNELS_LAST) else (0, *range(2, rank), 1)


def physical(shape: Shape, order: Order) -> tuple[Dim, ...]:
    """The deployed shape."""
    return tuple([shape[axis] for axis in order])


def sequence(shape: Shape, order: Order) -> list[int]:
    """The axes that matter for where an element lies: those that are not 1 long."""
    return [axis for axis in order if shape[axis] != 1]


def transposed(order: Order, perm: Sequence[int]) -> Order:
    """The order of a Transpose's output that lies as its input does."""
    place = {axis: index for index, axis in enumerate(perm)}
    return tuple([place[axis] for axis in order])


def before_transpose(order: Order, perm: Sequence[int]) -> Order:
    """The order that a Transpose's input must have so that the output has ``order``."""
    return tuple([perm[axis] for axis in order])


def lifted(order: Order, rank: int) -> Order:
    """The order of a tensor of fewer axes when axes of length 1 are put in front."""
    missing = rank - len(order)
    return (*range(missing), *[axis + missing for axis in order]) if missing else order


def reduced(order: Order, gone: frozenset[int]) -> Order:
    """The order of what is left when axes disappear."""
    kept = [axis for axis in range(len(order)) if axis not in gone]
    new = {axis: index for index, axis in enumerate(kept)}
    return tuple([new[axis] for axis in order if axis in new])


def reshaped(before: Shape, order: Order, after: Shape, wish: Order | None) -> Order | None:
    """The order of a Reshape's output that lies as its input does; None where elements would have to move.

    A Reshape joins and splits axes in the source's order. It moves nothing where each group of axes that are joined
    or split together lies together.
    """
    found = sequence(before, order)
    if sorted(found) != found:
        groups = _groups(before, after)
        if groups is None:
            return None
        found = _regrouped(found, groups)
        if not found:
            return None
    else:
        found = sequence(after, identity(len(after)))
    for candidate in (wish, identity(len(after)), channels_last(len(after))):
        if candidate is not None and len(candidate) == len(after) and sequence(after, candidate) == found:
            return candidate
    return (*[axis for axis in range(len(after)) if after[axis] == 1], *found)


def _groups(before: Shape, after: Shape) -> list[tuple[list[int], list[int]]] | None:
    """Axes of both shapes that hold the same elements, in the smallest groups; None where sizes are free."""
    if not all(isinstance(size, int) for size in (*before, *after)):
        return None
    left, right = sequence(before, identity(len(before))), sequence(after, identity(len(after)))
    groups: list[tuple[list[int], list[int]]] = []
    one, other = 1, 1
    mine: list[int] = []
    theirs: list[int] = []
    while left or right:
        if one <= other and left:
            mine.append(left.pop(0))
            one *= int(before[mine[-1]] or 0)
        elif right:
            theirs.append(right.pop(0))
            other *= int(after[theirs[-1]] or 0)
        else:
            return None
        if one == other and mine and theirs:
            groups.append((mine, theirs))
            mine, theirs = [], []
    return groups if not mine and not theirs else None


def _regrouped(found: list[int], groups: list[tuple[list[int], list[int]]]) -> list[int]:
    """The axes of the output in memory; empty where a group is torn apart."""
    of = {axes[0]: (axes, made) for axes, made in groups}
    result: list[int] = []
    index = 0
    while index < len(found):
        axes, made = of.get(found[index], ([], []))
        if not axes or found[index : index + len(axes)] != axes:
            return []
        result += made
        index += len(axes)
    return result
