"""What a target is: the facts of one board or chip, as its data file or the user's config states them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from paramlint.budgets import Limit
from paramlint.ir import Source

#: SIMD of the core -> which CMSIS-NN kernels run, and so how much scratch an operator asks for.
CMSIS_KERNELS = {"none": "c", "dsp": "dsp", "mve": "mve"}

#: How sure a fact is -> what a reader is told.
CONFIDENCE = {
    "found": "read in the named source",
    "certain": "well known, not read again",
    "unverified": "from memory or second-hand: confirm before relying on it",
    "stated": "stated by you in the config",
}


class Region(NamedTuple):
    """One block of data memory, in bytes."""

    name: str
    bytes: int


class Accelerator(NamedTuple):
    """A neural processor beside the core; ``details`` are its figures by name (``data_memory_bytes``)."""

    name: str
    details: Mapping[str, int | float | str]

    def number(self, key: str) -> int | None:
        """A whole figure of the accelerator; None where it is not stated."""
        value = self.details.get(key)
        return value if isinstance(value, int) else None


class Reserve(NamedTuple):
    """Bytes of RAM and flash that the firmware needs and the model cannot have."""

    ram: int = 0
    flash: int = 0


class Precision(NamedTuple):
    """An element type that the target takes, and what restricts it (``per-tensor scales only``)."""

    dtype: str
    note: str | None = None


class Target(NamedTuple):
    """A board or chip. Sizes are bytes, None where they are not known; ``flash_bytes`` 0: no internal flash.

    ``id`` is the name of its data file or config table. ``op_sets`` names lists in ``targets/operators``.
    """

    id: str
    name: str
    vendor: str
    kind: str  # mcu | board | sbc | accelerator
    core: str
    clock_mhz: int | None
    flash_bytes: int | None
    ram_bytes: int | None
    largest_contiguous_ram_bytes: int | None
    simd: str
    dtypes: tuple[Precision, ...]
    op_sets: tuple[str, ...]
    source: str
    confidence: str
    aliases: tuple[str, ...] = ()
    soc: str | None = None
    ram_regions: tuple[Region, ...] = ()
    external_flash_bytes: int | None = None
    external_ram_bytes: int | None = None
    weights_in: str | None = None
    accelerator: Accelerator | None = None
    weight_memory_limit_bytes: int | None = None
    weight_memory_limit: str = "hard"
    restrictions: tuple[str, ...] = ()
    notes: str | None = None
    reserve: Reserve = Reserve()
    flash_overhead: int | None = None  # bytes beside the weights, where the user states them
    place: Source = Source("target")  # where these facts stand: the data file, or the config for a user's own
    base: str | None = None

    @property
    def kernels(self) -> str:
        """The kernel set whose scratch counts: CMSIS-NN by SIMD, else TensorFlow Lite Micro's reference kernels."""
        return CMSIS_KERNELS.get(self.simd, "reference") if "cmsis_nn" in self.op_sets else "reference"

    @property
    def flash_capacity(self) -> int | None:
        """Bytes of program memory that hold the model: internal flash, or external where there is no internal one."""
        if self.weights_in == "external_flash" or self.flash_bytes == 0:
            return self.external_flash_bytes
        return self.flash_bytes

    @property
    def largest_block(self) -> int | None:
        """The largest contiguous piece of RAM; where only regions are known, the largest of them."""
        if self.largest_contiguous_ram_bytes is None and self.ram_regions:
            return max(region.bytes for region in self.ram_regions)
        return self.largest_contiguous_ram_bytes

    @property
    def data_memory(self) -> int | None:
        """Bytes of an accelerator's own feature-map memory, where the network runs there and nowhere else."""
        if self.accelerator is None or "tflm" in self.op_sets:
            return None
        return self.accelerator.number("data_memory_bytes")

    @property
    def processors(self) -> int | None:
        """Parts of an accelerator that each hold some channels in memory of their own."""
        return self.accelerator.number("processors") if self.accelerator else None

    @property
    def runtime(self) -> str:
        """``tflm``, whose flatbuffer and arena count, or ``compiler``, where only the weights take flash."""
        return "tflm" if "tflm" in self.op_sets else "compiler"

    @property
    def limits(self) -> tuple[Limit, ...]:
        """What a model may take of this target's memory; nothing where a size is not known."""
        found = []
        if self.flash_capacity is not None:
            where = "flash" if self.flash_capacity == self.flash_bytes else "external flash"
            found.append(self._limit("flash", self.flash_capacity, self.reserve.flash, where))
        if self.data_memory is not None:
            found.append(self._limit("ram.bound", self.data_memory, 0, f"data memory of {self.accelerator_name}"))
        elif self.ram_bytes is not None:
            metric = "ram" if self.runtime == "tflm" else "ram.bound"
            found.append(self._limit(metric, self.ram_bytes, self.reserve.ram, "RAM"))
        return tuple(found)

    def _limit(self, metric: str, capacity: int, reserved: int, what: str) -> Limit:
        kept = f", {reserved:,} of them reserved for firmware" if reserved else ""
        return Limit(metric, max(0, capacity - reserved), self.cite(f"{capacity:,} bytes of {what}{kept}"))

    @property
    def accelerator_name(self) -> str:
        return self.accelerator.name if self.accelerator else "-"

    @property
    def sure(self) -> bool:
        """False where the facts are from memory or second-hand."""
        return self.confidence != "unverified"

    def cite(self, text: str) -> Source:
        """The source of a limit that this target sets, for ``limit_source``: the place of its facts and ``text``."""
        doubt = "" if self.sure else " (unverified)"
        return self.place._replace(text=f"target {self.id}: {text}{doubt}; {self.source}")


def build(identity: str, data: Mapping[str, Any], place: Source, base: str | None = None) -> Target:
    """A target from checked data (see ``fields``); ``data`` has plain values under the names of the data file."""
    values = dict(data)
    accelerator, reserve = values.pop("accelerator", None), values.pop("reserve", {})
    dtypes = tuple(_precision(entry) for entry in values.pop("dtypes"))
    regions = tuple(Region(region["name"], region["bytes"]) for region in values.pop("ram_regions", ()))
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    return Target(
        id=identity,
        dtypes=dtypes,
        ram_regions=regions,
        accelerator=_accelerator(accelerator) if accelerator else None,
        reserve=Reserve(**reserve),
        place=place,
        base=base,
        **plain,
    )


def _precision(entry: str | Mapping[str, str]) -> Precision:
    return Precision(entry) if isinstance(entry, str) else Precision(entry["dtype"], entry.get("note"))


def _accelerator(data: Mapping[str, Any]) -> Accelerator:
    return Accelerator(data["name"], {key: value for key, value in data.items() if key != "name"})
