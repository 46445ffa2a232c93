"""How PyTorch stretches axes of 1 against each other, with the batch that shapes here leave out put back in front.

What all samples share (a Parameter) has no batch, so its axes meet the last ones of the others.
"""

from __future__ import annotations

from paramlint.formulas import attention, macs
from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.layer_checks import at_most, flowing, same_size, show, symbol
from paramlint.loaders.spec.vocabulary import Built, Call

#: The batch's place in a shape; no named dimension can be called so.
_BATCH = " batch"


def _whole(call: Call, index: int) -> Shape:
    """An input's shape with its batch in front where it has one."""
    shape = call.shape(index)
    return (_BATCH, *shape) if flowing(call, index).batched else shape


def _shapes(call: Call) -> str:
    return " and ".join(show(call.shape(index)) for index in range(len(call.inputs)))


def _stretched(call: Call, *shapes: Shape) -> tuple[Dim, ...]:
    """The common shape of shapes that hold their batches."""
    rank = max(len(shape) for shape in shapes)
    out: list[Dim] = []
    for sizes in zip(*((*(1,) * (rank - len(shape)), *shape) for shape in shapes), strict=True):
        fixed = {size for size in sizes if isinstance(size, int) and size != 1}
        if _BATCH in sizes:
            if any(size not in (1, _BATCH) for size in sizes):
                hint = "unsqueeze or reshape one of them"
                call.fail(f"shapes {_shapes(call)} differ in rank, their batches would not meet", "inputs", hint)
            out.append(_BATCH)
            continue
        if len(fixed) > 1:
            call.fail(f"shapes {_shapes(call)} do not fit together", "inputs")
        free = [size for size in sizes if not isinstance(size, int)]
        out.append(fixed.pop() if fixed else free[0] if len(set(free)) == 1 else None if free else 1)
    return tuple(out)


def _sample(call: Call, shape: tuple[Dim, ...]) -> Shape:
    """A result without its batch, which must have stayed in front."""
    if _BATCH in shape[1:]:
        call.fail(f"shapes {_shapes(call)} differ in rank, their batches would not meet", "inputs")
    return shape[1:] if shape and shape[0] == _BATCH else shape


def common_shape(call: Call) -> Shape:
    """The broadcast shape of all inputs."""
    return _sample(call, _stretched(call, *(_whole(call, index) for index in range(len(call.inputs)))))


def product(call: Call, batches: bool) -> Built:
    """[.., t, k] times [.., k, n]; a vector loses its axis again. ``batches``: exactly one axis before each matrix."""
    at_most(call, 2)
    left, right = _whole(call, 0), _whole(call, 1)
    if not left or not right or (batches and not len(left) == len(right) == 3):
        call.fail(f"{call.type} needs matrices, got {_shapes(call)}", "inputs")
    rows, columns = (left[-2:-1] or (1,))[0], right[-1] if len(right) > 1 else 1
    inner = left[-1], right[-2] if len(right) > 1 else right[-1]
    if _BATCH in inner or columns == _BATCH:
        call.fail(f"{call.type} of {_shapes(call)} would take the batch for a row", "inputs", "unsqueeze it")
    same_size(call, *inner, f"{_shapes(call)} cannot be multiplied", "inputs")
    lead = _stretched(call, left[:-2], right[:-2])
    vectors = (*((rows,) if len(left) > 1 else ()), *((columns,) if len(right) > 1 else ()))
    out = _sample(call, (*lead, *vectors))
    symbols: dict[str, Dim] = {
        "P": symbol([size for size in lead if size != _BATCH]),
        "t": 1 if rows == _BATCH else rows,
        "d": inner[0] if isinstance(inner[0], int) else inner[1],
        "s": columns,
    }
    work = macs(attention.PRODUCT_MACS, symbols, attention.PRODUCT_MEANING)
    return Built((call.step("MatMul", [flowing(call), flowing(call, 1)], out),), macs=work)
