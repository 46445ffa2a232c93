"""The deployment view as data: the operators and buffers that a microcontroller runtime would hold.

It is what TensorFlow Lite's converter makes of the network (DESIGN section 5 of the contract): layers folded into each
other, layouts channels last, element types those of the deployment. Memory, flash and operator support read this and
nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from paramlint.ir import NOTHING, DType, Quantity, Shape

#: The place of an operand that is a constant, no buffer.
CONSTANT = -1


class Buffer(NamedTuple):
    """A tensor that the runtime keeps while it is live.

    Its place in ``Deployed.buffers`` is the planner's tensor index: graph inputs first, then in order of production.
    ``shape`` is TensorFlow Lite's: batch in front, channels last. ``bytes`` is unknown where a size is free.
    """

    name: str
    shape: Shape
    dtype: DType
    bytes: Quantity


class Constant(NamedTuple):
    """A constant that an operator reads, after folding, at its deployed element type.

    ``role`` is ``filter``, ``bias``, ``operand`` (a constant side of Add or Mul), ``table``, ``alpha`` or ``shape``
    (axes, paddings, sizes: no parameter). ``storage`` is its identity: one that is shared is stored once.
    ``channels`` is the number of scales of a quantised tensor: 1 per tensor, the output channels where each has
    its own, 0 for one that is not quantised. ``params`` is how many of its elements are learned parameters.
    """

    role: str
    shape: tuple[int, ...]
    dtype: DType
    storage: str
    channels: int = 0
    params: int = 0

    @property
    def elements(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count

    @property
    def bytes(self) -> int:
        return -(-self.elements * self.dtype.bits // 8)


class Operator(NamedTuple):
    """One operator as it is executed.

    ``kind`` is the TensorFlow Lite builtin (``CONV_2D``) or ``ERF``, which the converter leaves to TensorFlow; where
    it is not known what becomes of an operator, its name in ONNX. ``onnx`` and
    ``domain`` say which ONNX operator it comes from. ``inputs`` are places of buffers in operand order, ``CONSTANT``
    where a constant stands. ``options`` hold what the builtin states, as far as it applies: ``kernel``, ``strides``
    and ``dilations`` as (height, width), ``pads`` as (top, left, bottom, right), ``padding`` (``SAME`` or ``VALID``),
    ``multiplier``, ``groups``, ``activation`` (``RELU``, ``RELU6``, ``RELU_N1_TO_1``, ``RELU_0_TO_1``), ``axes``
    (of a reduction), ``spatial`` (how many axes the source's window slides over).
    """

    kind: str
    onnx: str
    layer: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    constants: tuple[Constant, ...] = ()
    options: Mapping[str, object] = NOTHING
    domain: str = ""

    def constant(self, role: str) -> Constant | None:
        """The constant of one role; None where the operator has none."""
        return next((one for one in self.constants if one.role == role), None)


class Deployed(NamedTuple):
    """The whole view. ``inputs`` and ``outputs`` are places of buffers.

    ``params`` are those left after folding, unknown where an operator without a known form is among them. ``dtype``
    is the element type of weights and activations; None where the graph mixes them or states its own. ``unknown``
    says why the list of buffers may not be what a converter makes (an operator without a known form): the numbers
    that rest on it are then unknown.
    """

    operators: tuple[Operator, ...]
    buffers: tuple[Buffer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    params: Quantity
    dtype: DType | None = None
    quantized: bool = False
    unknown: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
