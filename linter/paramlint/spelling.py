"""Did-you-mean: the known word that a misspelled one is nearest to."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word nearest to ``word``, letter case aside; None when none is near."""
    from difflib import get_close_matches  # only a mistake pays for it

    by_fold: dict[str, str] = {}
    for item in known:
        by_fold.setdefault(item.casefold(), item)
    found = get_close_matches(word[:100].casefold(), by_fold, n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint for an unknown word, or None when nothing is near."""
    near = nearest(word, known)
    return None if near is None else f"did you mean {near!r}?"


def hint(word: str, known: Iterable[str]) -> str:
    """A hint for an unknown word: the nearest one, else the list of all."""
    words = list(known)
    return did_you_mean(word, words) or f"there are: {', '.join(words)}"
