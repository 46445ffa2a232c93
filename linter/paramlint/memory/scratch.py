"""Scratch memory that kernels ask for while they run, for each set of kernels.

``reference`` are TensorFlow Lite Micro's own kernels (``tensorflow/lite/micro/kernels``: ``transpose_conv.cc``,
``reduce_common.cc``, ``mirror_pad.cc``, ``lstm_eval_common.cc``). CMSIS-NN replaces those of int8 and int16
convolution, pooling and dense layers: ``c`` on cores without SIMD, ``dsp`` (Cortex-M4, M7, M33), ``mve`` (Helium,
Cortex-M55, M85); its sizes are those of ``Source/*/*_get_buffer_sizes_*.c`` as gcc builds them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from paramlint.deploy.model import Buffer, Deployed, Operator
from paramlint.ir import DType
from paramlint.memory.lifetimes import Slot

#: Kernel sets by the name that people read.
KERNELS = {
    "reference": "reference kernels",
    "c": "CMSIS-NN kernels without SIMD",
    "dsp": "CMSIS-NN kernels for DSP cores",
    "mve": "CMSIS-NN kernels for Helium",
}

MEANS = frozenset({"MEAN", "SUM"})  # reductions that add up in 32 bits where the graph is quantised
REDUCTIONS = MEANS | {"REDUCE_MAX", "REDUCE_MIN"}
MVE_BLOCK = 124  # channels that CMSIS-NN's Helium depthwise kernel takes at once
REVERSE_DEPTH = 16  # input channels above which CMSIS-NN turns a transposed convolution into a plain one
FAST_S16 = 512  # kernel elements below which CMSIS-NN's fast int16 kernels run


def scratch(deployed: Deployed, kernels: str) -> list[Slot]:
    """Every request with its lifetime, in the order in which the planner counts them: after all tensors."""
    asking = _REFERENCE.keys() if kernels == "reference" else _REFERENCE.keys() | _CMSIS.keys()
    found = []
    for time, operator in enumerate(deployed.operators, start=1):
        if operator.kind in asking:
            name = f"scratch of {operator.layer or operator.kind}"
            found += [Slot(name, size, time, time) for size in requests(operator, deployed.buffers, kernels)]
    return found


def requests(operator: Operator, buffers: Sequence[Buffer], kernels: str) -> tuple[int, ...]:
    """Bytes of each buffer that one operator asks for."""
    work = _work(operator, buffers)
    if work is None:
        return ()
    if kernels != "reference" and work.dtype in (DType.INT8, DType.INT16) and operator.kind in _CMSIS:
        return tuple(size for size in _CMSIS[operator.kind](work, kernels) if size)
    return _REFERENCE[operator.kind](work) if operator.kind in _REFERENCE else ()


class Work(NamedTuple):
    """One operator's sizes: input and output shape, and the kernel as height, width."""

    operator: Operator
    input: tuple[int, ...]
    output: tuple[int, ...]
    dtype: DType

    @property
    def quantized(self) -> bool:
        return self.dtype in (DType.INT8, DType.INT16)

    @property
    def kernel(self) -> tuple[int, int]:
        return self.pair("kernel")

    @property
    def window(self) -> int:
        """Elements of the kernel's window over all input channels."""
        return self.kernel[0] * self.kernel[1] * self.input[-1]

    @property
    def plain(self) -> bool:
        """True without dilation."""
        return self.pair("dilations") == (1, 1)

    def pair(self, name: str) -> tuple[int, int]:
        """An option of height and width; 1 where it is not stated."""
        value = self.operator.options.get(name, (1, 1))
        assert isinstance(value, tuple)
        return value

    def before(self, axis: int) -> int:
        """Padding in front of height (0) or width (1), as TensorFlow Lite's SAME and VALID give it."""
        if self.operator.options.get("padding") != "SAME":
            return 0
        extent = self.pair("dilations")[axis] * (self.kernel[axis] - 1) + 1
        wanted = (self.output[1 + axis] - 1) * self.pair("strides")[axis] + extent - self.input[1 + axis]
        return max(0, wanted) // 2


def _work(operator: Operator, buffers: Sequence[Buffer]) -> Work | None:
    """None for an operator all of whose inputs are constants."""
    place = next((place for place in operator.inputs if place >= 0), None)
    if place is None:
        return None
    source, result = buffers[place], buffers[operator.outputs[0]]
    shapes = [tuple(size for size in one.shape if isinstance(size, int)) for one in (source, result)]
    return Work(operator, shapes[0], shapes[1], source.dtype)


def _elements(shape: Sequence[int]) -> int:
    count = 1
    for size in shape:
        count *= size
    return count


