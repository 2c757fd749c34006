"""Failures of one side, and of both: how many it takes, and how often chance is taken for a fault."""

from __future__ import annotations

import random

import pytest

from odyssey_asv.pairs.failures import Failures

BASE, CONTENDER = 0, 1


def seen(*attempts: tuple[bool, bool]) -> Failures:
    made = Failures()
    for base, contender in attempts:
        made.add(base, contender)
    return made


@pytest.mark.parametrize("side", [BASE, CONTENDER])
@pytest.mark.parametrize("level", [0.28, 2e-3, 8e-5, 1e-6])
def test_as_many_unanimous_failures_as_make_chance_unlikely(side: int, level: float) -> None:
    """Each halves the probability that it is chance, and not one more than about that is asked for."""
    made, count = Failures(), 0
    while not made.shown(side, level):
        made.add(side == BASE, side == CONTENDER)
        count += 1
    assert 0.5**count <= level
    assert 0.5 ** (count - 3) > level
    assert not made.shown(1 - side, level)


def test_a_side_that_fails_half_of_the_time_is_found() -> None:
    """Attempts in which it works say nothing against it, as long as the other side always works."""
    made = seen(*[(False, True), (False, False)] * 30)
    assert made.shown(CONTENDER, 1e-4)
    assert not seen(*[(False, True), (False, False)] * 5).shown(CONTENDER, 1e-4)


def test_failures_of_both_sides_say_nothing() -> None:
    made = seen(*[(True, True)] * 50)
    assert not made.shown(BASE, 0.5)
    assert not made.shown(CONTENDER, 0.5)
    assert made.always_both
    assert not made.pending
    assert not seen(*[(True, True)] * 50, (False, False)).always_both


def test_few_exceptions_are_allowed_for() -> None:
    made = seen(*[(False, True)] * 20, (True, False), *[(False, True)] * 10)
    assert made.shown(CONTENDER, 1e-3)


def test_what_is_pending() -> None:
    assert not Failures().pending
    assert not seen((False, False)).pending
    assert seen((False, True)).pending
    assert not seen((False, True), *[(False, False)] * 50).pending


def test_what_failed_each_time_on_the_contender_alone() -> None:
    assert not seen((False, True)).one_sided
    assert seen((False, True), (False, True)).one_sided
    assert not seen((False, True), (False, False)).one_sided
    assert not seen((True, True), (False, True)).one_sided


@pytest.mark.parametrize("rate", [0.05, 0.3, 0.5, 0.95])
@pytest.mark.parametrize("apart", [False, True])
def test_the_same_code_is_called_failed_as_rarely_as_is_permitted(rate: float, apart: bool) -> None:
    """Looked at after every attempt; also where one side fails just because the other does not, as with a
    port that only one of them can have."""
    rng, level, wrong, trials = random.Random(3), 0.02, 0, 4000
    for _ in range(trials):
        made = Failures()
        for _ in range(40):
            if apart:
                first = rng.random() < 0.5
                made.add(first, not first)
            else:
                made.add(rng.random() < rate, rng.random() < rate)
            if made.shown(CONTENDER, level):
                wrong += 1
                break
    # Three standard errors above what is permitted.
    assert wrong <= trials * level + 3.0 * (trials * level) ** 0.5
