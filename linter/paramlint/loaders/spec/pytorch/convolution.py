"""``nn.Conv1d`` to ``nn.ConvTranspose3d`` with their lazy forms: channels first, kernels [out, in / groups, window]."""

from __future__ import annotations

from math import prod
from typing import Any

from paramlint.formulas import convolution, formula, macs, pooling
from paramlint.ir import Dim, Formula, Shape, Tensor, Weight
from paramlint.loaders.spec.arguments import choice, integers, one_of, optional, positive
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked, show, symbol, width
from paramlint.loaders.spec.pytorch.checks import BIAS, DEVICE, inferred
from paramlint.loaders.spec.pytorch.padding import check_padding
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_IN = Argument(inferred, "Channels of the input; inferred when left out.", None)
_OUT = Argument(positive, "Channels of the output.")
_GROUPS = Argument(positive, "Groups of channels that see only themselves; divides both channel counts.", 1)
_MODES = choice("zeros", "reflect", "replicate", "circular")
_LAYOUT = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


def _plain_arguments(rank: int) -> dict[str, Any]:
    return {
        "out_channels": _OUT,
        "kernel_size": Argument(integers(rank), "Size of the window."),
        "stride": Argument(integers(rank), "Step of the window.", (1,) * rank),
        "padding": Argument(
            one_of(integers(rank, 0), choice("valid", "same")),
            "Added on both sides, or 'same' or 'valid'.",
            (0,) * rank,
        ),
        "dilation": Argument(integers(rank), "Distance between the window's elements.", (1,) * rank),
        "groups": _GROUPS,
        "bias": BIAS,
        "padding_mode": Argument(_MODES, "What the padding holds.", "zeros"),
        "device": DEVICE,
    }


def _transposed_arguments(rank: int) -> dict[str, Any]:
    return {
        "out_channels": _OUT,
        "kernel_size": Argument(integers(rank), "Size of the window."),
        "stride": Argument(integers(rank), "Distance at which input elements are spread.", (1,) * rank),
        "padding": Argument(integers(rank, 0), "Cut off the output on both sides.", (0,) * rank),
        "output_padding": Argument(integers(rank, 0), "Added to one side of the output.", (0,) * rank),
        "groups": _GROUPS,
        "bias": BIAS,
        "dilation": Argument(integers(rank), "Distance between the window's elements.", (1,) * rank),
        "padding_mode": Argument(choice("zeros"), "Only zeros.", "zeros"),
        "device": DEVICE,
        "output_size": Argument(optional(integers(rank)), "Spatial size wanted of the output (call argument).", None),
    }


def _channels(call: Call, rank: int) -> tuple[Shape, int]:
    """The input's shape and channels, with groups checked."""
    at_most(call, 1)
    shape = ranked(call, [rank + 1])
    channels, groups = width(call, "in_channels", shape[0], shape), call.args["groups"]
    for what, count in (("in_channels", channels), ("out_channels", call.args["out_channels"])):
        if count % groups:
            call.fail(f"groups {groups} does not divide {what} {count}", "groups")
    return shape, channels


def _weights(call: Call, *kernel: int) -> list[Weight]:
    weights = [call.weight("weight", *kernel)]
    if call.args["bias"]:
        weights.append(call.weight("bias", call.args["out_channels"]))
    return weights


def _params(call: Call, channels: int, kernel: str) -> Formula:
    symbols = {
        "i": channels,
        "o": call.args["out_channels"],
        "G": call.args["groups"],
        "K": prod(call.args["kernel_size"]),
    }
    terms = {"weight": kernel} | ({"bias": convolution.BIAS} if call.args["bias"] else {})
    return formula(terms, symbols, convolution.MEANING)


