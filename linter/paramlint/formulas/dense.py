"""Fully connected layers.

Dense / Linear: ``y = x W + b`` on the last axis (Keras ``layers.Dense``, PyTorch ``nn.Linear``, ONNX Gemm-13).
"""

from paramlint.formulas import formula
from paramlint.ir import Formula

MEANING = {
    "i": "input features",
    "o": "output features",
    "n": "positions, product of the leading axes",
    "r": "LoRA rank",
    "c": "frequent classes",
    "t": "clusters of rare classes",
    "z": "features of a cluster",
    "u": "classes of a cluster",
    "j": "features of the second input",
    "w": "elements of the kernel",
}
KERNEL = "i * o"
BIAS = "o"
MACS = "n * i * o"
LORA_A = "i * r"  # Keras ``lora_rank``: the kernel is frozen, a product of two thin matrices is trained beside it
LORA_B = "r * o"
EINSUM_MACS = "n * w"  # Keras EinsumDense: each index that the kernel has not repeats the whole kernel's work
HEAD = "i * (c + t)"  # PyTorch nn.AdaptiveLogSoftmaxWithLoss: the frequent classes and one output per cluster
HEAD_BIAS = "c + t"
TAIL_DOWN = "i * z"
TAIL_UP = "z * u"
BILINEAR_KERNEL = "i * j * o"  # PyTorch nn.Bilinear


def dense(inputs: int, outputs: int, bias: bool) -> Formula:
    """Parameters of one dense layer: 3 -> 5 with bias is 3 * 5 + 5 = 20."""
    terms = {"kernel": KERNEL} | ({"bias": BIAS} if bias else {})
    return formula(terms, {"i": inputs, "o": outputs}, MEANING)
