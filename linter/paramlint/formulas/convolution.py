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
}
KERNEL = "(i / G) * K * o"
BIAS = "o"
MACS = "P * (i / G) * K * o"
TRANSPOSED_KERNEL = "i * K * (o / G)"
TRANSPOSED_MACS = "N * i * K * (o / G)"
