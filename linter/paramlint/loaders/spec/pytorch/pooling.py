"""Pooling layers: sliding, adaptive, power-average, fractional, and the inverse of max pooling."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import floor
from typing import Any

from paramlint.formulas import pooling
from paramlint.ir import Dim, DType, Shape, Tensor
from paramlint.loaders.spec.arguments import (
    anything,
    flag,
    integer,
    integers,
    list_of,
    number,
    number_between,
    one_of,
    optional,
    positive,
    where,
)
from paramlint.loaders.spec.layer_checks import at_most, flowing, inner, ranked, same_size, show
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, Kind, layer

_CEIL = Argument(flag, "Count a last partial window.", False)
_INDICES = Argument(flag, "Give the positions of the maxima as a second output.", False)
_LAYOUT = {1: "NCW", 2: "NCHW", 3: "NCDHW"}


def _window(rank: int, padding: bool = True) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "kernel_size": Argument(integers(rank), "Size of the window."),
        "stride": Argument(optional(integers(rank)), "Step of the window; by default its size.", None),
    }
    if padding:
        arguments["padding"] = Argument(integers(rank, 0), "Added on both sides, at most half a window.", (0,) * rank)
    return arguments


def _lengths(call: Call, shape: Shape, dilation: tuple[int, ...]) -> list[Dim]:
    """Output lengths of a sliding window, its padding and size checked."""
    args = call.args
    rank = len(args["kernel_size"])
    padding, steps = args.get("padding") or (0,) * rank, args["stride"] or args["kernel_size"]
    lengths: list[Dim] = []
    for size, window, step, pad, gap in zip(shape[1:], args["kernel_size"], steps, padding, dilation, strict=True):
        span = pooling.extent(window, gap) if rank == 1 and not args.get("return_indices") else window
        if pad > span // 2:
            call.fail(f"padding {pad} is more than half of the window of {span}", "padding")
        if not isinstance(size, int):
            lengths.append(None)
            continue
        length = pooling.pooled(size, window, step, pad, gap, args["ceil_mode"])
        if length < 1:
            span = pooling.extent(window, gap)
            call.fail(
                f"the window spans {span}, the padded input only {size + 2 * pad} of {show(shape)}", "kernel_size"
            )
        lengths.append(length)
    return lengths


def _attributes(call: Call, **more: Any) -> dict[str, Any]:
    args = call.args
    rank = len(args["kernel_size"])
    padding = args.get("padding") or (0,) * rank
    return {
        "kernel_shape": args["kernel_size"],
        "strides": args["stride"] or args["kernel_size"],
        "pads": (*padding, *padding),
        "dilations": args.get("dilation") or (1,) * rank,
        "ceil_mode": int(args["ceil_mode"]),
        "layout": _LAYOUT[rank],
        **more,
    }


def _max(call: Call, rank: int) -> Built:
    at_most(call, 1)
    shape = ranked(call, [rank + 1])
    out = (shape[0], *_lengths(call, shape, call.args["dilation"]))
    made = call.step("MaxPool", [flowing(call)], out, _attributes(call))
    if not call.args["return_indices"]:
        return Built((made,))
    return Built((made, call.also(out, DType.INT64)))


def _whole(call: Call, rank: int) -> Shape:
    """The input's shape; means over volumes want a whole window in the input before it is padded."""
    shape = ranked(call, [rank + 1])
    for size, window in zip(shape[1:], call.args["kernel_size"], strict=True):
        if rank == 3 and isinstance(size, int) and size < window:
            call.fail(f"the window of {window} is longer than the input of {size} in {show(shape)}", "kernel_size")
    return shape


def _average(call: Call, rank: int) -> Built:
    at_most(call, 1)
    shape = _whole(call, rank)
    out = (shape[0], *_lengths(call, shape, (1,) * rank))
    if call.args.get("divisor_override"):
        return Built((call.output(out),))
    include = int(call.args["count_include_pad"])
    return Built((call.step("AveragePool", [flowing(call)], out, _attributes(call, count_include_pad=include)),))


def _power(call: Call, rank: int) -> Built:
    at_most(call, 1)
    shape = _whole(call, rank)
    out = (shape[0], *_lengths(call, shape, (1,) * rank))
    norm = call.args["norm_type"]
    if type(norm) is not int or norm < 1:
        return Built((call.output(out),))
    return Built((call.step("LpPool", [flowing(call)], out, _attributes(call, p=norm)),))


