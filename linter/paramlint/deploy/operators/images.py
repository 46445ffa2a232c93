"""Operators that change the size of images: blocks of pixels moved into channels and back, interpolation."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import numbers
from paramlint.deploy.lowering import Lowering, Unconverted, View, sizes
from paramlint.deploy.operators import converts
from paramlint.deploy.operators.movement import ratio
from paramlint.ir import Shape


@converts("DepthToSpace", "SpaceToDepth")
def blocks(low: Lowering) -> None:
    """Blocks of pixels moved into channels, or back; only TensorFlow's order of channels has an operator."""
    if len(low.source()) != 4:
        raise Unconverted(f"{low.step.kind} of {len(low.source())} axes")
    order = layout.channels_last(4)
    value, after, block = (
        low.ordered(low.flow(), order),
        layout.physical(low.out(), order),
        int(low.get("blocksize", 1)),
    )
    if low.get("mode", "DCR") == "DCR":
        kind = "DEPTH_TO_SPACE" if low.step.kind == "DepthToSpace" else "SPACE_TO_DEPTH"
        low.result(low.emit(kind, [value], after, {"block": block}), order)
        return
    batch, height, width, _ = value.shape or ()
    parted = (batch, height, width, after[-1], block, block)
    turned = (batch, height, block, width, block, after[-1])
    perm = (0, 1, 4, 2, 5, 3)
    split = low.emit("RESHAPE", [value, sizes(parted)], parted)
    moved = low.emit("TRANSPOSE", [split, numbers(perm)], turned, {"perm": perm})
    low.result(low.emit("RESHAPE", [moved, sizes(after)], after), order)


@converts("Resize", "Upsample")
def resize(low: Lowering) -> None:
    """RESIZE_BILINEAR or RESIZE_NEAREST_NEIGHBOR of an image."""
    view, before, after = low.flow(), low.source(), low.out()
    kinds = {"nearest": "RESIZE_NEAREST_NEIGHBOR", "linear": "RESIZE_BILINEAR", "bilinear": "RESIZE_BILINEAR"}
    mode = low.get("mode", "nearest")
    if before == after:
        low.bind(view)
        return
    if mode not in kinds:
        raise Unconverted(f"{low.step.kind} with mode {mode}")
    if len(before) == 3 and mode == "nearest":
        _repeated_steps(low, view)
        return
    if len(before) != 4:
        raise Unconverted(f"{low.step.kind} over {len(before) - 2} axes")
    order = _images(low, view, before, after)
    value = low.ordered(view, order)
    shape = layout.physical(after, order)
    made = low.emit(kinds[mode], [value, sizes(shape[1:3])], shape)
    low.result(made, order)


def _images(low: Lowering, view: View, before: Shape, after: Shape) -> layout.Order:
    """Channels are the axis that stays; where none is resized, as the input lies."""
    changed = [axis for axis in range(1, 4) if before[axis] != after[axis]]
    if 1 in changed and 3 not in changed:
        return layout.identity(4)
    return layout.channels_last(4) if 3 in changed else view.order


def _repeated_steps(low: Lowering, view: View) -> None:
    """A sequence whose steps are repeated: one more axis is tiled, then merged."""
    before, after = low.source(), low.out()
    order = layout.identity(3) if before[1] != after[1] else layout.channels_last(3)
    value, shape = low.ordered(view, order), layout.physical(after, order)
    batch, length, channels = value.shape or ()
    times = ratio(shape[1], length)
    single, several = (batch, length, 1, channels), (batch, length, times, channels)
    lifted = low.emit("RESHAPE", [value, sizes(single)], single, None, value.dtype)
    tiled = low.emit("TILE", [lifted, numbers((1, 1, times, 1))], several, None, value.dtype)
    low.result(low.emit("RESHAPE", [tiled, sizes(shape)], shape), order)
