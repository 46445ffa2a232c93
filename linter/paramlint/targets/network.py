"""Limits of a target on the network as a whole: how deep it may be, how large its input, where its weights go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from paramlint.deploy.model import Deployed
from paramlint.quantities import BYTES, grouped
from paramlint.targets import operators
from paramlint.targets.model import Target
from paramlint.targets.op import LIMIT, UNDECIDED, Op, OpVerdict
from paramlint.targets.operators import OpSet
from paramlint.targets.shapes import known, product

#: Kinds that are a layer of their own on every accelerator.
_LAYERS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"})
#: Kinds that only give values another shape.
_SHAPES_ONLY = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
#: Constants that lie in an accelerator's weight memory; biases have one of their own.
_WEIGHTS = frozenset({"filter", "table", "operand", "alpha"})


def network_verdicts(target: Target, deployed: Deployed, ops: Sequence[Op]) -> Iterator[OpVerdict]:
    """What in the network as a whole breaks a limit of the target, or cannot be decided."""
    for entry in map(operators.load, target.op_sets):
        if entry.role == "accelerator":
            yield from _depth(entry, ops)
            yield from _input(entry, deployed)
    yield from _weights(target, deployed, ops)


def _depth(entry: OpSet, ops: Sequence[Op]) -> Iterator[OpVerdict]:
    """The number of layers. Pooling and element-wise work may be done on the way into a layer, or be one."""
    most = entry.network.get("max_layers")
    if most is None:
        return
    surely = sum(op.tflite in _LAYERS for op in ops)
    perhaps = sum(
        op.tflite not in _SHAPES_ONLY and op.called(entry) not in entry.host_operators and not op.added for op in ops
    )
    if surely > most:
        reason = f"{surely} layers with weights; {entry.title} takes {most}"
        yield OpVerdict(LIMIT, None, None, reason, entry.cite, measured=surely, limit=most)
    elif perhaps > most:
        reason = (
            f"{surely} to {perhaps} layers, as pooling and element-wise work is counted; {entry.title} takes {most}"
        )
        yield OpVerdict(UNDECIDED, None, None, reason, entry.cite)


def _input(entry: OpSet, deployed: Deployed) -> Iterator[OpVerdict]:
    most = entry.network.get("input_pixels")
    if most is None:
        return
    for place in deployed.inputs:
        buffer = deployed.buffers[place]
        pixels = product(buffer.shape[1:-1])
        if pixels is None or pixels > most:
            size = "an unknown number of" if pixels is None else grouped(pixels)
            reason = f"input {buffer.name} has {size} pixels; above {grouped(most)} it must be streamed"
            yield OpVerdict(UNDECIDED, None, None, reason, entry.cite)


def _weights(target: Target, deployed: Deployed, ops: Sequence[Op]) -> Iterator[OpVerdict]:
    """The weights against the accelerator's memory for them, in the element type that they are deployed in."""
    most = target.weight_memory_limit_bytes
    taken = {precision.dtype for precision in target.dtypes}
    held = {one.storage: one for step in deployed.operators for one in step.constants if one.role in _WEIGHTS}
    if most is None or any(one.dtype.is_float and one.dtype.value not in taken for one in held.values()):
        return  # weights in an element type that it does not take are said once, as that
    total = sum(one.bytes for one in held.values())
    cite = target.cite(f"{most:,} bytes of weight memory").text or ""
    if total > most and target.weight_memory_limit == "streamed":
        reason = f"{grouped(total)} bytes of weights, {grouped(most)} stay on the chip: the rest is loaded each time"
        yield OpVerdict(LIMIT, None, None, reason, cite, "external memory", total, most, target.sure, BYTES)
    elif total > most:
        reason = f"{grouped(total)} bytes of weights; its weight memory holds {grouped(most)}"
        yield OpVerdict(LIMIT, None, None, reason, cite, None, total, most, target.sure, BYTES)
    elif target.processors and not _weights_spread(most, target.processors, ops):
        reason = f"whether the weights spread over the memories of its {target.processors} processors is not decided"
        yield OpVerdict(UNDECIDED, None, None, reason, cite, sure=target.sure)


def _weights_spread(most: int, processors: int, ops: Sequence[Op]) -> bool:
    """True where each processor surely holds its share: kernels lie with their channel, in words of 9 bytes."""
    word = 9
    used = 0
    areas = _flattened_before(ops)
    for op in ops:
        if op.tflite not in _LAYERS:
            continue
        kernel = op.facts.get("kernel_area", areas.get(op.layer, 1))
        channels, outputs = op.facts.get("in_channels"), op.facts.get("out_channels")
        if not isinstance(kernel, int) or not isinstance(channels, int) or not isinstance(outputs, int):
            return False
        if op.tflite == "FULLY_CONNECTED":
            channels = -(-channels // kernel)
        elements = outputs * -(-channels // processors) * kernel
        used += -(-elements // word) * word
    return used <= most // processors


def _flattened_before(ops: Sequence[Op]) -> Mapping[str, int]:
    """Linear layer -> pixels of each channel that were flattened in front of it."""
    found: dict[str, int] = {}
    area: int | None = None
    for op in ops:
        if op.tflite == "RESHAPE":
            area = known(op.facts.get("flattened_area"))
        elif op.tflite == "FULLY_CONNECTED" and area is not None:
            found[op.layer] = area
            area = None
        elif op.tflite not in _SHAPES_ONLY:
            area = None
    return found
