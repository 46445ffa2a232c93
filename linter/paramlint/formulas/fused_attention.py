"""Attention as one operator, after or with its projections (ONNX Attention-23, LinearAttention-27, com.microsoft).

Scores and weighted sums are counted in full: a causal mask or a window does not reduce them.
"""

MEANING = {
    "n": "batch",
    "H": "query heads",
    "N": "key and value heads",
    "t": "query positions",
    "s": "key positions, cached ones included",
    "d": "size of a query and key head",
    "v": "size of a value head",
    "e": "input features",
    "q": "query features, all heads",
    "k": "key features, all heads",
    "w": "value features, all heads",
    "u": "products with the state per key head: 1, with the delta rule 2",
}
MACS = "n * H * t * s * (d + v)"
MERGED_KERNEL = "e * (q + k + w)"
MERGED_BIAS = "q + k + w"
MERGED_MACS = "n * t * e * (q + k + w) + n * t * s * (q + w)"
CROSS_MACS = "n * t * e * q + n * s * e * (k + w) + n * t * s * (q + w)"
LINEAR_MACS = "n * t * (H + u * N) * d * v"
