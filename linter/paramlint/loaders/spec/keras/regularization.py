"""Layers that work in training alone, or hand their input on: dropout, noise, ``Masking``, ``Identity``."""

from __future__ import annotations

from paramlint.loaders.spec.arguments import anything, list_of, number, optional, positive, probability
from paramlint.loaders.spec.keras.checks import SEED, Maker, keras_layer
from paramlint.loaders.spec.keras.windows import DATA_FORMAT
from paramlint.loaders.spec.layer_checks import alike, at_most, ranked
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_RATE = Argument(probability, "Share of elements that training drops.")
_NOISE_SHAPE = Argument(
    optional(list_of(optional(positive))), "Shape of the dropped pattern, batch included; changes no number.", None
)
_NUMBER = Argument(number, "Factor of a penalty; changes no number.", 0)


def _passing(kind: str, ranks: tuple[int, ...] | None = None) -> Maker:
    """An operator that use without training leaves out."""

    def build(call: Call) -> Built:
        if ranks is not None:
            ranked(call, ranks)
        return alike(call, kind)

    return build


keras_layer("Dropout", "Drops elements in training; passes on in use.", rate=_RATE, noise_shape=_NOISE_SHAPE,
            seed=SEED)(_passing("Dropout"))  # fmt: skip
keras_layer("AlphaDropout", "Dropout that keeps mean and variance.", rate=_RATE, noise_shape=_NOISE_SHAPE,
            seed=SEED)(_passing("Dropout"))  # fmt: skip
keras_layer("GaussianDropout", "Multiplies by random numbers around 1 in training.", rate=_RATE,
            seed=SEED)(_passing("Dropout"))  # fmt: skip
keras_layer("GaussianNoise", "Adds random numbers in training.",
            stddev=Argument(probability, "Their standard deviation, from 0 to 1."),
            seed=SEED)(_passing("Identity"))  # fmt: skip
keras_layer("SpatialDropout1D", "Drops whole channels of sequences in training.", rate=_RATE,
            seed=SEED)(_passing("Dropout", (2,)))  # fmt: skip
keras_layer("SpatialDropout2D", "Drops whole channels of images in training.", rate=_RATE, data_format=DATA_FORMAT,
            seed=SEED)(_passing("Dropout", (3,)))  # fmt: skip
keras_layer("SpatialDropout3D", "Drops whole channels of volumes in training.", rate=_RATE, data_format=DATA_FORMAT,
            seed=SEED)(_passing("Dropout", (4,)))  # fmt: skip
keras_layer("Identity", "Passes its input on.")(_passing("Identity"))
keras_layer("ActivityRegularization", "Adds a penalty on its input in training; passes it on.", l1=_NUMBER,
            l2=_NUMBER)(_passing("Identity"))  # fmt: skip


@keras_layer("Masking", "Time steps that hold one value alone are skipped by the layers behind.",
             mask_value=Argument(anything, "That value.", 0))  # fmt: skip
def masking(call: Call) -> Built:
    """The shape stays."""
    at_most(call, 1)
    return Built((call.output(call.shape()),))
