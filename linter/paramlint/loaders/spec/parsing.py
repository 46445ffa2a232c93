"""YAML text to nodes with places, built from parse events.

No constructor runs, so no tag can run code; depth, number of nodes and what aliases expand to are bounded while the
events come in. libyaml's parser is used where it is there, PyYAML's own else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from paramlint.errors import InputError, LoadError
from paramlint.loaders.spec.nodes import Items, Node, Scalar, Table, describe
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.slips import read_lists

MAX_DEPTH = 40  # a written architecture nests five or six levels
MAX_NODES = 500_000  # 20,000 layers with 20 keys each; aliases count as what they stand for
MAX_BYTES = 16 << 20  # the text of a spec; 2,000 layers take 0.2 MB


def parse(problems: Problems) -> tuple[Node, list[tuple[int, int, int, int]]]:
    """The document's root, and the spans of quoted scalars that could be mistaken for comments.

    Errors of one key or value are noted and the rest is read on; a text that is no YAML raises LoadError.
    """
    builder = _Builder(problems)
    try:
        for event in _events(problems.text):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        _syntax(problems, error)
    except yaml.YAMLError as error:
        where = getattr(error, "position", 0)
        before = problems.text[: where if isinstance(where, int) else 0]
        column = len(before) - before.rfind("\n")
        problems.at(before.count("\n") + 1, column, "holds a character that YAML does not allow")
        problems.raise_all()
    if builder.root is None:
        raise LoadError(InputError(problems.path, "holds no YAML document"))
    return builder.root, builder.spans


def _events(text: str) -> Iterator[Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _syntax(problems: Problems, error: yaml.MarkedYAMLError) -> None:
    """Say in the user's words what the parser stumbled over."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    text = problems.line(line)
    indent = text[: len(text) - len(text.lstrip())]
    if "\t" in indent:
        problems.at(line, indent.index("\t") + 1, "a tab in the indentation", "YAML is indented with spaces")
    elif text[max(column - 2, 0) : column] == "${":
        rest = text[column - 2 :].split("}")[0] + "}"
        problems.at(line, column - 1, f"inside braces {rest} must be quoted", f'write "{rest}"')
    elif "nesting" in (error.problem or ""):  # libyaml's own bound comes first where it reads ahead
        problems.at(line, column, f"is nested more than {MAX_DEPTH} levels deep")
    else:
        _structure(problems, error, line, column)
    problems.raise_all()


def _structure(problems: Problems, error: yaml.MarkedYAMLError, line: int, column: int) -> None:
    """A list, mapping or quote that does not end where it should; where it began is what the user must see."""
    what, where = " ".join(part for part in (error.problem, error.context) if part), error.context_mark
    hint = None
    if where is not None:
        begun = f"the one that begins in line {where.line + 1}"
        if "simple key" in what:
            line, column = where.line + 1, where.column + 1
            hint = "a space stands behind each '-' and ':'"
        elif "block collection" in what:
            hint = f"{begun} is a list: each of its items stands under the first '-'"
        elif "block mapping" in what:
            hint = f"{begun} is a mapping: its keys stand under each other"
        elif "flow" in what or "quoted" in what:
            hint = f"{begun}, column {where.column + 1}, is not closed, or a quote in it is not"
    problems.at(line, column, f"is not valid YAML: {what}", hint)


