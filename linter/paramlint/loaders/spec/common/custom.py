"""``Custom``: a layer that no vocabulary has, by its figures. One that is left out is unknown, never 0."""

from __future__ import annotations

from paramlint.formulas import formula
from paramlint.ir import Unknown
from paramlint.loaders.spec.arguments import non_negative, optional, shape
from paramlint.loaders.spec.vocabulary import BOTH, Argument, Built, Call, layer

_UNSAID = "the Custom layer does not state its {}"


@layer(BOTH, "Custom", "A layer of your own, by its figures; one left out is unknown.",
       params=Argument(optional(non_negative), "Its parameters; unknown when left out.", None),
       macs=Argument(optional(non_negative), "Its multiply-accumulates for one sample; unknown when left out.", None),
       output=Argument(optional(shape), "Shape of its output, without batch; unknown when left out.", None),
       )  # fmt: skip
def custom(call: Call) -> Built:
    """Any inputs, one output."""
    count, work, sizes = call.args["params"], call.args["macs"], call.args["output"]
    out = call.output(sizes)
    macs = Unknown(_UNSAID.format("macs")) if work is None else formula({"macs": "m"}, {"m": work}, {"m": "as stated"})
    if count is None:
        return Built((out,), macs=macs, unknown=(_UNSAID.format("params"),))
    if not count:
        return Built((out,), macs=macs)
    weight = call.weight("params", count)
    return Built((out,), formula({"params": "p"}, {"p": count}, {"p": "as stated"}), (weight,), macs)
