"""What a vocabulary entry is: one layer type of a framework, its arguments and how it is built.

An entry is a function under ``@layer``; the modules of ``keras/``, ``pytorch/`` and ``common/`` are imported by
listing those folders, so a new layer is one function in one file. The same argument table gives the check of the
user's arguments, the JSON schema and its documentation::

    @layer(KERAS, "Dense", "Fully connected layer on the last axis.", units=Argument(positive, "Output features."), ...)
    def dense(call: Call) -> Built: ...
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol

from paramlint.ir import Dim, DType, Formula, Shape, Tensor, Unknown, Weight

KERAS = "keras"
PYTORCH = "pytorch"
BOTH = "both"  # one spelling in both vocabularies

#: Keys that every layer and call may have beside its arguments.
RESERVED: tuple[str, ...] = ("type", "name", "inputs", "repeat", "when", "dtype", "trainable", "shared_with")
RESERVED += ("parallel", "active", "merge")


class LayerError(Exception):
    """The arguments and input shapes of one layer contradict. One line; points at ``argument`` where given."""

    def __init__(self, message: str, argument: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message, self.argument, self.hint = message, argument, hint


class Kind(NamedTuple):
    """What values an argument takes: a phrase for messages, a JSON schema, and a check.

    ``check`` gets a plain value (int, Fraction, bool, str, None, tuple, dict, Nested) and returns the normal form;
    it raises ValueError with a phrase ("must be a positive integer") that the loader completes with place and name.
    ``choices`` are the words a did-you-mean may offer.
    """

    phrase: str
    schema: Mapping[str, Any]
    check: Callable[[Any], Any]
    choices: tuple[str, ...] = ()
    nested: bool = False  # takes a layer or a list of layers


class _Required:
    def __repr__(self) -> str:
        return "required"


REQUIRED = _Required()


class Argument(NamedTuple):
    """One argument of a layer: what it takes, its one-line documentation, its default."""

    kind: Kind
    doc: str
    default: Any = REQUIRED


class Built(NamedTuple):
    """What a layer is once its arguments meet its inputs.

    ``outputs`` come from ``call.step`` or ``call.output``, None for an output that is None in the framework.
    ``weights`` are made with ``call.weight``; the shapes are the second witness of ``params`` and the loader holds
    both against each other. ``macs`` is None for a layer without multiply-accumulates.
    """

    outputs: tuple[Tensor | None, ...]
    params: Formula | None = None
    weights: tuple[Weight, ...] = ()
    macs: Formula | Unknown | None = None
    notes: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()  # why params may not be all (a Custom layer that does not state them)
    macs_once: bool = False


class Call(Protocol):
    """One use of a layer, as an entry's function sees it."""

    @property
    def framework(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def args(self) -> Mapping[str, Any]:
        """Every argument of the table, checked, defaults filled in."""

    @property
    def written(self) -> frozenset[str]:
        """The arguments the user wrote."""

    @property
    def inputs(self) -> tuple[Tensor | None, ...]:
        """Input tensors in call order, shapes without batch; None is a skipped optional one. Rank is always known."""

    @property
    def dtype(self) -> DType: ...

    def shape(self, index: int = 0) -> Shape:
        """The shape of one input, without batch; fails for a missing input."""

    def weight(self, role: str, *shape: int, trainable: bool = True, buffer: bool = False) -> Weight: ...

    def output(self, shape: Sequence[Dim] | None, dtype: DType | None = None) -> Tensor:
        """An output whose computation has no lowering into ONNX operators: the whole layer is one opaque step.

        ``shape`` is None only where a layer does not say its output's.
        """

    def step(
        self,
        kind: str,
        inputs: Sequence[Tensor | None],
        shape: Sequence[Dim],
        attributes: Mapping[str, Any] | None = None,
        weights: Mapping[int, Weight] | None = None,
        dtype: DType | None = None,
    ) -> Tensor:
        """Append one ONNX operator to the lowering and return its output (see ``ir.Step``).

        ``inputs`` are the flowing ones by ONNX input index, None where a weight (given by index in ``weights``) or
        nothing stands. Axes in ``attributes`` count the batch as 0.
        """

    def also(self, shape: Sequence[Dim], dtype: DType | None = None) -> Tensor:
        """One more output of the operator appended last (the states of a recurrent one)."""

    def nested(self, value: Nested, inputs: Sequence[Tensor | None], name: str = "") -> Built:
        """Build a layer that stands inside this one (argument kinds ``a_layer`` / ``layers``) on other inputs.

        Its weights come back with roles prefixed ``name.``; its steps are appended to this layer's lowering.
        """

    def fail(self, message: str, argument: str | None = None, hint: str | None = None) -> NoReturn:
        """Refuse the configuration: raises LayerError, pointing at ``argument`` (else the layer's type)."""

    def note(self, message: str, argument: str | None = None, hint: str | None = None) -> None:
        """Refuse it as well, where the outputs are certain all the same: what stands below is then checked too."""


class Nested(NamedTuple):
    """A checked layer as an argument's value: the entry, its checked arguments, and the loader's node for places."""

    entry: Entry
    args: Mapping[str, Any]
    written: frozenset[str]
    node: Any
    trainable: bool
    dtype: DType | None = None


class Entry(NamedTuple):
    """A layer type of a vocabulary."""

    framework: str
    name: str
    doc: str
    arguments: Mapping[str, Argument]
    build: Callable[[Call], Built]
    source: bool = False  # takes no input (Parameter, Buffer)
    keras2: bool = False  # only Keras 2 has it
    refused: bool = False  # a word of the framework that is no layer; its arguments are not looked at
    aliases: tuple[str, ...] = ()


#: framework -> layer name -> entry; filled by ``@layer`` when the vocabulary modules are imported.
ENTRIES: dict[str, dict[str, Entry]] = {KERAS: {}, PYTORCH: {}}


def layer(
    framework: str,
    name: str,
    doc: str,
    /,
    *,
    source: bool = False,
    keras2: bool = False,
    refused: bool = False,
    aliases: tuple[str, ...] = (),
    **arguments: Argument,
) -> Callable[[Callable[[Call], Built]], Callable[[Call], Built]]:
    """Register a layer type. A name that is taken is a defect of the vocabulary, not of a user's file."""

    def register(build: Callable[[Call], Built]) -> Callable[[Call], Built]:
        for home in (KERAS, PYTORCH) if framework == BOTH else (framework,):
            entry = Entry(home, name, doc, arguments, build, source, keras2, refused, aliases)
            for word in (name, *aliases):
                if word in ENTRIES[home]:
                    raise RuntimeError(f"{home} layer {word} is defined twice")
                ENTRIES[home][word] = entry
        return build

    return register
