from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.observation_rule import ObservationRule


@rule("PL002", "formula-mismatch", Level.WARNING, "Stored weights differ from what the layer's formula gives")
class FormulaMismatch(ObservationRule):
    """The weights that a file stores are not as many as the layer's closed formula says.

    Why: the two counts come from different parts of the file: the weights from their stored shapes, the formula from
    the shapes that flow through the graph and the node's attributes. Where they differ, the graph would not run, or
    weights were padded, cut or attached to the wrong node.

    Fix: ``paramlint explain MODEL LAYER`` shows the formula with its numbers; export the model again.
    """

    needs_shapes = True
