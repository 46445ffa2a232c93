"""Which operators of a network a target runs: where, under which limits, and what cannot be decided.

Three answers that are no success are kept apart: not supported, runs on the CPU although an accelerator is there,
and undecided. An operator that the accelerator lists but whose sizes break a limit is a fourth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from paramlint.targets import operators
from paramlint.targets.model import Target
from paramlint.targets.op import ARITHMETIC, DTYPE, FALLBACK, LIMIT, UNDECIDED, UNSUPPORTED, Op, OpVerdict
from paramlint.targets.operators import Constraint, Fact, Group, OpSet

#: Domains whose operators, and frameworks whose layers, a converter may know; one of any other domain has no form.
STANDARD = frozenset({"", "ai.onnx", "com.microsoft", "keras", "pytorch"})
#: What a spec calls a layer of the user's own.
OWN_LAYER = "Custom"


def judge_operators(target: Target, ops: Sequence[Op]) -> tuple[OpVerdict, ...]:
    """Everything about the operators that is no plain success, in the order of the network."""
    sets = [operators.load(name) for name in target.op_sets]
    accelerators = [entry for entry in sets if entry.role == "accelerator"]
    runtimes = [entry for entry in sets if entry.role == "runtime"]
    wrong = _wrong_dtypes(target, ops)
    refused = {verdict.layer for verdict in wrong if verdict.state == DTYPE}
    found = list(wrong)
    taken = True  # False from the first operator on that a one-partition accelerator does not take
    for op in ops:
        if op.formless and (open_form := _without_form(op, (*accelerators, *runtimes))) is not None:
            found.append(open_form)
            continue
        if not accelerators:
            found += [v for v in _on_runtime(op, runtimes) if not (v.state == DTYPE and v.layer in refused)]
            continue
        accelerator = accelerators[0]
        verdicts: list[OpVerdict] = []
        for part in op.parts(accelerator):
            verdicts += _on_accelerator(part, accelerator, runtimes, op.layer in refused)
        if accelerator.partition == "one" and not taken and not _leaves(verdicts):
            reason = "stands behind an operator that is not mapped, and there is one partition only"
            verdicts.append(_verdict(FALLBACK, op, accelerator, reason, runs_on=accelerator.host))
        taken = taken and not _leaves(verdicts)
        found += verdicts
    return tuple(dict.fromkeys(found))


def _without_form(op: Op, entries: Sequence[OpSet]) -> OpVerdict | None:
    """The answer of a list in TensorFlow Lite's words on an operator that has no known form there.

    None: another list decides by the operator's own name, or it is surely none of TensorFlow Lite's.
    """
    listed = next((entry for entry in entries if entry.groups is not None), None)
    if listed is None or listed.names != "tflite" or op.domain not in STANDARD or op.onnx == OWN_LAYER:
        return None
    if any(op.onnx in entry.without_form for entry in entries):
        return None
    return _verdict(UNDECIDED, op, listed, "what a converter makes of it is not known")


def _leaves(verdicts: Iterable[OpVerdict]) -> bool:
    """True where an operator does not run on the accelerator."""
    return any(verdict.state in (UNSUPPORTED, FALLBACK, LIMIT) for verdict in verdicts)


def _wrong_dtypes(target: Target, ops: Sequence[Op]) -> list[OpVerdict]:
    """Operators whose element type the target does not list at all; under a note they are undecided."""
    known = {precision.dtype: precision.note for precision in target.dtypes}
    cite = target.cite("dtypes").text or ""
    found = []
    for op in ops:
        dtype = op.dtype
        if dtype is None or dtype not in ARITHMETIC:
            continue
        note = known.get(dtype)
        if dtype not in known:
            reason = f"computes in {dtype}; {target.id} takes {', '.join(known)}"
            found.append(OpVerdict(DTYPE, op.layer, op.tflite, reason, cite, sure=target.sure))
        elif note is not None and "CPU" not in note:
            found.append(OpVerdict(UNDECIDED, op.layer, op.tflite, f"{dtype}: {note}", cite, sure=target.sure))
    return found


def _on_runtime(op: Op, runtimes: Sequence[OpSet]) -> Iterator[OpVerdict]:
    """The first runtime with a list is the one whose memory is modelled; others only keep an answer open."""
    listed = [entry for entry in runtimes if entry.groups is not None]
    unlisted = [entry for entry in runtimes if entry.groups is None]
    if listed and _lists(listed[0], op):
        yield from _limits(op, listed[0], None)
        return
    other = next((entry for entry in listed[1:] if _lists(entry, op)), None)
    if other is not None:
        reason = (
            f"is not among the operators of {listed[0].title}; {other.title} lists {op.called(other)}, "
            "but its memory is not modelled here"
        )
        yield _verdict(UNDECIDED, op, other, reason)
    elif unlisted:
        yield _verdict(UNDECIDED, op, unlisted[0], f"no operator list is known for {unlisted[0].title}")
    elif listed:
        yield _verdict(UNSUPPORTED, op, listed[0], f"is not among the operators of {listed[0].title}")
    else:
        yield OpVerdict(UNDECIDED, op.layer, op.tflite, "the target names no runtime", "its op_sets")


def _on_accelerator(op: Op, accelerator: OpSet, runtimes: Sequence[OpSet], refused: bool) -> Iterator[OpVerdict]:
    name = op.called(accelerator)
    host = _host(op, accelerator, runtimes)
    group = accelerator.group(name, op.within(accelerator))
    if name in accelerator.host_operators:
        yield _verdict(FALLBACK, op, accelerator, f"runs {accelerator.host_operators[name]}", runs_on="the CPU")
    elif group is None and host is not None:
        yield _verdict(FALLBACK, op, accelerator, f"is not among the operators of {accelerator.title}", runs_on=host)
    elif group is None:
        yield _verdict(UNSUPPORTED, op, accelerator, f"is not among the operators of {accelerator.title}")
    else:
        if group.confidence == "unverified":
            reason = f"stands only in the unverified part of the list of {accelerator.title}"
            yield _verdict(UNDECIDED, op, accelerator, reason, runs_on=host)._replace(sure=False)
        verdicts = list(_limits(op, accelerator, host))
        if not any(verdict.state == DTYPE for verdict in verdicts):
            verdicts += _wrong_for(op, group, accelerator, host)
        for verdict in verdicts:
            if not (refused and verdict.state == DTYPE):
                yield verdict


def _wrong_for(op: Op, group: Group, accelerator: OpSet, host: str | None) -> Iterator[OpVerdict]:
    """An element type that the accelerator does not take for this operator."""
    if group.dtypes and op.dtype in ARITHMETIC and op.dtype not in group.dtypes:
        reason = f"computes in {op.dtype}; {accelerator.title} takes {', '.join(group.dtypes)}"
        yield _verdict(DTYPE, op, accelerator, reason, runs_on=host)


def _host(op: Op, accelerator: OpSet, runtimes: Sequence[OpSet]) -> str | None:
    """Where an operator goes that the accelerator does not take; None where it goes nowhere."""
    if accelerator.elsewhere != "fallback":
        return None
    listed = [entry for entry in runtimes if entry.groups is not None]
    if listed and not any(_lists(entry, op) for entry in listed):
        return None
    return accelerator.host


def _lists(entry: OpSet, op: Op) -> bool:
    """True where a list holds the operator at its element type; a quantised graph may use what is listed as float."""
    return all(_lists_part(entry, part) for part in op.parts(entry))


def _lists_part(entry: OpSet, op: Op) -> bool:
    group = entry.group(op.called(entry), op.within(entry))
    if group is None:
        return False
    dtype = op.dtype
    if not group.dtypes or dtype is None or dtype not in ARITHMETIC or dtype in group.dtypes:
        return True
    return dtype in ("int8", "uint8") and "float32" in group.dtypes


def _limits(op: Op, entry: OpSet, host: str | None) -> Iterator[OpVerdict]:
    """Every limit of a list that the operator breaks or that cannot be decided."""
    name = op.called(entry)
    broken: set[str] = set()  # one sentence of a source may be several limits here; it is said once
    for limit in entry.limits:
        if not limit.applies(name) or limit.text in broken:
            continue
        applies = [comparison.holds(op.facts.get(fact)) for fact, comparison in limit.where.items()]
        if False in applies:
            continue
        if limit.undecided:
            yield _verdict(UNDECIDED, op, entry, limit.text, runs_on=host)
            continue
        for verdict in _held(op, entry, limit, host, None in applies):
            broken.add(limit.text)
            yield verdict


def _held(op: Op, entry: OpSet, limit: Constraint, host: str | None, unsure: bool) -> Iterator[OpVerdict]:
    """One limit against one operator. A broken one is said before one that a fact nobody knows leaves undecided."""
    undecided: OpVerdict | None = None
    for fact in limit.facts:
        if fact not in op.facts and not unsure:
            continue  # the operator has no such property (a dense layer has no kernel height)
        value = op.facts.get(fact)
        holds = limit.test.holds(value)
        if holds is True:
            continue
        if holds is False and not unsure:
            yield _broken(op, entry, limit, fact, value, host)
            return
        reason = f"{limit.text}: {words(fact)} is not known" if value is None else f"{limit.text}: not decided"
        undecided = undecided or _verdict(UNDECIDED, op, entry, reason, runs_on=host)
    if undecided is not None:
        yield undecided


def _broken(op: Op, entry: OpSet, limit: Constraint, fact: str, value: Fact, host: str | None) -> OpVerdict:
    state = {"layer": LIMIT, "dtype": DTYPE, "fallback": FALLBACK}[limit.kind]
    if state == FALLBACK and host is None:
        state = UNSUPPORTED
    if not isinstance(value, int) or isinstance(value, bool):
        reason = f"{limit.text} ({words(fact)} is {value})" if isinstance(value, str) else limit.text
        return _verdict(state, op, entry, reason, runs_on=host)
    most = limit.test.max if limit.test.max is not None else limit.test.min
    verdict = _verdict(state, op, entry, f"{limit.text} ({words(fact)} is {value})", runs_on=host)
    return verdict if most is None else verdict._replace(measured=value, limit=most)


def words(fact: str) -> str:
    """A fact's name for people: ``kernel_h`` is the kernel height."""
    text = re.sub("^in_", "input_", re.sub("^out_", "output_", fact)).removesuffix("_max")
    return re.sub("_w$", "_width", re.sub("_h$", "_height", text)).replace("_", " ")


def _verdict(state: str, op: Op, entry: OpSet, reason: str, runs_on: str | None = None) -> OpVerdict:
    return OpVerdict(state, op.layer, op.called(entry), reason, entry.cite, runs_on, sure=entry.sure)
