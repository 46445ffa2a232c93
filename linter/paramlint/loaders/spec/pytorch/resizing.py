"""``nn.Upsample``, its two old forms and the function ``interpolate``."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from typing import Any

from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import choice, flag, list_of, one_of, optional, positive, positive_number
from paramlint.loaders.spec.layer_checks import at_most, flowing, show
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_SIZE = Argument(optional(one_of(positive, list_of(positive, 1, 3))), "Output size.", None)
_SCALE = Argument(
    optional(one_of(positive_number, list_of(positive_number, 1, 3))), "Factor of every spatial axis.", None
)
_MODES = {"nearest": "nearest", "nearest-exact": "nearest", "linear": "linear", "bilinear": "linear"} | {
    "trilinear": "linear",
    "bicubic": "cubic",
    "area": "area",
}
_RANKS = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
_MODE = Argument(choice(*_MODES), "How values between are found.", "nearest")
_CORNERS = Argument(optional(flag), "Map corners onto corners.", None)
_RECOMPUTE = Argument(optional(flag), "Recompute the factor from the rounded size.", None)


def _factors(call: Call, rank: int) -> tuple[tuple[Any, ...] | None, tuple[Any, ...] | None]:
    """Size and factor per spatial axis, one of them None."""
    size, scale = call.args["size"], call.args["scale_factor"]
    if size is not None and scale is not None:
        call.fail("only one of size and scale_factor may be given", "scale_factor")
    if size is None and scale is None:
        call.fail(f"{call.type} needs size or scale_factor", None, "write scale_factor: 2")
    for name, value in (("size", size), ("scale_factor", scale)):
        if isinstance(value, tuple) and len(value) != rank:
            call.fail(f"{name} has {len(value)} entries, the input has {rank} spatial axes", name)
    spread = [value if value is None or isinstance(value, tuple) else (value,) * rank for value in (size, scale)]
    return spread[0], spread[1]


def _checked_mode(call: Call, shape: Shape, mode: str) -> None:
    """The mode fits the number of spatial axes, align_corners the mode."""
    rank = len(shape) - 1
    if not 1 <= rank <= 3:
        call.fail(f"{call.type} needs channels and 1 to 3 spatial axes, got {show(shape)}")
    if _RANKS.get(mode, rank) != rank:
        call.fail(f"mode {mode} is for {_RANKS[mode]} spatial axes, the input {show(shape)} has {rank}", "mode")
    if call.args.get("align_corners") is not None and mode not in _RANKS:
        call.fail(f"align_corners has no meaning with mode {mode}", "align_corners")
    if call.args.get("recompute_scale_factor") and call.args["size"] is not None:
        call.fail("recompute_scale_factor needs scale_factor", "recompute_scale_factor")
    if call.args.get("antialias") and mode not in ("bilinear", "bicubic"):
        call.fail(f"antialias is for bilinear and bicubic, not {mode}", "antialias")


def _resize(call: Call, mode: str) -> Built:
    at_most(call, 1)
    shape = call.shape()
    _checked_mode(call, shape, mode)
    sizes, scales = _factors(call, len(shape) - 1)
    lengths: list[Dim] = []
    for index, old in enumerate(shape[1:]):
        if sizes:
            lengths.append(sizes[index])
        elif isinstance(old, int) and scales:
            lengths.append(floor(old * float(scales[index])))  # PyTorch multiplies in floating point
            if not lengths[-1]:
                call.fail(f"the output of {show(shape)} would have length 0", "scale_factor")
        else:
            lengths.append(old if scales and scales[index] == 1 else None)
    out = (shape[0], *lengths)
    if mode == "area":
        return Built((call.output(out),))
    corners = "align_corners" if call.args.get("align_corners") else "half_pixel"
    if mode == "nearest":
        corners = "asymmetric"
    attributes: dict[str, Any] = {"mode": _MODES[mode], "coordinate_transformation_mode": corners}
    if scales:
        attributes["scales"] = (1.0, 1.0, *(float(Fraction(one)) for one in scales))
    else:
        attributes["sizes"] = (0, 0, *lengths)
    return Built((call.step("Resize", [flowing(call)], out, attributes),))


@layer(PYTORCH, "Upsample", "Resizes sequences, images or volumes.", size=_SIZE, scale_factor=_SCALE, mode=_MODE,
       align_corners=_CORNERS, recompute_scale_factor=_RECOMPUTE)  # fmt: skip
def upsample(call: Call) -> Built:
    """Channels stay."""
    return _resize(call, call.args["mode"])


@layer(PYTORCH, "interpolate", "Resizes sequences, images or volumes (function).", size=_SIZE, scale_factor=_SCALE,
       mode=Argument(choice(*_MODES), "How values between are found.", "nearest"), align_corners=_CORNERS,
       recompute_scale_factor=_RECOMPUTE, antialias=Argument(flag, "Smooth when shrinking.", False))  # fmt: skip
def interpolate(call: Call) -> Built:
    """As Upsample, with area and antialias."""
    return _resize(call, call.args["mode"])


layer(PYTORCH, "UpsamplingNearest2d", "Resizes images by the nearest pixel.", size=_SIZE,
      scale_factor=_SCALE)(lambda call: _resize(call, "nearest"))  # fmt: skip
layer(PYTORCH, "UpsamplingBilinear2d", "Resizes images bilinearly, corners on corners.", size=_SIZE,
      scale_factor=_SCALE)(lambda call: _resize(call, "bilinear"))  # fmt: skip
