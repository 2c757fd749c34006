"""Work cut into shards: which unit falls to which, the same on every machine that asks. Pure.

A unit is a case of a check or a commit of a run. Shards know nothing of each other, so each must cut the
whole alike: by the units' names and weights, never by the order in which they were found. What a shard
says of the whole goes with its results, and `disagreements` finds where two of them cut, or measured,
differently.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

MOST = 10_000
"""Shards that anybody can mean; more is a slip of the finger."""

_WORD = re.compile(r"^([0-9]{1,6})/([0-9]{1,6})$")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `of` shards; `index` counts from 1."""

    index: int
    of: int

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"


def parse(word: str) -> Shard:
    """`2/8`. Raises ValueError.

    >>> parse("2/8")
    Shard(index=2, of=8)
    """
    match = _WORD.match(word.strip())
    if match is None:
        raise ValueError(f"expected a shard such as 1/4, found {word!r}")
    index, of = int(match[1]), int(match[2])
    if not 1 <= index <= of:
        raise ValueError(f"there is no shard {index} of {of}: they count from 1/{of} to {of}/{of}")
    if of > MOST:
        raise ValueError(f"{of} shards are more than {MOST}")
    return Shard(index, of)


def weighed(units: Iterable[str], seconds: Mapping[str, float]) -> dict[str, float]:
    """Each unit with the seconds it is known to take, the median of the known ones where it is not; all
    alike where none is."""
    names = list(units)
    known = [seconds[name] for name in names if seconds.get(name, 0.0) > 0.0]
    usual = statistics.median(known) if known else 1.0
    return {name: seconds.get(name, 0.0) or usual for name in names}


def cut(units: Mapping[str, float], of: int) -> tuple[tuple[str, ...], ...]:
    """The units of each shard, by their weights: the heaviest first to the lightest shard so far.

    No shard is heavier than an even share and one unit more (Graham, 1969); units that weigh the same
    are spread to within one. Every unit is in exactly one shard, whatever the order of `units`.
    """
    shards: list[list[str]] = [[] for _ in range(of)]
    loads = [(0.0, number) for number in range(of)]
    for name in sorted(units, key=lambda unit: (-units[unit], unit)):
        load, number = loads[0]
        shards[number].append(name)
        heapq.heapreplace(loads, (load + units[name], number))
    return tuple(map(tuple, shards))


def fingerprint(content: Sequence[object]) -> str:
    """A short name for nested lists of texts: equal for equal lists, on every machine."""
    return hashlib.sha256(ascii(content).encode()).hexdigest()[:16]


def missing(present: Iterable[Shard]) -> list[Shard]:
    """The shards that are not there, of as many as those there speak of."""
    there = set(present)
    return [
        shard
        for of in sorted({shard.of for shard in there})
        for number in range(1, of + 1)
        if (shard := Shard(number, of)) not in there
    ]


def disagreements(wholes: Sequence[tuple[str, Mapping[str, str]]]) -> list[str]:
    """What shards say differently of the whole, a line for each fact: what most say, and who does not.

    Each is the name of its file with facts such as `{"base": "a1b2…", "tolerance": "5%"}`.
    """
    lines = []
    for fact in sorted({fact for _, whole in wholes for fact in whole}):
        said: dict[str, list[str]] = {}
        for source, whole in wholes:
            said.setdefault(whole.get(fact, "unknown"), []).append(source)
        if len(said) > 1:
            ranked = sorted(said.items(), key=lambda item: -len(item[1]))
            parts = [f"{value or 'none'} in {_some(sources)}" for value, sources in ranked]
            lines.append(f"{fact}: {'; '.join(parts)}")
    return lines


def _some(sources: Sequence[str]) -> str:
    more = f" and {len(sources) - 2} more" if len(sources) > 2 else ""
    return ", ".join(sources[:2]) + more
