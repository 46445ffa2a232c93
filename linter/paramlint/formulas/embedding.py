"""Look-up tables: one learned row per entry of the vocabulary (Keras ``Embedding``, PyTorch ``nn.Embedding``)."""

MEANING = {
    "V": "entries of the vocabulary",
    "d": "features of one entry",
}
TABLE = "V * d"
