"""The whole graph: shapes, a row for each node with weights or work, the executed steps, and the second witness."""

from __future__ import annotations

from collections.abc import Mapping

from paramlint.formulas import numeric
from paramlint.ir import Formula, Layer, Model, Observation, Shape, Source, Unknown, Weight
from paramlint.loaders import Request
from paramlint.loaders.onnx import hints
from paramlint.loaders.onnx.bind import free_names
from paramlint.loaders.onnx.graph import Graph, Item
from paramlint.loaders.onnx.infer import Solved
from paramlint.loaders.onnx.rows import Namer, assemble, group_of, weights_of
from paramlint.loaders.onnx.steps import step_of
from paramlint.loaders.onnx.trace import Trace
from paramlint.loaders.onnx.uses import label
from paramlint.loaders.onnx.work import Work
from paramlint.spelling import hint

MAX_SAID = 200  # observations of one kind in one file; the rest is summed up


def complete(
    path: str, graph: Graph, trace: Trace, request: Request, disk: int, skeleton: bytes, reached: set[int],
    parameters: set[str], namer: Namer,
) -> Model:  # fmt: skip
    """The Model with shapes, MACs and steps."""
    weights = {id(item): weights_of(item, parameters) for item in graph.items if item.uses}
    by_index = {
        key: _by_index(item, weights[key], trace.scales) for item in graph.items if (key := id(item)) in weights
    }
    solved = Solved(graph, trace, request)
    solved.run(by_index)
    if solved.errors and solved.bound.taken:
        solved = _without_batch(graph, trace, request, solved, by_index)
    if hints.wanting(graph, solved, reached) and hints.ask(graph, solved, skeleton):
        solved.run(by_index)
    work = Work(graph, solved, reached)
    layers, observations, names = [], [], {}
    for item in graph.items:
        if item.enters is not None:
            continue
        held = weights.get(id(item), ())
        counted = solved.witness(item) if held else None
        row = _row(item, held, counted, solved, work, reached, path, namer)
        names[id(item)] = row.name if row is not None else item.name
        if row is None:
            continue
        layers.append(row)
        observations += _observe(item, row, counted, solved, by_index.get(id(item), {}))
    steps = tuple(
        step_of(item, solved, trace, by_index.get(id(item), {}), names[id(item)])
        for item in graph.items
        if item.enters is None and id(item) in reached and item.context not in work.skipped and not item.fixed
    )
    used = {name for step in steps for name in (*step.inputs, *step.outputs)}
    tensors = {name: tensor for name, tensor in solved.tensors.items() if name in used}
    inputs = tuple(solved.tensors[name] for name, _ in graph.inputs)
    tensors.update((tensor.name, tensor) for tensor in inputs)
    return assemble(
        path, graph, trace, request, disk, tuple(layers), reached, inputs, tensors, steps,
        (*solved.bound.assumed, *work.assumed), _bounded([*_unmet(graph, request, path), *observations], path),
    )  # fmt: skip


def _unmet(graph: Graph, request: Request, path: str) -> list[Observation]:
    """Names given sizes that no shape of this model has, where it has free ones that were left so."""
    free = free_names(graph) - request.dims.keys()
    missing = [name for name in request.dims if free and name not in free_names(graph)]
    near = {name: hint(name, sorted(free)) for name in missing}
    return [
        Observation("PL003", f"no dimension of the model is called {name!r} ({near[name]})", Source("file", path))
        for name in missing
    ]  # fmt: skip


def _without_batch(
    graph: Graph, trace: Trace, request: Request, solved: Solved, weights: Mapping[int, Mapping[int, Weight]]
) -> Solved:
    """The graph with its batch left free, where batch 1 makes it contradict itself and a free one does not."""
    free = Solved(graph, trace, request)
    free.without_batch()
    free.run(weights)
    return free if len(free.errors) < len(solved.errors) else solved


