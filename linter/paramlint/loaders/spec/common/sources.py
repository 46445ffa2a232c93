"""``Parameter`` and ``Buffer``: a learned or a fixed tensor that others read."""

from __future__ import annotations

from paramlint.formulas import formula
from paramlint.loaders.spec.arguments import shape
from paramlint.loaders.spec.layer_checks import at_most
from paramlint.loaders.spec.vocabulary import BOTH, KERAS, Argument, Built, Call, layer

_SIZES = Argument(shape, "Its shape, without batch; every size is fixed.")


def _source(call: Call, trainable: bool, buffer: bool = False) -> Built:
    """One tensor; every sample sees the same."""
    at_most(call, 0)
    sizes = call.args["shape"]
    weight = call.weight("weight", *sizes, trainable=trainable, buffer=buffer)
    made = call.step("Identity", [None], sizes, None, {0: weight})
    if buffer:
        return Built((made,), None, (weight,))
    letters = {f"d{axis}": size for axis, size in enumerate(sizes, 1)}
    meanings = {name: f"size of axis {axis}" for axis, name in enumerate(letters, 1)}
    return Built((made,), formula({"weight": " * ".join(letters) or "1"}, letters, meanings), (weight,))


@layer(BOTH, "Parameter", "A learned tensor that other layers read.", source=True, shape=_SIZES)
def parameter(call: Call) -> Built:
    """Counts its elements."""
    return _source(call, trainable=True)


@layer(BOTH, "Buffer", "A fixed tensor that other layers read.", source=True, shape=_SIZES)
def buffer(call: Call) -> Built:
    """Held beside the parameters; Keras, which has no buffers, counts all state as non-trainable parameters."""
    return _source(call, trainable=False, buffer=call.framework != KERAS)
