"""Windows that slide over images: sizes, padding as TensorFlow Lite names it, and sequences laid out as images."""

from __future__ import annotations

from typing import Any, NamedTuple

from paramlint.deploy import layout
from paramlint.deploy.draft import Value
from paramlint.deploy.layout import Order
from paramlint.deploy.lowering import Lowering, Unconverted, View, sizes
from paramlint.ir import Dim, Shape

Pair = tuple[int, int]


class Window(NamedTuple):
    """A window over height and width; over one axis only, the height is 1.

    ``padding`` is ``SAME``, ``VALID``, or ``PAD`` where it is neither and needs an operator of its own. ``order`` is
    how the input wants to lie, ``out`` the output as an image, channels last. ``hangs`` says that the last window of
    a pooling hangs over the edge; what it lacks is padding at the end.
    """

    axes: int
    kernel: Pair
    strides: Pair
    dilations: Pair
    pads: tuple[int, ...]
    padding: str
    order: Order
    out: tuple[Dim, ...]
    hangs: bool = False

    def options(self) -> dict[str, Any]:
        """What the operator states; padding with an operator of its own leaves it none."""
        return {
            "kernel": self.kernel, "strides": self.strides, "dilations": self.dilations,
            "padding": "SAME" if self.padding == "SAME" else "VALID", "spatial": self.axes,
        }  # fmt: skip


def window(low: Lowering, what: str) -> Window:
    """The window of the current step, its padding compared with what SAME would add; ``what`` names the operator."""
    get = low.step.attributes.get
    kernel = get("kernel_shape")
    if kernel is None and 1 in low.step.weights:
        kernel = low.step.weights[1].shape[2:]
    key = (
        kernel, get("strides"), get("dilations"), get("pads"), get("auto_pad"), get("layout"), low.source(), low.out(),
    )  # fmt: skip
    found = low.windows.get(key)
    if found is None:
        found = low.windows[key] = _window(low, what, *key)
    return found


def _window(
    low: Lowering, what: str, kernel: Any, strides: Any, dilations: Any, pads: Any, auto: Any, _: Any, before: Shape,
    after: Shape,
) -> Window:  # fmt: skip
    axes = len(before) - 2
    if axes < 1 or not isinstance(kernel, tuple) or len(kernel) != axes:
        raise Unconverted(f"{what} with a window whose size is not known")
    if axes > 2:
        raise Unconverted(f"{what} over {axes} axes")
    ones = (1,) * axes
    order = low.windowed(len(before))
    shape, out = layout.physical(before, order), layout.physical(after, order)
    sides = pads or (0,) * 2 * axes
    if axes == 1:
        sides = (0, sides[0], 0, sides[1])
        shape, out = (shape[0], 1, *shape[1:]), (out[0], 1, *out[1:])
    size, step, spread = _pair(kernel), _pair(strides or ones), _pair(dilations or ones)
    if min(*size, *step, *spread) < 1:
        raise Unconverted(f"{what} with a window of no size or no step")
    if pads is None and str(auto or "").startswith("SAME"):
        return Window(axes, size, step, spread, tuple(sides), "SAME", order, out)
    over = [0, 0]
    if low.step.kind in ("MaxPool", "AveragePool"):
        over = [_over(shape, out, axis, size, step, sides) for axis in (0, 1)]
    sides = (*sides[:2], sides[2] + over[0], sides[3] + over[1])
    return Window(
        axes, size, step, spread, sides, _padding(shape[1:-1], size, step, spread, sides), order, out, any(over)
    )


def _over(shape: Shape, out: Shape, axis: int, size: Pair, step: Pair, sides: tuple[int, ...]) -> int:
    """How far the last window hangs over the edge."""
    length, made = shape[axis + 1], out[axis + 1]
    if not isinstance(length, int) or not isinstance(made, int):
        return 0
    return max((made - 1) * step[axis] + size[axis] - length - sides[axis] - sides[axis + 2], 0)


def _pair(values: tuple[int, ...]) -> Pair:
    return (1, int(values[0])) if len(values) == 1 else (int(values[0]), int(values[1]))


def _padding(lengths: Shape, kernel: Pair, strides: Pair, dilations: Pair, pads: tuple[int, ...]) -> str:
    """The name of the padding: SAME adds what the last window lacks, the odd one at the end."""
    if not any(pads):
        return "VALID"
    for axis, length in enumerate(lengths):
        size, step = (kernel[axis] - 1) * dilations[axis] + 1, strides[axis]
        begin, end = pads[axis], pads[axis + 2]
        if isinstance(length, int):
            needed = max((-(-length // step) - 1) * step + size - length, 0)
        elif step == 1:
            needed = size - 1
        else:
            return "PAD"
        if begin + end != needed or not 0 <= end - begin <= 1:
            return "PAD"
    return "SAME"


def to_images(low: Lowering, view: View, shape: Window) -> Value:
    """The input channels last; a sequence as an image of height 1."""
    value = low.ordered(view, shape.order)
    if shape.axes == 2:
        return value
    batch, *rest = value.shape or ()
    lifted = (batch, 1, *rest)
    return low.emit("RESHAPE", [value, sizes(lifted)], lifted, None, value.dtype)


def from_images(low: Lowering, made: Value, shape: Window) -> None:
    """Bind the output; an image of height 1 back to a sequence."""
    if shape.axes == 1:
        batch, _, *rest = made.shape or ()
        flat = (batch, *rest)
        made = low.emit("RESHAPE", [made, sizes(flat)], flat, None, made.dtype)
    low.result(made, shape.order)
