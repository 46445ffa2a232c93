"""``shared_with``: weights tied by role, of equal shape or its transpose."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from paramlint.formulas import formula
from paramlint.ir import Formula, Step, Term, Weight
from paramlint.loaders.spec.uses import Use

#: The matrix of a layer has many names; a table of embeddings read backwards is the kernel of an output layer.
_KERNELS = frozenset({"kernel", "weight", "embeddings"})


class TieError(Exception):
    """Two layers that cannot share weights."""


class Tied(NamedTuple):
    """A use with its weights replaced by the owner's."""

    used: Use
    shared: int  # weights that are shared


def role_of(role: str) -> str:
    """A role by the name under which the other framework or layer may have it."""
    head, dot, last = role.rpartition(".")
    return head + dot + ("kernel" if last in _KERNELS else last)


def tie(used: Use, owner: Sequence[Weight], owner_name: str, layer: str) -> Tied:
    """Give the weights of ``used`` the storage of the owner's; raises TieError."""
    by_role: dict[str, Weight] = {}
    for weight in owner:
        by_role.setdefault(role_of(weight.role), weight)
    changed: dict[str, Weight] = {}
    kept: list[Weight] = []
    for weight in used.built.weights:
        mate = by_role.get(role_of(weight.role))
        if mate is None:
            kept.append(weight)
            continue
        if mate.shape not in (weight.shape, weight.shape[::-1]):
            raise TieError(
                f"{weight.role} of {layer} is {list(weight.shape)}, that of {owner_name} is {list(mate.shape)}: "
                "only equal shapes, or one transposed, can be shared"
            )
        changed[weight.storage] = weight._replace(storage=mate.storage, trainable=mate.trainable)
    if not changed:
        return Tied(used, 0)
    weights = tuple([changed.get(weight.storage, weight) for weight in used.built.weights])
    params = _own_terms(used.built.params, kept)
    steps = [_with_weights(step, changed) for step in used.steps]
    return Tied(used._replace(built=used.built._replace(weights=weights, params=params), steps=steps), len(changed))


def _with_weights(step: Step, changed: Mapping[str, Weight]) -> Step:
    if not any(weight.storage in changed for weight in step.weights.values()):
        return step
    weights = {}
    for index, weight in step.weights.items():
        found = changed.get(weight.storage)
        if found is not None:
            weight = weight._replace(storage=found.storage, trainable=found.trainable)
        weights[index] = weight
    return step._replace(weights=weights)


def _own_terms(params: Formula | None, kept: Sequence[Weight]) -> Formula | None:
    """The formula without the shared terms; where a term covers shared and own weights, what is left by shape."""
    if params is None:
        return None
    own = {weight.role for weight in kept}
    total = sum(weight.elements for weight in kept if not weight.buffer)
    left = params._replace(terms=tuple(term for term in params.terms if term.role in own))
    if left.value == total:
        return left
    terms: list[Term] = []
    for weight in kept:
        if not weight.buffer:
            letters = {f"d{axis}": size for axis, size in enumerate(weight.shape)}
            terms += formula({weight.role: " * ".join(letters) or "1"}, letters).terms
    return Formula(tuple(terms), {f"d{axis}": f"size of axis {axis}" for axis in range(8)} if terms else {})
