"""The gated feed-forward of Llama: ``down(silu(gate(x)) * up(x))`` (Shazeer, "GLU Variants Improve Transformer")."""

MEANING = {
    "i": "input features",
    "f": "hidden features",
    "o": "output features",
    "n": "positions, product of the leading axes",
}
IN_KERNEL = "i * f"
IN_BIAS = "f"
OUT_KERNEL = "f * o"
OUT_BIAS = "o"
MACS = "n * (2 * i * f + f * o)"
