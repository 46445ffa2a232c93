"""onnx's own shape inference, asked where an operator's shapes are not known here."""

from __future__ import annotations

from paramlint.loaders.onnx import proto, worker
from paramlint.loaders.onnx.graph import Graph, Item
from paramlint.loaders.onnx.infer import Solved
from paramlint.loaders.onnx.operators import Operator
from paramlint.loaders.onnx.stated import stated_shape, stated_type

#: How many elements these find depends on the data: onnx does not know either.
_FOUND = frozenset({"NonZero", "Unique", "Compress", "NonMaxSuppression", "StringSplit", "SequenceMap", "Loop"})


def wanting(graph: Graph, solved: Solved, reached: set[int]) -> bool:
    """Whether some live operator's result is not known though its inputs are: then onnx may know more."""
    for item in graph.items:
        if item.enters is not None or item.context or item.domain or item.kind in _FOUND:
            continue
        if id(item) not in reached or id(item) in solved.errors or item.op is None:
            continue
        if _open(solved, item.outputs) and (_leaves(item) or not _open(solved, item.inputs)):
            return True
    return False


def _open(solved: Solved, names: list[str]) -> bool:
    """Whether a size of one of these values is not known at all (a named one is)."""
    for name in names:
        tensor = solved.tensors.get(name) if name else None
        if tensor is not None and (tensor.shape is None or None in tensor.shape):
            return True
    return False


def _leaves(item: Item) -> bool:
    """Whether the operator has no shape function here: those of sequences and optional values."""
    return type(item.op).infer is Operator.infer


def ask(graph: Graph, solved: Solved, skeleton: bytes) -> bool:
    """Run onnx's inference on the skeleton with the inputs as bound; True where it knew something."""
    pb = proto.module()
    model = pb.ModelProto()
    model.ParseFromString(skeleton)
    for info in model.graph.input:
        tensor = solved.tensors.get(info.name)
        if tensor is None or tensor.shape is None or not info.type.HasField("tensor_type"):
            continue
        shape = info.type.tensor_type.shape
        del shape.dim[:]
        for dim in tensor.shape:
            entry = shape.dim.add()
            if isinstance(dim, int):
                entry.dim_value = dim
            elif dim:
                entry.dim_param = dim
    answer = worker.infer(model.SerializeToString())
    if answer is None:
        return False
    inferred = pb.GraphProto()
    inferred.ParseFromString(answer)
    for info in (*inferred.value_info, *inferred.output):
        shape_known = stated_shape(info)
        if shape_known is not None:
            solved.hints[info.name] = (shape_known, stated_type(info))
    return bool(solved.hints)
