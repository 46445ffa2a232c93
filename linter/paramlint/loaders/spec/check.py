"""The check of a layer's arguments against its entry's table: plain values in, normal forms out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from paramlint.loaders.spec.vocabulary import PYTORCH, REQUIRED, RESERVED, Argument, Entry, Nested
from paramlint.spelling import did_you_mean, nearest

#: What the other framework calls the same thing, for hints.
_TWINS = (
    ("units", "out_features"), ("filters", "out_channels"), ("strides", "stride"), ("use_bias", "bias"),
    ("pool_size", "kernel_size"), ("dilation_rate", "dilation"), ("epsilon", "eps"), ("rate", "p"), ("axis", "dim"),
    ("units", "hidden_size"), ("input_dim", "num_embeddings"), ("output_dim", "embedding_dim"),
    ("groups", "num_groups"),
    ("size", "scale_factor"), ("negative_slope", "alpha"), ("recurrent_dropout", "dropout"), ("key_dim", "embed_dim"),
    ("num_heads", "nhead"), ("interpolation", "mode"), ("target_shape", "shape"), ("center", "affine"),
)  # fmt: skip


#: Words of other tools for the reserved keys.
_RESERVED_WORDS = {
    "freeze": "trainable", "frozen": "trainable", "requires_grad": "trainable", "count": "repeat", "times": "repeat",
    "repeats": "repeat", "copies": "repeat", "id": "name", "label": "name", "from": "inputs",
    "condition": "when", "if": "when", "enabled": "when", "tie": "shared_with",
    "tied_to": "shared_with", "share": "shared_with", "weights": "shared_with", "block": "type", "layer": "type",
}  # fmt: skip


def key_hint(name: str, known: Iterable[str]) -> str | None:
    """A way out for a key that a layer or call does not have: the nearest word, another tool's, a missing colon."""
    words = [*known, *RESERVED]
    joined = re.fullmatch(r"(\w+)\s*[:= ]\s*(\S.*)", name)
    if joined and joined[1] in words:
        return f"write {joined[1]}: {joined[2][:60]}"
    if name in _RESERVED_WORDS:
        return f"did you mean {_RESERVED_WORDS[name]!r}?"
    return did_you_mean(name, words)


class ArgumentFault(NamedTuple):
    """One thing that is wrong with an argument: which (None: the layer as a whole), why, and a way out."""

    argument: str | None
    message: str
    hint: str | None = None
    on_key: bool = False  # the key is wrong, not its value


def unknown_argument(entry: Entry, name: str) -> ArgumentFault:
    """An argument that the layer does not have, with the nearest one or the other framework's word for it."""
    known = entry.arguments
    for pair in _TWINS:
        for mine, other in (pair, pair[::-1]):
            if name == other and mine in known:
                return ArgumentFault(name, f"{entry.name} has no argument {name!r}", f"did you mean {mine!r}?", True)
    hint = key_hint(name, known)
    if name == "activation" and entry.framework == PYTORCH:
        hint = "an activation is a layer of its own: write - ReLU below"
    if hint is None and known:
        hint = f"{entry.name} takes {', '.join(known)}"
    return ArgumentFault(name, f"{entry.name} has no argument {name!r}", hint, True)


def missing_arguments(entry: Entry, given: Mapping[str, Any]) -> Iterator[ArgumentFault]:
    """Required arguments that nobody wrote."""
    for name, argument in entry.arguments.items():
        if argument.default is REQUIRED and name not in given:
            what = f"{entry.name} needs {name!r}: {argument.doc.rstrip('.')}"
            yield ArgumentFault(None, what, f"write {name}: ...")


def check_argument(entry: Entry, name: str, argument: Argument, value: Any) -> Any:
    """The normal form of one value; raises ArgumentRefused."""
    try:
        return argument.kind.check(value)
    except ValueError as error:
        raise ArgumentRefused(
            ArgumentFault(name, f"{name} of {entry.name} {error}, not {show(value)}", _value_hint(argument, value))
        ) from None


