"""Facts that only ask for shapes. Where a size is free the fact is None."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paramlint.ir import Shape
from paramlint.targets.operators import Fact


def known(size: object) -> int | None:
    """A dimension as a number; None where it is free."""
    return size if isinstance(size, int) else None


def product(sizes: Iterable[object]) -> int | None:
    """The product of dimensions; None where one is free."""
    total = 1
    for size in sizes:
        if not isinstance(size, int):
            return None
        total *= size
    return total


#: What every operator with an input and an output has, be its rank known or not.
_ALWAYS = (
    "rank", "largest_dim", "outer_dims_one", "in_h", "in_w", "in_channels", "out_h", "out_w", "out_channels", "batch",
    "in_area", "dims_above_one", "smallest_dim", "one_dimensional", "output_dims_above_one",
)  # fmt: skip


def shape_facts(found: Sequence[Shape | None], made: Sequence[Shape | None]) -> dict[str, Fact]:
    """What only asks for shapes. Height, width and channels are the last three axes, as far as there are so many.

    Where not even a rank is known, nothing is.
    """
    facts: dict[str, Fact] = {}
    ins, outs = [shape for shape in found if shape is not None], [shape for shape in made if shape is not None]
    if len(ins) < len(found) or len(outs) < len(made):
        return dict.fromkeys(_ALWAYS)
    every = [*ins, *outs]
    if every:
        facts["rank"] = max(len(shape) for shape in every)
        sizes = [known(size) for shape in every for size in shape]
        facts["largest_dim"] = _largest(sizes)
        facts["outer_dims_one"] = _all_one([size for shape in every for size in shape[:-3]])
    for prefix, shapes in (("in_", ins), ("out_", outs)):
        if shapes:
            inner = [known(size) for size in shapes[0][1:]][-3:]
            names = ("h", "w", "channels")[3 - len(inner) :]
            facts |= {prefix + name: size for name, size in zip(names, inner, strict=True)}
    if ins:
        shape = ins[0]
        facts["batch"] = known(shape[0]) if shape else 1
        facts["in_area"] = product(shape[:-1])
        facts["dims_above_one"] = _above_one(shape)
        inner = [known(size) for size in shape[1:]][-3:]
        facts["smallest_dim"] = 1 if 1 in inner or len(inner) < 3 else _smallest(inner)
        facts["one_dimensional"] = None if None in inner[:2] else 1 in inner[:2] or len(inner) < 3
    if outs:
        facts["output_dims_above_one"] = _above_one(outs[0])
    return facts


def _largest(sizes: list[int | None]) -> int | None:
    return None if None in sizes else max((size for size in sizes if size is not None), default=1)


def _smallest(sizes: list[int | None]) -> int | None:
    return None if None in sizes else min(size for size in sizes if size is not None)


def _all_one(sizes: Iterable[object]) -> bool | None:
    found = list(sizes)
    if any(isinstance(size, int) and size != 1 for size in found):
        return False
    return True if all(size == 1 for size in found) else None


def _above_one(shape: Shape) -> int | None:
    sizes = [known(size) for size in shape]
    return None if None in sizes else sum(size > 1 for size in sizes if size is not None)


def flattening(one: Shape | None, other: Shape | None) -> dict[str, Fact]:
    """A reshape to one row for each sample; any other moves values about and flattens nothing."""
    if one is None or other is None:
        return {"flattened": None, "flattened_area": None}
    if len(other) != 2 or len(one) < 3:
        return {}
    return {"flattened": product(one[1:]), "flattened_area": product(one[1:-1])}


def reduction(one: Shape | None, axes: frozenset[int] | None) -> dict[str, Fact]:
    if one is None or axes is None:
        return {"reduced_max": None, "reduces_batch": None, "reduces_depth": None}
    return {
        "reduced_max": _largest([known(one[axis]) for axis in axes]),
        "reduces_batch": 0 in axes,
        "reduces_depth": len(one) - 1 in axes,
    }


def changes_batch(one: Shape | None, other: Shape | None) -> bool | None:
    if not one or not other:
        return None
    if len(one) == len(other):
        return one[0] != other[0] if known(one[0]) and known(other[0]) else None
    return other[1:] == one and other[:1] + other[2:] != one  # PACK: the new axis is the first and can be no other