def _by_index(item: Item, weights: tuple[Weight, ...], scales: Mapping[str, int]) -> dict[int, Weight]:
    """The weight behind each input that is one stored tensor, moved at most."""
    found: dict[int, Weight] = {}
    several: set[int] = set()
    for use, weight in zip({(use.slot, use.tensor.storage): use for use in item.uses}.values(), weights, strict=True):
        if use.slot < 0:
            continue
        if use.slot in found or not use.direct:
            several.add(use.slot)
        stated = scales.get(weight.storage)
        found[use.slot] = weight if stated is None else weight._replace(scales=stated)
    return {index: weight for index, weight in found.items() if index not in several}


def _row(
    item: Item, weights: tuple[Weight, ...], counted: Formula | Unknown | None, solved: Solved, work: Work,
    reached: set[int], path: str, namer: Namer,
) -> Layer | None:  # fmt: skip
    amount = work.macs[id(item)]
    reachable = id(item) in reached
    if not weights and amount == 0 and id(item) not in solved.errors:
        return None
    if item.op is None and not weights and not reachable:
        return None
    name = namer.name(item)
    unknown = (f"no cost is known for {label(item)}",) if item.op is None else ()
    outputs = tuple(solved.tensors[made] for made in item.outputs if made)
    total = sum([weight.elements for weight in weights if not weight.buffer])
    shown = counted if isinstance(counted, Formula) and counted.value == total else None
    notes = (solved.errors[id(item)],) if id(item) in solved.errors else ()
    return Layer(
        name, label(item), tuple(item.inputs), outputs, weights, amount, Source("node", path, node=name), formula=shown,
        macs_formula=work.formulas.get(id(item)), reachable=reachable, unknown=unknown, group=group_of(item),
        notes=notes,
    )  # fmt: skip


def _observe(
    item: Item, row: Layer, counted: Formula | Unknown | None, solved: Solved, weights: Mapping[int, Weight]
) -> list[Observation]:
    found = []
    if weights and isinstance(counted, Formula):
        stored = _stored(item, solved, weights)
        if stored is not None and stored != counted.value:
            text = f"{row.name} ({row.op}): the stored weights hold {stored:,}, {numeric(counted)} = {counted.value:,}"
            found.append(Observation("PL002", text, row.source, row.name))
    error = solved.errors.get(id(item))
    if error is not None and weights and not error.startswith(("attribute", label(item))):
        found.append(Observation("PL002", f"{row.name} ({row.op}): {error}", row.source, row.name))
    elif isinstance(row.macs, Unknown) and item.op is not None and row.reachable:
        found.append(Observation("PL003", f"{row.name} ({row.op}): {row.macs.reason}", row.source, row.name,
                                 help="bind free sizes with --dim or --input-shape"))  # fmt: skip
    return found


def _stored(item: Item, solved: Solved, weights: Mapping[int, Weight]) -> int | None:
    """Elements at the node's weight slots; where a weight was cut or joined on its way, what arrives here."""
    total = 0
    node = solved.nodes[id(item)]
    for index in item.op.slots:
        if (
            index >= len(item.inputs)
            or not item.inputs[index]
            or not (index in weights or (index < len(node.fixed) and node.fixed[index]))
        ):
            continue
        name = item.inputs[index]
        tensor, weight = solved.tensors.get(name), weights.get(index)
        arrives = _elements(tensor.shape) if tensor is not None else None
        if weight is not None and (name in solved.graph.stored or arrives is None):
            total += weight.elements
        elif arrives is None:
            return None
        else:
            total += arrives
    return total


def _elements(shape: Shape | None) -> int | None:
    if shape is None:
        return None
    total = 1
    for dim in shape:
        if type(dim) is not int:
            return None
        total *= dim
    return total


def _bounded(observations: list[Observation], path: str) -> list[Observation]:
    kept: list[Observation] = []
    counts: dict[str, int] = {}
    for seen in observations:
        counts[seen.rule] = counts.get(seen.rule, 0) + 1
        if counts[seen.rule] <= MAX_SAID:
            kept.append(seen)
    for rule, count in counts.items():
        if count > MAX_SAID:
            kept.append(Observation(rule, f"{count - MAX_SAID:,} more layers like these", Source("file", path)))
    return kept
