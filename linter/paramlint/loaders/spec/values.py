"""Values of a spec: scalars, ``$name`` and ``${...}`` put into the variables that are in sight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from paramlint.expressions import ExpressionError, parse
from paramlint.loaders.spec.nodes import Items, Node, Scalar, describe
from paramlint.loaders.spec.vocabulary import RESERVED
from paramlint.spelling import did_you_mean

#: Names that have a value of their own and so cannot be a variable's, as the reserved keys cannot.
GIVEN = ("index", "count", "input", "in_channels")
WORDS = ("and", "or", "not", "if", "else", "true", "false")

MAX_ITEMS = 10_000  # of a list in a variable; stage widths and depths have a dozen
MAX_NESTED = 8  # lists inside lists

Names = Mapping[str, Any]


class Scope(dict[str, Any]):
    """The variables in sight of a block or copy, and where those come from that were handed on as they are.

    A refused value then is refused once, however many blocks it went through.
    """

    __slots__ = ("handed", "outer")

    def __init__(self, values: Names, outer: Names | None = None) -> None:
        super().__init__(values)
        self.outer = outer  # of a copy: the scope that it repeats, but for what the copy adds
        self.handed: dict[str, tuple[Names, str] | None] = {}

    def hand(self, name: str, node: Node, default: bool, caller: Names) -> None:
        """Note where a variable's value comes from: the block's own scope for a default, the caller's for a call."""
        same = handed_on(node)
        if same is None:
            self.handed[name] = None
        elif not default:
            self.handed[name] = (caller, same)
        elif same in self.handed and same != name:
            self.handed[name] = (self, same)
        else:
            self.handed[name] = None if self.outer is None else (self.outer, same)

    def origin(self, name: str) -> tuple[Names, str] | None:
        if name in self.handed:
            return self.handed[name]
        return None if self.outer is None or name not in self.outer else (self.outer, name)


def copy_of(names: Names, index: int, count: int) -> Scope:
    """What one copy of a repetition sees."""
    scope = Scope(names, names)
    scope |= {"index": index, "count": count}
    scope.handed = {"index": None, "count": None}
    return scope


_VARIABLE = re.compile(r"\$[A-Za-z_]\w*")


class Fault(Exception):
    """A value that cannot be had; ``node`` is where it stands, ``cause`` what other faults may share with it."""

    def __init__(self, node: Node, message: str, hint: str | None = None, cause: str | None = None) -> None:
        super().__init__(message)
        self.node, self.message, self.hint, self.cause = node, message, hint, cause


class Unavailable(Exception):
    """A value hangs on a layer that failed; that one's error is the cause and the only one to show."""


class Poisoned:
    """Stands for a variable that has no value, or for ``in_channels`` behind a layer that failed."""


POISONED = Poisoned()


def is_static(node: Node) -> bool:
    """True when the value holds no ``$`` and so is the same wherever it is read."""
    if isinstance(node, Scalar):
        return "$" not in node.text
    if isinstance(node, Items):
        return all(is_static(item) for item in node.items)
    return all(is_static(value) for _, value in node.items.values())


def value_of(node: Node, names: Names) -> Any:
    """The plain value of a node (lists as tuples, mappings as dicts); raises Fault or Unavailable."""
    if isinstance(node, Scalar):
        return scalar_value(node, names) if "$" in node.text else node.value
    if isinstance(node, Items):
        return tuple([value_of(item, names) for item in node.items])
    return {key: value_of(item, names) for key, (_, item) in node.items.items()}


def scalar_value(node: Scalar, names: Names) -> Any:
    """The value of ``$name`` or ``${...}``; a block scalar may end in a line break."""
    text = node.text.strip()
    if text.startswith("${") and text.endswith("}"):
        return _evaluated(node, text[2:-1], names)
    if _VARIABLE.fullmatch(text):
        name = text[1:]
        value = names.get(name, _MISSING)
        if value is _MISSING:
            raise unknown_variable(node, name, names)
        return _available(node, name, value)
    hint = 'an expression stands alone: "${...}"'
    raise Fault(node, f"'$' inside a longer text: {text[:60]!r}", hint)


def spoil(node: Node, names: Names) -> None:
    """Let a variable whose value was refused have none, so that its other uses are no further errors."""
    name = handed_on(node)
    if name is not None:
        _spoil(name, names)
    for item in node.items if isinstance(node, Items) else ():
        name = handed_on(item)
        if name is not None and type(names.get(name)) is not int:  # what a list of sizes was refused for
            _spoil(name, names)


