"""Parallel copies joined into one tensor: added up, or side by side on the channel axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paramlint.ir import Dim, Step, Tensor
from paramlint.loaders.spec.check import show
from paramlint.loaders.spec.frames import POISON, Outputs, show_shape
from paramlint.loaders.spec.network import Network
from paramlint.loaders.spec.settings import MISSING, Settings, near
from paramlint.loaders.spec.vocabulary import KERAS
from paramlint.loaders.spec.written import Item


def joined(
    settings: Settings, network: Network, framework: str, item: Item, names: Mapping[str, Any], name: str,
    outputs: list[Tensor | None],
) -> Outputs:  # fmt: skip
    """The one tensor under the item's name; None where the copies cannot be joined, which is noted."""
    how = "add"
    if item.merge is not None:
        value = settings.value(item.merge, names)
        if value is MISSING:
            return None
        if value not in ("add", "cat"):
            hint = near(value, ("add", "cat"))
            settings.problems.add(item.merge, f"merge must be add or cat, not {show(value)}", hint)
            return None
        how = value
    tensors = [tensor for tensor in outputs if tensor is not None and tensor is not POISON]
    if len(tensors) != len(outputs):
        return None
    if any(tensor.shape is None for tensor in tensors):
        made = Tensor(name, None, tensors[0].dtype)
        network.join(_step(network, how, -1, tensors, name), made)
        return (made,)
    shapes = [tensor.shape or () for tensor in tensors]
    axis = (len(shapes[0]) - 1 if framework == KERAS else 0) if how == "cat" else -1
    rest = [shape[:axis] + shape[axis + 1 :] if how == "cat" else shape for shape in shapes]
    if any(one != rest[0] for one in rest) or (how == "cat" and not shapes[0]):
        shown = " and ".join(show_shape(shape) for shape in dict.fromkeys(shapes))
        settings.problems.add(item.place, f"the parallel copies put out {shown}, which merge: {how} cannot join")
        return None
    shape: tuple[Dim, ...] = shapes[0]
    if how == "cat":
        widths = [one[axis] for one in shapes]
        known = [one for one in widths if isinstance(one, int)]
        width = sum(known) if len(known) == len(widths) else None
        shape = (*shape[:axis], width, *shape[axis + 1 :])
    made = Tensor(name, shape, tensors[0].dtype)
    network.join(_step(network, how, axis, tensors, name), made)
    return (made,)


def _step(network: Network, how: str, axis: int, tensors: list[Tensor], name: str) -> Step:
    kind = "Concat" if how == "cat" else "Identity" if len(tensors) == 1 else "Sum"
    attributes = {"axis": axis + 1} if how == "cat" else {}
    last = network.rows[-1].name if network.rows else name
    return Step(kind, tuple(tensor.name for tensor in tensors), (name,), attributes, layer=last)
