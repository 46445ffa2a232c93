"""The selective state-space block (Gu and Dao, "Mamba"), as its reference implementation holds and computes it.

The state's update is element by element and counts nothing; reading it out is a product with the state.
"""

MEANING = {
    "e": "features of a position",
    "d": "inner features, floor(expand * e)",
    "k": "window of the convolution",
    "s": "state per inner feature",
    "r": "rank of the step size, ceil(e / 16) unless given",
    "T": "positions",
}
IN_KERNEL = "e * 2 * d"
IN_BIAS = "2 * d"
WINDOW = "d * k"
WINDOW_BIAS = "d"
SELECTION = "d * (r + 2 * s)"
STEP_KERNEL = "r * d"
STEP_BIAS = "d"
DECAY = "d * s"
SKIP = "d"
OUT_KERNEL = "d * e"
OUT_BIAS = "e"
MACS = "T * (e * 2 * d + d * k + d * (r + 2 * s) + r * d + d * s + d * e)"
