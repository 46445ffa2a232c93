"""What keras.layers has that no file of layers can hold: inputs, containers, wrapped code. What to write instead."""

from __future__ import annotations

from typing import Any

from paramlint.loaders.spec.arguments import anything, flag, optional, positive, shape
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.layer_checks import at_most, flowing, same_size, show
from paramlint.loaders.spec.vocabulary import KERAS, Argument, Built, Call, layer


@keras_layer("InputLayer", "Stands for the network's input, whose shape is written as input: at the top.",
             aliases=("Input",), shape=Argument(optional(shape), "The shape without batch; checked.", None),
             batch_size=Argument(optional(positive), "Samples at once; a shape here holds no batch.", None),
             batch_shape=Argument(optional(shape), "The shape with batch; checked.", None),
             sparse=Argument(optional(flag), "Sparse tensors; changes no number.", None),
             ragged=Argument(optional(flag), "Ragged tensors; changes no number.", None),
             input_tensor=Argument(anything, "A tensor to use; not read.", None),
             optional=Argument(flag, "The input may be missing; changes no number.", False))  # fmt: skip
def input_layer(call: Call) -> Built:
    """The input that arrives, held against the shape that is written."""
    if not call.inputs:
        call.fail(f"{call.type} makes no input", None, "write the shape as input: [...] or inputs: at the top")
    at_most(call, 1)
    found, given, batched = call.shape(), call.args["shape"], call.args["batch_shape"]
    if given is not None and batched is not None:
        call.fail("shape and batch_shape exclude each other", "batch_shape")
    name, wanted = ("shape", given) if batched is None else ("batch_shape", batched[1:])
    if wanted is not None:
        told = f"{name} says {show(wanted)}, the input is {show(found)}"
        if len(wanted) != len(found):
            call.fail(told, name)
        for one, other in zip(wanted, found, strict=True):
            same_size(call, one, other, told, name)
    return Built((call.step("Identity", [flowing(call)], found),))


_CUSTOM = "write {type: Custom, params: ..., macs: ..., output: [...]} with what it has"
_CODE = {
    "Lambda": ("function", "output_shape", "mask", "arguments"),
    "Layer": (),
    "Wrapper": ("layer",),
    "JaxLayer": ("call_fn", "init_fn", "params", "state", "seed", "native_serialization_platforms"),
    "FlaxLayer": ("module", "method", "variables"),
    "TFSMLayer": ("filepath", "call_endpoint", "call_training_endpoint"),
    "TorchModuleWrapper": ("module", "output_shape"),
    "DenseFeatures": ("feature_columns",),
    "AbstractRNNCell": (),
}
_CONTAINERS = ("Sequential", "Model", "Functional")


def _code(call: Call) -> Built:
    call.fail(f"{call.type} runs code that no file of layers holds", None, _CUSTOM)


def _container(call: Call) -> Built:
    call.fail(f"{call.type} only holds layers", None, "list the layers themselves, or name them as a block")


def _specification(call: Call) -> Built:
    call.fail(f"{call.type} describes an input and is no layer", None, "leave it out")


for _name, _arguments in _CODE.items():
    _table: dict[str, Any] = {key: Argument(anything, "Not read.", None) for key in _arguments}
    keras_layer(_name, "Code of its own; write Custom with its numbers instead.", **_table)(_code)
for _name in _CONTAINERS:
    layer(KERAS, _name, "Holds layers; write them as a list or a block instead.",
          layers=Argument(anything, "Not read.", None))(_container)  # fmt: skip
layer(KERAS, "InputSpec", "Describes an input; no layer.")(_specification)
