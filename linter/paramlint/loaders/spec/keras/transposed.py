"""``Conv1DTranspose`` to ``Conv3DTranspose``: every input element spreads over its window."""

from __future__ import annotations

from math import prod
from typing import Any

from paramlint.formulas import convolution, formula, macs, pooling
from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import integers, optional
from paramlint.loaders.spec.keras.checks import activate, fitted, keras_layer
from paramlint.loaders.spec.keras.convolution import FILTERS, check_steps, entered, window_arguments
from paramlint.loaders.spec.keras.windows import OVER, joined, layout
from paramlint.loaders.spec.layer_checks import flowing, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


def _sides(call: Call, place: int) -> tuple[int, int]:
    """What one dimension loses in all, and what is added at its end.

    Without ``output_padding`` 'same' gives n * s, 'valid' (n - 1) * s + max(e, s).
    """
    args = call.args
    span = pooling.extent(args["kernel_size"][place], args["dilation_rate"][place])
    step, extra = args["strides"][place], args["output_padding"]
    if extra is None:
        surplus = span - step if args["padding"] == "same" else min(span - step, 0)
    else:
        surplus = (span - span % 2 if args["padding"] == "same" else 0) - extra[place]
    return max(surplus, 0), max(-surplus, 0)


def _checked(call: Call) -> None:
    check_steps(call)
    extra = call.args["output_padding"]
    if extra is None:
        return
    for added, step in zip(extra, call.args["strides"], strict=True):
        if added >= step:
            call.fail(f"output_padding {added} must be smaller than the stride {step}", "output_padding")


def transposed(call: Call, rank: int) -> Built:
    """Kernel [window, out, in]; work follows the input positions."""
    spatial, channels = entered(call, rank)
    _checked(call)
    args, filters = call.args, call.args["filters"]
    cut, added = zip(*(_sides(call, place) for place in range(rank)), strict=True)
    lengths: list[Dim] = []
    for place, length in enumerate(spatial):
        window, step, gap = args["kernel_size"][place], args["strides"][place], args["dilation_rate"][place]
        if not isinstance(length, int):
            kept = step == 1 and pooling.extent(window, gap) + added[place] == 1 + cut[place]
            lengths.append(length if kept else None)
            continue
        made = pooling.spread(length, window, step, cut[place], 0, gap, added[place])
        if made < 1:
            call.fail(f"the output would have length {made}", "output_padding")
        lengths.append(made)
    weights = [call.weight("kernel", *args["kernel_size"], filters, channels)]
    if args["use_bias"]:
        weights.append(call.weight("bias", filters))
    symbols = {"i": channels, "K": prod(args["kernel_size"]), "o": filters, "G": 1}
    terms = {"kernel": convolution.TRANSPOSED_KERNEL} | ({"bias": convolution.BIAS} if args["use_bias"] else {})
    work = macs(convolution.TRANSPOSED_MACS, {"N": symbol(spatial), **symbols}, convolution.MEANING)
    slots = dict(enumerate(weights, 1))
    slots[1] = weights[0]._replace(shape=(channels, filters, *args["kernel_size"]))
    out = joined(call, lengths, filters)
    made_of = [flowing(call), *[None] * len(weights)]
    step_out = call.step("ConvTranspose", made_of, out, _attributes(call, rank, cut, added), slots)
    return activate(call, Built((step_out,), formula(terms, symbols, convolution.MEANING), tuple(weights), work))


def _attributes(call: Call, rank: int, cut: Shape, added: Shape) -> dict[str, Any]:
    before = tuple(one // 2 for one in cut if isinstance(one, int))
    after = tuple(one - one // 2 for one in cut if isinstance(one, int))
    return {
        "kernel_shape": call.args["kernel_size"],
        "strides": call.args["strides"],
        "dilations": call.args["dilation_rate"],
        "pads": (*before, *after),
        "output_padding": added,
        "group": 1,
        "layout": layout(call, rank),
    }


def _register(rank: int) -> None:
    arguments = window_arguments(rank)
    extra = Argument(optional(integers(rank, 0)), "Added to the output's length, less than the stride.", None)
    keras_layer(f"Conv{rank}DTranspose", f"Transposed convolution over {OVER[rank]}.",
                aliases=(f"Convolution{rank}DTranspose",), filters=FILTERS, **arguments, output_padding=extra,
                **fitted("kernel", "bias"))(lambda call: transposed(call, rank))  # fmt: skip


for _rank in (1, 2, 3):
    _register(_rank)
