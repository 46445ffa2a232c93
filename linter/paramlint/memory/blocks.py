"""Memory blocks for the search of the best operator order: in-place operation counts there and nowhere else.

A reshape shares the memory of its input; an element-wise operator may write into an input that nobody needs any
more and that is large enough. Never into a graph input.
"""

from __future__ import annotations

from paramlint.deploy.model import Deployed, Operator

#: Operators whose output is their input's memory under another shape.
SHARING = frozenset({"RESHAPE", "SQUEEZE", "EXPAND_DIMS"})
#: Operators that compute each output element from the elements at its place.
ELEMENTWISE = frozenset({
    "ABS", "ADD", "ADD_N", "ATAN2", "CAST", "CEIL", "COS", "DEQUANTIZE", "DIV", "ELU", "EQUAL", "EXP", "FLOOR",
    "FLOOR_DIV", "FLOOR_MOD", "GELU", "GREATER", "GREATER_EQUAL", "HARD_SWISH", "LEAKY_RELU", "LESS", "LESS_EQUAL",
    "LOG", "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC", "MAXIMUM", "MINIMUM", "MUL", "NEG", "NOT_EQUAL",
    "POW", "PRELU", "QUANTIZE", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "ROUND", "RSQRT", "SELECT",
    "SELECT_V2", "SIGN", "SIN", "SQRT", "SQUARE", "SQUARED_DIFFERENCE", "SUB", "TANH",
})  # fmt: skip


class Block:
    """Memory that one or several tensors share: who reads it, whether it outlives them, whether it may be written."""

    __slots__ = ("bytes", "given", "kept", "readers")

    def __init__(self, size: int, given: bool) -> None:
        self.bytes = size
        self.readers: list[int] = []
        self.kept = False  # a graph output stays to the end
        self.given = given  # a graph input is there from the start and never written


class Graph:
    """For each operator the blocks it reads and those it makes, and which operators must have run before it."""

    def __init__(self, deployed: Deployed) -> None:
        self.blocks: list[Block] = []
        self.reads: list[tuple[Block, ...]] = []
        self.makes: list[tuple[Block, ...]] = []
        self.needs: list[tuple[int, ...]] = []
        self.may_write = [operator.kind in ELEMENTWISE for operator in deployed.operators]
        self._deployed = deployed
        self._block_of: dict[int, Block] = {}
        self._maker: dict[int, int] = {}
        for place in deployed.inputs:
            self._open(place, given=True)
        for number, operator in enumerate(deployed.operators):
            self._connect(number, operator)
        for place in deployed.outputs:
            self._block(place).kept = True

    def __len__(self) -> int:
        return len(self.reads)

    @property
    def given(self) -> list[Block]:
        """What is there before the first operator."""
        return [block for block in self.blocks if block.given]

    def _open(self, place: int, given: bool) -> Block:
        size = self._deployed.buffers[place].bytes
        block = self._block_of[place] = Block(size if isinstance(size, int) else 0, given)
        self.blocks.append(block)
        return block

    def _block(self, place: int) -> Block:
        """The block of a tensor; one that nobody makes is there from the start."""
        return self._block_of.get(place) or self._open(place, given=True)

    def _connect(self, number: int, operator: Operator) -> None:
        places = dict.fromkeys(place for place in operator.inputs if place >= 0)
        reads = tuple(dict.fromkeys(self._block(place) for place in places))
        for block in reads:
            block.readers.append(number)
        self.reads.append(reads)
        made = (self._made(place, operator, reads) for place in operator.outputs)
        self.makes.append(tuple(block for block in made if block not in reads))
        self.needs.append(tuple(dict.fromkeys(self._maker[place] for place in places if place in self._maker)))
        self._maker.update(dict.fromkeys(operator.outputs, number))

    def _made(self, place: int, operator: Operator, reads: tuple[Block, ...]) -> Block:
        """The block of an output: that of the input where a reshape shares it, else one of its own."""
        if operator.kind in SHARING and len(reads) == 1 and len(operator.outputs) == 1:
            source = reads[0]
            if not source.given and source.bytes == self._deployed.buffers[place].bytes:
                self._block_of[place] = source
                return source
        return self._open(place, given=False)
