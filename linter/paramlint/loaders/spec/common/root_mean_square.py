"""``RMSNorm``, which PyTorch has under this name and Keras under another with other arguments."""

from __future__ import annotations

from math import prod

from paramlint.formulas import formula, normalization
from paramlint.loaders.spec.arguments import anything, flag, integer_list, number, optional
from paramlint.loaders.spec.layer_checks import flowing, trailing
from paramlint.loaders.spec.vocabulary import BOTH, Argument, Built, Call, layer

_SHAPE = Argument(integer_list(1, minimum=1, single=True), "Trailing axes that are normalised together.")


@layer(BOTH, "RMSNorm", "Division by the root mean square of the trailing axes.",
       normalized_shape=_SHAPE, eps=Argument(optional(number), "Added to the mean square.", None),
       elementwise_affine=Argument(flag, "Learn one number per normalised element.", True),
       device=Argument(anything, "Where the weights live; without meaning for any number.", None))  # fmt: skip
def rms_norm(call: Call) -> Built:
    """One scale per normalised element, no shift."""
    wanted = trailing(call)
    attributes: dict[str, float] = {"axis": len(call.shape()) - len(wanted) + 1}
    if call.args["eps"] is not None:
        attributes["epsilon"] = float(call.args["eps"])
    if not call.args["elementwise_affine"]:
        return Built((call.step("RMSNormalization", [flowing(call)], call.shape(), attributes),))
    weight = call.weight("weight", *wanted)
    params = formula({"weight": normalization.ELEMENT_SCALE}, {"A": prod(wanted)}, normalization.MEANING)
    made = call.step("RMSNormalization", [flowing(call), None], call.shape(), attributes, {1: weight})
    return Built((made,), params, (weight,))
