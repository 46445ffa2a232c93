"""One layer without a file: plain Python arguments against an entry. Vocabulary tests and tools build layers so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from paramlint.ir import Dim, DType, Tensor
from paramlint.loaders.spec.check import check_all
from paramlint.loaders.spec.uses import Use, use
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.vocabulary import Built, Entry, LayerError, Nested
from paramlint.spelling import did_you_mean


def build_layer(
    framework: str,
    layer_type: str,
    args: Mapping[str, Any],
    inputs: Sequence[Sequence[Dim] | Tensor | None],
    dtype: DType = DType.FLOAT32,
    trainable: bool = True,
) -> Built:
    """Check ``args`` and build the layer on inputs of the given shapes (without batch); LayerError says what is wrong.

    A nested layer is a dict with ``type`` and its arguments (``trainable`` and ``dtype`` too), as in YAML.
    """
    return lower_layer(framework, layer_type, args, inputs, dtype, trainable).built


def lower_layer(
    framework: str,
    layer_type: str,
    args: Mapping[str, Any],
    inputs: Sequence[Sequence[Dim] | Tensor | None],
    dtype: DType = DType.FLOAT32,
    trainable: bool = True,
) -> Use:
    """As ``build_layer``, with the steps and tensors of the lowering."""
    entry = _entry(framework, layer_type)
    checked = _checked(entry, args)
    tensors = tuple(_tensor(index, one, dtype) for index, one in enumerate(inputs))
    used = use(entry, checked, frozenset(args), tensors, dtype, "layer", trainable)
    for flaw in used.flaws:
        raise flaw
    return used


def _tensor(index: int, given: Sequence[Dim] | Tensor | None, dtype: DType) -> Tensor | None:
    if given is None or isinstance(given, Tensor):
        return given
    return Tensor(f"input:{index}" if index else "input", tuple(given), dtype)


def _entry(framework: str, name: str) -> Entry:
    known = entries(framework)
    if name not in known:
        raise LayerError(f"unknown {framework} layer {name!r}", hint=did_you_mean(name, known))
    return known[name]


def _checked(entry: Entry, args: Mapping[str, Any]) -> dict[str, Any]:
    plain = {}
    for name, value in args.items():
        argument = entry.arguments.get(name)
        nested = argument is not None and argument.kind.nested
        plain[name] = _plain(value, entry.framework, nested)
    checked, faults = check_all(entry, plain)
    if faults:
        raise LayerError(faults[0].message, faults[0].argument, faults[0].hint)
    return checked


def _plain(value: Any, framework: str, nested: bool) -> Any:
    if isinstance(value, float):
        exact = Fraction(repr(value)) if value == value and abs(value) != float("inf") else str(value)
        return int(exact) if isinstance(exact, Fraction) and exact.denominator == 1 else exact
    if isinstance(value, (list, tuple)) and not isinstance(value, Tensor):
        return tuple(_plain(item, framework, nested) for item in value)
    if isinstance(value, Mapping):
        if nested and "type" in value:
            return _nested(value, framework)
        return {str(key): _plain(item, framework, False) for key, item in value.items()}
    return value


def _nested(value: Mapping[str, Any], framework: str) -> Nested:
    entry = _entry(framework, str(value["type"]))
    given = {key: item for key, item in value.items() if key not in ("type", "name", "trainable", "dtype")}
    dtype = DType(value["dtype"]) if "dtype" in value else None
    trainable = bool(value.get("trainable", True))
    return Nested(entry, _checked(entry, given), frozenset(given), value, trainable, dtype)
