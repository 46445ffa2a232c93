from __future__ import annotations

from paramlint.findings import Level
from paramlint.rules import rule
from paramlint.rules.observation_rule import ObservationRule


@rule("PL003", "dynamic-shape", Level.NOTE, "A size is not fixed, so MACs and memory are not known")
class DynamicShape(ObservationRule):
    """A dimension has a name or nothing in place of a number, and numbers that depend on it cannot be computed.

    Why: parameters do not depend on it, but multiply-accumulates, RAM and whether a target fits do; microcontroller
    runtimes need every size fixed when the arena is planned.

    Fix: bind it for the check (``--dim seq=128``, ``--input-shape tokens=1,128``) or export with fixed sizes.

    Bad (--max macs=1k)::

        <ir_version: 8, opset_import: ["" : 17]>
        g (float[1,seq,2] x) => (float[1,seq,1] y)
        <float[2,1] w = {1.0, 2.0}>
        { y = MatMul (x, w) }

    Good (--max macs=1k --dim seq=128)::

        <ir_version: 8, opset_import: ["" : 17]>
        g (float[1,seq,2] x) => (float[1,seq,1] y)
        <float[2,1] w = {1.0, 2.0}>
        { y = MatMul (x, w) }
    """

    needs_shapes = True
