"""The skeleton of a model: its protobuf bytes without large payloads, and where each of those stands.

The wire format is walked with an explicit stack and only messages larger than ``KEEP`` are entered (a smaller one
cannot hold a large payload), so that small nodes cost one step each and the cost grows with the graph alone.
In place of a payload the skeleton holds a token (random per process, so that no file can forge one) and its number.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from paramlint.loaders.onnx.source import WINDOW, Source

KEEP = 4096  # bytes of a tensor that stay: shape arithmetic and biases are below, data is above
MAX_SKELETON = 1 << 28  # a graph without payloads of more than 256 MiB is refused (the largest known have about 20)
MAX_DEPTH = 100  # nested messages that protobuf reads
MAX_TEXT = 1 << 16  # documentation longer than this is left out
TOKEN = os.urandom(16)


class Payload(NamedTuple):
    """A payload that stayed in the file: ``length`` bytes at ``offset``; ``field`` is its number in the message.

    ``entries`` is the number of elements where the wire format says it (packed fixed width, single entries), None for
    packed varints, which take one to ten bytes each. ``packed`` is False for entries with a tag of their own.
    """

    offset: int
    length: int
    field: int
    entries: int | None
    packed: bool


class WireError(Exception):
    """The bytes are no protobuf message: one phrase, with the offset."""


#: Messages that may hold payloads: field number -> kind of message.
_ENTER: dict[str, dict[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
#: Payload fields of each message, and the field that the token takes.
_PAYLOADS: dict[str, dict[int, int]] = {
    "tensor": dict.fromkeys((4, 5, 6, 7, 9, 10, 11), 9),  # raw_data and the typed lists -> raw_data
    "attribute": dict.fromkeys((4, 7, 8, 9), 4),  # s, floats, ints, strings -> s
}
_WIDTH = {("tensor", 4): 4, ("tensor", 10): 8, ("attribute", 7): 4}  # packed fixed-width elements
_TEXTS = {"model": {6}, "graph": {10}, "node": {6}, "tensor": {12}, "attribute": {13}, "function": {8}}
_DROPPED = {"model": {20}}  # training_info is never counted
#: Entries with a tag each, counted by the regular expression engine: tag bytes of (message, field) -> pattern, which
#: is compiled where it is met, for hardly any file has such lists.
_RUNS = {
    ("tensor", 4): rb"(?:\x25.{4})+",
    ("tensor", 10): rb"(?:\x51.{8})+",
    ("attribute", 7): rb"(?:\x3d.{4})+",
    ("tensor", 5): rb"(?:\x28[\x80-\xff]{0,9}[\x00-\x7f])+",
    ("tensor", 7): rb"(?:\x38[\x80-\xff]{0,9}[\x00-\x7f])+",
    ("tensor", 11): rb"(?:\x58[\x80-\xff]{0,9}[\x00-\x7f])+",
    ("attribute", 8): rb"(?:\x40[\x80-\xff]{0,9}[\x00-\x7f])+",
}
_TERMINATORS = rb"[\x00-\x7f]"  # tag bytes of the lists in question and last bytes of varints
_ENTRY = {("tensor", 4): 5, ("tensor", 10): 9, ("attribute", 7): 5}


class _Frame:
    __slots__ = ("count", "end", "field", "first", "kind", "out", "packed", "run", "seen", "size", "start")

    def __init__(self, kind: str, start: int, end: int, field: int) -> None:
        self.kind, self.start, self.end, self.field = kind, start, end, field
        self.out: list[bytes] = []
        self.run = start  # bytes from here on are still to be copied
        self.first, self.size, self.count, self.seen, self.packed = 0, 0, 0, 0, True  # the payload met in this message


class Walker:
    """One pass over a model's bytes."""

    def __init__(self, source: Source, keep: int = KEEP) -> None:
        self.source, self.keep = source, keep
        self.payloads: list[Payload] = []
        self.copied = 0
        self.buffer, self.base = b"", 0

    def skeleton(self) -> bytes:
        """The model's bytes without payloads; WireError where they are no protobuf."""
        frame = _Frame("model", 0, self.source.size, 0)
        stack: list[_Frame] = []
        at = 0
        while True:
            if at >= frame.end:
                body = self._finish(frame)
                if not stack:
                    return body
                at, child, frame = frame.end, frame, stack.pop()
                frame.out.append(_tag(child.field) + _varint(len(body)) + body)
                frame.run = at
                continue
            at, entered = self._field(frame, at)
            if entered is not None:
                stack.append(frame)
                if len(stack) >= MAX_DEPTH:
                    raise WireError(f"messages are nested deeper than protobuf's limit of {MAX_DEPTH}")
                frame = entered

    def _field(self, frame: _Frame, at: int) -> tuple[int, _Frame | None]:
        """Step over fields from ``at`` to one that must be entered, or to the end of the message."""
        enter, payload = _ENTER[frame.kind], _PAYLOADS.get(frame.kind, {})
        texts, dropped = _TEXTS.get(frame.kind, ()), _DROPPED.get(frame.kind, ())
        end, keep = frame.end, self.keep
        buffer, base = self.buffer, self.base
        while at < end:
            place = at - base
            if place < 0 or place + 24 > len(buffer):
                buffer, base = self._window(at)
                place = at - base
            try:
                key = buffer[place]
                place += 1
                if key & 0x80:
                    key, place = _read_varint(buffer, place - 1)
                wire = key & 7
                if wire == 2:
                    size = buffer[place]
                    place += 1
                    if size & 0x80:
                        size, place = _read_varint(buffer, place - 1)
                elif wire == 0:
                    _, place = _read_varint(buffer, place)
                    size = 0
                elif wire == 5 or wire == 1:
                    size = 4 if wire == 5 else 8
                else:
                    raise WireError(f"wire type {wire} at byte {at} is no part of an ONNX file")
            except IndexError:
                raise WireError(f"it ends inside a field at byte {at}") from None
            number, start = key >> 3, base + place
            stop = start + size
            if number == 0:
                raise WireError(f"field number 0 at byte {at}")
            if stop > end:
                missing = stop - end
                raise WireError(
                    f"it is truncated: the field at byte {at} claims {size:,} bytes, {missing:,} of them missing"
                )
            if wire == 2 and size > keep:
                if number in enter:
                    self._copy(frame, at)
                    return start, _Frame(enter[number], start, stop, number)
                if number in payload or number in dropped or (number in texts and size > MAX_TEXT):
                    self._copy(frame, at)
                    frame.run = stop
                    if number in payload:
                        self._met(frame, number, start, size)
            elif number in payload and wire != 2 and (frame.kind, number) in _RUNS and end - at > keep:
                stop = self._run(frame, number, at)
                buffer, base = self.buffer, self.base
            elif number in dropped:
                self._copy(frame, at)
                frame.run = stop
            at = stop
        return at, None

    def _window(self, at: int) -> tuple[bytes, int]:
        self.buffer, self.base = self.source.read(at, WINDOW), at
        return self.buffer, at

    def _copy(self, frame: _Frame, upto: int) -> None:
        """Keep the bytes since the last payload."""
        if upto > frame.run:
            self.copied += upto - frame.run
            if self.copied > MAX_SKELETON:
                raise WireError(f"its graph without weights takes more than {MAX_SKELETON >> 20} MiB")
            frame.out.append(self.source.read(frame.run, upto - frame.run))
        frame.run = upto

    def _met(self, frame: _Frame, number: int, start: int, size: int) -> None:
        width = _WIDTH.get((frame.kind, number))
        if width is not None and size % width:
            raise WireError(f"the packed list at byte {start} holds {size:,} bytes, no multiple of {width}")
        if not frame.seen:
            frame.first = start
        single = (frame.kind, number) in (("tensor", 6), ("attribute", 9))  # one string each
        frame.count += 1 if single else size // (width or 1)
        frame.seen, frame.size = number, frame.size + size

    def _run(self, frame: _Frame, number: int, at: int) -> int:
        """Step over entries of a list that have a tag each; the end of the run."""
        key, run = (frame.kind, number), 0
        self._copy(frame, at)
        start, pattern, entries = at, re.compile(_RUNS[key], re.DOTALL), 0
        while at < frame.end:
            buffer, _ = self._window(at)
            match = pattern.match(buffer, 0, min(len(buffer), frame.end - at))
            if match is None:
                break
            run = match.end()
            width = _ENTRY.get(key)
            entries += run // width if width else len(re.findall(_TERMINATORS, buffer[:run])) // 2
            at += run
        if at == start:
            raise WireError(f"the list at byte {at} is not readable")
        if not frame.seen:
            frame.first, frame.packed = start, False
        frame.seen, frame.size, frame.count, frame.run = number, frame.size + at - start, frame.count + entries, at
        return at

    def _finish(self, frame: _Frame) -> bytes:
        self._copy(frame, frame.end)
        if frame.seen:
            counted = (frame.kind, frame.seen) in _WIDTH or not frame.packed
            counted = counted or (frame.kind, frame.seen) in (("tensor", 6), ("attribute", 9))
            mark = TOKEN + len(self.payloads).to_bytes(8, "little")
            self.payloads.append(
                Payload(frame.first, frame.size, frame.seen, frame.count if counted else None, frame.packed)
            )
            frame.out.append(_tag(_PAYLOADS[frame.kind][frame.seen]) + _varint(len(mark)) + mark)
        return b"".join(frame.out)


def _read_varint(buffer: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = buffer[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
        if shift > 63:
            raise WireError("a varint has more than ten bytes")


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tag(number: int) -> bytes:
    return _varint(number << 3 | 2)
