"""Data files of targets and operator lists: well formed, findable, with the numbers that vendors publish."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from paramlint.errors import UsageError
from paramlint.targets import every, find, from_config, ids, operators
from paramlint.targets.facts import FACTS
from paramlint.targets.field_schemas import schema, user_schema
from paramlint.targets.fields import FIELDS, user_fields
from paramlint.targets.reader import FOLDER, load, normal

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"
FILES = sorted(Path(FOLDER).glob("*.yaml"))
LISTS = sorted((Path(FOLDER) / "operators").glob("*.yaml"))


def data(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return loaded


def written(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    return loaded


def same(found: dict[str, Any], file: dict[str, Any]) -> bool:
    return json.loads(json.dumps(found)) == json.loads(json.dumps(file))  # type: ignore[no-any-return]  # plain data


def test_the_schema_of_a_target_is_the_table(regen: bool) -> None:
    if regen:
        (SCHEMAS / "target.schema.json").write_text(json.dumps(schema(), indent=2) + "\n")
    jsonschema.Draft202012Validator.check_schema(schema())
    assert same(schema(), written("target")), "run pytest --regen tests/test_target_data.py"


def test_the_schema_of_a_target_in_the_config_is_the_table(regen: bool) -> None:
    document = written("config")
    if regen:
        document["$defs"]["target"] = user_schema()
        (SCHEMAS / "config.schema.json").write_text(json.dumps(document, indent=2) + "\n")
    assert same(user_schema(), document["$defs"]["target"]), "run pytest --regen tests/test_target_data.py"
    assert document["properties"]["targets"]["additionalProperties"] == {"$ref": "#/$defs/target"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_valid(path: Path) -> None:
    jsonschema.Draft202012Validator(written("target")).validate(data(path))
    assert normal(path.stem) in {normal(target.id) for target in every()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_numbers_of_a_file_agree(path: Path) -> None:
    """Blocks are no larger than the whole, regions no more than it, and every limit is cited with its source."""
    target = load(path.stem)
    ram, block = target.ram_bytes, target.largest_contiguous_ram_bytes
    regions = [region.bytes for region in target.ram_regions if region.name not in ("kpu_sram", "l1_cluster")]
    if ram is not None and block is not None:
        assert block <= ram
    if ram is not None and regions:
        assert sum(regions) <= ram
        assert block is None or max(regions) <= block
    for limit in target.limits:
        assert target.source in (limit.source.text or "")
        assert ("unverified" in (limit.source.text or "")) == (target.confidence == "unverified")
    assert target.weight_memory_limit_bytes is None or "weight_memory_limit" in data(path)


def test_names_and_aliases_are_unique() -> None:
    seen: dict[str, str] = {}
    for target in every():
        for name in {normal(word) for word in (target.id, *target.aliases)}:
            assert name not in seen, f"{name} is {seen[name]} and {target.id}"
            seen[name] = target.id
            assert find(name) is target


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_aliases_are_found_without_parsing_the_file(path: Path) -> None:
    """The reader looks through alias lines; it must see every alias that the file has."""
    for alias in data(path).get("aliases", ()):
        assert find(alias).id == path.stem


@pytest.mark.parametrize("name", ["STM32F746", "stm32-f746", "Stm32_F746", "stm32f746g-disco", "STM32F746NG"])
def test_letter_case_and_strokes_do_not_matter(name: str) -> None:
    assert find(name).id == "stm32f746"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("stm32f476", "stm32f746"),
        ("nano33", "arduino_nano_33_ble"),
        ("ethos-u55", "ra8p1"),
        ("zzzz", "paramlint targets"),
        ("", "paramlint targets"),
    ],
)
def test_an_unknown_name_gets_a_hint(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find(name)
    assert hint in (caught.value.hint or "")


KIB = 1024


@pytest.mark.parametrize(
    ("name", "flash", "ram", "block"),
    [
        ("stm32f746", 1024 * KIB, 320 * KIB, (64 + 240 + 16) * KIB),
        ("stm32h743zi", 2048 * KIB, (512 + 288 + 128 + 64) * KIB, 512 * KIB),
        ("stm32f103c8", 64 * KIB, 20 * KIB, 20 * KIB),
        ("stm32f407vg", 1024 * KIB, (128 + 64) * KIB, 128 * KIB),
        ("stm32l4r5zi", 2048 * KIB, (192 + 64 + 384) * KIB, 640 * KIB),
        ("nano33ble", 1024 * KIB, 256 * KIB, 256 * KIB),
        ("nrf52840", 1024 * KIB, 256 * KIB, 256 * KIB),
        ("nrf52832", 512 * KIB, 64 * KIB, 64 * KIB),
        ("rp2040", 2048 * KIB, 264 * KIB, 264 * KIB),
        ("rp2350", 4096 * KIB, 520 * KIB, 520 * KIB),
        ("max78000", 512 * KIB, 128 * KIB, 128 * KIB),
        ("esp32", 4096 * KIB, 520 * KIB, None),
    ],
)
def test_memories_that_are_well_known(name: str, flash: int, ram: int, block: int | None) -> None:
    target = find(name)
    assert (target.flash_capacity, target.ram_bytes, target.largest_block) == (flash, ram, block)


def test_accelerators_that_are_well_known() -> None:
    small, large = find("max78000"), find("max78002")
    assert small.weight_memory_limit_bytes == 64 * 768 * 9 == 442_368
    assert small.data_memory == 16 * 32 * KIB
    assert large.weight_memory_limit_bytes == 2_396_160
    assert large.data_memory == 16 * 80 * KIB
    assert find("coral").weight_memory_limit_bytes == 8 * KIB * KIB
    assert find("coral").weight_memory_limit == "streamed"
    assert operators.load("max78000").network["max_layers"] == 32
    assert operators.load("max78002").network["max_layers"] == 128


def test_external_flash_holds_the_weights_where_there_is_no_other() -> None:
    assert find("rp2040").flash_bytes == 0
    boots = find("stm32h7s7l8")
    assert boots.flash_bytes == 64 * KIB
    assert boots.flash_capacity is None  # weights live outside, and how much there is depends on the board


def test_kernels_follow_the_vector_unit() -> None:
    assert find("stm32f103c8").kernels == "c"
    assert find("stm32f746").kernels == "dsp"
    assert find("ra8p1").kernels == "mve"
    assert find("esp32s3").kernels == "reference"


def test_all_targets_of_the_facts_are_here() -> None:
    vendors = {target.vendor for target in every()}
    assert len(ids()) >= 84
    assert {"STMicroelectronics", "Nordic", "Espressif", "NXP", "Renesas", "Analog Devices", "Google"} <= vendors


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_operator_lists_of_a_target_exist(path: Path) -> None:
    entries = [operators.load(name) for name in load(path.stem).op_sets]
    assert any(entry.role in ("runtime", "accelerator") for entry in entries), "kernels alone run nothing"


def facts_named(entry: operators.OpSet) -> Iterator[str]:
    for limit in entry.limits:
        yield from (*limit.facts, *limit.where)


@pytest.mark.parametrize("path", LISTS, ids=lambda path: path.stem)
def test_every_operator_list_is_well_formed(path: Path) -> None:
    entry = operators.load(path.stem)
    assert entry.role in ("runtime", "kernels", "accelerator")
    assert entry.names in ("tflite", "onnx")
    assert entry.elsewhere in ("nowhere", "fallback", "undecided")
    assert entry.confidence in ("found", "certain", "unverified")
    assert entry.source.strip()
    unknown = set(facts_named(entry)) - FACTS.keys()
    assert not unknown, f"targets/facts.py knows no {unknown}"
    listed = frozenset().union(*(group.names for group in entry.groups or ()))
    for limit in entry.limits:
        assert limit.ops is None or limit.ops <= listed, f"a limit of {limit.ops} that are not listed: {limit.text}"
        tests = [limit.test, *limit.where.values()]
        given = [sum(value is not None for value in test) for test in tests]
        assert given == [0 if limit.undecided else 1, *[1] * len(limit.where)], limit.text
        assert limit.kind in ("layer", "dtype", "fallback")


def test_operator_lists_that_are_counted() -> None:
    counts = {"tflm": 100, "ethos_u55": 55, "ethos_u65": 55, "ethos_u85": 74, "edge_tpu": 27 + 13}
    assert {name: operators.load(name).listed for name in counts} == counts
    assert operators.load("st_edge_ai_onnx").listed == 132
    assert operators.load("ort_mobile").group("Gelu", "com.microsoft") is not None
    assert operators.load("ort_mobile").group("Gelu") is None


USER = {
    "base": "stm32f746",
    "ram-bytes": "192KiB",
    "reserve": {"ram": "32KiB", "flash": "200KiB"},
    "flash-overhead": "20kB",
    "dtypes": ["int8"],
}


def config_valid(table: dict[str, Any]) -> bool:
    return jsonschema.Draft202012Validator(written("config")).is_valid({"targets": {"mine": table}})


def read_valid(table: dict[str, Any]) -> bool:
    try:
        from_config({"mine": table})
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(
    "table",
    [
        USER,
        {"ram_bytes": 4096, "flash_bytes": "1MiB"},
        {"ram-bytes": "64KiB", "accelerator": "NPU", "op-sets": ["tflm"]},
        {"ram-regions": [{"name": "a", "bytes": "1KiB"}, {"name": "b", "bytes": 512}]},
        {"base": "max78000", "accelerator": {"name": "NPU", "data-memory-bytes": "1MiB"}},
        {"base": "coral", "weight-memory-limit": "hard", "clock-mhz": 3, "restrictions": ["none"]},
    ],
)
def test_tables_of_the_config_that_are_right(table: dict[str, Any]) -> None:
    assert config_valid(table)
    assert read_valid(table)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"base": "stm32f746", "rambytes": 1},
        {"base": "stm32f746", "ram-bytes": "1M"},
        {"base": "stm32f746", "ram-bytes": -1},
        {"base": "stm32f746", "reserve": {"rom": 1}},
        {"base": "stm32f746", "reserve": "32KiB"},
        {"base": "stm32f746", "dtypes": ["int9"]},
        {"base": "stm32f746", "dtypes": []},
        {"base": "stm32f746", "simd": "avx"},
        {"base": "stm32f746", "confidence": "found"},
        {"base": "stm32f746", "clock-mhz": 0},
        {"base": "stm32f746", "ram-regions": []},
        {"base": "stm32f746", "ram-regions": [{"name": "a"}]},
        {"base": "stm32f746", "accelerator": {"macs": 3}},
        {"base": 3},
        {"name": "x"},
    ],
)
def test_tables_of_the_config_that_are_wrong(table: dict[str, Any]) -> None:
    assert not read_valid(table)
    assert not config_valid(table)


def test_every_field_is_in_both_schemas() -> None:
    assert schema()["properties"].keys() == FIELDS.keys()
    assert {name.replace("-", "_") for name in user_schema()["properties"]} == user_fields().keys()
