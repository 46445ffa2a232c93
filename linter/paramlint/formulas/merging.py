"""Layers that multiply two inputs along one axis of each (Keras ``layers.Dot``, ``batch_dot``)."""

MEANING = {
    "m": "product of the first input's other axes",
    "d": "length of the axes that are multiplied",
    "n": "product of the second input's other axes",
}
DOT_MACS = "m * d * n"
