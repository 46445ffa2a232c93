"""Windows that slide over images: sizes, padding as TensorFlow Lite names it, and sequences laid out as images."""

from __future__ import annotations

from typing import Any

from paramlint.deploy import layout
from paramlint.deploy.draft import Value
from paramlint.deploy.lowering import Lowering, Unconverted, View, sizes
from paramlint.ir import Dim

Pair = tuple[int, int]


class Window:
    """A window over height and width; over one axis only, the height is 1.

    ``padding`` is ``SAME``, ``VALID``, or ``PAD`` where it is neither and needs an operator of its own.
    """

    def __init__(self, axes: int, kernel: Pair, strides: Pair, dilations: Pair, pads: tuple[int, ...]) -> None:
        self.axes, self.kernel, self.strides, self.dilations, self.pads = axes, kernel, strides, dilations, pads
        self.padding = "VALID"
        self.out: tuple[Dim, ...] = ()

    def options(self) -> dict[str, Any]:
        """What the operator states."""
        return {
            "kernel": self.kernel, "strides": self.strides, "dilations": self.dilations, "padding": self.padding,
            "spatial": self.axes,
        }  # fmt: skip

    def images(self, low: Lowering) -> tuple[Dim, ...]:
        """The step's output as an image, channels last."""
        found = layout.physical(low.out(), low.windowed(len(low.out())))
        return found if self.axes == 2 else (found[0], 1, *found[1:])


def window(low: Lowering, rank: int) -> Window:
    """The window of the current step, its padding compared with what SAME would add."""
    kernel = low.get("kernel_shape")
    axes = rank - 2
    if axes < 1 or not isinstance(kernel, tuple) or len(kernel) != axes:
        raise Unconverted("a window whose size is not known")
    if axes > 2:
        return Window(axes, (0, 0), (1, 1), (1, 1), ())
    ones = (1,) * axes
    strides, dilations = low.get("strides", ones), low.get("dilations", ones)
    pads = low.get("pads") or (0,) * 2 * axes
    same_by_name = "pads" not in low.step.attributes and str(low.get("auto_pad", "")).startswith("SAME")
    if axes == 1:
        kernel, strides, dilations = (1, *kernel), (1, *strides), (1, *dilations)
        pads = (0, pads[0], 0, pads[1])
    found = Window(axes, _pair(kernel), _pair(strides), _pair(dilations), tuple(pads))
    found.padding = "SAME" if same_by_name else _padding(low, found)
    return found


def _pair(values: Any) -> Pair:
    return int(values[0]), int(values[1])


def _padding(low: Lowering, found: Window) -> str:
    """The name of the padding: SAME adds what the last window lacks, the odd one at the end."""
    begins, ends = found.pads[:2], found.pads[2:]
    if not any(found.pads):
        return "VALID"
    shape = layout.physical(low.source(), low.windowed(len(low.source())))[1:-1]
    lengths = (1, *shape) if found.axes == 1 else shape
    for axis, length in enumerate(lengths):
        size, step = (found.kernel[axis] - 1) * found.dilations[axis] + 1, found.strides[axis]
        if isinstance(length, int):
            needed = max((-(-length // step) - 1) * step + size - length, 0)
        elif step == 1:
            needed = size - 1
        else:
            return "PAD"
        if begins[axis] + ends[axis] != needed or not 0 <= ends[axis] - begins[axis] <= 1:
            return "PAD"
    return "SAME"


def to_images(low: Lowering, view: View, shape: Window) -> Value:
    """The input channels last; a sequence as an image of height 1."""
    value = low.ordered(view, low.windowed(len(view.order)))
    if shape.axes == 2:
        return value
    batch, *rest = value.shape or ()
    lifted = (batch, 1, *rest)
    return low.emit("RESHAPE", [value, sizes(lifted)], lifted, None, value.dtype)


def from_images(low: Lowering, made: Value, shape: Window) -> None:
    """Bind the output; an image of height 1 back to a sequence."""
    rank = len(low.out())
    if shape.axes == 1:
        batch, _, *rest = made.shape or ()
        flat = (batch, *rest)
        made = low.emit("RESHAPE", [made, sizes(flat)], flat, None, made.dtype)
    low.result(made, low.windowed(rank))