class _Builder:
    """Puts events together; the stack holds the open collections and, for a mapping, its waiting key."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems
        self.root: Node | None = None
        self.spans: list[tuple[int, int, int, int]] = []
        self._stack: list[Items | Table] = []
        self._keys: list[Scalar | None] = []
        self._names: list[str | None] = []
        self._anchors: dict[str, Node] = {}
        self._open: set[str] = set()
        self._count = 0
        self._documents = 0
        self._comments = "paramlint:" in problems.text

    def take(self, event: Any) -> None:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            self._start(event, Table if kind is yaml.MappingStartEvent else Items)
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            self._end()
        elif kind is yaml.AliasEvent:
            self._alias(event)
        elif kind is yaml.DocumentStartEvent:
            self._documents += 1
            if self._documents > 1:
                self._fatal(event, "holds a second document", "one file is one architecture")

    def _fatal(self, event: Any, message: str, hint: str | None = None) -> None:
        mark = event.start_mark
        self.problems.at(mark.line + 1, mark.column + 1, message, hint)
        self.problems.raise_all()

    def _grow(self, event: Any, by: int) -> None:
        self._count += by
        if self._count > MAX_NODES:
            self._fatal(event, f"holds more than {MAX_NODES:,} values, aliases counted as what they stand for")

    def _tagged(self, event: Any) -> None:
        if event.tag is not None:
            mark = event.start_mark
            self.problems.at(mark.line + 1, mark.column + 1, f"the tag {event.tag[:60]!r} is not allowed", "remove it")

    def _scalar(self, event: Any) -> None:
        mark = event.start_mark
        node = Scalar(event.value, not event.style, mark.line + 1, mark.column + 1)
        if event.tag is not None:
            self._tagged(event)
        if self._comments and event.style and "paramlint:" in event.value:
            end = event.end_mark
            self.spans.append((mark.line + 1, mark.column + 1, end.line + 1, end.column + 1))
        self._grow(event, 1)
        if event.anchor:
            self._anchors[event.anchor] = node
        self._place(node)

    def _start(self, event: Any, make: type[Items] | type[Table]) -> None:
        mark = event.start_mark
        node = make(mark.line + 1, mark.column + 1)
        self._tagged(event)
        self._grow(event, 1)
        if len(self._stack) >= MAX_DEPTH:
            self._fatal(event, f"is nested more than {MAX_DEPTH} levels deep")
        self._place(node)
        if event.anchor:
            self._anchors[event.anchor] = node
            self._open.add(event.anchor)
        self._stack.append(node)
        self._keys.append(None)
        self._names.append(event.anchor)

    def _end(self) -> None:
        node = self._stack.pop()
        if isinstance(node, Table):
            read_lists(self.problems, node)
        self._keys.pop()
        name = self._names.pop()
        if name is not None:
            self._open.discard(name)
        if self._stack:
            self._stack[-1].size += node.size

    def _alias(self, event: Any) -> None:
        node = self._anchors.get(event.anchor)
        if node is None:
            self._fatal(event, f"the alias *{event.anchor} has no anchor above it")
        elif event.anchor in self._open:
            self._fatal(event, f"the alias *{event.anchor} stands inside its own anchor")
        else:
            size = 1 if isinstance(node, Scalar) else node.size
            self._grow(event, size)
            if self._stack:
                self._stack[-1].size += size
            self._place(node, event)

    def _place(self, node: Node, alias: Any = None) -> None:
        if not self._stack:
            self.root = node
            return
        parent = self._stack[-1]
        if isinstance(parent, Items):
            parent.items.append(node)
            parent.size += isinstance(node, Scalar)
            return
        key = self._keys[-1]
        if key is None:
            self._keys[-1] = self._key(node, alias)
            return
        self._keys[-1] = None
        parent.size += 1
        if key is _SKIPPED:
            parent.broken = True
            return
        if key.text in parent.items:
            first = parent.items[key.text][0].line
            self.problems.add(key, f"the key {key.text[:60]!r} is there twice, first in line {first}")
        else:
            parent.items[key.text] = (key, node)

    def _key(self, node: Node, alias: Any) -> Scalar:
        if not isinstance(node, Scalar):
            place = node if alias is None else Scalar("", True, alias.start_mark.line + 1, alias.start_mark.column + 1)
            self.problems.add(place, f"a key must be a word, not {describe(node)}")
            return _SKIPPED
        if node.plain and node.text == "<<":
            self.problems.add(node, "merge keys (<<) are not read", "write the keys out, or use a block with vars")
            return _SKIPPED
        return node


_SKIPPED = Scalar("", True, 0, 0)
