"""The formula core: closed formulas of layers, one file per family, independent of any framework or file format.

A family file holds, for each kind of layer, the expressions of its parameter terms and of its MACs in the field's
symbols (source cited), and its output-length rules as plain functions of integers. Vocabularies and ONNX operators
choose the terms that apply and put the numbers in::

    formula({"kernel": "K * (i / G) * o", "bias": "o"}, {"K": 9, "i": 16, "G": 1, "o": 32}, MEANING)
"""

from __future__ import annotations

from collections.abc import Mapping

from paramlint.ir import Formula, Quantity, Term, Unknown


def formula(
    terms: Mapping[str, str], symbols: Mapping[str, int], meanings: Mapping[str, str] | None = None, closed: str = ""
) -> Formula:
    """A formula with its value. ``terms`` maps a role to an expression in ``symbols``; the value is their sum.

    ``meanings`` explains the letters; only those that occur are kept. ``closed`` is the whole sum written shorter.
    """
    from paramlint.expressions import whole  # who counts stored weights alone needs no formula

    values = tuple(Term(role, text, whole(text, symbols), symbols) for role, text in terms.items())
    meanings = meanings or {}
    made = Formula(values, {name: meanings[name] for name in symbols if name in meanings})
    if not closed:
        return made
    whole_sum = Term("", closed, whole(closed, symbols), symbols)
    if whole_sum.value != made.value:
        raise ValueError(f"{closed} is {whole_sum.value}, its terms are {made.value}")
    return made._replace(closed=(whole_sum,))


def combine(parts: Mapping[str, Formula]) -> Formula:
    """A composite's formula: the sum of its parts, their roles prefixed with the part's name and a dot."""
    terms: list[Term] = []
    definitions: dict[str, str] = {}
    for name, part in parts.items():
        terms += [term._replace(role=f"{name}.{term.role}" if name else term.role) for term in part.terms]
        definitions.update(part.definitions)
    short = any(part.closed for part in parts.values())
    closed = tuple(term for part in parts.values() for term in part.summands) if short else ()
    return Formula(tuple(terms), definitions, closed)


def repeated(formula: Formula, letter: str, count: int, meaning: str) -> Formula:
    """A formula ``count`` times over: each term times ``letter``, or ``letter2`` where the term has such a letter."""
    taken = {name for term in formula.terms for name in term.symbols}
    name, number = letter, 2
    while name in taken:
        name, number = f"{letter}{number}", number + 1
    terms, closed = (
        tuple(
            term._replace(
                expression=f"{name} * ({term.expression})",
                value=count * term.value,
                symbols={**term.symbols, name: count},
            )
            for term in summands
        )
        for summands in (formula.terms, formula.closed)
    )
    return Formula(terms, {**formula.definitions, name: meaning}, closed)


def numeric(formula: Formula) -> str:
    """The formula with its numbers put in: ``4 * ((2 + 3) * 2 + 2)``."""
    from paramlint.expressions import substitute

    return " + ".join(substitute(term.expression, term.symbols) for term in formula.summands) or "0"


def macs(
    text: str, symbols: Mapping[str, int | str | None], meanings: Mapping[str, str] | None = None
) -> Formula | Unknown:
    """Multiply-accumulates by formula, or Unknown naming the free dimensions among ``symbols``."""
    free = [_free(name, value, meanings or {}) for name, value in symbols.items() if not isinstance(value, int)]
    if free:
        return Unknown(f"needs a size that is not fixed: {', '.join(free)}")
    return formula({"macs": text}, {name: value for name, value in symbols.items() if isinstance(value, int)}, meanings)


def _free(name: str, value: str | None, meanings: Mapping[str, str]) -> str:
    letter = f"{name} = {value}" if value else name
    return f"{meanings[name]} ({letter})" if name in meanings else letter


def amount(result: Formula | Unknown | None) -> Quantity:
    """The number of a MAC formula; None stands for a layer that does no multiply-accumulates."""
    if result is None:
        return 0
    return result if isinstance(result, Unknown) else result.value
