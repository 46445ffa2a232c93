"""Layer types by name, and what a wrong one was meant to be: another case, a long path, the other framework's word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from paramlint.loaders.spec.vocabularies import FRAMEWORKS, entries
from paramlint.loaders.spec.vocabulary import KERAS, Entry
from paramlint.spelling import did_you_mean, nearest

#: Keras's word, PyTorch's words for the same layer.
_TWINS = {
    "Dense": "Linear", "Activation": "ReLU", "BatchNormalization": "BatchNorm2d BatchNorm1d BatchNorm3d",
    "LayerNormalization": "LayerNorm", "GroupNormalization": "GroupNorm", "RMSNormalization": "RMSNorm",
    "MaxPooling1D": "MaxPool1d", "MaxPooling2D": "MaxPool2d", "MaxPooling3D": "MaxPool3d",
    "AveragePooling1D": "AvgPool1d", "AveragePooling2D": "AvgPool2d", "AveragePooling3D": "AvgPool3d",
    "GlobalAveragePooling1D": "AdaptiveAvgPool1d", "GlobalAveragePooling2D": "AdaptiveAvgPool2d",
    "GlobalMaxPooling1D": "AdaptiveMaxPool1d", "GlobalMaxPooling2D": "AdaptiveMaxPool2d",
    "Conv1DTranspose": "ConvTranspose1d", "Conv2DTranspose": "ConvTranspose2d", "Conv3DTranspose": "ConvTranspose3d",
    "DepthwiseConv2D": "Conv2d", "SeparableConv2D": "Conv2d", "MultiHeadAttention": "MultiheadAttention",
    "SimpleRNN": "RNN", "UpSampling2D": "Upsample", "Reshape": "reshape Unflatten", "Permute": "permute",
    "Concatenate": "cat", "Add": "add", "Multiply": "mul", "Subtract": "sub", "SpatialDropout2D": "Dropout2d",
    "SpatialDropout1D": "Dropout1d", "ZeroPadding2D": "ZeroPad2d", "LeakyReLU": "LeakyReLU", "Dot": "matmul",
}  # fmt: skip
#: What neither framework calls so, but people do: the word without case and underscores, and what it may stand for.
_COMMON = {
    "swish": "SiLU silu", "multiply": "mul Multiply", "subtract": "sub Subtract", "divide": "div",
    "concat": "cat Concatenate", "concatenate": "cat Concatenate", "depthwiseconv2d": "Conv2d DepthwiseConv2D",
    "globalavgpool2d": "AdaptiveAvgPool2d GlobalAveragePooling2D", "gap": "AdaptiveAvgPool2d GlobalAveragePooling2D",
    "globalmaxpool2d": "AdaptiveMaxPool2d GlobalMaxPooling2D", "maxpool": "MaxPool2d MaxPooling2D",
    "avgpool": "AvgPool2d AveragePooling2D", "fc": "Linear Dense", "fullyconnected": "Linear Dense",
    "conv": "Conv2d Conv2D", "deconv": "ConvTranspose2d Conv2DTranspose", "upsampling": "Upsample UpSampling2D",
    "bn": "BatchNorm2d BatchNormalization", "batchnorm": "BatchNorm2d BatchNormalization",
    "einsum": "matmul EinsumDense", "selfattention": "MultiheadAttention MultiHeadAttention",
}  # fmt: skip


@lru_cache(maxsize=4096)
def snake_case(name: str) -> str:
    """A type's name as Keras names a layer: ``Conv2D`` conv2d, ``BatchNormalization`` batch_normalization."""
    word = re.sub(r"\W+", "", name.rpartition(".")[2])
    word = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", word)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", word).lower()


def unknown_type(name: str, framework: str, blocks: Iterable[str]) -> tuple[str, str | None]:
    """Message and hint for a type that the framework does not have."""
    known = entries(framework)
    message = f"unknown layer {name[:60]!r}: it is no {_title(framework)} layer and no block of this file"
    short = name.rpartition(".")[2]
    if short in known:
        return message, f"did you mean {short!r}?"
    same = [word for word in (*known, *blocks) if word.lower() == name.lower()]
    if same:
        return message, f"did you mean {same[0]!r}?"
    common = [word for word in _COMMON.get(short.replace("_", "").lower(), "").split() if word in known]
    if common and nearest(name, blocks) is None:
        return message, f"did you mean {common[0]!r}?"
    twin = _twin(short, framework, known)
    other = next(one for one in FRAMEWORKS if one != framework)
    if twin or short in entries(other):
        message = f"{short!r} is a {_title(other)} layer; this architecture is written for {framework}"
        return message, f"did you mean {twin!r}?" if twin else did_you_mean(name, [*known, *blocks])
    return message, did_you_mean(name, [*known, *blocks])


def _title(framework: str) -> str:
    return "Keras" if framework == KERAS else "PyTorch"


def _twin(name: str, framework: str, known: Mapping[str, Entry]) -> str | None:
    for ours, theirs in _TWINS.items():
        words = theirs.split()
        if framework == KERAS and name in words and ours in known:
            return ours
        if framework != KERAS and name == ours and words[0] in known:
            return words[0]
    return None
