"""From a name to a target: the data file of that name, an alias, or a target of the user's config.

One target costs the reading of one file: a name is looked up in the folder's listing; only a name that no file has
makes the alias lines be looked through.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from paramlint.errors import UsageError
from paramlint.ir import Source
from paramlint.spelling import hint
from paramlint.targets import operators
from paramlint.targets.fields import check
from paramlint.targets.model import Region, Target, build

FOLDER = os.path.dirname(os.path.abspath(__file__))
#: Data files write their aliases as one flow list on one line; a test holds them to it.
_ALIASES = re.compile(rb"^aliases: \[(.*)\]$", re.MULTILINE)
MAX_BASES = 16  # how deep a user's targets may stand on each other; more is a circle

#: What a target of the config is where neither it nor its base says so.
DEFAULTS: Mapping[str, Any] = {
    "vendor": "-",
    "kind": "board",
    "core": "-",
    "clock_mhz": None,
    "flash_bytes": None,
    "ram_bytes": None,
    "largest_contiguous_ram_bytes": None,
    "simd": "none",
    "dtypes": ["int8", "int16", "float32"],
    "op_sets": ["tflm"],
    "source": "the config",
    "confidence": "stated",
}


def normal(name: str) -> str:
    """A name with what does not matter taken out: case, '-', '_', '.' and spaces."""
    return re.sub(r"[-_. ]", "", name).lower()


@functools.cache
def _files() -> Mapping[str, str]:
    """Normal name -> file stem, from the listing of the folder."""
    stems = sorted(name.removesuffix(".yaml") for name in os.listdir(FOLDER) if name.endswith(".yaml"))
    return {normal(stem): stem for stem in stems}


@functools.cache
def _aliases() -> Mapping[str, str]:
    """Normal alias -> file stem, from the alias line of every file."""
    found: dict[str, str] = {}
    for stem in _files().values():
        with open(os.path.join(FOLDER, f"{stem}.yaml"), "rb") as file:
            match = _ALIASES.search(file.read())
        if match:
            found |= {normal(alias.strip()): stem for alias in match[1].decode().split(",")}
    return found


def ids() -> list[str]:
    """Every target that comes with paramlint, by the name of its file."""
    return sorted(_files().values())


def read_yaml(path: str) -> dict[str, Any]:
    """A data file of paramlint's own as plain values; the C loader where it is there."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with open(path, "rb") as file:
        data: dict[str, Any] = yaml.load(file, Loader=loader)
    return data


@functools.cache
def load(stem: str) -> Target:
    """The target of one data file."""
    return build(stem, read_yaml(os.path.join(FOLDER, f"{stem}.yaml")), Source("target", f"{stem}.yaml"))


def every(own: Mapping[str, Target] | None = None) -> list[Target]:
    """All targets, the user's first."""
    return [*(own or {}).values(), *(load(stem) for stem in ids())]


def find(name: str, own: Mapping[str, Target] | None = None) -> Target:
    """The target called ``name``; the user's own hide those that come along. Raises UsageError with a did-you-mean."""
    wanted = normal(name)
    for identity, target in (own or {}).items():
        if wanted in (normal(identity), *(normal(alias) for alias in target.aliases)):
            return target
    stem = _files().get(wanted) or _aliases().get(wanted)
    if stem is None:
        raise UsageError(f"unknown target {name!r}", _hint(wanted, own or {}))
    return load(stem)


def _hint(wanted: str, own: Iterable[str]) -> str:
    from difflib import get_close_matches

    names = {**{normal(alias): stem for alias, stem in _aliases().items()}, **_files(), **{normal(i): i for i in own}}
    with_it = _with_accelerator(wanted)
    if with_it:
        return f"a target needs its memory too; these have it: {', '.join(with_it)}"
    near = list(dict.fromkeys(names[word] for word in get_close_matches(wanted, names, n=4, cutoff=0.6)))
    if not near:
        near = list(dict.fromkeys(stem for word, stem in names.items() if wanted and word.startswith(wanted)))
    if not near:
        return "`paramlint targets` lists all of them"
    return f"did you mean {' or '.join(near[:3])}?"


