"""Keras's layers for images: sizes, and changes at random that happen in training alone.

An image has height, width and channels. What is random passes an image on unchanged once the network is trained.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import (
    anything,
    choice,
    flag,
    integer,
    list_of,
    number,
    number_between,
    one_of,
    optional,
    positive,
    probability,
    where,
)
from paramlint.loaders.spec.keras.checks import SEED, keras_layer
from paramlint.loaders.spec.keras.windows import DATA_FORMAT, joined, layout, parted
from paramlint.loaders.spec.layer_checks import at_most, flowing, ranked, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call, Kind

_BOXES = Argument(anything, "How bounding boxes are written; changes no number.", None)
_BASE: dict[str, Any] = {"bounding_box_format": _BOXES, "data_format": DATA_FORMAT}
_TWO = list_of(number, 2, 2)


def _range(low: int, high: int, each: bool = False, above: bool = False) -> Kind:
    """A number within bounds, or two that reach into them; with ``each`` both lie within."""
    bound = f"a number above {low} and up to {high}" if above else f"a number from {low} to {high}"
    one = number_between(low, high, bound, above=above)
    both = list_of(one, 2, 2) if each else where(_TWO, lambda pair: pair[0] <= high and pair[1] >= low, bound)
    return one_of(one, both)._replace(phrase=f"{bound}, or a list of two")


def _factor(kind: Kind, doc: str = "How strong, or how often.", **default: Any) -> Argument:
    return Argument(kind, doc, **default)


_ANY, _PART, _BITS = _range(-1, 1), _range(0, 1), _range(1, 8)
_SIGNED, _ZOOM, _SHARE = _range(-1, 1, each=True), _range(-1, 1, each=True, above=True), _range(0, 1, each=True)
_HALF = Fraction(1, 2)
_VALUES: dict[str, Any] = {"value_range": Argument(_TWO, "Lowest and highest value of a pixel.", (0, 255))}
_FILL: dict[str, Any] = {
    "fill_mode": Argument(choice("reflect", "wrap", "constant", "nearest"), "What the border holds.", "reflect"),
    "fill_value": Argument(number, "The constant of the border.", 0),
    "interpolation": Argument(choice("nearest", "bilinear"), "How values between pixels are made.", "bilinear"),
}
_LEVEL = {"interpolation": _FILL["interpolation"], "fill_value": _FILL["fill_value"]}
_ELASTIC = choice("constant", "nearest", "wrap", "mirror", "reflect")
_ODD = where(integer, lambda value: value % 2 == 1, "an odd integer")
_FLIPS = choice("horizontal", "vertical", "horizontal_and_vertical")
_SCALES = Argument(_PART, "Share of the image that is covered.", (Fraction(2, 100), Fraction(33, 100)))
_COLOUR = optional(one_of(number, list_of(number, 3, 3)))

#: What happens at random in training: its documentation and arguments.
_RANDOM: dict[str, tuple[str, dict[str, Any]]] = {
    "AugMix": ("Mixes chains of random changes.", {
        **_VALUES, "num_chains": Argument(positive, "Chains.", 3), "chain_depth": Argument(integer, "Changes.", 3),
        "factor": _factor(_SHARE, default=Fraction(3, 10)), "alpha": Argument(number, "Spread of the mixture.", 1),
        "all_ops": Argument(flag, "Use colour changes too.", True), "interpolation": _FILL["interpolation"]}),
    "CutMix": ("Pastes parts of other images.", {"factor": _factor(_PART, default=1)}),
    "MixUp": ("Blends pairs of images.", {"alpha": Argument(number, "Spread of the mixture.", Fraction(1, 5))}),
    "RandAugment": ("A few random changes out of many.", {
        **_VALUES, "num_ops": Argument(positive, "Changes of one image.", 2),
        "factor": _factor(_SHARE, default=_HALF),
        "interpolation": _FILL["interpolation"]}),
    "RandomBrightness": ("Random brightness.", {"factor": _factor(_ANY), **_VALUES}),
    "RandomColorDegeneration": ("Random loss of colour.", {"factor": _factor(_ANY), **_VALUES}),
    "RandomColorJitter": ("Random brightness, contrast, saturation and hue.", {
        **_VALUES, "brightness_factor": _factor(optional(_ANY), default=None),
        "contrast_factor": _factor(optional(_PART), default=None),
        "saturation_factor": _factor(optional(_ANY), default=None),
        "hue_factor": _factor(optional(_PART), default=None)}),
    "RandomContrast": ("Random contrast.", {"factor": _factor(_PART), **_VALUES}),
    "RandomElasticTransform": ("Random elastic distortion.", {
        "factor": _factor(_PART, default=1), "scale": _factor(_PART, default=1), **_FILL, **_VALUES,
        "fill_mode": Argument(_ELASTIC, "What the border holds.", "reflect")}),
    "RandomErasing": ("Random parts covered.", {
        "factor": _factor(_PART, default=1), "scale": _SCALES,
        "fill_value": Argument(_COLOUR, "What covers them; null is noise.", None), **_VALUES}),
    "RandomFlip": ("Random mirror images.", {
        "mode": Argument(_FLIPS, "Which ways.", "horizontal_and_vertical")}),
    "RandomGaussianBlur": ("Random blur.", {
        "factor": _factor(_PART, default=1), "sigma": _factor(_PART, default=1), **_VALUES,
        "kernel_size": Argument(one_of(_ODD, list_of(_ODD, 2, 2)), "Size of the window.", 3)}),
    "RandomGrayscale": ("Random loss of all colour.", {"factor": _factor(probability, "How often.", default=_HALF)}),
    "RandomHue": ("Random hue.", {"factor": _factor(_PART), **_VALUES}),
    "RandomInvert": ("Random negatives.", {"factor": _factor(_PART, default=1), **_VALUES}),
    "RandomPerspective": ("Random perspective.", {
        "factor": _factor(_PART, default=1), "scale": _factor(probability, default=1), **_LEVEL}),
    "RandomPosterization": ("Random loss of levels.", {"factor": _factor(_BITS, "Bits that stay."), **_VALUES}),
    "RandomRotation": ("Random rotation.", {"factor": _factor(_ANY, "Of a full turn."), **_FILL}),
    "RandomSaturation": ("Random saturation.", {"factor": _factor(_ANY), **_VALUES}),
    "RandomSharpness": ("Random sharpness.", {"factor": _factor(_PART), **_VALUES}),
    "RandomShear": ("Random shear.", {
        "x_factor": _factor(_SHARE, default=0), "y_factor": _factor(_SHARE, default=0), **_FILL}),
    "RandomTranslation": ("Random shift.", {
        "height_factor": _factor(_SIGNED), "width_factor": _factor(_SIGNED), **_FILL}),
    "RandomZoom": ("Random zoom.", {
        "height_factor": _factor(_ZOOM), "width_factor": _factor(optional(_ZOOM), default=None), **_FILL}),
    "Solarization": ("Random negatives of bright pixels.", {
        "addition_factor": _factor(_SHARE, default=0), "threshold_factor": _factor(_SHARE, default=0), **_VALUES}),
}  # fmt: skip


def _image(call: Call) -> Shape:
    at_most(call, 1)
    return ranked(call, [3], what="an image [height, width, channels]")


def _augmented(call: Call) -> Built:
    """Nothing, once the network is trained."""
    shape = _image(call)
    if call.type == "RandomColorDegeneration" and parted(call, shape)[1] not in (3, None):
        call.fail(f"RandomColorDegeneration needs 3 channels, got {show(shape)}")
    return Built((call.step("Identity", [flowing(call)], shape),))


for _name, (_doc, _arguments) in _RANDOM.items():
    keras_layer(_name, f"{_doc[:-1]}, in training.", **_arguments, seed=SEED, **_BASE)(_augmented)


def _contrast(call: Call) -> Built:
    """A change of every image, trained or not, without an operator of its own."""
    return Built((call.output(_image(call)),))


keras_layer("AutoContrast", "Spreads values over the whole range.", **_VALUES, **_BASE)(_contrast)
keras_layer("Equalization", "Makes all values equally frequent.", **_VALUES,
            bins=Argument(positive, "Levels.", 256), **_BASE)(_contrast)  # fmt: skip
keras_layer("ContrastLimitedAdaptiveHistogramEqualization", "Makes values equally frequent, tile by tile.", **_VALUES,
            clip_limit=Argument(number, "Bound of a level's share.", 4),
            tile_grid_size=Argument(list_of(positive, 2, 2), "Tiles down and across.", (8, 8)),
            **_BASE)(_contrast)  # fmt: skip


@keras_layer("MaxNumBoundingBoxes", "Bounds the number of boxes beside an image.",
             max_number=Argument(integer, "Boxes that are kept."),
             fill_value=Argument(number, "What missing boxes hold.", -1), **_BASE)  # fmt: skip
def max_boxes(call: Call) -> Built:
    """The image itself passes through."""
    at_most(call, 1)
    return Built((call.step("Identity", [flowing(call)], call.shape()),))


_SIZE: dict[str, Any] = {
    "height": Argument(positive, "Height of the output."),
    "width": Argument(positive, "Width of the output."),
}
_METHODS = {"bilinear": "linear", "nearest": "nearest", "bicubic": "cubic"}
_OTHERS = ("lanczos3", "lanczos5", "area", "gaussian", "mitchellcubic")


def _sized(call: Call) -> tuple[Shape, tuple[Dim, ...]]:
    shape = _image(call)
    return shape, joined(call, (call.args["height"], call.args["width"]), parted(call, shape)[1])


@keras_layer("Resizing", "Images of another size.", **_SIZE,
             interpolation=Argument(choice(*_METHODS, *_OTHERS), "How values between pixels are made.", "bilinear"),
             crop_to_aspect_ratio=Argument(flag, "Keep the proportions by cutting.", False),
             pad_to_aspect_ratio=Argument(flag, "Keep the proportions by a border.", False),
             fill_mode=Argument(choice("constant"), "What the border holds.", "constant"),
             fill_value=Argument(number, "The constant of the border.", 0),
             antialias=Argument(flag, "Smooth what is made smaller.", False), **_BASE)  # fmt: skip
def resizing(call: Call) -> Built:
    """One operator, unless proportions are kept."""
    args = call.args
    _, out = _sized(call)
    if args["crop_to_aspect_ratio"] and args["pad_to_aspect_ratio"]:
        call.fail("crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other", "pad_to_aspect_ratio")
    kept = args["crop_to_aspect_ratio"] or args["pad_to_aspect_ratio"] or args["antialias"]
    if kept or args["interpolation"] not in _METHODS:
        return Built((call.output(out),))
    attributes = {
        "mode": _METHODS[args["interpolation"]],
        "coordinate_transformation_mode": "asymmetric" if args["interpolation"] == "nearest" else "half_pixel",
        "sizes": (1, *out),
        "layout": layout(call, 2),
    }
    return Built((call.step("Resize", [flowing(call)], out, attributes),))


@keras_layer("CenterCrop", "The middle of an image; a smaller one is resized.", **_SIZE, **_BASE)
def center_crop(call: Call) -> Built:
    """A slice where the image is known to be large enough."""
    shape, out = _sized(call)
    starts: list[int] = []
    for before, after in zip(shape, out, strict=True):
        if before != after and not (isinstance(before, int) and isinstance(after, int) and before >= after):
            return Built((call.output(out),))
        starts.append((before - after) // 2 if isinstance(before, int) and isinstance(after, int) else 0)
    cut = [place for place in range(3) if shape[place] != out[place]]
    if not cut:
        return Built((call.step("Identity", [flowing(call)], out),))
    attributes = {
        "axes": tuple(place + 1 for place in cut),
        "starts": tuple(starts[place] for place in cut),
        "ends": tuple(starts[place] + int(out[place] or 0) for place in cut),
    }
    return Built((call.step("Slice", [flowing(call)], out, attributes),))


@keras_layer("RandomCrop", "A random part of an image in training, its middle afterwards.", **_SIZE, seed=SEED, **_BASE)
def random_crop(call: Call) -> Built:
    """Keras states the part's size, however large the image is."""
    return Built((call.output(_sized(call)[1]),))


def _stretched(call: Call) -> Built:
    """One length differs from image to image in training."""
    shape, (spatial, channels) = _image(call), parted(call, call.shape())
    sizes = (None, spatial[1]) if call.type == "RandomHeight" else (spatial[0], None)
    return Built((call.output(joined(call, sizes, channels) if shape else shape),))


for _name in ("RandomHeight", "RandomWidth"):
    keras_layer(_name, f"Random {_name[6:].lower()} in training.", keras2=True,
                factor=Argument(one_of(number, _TWO), "By how much."),
                interpolation=Argument(choice(*_METHODS, *_OTHERS), "How values between pixels are made.", "bilinear"),
                seed=SEED, **_BASE)(_stretched)  # fmt: skip
