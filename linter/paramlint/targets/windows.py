"""Facts of operators with a sliding window: convolution and pooling."""

from __future__ import annotations

from collections.abc import Sequence

from paramlint.deploy.model import Operator
from paramlint.ir import Shape
from paramlint.targets.operators import Fact

WINDOWS = frozenset(
    {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "CONV_3D", "AVERAGE_POOL_2D", "MAX_POOL_2D", "L2_POOL_2D"}
)


def window_facts(
    operator: Operator, one: Shape | None, other: Shape | None, before: Operator | None
) -> dict[str, Fact]:
    """Facts of a window. ``before`` is padding that stands as an operator of its own in front of it."""
    kernel, strides = _sizes(operator, "kernel"), _sizes(operator, "strides")
    dilations = _sizes(operator, "dilations") or (None if kernel is None else (1,) * len(kernel))
    spatial = operator.options.get("spatial")
    if not isinstance(spatial, int):
        spatial = None if kernel is None else len(kernel)
    if spatial == 2 and kernel is not None and _is_flat(kernel, one, other):
        spatial = 1
    facts: dict[str, Fact] = {"spatial": spatial, "groups": _groups(operator, one)}
    facts |= _pair("kernel", kernel, spatial) | _pair("stride", strides, spatial)
    facts |= {
        "kernel_max": max(kernel) if kernel else None,
        "kernel_area": _product(kernel),
        "kernel_elements": _elements(operator, other),
        "stride_max": max(strides) if strides else None,
        "dilation_max": max(dilations) if dilations else None,
        "square_kernel": len(set(kernel)) == 1 if kernel else None,
        "square_stride": len(set(strides)) == 1 if strides else None,
        "square_dilation": len(set(dilations)) == 1 if dilations else None,
    }
    return facts | _padding(operator, one, other, before)


def _is_flat(kernel: Sequence[int], one: Shape | None, other: Shape | None) -> bool:
    """True for a window over a sequence that is laid out as an image of one row or column."""
    if one is None or other is None or len(one) != 4 or len(other) != 4:
        return False
    return any(kernel[axis] == one[1 + axis] == other[1 + axis] == 1 for axis in (0, 1))


def _sizes(operator: Operator, name: str) -> tuple[int, ...] | None:
    value = operator.options.get(name)
    if not isinstance(value, (tuple, list)) or not value or not all(isinstance(size, int) for size in value):
        return None
    return tuple(value)


def _pair(name: str, sizes: Sequence[int] | None, spatial: int | None) -> dict[str, Fact]:
    """Height and width; what slides over one axis only has it as its width, however it is laid out."""
    if sizes is None:
        return {f"{name}_h": None, f"{name}_w": None}
    if spatial == 1:
        return {f"{name}_h": 1, f"{name}_w": max(sizes)}
    return {f"{name}_h": sizes[-2] if len(sizes) > 1 else 1, f"{name}_w": sizes[-1]}


def _product(sizes: Sequence[int] | None) -> int | None:
    if sizes is None:
        return None
    total = 1
    for size in sizes:
        total *= size
    return total


def _groups(operator: Operator, one: Shape | None) -> int | None:
    stated = operator.options.get("groups")
    if isinstance(stated, int):
        return stated
    if operator.kind != "DEPTHWISE_CONV_2D":
        return 1
    channels = one[-1] if one else None
    return channels if isinstance(channels, int) else None


def _elements(operator: Operator, other: Shape | None) -> int | None:
    filters = operator.constant("filter")
    channels = other[-1] if other else None
    if filters is None or not isinstance(channels, int) or channels == 0:
        return None
    return filters.elements // channels


def _padding(operator: Operator, one: Shape | None, other: Shape | None, before: Operator | None) -> dict[str, Fact]:
    word = operator.options.get("padding")
    pads = _sizes(operator, "pads")
    if pads is None and word == "VALID":
        pads = (0,)
    elif pads is None and word == "SAME":
        pads = _same(operator, one, other)
    stated = {"padding": str(word).lower() if isinstance(word, str) else None}
    more = _sizes(before, "pads") if before is not None else (0,)
    if pads is None or more is None:
        return {**stated, "pad_max": None, "symmetric_padding": None}
    return {**stated, "pad_max": max(pads) + max(more), "symmetric_padding": _balanced(pads) and _balanced(more)}


def _balanced(pads: tuple[int, ...]) -> bool:
    """True where each axis begins and ends with the same padding."""
    half = len(pads) // 2
    return half == 0 or pads[:half] == pads[half:]


def _same(operator: Operator, one: Shape | None, other: Shape | None) -> tuple[int, ...] | None:
    """The padding that SAME means: what the last window needs, the odd one at the end."""
    kernel, strides = _sizes(operator, "kernel"), _sizes(operator, "strides")
    if kernel is None or strides is None or one is None or other is None or operator.kind == "TRANSPOSE_CONV":
        return None
    dilations = _sizes(operator, "dilations") or (1,) * len(kernel)
    begins, ends = [], []
    axes = range(1, 1 + len(kernel))
    for axis, size, stride, dilation in zip(axes, kernel, strides, dilations, strict=False):
        length, made = one[axis] if axis < len(one) else None, other[axis] if axis < len(other) else None
        if not isinstance(length, int) or not isinstance(made, int):
            return None
        missing = max(0, (made - 1) * stride + (size - 1) * dilation + 1 - length)
        begins.append(missing // 2)
        ends.append(missing - missing // 2)
    return (*begins, *ends)
