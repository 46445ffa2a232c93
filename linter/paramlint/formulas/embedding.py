"""Look-up tables: one learned row per entry of the vocabulary (Keras ``Embedding``, PyTorch ``nn.Embedding``)."""

MEANING = {
    "V": "entries of the vocabulary",
    "d": "features of one entry",
    "r": "LoRA rank",
    "n": "positions, product of the leading axes",
}
TABLE = "V * d"
LORA_A = "V * r"  # Keras ``lora_rank``
LORA_B = "r * d"
REVERSE_TABLE = "d * V"  # Keras ReversibleEmbedding with untied weights
REVERSE_MACS = "n * d * V"
