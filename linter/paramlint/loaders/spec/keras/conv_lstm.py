"""Keras's ``ConvLSTM1D`` to ``ConvLSTM3D``: an LSTM whose products are convolutions.

The input's convolution has the layer's window; the state's has the same size, but never strides, gaps or a border
that shrinks it.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import Any

from paramlint.formulas import formula, macs, recurrent
from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import integers
from paramlint.loaders.spec.keras.checks import USE_BIAS, fitted, keras_layer
from paramlint.loaders.spec.keras.convolution import FILTERS, check_steps
from paramlint.loaders.spec.keras.recurrent import FORGET, FUNCTION, LAST_STEP, RATES, SEQUENCE, states_given
from paramlint.loaders.spec.keras.windows import DATA_FORMAT, OVER, PADDING, Window, fixed, joined, parted
from paramlint.loaders.spec.layer_checks import ranked
from paramlint.loaders.spec.vocabulary import Argument, Built, Call


def _arguments(rank: int) -> dict[str, Any]:
    return {
        "filters": FILTERS,
        "kernel_size": Argument(integers(rank), "Size of both windows."),
        "strides": Argument(integers(rank), "Step of the input's window.", (1,) * rank),
        "padding": PADDING,
        "data_format": DATA_FORMAT,
        "dilation_rate": Argument(integers(rank), "Distance between elements of the input's window.", (1,) * rank),
        "activation": Argument(FUNCTION, "Function of the state.", "tanh"),
        "recurrent_activation": Argument(FUNCTION, "Function of the gates.", "sigmoid"),
        "use_bias": USE_BIAS,
        **fitted("kernel", "recurrent", "bias"),
        **FORGET,
        **RATES,
        **SEQUENCE,
    }


def _conv_lstm(call: Call, rank: int) -> Built:
    """A loop over the steps, which has no operator of its own."""
    args, shape = call.args, ranked(call, [rank + 2], what=f"a sequence of {OVER[rank]}", short=LAST_STEP)
    steps, image = shape[0], shape[1:]
    spatial, channels = parted(call, image)
    for size in spatial:
        fixed(call, size, shape, "spatial sizes")
    inputs, filters, window = fixed(call, channels, shape), args["filters"], args["kernel_size"]
    check_steps(call)
    lengths = Window(window, args["strides"], args["padding"], args["dilation_rate"]).lengths(call, spatial)
    state: Shape = joined(call, lengths, filters)
    states_given(call, [state, state])
    weights = [
        call.weight("kernel", *window, inputs, 4 * filters),
        call.weight("recurrent_kernel", *window, filters, 4 * filters),
    ]
    terms = {"kernel": recurrent.WINDOW_KERNEL, "recurrent_kernel": recurrent.WINDOW_RECURRENT_KERNEL}
    if args["use_bias"]:
        weights.append(call.weight("bias", 4 * filters))
        terms["bias"] = recurrent.WINDOW_BIAS
    symbols = {"g": recurrent.GATES["LSTM"], "K": prod(window), "i": inputs, "o": filters}
    positions: dict[str, Dim] = {"T": steps, "P": prod(size for size in lengths if isinstance(size, int))}
    work = macs(recurrent.WINDOW_MACS, positions | symbols, recurrent.WINDOW_MEANING)
    outputs = [call.output((steps, *state) if args["return_sequences"] else state)]
    if args["return_state"]:
        outputs += [call.output(state), call.output(state)]
    return Built(tuple(outputs), formula(terms, symbols, recurrent.WINDOW_MEANING), tuple(weights), work)


for _rank in (1, 2, 3):
    keras_layer(f"ConvLSTM{_rank}D", f"LSTM over sequences of {OVER[_rank]}, with convolutions for products.",
                **_arguments(_rank))(partial(_conv_lstm, rank=_rank))  # fmt: skip