def _reduction(work: Work) -> tuple[int, ...]:
    """An index, the axes and, where sums are wider than the data, the sums; all in 32 bits."""
    axes = work.operator.options.get("axes")
    count = len(axes) if isinstance(axes, tuple) else len(work.input) - len(work.output) or len(work.input)
    sums = (4 * _elements(work.output),) if work.quantized and work.operator.kind in MEANS else ()
    return (4 * len(work.input), 4 * count, *sums)


def _accumulators(work: Work) -> tuple[int, ...]:
    """Quantised transposed convolution adds up the whole output in 32 bits, in 64 for int16."""
    width = {DType.INT8: 4, DType.INT16: 8}.get(work.dtype, 0)
    return (width * _elements(work.output),) if width else ()


def _lstm(work: Work) -> tuple[int, ...]:
    """Four gates of one time step."""
    width = 2 if work.quantized else 4
    return (width * work.output[0] * work.output[-1],) * 4


_REFERENCE: dict[str, Callable[[Work], tuple[int, ...]]] = {
    **dict.fromkeys(REDUCTIONS, _reduction),
    "TRANSPOSE_CONV": _accumulators,
    "MIRROR_PAD": lambda work: (4 * len(work.input),) * 2,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}


def _columns(work: Work, kernels: str) -> int:
    """Two columns of input as int16, or four as int8 in whole Helium registers."""
    return 64 * -(-work.window // 16) if kernels == "mve" else 4 * (-(-work.window // 4) * 4)


def _convolution(work: Work, kernels: str) -> tuple[int, ...]:
    if work.dtype == DType.INT16:
        return (4 * work.window,) if kernels == "dsp" and work.plain and work.window < FAST_S16 else ()
    if work.kernel == (1, 1) and work.plain and not work.before(0) and not work.before(1):
        return ()
    if kernels == "mve" and _is_row(work):
        return (_row(work),)
    return (_columns(work, kernels),)


def _is_row(work: Work) -> bool:
    """True for a window that slides along a single row: it has a Helium kernel of its own."""
    aligned = work.pair("strides")[1] * work.input[-1] % 4 == 0 and work.operator.options.get("groups", 1) == 1
    return work.input[1] == 1 and work.kernel[0] == 1 and work.pair("dilations")[1] == 1 and aligned


def _row(work: Work) -> int:
    """The padded ends of a row."""
    depth, width, stride, pad = work.input[-1], work.kernel[1], work.pair("strides")[1], work.before(1)
    uneven = ((work.output[2] - 1) * stride + width - work.input[2]) % 2
    left = max(1, -(-pad // stride)) if pad else 0
    right = max(1, -(-(pad + uneven) // stride)) if pad + uneven else 0
    if left + right > work.output[2]:
        return _columns(work, "mve")
    after = right * depth if uneven else pad * depth
    return max((width + pad) * depth, (width - 1) * depth + after)


def _depthwise(work: Work, kernels: str) -> tuple[int, ...]:
    channels, window = work.input[-1], work.kernel[0] * work.kernel[1]
    if work.dtype == DType.INT16:
        if kernels == "c" or not work.plain or channels != work.output[-1] or window >= FAST_S16:
            return ()
        return (8 * channels * window + 8,) if kernels == "mve" else (2 * channels * window,)
    if channels == 1 and work.output[-1] > 1:  # one channel spread over many runs as a plain convolution
        return (_columns(work, kernels) + work.output[-1] * window,) if kernels == "mve" else ()
    if kernels == "c" or channels != work.output[-1] or work.input[0] != 1 or not work.plain:
        return ()
    if kernels == "mve":
        return (4 * MVE_BLOCK * window,)
    return () if work.kernel == (3, 3) and work.before(0) <= 1 and work.before(1) <= 1 else (2 * channels * window,)


def _transposed(work: Work, kernels: str) -> tuple[int, ...]:
    if work.dtype == DType.INT16:
        return _accumulators(work)
    strides, depth = work.pair("strides"), work.input[-1]
    if max(strides) <= 2 and depth > REVERSE_DEPTH:
        return (_columns(work, kernels), work.window * work.output[-1])
    across = (work.input[2] - 1) * strides[1] + max(work.kernel[1], strides[0])
    return (4 * across * work.output[-1] * max(work.kernel[0], strides[0]),)


def _average(work: Work, kernels: str) -> tuple[int, ...]:
    return (4 * work.input[-1],) if kernels == "dsp" else ()


def _product(work: Work, kernels: str) -> tuple[int, ...]:
    return (4 * work.output[-1],) if kernels == "mve" and work.dtype == DType.INT8 else ()


_CMSIS: dict[str, Callable[[Work, str], tuple[int, ...]]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transposed,
    "AVERAGE_POOL_2D": _average,
    "BATCH_MATMUL": _product,
}
