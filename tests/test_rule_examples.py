"""The examples in the rules' manual pages run: the bad one is found, the good one is not.

An example is a spec, or an ONNX graph in the text form of its package. What the command line has to say stands behind
the heading (``Bad (--max file=100)::``) or in the spec's first line (``# --target stm32f746``).
"""

from __future__ import annotations

import re
import shlex
import textwrap
from typing import NamedTuple

import onnx.parser
import pytest
from paramlint.rules import cleandoc, load
from place import Place

#: Rules about something that one text cannot show, with what it is.
WITHOUT = {
    "PL002": "a file that contradicts itself in what shape inference accepts",
    "PL005": "a second file that is absent",
    "PL902": "a baseline file",
}
_EXAMPLE = re.compile(r"^(Bad|Good)(?: \((.+)\))?::\n\n((?:(?:    .*)?\n)+)", re.MULTILINE)


class Example(NamedTuple):
    """One example: whether it is the bad one, the text, and the command line's words."""

    bad: bool
    text: str
    arguments: tuple[str, ...]


def examples(code: str) -> list[Example]:
    page = cleandoc(load()[code].__doc__ or "") + "\n"
    found = []
    for kind, said, body in _EXAMPLE.findall(page):
        text = textwrap.dedent(body)
        first = text.splitlines()[0]
        words = said or (first[1:] if first.startswith("# --") else "")
        found.append(Example(kind == "Bad", text, tuple(shlex.split(words))))
    return found


CASES = [(code, example) for code in load() for example in examples(code)]


def rules_that_speak(place: Place, code: str, example: Example) -> set[str]:
    """Codes of all findings and errors about the example."""
    if example.text.startswith("<"):
        name = "example.onnx"
        (place.folder / name).write_bytes(onnx.parser.parse_model(example.text).SerializeToString())
    else:
        name = place.write("example.arch.yaml", example.text)
    done = place(name, "--isolated", "--select", f"PL,{code}", "--output", "concise", *example.arguments)
    assert done.code in (0, 1, 3), done
    return set(re.findall(r": (?:error|warning|note)\[(PL\d+)\]", done.out))


@pytest.mark.parametrize("code", load())
def test_every_rule_shows_both(code: str) -> None:
    kinds = [example.bad for example in examples(code)]
    if code in WITHOUT:
        assert kinds == [], f"{code} has examples: take it out of WITHOUT"
    else:
        assert kinds == [True, False], f"the docstring of {code} needs one Bad:: and one Good:: example"


@pytest.mark.parametrize(
    ("code", "example"), CASES, ids=[f"{code}-{'bad' if one.bad else 'good'}" for code, one in CASES]
)
def test_example(place: Place, code: str, example: Example) -> None:
    spoken = rules_that_speak(place, code, example)
    assert (code in spoken) == example.bad, (
        f"{code} {'is silent about its bad' if example.bad else 'speaks of its good'} example: {spoken}"
    )
