"""Arguments of layers from nodes: fixed ones are checked once, those with ``$`` for each use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from paramlint.ir import DType
from paramlint.loaders.spec.check import ArgumentRefused, check_argument, meant, missing_arguments, unknown_argument
from paramlint.loaders.spec.document import DTYPES
from paramlint.loaders.spec.nodes import Items, Node, Scalar, Table, describe
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.types import unknown_type
from paramlint.loaders.spec.values import Fault, is_static, spoil, spoiled, value_of
from paramlint.loaders.spec.vocabulary import REQUIRED, Argument, Entry, Nested
from paramlint.spelling import did_you_mean

Pairs = Mapping[str, tuple[Scalar, Node]]
#: Arguments that hold a shape, where a named dimension bound by ``--dim`` takes its number.
_SHAPES = frozenset({"shape", "target_shape", "output", "output_shape", "normalized_shape", "size", "sizes"})
_NESTED_KEYS = ("type", "name", "trainable", "dtype")


class Refused(Exception):
    """A value was refused and the error noted."""


class Arguments:
    """The arguments of one layer: ``fixed`` in normal form with defaults, ``open`` to be evaluated at each use."""

    __slots__ = ("fixed", "nodes", "open", "sound", "written")

    def __init__(
        self, fixed: dict[str, Any], open_: list[tuple[str, Argument, Node]], pairs: Pairs, sound: bool
    ) -> None:
        self.fixed, self.open, self.sound = fixed, open_, sound
        self.nodes = {name: node for name, (_, node) in pairs.items()}
        self.written = frozenset(pairs)


class Reader:
    """Reads and checks arguments of one file."""

    def __init__(self, problems: Problems, framework: str, known: Mapping[str, Entry], dims: Mapping[str, int]) -> None:
        self.problems, self.framework, self.known, self.dims = problems, framework, known, dims
        self._defaults: dict[int, dict[str, Any]] = {}

    def defaults(self, entry: Entry) -> dict[str, Any]:
        """The defaults of an entry, made once."""
        found = self._defaults.get(id(entry))
        if found is None:
            found = {name: one.default for name, one in entry.arguments.items() if one.default is not REQUIRED}
            self._defaults[id(entry)] = found
        return found

    def compile(self, entry: Entry, pairs: Pairs) -> Arguments:
        """Check names and fixed values; note every error."""
        fixed = dict(self.defaults(entry))
        open_: list[tuple[str, Argument, Node]] = []
        sound = True
        for name, (key, node) in pairs.items():
            argument = entry.arguments.get(name)
            if argument is None and not entry.refused:
                fault = unknown_argument(entry, name)
                self.problems.add(key, fault.message, fault.hint)
                sound = False
            elif argument is None:
                continue
            elif not is_static(node):
                open_.append((name, argument, node))
            else:
                try:
                    fixed[name] = self.value(entry, name, argument, node, {})
                except Refused:
                    sound = False
        return Arguments(fixed, open_, pairs, sound)

    def require(self, entry: Entry, pairs: Pairs, place: Node, item: Any) -> None:
        """Note required arguments that are not there, in one error."""
        missing = list(missing_arguments(entry, pairs))
        if not missing:
            return
        item.broken = True
        known = [name for name in pairs if name not in entry.arguments]
        if known:  # a misspelled name is the one cause
            return
        first = missing[0]
        names = ", ".join(repr(one) for one in _names(entry, pairs))
        message = first.message if len(missing) == 1 else f"{entry.name} needs {names}"
        self.problems.add(place, message, first.hint)

    def evaluate(self, entry: Entry, arguments: Arguments, names: Mapping[str, Any], layer: str) -> Mapping[str, Any]:
        """All arguments for one use, the layer of that name; raises Refused (noted) or Unavailable."""
        if not arguments.open:
            return arguments.fixed
        args = dict(arguments.fixed)
        refused = False
        for name, argument, node in arguments.open:
            try:
                args[name] = self.value(entry, name, argument, node, names, layer)
            except Refused:
                refused = True
        if refused:
            raise Refused
        return args

    def value(
        self, entry: Entry, name: str, argument: Argument, node: Node, names: Mapping[str, Any], layer: str = ""
    ) -> Any:
        """One argument in normal form; raises Refused after noting the error."""
        try:
            if argument.kind.nested:
                plain = self._nested_value(argument, node, names)
            else:
                plain = value_of(node, names)
                if self.dims and name in _SHAPES and isinstance(plain, tuple):
                    plain = tuple(self.dims.get(one, one) if isinstance(one, str) else one for one in plain)
            return check_argument(entry, name, argument, plain)
        except Fault as fault:
            self.problems.add(fault.node, fault.message, fault.hint, fault.cause)
        except ArgumentRefused as refused:
            where = f" (in {layer})" if "." in layer else ""
            if spoiled(node, names):
                raise Refused from None
            self.problems.add(node, refused.fault.message + where, refused.fault.hint)
            spoil(node, names)
        raise Refused

    def _nested_value(self, argument: Argument, node: Node, names: Mapping[str, Any]) -> Any:
        if isinstance(node, Items):
            return tuple([self._nested_value(argument, item, names) for item in node.items])
        if isinstance(node, Table):
            return self._nested(node, names) if "type" in node.items else value_of(node, names)
        value = value_of(node, names)
        if not isinstance(value, str) or argument.kind.choices:
            return value  # where words are choices (activations), a layer is written as {type: ...}
        if value in self.known:
            return self._nested_layer(self.known[value], node, {}, None, names)
        self.problems.add(node, *unknown_type(value, self.framework, ()))
        raise Refused

    def _nested(self, node: Table, names: Mapping[str, Any]) -> Nested:
        kind = node.items["type"][1]
        if not isinstance(kind, Scalar):
            self.problems.add(kind, f"type must be the name of a layer, not {describe(kind)}")
            raise Refused
        entry = self.known.get(kind.text)
        if entry is None:
            self.problems.add(kind, *unknown_type(kind.text, self.framework, ()))
            raise Refused
        pairs = {key: pair for key, pair in node.items.items() if key not in _NESTED_KEYS}
        return self._nested_layer(entry, kind, pairs, node, names)

    def _nested_layer(
        self, entry: Entry, place: Scalar, pairs: Pairs, table: Table | None, names: Mapping[str, Any]
    ) -> Nested:
        given: dict[str, Any] = {}
        refused = False
        for name, (key, node) in pairs.items():
            argument = entry.arguments.get(name)
            if argument is None:
                fault = unknown_argument(entry, name)
                self.problems.add(key, fault.message, fault.hint)
                refused = True
                continue
            try:
                given[name] = self.value(entry, name, argument, node, names)
            except Refused:
                refused = True
        if refused:
            raise Refused
        missing = list(missing_arguments(entry, given))
        if missing:
            self.problems.add(place, missing[0].message, missing[0].hint)
            raise Refused
        dtype, trainable = self._nested_reserved(table, names)
        nodes = {name: node for name, (_, node) in pairs.items()}
        args = {**self.defaults(entry), **given}
        return Nested(entry, args, frozenset(pairs), (place, nodes), trainable, dtype)

    def _nested_reserved(self, table: Table | None, names: Mapping[str, Any]) -> tuple[DType | None, bool]:
        if table is None:
            return None, True
        dtype, trainable = None, True
        node = table.get("dtype")
        if node is not None:
            word = value_of(node, names)
            if word not in DTYPES:
                message = f"dtype must be an element type, not {describe(node)}"
                self.problems.add(node, message, did_you_mean(str(word), DTYPES))
                raise Refused
            dtype = DType(word)
        node = table.get("trainable")
        if node is not None:
            flag = value_of(node, names)
            if not isinstance(flag, bool):
                hint = meant(flag) if isinstance(flag, str) else None
                self.problems.add(node, f"trainable must be true or false, not {describe(node)}", hint)
                raise Refused
            trainable = flag
        return dtype, trainable


def _names(entry: Entry, pairs: Pairs) -> list[str]:
    return [name for name, one in entry.arguments.items() if one.default is REQUIRED and name not in pairs]
