"""``torch.nn.utils.parametrizations``: a module whose weight is computed from others."""

from __future__ import annotations

from fractions import Fraction
from math import prod

from paramlint.formulas import formula
from paramlint.ir import Formula, Weight
from paramlint.loaders.spec.arguments import a_layer, choice, flag, integer, number, optional, positive, text
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_MODULE = Argument(a_layer, "The layer, as {type: ...}.")
_NAME = Argument(text, "Which of its weights.", "weight")


def _found(call: Call) -> tuple[Built, Weight]:
    """The inner layer and the weight meant."""
    module = call.args["module"]
    built = call.nested(module, call.inputs)
    name = call.args["name"]
    known = {weight.role: weight for weight in built.weights if not weight.buffer}
    if name not in known:
        argument = "name" if "name" in call.written else "module"
        call.fail(f"{module.entry.name} has no weight {name!r}, it has {', '.join(known) or 'none'}", argument)
    return built, known[name]


def _replaced(
    built: Built, weight: Weight, role: str, extra: tuple[Weight, ...], scale: Formula | None = None
) -> Built:
    """The inner layer with the weight under its new role, and what is held beside it."""
    weights = tuple(one._replace(role=role) if one is weight else one for one in built.weights) + extra
    params = built.params
    if params is not None:
        terms = tuple(term._replace(role=role) if term.role == weight.role else term for term in params.terms)
        meanings = {**params.definitions, **(scale.definitions if scale else {})}
        params = Formula(terms + (scale.terms if scale else ()), meanings)
    return built._replace(params=params, weights=weights)


def _place(call: Call, shape: tuple[int, ...], dim: int) -> int:
    if not -len(shape) <= dim < len(shape):
        call.fail(f"dim {dim} is outside the {len(shape)} axes of the weight {list(shape)}", "dim")
    return dim % len(shape)


@layer(PYTORCH, "utils.parametrizations.weight_norm", "A weight as its direction times a learned length.",
       aliases=("weight_norm",), module=_MODULE, name=_NAME,
       dim=Argument(optional(integer), "Axis of the weight with one length each; null is one in all.", 0))  # fmt: skip
def weight_norm(call: Call) -> Built:
    """original0 holds the lengths, original1 the direction. PyTorch reads -1 as null."""
    built, weight = _found(call)
    dim, prefix = call.args["dim"], f"parametrizations.{weight.role}"
    sizes: tuple[int, ...] = ()
    if dim is not None and dim != -1:
        place = _place(call, weight.shape, dim)
        sizes = tuple(size if index == place else 1 for index, size in enumerate(weight.shape))
    count = prod(sizes)
    scale = formula({f"{prefix}.original0": "u"}, {"u": count}, {"u": "learned lengths"})
    length = call.weight(f"{prefix}.original0", *sizes, trainable=bool(weight.trainable))
    return _replaced(built, weight, f"{prefix}.original1", (length,), scale)


@layer(PYTORCH, "utils.parametrizations.spectral_norm", "A weight divided by its largest singular value.",
       aliases=("spectral_norm",), module=_MODULE, name=_NAME,
       n_power_iterations=Argument(positive, "Iterations per training step.", 1),
       eps=Argument(number, "Added to norms.", Fraction(1, 10**12)),
       dim=Argument(optional(integer), "Axis of the rows; by default 1 when transposed, else 0.", None))  # fmt: skip
def spectral_norm(call: Call) -> Built:
    """Two vectors as buffers, none for a weight of one axis."""
    built, weight = _found(call)
    dim = call.args["dim"]
    if dim is None:
        dim = 1 if "ConvTranspose" in call.args["module"].entry.name else 0
    place = _place(call, weight.shape, dim)
    prefix = f"parametrizations.{weight.role}"
    extra: tuple[Weight, ...] = ()
    if len(weight.shape) > 1:
        rows = weight.shape[place]
        columns = prod(weight.shape) // rows if rows else 0
        roles = ((f"{prefix}.0._u", rows), (f"{prefix}.0._v", columns))
        extra = tuple(call.weight(role, size, trainable=False, buffer=True) for role, size in roles)
    return _replaced(built, weight, f"{prefix}.original", extra)


@layer(PYTORCH, "utils.parametrizations.orthogonal", "A weight held orthogonal.", aliases=("orthogonal",),
       module=_MODULE, name=_NAME,
       orthogonal_map=Argument(optional(choice("matrix_exp", "cayley", "householder")), "How it is computed.", None),
       use_trivialization=Argument(flag, "Hold a base as a buffer.", True))  # fmt: skip
def orthogonal(call: Call) -> Built:
    """The base is square with the longer of the last two axes."""
    built, weight = _found(call)
    if len(weight.shape) < 2:
        call.fail(f"{weight.role} {list(weight.shape)} is no matrix", "name" if "name" in call.written else "module")
    extra: tuple[Weight, ...] = ()
    prefix = f"parametrizations.{weight.role}"
    if call.args["use_trivialization"]:
        side = max(weight.shape[-2:])
        extra = (call.weight(f"{prefix}.0.base", *weight.shape[:-2], side, side, trainable=False, buffer=True),)
    return _replaced(built, weight, f"{prefix}.original", extra)
