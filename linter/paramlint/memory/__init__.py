"""Memory of a deployed network: how much is live at once, where the planner puts it, and what lies in flash."""

from paramlint.memory.flash import Flash as Flash
from paramlint.memory.flash import flash as flash
from paramlint.memory.ram import Ram as Ram
from paramlint.memory.ram import measure_ram as measure_ram
