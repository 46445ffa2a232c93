"""Files judged by several processes: the same outcomes in the same order."""

from __future__ import annotations

import copyreg
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

from paramlint import engine
from paramlint.engine import Outcome, Plan


def _plain(proxy: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return MappingProxyType, (dict(proxy),)


#: Models hold read-only mappings, which Python cannot send to another process unless told how.
copyreg.pickle(MappingProxyType, _plain)


def judge(work: Sequence[tuple[str, Plan, bytes | None]], jobs: int) -> Iterator[Outcome]:
    """The outcome of every file, in order."""
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(jobs, len(work))) as pool:
        yield from pool.map(_one, work, chunksize=max(1, len(work) // (jobs * 8)))


def _one(item: tuple[str, Plan, bytes | None]) -> Outcome:
    return engine.judge(*item)
