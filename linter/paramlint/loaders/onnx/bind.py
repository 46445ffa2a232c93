"""The shapes of the graph's inputs: as the file states them, with what the user gave, and the batch.

Axis 0 of an input that is free is taken as batch 1, unless a recurrent layer or Scan steps through it, another shape
uses its name elsewhere, or the graph's own sizes contradict it (then ``bind`` is asked again without that assumption).
"""

from __future__ import annotations

from typing import NamedTuple

from paramlint.ir import Dim, Shape, Tensor
from paramlint.loaders import Request
from paramlint.loaders.onnx.bodies import scan_of
from paramlint.loaders.onnx.graph import Graph, GraphError
from paramlint.loaders.onnx.stated import stated_shape, stated_type

_RECURRENT = frozenset({"LSTM", "GRU", "RNN", "DynamicQuantizeLSTM"})
_KEEPS_FIRST = frozenset({"Identity", "Cast", "Dropout", "Relu", "Squeeze", "MatMul", "Add"})
_SHOWN = 5  # names in one message


class Bound(NamedTuple):
    """Inputs with their shapes; ``sizes`` of named dimensions, from options and the batch alike."""

    tensors: dict[str, Tensor]
    sizes: dict[str, int]
    taken: tuple[str, ...]  # inputs whose axis 0 was taken as the batch
    batch: int

    @property
    def assumed(self) -> tuple[str, ...]:
        if not self.taken:
            return ()
        rest = len(self.taken) - _SHOWN
        listed = ", ".join(self.taken[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
        return (f"batch {self.batch} for the free axis 0 of {listed}",)


def bind(graph: Graph, request: Request, batch: bool = True) -> Bound:
    """The inputs' shapes; GraphError where an option contradicts the model or another option."""
    stated = {name: stated_shape(info) for name, info in graph.inputs}
    for wrong in request.input_shapes.keys() - stated.keys():
        known = ", ".join(sorted(stated)[:_SHOWN]) or "it has none"
        raise GraphError(f"--input-shape names {wrong!r}, which is no graph input (inputs: {known})")
    sizes = dict(request.dims)
    shapes = {name: _given(name, shape, request, sizes) for name, shape in stated.items()}
    shapes = {name: _put(shape, sizes) for name, shape in shapes.items()}
    taken = _free(graph, shapes) if batch else []
    size = _batch(shapes, request) if taken else 1
    heads = {head: size for name in taken if isinstance(head := (shapes[name] or (None,))[0], str)}
    for name in taken:
        shape = shapes[name]
        shapes[name] = (size, *shape[1:]) if shape else shape
    tensors = {
        name: Tensor(name, _put(shapes[name], heads), stated_type(info)) for name, info in graph.inputs
    }  # fmt: skip
    return Bound(tensors, {**sizes, **heads}, tuple(taken), size)


def free_names(graph: Graph) -> set[str]:
    """Names of dimensions that the file states anywhere."""
    infos = [info for _, info in graph.inputs] + list(graph.infos.values())
    return {dim for info in infos for dim in stated_shape(info) or () if isinstance(dim, str)}


def _given(name: str, shape: Shape | None, request: Request, sizes: dict[str, int]) -> Shape | None:
    """The shape that the user gave; named dimensions of the model get its sizes."""
    given = request.input_shapes.get(name)
    if given is None:
        return shape
    if shape is not None and len(shape) != len(given):
        raise GraphError(f"--input-shape gives {name!r} {len(given)} axes, the model states {len(shape)}")
    for have, want in zip(shape or (), given, strict=False):
        if type(have) is int and have != want:
            shown = ",".join(map(str, given))
            raise GraphError(f"--input-shape {name}={shown}: the model states {have} where this has {want}")
        if isinstance(have, str) and sizes.setdefault(have, want) != want:
            raise GraphError(f"--input-shape gives {have!r} the size {want}, it already has {sizes[have]}")
    return given


def _put(shape: Shape | None, sizes: dict[str, int]) -> Shape | None:
    if shape is None:
        return None
    return tuple([sizes.get(dim, dim) if isinstance(dim, str) else dim for dim in shape])


def _free(graph: Graph, shapes: dict[str, Shape | None]) -> list[str]:
    """Inputs whose axis 0 is free and may be the batch."""
    elsewhere: set[Dim] = {dim for shape in shapes.values() for dim in (shape or ())[1:] if isinstance(dim, str)}
    steps = _stepped(graph)
    found = []
    for name, shape in shapes.items():
        if shape and type(shape[0]) is not int and name not in steps and shape[0] not in elsewhere:
            found.append(name)
    return found


def _batch(shapes: dict[str, Shape | None], request: Request) -> int:
    """1, or what the user gave all other inputs as their first size."""
    firsts = {shape[0] for name, shape in shapes.items() if shape and name in request.input_shapes}
    first = firsts.pop() if len(firsts) == 1 else 1
    return first if isinstance(first, int) else 1


def _stepped(graph: Graph) -> set[str]:
    """Inputs whose axis 0 is time: a recurrent node or Scan steps through it, directly or after moves that keep it."""
    same = {name: name for name, _ in graph.inputs}
    found: set[str] = set()
    for item in graph.items:
        if item.enters is not None:
            continue
        if item.kind == "Scan":
            scan = scan_of(item)
            places = enumerate(item.inputs) if scan is not None else ()
            found.update(same[name] for place, name in places if name in same and scan and scan.axis(place) == 0)
        first = item.inputs[0] if item.inputs else ""
        if first not in same:
            continue
        if item.kind in _RECURRENT:
            if not next((proto.i for proto in item.proto.attribute if proto.name == "layout"), 0):
                found.add(same[first])
        elif item.kind in _KEEPS_FIRST and item.outputs:
            same[item.outputs[0]] = same[first]
    return found
