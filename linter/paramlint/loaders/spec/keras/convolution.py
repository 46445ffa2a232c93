"""``Conv1D`` to ``Conv3D``, ``DepthwiseConv``, ``SeparableConv``: kernels [window, in / groups, out]."""

from __future__ import annotations

from math import prod
from typing import Any

from paramlint.formulas import convolution, formula, macs
from paramlint.ir import Shape, Tensor, Weight
from paramlint.loaders.spec.arguments import integers, positive
from paramlint.loaders.spec.keras.checks import (
    ACTIVATION,
    LORA,
    USE_BIAS,
    activate,
    caseless,
    fitted,
    keras_layer,
    lora,
)
from paramlint.loaders.spec.keras.windows import (
    DATA_FORMAT,
    OVER,
    PADDING,
    Window,
    channels_first,
    fixed,
    joined,
    parted,
)
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

FILTERS = Argument(positive, "Channels of the output.")


def window_arguments(rank: int, padding: Argument = PADDING) -> dict[str, Any]:
    """What every convolution's window is told."""
    return {
        "kernel_size": Argument(integers(rank), "Size of the window."),
        "strides": Argument(integers(rank), "Step of the window.", (1,) * rank),
        "padding": padding,
        "data_format": DATA_FORMAT,
        "dilation_rate": Argument(integers(rank), "Distance between the window's elements.", (1,) * rank),
        "activation": ACTIVATION,
        "use_bias": USE_BIAS,
    }


def entered(call: Call, rank: int) -> tuple[Shape, int]:
    """Spatial sizes and channels of the input."""
    at_most(call, 1)
    shape = ranked(call, [rank + 1])
    spatial, channels = parted(call, shape)
    return spatial, fixed(call, channels, shape)


def check_steps(call: Call) -> None:
    """A convolution that strides may not be dilated."""
    if max(call.args["strides"]) > 1 and max(call.args["dilation_rate"]) > 1:
        call.fail("strides and dilation_rate may not both be above 1", "dilation_rate")


def convolved(
    call: Call, source: Tensor, attributes: dict[str, Any], lengths: Shape, weights: list[Weight], groups: int = 1
) -> Tensor:
    """One Conv operator; ``weights`` (kernel, then bias) are in ONNX's layout."""
    out = joined(call, lengths, weights[0].shape[0])
    slots = dict(enumerate(weights, 1))
    return call.step("Conv", [source, *[None] * len(weights)], out, attributes | {"group": groups}, slots)


def _window(call: Call, padding: str | None = None) -> Window:
    args = call.args
    return Window(args["kernel_size"], args["strides"], padding or args["padding"], args["dilation_rate"])


def _causal(call: Call, spatial: Shape) -> tuple[Tensor, Shape]:
    """The input with zeros in front, so that no window sees what comes after it."""
    window, gap = call.args["kernel_size"][0], call.args["dilation_rate"][0]
    added, length = (window - 1) * gap, spatial[0]
    grown: Shape = (length + added if isinstance(length, int) else None,)
    shape = joined(call, grown, parted(call, call.shape())[1])
    before = (0, 0, added) if channels_first(call) else (0, added, 0)
    return call.step("Pad", [flowing(call)], shape, {"pads": (*before, 0, 0, 0), "mode": "constant"}), grown


