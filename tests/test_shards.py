"""Cutting work into shards: properties that hold for any work, and what shards say against each other."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.sharding.shards import Shard, cut, disagreements, missing, parse, weighed

UNITS = st.dictionaries(st.text(max_size=8), st.floats(0.001, 1000.0), max_size=40)
COUNTS = st.integers(1, 12)


@given(UNITS, COUNTS)
def test_every_unit_is_in_exactly_one_shard(units: dict[str, float], of: int) -> None:
    shards = cut(units, of)
    assert len(shards) == of
    assert sorted(unit for shard in shards for unit in shard) == sorted(units)


@given(UNITS, COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_units_does_not_matter(
    units: dict[str, float], of: int, rng: random.Random
) -> None:
    mixed = list(units.items())
    rng.shuffle(mixed)
    assert cut(dict(mixed), of) == cut(units, of)


@given(UNITS, COUNTS)
def test_no_shard_is_heavier_than_an_even_share_and_one_unit(
    units: dict[str, float], of: int
) -> None:
    heaviest = max(sum(units[unit] for unit in shard) for shard in cut(units, of))
    bound = sum(units.values()) / of + max(units.values(), default=0.0)
    assert heaviest <= bound * (1 + 1e-9)


@given(st.sets(st.text(max_size=8), max_size=40), COUNTS)
def test_units_of_unknown_duration_are_spread_to_within_one(units: set[str], of: int) -> None:
    sizes = [len(shard) for shard in cut(weighed(units, {}), of)]
    assert max(sizes) - min(sizes) <= 1


def test_a_long_unit_has_a_shard_to_itself() -> None:
    known = {"long": 30.0, "b": 10.0, "c": 10.0, "d": 10.0}
    assert cut(weighed(known, known), 2) == (("long",), ("b", "c", "d"))


def test_an_unknown_unit_weighs_as_much_as_the_usual_one() -> None:
    assert weighed(["a", "b", "c", "new"], {"a": 1.0, "b": 5.0, "c": 100.0})["new"] == 5.0


@pytest.mark.parametrize(
    "word", ["", "1", "1/", "/2", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", "1/99999", "1.0/2"]
)
def test_what_is_no_shard(word: str) -> None:
    with pytest.raises(ValueError, match="shard"):
        parse(word)


@given(COUNTS.flatmap(lambda of: st.tuples(st.integers(1, of), st.just(of))))
def test_a_shard_reads_back_as_it_is_written(numbers: tuple[int, int]) -> None:
    assert parse(str(Shard(*numbers))) == Shard(*numbers)


def test_missing_shards_are_named() -> None:
    assert missing([Shard(1, 3), Shard(3, 3)]) == [Shard(2, 3)]
    assert missing([Shard(1, 1)]) == []
    assert missing([]) == []


def test_a_disagreement_names_the_fact_both_values_and_the_files() -> None:
    wholes = [
        ("a", {"base": "1", "tolerance": "5 %"}),
        ("b", {"base": "1", "tolerance": "10 %"}),
        ("c", {"base": "1", "tolerance": "5 %"}),
    ]
    assert disagreements(wholes) == ["tolerance: 5 % in a, c; 10 % in b"]
    assert disagreements(wholes[::2]) == []


def test_a_fact_that_only_one_shard_knows_is_a_disagreement() -> None:
    assert disagreements([("a", {"gate": "memory"}), ("b", {})]) == [
        "gate: memory in a; unknown in b"
    ]