def _adapted(call: Call, rank: int) -> tuple[Shape, tuple[Dim, ...]]:
    at_most(call, 1)
    shape = ranked(call, [rank + 1])
    wanted = call.args["output_size"]
    return shape, (shape[0], *(old if new is None else new for old, new in zip(shape[1:], wanted, strict=True)))


def _adaptive(call: Call, rank: int, kind: str) -> Built:
    """An output size of 1 is global pooling; one that divides the input is a plain pooling; others have no operator."""
    shape, out = _adapted(call, rank)
    if call.args.get("return_indices"):
        return Built((call.output(out, flowing(call).dtype), call.output(out, DType.INT64)))
    if all(size == 1 for size in out[1:]):
        return Built((call.step(f"Global{kind}", [flowing(call)], out, {"layout": _LAYOUT[rank]}),))
    windows: list[int] = []
    for old, new in zip(shape[1:], out[1:], strict=True):
        if not isinstance(old, int) or not isinstance(new, int) or old % new:
            return Built((call.output(out),))
        windows.append(old // new)
    plain = {"pads": (0,) * 2 * rank, "dilations": (1,) * rank, "ceil_mode": 0, "layout": _LAYOUT[rank]}
    attributes = {"kernel_shape": tuple(windows), "strides": tuple(windows), **plain}
    return Built((call.step(kind, [flowing(call)], out, attributes),))


def _fraction(call: Call, rank: int) -> Built:
    """Size given as such or as a share of the input; windows overlap at random places."""
    at_most(call, 1)
    shape = ranked(call, [rank + 1])
    size, ratio = call.args["output_size"], call.args["output_ratio"]
    if (size is None) == (ratio is None):
        call.fail(f"{call.type} needs either output_size or output_ratio", None if size is None else "output_ratio")
    out: list[Dim] = [shape[0]]
    for index, old in enumerate(shape[1:]):
        new = size[index] if size else floor(old * ratio[index]) if isinstance(old, int) else None
        if isinstance(old, int) and new is not None:
            window = call.args["kernel_size"][index]
            # the kernel for volumes wants one element more than the one for images
            if new < 1 or new + window - (rank == 2) > old:
                call.fail(f"{new} windows of {window} do not fit a length of {old} in {show(shape)}", "kernel_size")
        out.append(new)
    if not call.args["return_indices"]:
        return Built((call.output(out),))
    return Built((call.output(out), call.output(out, DType.INT64)))


def _unpool(call: Call, rank: int) -> Built:
    """Inputs: the pooled values and the positions that max pooling gave."""
    at_most(call, 2)
    shape, indices = ranked(call, [rank + 1], 0), ranked(call, [rank + 1], 1, "indices")
    for mine, other in zip(shape, indices, strict=True):
        same_size(call, mine, other, f"values {show(shape)} and indices {show(indices)} differ in shape")
    args = call.args
    steps = args["stride"] or args["kernel_size"]
    out: list[Dim] = [shape[0]]
    for index, (size, window, step, pad) in enumerate(
        zip(shape[1:], args["kernel_size"], steps, args["padding"], strict=True)
    ):
        length = pooling.spread(size, window, step, pad, pad) if isinstance(size, int) else None
        if args["output_size"]:
            wanted = args["output_size"][index]
            if length is not None and not length - step < wanted < length + step:
                call.fail(f"output_size {wanted} is not within {step} of {length}", "output_size")
            length = wanted
        if length is not None and length < 1:
            call.fail(f"the output would have length {length} for the input {show(shape)}", "padding")
        out.append(length)
    values, positions = flowing(call), flowing(call, 1)
    attributes = {"kernel_shape": args["kernel_size"], "strides": steps, "pads": (*args["padding"], *args["padding"])}
    inputs: list[Tensor | None] = [values, positions]
    return Built((call.step("MaxUnpool", inputs, out, {**attributes, "layout": _LAYOUT[rank]}),))


_share = number_between(0, 1, "a number between 0 and 1", above=True)


def _shares(rank: int) -> Kind:
    below = where(_share, lambda value: value < 1, "a number between 0 and 1")
    several = list_of(below, rank, rank)

    def check(value: Any) -> tuple[int | Fraction, ...]:
        return several.check(value) if isinstance(value, tuple) else (below.check(value),) * rank

    phrase = f"a number between 0 and 1, or a list of {rank}"
    return Kind(phrase, {"anyOf": [below.schema, several.schema]}, check)


def _adaptive_size(rank: int) -> Kind:
    """A size for all dimensions or one for each; null among several keeps the input's."""
    several = list_of(optional(positive) if rank > 1 else positive, rank, rank)
    phrase = f"a positive integer, or a list of {rank}, null among them" if rank > 1 else "a positive integer"

    def check(value: Any) -> tuple[int | None, ...]:
        return several.check(value) if isinstance(value, tuple) else (positive.check(value),) * rank

    return Kind(phrase, {"anyOf": [positive.schema, several.schema]}, check)


_single = Kind(positive.phrase, positive.schema, lambda value: (positive.check(value),))


def _sliding(build: Callable[..., Built], rank: int, *more: str) -> Callable[[Call], Built]:
    """The layer on [channels, sizes..], and on [sizes..] alone: PyTorch then takes the batch for the channels."""

    def built(call: Call) -> Built:
        if len(call.shape()) != rank:
            return build(call, rank, *more)
        inputs = []
        for index in range(len(call.inputs)):
            source = flowing(call, index)
            shape = (1, *ranked(call, [rank], index))
            inputs.append(call.step("Unsqueeze", [source], shape, {"axes": (1,)}, dtype=source.dtype))
        outputs = [out for out in inner(call, call.type, inputs, "", **call.args).outputs if out and out.shape]
        axes = {"axes": (1,)}
        return Built(
            tuple(call.step("Squeeze", [out], (out.shape or ())[1:], axes, dtype=out.dtype) for out in outputs)
        )

    return built


def _register(rank: int, over: str) -> None:
    window, plain = _window(rank), _window(rank, padding=False)
    dilation = Argument(integers(rank), "Distance between the window's elements.", (1,) * rank)
    divisor = where(integer, bool, "an integer other than 0")
    average: dict[str, Any] = {
        "ceil_mode": _CEIL,
        "count_include_pad": Argument(flag, "Let the padding's zeros count.", True),
    }
    if rank > 1:
        average["divisor_override"] = Argument(optional(divisor), "Divide the sum by this instead.", None)
    if rank == 1:  # its power mean multiplies by the window's size as it is written, so no list
        plain["kernel_size"] = Argument(_single, "Size of the window.")
    size = Argument(_adaptive_size(rank), "Output size; null keeps the input's.")

    layer(PYTORCH, f"MaxPool{rank}d", f"Maximum of a sliding window over {over}.", **window, dilation=dilation,
          return_indices=_INDICES, ceil_mode=_CEIL)(_sliding(_max, rank))  # fmt: skip
    layer(PYTORCH, f"AvgPool{rank}d", f"Mean of a sliding window over {over}.", **window,
          **average)(_sliding(_average, rank))  # fmt: skip
    layer(PYTORCH, f"LPPool{rank}d", f"Power mean of a sliding window over {over}.",
          norm_type=Argument(where(number, bool, "a number other than 0"), "Exponent."), **plain,
          ceil_mode=_CEIL)(_sliding(_power, rank))  # fmt: skip
    layer(PYTORCH, f"AdaptiveAvgPool{rank}d", f"Means over {over} in an output of given size.",
          output_size=size)(_sliding(_adaptive, rank, "AveragePool"))  # fmt: skip
    layer(PYTORCH, f"AdaptiveMaxPool{rank}d", f"Maxima over {over} in an output of given size.", output_size=size,
          return_indices=_INDICES)(_sliding(_adaptive, rank, "MaxPool"))  # fmt: skip
    layer(PYTORCH, f"MaxUnpool{rank}d", f"Puts maxima over {over} back to their places.", **window,
          output_size=Argument(optional(one_of(integers(rank))), "Spatial size wanted of the output (call argument).",
                               None))(_sliding(_unpool, rank))  # fmt: skip
    if rank > 1:
        layer(PYTORCH, f"FractionalMaxPool{rank}d", f"Maxima over {over} at random window places.",
              kernel_size=Argument(integers(rank), "Size of the window."),
              output_size=Argument(optional(integers(rank)), "Output size.", None),
              output_ratio=Argument(optional(_shares(rank)), "Output size as a share of the input's.", None),
              return_indices=_INDICES,
              _random_samples=Argument(anything, "Where the windows lie; changes no number.", None),
              )(_sliding(_fraction, rank))  # fmt: skip


for _rank, _over in ((1, "sequences"), (2, "images"), (3, "volumes")):
    _register(_rank, _over)
