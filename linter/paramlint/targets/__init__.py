"""Targets: boards and chips as data files, one YAML file each, and whether a network fits them.

Adding a target is adding a file to this folder; its name is the target's. Operator lists stand in ``operators``.
"""

from paramlint.targets.model import Accelerator as Accelerator
from paramlint.targets.model import Region as Region
from paramlint.targets.model import Reserve as Reserve
from paramlint.targets.model import Target as Target
from paramlint.targets.reader import every as every
from paramlint.targets.reader import find as find
from paramlint.targets.reader import from_config as from_config
from paramlint.targets.reader import ids as ids
from paramlint.targets.verdict import Models as Models
from paramlint.targets.verdict import Verdict as Verdict
from paramlint.targets.verdict import judge as judge
