"""Pooling layers: sliding, global and adaptive."""

from __future__ import annotations

from typing import Any

from paramlint.ir import Dim
from paramlint.loaders.spec.arguments import choice, flag, integers, optional
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.keras.windows import DATA_FORMAT, OVER, Window, channels_first, joined, layout, parted
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked
from paramlint.loaders.spec.vocabulary import REQUIRED, Argument, Built, Call


def _sliding(call: Call, rank: int, kind: str) -> Built:
    at_most(call, 1)
    spatial, channels = parted(call, ranked(call, [rank + 1]))
    args = call.args
    window = Window(args["pool_size"], args["strides"] or args["pool_size"], args["padding"])
    lengths = window.lengths(call, spatial, "pool_size")
    more = {"count_include_pad": 0} if kind == "AveragePool" else {}
    attributes = window.attributes(call, spatial) | {"ceil_mode": 0} | more
    return Built((call.step(kind, [flowing(call)], joined(call, lengths, channels), attributes),))


def _global(call: Call, rank: int, kind: str) -> Built:
    """The spatial axes are reduced; with ``keepdims`` they stay with length 1."""
    at_most(call, 1)
    _, channels = parted(call, ranked(call, [rank + 1]))
    return Built((_reduced(call, rank, kind, channels, call.args["keepdims"]),))


def _reduced(call: Call, rank: int, kind: str, channels: Dim, keep: bool) -> Any:
    first = 2 if channels_first(call) else 1
    out = joined(call, (1,) * rank, channels) if keep else (channels,)
    attributes = {"axes": tuple(range(first, first + rank)), "keepdims": int(keep)}
    return call.step({"MaxPool": "ReduceMax", "AveragePool": "ReduceMean"}[kind], [flowing(call)], out, attributes)


def _adaptive(call: Call, rank: int, kind: str) -> Built:
    """One window is global pooling, windows that divide the input are plain pooling, others have no operator."""
    at_most(call, 1)
    spatial, channels = parted(call, ranked(call, [rank + 1]))
    wanted = call.args["output_size"]
    if all(size == 1 for size in wanted):
        return Built((_reduced(call, rank, kind, channels, True),))
    out = joined(call, wanted, channels)
    windows: list[int] = []
    for old, new in zip(spatial, wanted, strict=True):
        if not isinstance(old, int) or old % new:
            return Built((call.output(out),))
        windows.append(old // new)
    attributes = {
        "kernel_shape": tuple(windows),
        "strides": tuple(windows),
        "dilations": (1,) * rank,
        "pads": (0,) * 2 * rank,
        "ceil_mode": 0,
        "layout": layout(call, rank),
    }
    return Built((call.step(kind, [flowing(call)], out, attributes),))


def _window(rank: int, default: Any) -> dict[str, Any]:
    return {
        "pool_size": Argument(integers(rank), "Size of the window.", default),
        "strides": Argument(optional(integers(rank)), "Step of the window; by default its size.", None),
        "padding": Argument(choice("valid", "same"), "'valid' adds nothing, 'same' keeps length / stride.", "valid"),
        "data_format": DATA_FORMAT,
    }


_KEEP = Argument(flag, "Keep the spatial axes with length 1.", False)
_EXACT_FORMAT = Argument(
    optional(choice("channels_last", "channels_first")), "Where the channels stand; channels_last by default.", None
)


def _register(rank: int, word: str, short: str, of: str, kind: str) -> None:
    over = OVER[rank]
    default = (2,) * rank if kind == "MaxPool" else REQUIRED
    keras_layer(f"{word}Pooling{rank}D", f"{of} of a sliding window over {over}.", aliases=(f"{short}Pool{rank}D",),
                **_window(rank, default))(lambda call: _sliding(call, rank, kind))  # fmt: skip
    keras_layer(f"Global{word}Pooling{rank}D", f"{of} of each channel over {over}.",
                aliases=(f"Global{short}Pool{rank}D",), data_format=DATA_FORMAT, keepdims=_KEEP,
                )(lambda call: _global(call, rank, kind))  # fmt: skip
    keras_layer(f"Adaptive{word}Pooling{rank}D", f"{of} over {over} in an output of given size.",
                output_size=Argument(integers(rank), "Output size."), data_format=_EXACT_FORMAT,
                )(lambda call: _adaptive(call, rank, kind))  # fmt: skip


for _rank in (1, 2, 3):
    _register(_rank, "Max", "Max", "Maximum", "MaxPool")
    _register(_rank, "Average", "Avg", "Mean", "AveragePool")
