"""Classical machine learning (domain ai.onnx.ml): models hold their numbers in attributes.

The coefficients of linear models and support vectors are learned; trees compare, and their nodes are no parameters.
"""

from __future__ import annotations

from typing import Any

from paramlint.formulas import dense as texts
from paramlint.formulas import macs
from paramlint.ir import Dim, DType, Formula, Unknown
from paramlint.loaders.onnx.operators import EVERY, Node, Operator, Output, free, operator
from paramlint.loaders.onnx.operators.shapes import integer, like

DOMAIN = "ai.onnx.ml"


def _rows(node: Node) -> tuple[Dim, Dim]:
    """Samples and features of [n, i] or [i]."""
    shape = node.shape(0)
    if not shape:
        return None, None
    return (1, shape[0]) if len(shape) == 1 else (shape[0], shape[1])


def _count(node: Node, name: str) -> int:
    """How many numbers an attribute holds."""
    held = node.attributes.get(name)
    return len(held) if isinstance(held, tuple) else 0


def _labels(node: Node) -> int:
    """Classes by the attribute that names them (strings or numbers)."""
    names = ("classlabels_strings", "classlabels_ints", "classlabels_int64s")
    return next((_count(node, name) for name in names if _count(node, name)), 0)


def _label_type(node: Node) -> DType:
    return DType.STRING if _count(node, "classlabels_strings") else DType.INT64


@operator
class LinearRegressor(Operator):
    """``LinearRegressor``: ``targets`` rows of coefficients; the output is [n, targets]."""

    kinds = ("LinearRegressor",)
    domain = DOMAIN
    attribute_slots = {"coefficients": "kernel", "intercepts": "bias"}

    def infer(self, node: Node) -> list[Output]:
        return [Output((_rows(node)[0], self.width(node)), DType.FLOAT32)]

    def width(self, node: Node) -> Dim:
        return integer(node, "targets", 1)

    def macs(self, node: Node) -> Formula | Unknown | None:
        """Every coefficient once per sample: the stored table says how many scores there are."""
        rows, features = _rows(node)
        total, scores = _count(node, "coefficients"), None
        if type(features) is int and features > 0 and total % features == 0:
            scores = total // features
        return macs(texts.MACS, {"n": rows, "i": features, "o": scores}, texts.MEANING)


@operator
class LinearClassifier(LinearRegressor):
    """``LinearClassifier``: labels [n] and scores [n, classes] (two where one row decides between two)."""

    kinds = ("LinearClassifier",)

    def infer(self, node: Node) -> list[Output]:
        rows = _rows(node)[0]
        return [Output((rows,), _label_type(node)), Output((rows, self.width(node)), DType.FLOAT32)][
            : node.output_count
        ]

    def width(self, node: Node) -> Dim:
        return max(_labels(node), 2) if _labels(node) else _count(node, "intercepts") or None


@operator
class SupportVectors(Operator):
    """``SVMRegressor``: [n, 1]; kernels over the stored support vectors."""

    kinds = ("SVMRegressor",)
    domain = DOMAIN
    attribute_slots = {"support_vectors": "support_vectors", "coefficients": "kernel", "rho": "bias"}

    def infer(self, node: Node) -> list[Output]:
        return [Output((_rows(node)[0], 1), DType.FLOAT32)]

    def macs(self, node: Node) -> Formula | Unknown | None:
        """Distances or dot products with all support vectors, and one sum of them per coefficient row."""
        rows, _ = _rows(node)
        vectors, held = _count(node, "support_vectors"), _count(node, "coefficients")
        symbols = {"n": rows, "s": vectors, "c": held}
        if not vectors:
            return macs("n * c", {"n": rows, "c": held}, {"n": texts.MEANING["n"], "c": "coefficients"})
        meaning = {"n": texts.MEANING["n"], "s": "numbers in all support vectors", "c": "coefficients"}
        return macs("n * (s + c)", symbols, meaning)


