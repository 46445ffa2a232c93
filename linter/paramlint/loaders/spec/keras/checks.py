"""What Keras layers share: the arguments that all or many have, and activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from paramlint.formulas import combine
from paramlint.ir import DType, Shape, Tensor, Weight
from paramlint.loaders.spec.arguments import (
    a_layer,
    anything,
    choice,
    flag,
    integer,
    non_negative,
    optional,
    positive,
    shape,
)
from paramlint.loaders.spec.layer_checks import all_macs, same_size, show
from paramlint.loaders.spec.vocabulary import KERAS, Argument, Built, Call, Kind, Nested, layer

Maker = Callable[[Call], Built]

#: Arguments of ``keras.layers.Layer``, which every layer hands on.
_BASE: dict[str, Argument] = {
    "activity_regularizer": Argument(anything, "Penalty on the output; changes no number.", None),
    "autocast": Argument(anything, "Cast inputs to the layer's type; changes no number.", True),
    "input_shape": Argument(optional(shape), "Old form of the input's shape; checked against it.", None),
    "input_dim": Argument(optional(positive), "Old form of a vector's length; checked against it.", None),
}


def keras_layer(
    name: str, doc: str, /, *, keras2: bool = False, aliases: tuple[str, ...] = (), **arguments: Argument
) -> Callable[[Maker], Maker]:
    """Register a Keras layer: as ``layer``, with the arguments that all of them have."""

    def register(build: Maker) -> Maker:
        own_dim = "input_dim" in arguments  # an embedding's is another thing

        def checked(call: Call) -> Built:
            if "input_shape" in call.written or (not own_dim and "input_dim" in call.written):
                _check_input_shape(call, own_dim)
            return build(call)

        every: dict[str, Any] = {**arguments, **{key: one for key, one in _BASE.items() if key not in arguments}}
        layer(KERAS, name, doc, keras2=keras2, aliases=aliases, **every)(checked)
        return build

    return register


def _check_input_shape(call: Call, own_dim: bool) -> None:
    name = "input_shape" if own_dim or call.args["input_dim"] is None else "input_dim"
    wanted = call.args["input_shape"] if name == "input_shape" else (call.args["input_dim"],)
    if wanted is None or not call.inputs or call.inputs[0] is None:
        return
    actual = call.shape()
    if len(wanted) != len(actual):
        call.fail(f"{name} is {show(wanted)}, the input is {show(actual)}", name, f"leave {name} out")
    for given, found in zip(wanted, actual, strict=True):
        same_size(call, given, found, f"{name} is {show(wanted)}, the input is {show(actual)}", name)


# arguments that many layers have

USE_BIAS = Argument(flag, "Add a learned bias.", True)
LORA: dict[str, Any] = {
    "lora_rank": Argument(optional(non_negative), "Train a product of two matrices of this rank instead.", None),
    "lora_alpha": Argument(anything, "Scale of that product; changes no number.", None),
}
SEED = Argument(optional(integer), "Seed of the random numbers; changes no number.", None)
_INITIAL = {
    "bias": "zeros", "beta": "zeros", "gamma": "ones", "moving_mean": "zeros", "moving_variance": "ones",
    "embeddings": "uniform", "recurrent": "orthogonal", "alpha": "zeros",
}  # fmt: skip


def fitted(*roles: str, constraint: bool = True) -> dict[str, Any]:
    """Initializer, regularizer and constraint of each role: accepted, without meaning for any number."""
    made: dict[str, Any] = {}
    for role in roles:
        initial = _INITIAL.get(role, "glorot_uniform")
        made[f"{role}_initializer"] = Argument(anything, f"First values of {role}; changes no number.", initial)
        made[f"{role}_regularizer"] = Argument(anything, f"Penalty on {role}; changes no number.", None)
        if constraint:
            made[f"{role}_constraint"] = Argument(anything, f"Bounds of {role}; changes no number.", None)
    return made


def lora(call: Call, kernel: Weight) -> tuple[Weight, tuple[Weight, ...]]:
    """The kernel, frozen where ``lora_rank`` is given, and the two matrices that are trained instead."""
    rank = call.args["lora_rank"]
    if not rank:
        return kernel, ()
    if call.args[f"{kernel.role}_constraint"] is not None:
        call.fail(f"lora_rank and {kernel.role}_constraint exclude each other", f"{kernel.role}_constraint")
    first = call.weight(f"lora_{kernel.role}_a", *kernel.shape[:-1], rank)
    second = call.weight(f"lora_{kernel.role}_b", rank, kernel.shape[-1])
    return kernel._replace(trainable=False), tuple(one._replace(dtype=DType.FLOAT32) for one in (first, second))


def caseless(*words: str) -> Kind:
    """One of a few words in any letter case, as Keras takes its paddings and layouts."""
    exact = choice(*words)
    spellings = ("".join(f"[{c}{c.upper()}]" if c.isalpha() else c for c in word) for word in words)
    schema = {"anyOf": [exact.schema, {"type": "string", "pattern": f"^({'|'.join(spellings)})$"}]}
    return exact._replace(schema=schema, check=lambda value: exact.check(_lower(value)))


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """A number as an operator's attribute states it."""
    return float(value) if isinstance(value, (int, Fraction)) and not isinstance(value, bool) else value


