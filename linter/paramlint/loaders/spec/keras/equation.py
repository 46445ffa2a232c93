"""The equation of ``EinsumDense``: which axis of kernel, bias and output gets its size from where."""

from __future__ import annotations

import re

from paramlint.ir import Dim
from paramlint.loaders.spec.layer_checks import same_size, show
from paramlint.loaders.spec.vocabulary import Call

_FORMS = re.compile(
    r"(?P<left>\.\.\.)?(?P<input>[A-Za-z]+)(?P<right>\.\.\.)?,(?P<kernel>[A-Za-z]+)->"
    r"(?P<out_left>\.\.\.)?(?P<output>[A-Za-z]+)(?P<out_right>\.\.\.)?"
)


class Equation:
    """An equation put on the input's shape; fails with the argument that is wrong."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.text: str = call.args["equation"]
        found = _FORMS.fullmatch(self.text)
        if found is None or _uneven(found):
            call.fail(
                f"the equation {self.text[:60]!r} has none of the known forms",
                "equation",
                "write it as ab,bc->ac or ...b,bc->...c or ab...,bc->ac...",
            )
        self._input, self.kernel_axes, self._output = found["input"], found["kernel"], found["output"]
        self._left, self._right = bool(found["left"]), bool(found["right"])
        self._shape = (None, *call.shape())
        self._sizes: dict[str, Dim] = {}
        self._open: set[str] = set()  # axes whose size output_shape leaves to the input
        self._elided = self._hidden()
        self._check_batch()
        self.output = self._resolve()
        self.kernel_shape = tuple(self._fixed(letter) for letter in self.kernel_axes)
        self.bias_axes = self._bias()
        self.bias_shape: tuple[int, ...] | None = None
        if self.bias_axes:
            tail = self._output[min(self._output.find(letter) for letter in self.bias_axes) :]
            sizes = [self._fixed(letter) if letter in self.bias_axes else 1 for letter in tail]
            self.bias_shape = (*sizes, *([1] * len(self._elided) if self._right else []))

    def size(self, letter: str) -> int:
        """The size of an axis that the kernel or the bias has."""
        return self._fixed(letter)

    @property
    def is_dense(self) -> bool:
        """True where the kernel works on the last axis alone and puts one in its place, as ``Dense`` does."""
        axes = self.kernel_axes
        return (
            len(axes) == 2 and axes[0] != axes[1] and not self._right
            and self._input[-1] == axes[0] and self._output[-1] == axes[1]
            and self._input[:-1] == self._output[:-1]
            and not set(axes) & set(self._input[:-1])
        )  # fmt: skip

    @property
    def repeated(self) -> tuple[Dim, ...]:
        """The sizes of every index that the kernel has not: each repeats the kernel's work."""
        batch = () if self._left and len(self._shape) > len(self._input) else (self._input[0],)
        letters = [one for one in dict.fromkeys(self._input) if one not in self.kernel_axes and one not in batch]
        return (*self._elided, *[self._sizes[one] for one in letters])

    def _hidden(self) -> tuple[Dim, ...]:
        """The sizes that '...' stands for, without batch."""
        count = len(self._shape) - len(self._input)
        if count < 0 or (count > 0 and not (self._left or self._right)):
            self._call.fail(
                f"the equation {self.text!r} names {len(self._input)} input axes with batch, the input "
                f"{show(self._shape[1:])} has {len(self._shape)}",
                "equation",
            )
        if self._left:
            return self._shape[1:count]
        return self._shape[len(self._input) :] if self._right else ()

    def _check_batch(self) -> None:
        """The batch stays in front and the kernel leaves it alone."""
        if self._left and len(self._shape) > len(self._input):
            return
        first = self._input[0]
        if self._output[0] != first or first in self.kernel_axes or first in self._input[1:] + self._output[1:]:
            self._call.fail(f"axis {first!r} of {self.text!r} is the batch and must stay in front", "equation")

    def _resolve(self) -> tuple[Dim, ...]:
        """The output's shape without batch, every letter's size found on the way."""
        call, sizes = self._call, self._sizes
        led = self._left and len(self._shape) > len(self._input)
        known = self._shape[-len(self._input) :] if self._left else self._shape[: len(self._input)]
        for letter, size in zip(self._input, known, strict=True):
            told = f"axis {letter!r} of {self.text!r} has two sizes in the input {show(self._shape[1:])}"
            same_size(call, sizes.get(letter), size, told, "equation")
            sizes[letter] = size
        for letter in (*self._output, *self.kernel_axes):
            if letter not in self._input and (letter not in self.kernel_axes or letter not in self._output):
                place = "output" if letter in self._output else "kernel"
                call.fail(f"axis {letter!r} of the {place} stands nowhere else in {self.text!r}", "equation")
        wanted = call.args["output_shape"]
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        letters = self._output if led else self._output[1:]
        if len(wanted) != len(letters):
            call.fail(
                f"output_shape {show(wanted)} must have {len(letters)} sizes for {self.text!r}: those of "
                f"{', '.join(letters) or 'none'}",
                "output_shape",
            )
        for letter, size in zip(letters, wanted, strict=True):
            if size is None:
                self._open.add(letter)
            if letter not in self._input:
                sizes[letter] = size
            elif size is not None and size != sizes[letter]:
                call.fail(
                    f"output_shape says {size} for axis {letter!r}, the input {show(self._shape[1:])} "
                    f"has {show((sizes[letter],))[1:-1]}",
                    "output_shape",
                )
        body = [sizes[letter] for letter in letters]
        return (*self._elided, *body) if self._left else (*body, *self._elided)

    def _bias(self) -> str:
        wanted: str | None = self._call.args["bias_axes"]
        if wanted is None:
            return ""
        if not wanted:
            self._call.fail("bias_axes is empty", "bias_axes", "leave it out for no bias")
        for letter in wanted:
            if letter not in self._output:
                self._call.fail(f"bias axis {letter!r} is no axis of the output {self._output!r}", "bias_axes")
        return "".join(dict.fromkeys(wanted))

    def _fixed(self, letter: str) -> int:
        size = self._sizes[letter]
        if letter in self._open:
            self._call.fail(f"output_shape must say the size of axis {letter!r}, which a weight has", "output_shape")
        if not isinstance(size, int) or size < 1:
            self._call.fail(f"axis {letter!r} of {self.text!r} must have a fixed size", "equation")
        return size


def _uneven(found: re.Match[str]) -> bool:
    """'...' on both sides of one tensor, or not in the same place of input and output."""
    left, right = bool(found["left"]), bool(found["right"])
    return (
        (left and right)
        or (right and len(found["input"]) < 2)
        or left != bool(found["out_left"])
        or right != bool(found["out_right"])
    )
