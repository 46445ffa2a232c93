"""``shared_with``: whose weights a layer or a call takes."""

from __future__ import annotations

from paramlint.loaders.spec.frames import Frame, Owners, unknown
from paramlint.loaders.spec.network import Network
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.ties import TieError, tie
from paramlint.loaders.spec.uses import Use
from paramlint.loaders.spec.written import Item, Reference


class Sharing:
    """Finds owners by name and ties weights to them."""

    def __init__(self, problems: Problems, network: Network) -> None:
        self.problems, self.network = problems, network

    def owners(self, item: Item, frame: Frame, copy: tuple[int, int] | None) -> list[int] | None:
        """The rows whose weights a layer or call takes."""
        if item.shared is None:
            return None
        word = item.shared.text
        made = frame.names.get(word) or (frame.outer.get(word) if frame.outer is not None else None)
        if made is None:
            unknown(self.problems, Reference(item.shared, word, 0), frame)
            return []
        if made.outputs is None:
            return []
        spans, what = made.spans, f"{word!r}"
        if copy is not None and len(spans) == copy[1] > 1:
            spans, what = spans[copy[0] : copy[0] + 1], f"copy {copy[0]} of {word!r}"
        rows = [row for first, end in spans for row in range(first, end)]
        fault = None
        if not rows:
            fault = f"{what} has no weights to share"
        elif item.block is None and len(rows) > 1:
            fault = f"{what} stands for {len(rows)} layers; a layer shares with one"
        elif item.block is not None and made.block != item.block.name:
            fault = f"{what} is no call of the block {item.block.name!r}"
        elif len(spans) > 1:
            fault = f"{what} stands for {len(spans)} copies; as many copies share with it, or one call with one"
        if fault is not None:
            self.problems.add(item.shared, fault)
            return []
        return rows

    def tied(self, item: Item, used: Use, name: str, owners: list[int]) -> Use:
        if not owners or item.shared is None:
            return used
        owner = self.network.rows[owners[0]]
        try:
            tied = tie(used, owner.weights, owner.name, name)
        except TieError as error:
            self.problems.add(item.shared, str(error))
            return used
        if not tied.shared:
            mine = ", ".join(weight.role for weight in used.built.weights) or "none"
            theirs = ", ".join(weight.role for weight in owner.weights) or "none"
            message = f"{name} and {owner.name} have no weight in common (its weights: {mine}; the owner's: {theirs})"
            self.problems.add(item.shared, message)
        return tied.used

    def tied_in_call(self, used: Use, name: str, owners: Owners) -> Use:
        index = owners.take()
        if index is None:
            return used
        owner = self.network.rows[index]
        try:
            return tie(used, owner.weights, owner.name, name).used
        except TieError as error:
            if not self.problems:  # a layer that failed above shifts the pairs
                self.problems.add(owners.node, str(error))
            return used
