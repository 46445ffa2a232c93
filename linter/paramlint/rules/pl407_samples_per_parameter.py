from __future__ import annotations

from collections.abc import Iterable

from paramlint.findings import Finding, Level
from paramlint.measure import Measured
from paramlint.quantities import grouped
from paramlint.rules import Rule, rule
from paramlint.rules.budget_rule import place


@rule("PL407", "samples-per-parameter", Level.NOTE, "More trained parameters than the training set can settle")
class SamplesPerParameter(Rule):
    """The spec states the size of its training set (``samples``), and it has fewer samples than trained parameters.

    Why: a network with more freedom than data can learn the data by heart. It is a rule of thumb: regularisation,
    augmentation and pretraining all change it, so it is a note, and only where ``samples`` is stated.

    Fix: fewer trained parameters, frozen layers, or more data. Option ``minimum``: samples for each parameter.

    Bad::

        framework: keras
        input: [32]
        layers:
          - {type: Dense, units: 64}
          - {type: Dense, units: 2}
        samples: 1000

    Good::

        framework: keras
        input: [32]
        layers:
          - {type: Dense, units: 16}
          - {type: Dense, units: 2}
        samples: 1000
    """

    options = {"minimum": 1}

    def applies(self, measured: Measured) -> bool:
        return measured.model.samples is not None

    def check(self, measured: Measured) -> Iterable[Finding]:
        samples = measured.model.samples
        trained = measured.total("trainable_params").value
        least = self.settings["minimum"]
        if samples is None or trained is None or samples >= trained * least:
            return
        wanted = f"{least} for each" if least != 1 else "one for each"
        yield self.finding(
            f"{grouped(trained)} trained parameters on {grouped(samples)} samples; the rule of thumb is {wanted}",
            place(measured),
            help=f"at most {grouped(samples // max(1, least))} trained parameters for this training set",
        )
