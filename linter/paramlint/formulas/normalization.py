"""Normalisation: one scale and one shift per channel or normalised element; statistics are held beside them.

Sources: PyTorch ``nn.BatchNormNd``, ``LayerNorm``, ``GroupNorm``, ``RMSNorm``; Keras ``BatchNormalization``.
None of it is counted as multiply-accumulates.
"""

MEANING = {
    "c": "channels",
    "A": "product of the normalised axes",
    "o": "last axis of the kernel",
}
SCALE = "c"
SHIFT = "c"
STATISTIC = "c"
ELEMENT_SCALE = "A"
ELEMENT_SHIFT = "A"
ELEMENT_STATISTIC = "A"
SINGULAR_VECTOR = "o"  # Keras SpectralNormalization