def plain_convolution(call: Call, rank: int) -> Built:
    """A window of weights slides over the spatial axes."""
    spatial, channels = entered(call, rank)
    args, filters, groups = call.args, call.args["filters"], call.args["groups"]
    for what, count in (("filters", filters), ("channels of the input", channels)):
        if count % groups:
            call.fail(f"groups {groups} does not divide the {count} {what}", "groups")
    check_steps(call)
    lengths = _window(call).lengths(call, spatial)
    kernel, adapters = lora(call, call.weight("kernel", *args["kernel_size"], channels // groups, filters))
    weights = [kernel] + ([call.weight("bias", filters)] if args["use_bias"] else [])
    source = flowing(call)
    if args["padding"] == "causal":
        source, grown = _causal(call, spatial)
        attributes = _window(call, "valid").attributes(call, grown)
    else:
        attributes = _window(call).attributes(call, spatial)
    onnx = [kernel._replace(shape=(filters, channels // groups, *args["kernel_size"])), *weights[1:]]
    made = convolved(call, source, attributes, lengths, onnx, groups)
    symbols = {"i": channels, "G": groups, "K": prod(args["kernel_size"]), "o": filters}
    terms = {"kernel": convolution.KERNEL} | ({"bias": convolution.BIAS} if args["use_bias"] else {})
    work = macs(convolution.MACS, {"P": symbol(lengths), **symbols}, convolution.MEANING)
    if adapters:
        terms |= {"lora_kernel_a": convolution.LORA_A, "lora_kernel_b": convolution.LORA_B}
        symbols["r"] = args["lora_rank"]
    return activate(call, Built((made,), formula(terms, symbols, convolution.MEANING), (*weights, *adapters), work))


def depthwise(call: Call, rank: int) -> Built:
    """Each channel has its own windows; ``depth_multiplier`` outputs of each."""
    spatial, channels = entered(call, rank)
    args, times = call.args, call.args["depth_multiplier"]
    lengths = _window(call).lengths(call, spatial)
    weights = [call.weight("kernel", *args["kernel_size"], channels, times)]
    if args["use_bias"]:
        weights.append(call.weight("bias", channels * times))
    onnx = [weights[0]._replace(shape=(channels * times, 1, *args["kernel_size"])), *weights[1:]]
    attributes = _window(call).attributes(call, spatial)
    made = convolved(call, flowing(call), attributes, lengths, onnx, channels)
    symbols = {"K": prod(args["kernel_size"]), "i": channels, "m": times}
    terms = {"kernel": convolution.DEPTHWISE_KERNEL}
    if args["use_bias"]:
        terms["bias"] = convolution.DEPTHWISE_BIAS
    work = macs(convolution.DEPTHWISE_MACS, {"P": symbol(lengths), **symbols}, convolution.MEANING)
    return activate(call, Built((made,), formula(terms, symbols, convolution.MEANING), tuple(weights), work))


def separable(call: Call, rank: int) -> Built:
    """A depthwise convolution without bias, then a 1x1 convolution with one."""
    spatial, channels = entered(call, rank)
    args, times, filters = call.args, call.args["depth_multiplier"], call.args["filters"]
    lengths = _window(call).lengths(call, spatial)
    ones = (1,) * rank
    weights = [
        call.weight("depthwise_kernel", *args["kernel_size"], channels, times),
        call.weight("pointwise_kernel", *ones, channels * times, filters),
        *([call.weight("bias", filters)] if args["use_bias"] else []),
    ]
    attributes = _window(call).attributes(call, spatial)
    first = [weights[0]._replace(shape=(channels * times, 1, *args["kernel_size"]))]
    between = convolved(call, flowing(call), attributes, lengths, first, channels)
    second = [weights[1]._replace(shape=(filters, channels * times, *ones)), *weights[2:]]
    made = convolved(call, between, Window(ones, ones, "valid").attributes(call, lengths), lengths, second)
    symbols = {"K": prod(args["kernel_size"]), "i": channels, "m": times, "o": filters}
    terms = {
        "depthwise_kernel": convolution.DEPTHWISE_KERNEL,
        "pointwise_kernel": convolution.POINTWISE_KERNEL,
    } | ({"bias": convolution.BIAS} if args["use_bias"] else {})
    work = macs(convolution.SEPARABLE_MACS, {"P": symbol(lengths), **symbols}, convolution.MEANING)
    return activate(call, Built((made,), formula(terms, symbols, convolution.MEANING), tuple(weights), work))


_MULTIPLIER = Argument(positive, "Outputs of each input channel.", 1)
_GROUPS = Argument(positive, "Groups of channels that see only themselves; divides both channel counts.", 1)
_CAUSAL = Argument(
    caseless("valid", "same", "causal"), "'causal' pads in front alone, so that none sees ahead.", "valid"
)


def _register(rank: int) -> None:
    over = OVER[rank]
    plain = window_arguments(rank, _CAUSAL if rank == 1 else PADDING)
    keras_layer(f"Conv{rank}D", f"Convolution over {over}.", aliases=(f"Convolution{rank}D",), filters=FILTERS, **plain,
                groups=_GROUPS, **fitted("kernel", "bias"), **LORA,
                )(lambda call: plain_convolution(call, rank))  # fmt: skip
    if rank == 3:
        return
    keras_layer(f"DepthwiseConv{rank}D", f"Convolution over {over}, each channel by itself.", **window_arguments(rank),
                depth_multiplier=_MULTIPLIER, **fitted("depthwise", "bias"),
                )(lambda call: depthwise(call, rank))  # fmt: skip
    keras_layer(f"SeparableConv{rank}D", f"Depthwise convolution over {over}, then a 1x1 convolution.",
                aliases=(f"SeparableConvolution{rank}D",), filters=FILTERS, **window_arguments(rank),
                depth_multiplier=_MULTIPLIER, **fitted("depthwise", "pointwise", "bias"),
                )(lambda call: separable(call, rank))  # fmt: skip


for _rank in (1, 2, 3):
    _register(_rank)
