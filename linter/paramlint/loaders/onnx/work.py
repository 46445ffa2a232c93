"""MACs of each node with its loops' turns; of an If, those of the branch that works."""

from __future__ import annotations

from collections.abc import Iterator

from paramlint.ir import Formula, Quantity, Unknown
from paramlint.loaders.onnx.bodies import branch, trips
from paramlint.loaders.onnx.graph import Graph, Item
from paramlint.loaders.onnx.infer import Solved


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
        """How often each body runs in one run of the graph."""
        factors: list[int | Unknown] = [1]
        for context in self.graph.contexts[1:]:
            outer = 1 if context is None else factors[context.parent]
            turns = 1 if context is None else trips(self.solved, context.item)
            if isinstance(outer, Unknown) or isinstance(turns, Unknown):
                factors.append(outer if isinstance(outer, Unknown) else turns)
            else:
                factors.append(outer * turns)
        return factors

    def _choose(self, item: Item) -> None:
        """One branch of an If works: the one that is known to run, else the larger."""
        bodies = item.bodies or []
        taken = branch(self.solved, item)
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
