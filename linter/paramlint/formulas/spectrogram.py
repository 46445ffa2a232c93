"""Spectrograms: Keras's ``STFTSpectrogram`` transforms by convolution, ``MelSpectrogram`` maps frequencies to bands."""

MEANING = {
    "f": "samples of a frame",
    "b": "frequencies",
    "p": "kernels, of the real and of the imaginary part",
    "c": "channels",
    "t": "frames",
    "m": "mel bands",
    "P": "product of the axes before the samples",
}
KERNEL = "f * b"
MACS = "p * c * t * f * b"
MEL_MACS = "P * t * b * m"
