"""What stands in ``layers:`` and ``blocks:``, read once: types resolved, fixed arguments checked, names given.

The expansion then only evaluates what depends on variables. A fault in a block is found here whether or not anybody
calls the block.
"""

from __future__ import annotations

from typing import Any

from paramlint.loaders.spec.arguments_reader import Reader
from paramlint.loaders.spec.check import key_hint
from paramlint.loaders.spec.document import text_of, variable_table
from paramlint.loaders.spec.nodes import Items, Node, Scalar, Table, describe
from paramlint.loaders.spec.problems import Problems
from paramlint.loaders.spec.recursion import refuse_cycles
from paramlint.loaders.spec.types import unknown_type
from paramlint.loaders.spec.vocabulary import RESERVED
from paramlint.loaders.spec.written import Block, Item, Reference, give_names, reference, unread
from paramlint.spelling import did_you_mean, nearest

BLOCK_KEYS = ("vars", "inputs", "outputs", "trainable", "layers")


class Compiler:
    """Reads the items of one file."""

    def __init__(self, problems: Problems, framework: str, known: Any, reader: Reader) -> None:
        self.problems, self.framework, self.known, self.reader = problems, framework, known, reader
        self.blocks: dict[str, Block] = {}
        self._refused: set[str] = set()  # names that no block may have; what calls them has its cause there

    def read_blocks(self, node: Node | None) -> None:
        """Every block; bodies after all names are known, so that a block may call one that stands below."""
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return
        if not isinstance(node, Table):
            self.problems.add(node, f"blocks must be a mapping of names and blocks, not {describe(node)}")
            return
        bodies: list[tuple[Block, Table]] = []
        for name, (key, body) in node.items.items():
            if not self._block_name(name, key):
                self._refused.add(name)
                continue
            block = self.blocks[name] = Block(name, key)
            if isinstance(body, Table):
                bodies.append((block, body))
                continue
            block.broken = True
            if isinstance(body, Items):
                self.problems.add(body, "a block is a mapping with layers", "write {layers: [...]}")
            else:
                self.problems.add(body, f"a block is a mapping with layers, not {describe(body)}")
        for block, body in bodies:
            self._head(block, body)
        for block, body in bodies:
            self._body(block, body)
        refuse_cycles(self.problems, self.blocks)

    def _block_name(self, name: str, key: Scalar) -> bool:
        if name in self.known:
            message = f"a block cannot be called {name!r}, which is a {self.framework} layer"
            self.problems.add(key, message, "choose another name")
        elif not name or any(letter in name for letter in ":.$"):
            self.problems.add(key, f"a block's name holds no ':', '.' or '$': {name[:60]!r}")
        else:
            return True
        return False

    def _head(self, block: Block, body: Table) -> None:
        """What a call must know of a block: its variables and the names of its inputs and outputs."""
        for word, (key, value) in list(body.items.items()):
            if word in BLOCK_KEYS:
                continue
            hint = did_you_mean(word, BLOCK_KEYS) or f"a block has {', '.join(BLOCK_KEYS)}"
            self.problems.add(key, f"unknown key {word[:60]!r} of a block", hint)
            meant = nearest(word, BLOCK_KEYS)
            if meant in ("vars", "layers") or (meant in ("inputs", "outputs") and _are_names(value)):
                body.items.setdefault(meant, (key, value))  # so that it is one error
        block.broken = not isinstance(body.get("layers"), Items)
        variables = body.get("vars")
        block.variables, block.refused = variable_table(self.problems, variables)
        block.broken |= isinstance(variables, Items)
        block.trainable = body.get("trainable")
        inputs = body.get("inputs")
        if inputs is not None:
            names = self._names(inputs, "a block's inputs")
            block.input_names = [one.text for one in names]
        outputs = body.get("outputs")
        if outputs is not None:
            names = self._names(outputs, "a block's outputs")
            block.outputs = [reference(one) for one in names]
            block.broken |= not names

    def _body(self, block: Block, body: Table) -> None:
        layers = body.get("layers")
        if layers is None:
            if not body.broken:
                self.problems.add(block.key, f"the block {block.name!r} has no layers", "write layers: [...]")
            return
        taken = {"input": block.key, **dict.fromkeys(block.input_names or (), block.key)}
        block.items = self.read_layers(layers, taken)

    def _names(self, node: Node, what: str) -> list[Scalar]:
        if isinstance(node, Items) and all(isinstance(item, Scalar) for item in node.items):
            return [item for item in node.items if isinstance(item, Scalar)]
        hint = f"write [{node.text}]" if isinstance(node, Scalar) else None
        self.problems.add(node, f"{what} must be a list of names, not {describe(node)}", hint)
        return []

    def read_layers(self, node: Node, taken: dict[str, Any]) -> list[Item]:
        """The items of one list; ``taken`` are names that no layer of this scope may have."""
        if not isinstance(node, Items):
            self.problems.add(node, f"layers must be a list, not {describe(node)}", "begin each layer with '- '")
            return []
        items = [self._item(one) for one in node.items]
        give_names(self.problems, items, taken)
        return items

    def _item(self, node: Node) -> Item:
        if isinstance(node, Scalar):
            if node.plain and node.value is None:
                self.problems.add(node, "an empty layer", "write a layer's name, or remove the dash")
                return unread(node)
            return self._resolve(Item(node.text, node, None))
        if isinstance(node, Items):
            self.problems.add(node, "a layer is a name or a mapping with type, not a list")
            return unread(node)
        kind = node.get("type")
        if kind is None:
            if not node.broken:
                self.problems.add(node, "a layer has no type", self._typed(node))
            return unread(node)
        if not isinstance(kind, Scalar) or "$" in kind.text:
            self.problems.add(kind, f"type must be the name of a layer or block, not {describe(kind)}")
            return unread(node)
        item = self._resolve(Item(kind.text, kind, node))
        self._misspelled_name(item, node)
        self._reserved(item, node)
        own = {key: pair for key, pair in node.items.items() if key not in RESERVED}
        if item.entry is not None:
            item.arguments = self.reader.compile(item.entry, own)
            item.broken |= not item.arguments.sound or node.broken
            if not node.broken:
                self.reader.require(item.entry, own, item.place, item)
        elif item.block is not None and not item.block.broken:
            self._call(item, item.block, own)
            item.broken |= node.broken
        if not item.broken and item.parallel is None:
            for word in ("active", "merge"):
                if word in node.items:
                    self.problems.add(node.items[word][0], f"{word!r} is only read with 'parallel'", "add parallel: N")
        return item

    def _misspelled_name(self, item: Item, node: Table) -> None:
        """Read a misspelled ``name`` on, so that what refers to the name is no further error."""
        own = item.entry.arguments if item.entry else item.block.variables if item.block else None
        if own is None or "name" in node.items:
            return
        words = (*own, *RESERVED)
        for key, pair in node.items.items():
            if key not in words and nearest(key, ("name",)) and nearest(key, words) == "name":
                node.items["name"] = pair
                return

    def _typed(self, node: Table) -> str | None:
        """How a mapping without type was meant."""
        for word in node.items:
            if word in self.known or word in self.blocks:  # {Linear: {...}}
                return f"write {{type: {word}, ...}}"
            if word.startswith("type:"):
                return f"write a space behind the colon: type: {word[5:60]}"
        near = nearest("type", node.items)
        if near is not None:
            return f"did you mean 'type', not {near!r}?"
        return f"write {{type: {next(iter(node.items))[:60]}, ...}}" if len(node.items) == 1 else None

    def _resolve(self, item: Item) -> Item:
        block = self.blocks.get(item.type)
        if item.type in self._refused:
            item.broken = True
        elif block is not None:
            item.block, item.broken = block, block.broken
        elif item.type in self.known:
            item.entry = self.known[item.type]
            if item.table is None:
                item.arguments = self.reader.compile(item.entry, {})
                self.reader.require(item.entry, {}, item.place, item)
        else:
            block_meant = nearest(item.type, self.blocks) is not None  # whose name may be the misspelled one
            cause = f"type {item.type}" if block_meant else None
            self.problems.add(item.place, *unknown_type(item.type, self.framework, self.blocks), cause)
            item.broken = True
        if item.block is not None and item.table is None and not item.broken:
            self._needed(item, item.block, ())
        return item

    def _call(self, item: Item, block: Block, own: dict[str, tuple[Scalar, Node]]) -> None:
        for name, (key, node) in own.items():
            if name in block.variables:
                item.call_arguments[name] = node
                continue
            if name in block.refused:
                continue
            hint = key_hint(name, block.variables)
            if hint is None:
                hint = f"it has {', '.join(block.variables)}" if block.variables else "it has no variables"
            message = f"the block {block.name!r} has no variable {name[:60]!r}"
            self.problems.add(key, message, hint, f"block {block.name} {name}")
            block.unknown.append(name)
            item.broken = True
        if not item.broken:  # a misspelled name is the one cause
            self._needed(item, block, own)

    def _needed(self, item: Item, block: Block, given: Any) -> None:
        for name, (_, node) in block.variables.items():
            if name not in given and isinstance(node, Scalar) and node.plain and node.text == "required":
                self.problems.add(item.place, f"the block {block.name!r} needs {name!r}", f"write {name}: ...")
                item.broken = True

    def _reserved(self, item: Item, node: Table) -> None:
        get = node.get
        item.repeat, item.when, item.parallel = get("repeat"), get("when"), get("parallel")
        item.active, item.merge = get("active"), get("merge")
        item.trainable, item.dtype = get("trainable"), get("dtype")
        item.plain = item.repeat is None and item.parallel is None and item.when is None
        inputs = get("inputs")
        if inputs is not None:
            item.inputs = self._references(inputs)
            item.broken |= item.inputs is None
        shared = get("shared_with")
        if shared is not None:
            if isinstance(shared, Scalar) and "$" not in shared.text:
                item.shared = shared
            else:
                self.problems.add(shared, f"shared_with must be the name of a layer, not {describe(shared)}")
                item.broken = True
        name = get("name")
        if name is None and (item.block is None or "id" not in item.block.variables):
            name = get("id")  # refused as a key, but what stands for a name elsewhere
        if name is not None and not (isinstance(name, Scalar) and name.plain and name.value is None):
            written = text_of(self.problems, name, "name")
            if written is not None and isinstance(name, Scalar):
                if not written or ":" in written or "." in written:
                    self.problems.add(name, f"a name holds no ':' or '.': {written[:60]!r}")
                item.written_name = name

    def _references(self, node: Node) -> list[Reference | None] | None:
        if not isinstance(node, Items):
            hint = f"write inputs: [{node.text}]" if isinstance(node, Scalar) else None
            self.problems.add(node, f"inputs must be a list of names, not {describe(node)}", hint)
            return None
        found: list[Reference | None] = []
        for item in node.items:
            if not isinstance(item, Scalar) or "$" in item.text:
                self.problems.add(item, f"an input is the name of a tensor, not {describe(item)}")
                return None
            found.append(None if item.plain and item.value is None else reference(item))
        return found


def _are_names(node: Node) -> bool:
    return isinstance(node, Items) and all(isinstance(one, Scalar) and isinstance(one.value, str) for one in node.items)