#: Where an entry of the config stands, by its way of keys.
Places: TypeAlias = Callable[..., Source]


def _nowhere(*_: str | int) -> Source:
    return Source("config")


def _with_accelerator(wanted: str) -> list[str]:
    """Targets whose accelerator's name holds ``wanted`` (``ethos-u55``)."""
    if len(wanted) < 5:
        return []
    return [target.id for target in every() if wanted in normal(target.accelerator_name)]


def from_config(tables: Mapping[str, Mapping[str, Any]], places: Places = _nowhere) -> dict[str, Target]:
    """The targets of ``[tool.paramlint.targets.*]`` by name; raises UsageError for what is wrong in them."""
    checked: dict[str, dict[str, Any]] = {}
    for identity, table in tables.items():
        twin = next((name for name in checked if normal(name) == normal(identity)), None)
        if twin is not None:
            raise UsageError(f"targets {twin} and {identity} have one name", None, places("targets", identity))
        checked[identity] = check(identity, table, functools.partial(places, "targets", identity))
        unknown = [name for name in checked[identity].get("op_sets", ()) if name not in operators.ids()]
        if unknown:
            near = hint(unknown[0], operators.ids())
            raise UsageError(
                f"target {identity}: unknown operator set {unknown[0]!r}", near, places("targets", identity)
            )
    return {identity: _own(identity, checked, places, 0) for identity in checked}


def _own(identity: str, tables: Mapping[str, dict[str, Any]], places: Places, depth: int) -> Target:
    values = dict(tables[identity])
    base_name = values.pop("base", None)
    source = places("targets", identity)
    place = source._replace(kind="target")
    if base_name is None:
        if not {"ram_bytes", "ram_regions", "flash_bytes"} & values.keys():
            raise UsageError(f"target {identity} states no memory", "give it a base, ram-bytes or flash-bytes", source)
        return build(identity, {"name": identity, **DEFAULTS, **_one_block(values)}, place)
    if depth >= MAX_BASES:
        raise UsageError(f"target {identity}: its bases go in a circle", None, source)
    own = {normal(name): name for name in tables if name != identity}
    if normal(base_name) in own:
        base = _own(own[normal(base_name)], tables, places, depth + 1)
    else:
        try:
            base = find(base_name)
        except UsageError as error:
            at = places("targets", identity, "base", "=")
            raise UsageError(f"target {identity}: base: {error.message}", error.hint, at) from error
    return _on_base(identity, values, base, place)


def _one_block(values: dict[str, Any]) -> dict[str, Any]:
    """What a user's word on regions says of the rest: the RAM is their sum, the largest block the largest of them.

    RAM without word on blocks is one block.
    """
    regions = [region["bytes"] for region in values.get("ram_regions", ())]
    if regions and "ram_bytes" not in values:
        values = {**values, "ram_bytes": sum(regions)}
    if "largest_contiguous_ram_bytes" in values or "ram_bytes" not in values:
        return values
    return {**values, "largest_contiguous_ram_bytes": max(regions, default=values["ram_bytes"])}


def _on_base(identity: str, values: dict[str, Any], base: Target, place: Source) -> Target:
    """``base`` with the stated facts put in; blocks that no longer fit into the stated RAM shrink with it."""
    if "ram_regions" in values:
        values = _one_block(values)
    stated = build(identity, {"name": identity, **DEFAULTS, **values}, place)  # only what ``values`` holds is taken
    target = base._replace(
        id=identity,
        name=values.get("name", identity),
        aliases=tuple(values.get("aliases", ())),
        place=place,
        base=base.id,
        source=values.get("source", f"the config, on top of {base.id}: {base.source}"),
        **{key: getattr(stated, key) for key in values if key not in ("name", "aliases", "source")},
    )
    ram = target.ram_bytes
    if "ram_bytes" in values and ram is not None:
        regions: tuple[Region, ...] = target.ram_regions if "ram_regions" in values else ()
        block = target.largest_contiguous_ram_bytes
        target = target._replace(
            ram_regions=regions, largest_contiguous_ram_bytes=None if block is None else min(block, ram)
        )
    return target
