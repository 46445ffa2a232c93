"""What tests of both vocabularies share: the numbers of a built layer, and argument values drawn from its own table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from paramlint.formulas import amount
from paramlint.loaders.spec.vocabulary import Argument, Built

Sizes = list[Any]


def numbers(built: Built) -> tuple[int, int, Any]:
    """Parameters, buffers and MACs of a layer; the formula must give the parameters too."""
    learned = sum(weight.elements for weight in built.weights if not weight.buffer)
    assert learned == (built.params.value if built.params else 0)
    return learned, sum(weight.elements for weight in built.weights if weight.buffer), amount(built.macs)


def shapes(built: Built) -> list[tuple[Any, ...] | None]:
    return [None if tensor is None else tensor.shape for tensor in built.outputs]


def value_of(argument: Argument, draw: Callable[[Any], Any]) -> Any:
    """A drawn value that the argument's kind takes; small ones, so that layers often fit their inputs."""
    pool = st.sampled_from([1, 2, 3, 4, 6, True, False, (1, 2), (2, 1, 1), 0, *argument.kind.choices])
    for _ in range(4):
        value = draw(pool)
        try:
            argument.kind.check(value)
        except ValueError:
            continue
        return value
    return None
