"""``Mamba``, the selective state-space block, with the arguments of its reference implementation."""

from __future__ import annotations

from fractions import Fraction
from math import floor

from paramlint.formulas import formula, macs, state_space
from paramlint.loaders.spec.arguments import anything, choice, flag, number, one_of, positive, positive_number
from paramlint.loaders.spec.layer_checks import at_most, ranked, width
from paramlint.loaders.spec.vocabulary import BOTH, Argument, Built, Call, layer


def _number(doc: str, default: Fraction | int) -> Argument:
    return Argument(number, doc, default)


@layer(BOTH, "Mamba", "Selective state-space block over a sequence.",
       d_model=Argument(positive, "Features of a position."),
       d_state=Argument(positive, "State held for each inner feature.", 16),
       d_conv=Argument(positive, "Window of the causal convolution.", 4),
       expand=Argument(positive_number, "Inner features for each feature of a position.", 2),
       dt_rank=Argument(one_of(positive, choice("auto")), "Rank of the step size; auto is d_model / 16.", "auto"),
       dt_min=_number("Smallest step size at first.", Fraction(1, 1000)),
       dt_max=_number("Largest step size at first.", Fraction(1, 10)),
       dt_init=Argument(choice("random", "constant"), "How the step size's projection begins.", "random"),
       dt_scale=_number("Scale of that.", 1),
       dt_init_floor=_number("Lower bound of the step size at first.", Fraction(1, 10_000)),
       conv_bias=Argument(flag, "Add a learned bias to the convolution.", True),
       bias=Argument(flag, "Add a learned bias to the projections in and out.", False),
       use_fast_path=Argument(flag, "Fused kernels; changes no number.", True),
       layer_idx=Argument(anything, "Place in a model; changes no number.", None),
       device=Argument(anything, "Where the weights live; without meaning for any number.", None))  # fmt: skip
def mamba(call: Call) -> Built:
    """Input and output are [positions, features]."""
    at_most(call, 1)
    args, shape = call.args, ranked(call, [2], what="a sequence [steps, features]")
    embed, state, window = width(call, "d_model", shape[1], shape), args["d_state"], args["d_conv"]
    wide = floor(args["expand"] * embed)
    if wide < 1:
        call.fail(f"expand {float(args['expand']):g} leaves nothing of {embed} features", "expand")
    rank = -(-embed // 16) if args["dt_rank"] == "auto" else args["dt_rank"]
    parts = {
        "in_proj.weight": ((2 * wide, embed), state_space.IN_KERNEL, True),
        "in_proj.bias": ((2 * wide,), state_space.IN_BIAS, args["bias"]),
        "conv1d.weight": ((wide, 1, window), state_space.WINDOW, True),
        "conv1d.bias": ((wide,), state_space.WINDOW_BIAS, args["conv_bias"]),
        "x_proj.weight": ((rank + 2 * state, wide), state_space.SELECTION, True),
        "dt_proj.weight": ((wide, rank), state_space.STEP_KERNEL, True),
        "dt_proj.bias": ((wide,), state_space.STEP_BIAS, True),
        "A_log": ((wide, state), state_space.DECAY, True),
        "D": ((wide,), state_space.SKIP, True),
        "out_proj.weight": ((embed, wide), state_space.OUT_KERNEL, True),
        "out_proj.bias": ((embed,), state_space.OUT_BIAS, args["bias"]),
    }
    weights = tuple(call.weight(role, *sizes) for role, (sizes, _, there) in parts.items() if there)
    terms = {role: text for role, (_, text, there) in parts.items() if there}
    symbols = {"e": embed, "d": wide, "k": window, "s": state, "r": rank}
    work = macs(state_space.MACS, {"T": shape[0], **symbols}, state_space.MEANING)
    return Built((call.output(shape),), formula(terms, symbols, state_space.MEANING), weights, work)
