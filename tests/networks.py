"""Deployed networks made by hand, operator by operator: what the memory tests stand on."""

from __future__ import annotations

from collections.abc import Sequence

from paramlint.deploy import Buffer, Constant, Deployed, Operator
from paramlint.ir import DType

INT8, INT16, FLOAT = DType.INT8, DType.INT16, DType.FLOAT32


def product(sizes: Sequence[int]) -> int:
    total = 1
    for size in sizes:
        total *= size
    return total


class Net:
    """Adds operators one after the other; every method returns the place of the buffer that it made."""

    def __init__(self, dtype: DType = INT8) -> None:
        self.dtype = dtype
        self.operators: list[Operator] = []
        self.buffers: list[Buffer] = []
        self.inputs: list[int] = []

    def input(self, *shape: int, dtype: DType | None = None) -> int:
        self.inputs.append(self._buffer((1, *shape), dtype))
        return self.inputs[-1]

    def add(
        self,
        kind: str,
        inputs: Sequence[int],
        *shape: int,
        constants: Sequence[Constant] = (),
        dtype: DType | None = None,
        **options: object,
    ) -> int:
        """Any operator with one output of ``shape`` (without batch)."""
        made = self._buffer((1, *shape), dtype)
        places = (*inputs, *[-1] * len(constants))
        layer = f"{kind.lower()}_{len(self.operators)}"
        self.operators.append(Operator(kind, kind, layer, places, (made,), tuple(constants), options))
        return made

    def done(self, *outputs: int) -> Deployed:
        params = sum(constant.params for operator in self.operators for constant in operator.constants)
        quantized = self.dtype != FLOAT
        return Deployed(
            tuple(self.operators), tuple(self.buffers), tuple(self.inputs), outputs, params, self.dtype, quantized
        )

    def conv(self, source: int, filters: int, kernel: tuple[int, int] = (3, 3), stride: int = 1) -> int:
        """A convolution with TensorFlow's padding SAME."""
        _, high, wide, deep = self._shape(source)
        weights = self._weights((filters, *kernel, deep), filters)
        shape = (-(-high // stride), -(-wide // stride), filters)
        return self.add("CONV_2D", [source], *shape, constants=weights, **_window(kernel, stride))

    def depthwise(self, source: int, kernel: tuple[int, int] = (3, 3), stride: int = 1) -> int:
        _, high, wide, deep = self._shape(source)
        weights = self._weights((1, *kernel, deep), deep)
        shape = (-(-high // stride), -(-wide // stride), deep)
        return self.add("DEPTHWISE_CONV_2D", [source], *shape, constants=weights, **_window(kernel, stride))

    def dense(self, source: int, units: int) -> int:
        *front, deep = self._shape(source)[1:]
        return self.add("FULLY_CONNECTED", [source], *front, units, constants=self._weights((units, deep), units, 1))

    def average(self, source: int) -> int:
        """Average pooling over the whole map."""
        _, high, wide, deep = self._shape(source)
        window = {"kernel": (high, wide), "strides": (high, wide), "padding": "VALID"}
        return self.add("AVERAGE_POOL_2D", [source], 1, 1, deep, **window)

    def flatten(self, source: int) -> int:
        shape = Constant("shape", (2,), DType.INT32, f"shape{len(self.operators)}")
        return self.add("RESHAPE", [source], product(self._shape(source)), constants=[shape])

    def same(self, kind: str, *sources: int) -> int:
        """An operator whose output is as large as its first input."""
        return self.add(kind, sources, *self._shape(sources[0])[1:])

    def _shape(self, place: int) -> tuple[int, ...]:
        shape = self.buffers[place].shape
        assert all(isinstance(size, int) for size in shape)
        return tuple(size for size in shape if isinstance(size, int))

    def _buffer(self, shape: tuple[int, ...], dtype: DType | None) -> int:
        kind = dtype or self.dtype
        self.buffers.append(Buffer(f"t{len(self.buffers)}", shape, kind, product(shape) * kind.bits // 8))
        return len(self.buffers) - 1

    def _weights(self, kernel: tuple[int, ...], outputs: int, channels: int | None = None) -> list[Constant]:
        scales = 0 if self.dtype == FLOAT else channels or outputs
        narrow, wide = (FLOAT, FLOAT) if self.dtype == FLOAT else (INT8, DType.INT32)
        storage = f"w{len(self.operators)}"
        return [
            Constant("filter", kernel, narrow, storage, scales, product(kernel)),
            Constant("bias", (outputs,), wide, storage + "b", scales, outputs),
        ]


def _window(kernel: tuple[int, int], stride: int) -> dict[str, object]:
    return {"kernel": kernel, "strides": (stride, stride), "dilations": (1, 1), "padding": "SAME"}


def classified(net: Net, features: int, classes: int) -> Deployed:
    """Average pooling, flattening, a dense layer and softmax at the end."""
    scores = net.dense(net.flatten(net.average(features)), classes)
    return net.done(net.same("SOFTMAX", scores))


def autoencoder(dtype: DType = INT8) -> Deployed:
    """MLPerf Tiny anomaly detection."""
    net = Net(dtype)
    place = net.input(640)
    for units in (128, 128, 128, 128, 8, 128, 128, 128, 128, 640):
        place = net.dense(place, units)
    return net.done(place)


def keyword_spotting(dtype: DType = INT8) -> Deployed:
    """MLPerf Tiny keyword spotting: DS-CNN."""
    net = Net(dtype)
    place = net.conv(net.input(49, 10, 1), 64, (10, 4), 2)
    for _ in range(4):
        place = net.conv(net.depthwise(place), 64, (1, 1))
    return classified(net, place, 12)


def visual_wake_words(dtype: DType = INT8) -> Deployed:
    """MLPerf Tiny visual wake words: MobileNetV1 with a quarter of its width, 96 × 96."""
    net = Net(dtype)
    place = net.conv(net.input(96, 96, 3), 8, stride=2)
    blocks = [(16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2), *[(128, 1)] * 5, (256, 2), (256, 1)]
    for filters, stride in blocks:
        place = net.conv(net.depthwise(place, stride=stride), filters, (1, 1))
    return classified(net, place, 2)


def resnet8(dtype: DType = INT8) -> Deployed:
    """MLPerf Tiny image classification."""
    net = Net(dtype)
    place = net.conv(net.input(32, 32, 3), 16)
    place = net.same("ADD", place, net.conv(net.conv(place, 16), 16))
    for filters in (32, 64):
        inner = net.conv(net.conv(place, filters, stride=2), filters)
        place = net.same("ADD", net.conv(place, filters, (1, 1), 2), inner)
    return classified(net, place, 10)
