"""What PyTorch layers share: arguments that most of them have, and widths that may be inferred."""

from __future__ import annotations

from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import anything, flag, optional, positive
from paramlint.loaders.spec.layer_checks import show
from paramlint.loaders.spec.vocabulary import Argument, Call

DEVICE = Argument(anything, "Where the weights live; without meaning for any number.", None)
BIAS = Argument(flag, "Add a learned bias.", True)
INPLACE = Argument(flag, "Overwrite the input; changes no number.", False)
inferred = optional(positive)


def width(call: Call, name: str, actual: Dim, shape: Shape) -> int:
    """A width PyTorch wants repeated: what is written must equal what arrives; either may be missing, not both."""
    given = call.args.get(name)
    if isinstance(actual, int):
        if given is not None and given != actual:
            call.fail(
                f"{name} is {given}, the input {show(shape)} has {actual}", name, f"write {actual}, or leave it out"
            )
        if actual == 0:
            call.fail(f"the input {show(shape)} has no {name.replace('_', ' ')}")
        return actual
    if given is None:
        where = f"the input {show(shape)} does not fix it"
        call.fail(f"{call.type} cannot infer {name}: {where}", None, f"write {name} or fix the size")
    return int(given)
