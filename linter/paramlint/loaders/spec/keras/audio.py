"""Keras's layers for sound: spectrograms of a signal, and their mel form."""

from __future__ import annotations

from fractions import Fraction

from paramlint.formulas import formula, macs, pooling, spectrogram
from paramlint.ir import Dim, Shape
from paramlint.loaders.spec.arguments import (
    anything,
    choice,
    flag,
    non_negative_number,
    number,
    one_of,
    optional,
    positive,
    text,
)
from paramlint.loaders.spec.keras.checks import keras_layer
from paramlint.loaders.spec.keras.windows import DATA_FORMAT, PADDING, Window, channels_first, fixed, joined, parted
from paramlint.loaders.spec.layer_checks import at_most, ranked, show, symbol
from paramlint.loaders.spec.vocabulary import Argument, Built, Call

_MODES = ("log", "magnitude", "psd", "real", "imag", "angle", "stft")


@keras_layer("STFTSpectrogram", "Short-time Fourier transform as two convolutions, whose kernels count as parameters.",
             mode=Argument(choice(*_MODES), "What of the complex result is given.", "log"),
             frame_length=Argument(positive, "Samples of a frame.", 256),
             frame_step=Argument(optional(positive), "Samples from frame to frame; half a frame by default.", None),
             fft_length=Argument(optional(positive), "Length of the transform; by default a power of two.", None),
             window=Argument(optional(one_of(text, anything)), "Name of the window; changes no number.", "hann"),
             periodic=Argument(flag, "Periodic window; changes no number.", False),
             scaling=Argument(optional(choice("density", "spectrum")), "Scale of the result.", "density"),
             padding=PADDING,
             expand_dims=Argument(flag, "Keep channels and frequencies apart.", False),
             data_format=DATA_FORMAT)  # fmt: skip
def stft_spectrogram(call: Call) -> Built:
    """Each channel alone; a kernel [frame, 1, frequencies] for the real and one for the imaginary part."""
    at_most(call, 1)
    args, shape = call.args, ranked(call, [2], what="a signal [samples, channels]")
    (samples,), channels = parted(call, shape)
    fixed(call, channels, shape)
    frame = args["frame_length"]
    step = args["frame_step"] or frame // 2
    if not 1 <= step <= frame:
        call.fail(f"frame_step {step} must lie between 1 and frame_length {frame}", "frame_step")
    if args["fft_length"] is not None and args["fft_length"] < frame:
        call.fail(f"fft_length {args['fft_length']} is below frame_length {frame}", "fft_length")
    length = args["fft_length"] or 1 << (frame - 1).bit_length()
    (frames,) = Window((frame,), (step,), args["padding"]).lengths(call, (samples,), "frame_length")
    tones = length // 2 + 1
    parts = [name for name in ("real", "imag") if args["mode"] != {"real": "imag", "imag": "real"}[name]]
    weights = tuple(call.weight(f"{name}_kernel", frame, 1, tones) for name in parts)
    symbols = {"f": frame, "b": tones}
    params = formula({weight.role: spectrogram.KERNEL for weight in weights}, symbols, spectrogram.MEANING)
    places: dict[str, Dim] = {"p": len(parts), "c": channels, "t": frames, **symbols}
    work = macs(spectrogram.MACS, places, spectrogram.MEANING)
    return Built((call.output(_spectrum(call, frames, tones, channels)),), params, weights, work)


def _spectrum(call: Call, frames: Dim, tones: int, channels: Dim) -> Shape:
    shown = tones * (2 if call.args["mode"] == "stft" else 1)
    if call.args["expand_dims"]:
        return (channels, frames, shown) if channels_first(call) else (frames, shown, channels)
    return joined(call, (frames,), shown * channels if isinstance(channels, int) else None)


@keras_layer("MelSpectrogram", "Spectrogram of a signal on the mel scale.",
             fft_length=Argument(positive, "Length of the transform.", 2048),
             sequence_stride=Argument(positive, "Samples from frame to frame.", 512),
             sequence_length=Argument(optional(positive), "Samples of a frame; fft_length by default.", None),
             window=Argument(optional(choice("hann", "hamming")), "The window.", "hann"),
             sampling_rate=Argument(positive, "Samples per second.", 16000),
             num_mel_bins=Argument(positive, "Bands.", 128),
             min_freq=Argument(non_negative_number, "Lowest frequency.", 20),
             max_freq=Argument(optional(non_negative_number), "Highest; half the sampling rate by default.", None),
             power_to_db=Argument(flag, "Give decibels.", True), top_db=Argument(number, "Range of them.", 80),
             mag_exp=Argument(number, "Exponent of the magnitude.", 2),
             min_power=Argument(number, "Lowest power.", Fraction(1, 10**10)),
             ref_power=Argument(number, "Power of 0 decibels.", 1))  # fmt: skip
def mel_spectrogram(call: Call) -> Built:
    """The last axis holds the samples; frames lie centred, so that half a transform is mirrored on both sides."""
    at_most(call, 1)
    args, shape = call.args, call.shape()
    if not shape:
        call.fail("MelSpectrogram needs a signal [samples], got []")
    length, stride, samples = args["fft_length"], args["sequence_stride"], shape[-1]
    if (args["sequence_length"] or length) > length:
        call.fail(f"sequence_length {args['sequence_length']} is above fft_length {length}", "sequence_length")
    frames: Dim = None
    if isinstance(samples, int):
        side = length // 2
        if samples <= side:
            call.fail(f"{samples} samples of {show(shape)} are too few to mirror {side} on both sides", "fft_length")
        frames = pooling.slid(samples, length, stride, side, side)
    bands = args["num_mel_bins"]
    symbols: dict[str, Dim] = {"P": symbol(shape[:-1]), "t": frames, "b": length // 2 + 1, "m": bands}
    work = macs(spectrogram.MEL_MACS, symbols, spectrogram.MEANING)
    return Built((call.output((*shape[:-1], bands, frames)),), macs=work)
