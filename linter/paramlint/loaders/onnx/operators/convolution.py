"""Convolutions: float, transposed, deformable, integer and quantised (ONNX Conv-1..22, QLinearConv-10, com.microsoft).

The second witness takes input channels from the input, kernel and groups from attributes, and output channels from
the inferred output (which rests on the stored kernel's first axis: ONNX states them nowhere else).
"""

from __future__ import annotations

from typing import ClassVar

from paramlint.formulas import convolution as texts
from paramlint.formulas import formula, macs
from paramlint.ir import Dim, DType, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, operator
from paramlint.loaders.onnx.operators.shapes import given, integer, integers, out, product, same, stored
from paramlint.loaders.onnx.operators.windows import Window, kernel_of, lengths, spread, window


@operator
class Conv(Operator):
    """``Conv``: X [n, i, ...], W [o, i / G, k...], B [o]."""

    kinds: ClassVar[tuple[str, ...]] = ("Conv",)
    slots = {1: "kernel", 2: "bias"}
    data: ClassVar[int] = 0
    kernel: ClassVar[int] = 1
    bias: ClassVar[int | None] = 2
    result: ClassVar[DType | None] = None

    def infer(self, node: Node) -> list[Output]:
        shape, weight, group = node.shape(self.data), node.shape(self.kernel), _group(node)
        if weight is not None and len(weight) < 3:
            raise ShapeError(f"a kernel of {len(weight)} axes")
        if shape is None:
            rank = None if weight is None else len(weight)
            return [Output(None if rank is None else (None, weight[0], *(None,) * (rank - 2)), self.dtype(node))]  # type: ignore[index]  # rank says weight is known
        if len(shape) < 3 or (weight is not None and len(weight) != len(shape)):
            raise ShapeError(f"a kernel of {0 if weight is None else len(weight)} axes on an input of {len(shape)}")
        self.check(shape, weight, group)
        sizes = kernel_of(node, weight)
        if sizes is None:
            return [Output((shape[0], None, *(None,) * (len(shape) - 2)), self.dtype(node))]
        spatial = lengths(shape[2:], window(node, sizes))
        return [Output((shape[0], None if weight is None else weight[0], *spatial), self.dtype(node))]

    def check(self, shape: Shape, weight: Shape | None, group: int) -> None:
        """Groups divide the channels, and the kernel is made for this many of them."""
        channels = shape[1]
        if type(channels) is int and channels % group:
            raise ShapeError(f"{channels} input channels do not split into {group} groups")
        if weight is None:
            return
        if type(channels) is int:
            same(weight[1], channels // group, "channels of the kernel and of one group of the input")
        if type(weight[0]) is int and weight[0] % group:
            raise ShapeError(f"{weight[0]} output channels do not split into {group} groups")

    def dtype(self, node: Node) -> DType | None:
        return self.result

    def numbers(self, node: Node) -> dict[str, Dim]:
        """i, G, K and o: channels from the shapes, the window from the attribute or the kernel's axes."""
        shape = node.shape(self.data)
        sizes = kernel_of(node, node.shape(self.kernel))
        made = out(node)
        return {
            "i": shape[1] if shape else None,
            "G": _group(node),
            "K": None if sizes is None else product(sizes),
            "o": made[1] if made else None,
        }

    def macs(self, node: Node) -> Formula | Unknown | None:
        made = out(node)
        places = None if made is None else product((made[0], *made[2:]))
        return macs(texts.MACS, {"P": places, **self.numbers(node)}, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        return _witness(node, self.numbers(node), texts.KERNEL, self.kernel, self.bias)


def _group(node: Node) -> int:
    group = integer(node, "group", 1)
    if group < 1:
        raise ShapeError(f"group is {group}")
    return group


def _witness(node: Node, numbers: dict[str, Dim], text: str, kernel: int, bias: int | None) -> Formula | Unknown | None:
    """The parameter formula of what is stored, or why there is none; None where both inputs flow."""
    terms = {"kernel": text} if stored(node, kernel) else {}
    if bias is not None and stored(node, bias):
        terms["bias"] = texts.BIAS
    if not terms:
        return None
    known = {name: number for name, number in numbers.items() if type(number) is int}
    if len(known) != len(numbers):
        missing = [texts.MEANING[name] for name in numbers if name not in known]
        return Unknown(f"{', '.join(missing)} not known")
    if (known["i"] % known["G"]) or (known["o"] % known["G"]):
        return Unknown("groups do not divide the channels")
    return formula(terms, known, texts.MEANING)


@operator
class FusedConv(Conv):
    """ONNX Runtime's Conv with an activation and an added tensor Z."""

    kinds = ("FusedConv",)
    domain = "com.microsoft"


@operator
class BlockedConv(FusedConv):
    """A Conv in ONNX Runtime's blocked layout: channels are rounded up to the block, in shapes as in storage."""

    kinds = ("Conv",)
    domain = "com.microsoft.nchwc"

    def check(self, shape: Shape, weight: Shape | None, group: int) -> None:
        """Blocked kernels are padded, so channels cannot be compared."""


@operator
class NhwcConv(Conv):
    """ONNX Runtime's Conv with channels last: X [n, ..., i], W [o, i / G, k...]."""

    kinds = ("NhwcConv", "NhwcFusedConv")
    domain = "com.microsoft"

    def infer(self, node: Node) -> list[Output]:
        turned = _first(node, self.data)
        return [_last(output) for output in super().infer(turned)]

    def macs(self, node: Node) -> Formula | Unknown | None:
        return super().macs(_first(node, self.data))

    def params(self, node: Node) -> Formula | Unknown | None:
        return super().params(_first(node, self.data))


def _first(node: Node, data: int) -> Node:
    """``node`` with the channels of its data and outputs moved to axis 1."""
    inputs, shape = list(node.inputs), node.shape(data)
    tensor = inputs[data] if data < len(inputs) else None
    if tensor is not None and shape and len(shape) > 2:
        inputs[data] = tensor._replace(shape=(shape[0], shape[-1], *shape[1:-1]))
    outputs = tuple([
        made._replace(shape=(made.shape[0], made.shape[-1], *made.shape[1:-1])) if made and made.shape else made
        for made in node.outputs
    ])  # fmt: skip
    return Node(
        node.kind, node.domain, node.name, node.opset, node.attributes, tuple(inputs), node.values, node.weights,
        node.output_count, outputs, node.fixed,
    )  # fmt: skip


def _last(output: Output) -> Output:
    shape = output.shape
    return output if not shape else output._replace(shape=(shape[0], *shape[2:], shape[1]))


@operator
class ConvInteger(Conv):
    """``ConvInteger``: int32 out, no bias."""

    kinds = ("ConvInteger",)
    slots = {1: "kernel"}
    settings = frozenset({2, 3})
    bias = None
    result = DType.INT32


@operator
class QLinearConv(Conv):
    """``QLinearConv``: x, its scale and zero point, w, ..., bias; the type of the output's zero point."""

    kinds = ("QLinearConv",)
    slots = {3: "kernel", 8: "bias"}
    settings = frozenset({1, 2, 4, 5, 6, 7})
    kernel = 3
    bias = 8

    def dtype(self, node: Node) -> DType | None:
        return node.dtype(7)


@operator
class ContribQLinearConv(QLinearConv):
    """ONNX Runtime's QLinearConv; ``channels_last`` moves the channels."""

    domain = "com.microsoft"

    def infer(self, node: Node) -> list[Output]:
        if integer(node, "channels_last", 0):
            return [_last(output) for output in super().infer(_first(node, self.data))]
        return super().infer(node)

    def macs(self, node: Node) -> Formula | Unknown | None:
        return super().macs(_first(node, self.data) if integer(node, "channels_last", 0) else node)

    def params(self, node: Node) -> Formula | Unknown | None:
        return super().params(_first(node, self.data) if integer(node, "channels_last", 0) else node)


@operator
class DeformConv(Conv):
    """``DeformConv``: X, W, offset, B, mask; the offsets move the taps, their number stays."""

    kinds = ("DeformConv",)
    slots = {1: "kernel", 3: "bias"}
    settings = frozenset({2, 4})
    bias = 3


@operator
class ConvTranspose(Operator):
    """``ConvTranspose``: X [n, i, ...], W [i, o / G, k...]; ``output_shape`` overrides the length rule."""

    kinds = ("ConvTranspose",)
    slots = {1: "kernel", 2: "bias"}
    bias: ClassVar[int] = 2

    def infer(self, node: Node) -> list[Output]:
        shape, weight, group = node.shape(0), node.shape(1), _group(node)
        if shape is None:
            return [Output(None if weight is None else (None,) * len(weight))]
        if len(shape) < 3 or (weight is not None and len(weight) != len(shape)):
            raise ShapeError(f"a kernel of {0 if weight is None else len(weight)} axes on an input of {len(shape)}")
        sizes = kernel_of(node, weight)
        if weight is None or sizes is None:
            return [Output((shape[0], *(None,) * (len(shape) - 1)))]
        same(shape[1], weight[0], "channels of the kernel and of the input")
        if type(weight[0]) is int and weight[0] % group:
            raise ShapeError(f"{weight[0]} input channels do not split into {group} groups")
        channels = weight[1] * group if type(weight[1]) is int else None
        return [Output((shape[0], channels, *self.spatial(node, shape, window(node, sizes))))]

    def spatial(self, node: Node, shape: Shape, look: Window) -> tuple[Dim, ...]:
        stated, rank = integers(node, "output_shape"), len(shape) - 2
        if stated:
            if len(stated) not in (rank, rank + 2):
                raise ShapeError(f"output_shape {list(stated)} for {rank} spatial axes")
            return stated[-rank:]
        return spread(shape[2:], look, integers(node, "output_padding") or (0,) * rank)

    def numbers(self, node: Node) -> dict[str, Dim]:
        """As for a convolution; output channels from the inferred output."""
        shape, sizes = node.shape(0), kernel_of(node, node.shape(1))
        made = out(node)
        return {
            "i": shape[1] if shape else None,
            "K": None if sizes is None else product(sizes),
            "o": made[1] if made else None,
            "G": _group(node),
        }

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        places = None if shape is None else product((shape[0], *shape[2:]))
        return macs(texts.TRANSPOSED_MACS, {"N": places, **self.numbers(node)}, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        return _witness(node, self.numbers(node), texts.TRANSPOSED_KERNEL, 1, self.bias)


@operator
class ConvTransposeWithDynamicPads(ConvTranspose):
    """ONNX Runtime's ConvTranspose with pads in input 2."""

    kinds = ("ConvTransposeWithDynamicPads",)
    domain = "com.microsoft"
    slots = {1: "kernel", 3: "bias"}
    settings = frozenset({2})
    bias = 3

    def spatial(self, node: Node, shape: Shape, look: Window) -> tuple[Dim, ...]:
        if not given(node, 2):
            return super().spatial(node, shape, look)
        pads = node.value(2)
        if pads is None or len(pads.elements) != len(look.pads) or not all(type(pad) is int for pad in pads.elements):
            return (None,) * (len(shape) - 2)
        return super().spatial(node, shape, look._replace(pads=pads.elements))


@operator
class CausalConvWithState(Operator):
    """``CausalConvWithState``: a depthwise convolution over time; W [c, 1, k], the state: the last k - 1 positions."""

    kinds = ("CausalConvWithState",)
    slots = {1: "kernel", 2: "bias"}
    settings = frozenset({3})

    def infer(self, node: Node) -> list[Output]:
        shape, weight = node.shape(0), node.shape(1)
        state = None
        if shape is not None and weight is not None and len(shape) == 3 and len(weight) == 3:
            same(shape[1], weight[0], "channels of the kernel and of the input")
            state = (shape[0], shape[1], weight[2] - 1 if type(weight[2]) is int else None)
        return [Output(shape), Output(state)][: node.output_count]

    def _numbers(self, node: Node) -> dict[str, Dim]:
        shape, weight = node.shape(0), node.shape(1)
        channels = shape[1] if shape and len(shape) == 3 else None
        return {"i": channels, "G": channels, "K": weight[-1] if weight else None, "o": channels}

    def macs(self, node: Node) -> Formula | Unknown | None:
        shape = node.shape(0)
        places = product((shape[0], shape[2])) if shape and len(shape) == 3 else None
        return macs(texts.MACS, {"P": places, **self._numbers(node)}, texts.MEANING)

    def params(self, node: Node) -> Formula | Unknown | None:
        return _witness(node, self._numbers(node), texts.KERNEL, 1, 2)


@operator
class ContribCausalConvWithState(CausalConvWithState):
    """ONNX Runtime's CausalConvWithState; rolled-back states (a third output) are left to its own inference."""

    domain = "com.microsoft"

    def infer(self, node: Node) -> list[Output]:
        known = super().infer(node)
        return known + [Output(None)] * (node.output_count - len(known))
