"""Layers that move elements: flatten, shuffle, fold; and the two distances."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import prod
from typing import Any

from paramlint.formulas import pooling
from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import flag, integer, integer_list, integers, number, positive
from paramlint.loaders.spec.layer_checks import at_most, axis, flowing, product, ranked, resolved, shaped, show
from paramlint.loaders.spec.pytorch.broadcasting import common_shape
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer


def flatten_axes(call: Call, hint: str | None = None) -> Built:
    """Merge the axes from ``start_dim`` to ``end_dim``, both counted with the batch."""
    at_most(call, 1)
    shape = call.shape()
    if not shape:
        call.fail("the input [] has no axis beside the batch to flatten")
    if call.args["start_dim"] % (len(shape) + 1) == 0 and -len(shape) - 1 <= call.args["start_dim"] <= len(shape):
        call.fail(
            f"start_dim {call.args['start_dim']} would merge the batch", "start_dim", hint or "write start_dim: 1"
        )
    start, end = axis(call, "start_dim", len(shape)), axis(call, "end_dim", len(shape))
    if start > end:
        call.fail(f"start_dim {call.args['start_dim']} lies behind end_dim {call.args['end_dim']}", "start_dim")
    out = (*shape[:start], product(shape[start : end + 1]), *shape[end + 1 :])
    if len(out) == 1:
        return Built((call.step("Flatten", [flowing(call)], out, {"axis": 1}),))
    return Built((shaped(call, flowing(call), out),))


_START = Argument(integer, "First axis that is merged, counting the batch as 0.", 1)
_END = Argument(integer, "Last axis that is merged.", -1)
layer(PYTORCH, "Flatten", "Merges axes into one.", start_dim=_START, end_dim=_END)(flatten_axes)


@layer(PYTORCH, "Unflatten", "Splits one axis into several.",
       dim=Argument(integer, "Axis that is split, counting the batch as 0."),
       unflattened_size=Argument(integer_list(-1, minimum=1), "Its new sizes; one may be -1."))  # fmt: skip
def unflatten(call: Call) -> Built:
    """The sizes multiply to the axis."""
    at_most(call, 1)
    shape = call.shape()
    place = axis(call, "dim", len(shape))
    sizes = resolved(call, call.args["unflattened_size"], "unflattened_size", (shape[place],))
    return Built((shaped(call, flowing(call), (*shape[:place], *sizes, *shape[place + 1 :])),))


def _scaled(size: Dim, factor: Fraction) -> Dim:
    if not isinstance(size, int):
        return size if factor == 1 else None
    return int(size * factor)


@layer(PYTORCH, "PixelShuffle", "Moves groups of channels into a larger image.",
       upscale_factor=Argument(positive, "Factor of height and width."))  # fmt: skip
def pixel_shuffle(call: Call) -> Built:
    """Channels must divide by the factor squared; leading axes may come before [c, h, w]."""
    at_most(call, 1)
    shape, factor = _image(call), call.args["upscale_factor"]
    channels = shape[-3]
    if isinstance(channels, int) and channels % factor**2:
        call.fail(f"{factor} squared does not divide the {channels} channels of {show(shape)}", "upscale_factor")
    grown = [_scaled(size, Fraction(factor)) for size in shape[-2:]]
    out = (*shape[:-3], _scaled(channels, Fraction(1, factor**2)), *grown)
    return Built((call.step("DepthToSpace", [flowing(call)], out, {"blocksize": factor, "mode": "CRD"}),))


@layer(PYTORCH, "PixelUnshuffle", "Moves blocks of pixels into channels.",
       downscale_factor=Argument(positive, "Divides height and width."))  # fmt: skip
def pixel_unshuffle(call: Call) -> Built:
    """Height and width must divide by the factor."""
    at_most(call, 1)
    shape, factor = _image(call), call.args["downscale_factor"]
    for size in shape[-2:]:
        if isinstance(size, int) and size % factor:
            call.fail(f"{factor} does not divide the length {size} of {show(shape)}", "downscale_factor")
    shrunk = [_scaled(size, Fraction(1, factor)) for size in shape[-2:]]
    out = (*shape[:-3], _scaled(shape[-3], Fraction(factor**2)), *shrunk)
    return Built((call.step("SpaceToDepth", [flowing(call)], out, {"blocksize": factor}),))


def _image(call: Call) -> Shape:
    shape = call.shape()
    if len(shape) < 3:
        call.fail(f"{call.type} needs [channels, height, width], got {show(shape)}")
    return shape


@layer(PYTORCH, "ChannelShuffle", "Interleaves groups of channels.", groups=Argument(positive, "Groups."))
def channel_shuffle(call: Call) -> Built:
    """The groups divide the channels."""
    at_most(call, 1)
    shape, groups = call.shape(), call.args["groups"]
    if len(shape) < 2:
        call.fail(f"ChannelShuffle needs channels and at least one further axis, got {show(shape)}")
    channels = shape[0]
    if isinstance(channels, int) and channels % groups:
        call.fail(f"groups {groups} does not divide the {channels} channels of {show(shape)}", "groups")
    if not isinstance(channels, int):
        return Built((call.output(shape),))
    split = (groups, channels // groups, *shape[1:])
    turned = (split[1], groups, *shape[1:])
    order = (0, 2, 1, *range(3, len(shape) + 2))
    made = call.step("Transpose", [shaped(call, flowing(call), split)], turned, {"perm": order})
    return Built((shaped(call, made, shape),))


_WINDOW: dict[str, Any] = {
    "kernel_size": Argument(integers(2), "Size of the window."),
    "dilation": Argument(integers(2), "Distance between the window's elements.", (1, 1)),
    "padding": Argument(integers(2, 0), "Added on both sides.", (0, 0)),
    "stride": Argument(integers(2), "Step of the window.", (1, 1)),
}


def _places(call: Call, sizes: Sequence[Dim]) -> Dim:
    """How many windows lie on an image."""
    counts: list[Dim] = []
    names = ("kernel_size", "stride", "padding", "dilation")
    for size, window, step, pad, gap in zip(sizes, *(call.args[name] for name in names), strict=True):
        count = pooling.slid(size, window, step, pad, pad, gap) if isinstance(size, int) else None
        if count is not None and count < 1:
            call.fail(f"a window of {pooling.extent(window, gap)} does not fit the length {size}", "kernel_size")
        counts.append(count)
    return product(counts)


@layer(PYTORCH, "Unfold", "Every window of an image becomes a column.", **_WINDOW)
def unfold(call: Call) -> Built:
    """[c, h, w] becomes [c x window, windows]."""
    at_most(call, 1)
    shape = ranked(call, [3])
    rows = product((shape[0], prod(call.args["kernel_size"])))
    return Built((call.output((rows, _places(call, shape[1:]))),))


@layer(PYTORCH, "Fold", "Columns of windows are added up into an image.",
       output_size=Argument(integers(2), "Height and width of the image."), **_WINDOW)  # fmt: skip
def fold(call: Call) -> Built:
    """[c x window, windows] becomes [c, h, w]; the counts must fit."""
    at_most(call, 1)
    shape, window = ranked(call, [2]), prod(call.args["kernel_size"])
    rows, columns = shape
    if isinstance(rows, int) and rows % window:
        call.fail(f"the window of {window} does not divide the {rows} rows of {show(shape)}", "kernel_size")
    places = _places(call, call.args["output_size"])
    if isinstance(columns, int) and columns != places:
        call.fail(f"output_size has {places} windows, the input {show(shape)} has {columns}", "output_size")
    return Built((call.output((rows // window if isinstance(rows, int) else None, *call.args["output_size"])),))


@layer(PYTORCH, "CosineSimilarity", "Cosine of the angle between two inputs along an axis.",
       dim=Argument(integer, "Axis that is summed, counting the batch as 0.", 1),
       eps=Argument(number, "Lower bound of the norms.", Fraction(1, 10**8)))  # fmt: skip
def cosine_similarity(call: Call) -> Built:
    """The axis disappears."""
    at_most(call, 2)
    call.shape(1)
    shape = common_shape(call)
    place = axis(call, "dim", len(shape))
    return Built((call.output((*shape[:place], *shape[place + 1 :])),))


@layer(PYTORCH, "PairwiseDistance", "Distance of two inputs along the last axis.",
       p=Argument(number, "Exponent of the norm.", 2),
       eps=Argument(number, "Added to the difference.", Fraction(1, 10**6)),
       keepdim=Argument(flag, "Keep the last axis with length 1.", False))  # fmt: skip
def pairwise_distance(call: Call) -> Built:
    """The last axis disappears."""
    at_most(call, 2)
    call.shape(1)
    shape = common_shape(call)
    if not shape:
        call.fail("PairwiseDistance needs an axis beside the batch, got []")
    return Built((call.output((*shape[:-1], 1) if call.args["keepdim"] else shape[:-1]),))
