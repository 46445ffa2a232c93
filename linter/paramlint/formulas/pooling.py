"""Length rules of windows that slide, spread or adapt; pooling has neither weights nor multiply-accumulates.

All functions take plain integers of one spatial dimension: input length n, window k, stride s, padding p on each
side, dilation d. Sources: PyTorch ``nn.MaxPoolNd``, ``nn.ConvNd``, ``nn.ConvTransposeNd``.
"""

from __future__ import annotations


def extent(window: int, dilation: int = 1) -> int:
    """Positions a dilated window spans."""
    return dilation * (window - 1) + 1


def slid(length: int, window: int, stride: int, before: int, after: int, dilation: int = 1) -> int:
    """Windows that fit into a padded length; 0 or less where none does."""
    return (length + before + after - extent(window, dilation)) // stride + 1


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
