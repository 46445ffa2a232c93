"""Keras's ``Bidirectional``: one recurrent layer forwards, one backwards, and how their outputs are merged."""

from __future__ import annotations

from paramlint.ir import Dim, Shape, Tensor
from paramlint.loaders.spec.arguments import a_layer, anything, choice, optional
from paramlint.loaders.spec.keras.cells import convention
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.keras.merging import broadcast
from paramlint.loaders.spec.keras.recurrent import reversed_in_time
from paramlint.loaders.spec.layer_checks import composite, flowing, same_size, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call, Nested

_OUTSIDE = ("return_sequences", "return_state", "stateful")


def _pair(call: Call) -> tuple[Nested, Nested]:
    """The layer and its mirror image, or the one given in its place, which reads the other way."""
    forward: Nested = call.args["layer"]
    backward: Nested | None = call.args["backward_layer"]
    for name, one in (("layer", forward), ("backward_layer", backward)):
        if one is not None and "go_backwards" not in one.args:
            call.fail(f"{name} must be recurrent, {one.entry.name} cannot go backwards", name)
    if backward is None:
        if forward.args["go_backwards"]:
            call.fail("layer goes backwards itself, so that both would", "layer", "leave go_backwards out of it")
        return forward, forward._replace(args={**forward.args, "go_backwards": True})
    if forward.args["go_backwards"] == backward.args["go_backwards"]:
        hint = None if forward.args["go_backwards"] else "write go_backwards: true in backward_layer"
        call.fail("layer and backward_layer read in the same direction", "backward_layer", hint)
    for name in _OUTSIDE:
        if forward.args[name] != backward.args[name]:
            ours, theirs = _shown(forward.args[name]), _shown(backward.args[name])
            call.fail(f"{name} is {ours} in layer and {theirs} in backward_layer", "backward_layer")
    return forward, backward


def _shown(value: bool) -> str:
    return "true" if value else "false"


def _merged(call: Call, ours: Tensor, theirs: Tensor) -> list[Tensor]:
    """Both outputs as one, or side by side."""
    mode = call.args["merge_mode"]
    if mode is None:
        return [ours, theirs]
    one, other = ours.shape or (), theirs.shape or ()
    if mode == "concat":
        return [call.step("Concat", [ours, theirs], _side_by_side(call, one, other), {"axis": len(one)})]
    if len(one) != len(other):
        call.fail(f"outputs {show(one)} and {show(other)} cannot be merged", "backward_layer")
    out = broadcast(call, one, other, "backward_layer")
    merged = call.step("Mul" if mode == "mul" else "Add", [ours, theirs], out)
    return [call.step("Mul", [merged], out, {"other": 0.5}) if mode == "ave" else merged]


def _side_by_side(call: Call, one: Shape, other: Shape) -> Shape:
    message = f"outputs {show(one)} and {show(other)} cannot be joined on their last axis"
    if len(one) != len(other):
        call.fail(message, "backward_layer")
    for ours, theirs in zip(one[:-1], other[:-1], strict=True):
        same_size(call, ours, theirs, message, "backward_layer")
    last: Dim = one[-1] + other[-1] if isinstance(one[-1], int) and isinstance(other[-1], int) else None
    return (*one[:-1], last)


@keras_layer("Bidirectional", "A recurrent layer in both directions of a sequence.",
             layer=Argument(a_layer, "The recurrent layer, as {type: LSTM, ...}."),
             merge_mode=Argument(optional(choice("concat", "sum", "mul", "ave")),
                                 "How both outputs become one; null gives both.", "concat"),
             weights=Argument(anything, "First values of the weights; changes no number.", None),
             backward_layer=Argument(optional(a_layer), "Another layer for the way back, with go_backwards.", None),
             )  # fmt: skip
def bidirectional(call: Call) -> Built:
    """Initial states come in pairs behind the sequence, the forward layer's first; final states leave so too."""
    forward, backward = _pair(call)
    states = call.inputs[1:] if len(call.inputs) > 1 and call.inputs[1] is not None else ()
    half = len(states) // 2  # a mask may follow them
    if states and not half:
        call.fail("initial states come for both directions, only one input follows the sequence", "inputs")
    source = flowing(call)
    ahead = call.nested(forward, [source, *states[:half]], "forward_layer")
    back = call.nested(backward, [source, *states[half : 2 * half]], "backward_layer")
    ours, theirs = ahead.outputs[0], back.outputs[0]
    assert ours is not None
    assert theirs is not None  # every recurrent layer has a first output
    if forward.args["return_sequences"]:
        theirs = reversed_in_time(call, theirs, theirs.shape or ())
    outputs = [*_merged(call, ours, theirs), *ahead.outputs[1:], *back.outputs[1:]]
    built = composite(tuple(outputs), {"forward_layer": ahead, "backward_layer": back})
    return built._replace(notes=convention(built))
