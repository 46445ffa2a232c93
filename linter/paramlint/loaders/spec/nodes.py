"""What a YAML text holds: scalars, lists and mappings, each with its place."""

from __future__ import annotations

from typing import Any, TypeAlias

from paramlint.loaders.spec.scalars import plain


class Scalar:
    """A word, number or text. ``plain`` is False where it was quoted."""

    __slots__ = ("column", "line", "plain", "text")

    def __init__(self, text: str, plain_style: bool, line: int, column: int) -> None:
        self.text, self.plain, self.line, self.column = text, plain_style, line, column

    @property
    def value(self) -> Any:
        """The value by YAML 1.2's rules (int, Fraction, bool, None, str)."""
        return plain(self.text) if self.plain else self.text


class Items:
    """A sequence."""

    __slots__ = ("column", "items", "line", "size")

    def __init__(self, line: int, column: int) -> None:
        self.items: list[Node] = []
        self.line, self.column, self.size = line, column, 1


class Table:
    """A mapping: keys in order, each with its own place. ``broken``: a key was refused, so others may be missing."""

    __slots__ = ("broken", "column", "items", "line", "size")

    def __init__(self, line: int, column: int) -> None:
        self.items: dict[str, tuple[Scalar, Node]] = {}
        self.line, self.column, self.size, self.broken = line, column, 1, False

    def get(self, key: str) -> Node | None:
        found = self.items.get(key)
        return found[1] if found else None


Node: TypeAlias = Scalar | Items | Table


def describe(node: Node) -> str:
    """What a node is, for messages."""
    if isinstance(node, Scalar):
        return repr(node.text[:60]) if node.text or not node.plain else "nothing"
    return "a list" if isinstance(node, Items) else "a mapping"
