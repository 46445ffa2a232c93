"""``SwiGLU``: the gated feed-forward block of Llama, PaLM and their kin."""

from __future__ import annotations

from paramlint.formulas import formula, gated, macs
from paramlint.ir import Tensor, Weight
from paramlint.loaders.spec.arguments import flag, optional, positive
from paramlint.loaders.spec.layer_checks import at_most, flowing, project, symbol, width
from paramlint.loaders.spec.vocabulary import BOTH, Argument, Built, Call, layer

_PARTS = {"gate_proj": (gated.IN_KERNEL, gated.IN_BIAS), "up_proj": (gated.IN_KERNEL, gated.IN_BIAS)} | {
    "down_proj": (gated.OUT_KERNEL, gated.OUT_BIAS)
}


@layer(BOTH, "SwiGLU", "Gated feed-forward on the last axis: down(silu(gate(x)) * up(x)).",
       in_features=Argument(optional(positive), "Features of the input; inferred when left out.", None),
       hidden_features=Argument(positive, "Features between, of the gate and of what it gates."),
       out_features=Argument(optional(positive), "Features of the output; those of the input by default.", None),
       bias=Argument(flag, "Add a learned bias to all three projections.", False))  # fmt: skip
def swiglu(call: Call) -> Built:
    """Three projections; the gate costs no multiply-accumulates."""
    at_most(call, 1)
    shape = call.shape()
    if not shape:
        call.fail("SwiGLU needs an input with at least one axis beside the batch, got []")
    features = width(call, "in_features", shape[-1], shape)
    hidden, out = call.args["hidden_features"], call.args["out_features"] or features
    weights: dict[str, Weight] = {}
    terms: dict[str, str] = {}

    def projected(source: Tensor, name: str, inputs: int, outputs: int) -> Tensor:
        kernel, bias = _PARTS[name]
        weights[f"{name}.weight"], terms[f"{name}.weight"] = call.weight(f"{name}.weight", outputs, inputs), kernel
        if call.args["bias"]:
            weights[f"{name}.bias"], terms[f"{name}.bias"] = call.weight(f"{name}.bias", outputs), bias
        return project(call, source, weights[f"{name}.weight"], weights.get(f"{name}.bias"), (*shape[:-1], outputs))

    gate = projected(flowing(call), "gate_proj", features, hidden)
    wide = (*shape[:-1], hidden)
    opened = call.step("Mul", [gate, call.step("Sigmoid", [gate], wide)], wide)
    up = projected(flowing(call), "up_proj", features, hidden)
    made = projected(call.step("Mul", [opened, up], wide), "down_proj", hidden, out)
    symbols = {"i": features, "f": hidden, "o": out}
    work = macs(gated.MACS, {"n": symbol(shape[:-1]), **symbols}, gated.MEANING)
    return Built((made,), formula(terms, symbols, gated.MEANING), tuple(weights.values()), work)
