"""Classical machine learning (domain ai.onnx.ml): linear models and support vectors hold their numbers in attributes."""

from __future__ import annotations

from paramlint.loaders.onnx.operators import Operator, free, operator


@operator
class LinearModel(Operator):
    kinds = ("LinearClassifier", "LinearRegressor")
    domain = "ai.onnx.ml"
    attribute_slots = {"coefficients": "kernel", "intercepts": "bias"}


@operator
class SupportVectors(Operator):
    kinds = ("SVMClassifier", "SVMRegressor")
    domain = "ai.onnx.ml"


@operator
class Trees(Operator):
    """Tree ensembles compare and add: no parameters (their nodes are reported apart) and no multiply-accumulates."""

    kinds = ("TreeEnsemble", "TreeEnsembleClassifier", "TreeEnsembleRegressor")
    domain = "ai.onnx.ml"
    macs = free
