"""``Dense`` and ``EinsumDense``: a kernel [in, out], or one whose axes an equation names."""

from __future__ import annotations

from typing import Any

from paramlint.formulas import dense, formula, macs
from paramlint.ir import Formula, Weight
from paramlint.loaders.spec.arguments import anything, one_of, optional, positive, target_shape, text
from paramlint.loaders.spec.keras.checks import ACTIVATION, LORA, USE_BIAS, activate, fitted, keras_layer, lora
from paramlint.loaders.spec.keras.equation import Equation
from paramlint.loaders.spec.keras.windows import fixed
from paramlint.loaders.spec.layer_checks import at_most, flowing, product, project, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_QUANTIZATION = Argument(anything, "How a quantized type is made; changes no number here.", None)


@keras_layer("Dense", "Fully connected layer on the last axis.",
             units=Argument(positive, "Output features."), activation=ACTIVATION, use_bias=USE_BIAS,
             **fitted("kernel", "bias"), **LORA, quantization_config=_QUANTIZATION)  # fmt: skip
def fully_connected(call: Call) -> Built:
    """Kernel [in, out] on the last axis of any shape."""
    at_most(call, 1)
    shape, units = call.shape(), call.args["units"]
    if not shape:
        call.fail("Dense needs an input with at least one axis beside the batch, got []")
    features = fixed(call, shape[-1], shape, "last axis")
    kernel, adapters = lora(call, call.weight("kernel", features, units))
    bias = call.weight("bias", units) if call.args["use_bias"] else None
    terms = {"kernel": dense.KERNEL} | ({"bias": dense.BIAS} if bias else {})
    symbols = {"i": features, "o": units}
    if adapters:
        terms |= {"lora_kernel_a": dense.LORA_A, "lora_kernel_b": dense.LORA_B}
        symbols["r"] = call.args["lora_rank"]
    work = macs(dense.MACS, {"n": symbol(shape[:-1]), "i": features, "o": units}, dense.MEANING)
    turned = kernel._replace(shape=kernel.shape[::-1])
    made = project(call, flowing(call), turned, bias, (*shape[:-1], units))
    weights = (kernel, *([bias] if bias else []), *adapters)
    return activate(call, Built((made,), formula(terms, symbols, dense.MEANING), weights, work))


@keras_layer("EinsumDense", "Fully connected layer along the axes that an equation names.",
             equation=Argument(text, "Input, kernel and output axes, such as abc,cd->abd or ...x,xy->...y."),
             output_shape=Argument(one_of(positive, target_shape),
                                   "Sizes of the output without batch and '...' axes; null where the input says it."),
             activation=ACTIVATION, bias_axes=Argument(optional(text), "Output axes that have a bias.", None),
             **fitted("kernel", "bias"), **LORA,
             gptq_unpacked_column_size=Argument(anything, "Of a quantized kernel; changes no number here.", None),
             quantization_config=_QUANTIZATION)  # fmt: skip
def einsum_dense(call: Call) -> Built:
    """The kernel's axes get their sizes from the output, else from the input."""
    at_most(call, 1)
    equation = Equation(call)
    kernel, adapters = lora(call, call.weight("kernel", *equation.kernel_shape))
    weights, shape = [kernel], equation.output
    if equation.is_dense:
        turned = kernel._replace(shape=kernel.shape[::-1])
        made = project(call, flowing(call), turned, None, shape)
    else:
        made = call.step("Einsum", [flowing(call), None], shape, {"equation": equation.text}, {1: kernel})
    if equation.bias_shape is not None:
        bias = call.weight("bias", *equation.bias_shape)
        weights.append(bias)
        made = call.step("Add", [made, None], shape, None, {1: bias})
    count = product(kernel.shape)
    work = macs(dense.EINSUM_MACS, {"n": symbol(equation.repeated), "w": count}, dense.MEANING)
    return activate(call, Built((made,), _einsum_params(call, equation, adapters), (*weights, *adapters), work))


def _einsum_params(call: Call, equation: Equation, adapters: tuple[Weight, ...]) -> Formula:
    """The equation's own letters are the symbols: ``abc,cde->abde`` has a kernel of c * d * e."""
    terms: dict[str, str] = {"kernel": " * ".join(equation.kernel_axes)}
    symbols: dict[str, Any] = dict(zip(equation.kernel_axes, equation.kernel_shape, strict=True))
    if equation.bias_axes:
        terms["bias"] = " * ".join(equation.bias_axes)
        symbols |= {letter: equation.size(letter) for letter in equation.bias_axes}
    meanings = {letter: f"axis {letter} of the equation" for letter in symbols}
    if adapters:
        rank = "rank"
        terms["lora_kernel_a"] = " * ".join((*equation.kernel_axes[:-1], rank))
        terms["lora_kernel_b"] = f"{rank} * {equation.kernel_axes[-1]}"
        symbols[rank], meanings[rank] = call.args["lora_rank"], dense.MEANING["r"]
    return formula(terms, symbols, meanings)
