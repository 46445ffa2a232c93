from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.rules import Rule, rule


@rule("PL000", "invalid-input", Level.ERROR, "The input cannot be judged")
class InvalidInput(Rule):
    """The file is missing, damaged, no model at all, or a spec that contradicts itself.

    Why: a model that was not read was not checked, so the run ends with exit code 3 whatever else was found. This
    cannot be ignored or suppressed; ``exclude`` keeps a file out of the run.

    Fix: the message names the place and, where a word is misspelled, the word that was probably meant.

    Bad::

        framework: keras
        input: [8]
        layers:
          - {type: Dence, units: 4}

    Good::

        framework: keras
        input: [8]
        layers:
          - {type: Dense, units: 4}
    """

    def check(self, measured: Measured) -> Iterable[Finding]:
        """A model that could be measured is no invalid input; errors of loading reach the report on their own."""
        return ()
