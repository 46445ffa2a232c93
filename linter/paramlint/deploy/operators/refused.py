"""Operators that TensorFlow Lite has in no form that could be told from the graph alone, with the reason."""

from __future__ import annotations

from paramlint.deploy.lowering import Lowering, Unconverted
from paramlint.deploy.operators import converts

_RECURRENT = "a recurrent layer becomes a loop, or an operator with state; which one depends on how it was exported"
_CONTROL = "control flow becomes an operator with graphs of its own"
_ORDER = "how many elements it makes is only known when it runs"

_REASONS = {
    "LSTM": _RECURRENT, "GRU": _RECURRENT, "RNN": _RECURRENT, "If": _CONTROL, "Loop": _CONTROL, "Scan": _CONTROL,
    "NonZero": _ORDER, "Unique": _ORDER, "NonMaxSuppression": _ORDER,
}  # fmt: skip


@converts(*_REASONS)
def refuse(low: Lowering) -> None:
    """Say why."""
    raise Unconverted(_REASONS[low.step.kind])
