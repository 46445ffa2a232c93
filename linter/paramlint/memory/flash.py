"""What a network takes of program memory: its weights, and under TensorFlow Lite Micro the file around them.

The runtime keeps the whole flatbuffer. Its size is estimated as weights + quantisation + names + a part for each
tensor, operator and scale, fitted on files of the current converter and good to ``MISS`` bytes where the names are
known. They are not: 24 to 158 bytes a tensor. So the estimate takes names of the usual length; its upper end takes
long ones, and for each scale of a kernel the range that older converters store beside it.
"""

from __future__ import annotations

from typing import NamedTuple

from paramlint.deploy.model import Deployed
from paramlint.ir import Unknown
from paramlint.memory.tail import QUANTIZED

FILE, TENSOR, OPERATOR, SCALED = 480, 84, 29, 25  # bytes of the file itself, and of each of these in it
SCALE = 12  # bytes of one scale and zero point: one for each activation, one for each output channel of a kernel
RANGE = 8  # bytes of the smallest and largest value beside it
NAME, LONG_NAME = 60, 158  # bytes of a tensor's name: usual, and the longest average of any network
MISS = 500

ESTIMATED = "flash: the size of TensorFlow Lite's file, estimated; the names of its tensors are not known"
STATED = "flash: the deployed weights and the overhead that you state"
BARE = "flash: the deployed weights alone, as a compiler stores them"


class Flash(NamedTuple):
    """``weights`` are the deployed constants; ``estimate`` is what the runtime keeps, ``upper`` the upper end of it.

    ``unknown`` says why there may be more; the numbers are lower bounds then.
    """

    weights: int
    estimate: int
    upper: int
    unknown: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()


def flash(deployed: Deployed, flatbuffer: bool = True, overhead: int | None = None) -> Flash:
    """Flash of a network: with TensorFlow Lite's flatbuffer, with what the user says a container adds, or bare."""
    constants = list({c.storage: c for operator in deployed.operators for c in operator.constants}.values())
    weights = sum(constant.bytes for constant in constants if flatbuffer or constant.role != "shape")
    unknown = deployed.unknown
    if isinstance(deployed.params, Unknown):
        unknown = tuple(dict.fromkeys((*unknown, deployed.params.reason)))
    if overhead is not None:
        return Flash(weights, weights + overhead, weights + overhead, unknown, (STATED,))
    if not flatbuffer:
        return Flash(weights, weights, weights, unknown, (BARE,))
    tensors = len(deployed.buffers) + len(constants)
    scaled = [constant.channels for constant in constants if constant.channels]
    activations = sum(buffer.dtype in QUANTIZED for buffer in deployed.buffers)
    structure = FILE + TENSOR * tensors + OPERATOR * len(deployed.operators) + SCALED * (len(scaled) + activations)
    estimate = weights + structure + SCALE * (sum(scaled) + activations) + NAME * tensors
    upper = estimate + (LONG_NAME - NAME) * tensors + RANGE * sum(scaled) + MISS
    return Flash(weights, estimate, upper, unknown, (ESTIMATED,))
