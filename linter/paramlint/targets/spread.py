"""Feature maps on an accelerator that splits its memory by channel: each processor holds some channels of every map."""

from __future__ import annotations

from paramlint.deploy.model import Deployed
from paramlint.memory.lifetimes import live_bytes, slots
from paramlint.targets.model import Target
from paramlint.targets.shapes import product


def maps_spread(target: Target, deployed: Deployed) -> bool:
    """True where at every step all live maps surely fit side by side into the memory of each processor.

    Of 64 processors one holds every 64th channel, one byte a pixel. Where this is False the maps may still fit,
    since one may overwrite another; that is then not decided.
    """
    processors, memory = target.processors, target.data_memory
    if not processors or memory is None:
        return False
    shares = []
    for slot in slots(deployed):
        buffer = deployed.buffers[slot.place or 0]
        pixels, channels = product(buffer.shape[1:-1]), buffer.shape[-1] if buffer.shape else None
        if pixels is None or not isinstance(channels, int) or buffer.dtype.bits > 8:
            return False
        shares.append(slot._replace(bytes=pixels * -(-channels // processors)))
    return max(live_bytes(shares, len(deployed.operators)), default=0) <= memory // processors
