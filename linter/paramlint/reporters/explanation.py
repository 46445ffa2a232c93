"""What ``explain`` prints: a layer's formulas in symbols and in numbers, term by term."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from paramlint.display import escape
from paramlint.expressions import substitute
from paramlint.formulas import numeric
from paramlint.ir import Formula, Layer, Unknown, Weight
from paramlint.measure import Measured, Row
from paramlint.quantities import BYTES, COUNT, grouped
from paramlint.reporters import Look
from paramlint.reporters.frames import paint, where
from paramlint.reporters.summary import amount, heading


def explain(measured: Measured, rows: Sequence[Row], out: TextIO, look: Look) -> None:
    """Print the formulas of ``rows``, then the totals of the model."""
    out.write(heading(measured, look) + "\n\n")
    for row in rows:
        out.writelines(f"{line.rstrip()}\n" for line in _row(row, look))
    totals = measured.totals
    out.write(f"total: {amount(totals['params'], COUNT)} parameters, {amount(totals['macs'], COUNT)} MACs, ")
    out.write(f"{amount(totals['param_bytes'], BYTES)} of weights\n")
    for text in measured.assumed:
        out.write(f"assumed: {escape(text)}\n")


def _row(row: Row, look: Look) -> Iterator[str]:
    layer = row.layer
    yield f"{paint(escape(layer.name), look, bold=True)} ({escape(layer.op)})  {where(layer.source)}"
    for tensor in layer.outputs:
        shape = "?" if tensor.shape is None else ", ".join("?" if size is None else str(size) for size in tensor.shape)
        yield f"  output  [{escape(shape)}] {tensor.dtype.value}"
    yield from _params(row, look)
    yield from _macs(layer, row)
    for reason in layer.unknown:
        yield f"  unknown: {escape(reason)}"
    for note in layer.notes:
        yield f"  note: {escape(note)}"
    yield ""


def _params(row: Row, look: Look) -> Iterator[str]:
    layer = row.layer
    if layer.formula is None or not layer.formula.terms:
        yield f"  params  {grouped(row.params)}" if row.params else "  params  none"
        yield from _stored(layer.weights, look)
        return
    yield from _formula("params", layer.formula)
    held = sum(weight.elements for weight in layer.weights if not weight.buffer)
    if row.params != held:
        yield f"    {grouped(row.params)} counted here: the others are shared with a layer above"
    parts = []
    if row.trainable is not None and row.non_trainable:
        parts.append(f"{grouped(row.trainable)} trainable, {grouped(row.non_trainable)} not")
    if row.buffers:
        parts.append(f"{grouped(row.buffers)} in buffers, apart from these")
    if parts:
        yield f"    {'; '.join(parts)}"


def _macs(layer: Layer, row: Row) -> Iterator[str]:
    if isinstance(row.macs, Unknown):
        yield f"  macs    unknown: {escape(row.macs.reason)}"
    elif layer.macs_formula is not None and layer.macs_formula.terms and row.macs == layer.macs_formula.value:
        yield from _formula("macs", layer.macs_formula)
    else:
        yield f"  macs    {grouped(row.macs) if row.macs else 'none'}"


def _formula(title: str, formula: Formula) -> Iterator[str]:
    """The whole sum in symbols and numbers, its terms where there are several, and what the letters mean."""
    yield f"  {title:7} {formula.symbolic}"
    steps = dict.fromkeys((numeric(formula), str(formula.value)))
    yield f"          = {' = '.join(steps)}" + (f"  ({grouped(formula.value)})" if formula.value >= 10_000 else "")
    if len(formula.terms) > 1:
        width = max(len(term.role) for term in formula.terms)
        for term in formula.terms:
            steps = dict.fromkeys((term.expression, substitute(term.expression, term.symbols), str(term.value)))
            yield f"    {term.role:{width}}  {' = '.join(steps)}"
    known = {name: size for term in formula.terms for name, size in term.symbols.items()}
    for letter, meaning in formula.definitions.items():
        number = f" = {known[letter]}" if letter in known else ""
        yield f"    {letter}{number}: {meaning}"


def _stored(weights: Sequence[Weight], look: Look) -> Iterator[str]:
    for weight in weights:
        shape = (" × " if look.unicode else " x ").join(str(size) for size in weight.shape) or "scalar"
        kind = "  (buffer)" if weight.buffer else ""
        yield f"    {escape(weight.role)}  {shape} = {weight.elements} {weight.dtype.value}{kind}"
