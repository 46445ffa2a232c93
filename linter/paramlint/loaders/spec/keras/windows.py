"""Where the channels stand in Keras's tensors, and windows that slide over the rest under its paddings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from paramlint.formulas import pooling
from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import optional
from paramlint.loaders.spec.keras.checks import caseless
from paramlint.loaders.spec.layer_checks import show
from paramlint.loaders.spec.vocabulary import Argument, Call

DATA_FORMAT = Argument(
    optional(caseless("channels_last", "channels_first")), "Where the channels stand; channels_last by default.", None
)
OVER = {1: "sequences", 2: "images", 3: "volumes"}
_LAST = {1: "NWC", 2: "NHWC", 3: "NDHWC"}
_FIRST = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


def channels_first(call: Call) -> bool:
    return bool(call.args["data_format"] == "channels_first")


def parted(call: Call, sizes: Shape) -> tuple[Shape, Dim]:
    """The spatial sizes of a shape, and its channels."""
    return (sizes[1:], sizes[0]) if channels_first(call) else (sizes[:-1], sizes[-1])


def joined(call: Call, spatial: Sequence[Dim], channels: Dim) -> tuple[Dim, ...]:
    """A shape of spatial sizes and channels in the layer's order."""
    return (channels, *spatial) if channels_first(call) else (*spatial, channels)


def layout(call: Call, rank: int) -> str:
    """The order of axes as operators state it: ``NHWC``."""
    return (_FIRST if channels_first(call) else _LAST)[rank]


def fixed(call: Call, size: Dim, sizes: Shape, what: str = "channels") -> int:
    """A size on which weights depend, which must be a number above 0."""
    if not isinstance(size, int):
        call.fail(f"the {what} of the input {show(sizes)} must be fixed", None, "bind the size, or write the number")
    if size == 0:
        call.fail(f"the input {show(sizes)} has no {what}")
    return size


PADDING = Argument(caseless("valid", "same"), "'valid' adds nothing, 'same' keeps length / stride.", "valid")


class Window:
    """A window over spatial sizes under one of Keras's paddings: how often it fits, and what is added where."""

    def __init__(
        self, size: tuple[int, ...], steps: tuple[int, ...], padding: str, gaps: tuple[int, ...] | None = None
    ) -> None:
        self.size, self.steps, self.padding = size, steps, padding
        self.gaps = gaps or (1,) * len(size)

    def lengths(self, call: Call, sizes: Shape, argument: str = "kernel_size") -> tuple[Dim, ...]:
        """Output lengths; a free one stays free, under its name where the length does not change."""
        made: list[Dim] = []
        for length, window, step, gap in zip(sizes, self.size, self.steps, self.gaps, strict=True):
            span = pooling.extent(window, gap)
            if not isinstance(length, int):
                kept = step == 1 and (self.padding != "valid" or span == 1)
                made.append(length if kept else None)
                continue
            count = pooling.slid(length, window, step, 0, 0, gap) if self.padding == "valid" else -(-length // step)
            if count < 1:
                call.fail(f"the window spans {span}, the input only {length} of {show(sizes)}", argument)
            made.append(count)
        return tuple(made)

    def attributes(self, call: Call, sizes: Shape) -> dict[str, Any]:
        """What an operator states: window, strides, dilations, layout, and pads (by name where a length is free)."""
        made: dict[str, Any] = {"kernel_shape": self.size, "strides": self.steps, "dilations": self.gaps}
        made["layout"] = layout(call, len(self.size))
        before: list[int] = []
        after: list[int] = []
        for length, window, step, gap in zip(sizes, self.size, self.steps, self.gaps, strict=True):
            if self.padding == "valid":
                sides: tuple[int, int] | None = (0, 0)
            else:
                sides = pooling.same_pads(length, window, step, gap)
            if sides is None:
                return made | {"auto_pad": "SAME_UPPER"}
            before.append(sides[0])
            after.append(sides[1])
        return made | {"pads": (*before, *after)}
