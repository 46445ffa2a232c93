"""``nn.Linear``, ``nn.Bilinear``, ``nn.Identity`` and their lazy forms."""

from __future__ import annotations

from paramlint.formulas import dense, formula, macs
from paramlint.loaders.spec.arguments import positive
from paramlint.loaders.spec.layer_checks import at_most, flowing, project, ranked, same_size, show, symbol, width
from paramlint.loaders.spec.pytorch.checks import BIAS, DEVICE, inferred
from paramlint.loaders.spec.vocabulary import PYTORCH, Argument, Built, Call, layer

_OUT = Argument(positive, "Features of the output's last axis.")
_IN = Argument(inferred, "Features of the input's last axis; inferred when left out.", None)


@layer(PYTORCH, "Linear", "Fully connected layer on the last axis.",
       in_features=_IN, out_features=_OUT, bias=BIAS, device=DEVICE)  # fmt: skip
@layer(PYTORCH, "LazyLinear", "Fully connected layer whose input width is always inferred.",
       out_features=_OUT, bias=BIAS, device=DEVICE)  # fmt: skip
def linear(call: Call) -> Built:
    """Weight [out, in] on the last axis of any shape."""
    at_most(call, 1)
    shape = call.shape()
    if not shape:
        call.fail("Linear needs an input with at least one axis beside the batch, got []")
    features, units = width(call, "in_features", shape[-1], shape), call.args["out_features"]
    weight = call.weight("weight", units, features)
    bias = call.weight("bias", units) if call.args["bias"] else None
    out = (*shape[:-1], units)
    params = formula(
        {"weight": dense.KERNEL} | ({"bias": dense.BIAS} if bias else {}), {"i": features, "o": units}, dense.MEANING
    )
    work = macs(dense.MACS, {"n": symbol(shape[:-1]), "i": features, "o": units}, dense.MEANING)
    weights = (weight, bias) if bias else (weight,)
    return Built((project(call, flowing(call), weight, bias, out),), params, weights, work)


@layer(PYTORCH, "Bilinear", "Bilinear form of two inputs: x1 A x2 + b on their last axes.",
       in1_features=Argument(inferred, "Features of the first input; inferred when left out.", None),
       in2_features=Argument(inferred, "Features of the second input; inferred when left out.", None),
       out_features=_OUT, bias=BIAS, device=DEVICE)  # fmt: skip
def bilinear(call: Call) -> Built:
    """Weight [out, in1, in2]; the contraction counts no MACs by the project's convention."""
    at_most(call, 2)
    first, second = call.shape(0), call.shape(1)
    if not first or len(first) != len(second):
        call.fail(f"Bilinear needs two inputs of equal rank, got {show(first)} and {show(second)}")
    for mine, other in zip(first[:-1], second[:-1], strict=True):
        same_size(call, mine, other, f"the inputs {show(first)} and {show(second)} differ before their last axis")
    left, right = width(call, "in1_features", first[-1], first), width(call, "in2_features", second[-1], second)
    units = call.args["out_features"]
    weights = [call.weight("weight", units, left, right)]
    terms = {"weight": dense.BILINEAR_KERNEL}
    if call.args["bias"]:
        weights.append(call.weight("bias", units))
        terms["bias"] = dense.BIAS
    params = formula(terms, {"i": left, "j": right, "o": units}, dense.MEANING)
    return Built((call.output((*first[:-1], units)),), params, tuple(weights))


@layer(PYTORCH, "Identity", "Passes its input on.")
def identity(call: Call) -> Built:
    """The same tensor."""
    at_most(call, 1)
    return Built((call.step("Identity", [flowing(call)], ranked(call, [len(call.shape())]), None),))
