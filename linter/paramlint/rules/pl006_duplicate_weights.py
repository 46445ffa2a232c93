from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.observation_rule import ObservationRule


@rule("PL006", "duplicate-weights", Level.WARNING, "The same weights are stored more than once")
class DuplicateWeights(ObservationRule):
    """Two stored tensors hold the same numbers.

    Why: exporters copy tied weights (an embedding and the head that shares it), which doubles their bytes. This has
    to read the weights themselves, so it runs only when it is asked for: ``--select PL006``.

    Fix: let both nodes read one initializer.
    """

    opt_in = True
