"""onnx's own shape inference, asked where an operator's shapes are not known here."""

from __future__ import annotations

from paramlint.loaders.onnx import proto, worker
from paramlint.loaders.onnx.graph import Graph
from paramlint.loaders.onnx.infer import Solved
from paramlint.loaders.onnx.stated import stated_shape, stated_type


def wanting(graph: Graph, solved: Solved, reached: set[int]) -> bool:
    """Whether an operator whose shapes we do not know ourselves stands before a live node."""
    for item in graph.items:
        if (
            item.enters is None
            and item.context == 0
            and id(item) in reached
            and not item.domain
            and id(item) not in solved.errors
        ):
            for name in item.outputs:
                tensor = solved.tensors.get(name) if name else None
                if tensor is not None and (tensor.shape is None or None in tensor.shape):
                    return True
    return False


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
