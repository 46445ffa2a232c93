"""``nn.Transformer`` and its parts, each the sum of its attention, linear and norm layers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from paramlint.formulas import attention, combine
from paramlint.ir import Formula, Shape, Tensor, Unknown, Weight
from paramlint.loaders.spec.arguments import a_layer, choice, flag, number, optional, positive, probability
from paramlint.loaders.spec.layer_checks import (
    all_macs,
    at_most,
    composite,
    copies,
    flowing,
    inner,
    ranked,
    same_size,
    show,
)
from paramlint.loaders.spec.pytorch.checks import BIAS, DEVICE
from paramlint.loaders.spec.vocabularies import entries
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, Nested, layer

_FEED: dict[str, Any] = {
    "dim_feedforward": Argument(positive, "Features between the two linear layers.", 2048),
    "dropout": Argument(probability, "Dropout in training.", Fraction(1, 10)),
    "activation": Argument(choice("relu", "gelu"), "Function between the two linear layers.", "relu"),
}
_REST: dict[str, Any] = {
    "layer_norm_eps": Argument(number, "Added to the variance by the norms.", Fraction(1, 100_000)),
    "batch_first": Argument(flag, "Accepted; shapes here hold no batch.", False),
    "norm_first": Argument(flag, "Normalise before attention and linear layers.", False),
    "bias": BIAS,
    "device": DEVICE,
}
_BLOCK: dict[str, Any] = {
    "d_model": Argument(positive, "Features of a position."),
    "nhead": Argument(positive, "Heads; divides d_model."),
    **_FEED,
    **_REST,
}


def _first(built: Built) -> Tensor:
    tensor = built.outputs[0]
    assert tensor is not None  # every part used here has a first output
    return tensor


class _Block:
    """Collects the parts of one transformer layer around its residual path."""

    def __init__(self, call: Call) -> None:
        self.call, self.x = call, flowing(call)
        self.parts: dict[str, Built] = {}

    def norm(self, x: Tensor, name: str) -> Tensor:
        args = self.call.args
        more = {"eps": args["layer_norm_eps"], "bias": args["bias"]}
        self.parts[name] = inner(self.call, "LayerNorm", [x], name, normalized_shape=(args["d_model"],), **more)
        return _first(self.parts[name])

    def attend(self, x: Tensor, memory: Tensor, name: str) -> Tensor:
        args = self.call.args
        heads = {"embed_dim": args["d_model"], "num_heads": args["nhead"], "bias": args["bias"]}
        built = inner(self.call, "MultiheadAttention", [x, memory, memory], name, **heads, need_weights=False)
        self.parts[name] = built
        return _first(built)

    def feed(self, x: Tensor) -> Tensor:
        args = self.call.args
        wide, narrow = args["dim_feedforward"], args["d_model"]
        self.parts["linear1"] = inner(self.call, "Linear", [x], "linear1", out_features=wide, bias=args["bias"])
        hidden = inner(
            self.call, {"relu": "ReLU", "gelu": "GELU"}[args["activation"]], [_first(self.parts["linear1"])], ""
        )
        out = inner(self.call, "Linear", [_first(hidden)], "linear2", out_features=narrow, bias=args["bias"])
        self.parts["linear2"] = out
        return _first(out)

    def residual(self, kind: str, norm: str, name: str = "", memory: Tensor | None = None) -> None:
        """One sub-layer with its norm before or behind."""
        before = self.call.args["norm_first"]
        source = self.norm(self.x, norm) if before else self.x
        if kind == "feed":
            made = self.feed(source)
        else:
            made = self.attend(source, memory if memory is not None else source, name)
        shape = self.call.shape()
        self.x = self.call.step("Add", [self.x, made], shape)
        if not before:
            self.x = self.norm(self.x, norm)


def _sequence(call: Call, index: int, width: int, name: str) -> Shape:
    shape = ranked(call, [2], index, "a sequence [steps, features]")
    same_size(call, width, shape[1], f"{name} is {width}, the input {show(shape)} has {shape[1]}", name)
    return shape


def _heads(call: Call) -> None:
    if call.args["d_model"] % call.args["nhead"]:
        call.fail(f"nhead {call.args['nhead']} does not divide d_model {call.args['d_model']}", "nhead")


_CAUSAL = Argument(optional(flag), "Hint that a mask is causal; changes no number (call argument).", None)
_TWO_CAUSAL: dict[str, Any] = {"tgt_is_causal": _CAUSAL, "memory_is_causal": _CAUSAL}


@layer(PYTORCH, "TransformerEncoderLayer", "Self-attention and two linear layers, each with a norm.", **_BLOCK,
       is_causal=_CAUSAL)  # fmt: skip
def encoder_layer(call: Call) -> Built:
    """Masks may follow the input."""
    at_most(call, 3)
    _heads(call)
    _sequence(call, 0, call.args["d_model"], "d_model")
    block = _Block(call)
    block.residual("attend", "norm1", "self_attn")
    block.residual("feed", "norm2")
    return composite((block.x,), block.parts)


@layer(PYTORCH, "TransformerDecoderLayer", "Self-attention, attention to a memory, and two linear layers.", **_BLOCK,
       **_TWO_CAUSAL)  # fmt: skip
def decoder_layer(call: Call) -> Built:
    """Inputs: target and memory; masks may follow."""
    at_most(call, 6)
    _heads(call)
    for index in range(2):
        _sequence(call, index, call.args["d_model"], "d_model")
    block = _Block(call)
    block.residual("attend", "norm1", "self_attn")
    block.residual("attend", "norm2", "multihead_attn", flowing(call, 1))
    block.residual("feed", "norm3")
    return composite((block.x,), block.parts)


def _times(count: int, one: Formula) -> Formula:
    """The formula of ``count`` equal layers."""
    terms = [
        term._replace(
            role=f"layers.*.{term.role}",
            expression=f"L * ({term.expression})",
            value=count * term.value,
            symbols={**term.symbols, "L": count},
        )
        for term in one.terms
    ]
    return Formula(tuple(terms), {**one.definitions, "L": attention.MEANING["L"]})


def _stacked(
    call: Call, block: Nested, count: int, norm: Nested | None, inputs: list[Tensor | None], prefix: str
) -> Built:
    one: Built | None = None
    weights: list[Weight] = []
    source, rest = inputs[0], inputs[1:]
    for index in range(count):
        one = call.nested(block, [source, *rest], f"{prefix}layers.{index}")
        weights += one.weights
        source = _first(one)
    params: dict[str, Formula] = {}
    work: Formula | Unknown | None = None
    if one is not None and one.params is not None:
        params[""] = _times(count, one.params)
    if one is not None and one.macs is not None:
        work = one.macs if isinstance(one.macs, Unknown) else _times(count, one.macs)
    if norm is not None:
        last = call.nested(norm, [source], f"{prefix}norm")
        weights += last.weights
        if last.params is not None:
            params["norm"] = last.params
        work = all_macs({"": Built((), macs=work), "norm": last})
        source = _first(last)
    return Built((source,), combine(params) if params else None, tuple(weights), work)


_COUNT = Argument(positive, "Layers in a row.")
_NORM = Argument(optional(a_layer), "A norm behind the last layer.", None)


def _expect(call: Call, value: Nested, name: str, argument: str) -> None:
    if value.entry.name != name:
        call.fail(f"{argument} must be a {name}, not {value.entry.name}", argument)


@layer(PYTORCH, "TransformerEncoder", "A stack of encoder layers.",
       encoder_layer=Argument(a_layer, "The layer that is stacked, as {type: TransformerEncoderLayer, ...}."),
       num_layers=_COUNT, norm=_NORM,
       enable_nested_tensor=Argument(flag, "Fast path; changes no number.", True),
       mask_check=Argument(flag, "Check masks; changes no number.", True), is_causal=_CAUSAL)  # fmt: skip
def encoder(call: Call) -> Built:
    """Masks may follow the input."""
    at_most(call, 3)
    _expect(call, call.args["encoder_layer"], "TransformerEncoderLayer", "encoder_layer")
    count = copies(call, "num_layers", call.args["num_layers"])
    return _stacked(call, call.args["encoder_layer"], count, call.args["norm"], [flowing(call)], "")


@layer(PYTORCH, "TransformerDecoder", "A stack of decoder layers.",
       decoder_layer=Argument(a_layer, "The layer that is stacked, as {type: TransformerDecoderLayer, ...}."),
       num_layers=_COUNT, norm=_NORM, **_TWO_CAUSAL)  # fmt: skip
def decoder(call: Call) -> Built:
    """Inputs: target and memory; masks may follow."""
    at_most(call, 6)
    _expect(call, call.args["decoder_layer"], "TransformerDecoderLayer", "decoder_layer")
    count = copies(call, "num_layers", call.args["num_layers"])
    return _stacked(call, call.args["decoder_layer"], count, call.args["norm"], [flowing(call), flowing(call, 1)], "")


def _own(kind: str, **arguments: object) -> Nested:
    """A part with this transformer's own arguments."""
    entry = entries(PYTORCH)[kind]
    args = {name: argument.default for name, argument in entry.arguments.items()}
    return Nested(entry, args | arguments, frozenset(arguments), None, True)


