"""The kinds of values that layer arguments take: one table for the check, the JSON schema and the messages.

A kind's ``check`` gets a plain value (int, Fraction, bool, str, None, tuple, dict, ``Nested``) and returns the normal
form; it raises ValueError with a phrase that follows the argument's name ("must be a positive integer"). A whole
decimal has become an int before (``4.0`` is 4), a bool is never taken for a number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from paramlint.loaders.spec.vocabulary import Kind, Nested

MAX_INTEGER = 10**15  # an argument above a quadrillion is a slip; products of a few stay cheap to compute


def _refuse(phrase: str) -> ValueError:
    return ValueError(f"must be {phrase}")


def _bounded(value: Any, phrase: str, least: int | None) -> int:
    if type(value) is not int or (least is not None and value < least):
        raise _refuse(phrase)
    if abs(value) > MAX_INTEGER:
        raise ValueError(f"must be at most {MAX_INTEGER:,}")
    return value


def integer_from(least: int | None, phrase: str) -> Kind:
    """An integer that is at least ``least`` (None: any)."""
    schema: dict[str, Any] = {"type": "integer"} if least is None else {"type": "integer", "minimum": least}
    return Kind(phrase, schema, lambda value: _bounded(value, phrase, least))


positive = integer_from(1, "a positive integer")
non_negative = integer_from(0, "an integer of at least 0")
integer = integer_from(None, "an integer")


def _rational(value: Any) -> bool:
    return type(value) is int or isinstance(value, Fraction)


def number_between(low: Fraction | int | None, high: Fraction | int | None, phrase: str, above: bool = False) -> Kind:
    """A number within bounds (None: open), both included; ``above`` excludes the lower one."""
    schema: dict[str, Any] = {"type": "number"}
    if low is not None:
        schema["exclusiveMinimum" if above else "minimum"] = float(low)
    if high is not None:
        schema["maximum"] = float(high)

    def check(value: Any) -> int | Fraction:
        if not _rational(value) or (low is not None and (value < low or (above and value == low))):
            raise _refuse(phrase)
        if high is not None and value > high:
            raise _refuse(phrase)
        return value  # type: ignore[no-any-return]  # _rational has looked

    return Kind(phrase, schema, check)


number = number_between(None, None, "a number")
positive_number = number_between(0, None, "a number above 0", above=True)
non_negative_number = number_between(0, None, "a number of at least 0")
probability = number_between(0, 1, "a number from 0 to 1")


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _refuse("true or false")
    return value


flag = Kind("true or false", {"type": "boolean"}, _flag)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _refuse("text")
    return value


text = Kind("text", {"type": "string"}, _text)


def _nothing(value: Any) -> None:
    if value is not None:
        raise _refuse("null")


null = Kind("null", {"type": "null"}, _nothing)


def choice(*words: str) -> Kind:
    """One of a few words; a misspelled one gets a did-you-mean."""
    known = frozenset(words)
    phrase = f"one of {', '.join(words)}" if len(words) > 1 else f"{words[0]}"

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in known:
            raise _refuse(phrase)
        return value

    return Kind(phrase, {"enum": list(words)}, check, words)


def integers(count: int, least: int | None = 1) -> Kind:
    """An integer, or a list of ``count`` of them; the normal form is a tuple of ``count``."""
    each = {None: "integers", 0: "integers of at least 0", 1: "positive integers"}.get(least, f"integers from {least}")
    words = {None: "an integer", 0: "an integer of at least 0", 1: "a positive integer"}
    one = words.get(least, f"an integer from {least}")
    phrase = f"{one} or a list of {count} {each}" if count > 1 else one
    item = integer_from(least, phrase)

    def check(value: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            if len(value) != count:
                raise _refuse(phrase)
            return tuple(item.check(part) for part in value)
        return (item.check(value),) * count

    listed = {"type": "array", "items": _variable(item.schema), "minItems": count, "maxItems": count}
    return Kind(phrase, {"anyOf": [item.schema, listed]}, check)


def integer_list(least: int | None = None, minimum: int = 0, single: bool = False) -> Kind:
    """A list of integers of any length from ``minimum``; with ``single`` one integer alone stands for a list of it."""
    phrase = {None: "a list of integers", 0: "a list of integers of at least 0", 1: "a list of positive integers"}.get(
        least, f"a list of integers from {least}"
    )
    if single:
        phrase = phrase.replace("a list", "an integer or a list")
    item = integer_from(least, phrase)

    def check(value: Any) -> tuple[int, ...]:
        if single and type(value) is int:
            value = (value,)
        if not isinstance(value, tuple) or len(value) < minimum:
            raise _refuse(phrase)
        return tuple(item.check(part) for part in value)

    listed: dict[str, Any] = {"type": "array", "items": _variable(item.schema)}
    if minimum:
        listed["minItems"] = minimum
    return Kind(phrase, {"anyOf": [item.schema, listed]} if single else listed, check)


def list_of(kind: Kind, minimum: int = 0, maximum: int | None = None) -> Kind:
    """A list whose items are of one kind."""
    phrase = f"a list, each item {kind.phrase}"

    def check(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, tuple) or len(value) < minimum or (maximum is not None and len(value) > maximum):
            raise _refuse(phrase)
        return tuple(kind.check(part) for part in value)

    schema: dict[str, Any] = {"type": "array", "items": _variable(kind.schema)}
    if minimum:
        schema["minItems"] = minimum
    if maximum is not None:
        schema["maxItems"] = maximum
    return Kind(phrase, schema, check, kind.choices, kind.nested)


def _shape_of(least: int, phrase: str) -> Kind:
    def check(value: Any) -> tuple[int | str | None, ...]:
        if not isinstance(value, tuple):
            raise _refuse(phrase)
        for size in value:
            if isinstance(size, str):
                if not size.isidentifier():
                    raise _refuse(phrase)
            elif size is not None:
                _bounded(size, phrase, least)
        return value

    item = {"anyOf": [{"type": "integer", "minimum": least}, {"type": "string"}, {"type": "null"}]}
    return Kind(phrase, {"type": "array", "items": item}, check)


shape = _shape_of(0, "a list of sizes (integers, names of free dimensions, or null)")
target_shape = _shape_of(-1, "a list of sizes (integers, names, null, or one -1 that is inferred)")


def optional(kind: Kind) -> Kind:
    """``kind`` or null."""
    phrase = f"{kind.phrase}, or null"

    def check(value: Any) -> Any:
        return None if value is None else _with_phrase(kind, value, phrase)

    return Kind(phrase, {"anyOf": [kind.schema, {"type": "null"}]}, check, kind.choices, kind.nested)


def _with_phrase(kind: Kind, value: Any, phrase: str) -> Any:
    try:
        return kind.check(value)
    except ValueError as error:
        if str(error) == f"must be {kind.phrase}":
            raise _refuse(phrase) from None
        raise


def one_of(*kinds: Kind) -> Kind:
    """The first kind that takes the value."""
    phrase = ", or ".join(kind.phrase for kind in kinds)

    def check(value: Any) -> Any:
        for kind in kinds:
            try:
                return kind.check(value)
            except ValueError:
                continue
        raise _refuse(phrase)

    choices = tuple(word for kind in kinds for word in kind.choices)
    schema = {"anyOf": [kind.schema for kind in kinds]}
    return Kind(phrase, schema, check, choices, any(kind.nested for kind in kinds))


#: Initializers, regularizers, constraints, devices: accepted as the framework does, without meaning for any number.
anything = Kind("any value", {}, lambda value: value)


def _layer(value: Any) -> Nested:
    if not isinstance(value, Nested):
        raise _refuse("a layer ({type: ...})")
    return value


a_layer = Kind("a layer ({type: ...})", {"$ref": "#/$defs/nested"}, _layer, nested=True)


def _layers(value: Any) -> tuple[Nested, ...]:
    if not isinstance(value, tuple) or not value or not all(isinstance(item, Nested) for item in value):
        raise _refuse("a list of layers")
    return value


layers = Kind(
    "a list of layers", {"type": "array", "items": {"$ref": "#/$defs/nested"}, "minItems": 1}, _layers, nested=True
)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _refuse("a mapping")
    return value


mapping = Kind("a mapping", {"type": "object"}, _mapping)


def where(kind: Kind, holds: Callable[[Any], bool], phrase: str) -> Kind:
    """``kind`` with one more condition, named by ``phrase`` ("an odd integer")."""

    def check(value: Any) -> Any:
        normal = _with_phrase(kind, value, phrase)
        if not holds(normal):
            raise _refuse(phrase)
        return normal

    return kind._replace(phrase=phrase, check=check)


def _variable(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that admits ``$name`` and ``${...}`` beside the value itself."""
    return {"anyOf": [schema, {"$ref": "#/$defs/variable"}]}
