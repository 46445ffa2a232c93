"""From the text of an architecture to a Model."""

from __future__ import annotations

import os

from paramlint.errors import InputError, LoadError
from paramlint.ir import DType, Model, Observation, Tensor
from paramlint.loaders import Request
from paramlint.loaders.spec import document
from paramlint.loaders.spec.arguments_reader import Reader
from paramlint.loaders.spec.comments import suppressions
from paramlint.loaders.spec.entrances import Entered, inputs_of
from paramlint.loaders.spec.expand import Expander
from paramlint.loaders.spec.frames import POISON, Frame, Made, resolve
from paramlint.loaders.spec.items import Compiler
from paramlint.loaders.spec.network import Network
from paramlint.loaders.spec.nodes import Items, Node, Scalar, describe
from paramlint.loaders.spec.parsing import MAX_BYTES, parse
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.sight import check_variables
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.written import Reference, reference

_SUFFIXES = (".arch.yaml", ".arch.yml", ".yaml", ".yml")


def read(path: str, request: Request) -> Model:
    """The model of one file; LoadError holds every error in it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with open(descriptor, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise LoadError(InputError(path, f"cannot be read: {(error.strerror or str(error)).lower()}")) from error
    return read_bytes(path, data, request)


def read_bytes(path: str, data: bytes, request: Request) -> Model:
    """The model of a text that is already in memory."""
    if len(data) > MAX_BYTES:
        raise LoadError(InputError(path, f"is larger than {MAX_BYTES >> 20} MiB, which no architecture is"))
    if data.startswith(b"version https://git-lfs"):
        hint = "fetch it with: git lfs pull"
        raise LoadError(InputError(path, "is a Git LFS pointer whose object is not here", hint=hint))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise LoadError(InputError(path, "is not text in UTF-8", line, column)) from None
    return _Reading(path, text, request).model()


def default_name(path: str) -> str:
    """The file's name without its suffix."""
    base = os.path.basename(path)
    for suffix in _SUFFIXES:
        if base.lower().endswith(suffix) and len(base) > len(suffix):
            return base[: -len(suffix)]
    return base


class _Reading:
    """One file on its way from text to Model."""

    def __init__(self, path: str, text: str, request: Request) -> None:
        self.problems = Problems(path, text)
        self.request = request
        root, self.spans = parse(self.problems)
        self.table = document.top_table(self.problems, root)
        self.framework = document.framework_of(self.problems, self.table)
        self.variables = document.variables_of(self.problems, self.table.get("vars"), request)
        stated = document.dtype_of(self.problems, self.table.get("dtype"), self.variables)
        self.stated_dtype, self.dtype = stated, stated or DType.FLOAT32
        self.inputs = inputs_of(self.problems, self.table, self.variables, request, self.dtype)
        self.network = Network()

    def model(self) -> Model:
        """Expand the layers and put the model together; raises LoadError with all errors."""
        problems, table = self.problems, self.table
        name = document.text_of(problems, table.get("name"), "name")
        limits = document.limits_of(problems, table, self.variables)
        samples = document.samples_of(problems, table.get("samples"), self.variables)
        outputs = self._expand(self.framework) if self.framework is not None else ()
        problems.raise_all()
        observations = self._unreached(outputs)
        self.network.settle_inputs()
        tensors = self.network.tensors
        return Model(
            name or default_name(problems.path), problems.path, "spec", self.framework,
            tuple([tensors[one] for one in self.inputs]), outputs, tuple(self.network.rows), tensors,
            tuple(self.network.steps), len(self.network.rows), False, self.stated_dtype,
            observations=observations, limits=limits,
            suppressions=suppressions(problems.path, problems.text, self.spans),
            samples=samples, source=problems.source(table.items["layers"][0]),
        )  # fmt: skip

    def _expand(self, framework: str) -> tuple[str, ...]:
        problems, known = self.problems, entries(framework)
        reader = Reader(problems, framework, known, self.request.dims)
        compiler = Compiler(problems, framework, known, reader)
        compiler.read_blocks(self.table.get("blocks"))
        layers = self.table.get("layers")
        if layers is None:
            return ()
        items = compiler.read_layers(layers, {**self.inputs, "input": None})
        if isinstance(layers, Items) and not layers.items:
            problems.add(layers, "layers is empty", "write a list of layers")
        expander = Expander(problems, framework, reader, self.network, self.variables)
        frame = Frame("", self.variables, None, self.dtype, True)
        made = expander.run(items, frame, self._enter(frame))
        if not problems:  # what is wrong already may be why a variable is not there
            check_variables(problems, compiler.blocks, items, self.variables)
        return self._outputs(frame, made)

    def _enter(self, frame: Frame) -> Tensor | None:
        """Make the inputs known; returns the one that starts the chain, None where there are several."""
        for name, one in self.inputs.items():
            whole = one.tensor.shape is not None
            frame.names[name] = Made((one.tensor,) if whole else None)
            self.network.enter(one.tensor, one.stated)
        if not self.inputs:
            return POISON
        first: Entered = next(iter(self.inputs.values()))
        if len(self.inputs) > 1 and "input" not in self.table.items:
            return None
        return first.tensor if first.tensor.shape is not None else POISON

    def _outputs(self, frame: Frame, made: Made) -> tuple[str, ...]:
        node = self.table.get("outputs")
        if node is None:
            return tuple([one.name for one in made.outputs or () if one is not None and one is not POISON])
        tensors = [resolve(self.problems, one, frame) for one in self._references(node)]
        return tuple(dict.fromkeys(tensor.name for tensor in tensors))

    def _references(self, node: Node) -> list[Reference]:
        if isinstance(node, Items) and node.items and all(isinstance(item, Scalar) for item in node.items):
            return [reference(item) for item in node.items if isinstance(item, Scalar)]
        hint = f"write outputs: [{node.text}]" if isinstance(node, Scalar) else None
        what = "an empty one" if isinstance(node, Items) and not node.items else describe(node)
        self.problems.add(node, f"outputs must be a list of names, not {what}", hint)
        return []

    def _unreached(self, outputs: tuple[str, ...]) -> tuple[Observation, ...]:
        """What no output depends on."""
        reached = self.network.reach(outputs)
        found = []
        for name, one in self.inputs.items():
            if name not in reached:
                message = f"the input {name} reaches no output"
                source = self.problems.source(one.node)
                found.append(Observation("PL007", message, source, None, "remove it, or use it"))
        places: set[tuple[int | None, int | None]] = set()
        for row in self.network.rows:
            place = (row.source.line, row.source.column)
            if not row.reachable and place not in places:  # the copies of one written layer have one cause
                places.add(place)
                message = f"the layer {row.name} reaches no output"
                help_ = "remove it, or name it in inputs or outputs"
                found.append(Observation("PL007", message, row.source, row.name, help_))
        return tuple(found)
