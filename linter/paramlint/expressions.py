"""The one small expression language: layer formulas and ``${...}`` in a YAML architecture.

Exact rational numbers, ``+ - * / // % **``, comparisons, ``and or not``, ``a if c else b``, ``min max floor ceil
round len``, list indexing, quoted strings. ``//``, ``%`` and ``round`` mean what they mean in Python. The text is
parsed by the grammar below into closures; nothing is ever handed to Python's evaluator. Depth, text length and the
size of numbers are bounded.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = "int | Fraction | bool | str | tuple[Value, ...]"
Environment: TypeAlias = "Mapping[str, Value]"
_Node: TypeAlias = Callable[["Environment"], Value]

MAX_LENGTH = 1000  # characters of one expression; the longest formula of the vocabulary has under 200
MAX_DEPTH = 60  # nested brackets and operators; keeps the parser far from Python's recursion limit
MAX_BITS = 4096  # of an intermediate number; a parameter count needs under 64
_PLAIN = 1 << 64  # whole numbers below need no look at their size
_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d[\d_]*)?\.?\d[\d_]*(?:[eE][+-]?\d+)?)|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<text>'[^']*'|\"[^\"]*\")|(?P<op>\*\*|//|<=|>=|==|!=|[-+*/%<>()\[\],]))"
)


class ExpressionError(ValueError):
    """A text that is no expression, or one that has no value; the message is one line for the user.

    ``name`` holds the variable that was not found, for a did-you-mean.
    """

    def __init__(self, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name


class Expression(NamedTuple):
    """A parsed expression: its text, the names it uses in order of appearance, and how to evaluate it."""

    text: str
    names: tuple[str, ...]
    evaluate: _Node


@lru_cache(maxsize=4096)
def parse(text: str) -> Expression:
    """Parse ``text``; raises ExpressionError that says what was expected and where."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"expression is longer than {MAX_LENGTH} characters")
    parser = _Parser(text)
    node = parser.condition(0)
    if parser.kind != "end":
        raise ExpressionError(f"unexpected {parser.word!r} in expression {text.strip()!r}")
    return Expression(text, tuple(dict.fromkeys(parser.names)), node)


def evaluate(text: str, names: Environment) -> Value:
    """The value of ``text`` where ``names`` are known. A whole number is an int, never a Fraction."""
    return parse(text).evaluate(names)


def whole(text: str, names: Mapping[str, int]) -> int:
    """The value of a formula, which must be a whole number."""
    value = parse(text).evaluate(names)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ExpressionError(f"{text} is {value}, not a whole number")
    return value


def substitute(text: str, names: Mapping[str, int]) -> str:
    """``text`` with the numbers put in: ``g * (h + 1)`` becomes ``4 * (2 + 1)``; negative ones in brackets."""

    def number(match: re.Match[str]) -> str:
        value = names.get(match[0])
        if value is None:
            return match[0]
        return str(value) if value >= 0 else f"({value})"

    return re.sub(r"[A-Za-z_]\w*", number, text)


def _normal(value: Fraction | int) -> Value:
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise ExpressionError("a number in this expression is too large")
    return int(value) if value.denominator == 1 else value


def _number(value: Value, what: str) -> int | Fraction:
    if isinstance(value, bool) or not isinstance(value, (int, Fraction)):
        raise ExpressionError(f"{what} needs a number, not {describe(value)}")
    return value