@layer(PYTORCH, "Transformer", "Encoder and decoder without embeddings.",
       d_model=Argument(positive, "Features of a position.", 512),
       nhead=Argument(positive, "Heads; divides d_model.", 8),
       num_encoder_layers=Argument(positive, "Encoder layers.", 6),
       num_decoder_layers=Argument(positive, "Decoder layers.", 6), **_FEED,
       custom_encoder=Argument(optional(a_layer), "Another encoder.", None),
       custom_decoder=Argument(optional(a_layer), "Another decoder.", None), **_REST,
       src_is_causal=_CAUSAL, **_TWO_CAUSAL)  # fmt: skip
def transformer(call: Call) -> Built:
    """Inputs: source and target; masks may follow. Both stacks end in a norm."""
    at_most(call, 8)
    _heads(call)
    args = call.args
    for index in range(2):
        _sequence(call, index, args["d_model"], "d_model")
    names = ("d_model", "nhead", "dim_feedforward", "dropout", "activation", "layer_norm_eps", "norm_first", "bias")
    shared = {name: args[name] for name in names}
    norm = _own("LayerNorm", normalized_shape=(args["d_model"],), eps=args["layer_norm_eps"], bias=args["bias"])
    parts: dict[str, Built] = {}
    memory: Tensor | None = flowing(call)
    sides: tuple[tuple[str, str], ...] = (
        ("encoder", "TransformerEncoderLayer"),
        ("decoder", "TransformerDecoderLayer"),
    )
    for side, kind in sides:
        inputs = [memory] if side == "encoder" else [flowing(call, 1), memory]
        custom = args[f"custom_{side}"]
        if custom is not None:
            parts[side] = call.nested(custom, inputs, side)
        else:
            count = copies(call, f"num_{side}_layers", args[f"num_{side}_layers"])
            parts[side] = _stacked(call, _own(kind, **shared), count, norm, inputs, f"{side}.")
        memory = parts[side].outputs[0]
    return composite((memory,), parts)
