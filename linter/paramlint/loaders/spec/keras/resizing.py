"""Layers that change lengths: ``UpSampling``, ``ZeroPadding``, ``Cropping``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import integers, non_negative, positive
from paramlint.loaders.spec.keras.checks import caseless, keras_layer
from paramlint.loaders.spec.keras.windows import DATA_FORMAT, OVER, channels_first, joined, parted
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call, Kind

_MODES = {"nearest": "nearest", "bilinear": "linear", "bicubic": "cubic"}


def _upsample(call: Call, rank: int) -> Built:
    """Every spatial length times its factor."""
    at_most(call, 1)
    spatial, channels = _parted(call, ranked(call, [rank + 1]))
    factors, mode = call.args["size"], call.args.get("interpolation", "nearest")
    lengths = [_times(size, factor) for size, factor in zip(spatial, factors, strict=True)]
    out = _joined(call, lengths, channels)
    if mode not in _MODES:
        return Built((call.output(out),))
    attributes = {
        "mode": _MODES[mode],
        "coordinate_transformation_mode": "asymmetric" if mode == "nearest" else "half_pixel",
        "scales": (1.0, *_joined(call, [float(factor) for factor in factors], 1.0)),
    }
    return Built((call.step("Resize", [flowing(call)], out, attributes),))


def _times(size: Dim, factor: int) -> Dim:
    if isinstance(size, int):
        return size * factor
    return size if factor == 1 else None


def _parted(call: Call, shape: Shape) -> tuple[Shape, Dim]:
    """Spatial sizes and channels; layers for sequences have no data_format."""
    return parted(call, shape) if "data_format" in call.args else (shape[:-1], shape[-1])


def _joined(call: Call, spatial: list[Any], channels: Any) -> tuple[Any, ...]:
    return joined(call, spatial, channels) if "data_format" in call.args else (*spatial, channels)


def _pad(call: Call, rank: int) -> Built:
    """Zeros before and after each spatial axis."""
    at_most(call, 1)
    spatial, channels = parted(call, ranked(call, [rank + 1]))
    sides = _sides(call, "padding", rank)
    lengths: list[Dim] = []
    for size, (before, after) in zip(spatial, sides, strict=True):
        grown = size + before + after if isinstance(size, int) else None
        lengths.append(size if before == after == 0 else grown)
    first = 2 if channels_first(call) else 1
    still = [(0, 0)] * first + sides + [(0, 0)] * (2 - first)
    pads = (*[before for before, _ in still], *[after for _, after in still])
    attributes = {"pads": pads, "mode": "constant"}
    return Built((call.step("Pad", [flowing(call)], joined(call, lengths, channels), attributes),))


def _crop(call: Call, rank: int) -> Built:
    """Something must be left of each spatial axis."""
    at_most(call, 1)
    shape = ranked(call, [rank + 1])
    spatial, channels = _parted(call, shape)
    sides = _sides(call, "cropping", rank)
    lengths: list[Dim] = []
    for size, (before, after) in zip(spatial, sides, strict=True):
        if not isinstance(size, int):
            lengths.append(size if before == after == 0 else None)
            continue
        if before + after >= size:
            call.fail(f"cropping ({before}, {after}) leaves nothing of the length {size} of {show(shape)}", "cropping")
        lengths.append(size - before - after)
    first = 2 if "data_format" in call.args and channels_first(call) else 1
    attributes = {
        "axes": tuple(range(first, first + rank)),
        "starts": tuple(before for before, _ in sides),
        "ends": tuple(-after if after else 2**31 - 1 for _, after in sides),
    }
    out = _joined(call, lengths, channels)
    return Built((call.step("Slice", [flowing(call)], out, attributes),))


def _sides(call: Call, name: str, rank: int) -> list[tuple[int, int]]:
    value = call.args[name]
    return [value] if rank == 1 else list(value)


def _pairs(rank: int) -> Kind:
    """One number for all sides, one for each axis, or (before, after) for each axis."""
    phrase = f"an integer of at least 0, or a list of {rank} integers or pairs of them"
    pair = integers(2, 0)

    def check(value: Any) -> tuple[tuple[int, int], ...]:
        if isinstance(value, tuple) and len(value) != rank:
            raise ValueError(f"must be {phrase}")
        parts = value if isinstance(value, tuple) else (value,) * rank
        try:
            return tuple(pair.check(part) for part in parts)
        except ValueError as error:
            raise ValueError(f"must be {phrase}" if str(error).startswith("must be an int") else str(error)) from None

    listed = {"type": "array", "items": pair.schema, "minItems": rank, "maxItems": rank}
    return Kind(phrase, {"anyOf": [non_negative.schema, listed]}, check)


def _argument(rank: int, doc: str, default: int) -> Argument:
    if rank == 1:
        return Argument(integers(2, 0), doc, (default, default))
    return Argument(_pairs(rank), doc, ((default, default),) * rank)


_factor = Kind(positive.phrase, positive.schema, lambda value: (positive.check(value),))


def _register(rank: int) -> None:
    over = OVER[rank]
    layout: dict[str, Any] = {} if rank == 1 else {"data_format": DATA_FORMAT}
    size = Argument(_factor if rank == 1 else integers(rank), "Factor of each length.", (2,) * rank)
    more: dict[str, Any] = {}
    if rank == 2:
        modes = caseless(*_MODES, "lanczos3", "lanczos5", "area", "mitchellcubic", "gaussian")
        more["interpolation"] = Argument(modes, "How values between are found.", "nearest")
    makers: list[tuple[str, str, dict[str, Any], Callable[[Call], Built]]] = [
        ("UpSampling", f"Repeats or interpolates {over}.", {"size": size, **layout, **more},
         lambda call: _upsample(call, rank)),
        ("ZeroPadding", f"Adds zeros around {over}.",
         {"padding": _argument(rank, "Zeros before and after each axis.", 1), "data_format": DATA_FORMAT},
         lambda call: _pad(call, rank)),
        ("Cropping", f"Cuts the border off {over}.",
         {"cropping": _argument(rank, "Cut before and after each axis.", 0 if rank == 2 else 1), **layout},
         lambda call: _crop(call, rank)),
    ]  # fmt: skip
    for name, doc, arguments, build in makers:
        keras_layer(f"{name}{rank}D", doc, **arguments)(build)


for _rank in (1, 2, 3):
    _register(_rank)
