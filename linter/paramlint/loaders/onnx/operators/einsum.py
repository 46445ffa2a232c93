"""Einsum: operands are multiplied from left to right, and a letter is summed as soon as nobody needs it."""

from __future__ import annotations

import re
from typing import NamedTuple

from paramlint.formulas import formula, macs
from paramlint.ir import Dim, Formula, Shape, Unknown
from paramlint.loaders.onnx.operators import Node, Operator, Output, ShapeError, operator
from paramlint.loaders.onnx.operators.shapes import broadcast, out, product, stored, text, together

MAX_OPERANDS = 64  # of one Einsum; exporters write two or three
_REST = "rest"  # what the letters call the axes behind an ellipsis
_TERM = re.compile(r"[A-Za-z]*(?:\.\.\.)?[A-Za-z]*")


class Equation(NamedTuple):
    """Letters per operand and of the result; "." stands for the ellipsis."""

    operands: tuple[str, ...]
    result: str


def parse(equation: str, count: int) -> Equation:
    """Split an equation; the implicit result holds the letters that occur once, in alphabetical order."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != count or count > MAX_OPERANDS or not all(_TERM.fullmatch(term) for term in (*terms, right)):
        raise ShapeError(f"equation {equation[:60]!r} does not describe {count} operands")
    operands = tuple([term.replace("...", ".") for term in terms])
    joined = "".join(operands)
    if arrow:
        result = right.replace("...", ".")
        if not set(result) <= set(joined) or len(set(result)) != len(result):
            raise ShapeError(f"the result of {equation[:60]!r} names an axis twice or one that no operand has")
    else:
        result = ("." if "." in joined else "") + "".join(
            sorted(x for x in set(joined) - {"."} if joined.count(x) == 1)
        )
    return Equation(operands, result)


def _bound(letters: str, shape: Shape) -> tuple[dict[str, Dim], Shape]:
    """The size of each letter and the axes behind the ellipsis."""
    named = letters.replace(".", "")
    if len(named) > len(shape) or ("." not in letters and len(named) != len(shape)):
        raise ShapeError(f"{letters!r} does not name the {len(shape)} axes of its operand")
    before = letters.index(".") if "." in letters else len(letters)
    extra = len(shape) - len(named)
    sizes: dict[str, Dim] = {}
    for letter, dim in zip(named, shape[:before] + shape[before + extra :], strict=True):
        sizes[letter] = together(sizes[letter], dim) if letter in sizes else dim
    return sizes, shape[before : before + extra]


def sizes_of(operands: tuple[str, ...], shapes: list[Shape | None]) -> tuple[dict[str, Dim], Shape | None]:
    """Sizes over all operands; letters of an operand whose shape is not known may be missing."""
    total: dict[str, Dim] = {}
    rest: Shape | None = ()
    for letters, shape in zip(operands, shapes, strict=True):
        if shape is None:
            rest = None if "." in letters else rest
            continue
        sizes, extra = _bound(letters, shape)
        rest = broadcast(rest, extra)
        for letter, dim in sizes.items():
            total[letter] = together(total[letter], dim) if letter in total else dim
    return total, rest


@operator
class Einsum(Operator):
    """``Einsum``: any stored operand is a kernel."""

    kinds = ("Einsum",)
    slots = dict.fromkeys(range(MAX_OPERANDS), "kernel")

    def infer(self, node: Node) -> list[Output]:
        equation, shapes = _read(node)
        sizes, rest = sizes_of(equation.operands, shapes)
        if "." in equation.result and rest is None:
            return [Output(None)]
        dims: list[Dim] = []
        for letter in equation.result:
            dims += rest or () if letter == "." else [sizes.get(letter)]
        return [Output(tuple(dims))]

    def macs(self, node: Node) -> Formula | Unknown | None:
        """The sum over pairwise products of all letters in play; one operand alone is only moved and summed."""
        equation, shapes = _read(node)
        if len(shapes) < 2:
            return None
        sizes, rest = sizes_of(equation.operands, shapes)
        symbols: dict[str, Dim] = {**sizes, _REST: None if rest is None else product(rest)}
        letters, terms, used = equation.operands[0], [], {}
        for place, operand in enumerate(equation.operands[1:], start=1):
            together_now = "".join(dict.fromkeys(letters + operand))
            names = [_REST if letter == "." else letter for letter in together_now]
            terms.append(" * ".join(names) or "1")
            used.update({name: symbols.get(name) for name in names})
            needed = equation.result + "".join(equation.operands[place + 1 :])
            letters = "".join(letter for letter in together_now if letter in needed)
        return macs(" + ".join(terms), used, {name: f"size of index {name}" for name in used})

    def params(self, node: Node) -> Formula | Unknown | None:
        """The one stored operand: its letters' sizes as the other operands and the result state them."""
        equation, shapes = _read(node)
        kernels = [index for index in range(len(shapes)) if stored(node, index)]
        if len(kernels) != 1 or len(shapes) < 2:
            return None
        letters = equation.operands[kernels[0]]
        others: list[Shape | None] = [None if index == kernels[0] else shape for index, shape in enumerate(shapes)]
        sizes, _ = sizes_of((*equation.operands, equation.result), [*others, out(node)])
        known = {letter: size for letter in letters if type(size := sizes.get(letter)) is int}
        if "." in letters or len(known) != len(set(letters)) or len(set(letters)) != len(letters):
            return Unknown("an index of the kernel is stated by the kernel alone")
        return formula({"kernel": " * ".join(letters) or "1"}, known, {name: f"size of index {name}" for name in known})


def _read(node: Node) -> tuple[Equation, list[Shape | None]]:
    shapes = [None if tensor is None else tensor.shape for tensor in node.inputs]
    return parse(text(node, "equation"), len(shapes)), shapes
