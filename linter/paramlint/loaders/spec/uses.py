"""A layer once it is built: its lowering, and its outputs under the layer's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from paramlint.ir import DType, Step, Tensor, Unknown
from paramlint.loaders.spec.call import LayerCall, Lowering
from paramlint.loaders.spec.vocabulary import Built, Entry, LayerError


class Use(NamedTuple):
    """A built layer: what its entry said, its lowering, and its outputs under their final names."""

    built: Built
    outputs: tuple[Tensor | None, ...]
    steps: list[Step]
    tensors: dict[str, Tensor]  # of the lowering, outputs included
    flaws: Sequence[LayerError] = ()  # why the layer is refused although its outputs are certain


def use(
    entry: Entry,
    args: Mapping[str, Any],
    written: frozenset[str],
    inputs: tuple[Tensor | None, ...],
    dtype: DType,
    name: str,
    trainable: bool = True,
) -> Use:
    """Build a layer under its name; raises LayerError where arguments and inputs contradict."""
    lowering = Lowering(name)
    call = LayerCall(entry, args, written, inputs, dtype, lowering, f"{name}/", trainable)
    built = entry.build(call)
    if entry.name != "Custom" and (built.weights or built.macs) and any(_is_text(one) for one in inputs):
        hint = "TextVectorization, StringLookup and Hashing make numbers of text"
        raise LayerError(f"{entry.name} reads numbers, not text", "inputs", hint)
    call.close(built)
    return _named(built, lowering, name)


def _is_text(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.dtype is DType.STRING


def unseen(entry: Entry, inputs: tuple[Tensor | None, ...], dtype: DType, name: str, reason: str) -> Use:
    """A layer behind one whose output has no stated shape: all that is known of it is that it is there."""
    out = Tensor(name, None, dtype)
    names = tuple(["" if tensor is None else tensor.name for tensor in inputs])
    step = Step(f"{entry.framework}::{entry.name}", names, (name,), layer=name)
    return Use(Built((out,), macs=Unknown(reason), unknown=(reason,)), (out,), [step], {name: out})


def _named(built: Built, lowering: Lowering, name: str) -> Use:
    """Outputs take the layer's name (``name``, ``name:1``); an input that is handed on gets an Identity of its own."""
    tensors = lowering.tensors
    renamed: dict[str, str] = {}
    outputs: list[Tensor | None] = []
    for index, tensor in enumerate(built.outputs):
        if tensor is None:
            outputs.append(None)
            continue
        final = f"{name}:{index}" if index else name
        if tensor.name not in tensors or tensor.name in renamed:
            source = renamed.get(tensor.name, tensor.name)
            lowering.steps.append(Step("Identity", (source,), (final,), layer=name))
        else:
            renamed[tensor.name] = final
        outputs.append(tensor._replace(name=final))
    steps = lowering.steps
    if renamed:
        steps = [_renamed(step, renamed) for step in steps]
        tensors = {key: tensor for key, tensor in tensors.items() if key not in renamed}
    for made in outputs:
        if made is not None:
            tensors[made.name] = made
    return Use(built._replace(outputs=tuple(outputs)), tuple(outputs), steps, tensors, lowering.flaws)


def _renamed(step: Step, names: Mapping[str, str]) -> Step:
    inputs = tuple([names.get(one, one) for one in step.inputs])
    return step._replace(inputs=inputs, outputs=tuple([names.get(one, one) for one in step.outputs]))
