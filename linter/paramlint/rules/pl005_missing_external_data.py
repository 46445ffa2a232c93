from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.observation_rule import ObservationRule


@rule("PL005", "missing-external-data", Level.WARNING, "A file with weights that the model names is not there")
class MissingExternalData(ObservationRule):
    """The model keeps weights in another file, and that file is not beside it.

    Why: sizes are stated in the graph, so everything is still counted, but the model cannot be run or shipped as it
    stands, and its size on disk is not known.

    Fix: copy the data file along with the model (with Git LFS: ``git lfs pull``).
    """
