"""Keras's ``Pipeline``: layers in a row as one."""

from __future__ import annotations

from paramlint.ir import Tensor
from paramlint.loaders.spec.arguments import layers
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.layer_checks import at_most, composite, flowing
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


@keras_layer("Pipeline", "Layers in a row as one, mostly for preparing data.",
             layers=Argument(layers, "The layers, in their order."))  # fmt: skip
def pipeline(call: Call) -> Built:
    """Each reads what the one before gives."""
    at_most(call, 1)
    parts: dict[str, Built] = {}
    outputs: tuple[Tensor | None, ...] = (flowing(call),)
    for index, one in enumerate(call.args["layers"]):
        built = call.nested(one, outputs, f"layers.{index}")
        parts[f"layers.{index}"] = built
        outputs = built.outputs
    return composite(outputs, parts)
