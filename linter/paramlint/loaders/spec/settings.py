"""Values of the reserved keys (``repeat``, ``when``, ``dtype``, ...), evaluated and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from paramlint.ir import DType
from paramlint.loaders.spec.check import meant, show
from paramlint.loaders.spec.document import DTYPES, dtype_hint
from paramlint.loaders.spec.nodes import Node
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.values import Fault, Unavailable, value_of
from paramlint.spelling import did_you_mean

MAX_LAYERS = 30_000  # expanded; the deepest networks have a few thousand. Bounds the time that a repeat can cost

MAX_WORK = 1_000_000  # inputs, variables and steps over all layers and calls; large networks have 50,000

#: Stands for a value that cannot be had; why is noted, or is the fault of a layer above.
MISSING = object()


class Settings:
    """Reads the reserved keys of one file; what is wrong is noted."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def value(self, node: Node, names: Mapping[str, Any]) -> Any:
        """A plain value, MISSING where it cannot be had."""
        try:
            return value_of(node, names)
        except Fault as fault:
            self.problems.add(fault.node, fault.message, fault.hint, fault.cause)
        except Unavailable:
            pass
        return MISSING

    def integer(self, node: Node, names: Mapping[str, Any], word: str, least: int) -> int | None:
        """A count, None where it is none."""
        value = self.value(node, names)
        if type(value) is int and least <= value <= MAX_LAYERS:
            return value
        if type(value) is int and value > MAX_LAYERS:
            self.too_many(node)
        if value is not MISSING:
            self._refuse(node, f"{word} must be an integer of at least {least}", value)
        return None

    def _refuse(self, node: Node, what: str, value: Any, hint: str | None = None) -> None:
        word = meant(value) if isinstance(value, str) else None
        self.problems.add(node, f"{what}, not {show(value)}", word or hint)

    def flag(self, node: Node, names: Mapping[str, Any]) -> bool:
        """The value of ``trainable``."""
        value = self.value(node, names)
        if value is not MISSING and not isinstance(value, bool):
            self._refuse(node, "trainable must be true or false", value)
        return value is not False

    def dtype(self, node: Node, names: Mapping[str, Any]) -> DType | None:
        """An element type, None where it is none."""
        value = self.value(node, names)
        if value in DTYPES:
            return DType(value)
        if value is not MISSING:
            self.problems.add(node, f"dtype must be an element type, not {show(value)}", dtype_hint(value))
        return None

    def switched_on(self, node: Node | None, names: Mapping[str, Any]) -> bool | None:
        """The value of ``when``, None where it has none: then nobody knows what the layer's name stands for."""
        if node is None:
            return True
        value = self.value(node, names)
        if isinstance(value, bool):
            return value
        if value is not MISSING:
            self._refuse(node, "when must be true or false", value, 'write when: "${...}"')
        return None

    def too_much(self, node: Node) -> NoReturn:
        """End the reading of a file whose calls carry more than any network does."""
        self.problems.add(node, "layers and calls do more work than any network needs (a bound against endless files)")
        self.problems.raise_all()
        raise AssertionError("raise_all ends the reading")

    def too_many(self, node: Node) -> NoReturn:
        """End the reading of a file that grows beyond every use."""
        self.problems.add(node, f"the architecture expands to more than {MAX_LAYERS:,} layers")
        self.problems.raise_all()
        raise AssertionError("raise_all ends the reading")


def near(value: Any, words: Sequence[str]) -> str | None:
    """A did-you-mean for a value that is a misspelled word."""
    return did_you_mean(value, words) if isinstance(value, str) else None
