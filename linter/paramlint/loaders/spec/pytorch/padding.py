"""Padding layers: ``nn.ZeroPadNd``, ``ConstantPadNd``, ``ReflectionPadNd``, ``ReplicationPadNd``, ``CircularPadNd``.

Sides are listed from the last axis backwards: left, right, top, bottom, front, back. Negative ones cut.
"""

from __future__ import annotations

from typing import Any

from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import integers, number
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked, show
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_MODES = {
    "constant": "constant",
    "zeros": "constant",
    "reflect": "reflect",
    "replicate": "edge",
    "circular": "wrap",
}


def check_padding(
    call: Call, shape: Shape, before: tuple[int, ...], after: tuple[int, ...], mode: str
) -> tuple[Dim, ...]:
    """The padded shape; the mode's limits hold: a reflection is shorter than its axis, a wrap at most as long."""
    first = len(shape) - len(before)
    out: list[Dim] = list(shape[:first])
    for size, left, right in zip(shape[first:], before, after, strict=True):
        if not isinstance(size, int):
            out.append(size if left == right == 0 else None)
            continue
        limit = {"reflect": size - 1, "circular": size}.get(mode)
        if limit is not None and max(left, right) > limit:
            call.fail(
                f"{mode} padding of {max(left, right)} is more than {limit}, all that {show(shape)} allows", "padding"
            )
        length = size + left + right
        gone = size + min(left, 0) + min(right, 0) < 0 and mode != "replicate"
        if length < 1 or gone:
            call.fail(f"padding ({left}, {right}) cuts all of the length {size} of {show(shape)}", "padding")
        out.append(length)
    return tuple(out)


def pad(call: Call, sides: tuple[int, ...], mode: str) -> Built:
    """Pad the last axes of the input; ``sides`` in PyTorch's order."""
    before, after = sides[-2::-2], sides[::-2]
    shape = call.shape()
    out = check_padding(call, shape, before, after, mode)
    still = (0,) * (1 + len(shape) - len(before))
    attributes = {"pads": (*still, *before, *still, *after), "mode": _MODES[mode]}
    return Built((call.step("Pad", [flowing(call)], out, attributes),))


def _register(rank: int, prefix: str, doc: str, mode: str) -> None:
    arguments: dict[str, Any] = {
        "padding": Argument(integers(2 * rank, None), "All sides, or each from the last axis backwards.")
    }
    if prefix == "Constant":
        arguments["value"] = Argument(number, "What the padding holds.")

    def build(call: Call) -> Built:
        at_most(call, 1)
        # one value pads the last axes of any input; the other modes want a batch or channels before them, or both
        ranked(call, range(rank, 9) if mode in ("zeros", "constant") else (rank, rank + 1))
        return pad(call, call.args["padding"], mode)

    layer(PYTORCH, f"{prefix}Pad{rank}d", doc, **arguments)(build)


for _prefix, _doc, _mode in (
    ("Zero", "Pads with zeros.", "zeros"),
    ("Constant", "Pads with one value.", "constant"),
    ("Reflection", "Pads with the mirrored border.", "reflect"),
    ("Replication", "Pads with the border's own value.", "replicate"),
    ("Circular", "Pads with the opposite border.", "circular"),
):
    for _rank in (1, 2, 3):
        _register(_rank, _prefix, _doc, _mode)
