"""Convolutions of any rank, grouped and transposed (ONNX Conv-22, ConvTranspose-22; PyTorch ``nn.ConvNd``).

Zero padding is counted: a window does the same work at the border. A transposed convolution spreads each input
element over its kernel, so its work follows the input positions.
"""

MEANING = {
    "i": "input channels",
    "o": "output channels",
    "G": "groups",
    "K": "elements of the kernel window",
    "P": "output positions",
    "N": "input positions",
    "m": "depth multiplier, outputs of each input channel",
    "r": "LoRA rank",
    "t": "taps of the window that lie inside the input, over all output positions",
}
KERNEL = "(i / G) * K * o"
BIAS = "o"
MACS = "P * (i / G) * K * o"
TRANSPOSED_KERNEL = "i * K * (o / G)"
TRANSPOSED_MACS = "N * i * K * (o / G)"

# Keras DepthwiseConv and SeparableConv: every input channel has windows of its own, then a 1x1 mixes them
DEPTHWISE_KERNEL = "K * i * m"
DEPTHWISE_BIAS = "i * m"
DEPTHWISE_MACS = "P * K * i * m"
POINTWISE_KERNEL = "i * m * o"
SEPARABLE_MACS = "P * (K * i * m + i * m * o)"

# Keras ``lora_rank``
LORA_A = "K * (i / G) * r"
LORA_B = "r * o"

# Keras 2 LocallyConnected: a window of its own at each position; as windows, a dense masked matrix, its taps alone
LOCAL_KERNEL = "P * K * i * o"
LOCAL_DENSE_KERNEL = "N * i * P * o"
LOCAL_SPARSE_KERNEL = "t * i * o"
LOCAL_BIAS = "P * o"