class ArgumentRefused(Exception):
    """A value that its kind does not take."""

    def __init__(self, fault: ArgumentFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def check_all(entry: Entry, given: Mapping[str, Any]) -> tuple[dict[str, Any], list[ArgumentFault]]:
    """All arguments in normal form with defaults filled in, and everything that is wrong with them."""
    faults: list[ArgumentFault] = []
    args: dict[str, Any] = {}
    table = entry.arguments
    for name, value in given.items():
        argument = table.get(name)
        if argument is None:
            faults.append(unknown_argument(entry, name))
            continue
        try:
            args[name] = argument.kind.check(value)
        except ValueError as error:
            message = f"{name} of {entry.name} {error}, not {show(value)}"
            faults.append(ArgumentFault(name, message, _value_hint(argument, value)))
    faults += missing_arguments(entry, given)
    if not faults:
        for name, argument in table.items():
            if name not in args:
                args[name] = argument.default
    return args, faults


def _value_hint(argument: Argument, value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    choices = argument.kind.choices
    if choices and (near := nearest(value, choices)):
        return f"did you mean {near!r}?"
    return meant(value)


_OPERATION = re.compile(r"[\w)\]] *(?://|\*\*|[*/%<>]|[<>=!]=) *[\w(]|[\w)\]] [-+] [\w(]")
_OCTAL = re.compile(r"[-+]?0[0-7]+|0o[0-7]+")
_SEXAGESIMAL = re.compile(r"[-+]?\d+(?::[0-5]?\d)+(?:\.\d*)?")
_SWITCH = {"on": "true", "yes": "true", "y": "true", "off": "false", "no": "false", "n": "false"}


def meant(text: str) -> str | None:
    """What a word was meant to be that YAML 1.2 does not read as a number or a boolean."""
    if len(text) > 40:
        return None
    if _OCTAL.fullmatch(text):
        digits = text.lstrip("+-").removeprefix("0o")
        return f"octal numbers are not read: write {int(digits, 8)}, or {int(digits)} if the digits are decimal"
    if re.fullmatch(r"[-+]?0\d+", text):
        return f"write {int(text)} without the leading zero"
    if _SEXAGESIMAL.fullmatch(text):
        total = 0
        for part in text.lstrip("+-").split(":"):
            total = total * 60 + int(float(part))
        return f"base-60 numbers are not read: write {total}"
    if text == "None":
        return "Python's None is text in YAML: write null"
    if text.lower() in _SWITCH:
        return f"{text!r} is text in YAML 1.2: write {_SWITCH[text.lower()]} for the boolean"
    if re.fullmatch(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?|true|false", text):
        return "the quotes make it text: remove them"
    if _OPERATION.search(text):
        return f'an expression is written "${{{text.strip("{} ")}}}"'
    if re.fullmatch(r"\d+(?:\.\d+)?[kKMG]", text):
        return "an argument is written out: 1000, not 1k"
    return None


def show(value: Any, deep: bool = False) -> str:
    """A value as the user would write it, short; lists inside a list are not written out."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Nested):
        return f"the layer {value.entry.name}"
    if isinstance(value, str):
        return repr(value) if len(value) <= 60 else repr(value[:57] + "...")
    if isinstance(value, tuple):
        if deep and value:
            return "[...]"
        shown = ", ".join(show(item, True) for item in value[:8])
        return f"[{shown}{', ...' if len(value) > 8 else ''}]"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, Fraction):
        return decimal(value)
    return str(value) if abs(value) < 10**40 else "a number of more than 40 digits"


def decimal(value: Fraction) -> str:
    """A fraction as a decimal where it is one of few digits, else as ``a/b``."""
    if abs(value.numerator) < 10**30 and Fraction(repr(float(value))) == value:
        return repr(float(value))
    return str(value) if abs(value.numerator) < 10**30 and value.denominator < 10**30 else "a long fraction"
