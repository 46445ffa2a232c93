"""Lists written as other languages write them, which YAML takes apart: read as they were meant, and told once."""

from __future__ import annotations

from paramlint.loaders.spec.nodes import Items, Node, Scalar, Table
from paramlint.loaders.spec.problems import Problems

_LISTS = ("inputs", "outputs")


def read_lists(problems: Problems, table: Table) -> None:
    """Refuse ``size: (3, 3)`` and ``inputs: a, b`` in braces: YAML makes keys of all behind the first comma."""
    name, parts = "", list[Scalar]()
    for word, (key, node) in [*table.items.items(), ("", (_END, _END))]:
        if parts and isinstance(node, Scalar) and node is not _END and node.plain and not node.text:
            del table.items[word]
            parts.append(Scalar(word, True, key.line, key.column))
            continue
        if len(parts) > 1:
            _listed(problems, table, name, parts)
        name, parts = word, [node] if isinstance(node, Scalar) and _opens(word, node) else []


def _opens(word: str, node: Scalar) -> bool:
    text = node.text
    if not node.plain or not text or "$" in text:
        return False
    return word in _LISTS or (text.startswith("(") and ")" not in text)


def _listed(problems: Problems, table: Table, name: str, parts: list[Scalar]) -> None:
    first, last = parts[0], parts[-1]
    listed = Items(first.line, first.column)
    texts = [part.text for part in parts]
    if first.text.startswith("("):
        texts = [texts[0][1:], *texts[1:-1], last.text.rstrip(")")]
    cells: list[Node] = [Scalar(text, True, one.line, one.column) for text, one in zip(texts, parts, strict=True)]
    listed.items = cells
    table.items[name] = (table.items[name][0], listed)
    table.broken = True
    problems.add(first, "a list stands in brackets", f"write {name}: [{', '.join(texts)}]")


_END = Scalar("", False, 0, 0)
