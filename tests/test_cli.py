"""The command line: what each exit code means, and which files a run looks at."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys

import pytest
from place import BROKEN, POINTER, TINY, WIDE, Place, graph

PLUGIN = """
import os, signal
from paramlint.findings import Level
from paramlint.rules import Rule, rule

@rule("AC001", "acme-breaks", Level.ERROR, "Always breaks")
class Breaks(Rule):
    '''A rule that breaks.'''

    def check(self, measured):
        if os.environ.get("ACME") == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
        raise ValueError("acme is out of order")
"""


LIMIT = ("--max", "1M")


class TestExitCodes:
    """0 nothing, 1 findings, 2 the call, 3 an input, 4 a defect, 130 interrupted; the highest of 4 > 2 > 3 > 1 > 0."""

    def test_0_nothing_to_complain_about(self, place: Place) -> None:
        assert place("tiny.arch.yaml", "--max", "36").code == 0
        assert place.process("tiny.arch.yaml", "--max", "36").code == 0

    def test_0_when_findings_are_below_the_fail_level(self, place: Place) -> None:
        assert place("loose.arch.yaml", *LIMIT).code == 0
        assert place("wide.arch.yaml", *LIMIT, "--fail-level", "never").code == 0

    def test_1_findings(self, place: Place) -> None:
        assert place("tiny.arch.yaml", "--max", "35").code == 1
        assert place("wide.arch.yaml", *LIMIT).code == 1
        assert place("loose.arch.yaml", *LIMIT, "--fail-level", "warning").code == 1
        assert place.process("wide.arch.yaml", *LIMIT).code == 1

    @pytest.mark.parametrize("format", ["text", "concise", "json"])
    def test_the_same_in_every_format(self, place: Place, format: str) -> None:
        codes = [
            place(*words, *LIMIT, "-o", format).code for words in (("tiny.arch.yaml",), ("wide.arch.yaml",), ("no",))
        ]
        assert codes == [0, 1, 3]

    def test_3_inputs_that_cannot_be_judged(self, place: Place) -> None:
        place.write("cut.onnx", "\x08\x08\x3a\x7f")
        place.write("model.onnx", POINTER)
        place.write("empty/readme.txt", "nothing")
        for word in ("missing.onnx", "broken.arch.yaml", "cut.onnx", "model.onnx", "empty", "empty/readme.txt"):
            done = place(word, *LIMIT, "-o", "concise")
            assert (done.code, done.err) == (3, ""), word
            assert done.out.startswith(f"{word}:"), done.out
            assert "error[PL000]" in done.out

    def test_3_a_pointer_says_what_it_is(self, place: Place) -> None:
        place.write("model.onnx", POINTER)
        assert "Git LFS" in place("model.onnx", *LIMIT).out

    def test_4_a_rule_that_breaks_is_named_and_the_others_run(
        self, place: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        place.write("acme_rules.py", PLUGIN)
        place.write("paramlint.toml", 'plugins = ["acme_rules"]\n')
        quiet = place.process("wide.arch.yaml", "no.onnx", PYTHONPATH=".")
        assert quiet.code == 4
        assert "PL101" in quiet.out
        assert quiet.err.splitlines() == [
            "paramlint has a defect: wide.arch.yaml: rule AC001 failed: ValueError: acme is out of order"
        ]
        loud = place.process("wide.arch.yaml", "-v", PYTHONPATH=".")
        assert "Traceback" in loud.err
        assert place.process("wide.arch.yaml", "--mx", "1", PYTHONPATH=".").code == 2

    def test_130_interrupted(self, place: Place) -> None:
        place.write("acme_rules.py", PLUGIN)
        place.write("paramlint.toml", 'plugins = ["acme_rules"]\n')
        done = place.process("wide.arch.yaml", PYTHONPATH=".", ACME="interrupt")
        assert (done.code, done.out, done.err.strip()) == (128 + signal.SIGINT, "", "")

    def test_the_highest_wins(self, place: Place) -> None:
        assert place("wide.arch.yaml", "broken.arch.yaml", *LIMIT).code == 3
        assert place("wide.arch.yaml", "broken.arch.yaml", "--max", "1m").code == 2


class TestPaths:
    def test_one_bad_file_hides_no_other(self, place: Place) -> None:
        done = place("broken.arch.yaml", "wide.arch.yaml", "missing.onnx", "tiny.arch.yaml", *LIMIT, "-o", "json")
        report = json.loads(done.out)
        assert [model["path"] for model in report["models"]] == ["wide.arch.yaml", "tiny.arch.yaml"]
        assert [error["path"] for error in report["errors"]] == ["broken.arch.yaml", "missing.onnx"]
        assert (done.code, report["summary"]["exit_code"]) == (3, 3)

    def test_no_path_is_this_folder(self, place: Place) -> None:
        assert place(*LIMIT, "-o", "concise") == place(".", *LIMIT, "-o", "concise")
        place.write("sub/deep/more.arch.yaml", TINY)
        place.write(".hidden/no.arch.yaml", BROKEN)
        report = json.loads(place("sub", *LIMIT, "-o", "json").out)
        assert [model["path"] for model in report["models"]] == [os.path.join("sub", "deep", "more.arch.yaml")]

    def test_excluded_files_are_left_out_silently(self, place: Place) -> None:
        """Hooks pass every file of a commit."""
        place.write("paramlint.toml", 'exclude = ["broken*", "old/**"]\n')
        place.write("old/more.arch.yaml", BROKEN)
        done = place("broken.arch.yaml", "old/more.arch.yaml", *LIMIT)
        assert (done.code, done.out) == (0, "0 errors, 0 warnings, 0 notes; 0 models checked\n")
        assert place("old", *LIMIT).code == 3  # a folder that was given holds nothing
        assert "broken" not in place(".", *LIMIT, "-o", "concise").out

    def test_a_folder_that_cannot_be_read_is_said(self, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
        place.write("locked/deep.arch.yaml", WIDE)
        scandir = os.scandir

        def refuse(path: str) -> object:
            if os.path.basename(path) == "locked":
                raise PermissionError(13, "Permission denied", path)
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        done = place(".", *LIMIT, "-o", "concise")
        assert done.code == 3
        assert f"{os.path.join('.', 'locked')}: error[PL000] cannot be read: permission denied" in done.out

    def test_a_pointer_on_standard_input(self, place: Place) -> None:
        done = place.process("-", *LIMIT, input=POINTER)
        assert (done.code, "Git LFS" in done.out) == (3, True)

    def test_a_file_counts_once(self, place: Place) -> None:
        words = ("tiny.arch.yaml", "./tiny.arch.yaml", str(place.folder / "tiny.arch.yaml"))
        assert len(json.loads(place(*words, *LIMIT, "-o", "json").out)["models"]) == 1

    @pytest.mark.parametrize("kind", ["spec", "onnx"])
    def test_standard_input(self, place: Place, kind: str) -> None:
        path = place.folder / ("tiny.arch.yaml" if kind == "spec" else graph(place.folder / "g.onnx"))
        done = subprocess.run(
            [sys.executable, "-m", "paramlint", "-", "wide.arch.yaml", "--max", "35", "-o", "concise"],
            input=path.read_bytes(),
            cwd=place.folder,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1
        assert done.stdout.startswith(b"<stdin>")
        assert b"36 > 35" in done.stdout
        assert b"wide.arch.yaml" in done.stdout

    def test_standard_input_is_read_once(self, place: Place) -> None:
        assert place("-", "-").code == 2

    def test_words_in_any_order(self, place: Place) -> None:
        groups = (("check",), ("tiny.arch.yaml",), ("--max", "35"), ("-o", "concise"), ("-v",))
        orders = [order for order in itertools.permutations(groups) if order.index(groups[0]) < order.index(groups[1])]
        outcomes = {place(*itertools.chain(*order)) for order in orders}
        outcomes |= {place(*itertools.chain(*order)) for order in itertools.permutations(groups[1:])}
        assert len(outcomes) == 1

    def test_a_file_may_be_called_like_a_command(self, place: Place) -> None:
        place.write("show", TINY)
        assert place("--max", "35", "--", "show").code == 1
        assert place("./show", "--max", "35").code == 1
        assert place("--", "tiny.arch.yaml", "--max").code == 3  # behind -- everything is a path


class TestManual:
    def test_every_rule_has_its_page(self, place: Place) -> None:
        lines = place("rules").out.splitlines()
        assert len(lines) > 25
        for line in lines:
            code, name = line.split()[:2]
            page = place("rules", code)
            assert page == place("rules", name)
            assert page.out.startswith(f"{code} {name} (")
            assert "\nWhy: " in page.out
            assert "\nFix: " in page.out
            assert "``" not in page.out

    def test_the_beginning_of_codes_lists_rules(self, place: Place) -> None:
        listed = place("rules", "pl4").out.splitlines()
        assert [line[:5] for line in listed] == [f"PL40{number}" for number in range(1, 8)]

    def test_rules_of_a_plugin(self, place: Place) -> None:
        place.write("acme_rules.py", PLUGIN)
        place.write("paramlint.toml", 'plugins = ["acme_rules"]\n')
        assert "AC001" in place.process("rules", PYTHONPATH=".").out
        assert "AC001" not in place("rules", "--config", str(place.write("other.toml", ""))).out


def test_a_profiler_gets_the_end_that_it_writes_at(place: Place) -> None:
    """Others leave at once, their output whole; see ``place.process`` everywhere here."""
    call = [sys.executable, "-m", "cProfile", "-m", "paramlint", "tiny.arch.yaml", "--max", "35"]
    done = subprocess.run(call, cwd=place.folder, capture_output=True, text=True, check=False)
    assert "function calls" in done.stdout
    assert "PL101" in done.stdout
