"""Files judged by several processes: the same outcomes in the same order."""

from __future__ import annotations

import copyreg
import signal
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from paramlint import engine
from paramlint.engine import Outcome, Plan


def _read_only(held: Mapping[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(held)


def _plain(proxy: MappingProxyType[Any, Any]) -> tuple[Any, ...]:
    return _read_only, (dict(proxy),)


#: Models hold read-only mappings, which Python cannot send to another process unless told how.
copyreg.pickle(MappingProxyType, _plain)


def judge(work: Sequence[tuple[str, Plan, bytes | None]], jobs: int) -> Iterator[Outcome]:
    """The outcome of every file, in order."""
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(min(jobs, len(work)), initializer=_leave_interrupts) as pool:
        try:
            yield from pool.map(_one, work, chunksize=max(1, len(work) // (jobs * 8)))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that was called answers it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _one(item: tuple[str, Plan, bytes | None]) -> Outcome:
    return engine.judge(*item)
