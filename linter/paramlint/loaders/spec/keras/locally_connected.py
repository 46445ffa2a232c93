"""``LocallyConnected1D`` and ``LocallyConnected2D`` of Keras 2: a convolution whose weights differ at every position.

It has three implementations that hold the same weights differently: windows, a dense matrix with a mask (its zeros
are stored and counted), the taps inside the input alone.
"""

from __future__ import annotations

from math import prod
from typing import Any

from paramlint.formulas import convolution, formula, macs, pooling
from paramlint.loaders.spec.arguments import integers, positive, where
from paramlint.loaders.spec.keras.checks import ACTIVATION, USE_BIAS, activate, fitted, keras_layer
from paramlint.loaders.spec.keras.convolution import FILTERS, entered
from paramlint.loaders.spec.keras.windows import DATA_FORMAT, OVER, PADDING, Window, channels_first, fixed, joined
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_MODE = where(positive, lambda value: value <= 3, "1, 2 or 3")


def _kernel(call: Call, inner: tuple[int, ...], outer: tuple[int, ...], channels: int) -> tuple[tuple[int, ...], str]:
    """The kernel's shape and its formula; ``inner`` and ``outer`` are the spatial sizes of input and output."""
    args, filters = call.args, call.args["filters"]
    if args["implementation"] == 1:
        return (prod(outer), prod(args["kernel_size"]) * channels, filters), convolution.LOCAL_KERNEL
    if args["implementation"] == 2:
        if channels_first(call):
            return (channels, *inner, filters, *outer), convolution.LOCAL_DENSE_KERNEL
        return (*inner, channels, *outer, filters), convolution.LOCAL_DENSE_KERNEL
    return (_taps(call, inner) * channels * filters,), convolution.LOCAL_SPARSE_KERNEL


def _taps(call: Call, inner: tuple[int, ...]) -> int:
    sides = zip(inner, call.args["kernel_size"], call.args["strides"], strict=True)
    return prod(pooling.taps(length, window, step, call.args["padding"] == "same") for length, window, step in sides)


def locally_connected(call: Call, rank: int) -> Built:
    """One bias per position and channel."""
    spatial, channels = entered(call, rank)
    args, filters = call.args, call.args["filters"]
    if args["implementation"] == 1 and args["padding"] != "valid":
        call.fail("padding 'same' needs implementation 2 or 3", "padding", "write implementation: 2 or padding: valid")
    inner = tuple(fixed(call, size, call.shape(), "length") for size in spatial)
    window = Window(args["kernel_size"], args["strides"], args["padding"])
    outer = tuple(fixed(call, size, call.shape(), "length") for size in window.lengths(call, inner))
    shape, text = _kernel(call, inner, outer, channels)
    weights = [call.weight("kernel", *shape)]
    terms = {"kernel": text}
    if args["use_bias"]:
        weights.append(call.weight("bias", *outer, filters))
        terms["bias"] = convolution.LOCAL_BIAS
    every = {"P": prod(outer), "K": prod(args["kernel_size"]), "N": prod(inner), "i": channels, "o": filters}
    if args["implementation"] == 3:
        every["t"] = _taps(call, inner)
    symbols = {letter: value for letter, value in every.items() if any(letter in one.split() for one in terms.values())}
    made = call.output(joined(call, outer, filters))
    work = macs(text, {letter: every[letter] for letter in symbols if letter in text.split()}, convolution.MEANING)
    return activate(call, Built((made,), formula(terms, symbols, convolution.MEANING), tuple(weights), work))


def _register(rank: int) -> None:
    arguments: dict[str, Any] = {
        "kernel_size": Argument(integers(rank), "Size of the window."),
        "strides": Argument(integers(rank), "Step of the window.", (1,) * rank),
        "padding": PADDING,
        "data_format": DATA_FORMAT,
        "activation": ACTIVATION,
        "use_bias": USE_BIAS,
        **fitted("kernel", "bias"),
        "implementation": Argument(_MODE, "How the weights are held: windows, masked matrix, taps.", 1),
    }
    keras_layer(f"LocallyConnected{rank}D", f"Convolution over {OVER[rank]} with weights of its own at each position.",
                keras2=True, filters=FILTERS, **arguments)(lambda call: locally_connected(call, rank))  # fmt: skip


for _rank in (1, 2):
    _register(_rank)
