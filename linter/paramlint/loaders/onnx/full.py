"""The whole graph: shapes, a row for each node with weights or work, the executed steps, and the second witness."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from paramlint.formulas import numeric
from paramlint.ir import Formula, Layer, Model, Observation, Quantity, Shape, Source, Unknown, Weight
from paramlint.loaders import Request
from paramlint.loaders.onnx import proto, worker
from paramlint.loaders.onnx.graph import Graph, Item
from paramlint.loaders.onnx.infer import Solved
from paramlint.loaders.onnx.rows import Namer, assemble, group_of, stated_shape, stated_type, weights_of
from paramlint.loaders.onnx.steps import step_of
from paramlint.loaders.onnx.trace import Trace
from paramlint.loaders.onnx.uses import label

MAX_SAID = 200  # observations of one kind in one file; the rest is summed up


def complete(
    path: str, graph: Graph, trace: Trace, request: Request, disk: int, skeleton: bytes, reached: set[int],
    parameters: set[str], namer: Namer,
) -> Model:  # fmt: skip
    """The Model with shapes, MACs and steps."""
    weights = {id(item): weights_of(item, parameters) for item in graph.items if item.uses}
    by_index = {key: _by_index(item, weights[key]) for item in graph.items if (key := id(item)) in weights}
    solved = Solved(graph, trace, request)
    solved.run(by_index)
    if _wanting(graph, solved, reached) and _ask_onnx(graph, solved, skeleton):
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
        (*solved.assumed, *work.assumed), _bounded(observations, path),
    )  # fmt: skip


def _by_index(item: Item, weights: tuple[Weight, ...]) -> dict[int, Weight]:
    """The weight behind each input that is one stored tensor, moved at most."""
    found: dict[int, Weight] = {}
    several: set[int] = set()
    for use, weight in zip({(use.slot, use.tensor.storage): use for use in item.uses}.values(), weights, strict=True):
        if use.slot < 0:
            continue
        if use.slot in found or not use.direct:
            several.add(use.slot)
        found[use.slot] = weight
    return {index: weight for index, weight in found.items() if index not in several}


class Work:
    """MACs of each node with its loops' trips; of If, the larger branch."""

    def __init__(self, graph: Graph, solved: Solved, reached: set[int]) -> None:
        self.graph, self.solved = graph, solved
        self.macs: dict[int, Quantity] = {}
        self.formulas: dict[int, Formula] = {}
        self.skipped: set[int] = set()  # contexts of branches that are not the larger
        self.assumed: list[str] = []
        self._members: dict[int, list[Item]] = {}
        factors = self._factors()
        for item in graph.items:
            if item.enters is not None:
                continue
            key = id(item)
            if item.context:
                self._members.setdefault(item.context, []).append(item)
            if item.fixed and item.op is not None:
                self.macs[key] = 0  # made of constants alone: folded before it runs
                continue
            formula, amount = solved.cost(item)
            factor = factors[item.context]
            if isinstance(amount, Unknown) or amount == 0 or factor == 1:
                self.macs[key] = amount
            elif isinstance(factor, Unknown):
                self.macs[key] = factor
            else:
                self.macs[key] = amount * factor
            if formula is not None and factor == 1:
                self.formulas[key] = formula
        for item in reversed(graph.items):
            if item.kind == "If" and item.bodies and len(item.bodies) > 1 and id(item) in reached:
                self._choose(item)

    def _factors(self) -> list[int | Unknown]:
        factors: list[int | Unknown] = [1]
        for context in self.graph.contexts[1:]:
            outer, trips = (1, 1) if context is None else (factors[context.parent], self.solved.trips(context.item))
            if isinstance(outer, Unknown) or isinstance(trips, Unknown):
                factors.append(outer if isinstance(outer, Unknown) else trips)
            else:
                factors.append(outer * trips)
        return factors

    def _choose(self, item: Item) -> None:
        """One branch of an If works: the one that is known to run, else the larger."""
        bodies = item.bodies or []
        taken = self.solved.branch(item)
        if taken is not None:
            self._skip([index for index in bodies if index != bodies[taken]])
            return
        sums: dict[int, int] = {}
        for index in item.bodies or ():
            parts = [self.macs[id(one)] for one in self._inside(index)]
            sums[index] = sum(part for part in parts if isinstance(part, int))
            if any(isinstance(part, Unknown) for part in parts):
                return  # a branch whose cost is unknown stays in the sum, so that nothing passes
        largest = max(sums, key=lambda index: sums[index])
        self._skip([index for index in sums if index != largest])
        if any(sums.values()):
            role = getattr(self.graph.contexts[largest], "role", "branch")
            self.assumed.append(f"If {item.name}: MACs are those of its larger branch, {role}")

    def _skip(self, others: list[int]) -> None:
        for index in others:
            for one in self._inside(index):
                self.skipped.add(one.context)
                self.macs[id(one)] = 0
                self.formulas.pop(id(one), None)

    def _inside(self, index: int) -> Iterator[Item]:
        """The nodes of a body and of the bodies in it."""
        for one in self._members.get(index, ()):
            yield one
            for inner in one.bodies or ():
                yield from self._inside(inner)


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
        if index >= len(item.inputs) or not item.inputs[index] or not (index in weights or node.fixed[index]):
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


def _wanting(graph: Graph, solved: Solved, reached: set[int]) -> bool:
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


def _ask_onnx(graph: Graph, solved: Solved, skeleton: bytes) -> bool:
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