@operator
class SupportVectorClassifier(SupportVectors):
    """``SVMClassifier``: labels [n] and scores, one per class or per pair of classes."""

    kinds = ("SVMClassifier",)

    def infer(self, node: Node) -> list[Output]:
        rows, classes = _rows(node)[0], _labels(node)
        pairs = (
            classes if _count(node, "prob_a") or not _count(node, "support_vectors") else classes * (classes - 1) // 2
        )
        width = None if not classes else max(pairs, 2)
        return [Output((rows,), _label_type(node)), Output((rows, width), DType.FLOAT32)][: node.output_count]


@operator
class Trees(Operator):
    """Tree ensembles compare and add: no parameters (their nodes are reported apart) and no multiply-accumulates."""

    kinds = ("TreeEnsemble", "TreeEnsembleRegressor")
    domain = DOMAIN
    macs = free

    def infer(self, node: Node) -> list[Output]:
        dtype = node.dtype(0) if node.kind == "TreeEnsemble" else DType.FLOAT32
        return [Output((_rows(node)[0], integer(node, "n_targets", 1)), dtype)]


@operator
class TreeClassifier(Operator):
    """``TreeEnsembleClassifier``: labels [n] and one score per class."""

    kinds = ("TreeEnsembleClassifier",)
    domain = DOMAIN
    macs = free

    def infer(self, node: Node) -> list[Output]:
        rows = _rows(node)[0]
        return [Output((rows,), _label_type(node)), Output((rows, _labels(node) or None), DType.FLOAT32)][
            : node.output_count
        ]


@operator
class Scaling(Operator):
    """Elementwise preprocessing: the shape stays."""

    kinds = ("Binarizer", "Imputer", "Normalizer", "Scaler")
    domain = DOMAIN
    macs = free

    def infer(self, node: Node) -> list[Output]:
        keeps = node.kind in ("Binarizer", "Imputer")
        return like(node, 0, None if keeps else DType.FLOAT32)


@operator
class Encoding(Operator):
    """``LabelEncoder``, ``CategoryMapper``: one label for another; the tables say the type."""

    kinds = ("LabelEncoder", "CategoryMapper")
    domain = DOMAIN
    settings = EVERY
    macs = free

    def infer(self, node: Node) -> list[Output]:
        return like(node, 0, self.dtype(node))

    def dtype(self, node: Node) -> DType:
        for name, dtype in (("strings", DType.STRING), ("int64s", DType.INT64), ("floats", DType.FLOAT32)):
            if f"values_{name}" in node.attributes:
                return dtype
        table: Any = node.attributes.get("values_tensor")
        if table is not None:
            return getattr(table, "dtype", None) or DType.UNDEFINED
        return DType.INT64 if node.dtype(0) is DType.STRING else DType.STRING


@operator
class OneHotEncoder(Operator):
    """``OneHotEncoder``: a new last axis, one place per category."""

    kinds = ("OneHotEncoder",)
    domain = DOMAIN
    macs = free

    def infer(self, node: Node) -> list[Output]:
        shape = node.shape(0)
        count = _count(node, "cats_int64s") or _count(node, "cats_strings")
        return [Output(None if shape is None else (*shape, count), DType.FLOAT32)]


@operator
class FeatureVectorizer(Operator):
    """``FeatureVectorizer``: columns of all inputs side by side."""

    kinds = ("FeatureVectorizer",)
    domain = DOMAIN
    macs = free

    def infer(self, node: Node) -> list[Output]:
        sizes = node.attributes.get("inputdimensions")
        whole = isinstance(sizes, tuple) and all(type(size) is int for size in sizes)
        return [Output((_rows(node)[0], sum(sizes) if whole else None), DType.FLOAT32)]  # type: ignore[arg-type]  # whole


@operator
class Maps(Operator):
    """Operators on dictionaries, which are no tensors."""

    kinds = ("CastMap", "DictVectorizer", "ZipMap")
    domain = DOMAIN
    macs = free