def _pads(call: Call) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Padding before and after each spatial dimension; 'same' puts the odd one at the end."""
    padding, rank = call.args["padding"], len(call.args["kernel_size"])
    if padding == "valid":
        return (0,) * rank, (0,) * rank
    if padding == "same":
        if any(step != 1 for step in call.args["stride"]):
            call.fail("padding 'same' needs stride 1", "padding", "write the padding as numbers")
        both = zip(call.args["kernel_size"], call.args["dilation"], strict=True)
        total = [pooling.extent(window, dilation) - 1 for window, dilation in both]
        return tuple(one // 2 for one in total), tuple(one - one // 2 for one in total)
    return padding, padding


def _attributes(call: Call, before: tuple[int, ...], after: tuple[int, ...]) -> dict[str, Any]:
    rank = len(call.args["kernel_size"])
    return {
        "kernel_shape": call.args["kernel_size"],
        "strides": call.args["stride"],
        "dilations": call.args["dilation"],
        "pads": (*before, *after),
        "group": call.args["groups"],
        "layout": _LAYOUT[rank],
    }


def _slots(weights: list[Weight]) -> dict[int, Weight]:
    return dict(enumerate(weights, 1))


def _padded(call: Call, shape: Shape, before: tuple[int, ...], after: tuple[int, ...]) -> Tensor:
    """The input, with its border written by an operator of its own where it is not zeros."""
    source, mode = flowing(call), call.args["padding_mode"]
    if mode == "zeros" or not any((*before, *after)):
        return source
    sizes = check_padding(call, shape, before, after, mode)
    onnx = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
    return call.step("Pad", [source], sizes, {"pads": (0, 0, *before, 0, 0, *after), "mode": onnx})


def convolve(call: Call, rank: int) -> Built:
    """A window of weights slides over the spatial axes."""
    shape, channels = _channels(call, rank)
    args = call.args
    before, after = _pads(call)
    lengths: list[Dim] = []
    sides = zip(shape[1:], args["kernel_size"], args["stride"], before, after, args["dilation"], strict=True)
    for size, window, step, left, right, dilation in sides:
        if not isinstance(size, int):
            same = step == 1 and left + right == pooling.extent(window, dilation) - 1
            lengths.append(size if same else None)
            continue
        lengths.append(pooling.slid(size, window, step, left, right, dilation))
        if pooling.extent(window, dilation) > size + left + right:
            span = pooling.extent(window, dilation)
            call.fail(
                f"the window spans {span}, the padded input only {size + left + right} of {show(shape)}", "kernel_size"
            )
    out = (args["out_channels"], *lengths)
    weights = _weights(call, args["out_channels"], channels // args["groups"], *args["kernel_size"])
    work = macs(
        convolution.MACS,
        {"P": symbol(lengths), "i": channels, "G": args["groups"], "K": prod(args["kernel_size"]), "o": out[0]},
        convolution.MEANING,
    )
    source = _padded(call, shape, before, after)
    none = (0,) * rank
    attributes = _attributes(call, before, after) if source is flowing(call) else _attributes(call, none, none)
    made = call.step("Conv", [source, *[None] * len(weights)], out, attributes, _slots(weights))
    return Built((made,), _params(call, channels, convolution.KERNEL), tuple(weights), work)


def _output_padding(call: Call, shape: Shape) -> tuple[int, ...]:
    """What is added to one side: as written, or so that ``output_size`` comes out."""
    args = call.args
    wanted = args["output_size"]
    if wanted is None:
        both = zip(args["output_padding"], args["stride"], args["dilation"], strict=True)
        if any(extra >= max(step, dilation) for extra, step, dilation in both):
            call.fail("output_padding must be smaller than stride or dilation", "output_padding")
        return tuple(args["output_padding"])
    extras: list[int] = []
    sides = zip(shape[1:], args["kernel_size"], args["stride"], args["padding"], args["dilation"], wanted, strict=True)
    for size, window, step, pad, dilation, target in sides:
        if not isinstance(size, int):
            call.fail(f"output_size needs a fixed input, got {show(shape)}", "output_size")
        least = pooling.spread(size, window, step, pad, pad, dilation)
        if not least <= target < least + step:
            call.fail(f"output_size {target} is outside {least} to {least + step - 1}", "output_size")
        extras.append(target - least)
    return tuple(extras)


def transpose(call: Call, rank: int) -> Built:
    """Every input element spreads over its window; work follows the input positions."""
    shape, channels = _channels(call, rank)
    args = call.args
    extra = _output_padding(call, shape)
    lengths: list[Dim] = []
    sides = zip(shape[1:], args["kernel_size"], args["stride"], args["padding"], args["dilation"], extra, strict=True)
    for size, window, step, pad, dilation, added in sides:
        length = pooling.spread(size, window, step, pad, pad, dilation, added) if isinstance(size, int) else None
        if length is not None and length < 1:
            call.fail(f"the output would have length {length} for the input {show(shape)}", "padding")
        lengths.append(length)
    out = (args["out_channels"], *lengths)
    weights = _weights(call, channels, args["out_channels"] // args["groups"], *args["kernel_size"])
    work = macs(
        convolution.TRANSPOSED_MACS,
        {"N": symbol(shape[1:]), "i": channels, "K": prod(args["kernel_size"]), "o": out[0], "G": args["groups"]},
        convolution.MEANING,
    )
    attributes = _attributes(call, args["padding"], args["padding"]) | {"output_padding": extra}
    made = call.step("ConvTranspose", [flowing(call), *[None] * len(weights)], out, attributes, _slots(weights))
    return Built((made,), _params(call, channels, convolution.TRANSPOSED_KERNEL), tuple(weights), work)


def _register(rank: int, over: str) -> None:
    plain, turned = _plain_arguments(rank), _transposed_arguments(rank)

    def forward(call: Call) -> Built:
        return convolve(call, rank)

    def backward(call: Call) -> Built:
        return transpose(call, rank)

    layer(PYTORCH, f"Conv{rank}d", f"Convolution over {over}.", in_channels=_IN, **plain)(forward)
    layer(PYTORCH, f"LazyConv{rank}d", f"Convolution over {over}, input channels always inferred.", **plain)(forward)
    name = f"ConvTranspose{rank}d"
    layer(PYTORCH, name, f"Transposed convolution over {over}.", in_channels=_IN, **turned)(backward)
    layer(PYTORCH, f"Lazy{name}", f"Transposed convolution over {over}, input channels inferred.", **turned)(backward)


for _rank, _over in ((1, "sequences"), (2, "images"), (3, "volumes")):
    _register(_rank, _over)
