"""Multi-head attention of Keras, whose key width is that of one head (``MultiHeadAttention``, ``GroupQueryAttention``).

A projection maps the features of its input to heads of a size; scores and weighted sums are counted in full: masks
do not reduce them. ``Attention`` and ``AdditiveAttention`` have no projections.
"""

MEANING = {
    "H": "query heads",
    "N": "key and value heads",
    "d": "size of a query and key head",
    "w": "size of a value head",
    "q": "query features",
    "k": "key features",
    "v": "value features",
    "o": "output features",
    "t": "query positions that attend",
    "s": "key positions they attend to",
    "P": "product of the axes that attention does not run over",
    "x": "query positions, all axes",
    "y": "key positions, all axes",
}
QUERY_KERNEL = "q * H * d"
QUERY_BIAS = "H * d"
KEY_KERNEL = "k * H * d"
KEY_BIAS = "H * d"
VALUE_KERNEL = "v * H * w"
VALUE_BIAS = "H * w"
GATE_KERNEL = "q * H * w"
GATE_BIAS = "H * w"
OUT_KERNEL = "H * w * o"
OUT_BIAS = "o"
MACS = "t * q * H * d + s * H * (k * d + v * w) + t * s * H * (d + w) + t * H * w * o"
MACS_OVER_AXES = "x * q * H * d + y * H * (k * d + v * w) + P * t * s * H * (d + w) + x * H * w * o"
GATE_MACS = "x * q * H * w"

# GroupQueryAttention: several query heads share one key and value head.
SHARED_KEY_KERNEL = "k * N * d"
SHARED_KEY_BIAS = "N * d"
SHARED_VALUE_KERNEL = "v * N * w"
SHARED_VALUE_BIAS = "N * w"
SHARED_MACS = "t * q * H * d + s * N * (k * d + v * w) + t * s * H * (d + w) + t * H * w * o"

# Attention and AdditiveAttention; a score that is added up has no product.
SCALE = "1"
FEATURE_SCALE = "d"
DOT_MACS = "P * t * s * (d + w)"
ADDED_MACS = "P * t * s * w"
