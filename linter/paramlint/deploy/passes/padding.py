"""Padding that a convolution does by itself."""

from __future__ import annotations

from paramlint.deploy.draft import Draft, Node
from paramlint.deploy.passes import rewrites


@rewrites("CONV_2D", "DEPTHWISE_CONV_2D", behind=("PAD",))
def same_padding(draft: Draft, node: Node) -> bool:
    """Zeros in front of a convolution that are what SAME adds."""
    before = node.source()
    if before is None or before.kind != "PAD" or node.options.get("padding") != "VALID":
        return False
    entered = before.value()
    sides = before.options.get("pads", ())
    if entered is None or entered.rank != 4 or len(sides) != 4 or not any(sides):
        return False
    shape = entered.shape or ()
    padded = before.made.shape or ()
    if shape[0] != padded[0] or shape[3] != padded[3]:
        return False
    for axis in (0, 1):
        length, begin, end = shape[axis + 1], sides[axis], sides[axis + 2]
        if not isinstance(length, int) or not 0 <= end - begin <= 1:
            return False
        step = node.options["strides"][axis]
        extent = (node.options["kernel"][axis] - 1) * node.options["dilations"][axis] + 1
        if (-(-length // step) - 1) * step + extent - length != begin + end:
            return False
    node.options["padding"] = "SAME"
    draft.rewire(node, 0, entered)
    return True
