"""Keras layers that prepare data: images, codes of categories and words, spectrograms; and that no layer is missing."""

from __future__ import annotations

from typing import Any

import pytest
from layer_numbers import Sizes, numbers, shapes
from paramlint.ir import DType, Tensor
from paramlint.loaders.spec.build import build_layer, lower_layer
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.vocabulary import KERAS, LayerError

IMAGE = [8, 9, 3]
WORDS = ["a", "b", "c"]

#: layer, arguments, inputs -> parameters, MACs, output; Keras 3.15 gives the same.
EXACT: list[tuple[str, dict[str, Any], list[Sizes], int, int, tuple[Any, ...]]] = [
    ("Rescaling", {"scale": 0.5, "offset": -1}, [IMAGE], 0, 0, (8, 9, 3)),
    ("Resizing", {"height": 4, "width": 5}, [IMAGE], 0, 0, (4, 5, 3)),
    ("Resizing", {"height": 4, "width": 5, "data_format": "channels_first"}, [[3, 8, None]], 0, 0, (3, 4, 5)),
    ("CenterCrop", {"height": 4, "width": 12}, [IMAGE], 0, 0, (4, 12, 3)),
    ("RandomCrop", {"height": 4, "width": 5}, [IMAGE], 0, 0, (4, 5, 3)),
    ("RandomFlip", {}, [IMAGE], 0, 0, (8, 9, 3)),
    ("RandomZoom", {"height_factor": [-0.2, 0.3]}, [IMAGE], 0, 0, (8, 9, 3)),
    ("AugMix", {}, [IMAGE], 0, 0, (8, 9, 3)),
    ("Equalization", {}, [IMAGE], 0, 0, (8, 9, 3)),
    ("RandomHeight", {"factor": 0.2}, [IMAGE], 0, 0, (None, 9, 3)),
    ("CategoryEncoding", {"num_tokens": 6}, [[4]], 0, 0, (6,)),
    ("CategoryEncoding", {"num_tokens": 6, "output_mode": "one_hot"}, [[1]], 0, 0, (6,)),
    ("CategoryEncoding", {"num_tokens": 6, "output_mode": "one_hot"}, [[4]], 0, 0, (4, 6)),
    ("Discretization", {"bin_boundaries": [0.0, 0.5]}, [[4]], 0, 0, (4,)),
    ("Discretization", {"num_bins": 5, "output_mode": "count"}, [[4]], 0, 0, (5,)),
    ("Hashing", {"num_bins": 5, "output_mode": "multi_hot"}, [[4]], 0, 0, (5,)),
    ("HashedCrossing", {"num_bins": 5, "output_mode": "one_hot"}, [[1], [1]], 0, 0, (5,)),
    ("StringLookup", {"vocabulary": WORDS, "output_mode": "one_hot"}, [[2]], 0, 0, (2, 4)),
    ("StringLookup", {"vocabulary": ["[UNK]", *WORDS], "output_mode": "count"}, [[2]], 0, 0, (4,)),
    ("IntegerLookup", {"max_tokens": 9, "pad_to_max_tokens": True, "output_mode": "multi_hot"}, [[2]], 0, 0, (9,)),
    ("TextVectorization", {"output_sequence_length": 7}, [[1]], 0, 0, (7,)),
    ("TextVectorization", {"vocabulary": WORDS, "output_mode": "tf_idf", "idf_weights": [1, 1, 2]}, [[]], 0, 0, (4,)),
    ("STFTSpectrogram", {"frame_length": 16, "frame_step": 4}, [[33, 2]],
     2 * 16 * 9, 2 * 2 * 5 * 16 * 9, (5, 9 * 2)),
    ("STFTSpectrogram", {"frame_length": 7, "mode": "stft", "fft_length": 16, "expand_dims": True}, [[33, 2]],
     2 * 7 * 9, 2 * 2 * 9 * 63, (9, 18, 2)),
    ("STFTSpectrogram", {"mode": "real", "padding": "same"}, [[1000, 1]], 256 * 129, 8 * 256 * 129, (8, 129)),
    ("MelSpectrogram", {"fft_length": 16, "sequence_stride": 4, "num_mel_bins": 5}, [[23]],
     0, 6 * 9 * 5, (5, 1 + 23 // 4)),
    ("Pipeline", {"layers": [{"type": "Rescaling", "scale": 2}, {"type": "Dense", "units": 4}]}, [[3]], 16, 12, (4,)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "params", "macs", "output"), EXACT)
def test_numbers(
    kind: str, args: dict[str, Any], inputs: list[Sizes], params: int, macs: int, output: tuple[Any, ...]
) -> None:
    built = build_layer(KERAS, kind, args, inputs)
    assert numbers(built) == (params, 0, macs)
    assert shapes(built) == [output]


REFUSED: list[tuple[str, dict[str, Any], list[Sizes], str | None, str]] = [
    ("RandomFlip", {}, [[8, 9]], None, "an image"),
    ("RandomRotation", {"factor": 1.5}, [IMAGE], "factor", "from -1 to 1"),
    ("RandomContrast", {"factor": -0.2}, [IMAGE], "factor", "from 0 to 1"),
    ("RandomPosterization", {"factor": 0.5}, [IMAGE], "factor", "from 1 to 8"),
    ("RandomZoom", {"height_factor": -1}, [IMAGE], "height_factor", "above -1"),
    ("RandomTranslation", {"height_factor": 0.1}, [IMAGE], None, "width_factor"),
    ("RandomGaussianBlur", {"kernel_size": 4}, [IMAGE], "kernel_size", "odd"),
    ("RandomShear", {"fill_mode": "mirror"}, [IMAGE], "fill_mode", "reflect"),
    ("RandomColorDegeneration", {"factor": 0.5}, [[8, 9, 1]], None, "3 channels"),
    ("Resizing", {"height": 4, "width": 0}, [IMAGE], "width", "positive"),
    ("Resizing", {"height": 4, "width": 5, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, [IMAGE],
     "pad_to_aspect_ratio", "exclude"),
    ("CategoryEncoding", {}, [[4]], None, "num_tokens"),
    ("CategoryEncoding", {"num_tokens": 4}, [[]], "output_mode", "counts over an axis"),
    ("CategoryEncoding", {"num_tokens": 4}, [[4], [4]], "output_mode", "count"),
    ("Discretization", {}, [[4]], None, "either"),
    ("Discretization", {"bin_boundaries": [1], "num_bins": 2}, [[4]], "num_bins", "either"),
    ("Discretization", {"num_bins": 2, "sparse": True}, [[4]], "sparse", "indices"),
    ("Hashing", {"num_bins": 0}, [[4]], "num_bins", "positive"),
    ("Hashing", {"num_bins": 4, "salt": [1, 2, 3]}, [[4]], "salt", "two"),
    ("HashedCrossing", {"num_bins": 4}, [[1]], "inputs", "exactly two"),
    ("HashedCrossing", {"num_bins": 4}, [[3], [3]], "inputs", "[]"),
    ("StringLookup", {"vocabulary": ["a", "a"]}, [[1]], "vocabulary", "twice"),
    ("StringLookup", {"vocabulary": []}, [[1]], "vocabulary", "empty"),
    ("StringLookup", {"vocabulary": WORDS, "max_tokens": 3}, [[1]], "max_tokens", "4 tokens"),
    ("StringLookup", {"pad_to_max_tokens": True}, [[1]], "pad_to_max_tokens", "max_tokens"),
    ("StringLookup", {"invert": True, "output_mode": "count"}, [[1]], "output_mode", "int"),
    ("IntegerLookup", {"output_mode": "tf_idf", "vocabulary": [1, 2]}, [[1]], "vocabulary", "idf_weights"),
    ("TextVectorization", {}, [[2]], None, "one text"),
    ("TextVectorization", {"output_mode": "count", "output_sequence_length": 3}, [[1]],
     "output_sequence_length", "int"),
    ("STFTSpectrogram", {"frame_length": 8, "frame_step": 9}, [[33, 1]], "frame_step", "frame_length"),
    ("STFTSpectrogram", {"frame_length": 8, "fft_length": 4}, [[33, 1]], "fft_length", "below"),
    ("STFTSpectrogram", {"frame_length": 40}, [[33, 1]], "frame_length", "33"),
    ("MelSpectrogram", {"fft_length": 16, "sequence_length": 20}, [[33]], "sequence_length", "above"),
    ("MelSpectrogram", {"fft_length": 16}, [[8]], "fft_length", "too few"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "args", "inputs", "argument", "words"), REFUSED)
def test_refusals(kind: str, args: dict[str, Any], inputs: list[Sizes], argument: str | None, words: str) -> None:
    with pytest.raises(LayerError) as caught:
        build_layer(KERAS, kind, args, inputs)
    assert caught.value.argument == argument
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("kind", "args", "steps"),
    [
        ("RandomRotation", {"factor": 0.1}, ["Identity"]),
        ("Rescaling", {"scale": 2}, ["Mul"]),
        ("Rescaling", {"scale": 2, "offset": 1}, ["Mul", "Add"]),
        ("Resizing", {"height": 4, "width": 5}, ["Resize"]),
        ("Resizing", {"height": 4, "width": 5, "antialias": True}, ["keras::Resizing"]),
        ("CenterCrop", {"height": 4, "width": 5}, ["Slice"]),
        ("CenterCrop", {"height": 8, "width": 9}, ["Identity"]),
        ("CenterCrop", {"height": 40, "width": 9}, ["keras::CenterCrop"]),
        ("AutoContrast", {}, ["keras::AutoContrast"]),
    ],
)
def test_lowerings(kind: str, args: dict[str, Any], steps: list[str]) -> None:
    assert [step.kind for step in lower_layer(KERAS, kind, args, [IMAGE]).steps] == steps


def test_the_middle_of_an_image() -> None:
    (step,) = lower_layer(KERAS, "CenterCrop", {"height": 4, "width": 9}, [IMAGE]).steps
    assert step.attributes == {"axes": (1,), "starts": (2,), "ends": (6,)}


def test_text_goes_to_what_makes_numbers_of_it() -> None:
    texts = [Tensor("texts", (1,), DType.STRING)]
    made = build_layer(KERAS, "TextVectorization", {"max_tokens": 9, "output_sequence_length": 4}, texts)
    assert [(one.shape, one.dtype) for one in made.outputs if one is not None] == [((4,), DType.INT64)]
    with pytest.raises(LayerError, match="Embedding reads numbers, not text"):
        build_layer(KERAS, "Embedding", {"input_dim": 9, "output_dim": 2}, texts)


def test_indices_are_integers() -> None:
    text = Tensor("text", (4,), DType.STRING)
    for kind, args in (("StringLookup", {}), ("Hashing", {"num_bins": 5})):
        (made,) = build_layer(KERAS, kind, args, [text]).outputs
        assert made is not None
        assert made.dtype is DType.INT64
    (made,) = build_layer(KERAS, "StringLookup", {"invert": True}, [[4]]).outputs
    assert made is not None
    assert made.dtype is DType.STRING


def test_a_vocabulary_that_is_not_stated_leaves_the_length_open() -> None:
    assert shapes(build_layer(KERAS, "StringLookup", {"output_mode": "count"}, [[4]])) == [(None,)]
    assert shapes(build_layer(KERAS, "TextVectorization", {"output_mode": "one_hot"}, [[]])) == [(None, None)]


#: The classes of ``keras.layers`` in Keras 3.15.
PUBLIC = """
Activation ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D AdaptiveAveragePooling3D
AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add AdditiveAttention AlphaDropout Attention AugMix
AutoContrast Average AveragePooling1D AveragePooling2D AveragePooling3D AvgPool1D AvgPool2D AvgPool3D
BatchNormalization Bidirectional CategoryEncoding CenterCrop Concatenate ContrastLimitedAdaptiveHistogramEqualization
Conv1D Conv1DTranspose Conv2D Conv2DTranspose Conv3D Conv3DTranspose ConvLSTM1D ConvLSTM2D ConvLSTM3D Convolution1D
Convolution1DTranspose Convolution2D Convolution2DTranspose Convolution3D Convolution3DTranspose Cropping1D Cropping2D
Cropping3D CutMix Dense DepthwiseConv1D DepthwiseConv2D Discretization Dot Dropout ELU EinsumDense Embedding
Equalization Flatten FlaxLayer GRU GRUCell GaussianDropout GaussianNoise GlobalAveragePooling1D GlobalAveragePooling2D
GlobalAveragePooling3D GlobalAvgPool1D GlobalAvgPool2D GlobalAvgPool3D GlobalMaxPool1D GlobalMaxPool2D GlobalMaxPool3D
GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D GroupNormalization GroupQueryAttention HashedCrossing Hashing
Identity Input InputLayer InputSpec IntegerLookup JaxLayer LSTM LSTMCell Lambda Layer LayerNormalization LeakyReLU
Masking MaxNumBoundingBoxes MaxPool1D MaxPool2D MaxPool3D MaxPooling1D MaxPooling2D MaxPooling3D Maximum
MelSpectrogram Minimum MixUp MultiHeadAttention Multiply Normalization PReLU Permute Pipeline RMSNormalization RNN
RandAugment RandomBrightness RandomColorDegeneration RandomColorJitter RandomContrast RandomCrop
RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur RandomGrayscale RandomHue RandomInvert
RandomPerspective RandomPosterization RandomRotation RandomSaturation RandomSharpness RandomShear RandomTranslation
RandomZoom ReLU RepeatVector Rescaling Reshape Resizing ReversibleEmbedding STFTSpectrogram SeparableConv1D
SeparableConv2D SeparableConvolution1D SeparableConvolution2D SimpleRNN SimpleRNNCell Softmax Solarization
SpatialDropout1D SpatialDropout2D SpatialDropout3D SpectralNormalization StackedRNNCells StringLookup Subtract
TFSMLayer TextVectorization TimeDistributed TorchModuleWrapper UnitNormalization UpSampling1D UpSampling2D
UpSampling3D Wrapper ZeroPadding1D ZeroPadding2D ZeroPadding3D
"""


def test_no_public_layer_is_missing() -> None:
    assert not set(PUBLIC.split()) - set(entries(KERAS))
