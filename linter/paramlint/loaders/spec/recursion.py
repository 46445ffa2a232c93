"""Blocks that call themselves, and calls nested beyond every need."""

from __future__ import annotations

from collections.abc import Mapping

from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.written import Block

MAX_CALLS = 40  # blocks inside blocks; a network nests three or four


def refuse_cycles(problems: Problems, blocks: Mapping[str, Block]) -> None:
    """Note each cycle at the call that closes it, and cut it there."""
    heights: dict[str, int] = {}
    for block in blocks.values():
        _height(problems, block, [], heights)


def _height(problems: Problems, block: Block, path: list[str], heights: dict[str, int]) -> int:
    """How many blocks are inside each other from this one down; at most MAX_CALLS, where calls are cut."""
    if block.name in heights:
        return heights[block.name]
    path = [*path, block.name]
    height = 1
    for item in block.items:
        if item.block is None:
            continue
        if item.block.name in path:
            way = " -> ".join([*path[path.index(item.block.name) :], item.block.name])
            problems.add(item.place, f"the block {item.block.name!r} calls itself: {way}")
            item.broken = True
        elif len(path) >= MAX_CALLS or _height(problems, item.block, path, heights) >= MAX_CALLS:
            problems.add(item.place, f"blocks call each other more than {MAX_CALLS} levels deep")
            item.broken = True
        else:
            height = max(height, 1 + heights[item.block.name])
    heights[block.name] = height
    return height
