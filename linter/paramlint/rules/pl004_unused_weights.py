from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.observation_rule import ObservationRule


@rule("PL004", "unused-weights", Level.WARNING, "Stored weights that no node reads")
class UnusedWeights(ObservationRule):
    """The file stores tensors that no node reads.

    Why: they take space in the file and in every download and do nothing. They are not counted as parameters.

    Fix: export again without them, or remove the initializers.

    Bad::

        <ir_version: 8, opset_import: ["" : 13]>
        spare (float[1,2] x) => (float[1,2] y)
        <float[2] w = {1.0, 2.0}, float[3,2] left = {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}>
        { y = Mul (x, w) }

    Good::

        <ir_version: 8, opset_import: ["" : 13]>
        spare (float[1,2] x) => (float[1,2] y)
        <float[2] w = {1.0, 2.0}>
        { y = Mul (x, w) }
    """
