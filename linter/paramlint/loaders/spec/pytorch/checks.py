"""Arguments that most PyTorch layers have."""

from __future__ import annotations

from paramlint.loaders.spec.arguments import anything, flag, optional, positive
from paramlint.loaders.spec.vocabulary import Argument

DEVICE = Argument(anything, "Where the weights live; without meaning for any number.", None)
BIAS = Argument(flag, "Add a learned bias.", True)
INPLACE = Argument(flag, "Overwrite the input; changes no number.", False)
inferred = optional(positive)