def spoiled(node: Node, names: Names) -> bool:
    """True where the value came down from a variable that was refused elsewhere."""
    name = handed_on(node)
    at = None if name is None else (names, name)
    while at is not None:
        names, name = at
        if names.get(name) is POISONED:
            return True
        at = names.origin(name) if isinstance(names, Scope) else None
    return False


def handed_on(node: Node) -> str | None:
    """The variable that a value is, with nothing done to it."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    if not text.startswith("$"):
        return None
    name = text[2:-1].strip() if text.startswith("${") else text[1:]
    return name if name.isidentifier() else None


def _spoil(name: str, names: Names) -> None:
    at: tuple[Names, str] | None = (names, name)
    while at is not None:
        names, name = at
        if isinstance(names, dict):
            names[name] = POISONED
        at = names.origin(name) if isinstance(names, Scope) else None


_MISSING = object()


def _available(node: Scalar, name: str, value: Any) -> Any:
    if value is POISONED:
        raise Unavailable
    if name == "in_channels" and not isinstance(value, int):
        shown = "is not fixed" if value is None else f"is {value}, which is not fixed"
        raise Fault(node, f"in_channels {shown}", "bind it with --dim, or write the number")
    return value


def _evaluated(node: Scalar, text: str, names: Names) -> Any:
    expression = None
    try:
        expression = parse(text)
        for name in expression.names:
            if name in names:
                _available(node, name, names[name])
        return expression.evaluate(names)
    except ExpressionError as error:
        if error.name is not None:
            raise unknown_variable(node, error.name, names) from None
        for name in expression.names if expression else ():
            # a word among numbers, a fraction as an index: the cause here and wherever it is used
            if isinstance(names.get(name), (str, Fraction) if "whole number" in str(error) else str):
                _spoil(name, names)
        raise Fault(node, f"{error}", operator_hint(text)) from None


#: Operators of other languages, each with the pattern that shows it was meant.
_OTHER_OPERATORS = (
    (r"\|\|", "write or, not ||"), ("&&", "write and, not &&"), (r"!(?!=)", "write not, not !"),
    (r"(?<![<>=!])=(?!=)", "write == to compare"), (r"\?.*:", "write a if condition else b"),
    (r"\^", "write ** for a power"), (r"\$", "inside ${...} a variable stands without $"),
)  # fmt: skip


def operator_hint(text: str) -> str | None:
    return next((hint for pattern, hint in _OTHER_OPERATORS if re.search(pattern, text)), None)


def unknown_variable(node: Scalar, name: str, names: Names) -> Fault:
    if name == "in_channels":
        return Fault(node, "in_channels is known only inside a block", "write the number")
    if name in ("index", "count"):
        message = f"{name} is known only on a layer or call with repeat or parallel"
        return Fault(node, message, "add repeat: N, or pass it on as a variable", f"copies in line {node.line}")
    known = [one for one in names if one not in GIVEN]
    hint = did_you_mean(name, known)
    if hint is None:
        hint = f"there are: {', '.join(known)}" if known else "no variables are defined here"
    return Fault(node, f"unknown variable {name!r}", hint, f"variable {name}")


def variable_value(node: Node, names: Names) -> Any:
    """The value of a variable: an integer, a decimal, a boolean, a string, null or a list of those."""
    value = value_of(node, names)
    if isinstance(value, (dict, tuple)):
        _measure(value, node, 0, 0)
    return value


def _measure(value: Any, node: Node, depth: int, count: int) -> int:
    """Count the items of a list with all lists in it, and refuse mappings and lists beyond every use.

    Lists of variables can double with each line, so the count ends where it passes the bound.
    """
    if isinstance(value, dict):
        raise Fault(node, f"a variable holds a number, a boolean, a string or a list, not {describe(node)}")
    if not isinstance(value, tuple):
        return count
    if depth >= MAX_NESTED:
        raise Fault(node, f"a list is nested more than {MAX_NESTED} levels deep")
    for item in value:
        count = _measure(item, node, depth + 1, count + 1)
        if count > MAX_ITEMS:
            raise Fault(node, f"a list of more than {MAX_ITEMS:,} items")
    return count


def check_name(node: Scalar) -> str | None:
    """Why a variable cannot be called so, or None."""
    name = node.text
    if not re.fullmatch(r"[A-Za-z_]\w*", name):
        return f"{name[:60]!r} is no name for a variable"
    if name in RESERVED or name in GIVEN or name in WORDS:
        return f"a variable cannot be called {name!r}, which is a reserved word"
    return None
