"""Operator lists: which operators a runtime or an accelerator takes, with its limits, one YAML file each.

A file says what it is (``role``: runtime, kernels that only speed a runtime up, or accelerator), which vocabulary its
names are from (``names``: tflite or onnx), where an operator goes that it does not list (``elsewhere``: nowhere,
fallback to ``host``, or undecided), and its ``limits``. A limit is data::

    - ops: [DEPTHWISE_CONV_2D]       # without ops: every operator
      where: {padding: {in: [same]}} # it applies where these facts hold
      fact: stride_max               # one fact or several (see targets/facts.py)
      max: 3                         # or min, in, not_in, multiple_of
      text: stride 1 to 3            # what the source says
      kind: layer                    # or dtype, or fallback: breaking it is no error, the operator runs elsewhere

or a constraint that no file can show: ``undecided: the sum of the absolute weights ...``. ``without_form`` are
ONNX operators for which TensorFlow Lite surely has none.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from paramlint.errors import UsageError

FOLDER = os.path.dirname(os.path.abspath(__file__))

#: What is known about an operator: numbers, words, truths; None where the file does not tell.
Fact: TypeAlias = "int | str | bool | None"


class Comparison(NamedTuple):
    """A comparison with a fact. Exactly one of the five is given."""

    max: int | None = None
    min: int | None = None
    among: tuple[Fact, ...] | None = None
    not_among: tuple[Fact, ...] | None = None
    multiple_of: int | None = None

    def holds(self, fact: Fact) -> bool | None:
        """True or False; None where the fact is not known."""
        if fact is None:
            return None
        if self.among is not None:
            return fact in self.among
        if self.not_among is not None:
            return fact not in self.not_among
        if not isinstance(fact, int):
            return None
        if self.max is not None:
            return fact <= self.max
        if self.min is not None:
            return fact >= self.min
        return self.multiple_of is not None and fact % self.multiple_of == 0


class Constraint(NamedTuple):
    """One limit of an operator list (see the module's text). ``undecided`` is a constraint that no file shows."""

    ops: frozenset[str] | None
    exempt: frozenset[str]
    where: Mapping[str, Comparison]
    facts: tuple[str, ...]
    test: Comparison
    text: str
    kind: str
    undecided: bool

    def applies(self, name: str) -> bool:
        """True where the limit speaks of operator ``name``."""
        return name not in self.exempt and (self.ops is None or name in self.ops)


class Group(NamedTuple):
    """Operators of a list that share their dtypes, certainty and note."""

    names: frozenset[str]
    dtypes: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()
    confidence: str | None = None
    note: str | None = None
    domain: str = ""


class OpSet(NamedTuple):
    """An operator list. ``groups`` None: no list is known for it, so it decides nothing."""

    id: str
    title: str
    role: str  # runtime | kernels | accelerator
    names: str  # tflite | onnx
    source: str
    confidence: str
    elsewhere: str = "undecided"  # nowhere | fallback | undecided
    host: str = "the CPU"
    partition: str = "each"  # one: everything behind the first operator that is not taken runs on the host too
    groups: tuple[Group, ...] | None = None
    limits: tuple[Constraint, ...] = ()
    stated: tuple[str, ...] = ()
    network: Mapping[str, int] = {}
    host_operators: Mapping[str, str] = {}
    without_form: tuple[str, ...] = ()

    @property
    def sure(self) -> bool:
        return self.confidence != "unverified"

    @property
    def listed(self) -> int | None:
        """How many operators it lists; None where there is no list."""
        return None if self.groups is None else len(frozenset().union(*(group.names for group in self.groups)))

    def group(self, name: str, domain: str = "") -> Group | None:
        """The group that lists an operator; None where it does not."""
        for group in self.groups or ():
            if name in group.names and group.domain == domain:
                return group
        return None

    @property
    def cite(self) -> str:
        """Where the list stands and comes from, for a finding."""
        return f"operators/{self.id}.yaml ({self.source})"


def ids() -> list[str]:
    """Every operator list, by the name of its file."""
    return sorted(name.removesuffix(".yaml") for name in os.listdir(FOLDER) if name.endswith(".yaml"))


@functools.cache
def load(identity: str) -> OpSet:
    """An operator list by name; UsageError when there is none of that name."""
    from paramlint.spelling import hint
    from paramlint.targets.reader import read_yaml

    if identity not in ids():
        raise UsageError(f"unknown operator set {identity!r}", hint(identity, ids()))
    data: dict[str, Any] = read_yaml(os.path.join(FOLDER, f"{identity}.yaml"))
    if "same_as" in data:
        twin = load(data["same_as"])
        return twin._replace(id=identity, title=data["title"], source=data["source"])
    groups = data.pop("operators", None)
    limits = data.pop("limits", ())
    for key in ("stated", "without_form"):
        data[key] = tuple(data.get(key, ()))
    return OpSet(
        id=identity,
        groups=None if groups is None else tuple(_group(group) for group in groups),
        limits=tuple(_constraint(limit) for limit in limits),
        **data,
    )


def _group(data: Mapping[str, Any]) -> Group:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}
    values["names"] = frozenset(values["names"])
    return Group(**values)


def _constraint(data: Mapping[str, Any]) -> Constraint:
    fact = data.get("fact", ())
    ops = data.get("ops")
    return Constraint(
        ops=None if ops is None else frozenset(ops),
        exempt=frozenset(data.get("except", ())),
        where={name: _comparison(test) for name, test in data.get("where", {}).items()},
        facts=(fact,) if isinstance(fact, str) else tuple(fact),
        test=_comparison(data),
        text=data.get("undecided") or data["text"],
        kind=data.get("kind", "layer"),
        undecided="undecided" in data,
    )


def _comparison(data: Mapping[str, Any]) -> Comparison:
    among, not_among = data.get("in"), data.get("not_in")
    return Comparison(
        max=data.get("max"),
        min=data.get("min"),
        among=None if among is None else tuple(among),
        not_among=None if not_among is None else tuple(not_among),
        multiple_of=data.get("multiple_of"),
    )
