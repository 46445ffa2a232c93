"""The deployment view of a network: what a converter makes of it and a microcontroller runtime executes."""

from __future__ import annotations

import gc

from paramlint.deploy.assumed import assumptions
from paramlint.deploy.convert import convert
from paramlint.deploy.finish import finish
from paramlint.deploy.model import CONSTANT as CONSTANT
from paramlint.deploy.model import Buffer as Buffer
from paramlint.deploy.model import Constant as Constant
from paramlint.deploy.model import Deployed as Deployed
from paramlint.deploy.model import Operator as Operator
from paramlint.deploy.passes import rewrite
from paramlint.deploy.types import settle
from paramlint.ir import DType, Model


def deploy(model: Model, dtype: DType | None = None) -> Deployed:
    """The operators and buffers that TensorFlow Lite's converter would make of a network.

    ``dtype`` is the element type wanted (``--as``); a spec has its own, an ONNX graph without one keeps what it
    states.
    """
    if dtype is None and model.format == "spec":
        dtype = model.dtype or DType.FLOAT32
    collecting = gc.isenabled()
    gc.disable()  # a draft is many small objects and no rubbish until it is finished
    try:
        draft = convert(model)
        rewrite(draft)
        settle(draft, dtype)
        draft.assumed.update(dict.fromkeys(assumptions(model, draft, dtype)))
        return finish(draft, dtype)
    finally:
        if collecting:
            gc.enable()
