"""What TensorFlow Lite Micro keeps beside the planned buffers: the tail of the arena.

The tail is the runtime's own bookkeeping, allocated once and in a known order (``micro_allocator.cc``,
``micro_interpreter.cc``): its objects, a record for each tensor and operator, then for each operator what its
options and its kernel take, then what the kernels ask for while they prepare, then handles of scratch memory and the
records of graph inputs and outputs. Sizes are those of x86-64 (pointers of 8 bytes) and the reference kernels, read
off the recording interpreter of the tflite-micro wheel 0.dev20261023182759: of the 292 int8, int16 and float networks
that the sum was held against it is exact to the byte on 289 and 16 bytes off on three. Cores of 32 bits need less.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from paramlint.deploy.model import Buffer, Deployed, Operator
from paramlint.ir import DType

OBJECTS = 488  # allocator, planner, interpreter's lists: the same for every network
TENSOR, NODE, HANDLE, POINTER = 24, 64, 8, 8
EDGE, EDGE_SCALE, EDGE_ZERO = 64, 24, 8  # full record of a graph input or output; its scale and zero point
BUFFER = 16  # alignment of everything that a kernel asks for

#: Operator -> bytes of its options, bytes of its kernel's data. 0: it has none.
RECORDS = {
    "ABS": (0, 28), "ADD": (8, 60), "ADD_N": (0, 0), "ARG_MAX": (4, 0), "AVERAGE_POOL_2D": (40, 32),
    "BATCH_MATMUL": (8, 32), "BROADCAST_TO": (0, 0), "CAST": (0, 0), "CEIL": (0, 0), "CONCATENATION": (8, 80),
    "CONV_2D": (28, 80), "COS": (0, 0), "CUMSUM": (2, 0), "DEPTHWISE_CONV_2D": (28, 80), "DEPTH_TO_SPACE": (4, 0),
    "DEQUANTIZE": (0, 32), "DIV": (4, 28), "ELU": (0, 256), "EXP": (0, 0), "FLOOR": (0, 0),
    "FULLY_CONNECTED": (32, 72), "GATHER": (8, 0), "HARD_SWISH": (0, 20), "L2_NORMALIZATION": (4, 4),
    "LEAKY_RELU": (4, 24), "LOG": (0, 0), "LOGISTIC": (0, 16), "LOG_SOFTMAX": (0, 0), "MAXIMUM": (0, 0),
    "MAX_POOL_2D": (40, 32), "MEAN": (1, 44), "MINIMUM": (0, 0), "MIRROR_PAD": (4, 20), "MUL": (4, 36), "NEG": (0, 0),
    "PACK": (8, 0), "PAD": (0, 56), "PADV2": (0, 56), "PRELU": (0, 28), "QUANTIZE": (0, 32), "REDUCE_MAX": (1, 44),
    "REDUCE_MIN": (1, 44), "RELU": (0, 28), "RELU6": (0, 28), "RESHAPE": (36, 0), "RESIZE_BILINEAR": (2, 0),
    "RESIZE_NEAREST_NEIGHBOR": (2, 0), "REVERSE_V2": (0, 0), "ROUND": (0, 0), "RSQRT": (0, 28), "SIN": (0, 0),
    "SLICE": (0, 0), "SOFTMAX": (4, 80), "SPACE_TO_BATCH_ND": (0, 4), "SPACE_TO_DEPTH": (4, 0), "SPLIT": (4, 0),
    "SPLIT_V": (8, 0), "SQRT": (0, 0), "SQUARE": (0, 0), "SQUARED_DIFFERENCE": (0, 112), "STRIDED_SLICE": (24, 84),
    "SUB": (8, 52), "SUM": (1, 44), "TANH": (0, 16), "TRANSPOSE": (0, 0), "TRANSPOSE_CONV": (20, 88), "UNPACK": (8, 0),
}  # fmt: skip
#: What an operator is taken for that was not measured.
TYPICAL = (8, 32)
#: Operators with state or tables whose size is not modelled.
UNMODELLED = frozenset({"UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "SVDF"})

LOOKUP = 1026  # bytes of one of the two tables of int16 softmax
QUANTIZED = frozenset({DType.INT8, DType.INT16, DType.UINT8})


class _Tail:
    """The end of the arena, filled downwards."""

    def __init__(self) -> None:
        self.address = -OBJECTS

    def take(self, size: int, alignment: int = BUFFER) -> None:
        if size:
            self.address = (self.address - size) // alignment * alignment


def constants(deployed: Deployed) -> int:
    """How many constant tensors the file holds; a shared one is one."""
    return len({constant.storage for operator in deployed.operators for constant in operator.constants})


def tail(deployed: Deployed, requests: int, kernels: str) -> int:
    """Bytes of the tail; ``requests`` is how many scratch buffers the kernels ask for."""
    end = _Tail()
    end.take(TENSOR * (len(deployed.buffers) + constants(deployed)), POINTER)
    end.take(NODE * len(deployed.operators), POINTER)
    for operator in deployed.operators:
        size = RECORDS.get(operator.kind, TYPICAL)[0]
        end.take(size, 4 if size % 4 == 0 else 1)
    for operator in deployed.operators:
        end.take(RECORDS.get(operator.kind, TYPICAL)[1] or _quantized_data(operator, deployed.buffers))
    for operator in deployed.operators:
        for size in _prepared(operator, deployed.buffers, kernels):
            end.take(size)
    end.take(HANDLE * requests, POINTER)
    for edges in (deployed.inputs, deployed.outputs):
        end.take(POINTER * len(edges))
        for place in edges:
            end.take(EDGE, POINTER)
            if deployed.buffers[place].dtype in QUANTIZED:
                end.take(EDGE_SCALE, POINTER)
                end.take(EDGE_ZERO, 4)
    return -end.address


def _quantized_data(operator: Operator, buffers: Sequence[Buffer]) -> int:
    """Kernel data that only a quantised operator has."""
    return 40 if operator.kind == "LOG_SOFTMAX" and _dtype(operator, buffers) in QUANTIZED else 0


def _prepared(operator: Operator, buffers: Sequence[Buffer], kernels: str) -> Iterable[int]:
    """What a kernel asks for while it prepares: per-channel multipliers, copies of shapes, transposed operands."""
    kind, dtype = operator.kind, _dtype(operator, buffers)
    channels = _scaled_channels(operator, buffers)
    yield from (4 * channels,) * 2
    if kind == "FULLY_CONNECTED" and kernels == "mve" and dtype == DType.INT8:
        yield 4 * _last(buffers[operator.outputs[0]])  # sums of the kernel, kept by the speed build
    if kind == "SOFTMAX" and dtype == DType.INT16:
        yield from (LOOKUP,) * 2
    if kind == "BATCH_MATMUL":
        yield from _products(operator, buffers)
    if kind in ("GATHER", "DEPTH_TO_SPACE", "SPACE_TO_DEPTH", "BATCH_MATMUL"):
        yield 4 * (1 + len(buffers[operator.outputs[0]].shape))


def _scaled_channels(operator: Operator, buffers: Sequence[Buffer]) -> int:
    """Channels with a multiplier and a shift of their own; convolutions keep these for float too."""
    if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV"):
        return _last(buffers[operator.outputs[0]])
    kernel = operator.constant("filter") if operator.kind == "FULLY_CONNECTED" else None
    return kernel.channels if kernel is not None and kernel.channels > 1 else 0


def _products(operator: Operator, buffers: Sequence[Buffer]) -> Iterable[int]:
    """A matrix product keeps a transposed copy of the operands that do not lie as its kernel reads them."""
    if _dtype(operator, buffers) in QUANTIZED:
        yield 28
    fixed = iter(operator.constants)
    for place, turned in zip(operator.inputs, transposed(operator, buffers), strict=False):
        operand = buffers[place] if place >= 0 else next(fixed, None)
        if turned and operand is not None and isinstance(operand.bytes, int):
            yield from (TENSOR, 4 * (1 + len(operand.shape)), operand.bytes)


def transposed(operator: Operator, buffers: Sequence[Buffer]) -> tuple[bool, bool]:
    """Which operands of a matrix product are copied: the first if flagged as transposed, the second if not."""
    options = operator.options
    if "adj_x" in options or "adj_y" in options:
        return bool(options.get("adj_x")), not options.get("adj_y")
    if any(place < 0 for place in operator.inputs[:2]):
        return False, True
    left, right = (buffers[place].shape for place in operator.inputs[:2])
    turned = len(right) < 2 or right[-1] != left[-1] or right[-2] == left[-1]
    return False, turned


def _dtype(operator: Operator, buffers: Sequence[Buffer]) -> DType:
    return buffers[operator.outputs[0]].dtype


def _last(buffer: Buffer) -> int:
    size = buffer.shape[-1] if buffer.shape else 1
    return size if isinstance(size, int) else 0