def describe(value: Value) -> str:
    """A value as the user would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        return "[" + ", ".join(describe(item) for item in value) + "]"
    return str(value)


def _divide(a: int | Fraction, b: int | Fraction, sign: str) -> Value:
    if b == 0:
        raise ExpressionError("division by zero")
    if sign == "/":
        return a // b if type(a) is type(b) is int and not a % b else _normal(Fraction(a) / b)
    return _normal(a // b if sign == "//" else a % b)


def _power(base: int | Fraction, exponent: int | Fraction) -> Value:
    if exponent.denominator != 1:
        root = _exact_root(base, exponent)
        if root is None:
            raise ExpressionError(f"{base} ** {exponent} is not a rational number")
        return _normal(root)
    size = max(abs(base.numerator), base.denominator).bit_length()
    if size > 1 and size * abs(int(exponent)) > MAX_BITS:
        raise ExpressionError("a number in this expression is too large")
    if base == 0 and exponent < 0:
        raise ExpressionError("division by zero")
    return _normal(Fraction(base) ** int(exponent))


def _exact_root(base: int | Fraction, exponent: int | Fraction) -> Fraction | None:
    """``base ** exponent`` for a fractional exponent, when that is rational."""
    if base < 0 or exponent.denominator > 64 or abs(exponent.numerator) > 64:
        return None
    if base == 0:
        return Fraction(0) if exponent > 0 else None
    parts = [_integer_root(part, exponent.denominator) for part in (base.numerator, base.denominator)]
    if parts[0] is None or parts[1] is None:
        return None
    return Fraction(parts[0], parts[1]) ** exponent.numerator


def _integer_root(value: int, degree: int) -> int | None:
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle - 1
    return low if low**degree == value else None


def _rounding(name: str, value: int | Fraction) -> int:
    if name == "floor":
        return value.__floor__()
    return value.__ceil__() if name == "ceil" else round(value)


def _call(name: str, values: list[Value]) -> Value:
    if name in ("min", "max"):
        items = list(values[0]) if len(values) == 1 and isinstance(values[0], tuple) else values
        if not items:
            raise ExpressionError(f"{name} needs at least one number")
        numbers = [_number(item, name) for item in items]
        return min(numbers) if name == "min" else max(numbers)
    if len(values) != 1 and not (name == "round" and len(values) == 2):
        raise ExpressionError(f"{name} takes one value, {len(values)} given")
    if name == "len":
        if not isinstance(values[0], (tuple, str)):
            raise ExpressionError(f"len needs a list, not {describe(values[0])}")
        return len(values[0])
    number = _number(values[0], name)
    if len(values) == 2:
        digits = values[1]
        if isinstance(digits, bool) or not isinstance(digits, int) or abs(digits) > 100:
            raise ExpressionError("round needs a small whole number of digits")
        return _normal(round(Fraction(number), digits))
    return _rounding(name, number)


def _truth(value: Value) -> bool:
    return bool(value)


def _compare(a: Value, b: Value, sign: str) -> bool:
    if sign in ("==", "!="):
        same = a == b and isinstance(a, str) == isinstance(b, str)
        return same if sign == "==" else not same
    if isinstance(a, str) and isinstance(b, str):
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]
    x, y = _number(a, sign), _number(b, sign)
    return {"<": x < y, "<=": x <= y, ">": x > y, ">=": x >= y}[sign]


def _index(value: Value, index: Value) -> Value:
    if not isinstance(value, tuple):
        raise ExpressionError(f"only a list can be indexed, not {describe(value)}")
    if isinstance(index, bool) or not isinstance(index, int):
        raise ExpressionError(f"a list index must be a whole number, not {describe(index)}")
    if not -len(value) <= index < len(value):
        raise ExpressionError(f"index {index} is outside a list of {len(value)}")
    return value[index]


_FUNCTIONS = frozenset({"min", "max", "floor", "ceil", "round", "len"})
_WORDS = frozenset({"and", "or", "not", "if", "else", "true", "false", "True", "False"})
#: Binary operators by rising strength; ``**`` and the unary signs are handled apart.
_LEVELS = (("+", "-"), ("*", "/", "//", "%"))
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")


class _Parser:
    """Recursive descent, one method per strength, building closures."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.names: list[str] = []
        self.advance()

    def advance(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        if match is None:
            rest = self.text[self.at :].strip()
            if rest:
                raise ExpressionError(f"unexpected {rest[0]!r} in expression {self.text.strip()!r}")
            self.kind, self.word = "end", "end"
            return
        self.at = match.end()
        self.kind, self.word = str(match.lastgroup), match[str(match.lastgroup)]

    def take(self, word: str) -> None:
        if self.kind not in ("op", "name") or self.word != word:
            where = "at the end of" if self.kind == "end" else f"before {self.word!r} in"
            raise ExpressionError(f"expected {word!r} {where} expression {self.text.strip()!r}")
        self.advance()

    def sees(self, *words: str) -> bool:
        return self.kind in ("op", "name") and self.word in words

    def deeper(self, depth: int) -> int:
        if depth >= MAX_DEPTH:
            raise ExpressionError("expression is nested too deeply")
        return depth + 1

    def condition(self, depth: int) -> _Node:
        depth = self.deeper(depth)
        node = self.disjunction(depth)
        if not self.sees("if"):
            return node
        self.advance()
        test = self.disjunction(depth)
        self.take("else")
        other = self.condition(depth)
        return lambda names: node(names) if _truth(test(names)) else other(names)

    def disjunction(self, depth: int) -> _Node:
        node = self.conjunction(depth)
        while self.sees("or"):
            self.advance()
            left, right = node, self.conjunction(depth)
            node = lambda names, left=left, right=right: left(names) or right(names)  # type: ignore[misc]  # defaults bind the loop's values
        return node

    def conjunction(self, depth: int) -> _Node:
        node = self.negation(depth)
        while self.sees("and"):
            self.advance()
            left, right = node, self.negation(depth)
            node = lambda names, left=left, right=right: left(names) and right(names)  # type: ignore[misc]  # as above
        return node

    def negation(self, depth: int) -> _Node:
        if not self.sees("not"):
            return self.comparison(depth)
        self.advance()
        inner = self.negation(self.deeper(depth))
        return lambda names: not _truth(inner(names))

    def binary(self, level: int, depth: int) -> _Node:
        if level == len(_LEVELS):
            return self.unary(depth)
        node = self.binary(level + 1, depth)
        while self.kind == "op" and self.word in _LEVELS[level]:
            sign = self.word
            self.advance()
            node = _operation(sign, node, self.binary(level + 1, depth))
        return node

    def comparison(self, depth: int) -> _Node:
        """``a < b < c`` means what it means in Python: each link of the chain holds."""
        left = self.binary(0, depth)
        links: list[_Node] = []
        while self.kind == "op" and self.word in _COMPARISONS:
            sign = self.word
            self.advance()
            right = self.binary(0, depth)
            links.append(_operation(sign, left, right))
            left = right
        if len(links) > 1:
            return lambda names: all(link(names) for link in links)
        return links[0] if links else left

    def unary(self, depth: int) -> _Node:
        if self.sees("-", "+"):
            sign = self.word
            self.advance()
            inner = self.unary(self.deeper(depth))
            if sign == "+":
                return lambda names: _number(inner(names), "+")
            return lambda names: -_number(inner(names), "-")
        return self.power(depth)

    def power(self, depth: int) -> _Node:
        node = self.postfix(depth)
        if not self.sees("**"):
            return node
        self.advance()
        exponent = self.unary(self.deeper(depth))
        return lambda names: _power(_number(node(names), "**"), _number(exponent(names), "**"))

    def postfix(self, depth: int) -> _Node:
        node = self.atom(depth)
        while self.sees("["):
            self.advance()
            index = self.condition(depth)
            self.take("]")
            node = lambda names, node=node, index=index: _index(node(names), index(names))  # type: ignore[misc]  # as above
        return node

    def atom(self, depth: int) -> _Node:
        kind, word = self.kind, self.word
        if kind == "number":
            self.advance()
            value = _literal(word)
            return lambda names: value
        if kind == "text":
            self.advance()
            return lambda names: word[1:-1]
        if kind == "name" and word not in _WORDS - {"true", "false", "True", "False"}:
            self.advance()
            return self.name(word, depth)
        if self.sees("("):
            self.advance()
            node = self.condition(depth)
            self.take(")")
            return node
        if self.sees("["):
            items = self.sequence("]", depth)
            return lambda names: tuple(item(names) for item in items)
        raise ExpressionError(self.unexpected())

    def unexpected(self) -> str:
        """What stands where something else was expected."""
        text = self.text.strip()
        if self.kind == "end":
            return f"the expression {text!r} ends too soon" if text else "an empty expression"
        return f"unexpected {self.word!r} in expression {text!r}"

    def sequence(self, end: str, depth: int) -> list[_Node]:
        self.advance()
        items: list[_Node] = []
        while not self.sees(end):
            items.append(self.condition(depth))
            if not self.sees(end):
                self.take(",")
        self.advance()
        return items

    def name(self, word: str, depth: int) -> _Node:
        if word.lower() in ("true", "false"):
            truth = word.lower() == "true"
            return lambda names: truth
        if self.sees("("):
            if word not in _FUNCTIONS:
                raise ExpressionError(f"unknown function {word!r}; there are {', '.join(sorted(_FUNCTIONS))}")
            arguments = self.sequence(")", depth)
            return lambda names: _call(word, [argument(names) for argument in arguments])
        self.names.append(word)

        def look_up(names: Environment) -> Value:
            if word not in names:
                raise ExpressionError(f"unknown variable {word!r}", word)
            return names[word]

        return look_up


def _literal(word: str) -> int | Fraction:
    digits = word.replace("_", "")
    if len(digits) > 100 or not re.fullmatch(r"\d*\.?\d+(?:[eE][+-]?\d{1,3})?", digits):
        raise ExpressionError(f"{word[:20]!r} is no number")
    if re.fullmatch(r"0\d+", digits):
        raise ExpressionError(f"{word[:20]!r} is no number: write {digits.lstrip('0') or 0} without the leading zero")
    if digits.isdigit():
        return int(digits)
    value = Fraction(digits)
    return int(value) if value.denominator == 1 else value


def _operation(sign: str, left: _Node, right: _Node) -> _Node:
    if sign in _COMPARISONS:
        return lambda names: _compare(left(names), right(names), sign)
    exact = _ARITHMETIC.get(sign)
    if exact is None:
        return lambda names: _divide(_number(left(names), sign), _number(right(names), sign), sign)

    def combined(names: Environment) -> Value:
        a, b = left(names), right(names)
        if type(a) is int and type(b) is int:  # nearly always, and a large graph has tens of thousands
            value = exact(a, b)
            return value if -_PLAIN < value < _PLAIN else _normal(value)
        return _normal(exact(_number(a, sign), _number(b, sign)))

    return combined