# activations

_ONE_OPERATOR: Mapping[str, tuple[str, dict[str, Any]]] = {
    "relu": ("Relu", {}), "relu6": ("Clip", {"min": 0.0, "max": 6.0}), "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {}), "softplus": ("Softplus", {}), "softsign": ("Softsign", {}), "tanh": ("Tanh", {}),
    "soft_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.5}), "hard_shrink": ("Shrink", {"lambd": 0.5}),
    "gelu": ("Gelu", {"approximate": "none"}), "celu": ("Celu", {"alpha": 1.0}), "mish": ("Mish", {}),
    "hard_tanh": ("Clip", {"min": -1.0, "max": 1.0}), "sigmoid": ("Sigmoid", {}), "exponential": ("Exp", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}), "hard_swish": ("HardSwish", {}),
    "sparse_sigmoid": ("HardSigmoid", {"alpha": 0.5, "beta": 0.5}), "hard_silu": ("HardSwish", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    # no ONNX operator: one step under Keras's own name
    "squareplus": ("keras::squareplus", {}), "sparse_plus": ("keras::sparse_plus", {}),
    "sparsemax": ("keras::sparsemax", {}), "log_sigmoid": ("keras::log_sigmoid", {}),
    "tanh_shrink": ("keras::tanh_shrink", {}),
}  # fmt: skip
_ON_LAST_AXIS = {"softmax": "Softmax", "log_softmax": "LogSoftmax"}
ACTIVATIONS = tuple(sorted({*_ONE_OPERATOR, *_ON_LAST_AXIS, "silu", "swish", "glu", "linear"}))


def _activation_kind() -> Kind:
    phrase = "the name of an activation (relu, softmax, ...), a layer ({type: ...}) or null"

    def check(value: Any) -> Any:
        if value is None or isinstance(value, Nested) or (isinstance(value, str) and value in ACTIVATIONS):
            return value
        raise ValueError(f"must be {phrase}")

    a_mapping = {"allOf": [a_layer.schema, {"type": "object"}]}
    schema = {"anyOf": [{"enum": list(ACTIVATIONS)}, a_mapping, {"type": "null"}]}
    return Kind(phrase, schema, check, ACTIVATIONS, nested=True)


activation = _activation_kind()
ACTIVATION = Argument(activation, "Function on the output; null is none.", None)


def activated(call: Call, source: Tensor, name: str | None) -> Tensor:
    """``source`` after an activation of Keras; only ``glu`` changes the shape."""
    sizes = source.shape
    assert sizes is not None  # made by a step or seen by call.shape
    if name in (None, "linear"):
        return source
    if name in _ONE_OPERATOR:
        kind, attributes = _ONE_OPERATOR[name]
        return call.step(kind, [source], sizes, attributes)
    if name in ("silu", "swish"):
        return call.step("Mul", [source, call.step("Sigmoid", [source], sizes)], sizes)
    if not sizes:
        call.fail(f"{name} works on an axis, the output [] has none beside the batch", "activation")
    if name == "glu":
        return _gated(call, source, sizes)
    return call.step(_ON_LAST_AXIS[str(name)], [source], sizes, {"axis": len(sizes)})


def _gated(call: Call, source: Tensor, sizes: Shape) -> Tensor:
    """The first half of the last axis, times the logistic function of the second."""
    last = sizes[-1]
    if isinstance(last, int) and last % 2:
        call.fail(f"glu halves the last axis, which is {last} long in {show(sizes)}", "activation")
    half = (*sizes[:-1], last // 2 if isinstance(last, int) else None)
    first = call.step("Split", [source], half, {"axis": len(sizes), "split": (half[-1], half[-1])})
    second = call.also(half)
    return call.step("Mul", [first, call.step("Sigmoid", [second], half)], half)


def activate(call: Call, built: Built) -> Built:
    """The layer with its ``activation`` argument on the first output; a layer as activation brings its weights."""
    chosen, before = call.args["activation"], built.outputs[0]
    assert before is not None
    if not isinstance(chosen, Nested):
        return built._replace(outputs=(activated(call, before, chosen), *built.outputs[1:]))
    inner = call.nested(chosen, [before], "activation")
    parts = {"": built, "activation": inner}
    known = {name: part.params for name, part in parts.items() if part.params is not None}
    return Built(
        (*inner.outputs[:1], *built.outputs[1:]),
        combine(known) if known else None,
        (*built.weights, *inner.weights),
        all_macs(parts),
        (*built.notes, *inner.notes),
        (*built.unknown, *inner.unknown),
    )
