"""How each ONNX operator is converted: one file per family, found by listing this folder.

A conversion is a function under ``@converts``; it reads the current step through ``Lowering`` and emits TensorFlow
Lite's operators as the converter writes them before it folds anything. There is no default: an operator that stands
nowhere here keeps its ONNX name and makes the buffers unknown.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import TypeVar

from paramlint.deploy.lowering import Lowering

Conversion = Callable[[Lowering], None]
Function = TypeVar("Function", bound=Conversion)

CONVERSIONS: dict[str, Conversion] = {}


def converts(*kinds: str) -> Callable[[Function], Function]:
    """Register a conversion for operators by name (``Conv``, ``com.microsoft::Gelu``)."""

    def register(function: Function) -> Function:
        for kind in kinds:
            if kind in CONVERSIONS:
                raise RuntimeError(f"the conversion of {kind} is defined twice")
            CONVERSIONS[kind] = function
        return function

    return register


def load() -> dict[str, Conversion]:
    """Every conversion by operator."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return CONVERSIONS
