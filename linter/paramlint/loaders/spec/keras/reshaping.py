"""Layers that lay elements out anew: ``Flatten``, ``Reshape``, ``Permute``, ``RepeatVector``. Their axes leave out
the batch."""

from __future__ import annotations

from paramlint.loaders.spec.arguments import integer_list, positive, target_shape
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.keras.windows import DATA_FORMAT, channels_first
from paramlint.loaders.spec.layer_checks import at_most, flowing, product, ranked, resolved, shaped, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


@keras_layer("Flatten", "Merges all axes into one.", data_format=DATA_FORMAT)
def flatten(call: Call) -> Built:
    """A scalar becomes a vector of one; channels that stand first are moved to the end before."""
    at_most(call, 1)
    shape, source = call.shape(), flowing(call)
    if channels_first(call) and len(shape) > 1:
        order = (0, *range(2, len(shape) + 1), 1)
        source = call.step("Transpose", [source], (*shape[1:], shape[0]), {"perm": order})
    return Built((call.step("Flatten", [source], (product(shape),), {"axis": 1}),))


@keras_layer("Reshape", "Lays the elements out in another shape.",
             target_shape=Argument(target_shape, "The shape without batch; one size may be -1."))  # fmt: skip
def reshape(call: Call) -> Built:
    """As many elements as before; a null is a size that the input says, as -1 is."""
    at_most(call, 1)
    shape, wanted = call.shape(), call.args["target_shape"]
    if None in wanted and -1 not in wanted and wanted.count(None) == 1:
        wanted = tuple(-1 if size is None else size for size in wanted)
    return Built((shaped(call, flowing(call), resolved(call, wanted, "target_shape", shape)),))


@keras_layer("Permute", "Orders the axes anew.",
             dims=Argument(integer_list(1), "The axes in their new order, the first is 1."))  # fmt: skip
def permute(call: Call) -> Built:
    """Every axis once."""
    at_most(call, 1)
    dims = call.args["dims"]
    if sorted(dims) != list(range(1, len(dims) + 1)):
        call.fail(f"dims {show(dims)} must name every axis from 1 to {len(dims)} once", "dims")
    shape = ranked(call, [len(dims)])
    out = [shape[dim - 1] for dim in dims]
    return Built((call.step("Transpose", [flowing(call)], out, {"perm": (0, *dims)}),))


@keras_layer("RepeatVector", "Repeats a vector as the rows of a sequence.", n=Argument(positive, "How often."))
def repeat_vector(call: Call) -> Built:
    """[features] becomes [n, features]."""
    at_most(call, 1)
    (features,) = ranked(call, [1])
    row = shaped(call, flowing(call), (1, features))
    out = (call.args["n"], features)
    return Built((call.step("Tile", [row], out, {"repeats": (1, call.args["n"], 1)}),))
