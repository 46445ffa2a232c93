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

    Bad (--select PL006)::

        <ir_version: 8, opset_import: ["" : 17]>
        g (float[1,20] x) => (float[1,20] y)
        <float[20] v = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20},
         float[20] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}>
        { h = Mul (x, v) y = Mul (h, w) }

    Good (--select PL006)::

        <ir_version: 8, opset_import: ["" : 17]>
        g (float[1,20] x) => (float[1,20] y)
        <float[20] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}>
        { h = Mul (x, w) y = Mul (h, w) }
    """

    opt_in = True
