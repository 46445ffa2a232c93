"""Length rules of windows that slide, spread or adapt; pooling has neither weights nor multiply-accumulates.

All functions take plain integers of one spatial dimension: input length n, window k, stride s, padding p on each
side, dilation d. Sources: PyTorch ``nn.MaxPoolNd``, ``nn.ConvNd``, ``nn.ConvTransposeNd``; Keras ``padding``.
"""

from __future__ import annotations


def extent(window: int, dilation: int = 1) -> int:
    """Positions a dilated window spans."""
    return dilation * (window - 1) + 1


def slid(length: int, window: int, stride: int, before: int, after: int, dilation: int = 1) -> int:
    """Windows that fit into a padded length; 0 or less where none does."""
    return (length + before + after - extent(window, dilation)) // stride + 1


def same_pads(length: int | str | None, window: int, stride: int, dilation: int = 1) -> tuple[int, int] | None:
    """What Keras's 'same' adds before and after so that ceil(n / s) windows fit; the odd one stands at the end.

    None where that depends on a length that is not fixed.
    """
    if stride == 1:
        total = extent(window, dilation) - 1
    elif isinstance(length, int):
        total = max((-(-length // stride) - 1) * stride + extent(window, dilation) - length, 0)
    else:
        return None
    return total // 2, total - total // 2


def pooled(length: int, window: int, stride: int, padding: int, dilation: int = 1, ceiling: bool = False) -> int:
    """Windows of a pooling layer; with ``ceiling`` a last partial one too, unless it starts in the right padding."""
    span = length + 2 * padding - extent(window, dilation)
    if not ceiling:
        return span // stride + 1
    count = -(-span // stride) + 1
    return count - 1 if (count - 1) * stride >= length + padding else count


def spread(length: int, window: int, stride: int, before: int, after: int, dilation: int = 1, extra: int = 0) -> int:
    """Length of a transposed convolution's output; ``extra`` is the output padding."""
    return (length - 1) * stride - before - after + extent(window, dilation) + extra


def taps(length: int, window: int, stride: int, same: bool) -> int:
    """Elements inside the input that the windows of one dimension meet in all (Keras 2 ``LocallyConnected``)."""
    left = window // 2
    count = -(-length // stride) if same else slid(length, window, stride, 0, 0)
    total = 0
    for position in range(count):
        center = position * stride + (0 if same else left)
        total += min(length, center + window - left) - max(0, center - left)
    return total
