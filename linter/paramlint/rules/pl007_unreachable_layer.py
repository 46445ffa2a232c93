from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.observation_rule import ObservationRule


@rule("PL007", "unreachable-layer", Level.WARNING, "A layer or input that reaches no output")
class UnreachableLayer(ObservationRule):
    """Nothing that the model puts out depends on this layer or input.

    Why: it is often a forgotten branch or a wrong name in ``inputs``. Its parameters count, since they are stored; its
    multiply-accumulates do not, since nobody runs it.

    Fix: remove it, or connect it to an output.

    Bad::

        framework: keras
        input: [8]
        layers:
          - {type: Dense, units: 4, name: a}
          - {type: Dense, units: 4, name: b, inputs: [input]}
        outputs: [b]

    Good::

        framework: keras
        input: [8]
        layers:
          - {type: Dense, units: 4, name: a}
          - {type: Dense, units: 4, name: b, inputs: [input]}
        outputs: [a, b]
    """
