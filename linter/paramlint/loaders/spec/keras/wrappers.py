"""Keras's layers around one layer: ``TimeDistributed`` and ``SpectralNormalization``."""

from __future__ import annotations

from paramlint.formulas import formula, normalization
from paramlint.ir import Formula, Tensor, Weight
from paramlint.loaders.spec.arguments import a_layer, positive
from paramlint.loaders.spec.keras.cells import times
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.keras.recurrent import LAST_STEP
from paramlint.loaders.spec.layer_checks import at_most, flowing, show
from paramlint.loaders.spec.vocabulary import Argument, Built, Call, Nested

_LAYER = Argument(a_layer, "The layer, as {type: ...}.")
#: Layers that work on each element, or on the last axis alone: for them the time axis is one more in front.
_ON_LAST_AXIS = frozenset(
    {"Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "GaussianDropout", "GaussianNoise"}
    | {"AlphaDropout", "LayerNormalization", "BatchNormalization", "RMSNormalization", "UnitNormalization"}
    | {"Identity", "Embedding", "ActivityRegularization", "Rescaling"}
)
#: Layers whose kernel belongs to a layer or cell inside them.
_KERNEL_OF_A_PART = frozenset(
    {"SimpleRNN", "GRU", "LSTM", "RNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "TimeDistributed", "Bidirectional"}
)


def _any_axis_in_front(value: Nested) -> bool:
    return value.entry.name in _ON_LAST_AXIS and value.args.get("axis", -1) in (-1, (-1,))


@keras_layer("TimeDistributed", "One layer at every step of a sequence, with the same weights.", layer=_LAYER)
def time_distributed(call: Call) -> Built:
    """Parameters count once, multiply-accumulates at each step. A mask may follow."""
    at_most(call, 2)
    shape, value = call.shape(), call.args["layer"]
    if len(shape) < 2:
        message = f"TimeDistributed needs [steps, ...] with at least 2 axes without batch, got {show(shape)}"
        call.fail(message, hint=LAST_STEP)
    if _any_axis_in_front(value):
        return call.nested(value, [flowing(call)])
    inner = call.nested(value, [Tensor("step", shape[1:], flowing(call).dtype)])
    outputs: list[Tensor] = []
    for made in inner.outputs:
        assert made is not None  # no Keras layer leaves an output out
        outputs.append(call.output((shape[0], *(made.shape or ())), made.dtype))
    if len(outputs) != 1:
        call.fail(f"{value.entry.name} gives {len(outputs)} outputs, TimeDistributed joins one over time", "layer")
    work = times(inner.macs, "S", shape[0], "steps of TimeDistributed")
    return inner._replace(outputs=tuple(outputs), macs=work)


@keras_layer("SpectralNormalization", "A layer whose kernel is divided by its largest singular value in training.",
             layer=_LAYER,
             power_iterations=Argument(positive, "Iterations per training step.", 1))  # fmt: skip
def spectral_normalization(call: Call) -> Built:
    """One vector beside the inner layer's weights, as long as the kernel's last axis; it is not trained."""
    at_most(call, 1)
    if not call.shape():
        call.fail("SpectralNormalization needs an input with at least one axis beside the batch, got []")
    inner = call.nested(call.args["layer"], [flowing(call)])
    kernel = _kernel(call, inner.weights)
    role = "vector_u" + "_outer" * sum(weight.role.startswith("vector_u") for weight in inner.weights)
    vector = call.weight(role, 1, kernel[-1], trainable=False)
    more = formula({role: normalization.SINGULAR_VECTOR}, {"o": kernel[-1]}, normalization.MEANING)
    before = inner.params or Formula(())
    params = Formula((*before.terms, *more.terms), {**before.definitions, **more.definitions})
    return inner._replace(params=params, weights=(*inner.weights, vector))


def _kernel(call: Call, weights: tuple[Weight, ...]) -> tuple[int, ...]:
    """The shape of what is normalised: the inner layer's kernel, or its table of embeddings."""
    roles = {weight.role: weight.shape for weight in weights}
    name = call.args["layer"].entry.name
    found = roles.get("kernel") or roles.get("embeddings")
    if found is None or name in _KERNEL_OF_A_PART:
        call.fail(f"{name} has neither a kernel nor embeddings of its own", "layer")
    return found
