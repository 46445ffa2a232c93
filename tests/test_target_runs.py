"""``--target`` from the command line to the report: specs and graphs against boards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import onnx.parser
import pytest
from place import Place

SCHEMA = json.loads((Path(__file__).resolve().parents[1] / "schemas" / "report.schema.json").read_text())

#: The DS-CNN of MLPerf Tiny. TensorFlow Lite Micro's interpreter needs 16,000 bytes of head for it and 24,272 in all.
KWS = """\
name: kws
framework: keras
dtype: int8
input: [49, 10, 1]
blocks:
  separable:
    layers:
      - {type: DepthwiseConv2D, kernel_size: 3, padding: same}
      - BatchNormalization
      - ReLU
      - {type: Conv2D, filters: 64, kernel_size: 1}
      - BatchNormalization
      - ReLU
layers:
  - {type: Conv2D, filters: 64, kernel_size: [10, 4], strides: 2, padding: same}
  - BatchNormalization
  - ReLU
  - {type: separable, repeat: 4}
  - {type: AveragePooling2D, pool_size: [25, 5]}
  - Flatten
  - {type: Dense, units: 12, activation: softmax, name: classifier}
"""
FLOAT = KWS.replace("dtype: int8\n", "")
HEAD, ARENA = 16_000, 24_272
DEPTHWISE = 8  # the line of the depthwise layer
NANO_RAM, NANO_FLASH = 256 * 1024, 1024 * 1024


@pytest.fixture
def kws(place: Place) -> str:
    return place.write("kws.arch.yaml", KWS)


def graph(place: Place, name: str, body: str, x: str = "float[batch,3,8,8] x", y: str = "float[b,c,h,w] y") -> str:
    """An ONNX file with one kernel ``w`` of 8 filters 3x3 over 3 channels."""
    weights = ", ".join(["1.0"] * (8 * 3 * 3 * 3))
    head = '<ir_version: 8, opset_import: ["" : 17, "com.acme" : 1]>'
    text = f"{head} g ({x}) => ({y}) <float[8,3,3,3] w = {{{weights}}}> {{ {body} }}"
    (place.folder / name).write_bytes(onnx.parser.parse_model(text).SerializeToString())
    return name


CONV = "c = Conv <pads=[1,1,1,1], kernel_shape=[3,3]> (x, w)"


def report(place: Place, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and the first model of the JSON report, which its schema accepts."""
    done = place(*arguments, "-o", "json")
    document = json.loads(done.out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    return done.code, document["models"][0]


def rules(model: dict[str, Any], level: str) -> list[str]:
    return [finding["rule"] for finding in model["findings"] if finding["level"] == level]


class TestFits:
    def test_a_spec_without_weights(self, place: Place, kws: str) -> None:
        code, model = report(place, kws, "--target", "nano33ble")
        (target,) = model["targets"]
        assert (code, target["name"], target["fits"]) == (0, "arduino_nano_33_ble", True)
        assert (target["ram"]["limit"], target["flash"]["limit"]) == (NANO_RAM, NANO_FLASH)
        assert abs(target["ram"]["measured"] - ARENA) <= ARENA // 100
        assert target["ops"] == {"unsupported": [], "fallback": [], "undecided": []}
        assert model["totals"]["ram"]["arena"] == HEAD
        sources = {budget["metric"]: budget["limit_source"] for budget in model["budgets"]}
        assert sources.keys() == {"ram", "flash"}
        assert all("target arduino_nano_33_ble: " in source["text"] for source in sources.values())
        assert all("probe-rs" in source["text"] for source in sources.values())

    def test_the_totals_are_those_of_the_assumed_model_and_each_target_has_its_own(
        self, place: Place, kws: str
    ) -> None:
        """On a DSP core the first convolution, 10x4 over one channel, asks for 4 * 40 bytes of scratch memory."""
        _, model = report(place, kws, "--target", "nano33ble", "--target", "esp32s3")
        nano, esp = model["targets"]
        total = model["totals"]["ram"]["arena_total"]
        assert esp["ram"]["measured"] == total
        assert nano["ram"]["measured"] > total
        assert any("reference kernels" in text and "(" not in text for text in model["assumed"])
        assert any("DSP" in text and text.endswith("(arduino_nano_33_ble)") for text in model["assumed"])

    def test_a_free_batch_is_one(self, place: Place) -> None:
        name = graph(place, "m.onnx", f"{CONV} y = Relu (c)")
        code, model = report(place, name, "--target", "stm32f746")
        assert (code, model["targets"][0]["fits"]) == (0, True)
        assert model["totals"]["ram"]["bound"] == 4 * (3 + 8) * 8 * 8
        assert any("batch 1" in text for text in model["assumed"])

    def test_a_margin_warns(self, place: Place, kws: str) -> None:
        code, model = report(place, kws, "--target", "nano33ble", "--warn-at", "5%")
        assert (code, model["targets"][0]["fits"]) == (0, True)
        assert rules(model, "warning") == ["PL103", "PL108"]


class TestDoesNotFit:
    def test_operators_of_an_accelerator(self, place: Place, kws: str) -> None:
        code, model = report(place, kws, "--target", "MAX78000")
        (target,) = model["targets"]
        assert (code, target["fits"]) == (1, False)
        found = [(one["rule"], one["layer"], one["source"]["line"]) for one in model["findings"] if one["limit_source"]]
        depthwise = [("PL303", f"separable.{index}.depthwise_conv2d", DEPTHWISE) for index in range(4)]
        assert found == [
            *depthwise,
            ("PL303", "conv2d", 15),  # stride 2, a kernel of 10x4, padding of 5
            ("PL303", "average_pooling2d", 19),  # 25 rows
            ("PL304", "classifier", 21),
        ]
        assert len(target["ops"]["unsupported"]) == 4 + 3 + 2
        assert [text.partition(":")[0] for text in target["ops"]["fallback"]] == ["classifier"]

    def test_too_little_ram_and_int8_would_do(self, place: Place) -> None:
        """Two maps of 25x5x64 floats are 64,000 bytes, of int8 16,000."""
        place.write("paramlint.toml", '[targets.small]\nbase = "nano33ble"\nram-bytes = "40KiB"\n')
        name = place.write("float.arch.yaml", FLOAT)
        code, model = report(place, name, "--target", "small")
        assert (code, model["targets"][0]["fits"], model["targets"][0]["ram"]["state"]) == (1, False, "fail")
        (finding,) = [one for one in model["findings"] if one["level"] == "error"]
        assert finding["rule"] == "PL103"
        assert finding["help"].startswith("int8 would fit: up to 2")
        assert report(place, name, "--target", "small", "--as", "int8")[0] == 0

    def test_an_operator_that_nobody_knows(self, place: Place) -> None:
        name = graph(place, "m.onnx", f"{CONV} y = com.acme.Frob (c)")
        code, model = report(place, name, "--target", "stm32f746", "--target", "max78000")
        assert code == 1
        assert [target["fits"] for target in model["targets"]] == [False, False]
        assert set(rules(model, "error")) >= {"PL001", "PL301"}
        assert "fits" not in place(name, "--target", "stm32f746").out.replace("does not fit", "")

    def test_a_free_size_is_no_fit(self, place: Place) -> None:
        name = graph(place, "m.onnx", f"{CONV} y = Relu (c)", x="float[1,3,height,8] x")
        code, model = report(place, name, "--target", "stm32f746")
        assert (code, model["targets"][0]["fits"]) == (1, None)
        assert (model["targets"][0]["ram"]["measured"], model["targets"][0]["ram"]["state"]) == (None, "unknown")
        assert rules(model, "error") == ["PL001"]
        assert report(place, name, "--target", "stm32f746", "--dim", "height=8")[1]["targets"][0]["fits"] is True

    def test_floats_on_integers(self, place: Place) -> None:
        name = place.write("float.arch.yaml", FLOAT)
        code, model = report(place, name, "--target", "ra8p1")
        (finding,) = [one for one in model["findings"] if one["rule"] == "PL302"]
        assert (code, finding["level"], finding["help"]) == (1, "error", "int8 would fit (--as int8)")


class TestReports:
    def test_several_targets_are_compared(self, place: Place, kws: str) -> None:
        done = place(kws, "--target", "stm32f746", "--target", "max78000", "--target", "coral")
        lines = done.out.splitlines()
        start = next(index for index, line in enumerate(lines) if line.split()[:1] == ["target"])
        rows = [line.split() for line in lines[start + 1 : start + 4]]
        assert [row[0] for row in rows] == ["stm32f746", "max78000", "coral_edge_tpu"]
        assert [row[-1] for row in rows] == ["fits", "fit", "decided"]
        assert done.code == 1

    @pytest.mark.parametrize(("target", "code"), [("stm32f746", 0), ("max78000", 1), ("coral", 0)])
    def test_the_same_exit_code_in_every_format(self, place: Place, kws: str, target: str, code: int) -> None:
        for output in ("text", "concise", "json"):
            assert place(kws, "--target", target, "-o", output).code == code

    def test_a_name_given_twice_counts_once(self, place: Place, kws: str) -> None:
        _, model = report(place, kws, "--target", "nano33ble", "--target", "Arduino-Nano-33-BLE")
        assert len(model["targets"]) == 1

    def test_several_processes(self, place: Place, kws: str) -> None:
        other = place.write("other.arch.yaml", FLOAT)
        alone, many = (
            place(kws, other, "--target", "max78000", "-o", "concise", *jobs).out for jobs in ((), ("-j", "2"))
        )
        assert alone == many


class TestConfig:
    def test_targets_of_the_config_hold_for_its_files(self, place: Place, kws: str) -> None:
        config = 'target = ["mine"]\n[targets.mine]\nbase = "stm32f746"\nram-bytes = "48KiB"\n'
        place.write("paramlint.toml", config + 'reserve = { ram = "32KiB" }\n')
        code, model = report(place, kws)
        (target,) = model["targets"]
        assert (code, target["name"], target["fits"]) == (1, "mine", False)
        assert target["ram"]["limit"] == 16 * 1024
        source = next(one["limit_source"] for one in model["findings"] if one["rule"] == "PL103")
        assert (source["path"], source["line"]) == ("paramlint.toml", 2)
        assert "32,768 of them reserved for firmware" in source["text"]

    def test_a_stated_overhead_is_exact(self, place: Place, kws: str) -> None:
        """The deployed network has 22,604 parameters: 22,016 weights of a byte, 588 biases of four."""
        place.write("paramlint.toml", '[targets.mine]\nbase = "stm32f746"\nflash-overhead = "30kB"\n')
        _, model = report(place, kws, "--target", "mine")
        assert model["targets"][0]["flash"]["measured"] == 22_016 + 4 * 588 + 30_000

    @pytest.mark.parametrize(
        ("table", "line", "text"),
        [
            ("ram-byts = 1", 2, "did you mean 'ram-bytes'?"),
            ('ram-bytes = "1M"', 2, "1MiB"),
            ('dtypes = ["int8"]\nop-sets = ["tflm", "cmsis"]', 1, "cmsis_nn"),
            ('base = "stm32f74"', 2, "stm32f746"),
        ],
    )
    def test_a_mistake_has_a_place(self, place: Place, kws: str, table: str, line: int, text: str) -> None:
        place.write("paramlint.toml", f"[targets.mine]\n{table}\n")
        for arguments in ((kws,), ("targets",), ("config", "check")):
            done = place(*arguments)
            assert done.code == 2
            assert f"paramlint.toml:{line}:" in done.err
            assert text in done.err

    def test_an_unknown_target_is_a_wrong_call(self, place: Place, kws: str) -> None:
        done = place(kws, "--target", "nano33bel")
        assert (done.code, "nano_33_ble" in done.err) == (2, True)
        place.write("paramlint.toml", 'target = ["nano33bel"]\n')
        done = place(kws)
        assert (done.code, "paramlint.toml:1:" in done.err) == (2, True)


class TestTargetsCommand:
    def names(self, place: Place, *arguments: str) -> list[str]:
        """The first column of the list."""
        done = place("targets", *arguments, "--color", "never")
        assert done.code == 0, done
        rows = [line.split() for line in done.out.splitlines()]
        return [row[0] for row in rows if row and row[0].replace("_", "").isalnum() and row[0] not in ("target", "84")]

    def test_the_list_is_all(self, place: Place) -> None:
        assert {"stm32f746", "max78000", "arduino_nano_33_ble"} <= set(self.names(place))

    def test_filters(self, place: Place) -> None:
        nordic = self.names(place, "--vendor", "NORDIC")
        assert "nrf52840" in nordic
        assert all(name.startswith("nrf") for name in nordic if not name.isdigit())
        large = self.names(place, "--vendor", "nordic", "--ram", "512KiB")
        assert "nrf52840" not in large
        assert "nrf5340" in large
        assert "ra8p1" in self.names(place, "--accelerator", "ethos-u55")
        assert "esp32" not in self.names(place, "--flash", "5MiB")
        assert set(self.names(place, "--kind", "accelerator")) & {"coral_edge_tpu", "stm32f746"} == {"coral_edge_tpu"}

    def test_own_ones_come_first(self, place: Place) -> None:
        place.write("paramlint.toml", '[targets.mine]\nram-bytes = "64KiB"\n')
        assert self.names(place)[0] == "mine"
        assert "the config" in place("targets", "mine").out

    def test_one(self, place: Place) -> None:
        out = place("targets", "stm32f746").out
        for text in ("327,680 B (320 KiB)", "1,048,576 B (1 MiB)", "dtcm", "probe-rs", "read in the named source"):
            assert text in out
        for text in ("tflm", "100 listed", "cmsis_nn", "132 listed"):
            assert text in out
        assert "confirm before relying on it" in place("targets", "alif_e7").out

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (("nano33",), "arduino_nano_33_ble"),
            (("--kind", "mpu"), "mcu"),
            (("--ram", "1M"), "1MiB"),
            (("--ram", "9TiB"), "lists all"),
        ],
    )
    def test_mistakes(self, place: Place, arguments: tuple[str, ...], text: str) -> None:
        done = place("targets", *arguments)
        assert (done.code, text in done.err) == (2, True)
