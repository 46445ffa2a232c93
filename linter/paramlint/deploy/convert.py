"""From the steps of a network to TensorFlow Lite's operators, step by step."""

from __future__ import annotations

from paramlint.deploy import layout
from paramlint.deploy.draft import Draft, Fixed, Value
from paramlint.deploy.lowering import Lowering, Unconverted, View
from paramlint.deploy.operators import CONVERSIONS, load
from paramlint.ir import DType, Model, Step

#: Operators that work on any layout: their input may lie as their output is wanted.
_AGNOSTIC = frozenset({
    "Identity", "Dropout", "Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "Elu", "HardSwish", "HardSigmoid", "Add",
    "Sub", "Mul", "Div", "QuantizeLinear", "DequantizeLinear", "BatchNormalization", "Cast", "PRelu", "Pad", "Slice",
})  # fmt: skip
_WINDOWED = frozenset({
    "Conv", "ConvTranspose", "QLinearConv", "MaxPool", "AveragePool", "Resize", "Upsample", "LRN", "DepthToSpace",
    "SpaceToDepth",
})  # fmt: skip
_FREE = frozenset({"Shape", "Size"})  # known before anything runs


def convert(model: Model) -> Draft:
    """Every step that an output depends on, converted."""
    draft = Draft()
    for step in model.steps:
        if step.weights:
            draft.scales.update((one.storage, one.scales) for one in step.weights.values() if one.scales is not None)
    low = Lowering(model, draft)
    conversions = CONVERSIONS or load()
    steps = _look_back(model, low)
    for tensor in model.inputs:
        _enter(low, tensor.name)
    for place, step in steps:
        low.step, low.place = step, place
        conversion = conversions.get(step.kind)
        if _folded(low):
            continue
        try:
            if conversion is None:
                raise Unconverted("how it is converted is not known")
            conversion(low)
        except Unconverted as error:
            _keep(low, str(error))
        except (LookupError, ValueError, ArithmeticError):
            _keep(low, "its attributes, operands and shapes contradict each other")
    for name in model.outputs:
        _leave(low, name)
    idle = next((layer.name for layer in model.layers if not layer.active), None)
    if idle is not None:  # the steps hold every expert and no router
        draft.unknown[f"layer {idle}: experts are chosen as the network runs; how that is converted is not known"] = (
            None
        )
    draft.sweep()
    return draft


def _look_back(model: Model, low: Lowering) -> list[tuple[int, Step]]:
    """The steps that reach an output, with how the readers of each tensor want it to lie."""
    found: list[tuple[int, Step]] = []
    readers, wishes = low.readers, low.wishes
    for name in model.outputs:
        readers[name] = readers.get(name, 0) + 1
    for place in range(len(model.steps) - 1, -1, -1):
        step = model.steps[place]
        for name in step.outputs:
            if name in readers:
                break
        else:
            continue
        found.append((place, step))
        for name in step.inputs:
            if name:
                readers[name] = readers.get(name, 0) + 1
        if not step.inputs:
            continue
        if step.kind in _WINDOWED:
            _wish_images(model, step, wishes)
        elif wishes and step.outputs[0] in wishes:
            _pass_on(step, wishes[step.outputs[0]], wishes)
    found.reverse()
    return found


def _wish_images(model: Model, step: Step, wishes: dict[str, layout.Order]) -> None:
    """A window wants its input channels last."""
    name = step.inputs[0]
    tensor = model.tensors.get(name)
    if tensor is not None and tensor.shape is not None:
        rank = len(tensor.shape) + (not model.batch_axis)
        stated = str(step.attributes.get("layout", ""))
        wishes[name] = layout.identity(rank) if stated.endswith("C") else layout.channels_last(rank)


def _pass_on(step: Step, wish: layout.Order, wishes: dict[str, layout.Order]) -> None:
    """How a step wants its inputs to lie for its output to lie as it is wanted."""
    if step.kind == "Transpose":
        perm = step.attributes.get("perm")
        if isinstance(perm, tuple) and sorted(perm) == list(range(len(wish))):
            wishes.setdefault(step.inputs[0], layout.before_transpose(wish, perm))
    elif step.kind in _AGNOSTIC:
        for name in step.inputs:
            if name:
                wishes.setdefault(name, wish)


def _enter(low: Lowering, name: str) -> None:
    """An input of the network; where a convolution reads it, channels last. Keras says itself how it lies."""
    tensor = low.model.tensors[name]
    value = Value(name, None, tensor.dtype)
    value.inner = False
    low.draft.inputs.append(value)
    if tensor.shape is None:
        low.draft.unknown[f"the shape of {name} is not known"] = None
        return
    shape = low.shape(name)
    order, turned = layout.identity(len(shape)), layout.channels_last(len(shape))
    if low.wishes.get(name) == turned and not low.keras:
        order = turned
    value.shape = layout.physical(shape, order)
    low.views[name] = View(value, order)


def _leave(low: Lowering, name: str) -> None:
    """An output of the network; a Transpose of the source that no convolution undid is an operator."""
    view = low.views.get(name)
    if view is None:
        low.draft.assumed[f"output {name} is a constant and takes no buffer"] = None
        return
    value = view.value
    if view.turned is not None and len(view.order) < 4:
        value = low.plain(view)
        if value.node is not None:
            value.name = name
    value.outputs += 1
    low.draft.outputs.append(value)


def _folded(low: Lowering) -> bool:
    """Whether the step's result is known before anything runs, so that nothing of it is left."""
    step = low.step
    if step.kind in _FREE and step.inputs:
        known = _settled(low, step.inputs[0])
    else:
        for name in step.inputs:
            if name and name not in low.constants:
                return False
        known = bool(step.inputs) and (bool(step.weights) or any(step.inputs))
    if not known or not all(_settled(low, name) for name in step.outputs):
        return False
    for name in step.outputs:
        shape = tuple([size for size in low.shape(name) if isinstance(size, int)])
        low.constants[name] = Fixed(shape, low.tensor(name).dtype, name, False)
    return True


def _settled(low: Lowering, name: str) -> bool:
    """Whether every size of a tensor is a number."""
    tensor = low.model.tensors.get(name)
    return tensor is not None and tensor.shape is not None and all(isinstance(size, int) for size in tensor.shape)


def _keep(low: Lowering, reason: str) -> None:
    """An operator whose converted form is not known, under its own name."""
    step, draft = low.step, low.draft
    name, domain = step.kind, ""
    if "::" in name:
        domain, _, name = name.partition("::")
    where = f"{step.layer} ({step.kind})" if step.layer else step.kind
    draft.unknown[f"{where}: {reason}"] = None
    inputs: list[Value | Fixed | None] = []
    for index, source in enumerate(step.inputs):
        view = low.views.get(source) if source else None
        weight = step.weights.get(index)
        held = Fixed(weight.shape, weight.dtype, weight.storage, weight.role != "constant") if weight else None
        inputs.append(view.value if view is not None else held)
    inputs += [
        Fixed(weight.shape, weight.dtype, weight.storage, weight.role != "constant")
        for index, weight in step.weights.items()
        if index >= len(step.inputs)
    ]
    made = []
    for output in step.outputs:
        if not output:
            continue
        tensor = low.model.tensors.get(output)
        shape = low.shape(output) if tensor is not None and tensor.shape is not None else None
        value = Value(output, shape, tensor.dtype if tensor is not None else DType.UNDEFINED)
        value.inner = False
        made.append(value)
        low.views[output] = View(value, layout.identity(len(shape or ())))
    node = draft.add(name, inputs, made, name, step.layer or step.kind, low.place)
    node.domain = domain
