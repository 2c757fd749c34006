"""The report at a terminal: it fits, it says everything, and no name can drive the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from rich.cells import cell_len

from odyssey_asv.comparison import compare
from odyssey_asv.model import Environment, Kind, Metric, ResultSet, Status
from odyssey_asv.policy import OtherMachine, Policy
from odyssey_asv.report import terminal, words
from tests import strategies
from tests.builders import (
    benchmark,
    compared,
    golden,
    named,
    result,
    result_set,
    showcase,
    timed,
)

Pair = tuple[ResultSet, ResultSet]


def widest(text: str) -> int:
    return max(cell_len(line) for line in text.splitlines())


def test_the_report_is_the_golden_one() -> None:
    """Every verdict, hint and doubt, as it was read and approved."""
    actual = terminal.render(showcase())
    assert golden("terminal.txt", actual) == actual


def test_a_regression_is_told_in_full() -> None:
    """The word, the benchmark, the change, and both values with units."""
    text = terminal.render(compared({"tensor_add": 100}, {"tensor_add": 115}))
    (line,) = [line for line in text.splitlines() if "tensor_add" in line]
    for part in ("+15.0 %", "REGRESSION (minor)", "tensor_add", "100 ms", "115 ms"):
        assert part in line
    assert text.splitlines()[-1] == "REGRESSION: the contender must not pass"


def test_a_change_just_beyond_the_limit_is_seen_to_be() -> None:
    """10.04 % is a regression and must not look like 10.0 %, which is none."""
    text = terminal.render(compared({"f": 100, "g": 100}, {"f": 110.04, "g": 110}))
    assert "+10.04 %  REGRESSION (minor)  f " in text
    assert " +10.0 %  slower" in text


def test_a_threshold_of_its_own_is_seen_too() -> None:
    """The limits of the case decide which digits are shown."""
    one = benchmark("f", threshold=0.03)
    base, contender = (result_set([(one, result(one, value))]) for value in (1.0, 1.0304))
    assert "+3.04 %  REGRESSION" in terminal.render(compare(base, contender))


def test_what_was_added_or_removed_is_listed_with_a_hint() -> None:
    """Both lists, and what to do about them."""
    text = terminal.render(compared({"f": 1, "old": 1}, {"f": 1, "new": 1}))
    listed = [line.split()[:2] for line in text.splitlines()]
    assert ["removed", "old"] in listed
    assert ["added", "new"] in listed
    assert "1 added: not gated until the baseline is updated (odyssey baseline)" in text
    assert "1 removed: the base has them, the contender does not" in text


def test_a_forbidden_gap_is_told() -> None:
    """Who sees exit code 1 sees why."""
    text = terminal.render(compared({"f": 1, "g": 1}, {"f": 1}, fail_on_missing=True))
    assert "missing benchmarks must not pass (--fail-on-missing)" in " ".join(text.split())


def test_unchanged_cases_are_cut_to_what_a_screen_holds() -> None:
    """And all are shown on demand; what changed is never cut."""
    base = {f"f{number:02}": 1 for number in range(60)}
    few = terminal.render(compared(base, base))
    assert few.count("unchanged  f") == 40
    assert "20 unchanged not shown (--all shows them)" in few
    every = terminal.render(compared(base, base), everything=True)
    assert every.count("unchanged  f") == 60
    assert "not shown" not in every
    changed = terminal.render(compared({**base, "g": 1}, {**dict.fromkeys(base, 2), "g": 1}))
    assert changed.count("REGRESSION (severe)  f") == 60
    assert "1 unchanged not shown" in changed


def test_another_machine_is_told_at_the_top() -> None:
    """Before any number."""
    base = timed({"f": 1}, environment=Environment(machine="a"))
    contender = timed({"f": 2}, environment=Environment(machine="b"))
    comparison = compare(base, contender, Policy(other_machine=OtherMachine.ADVISE))
    lines = terminal.render(comparison).splitlines()
    assert lines[2:4] == [
        "warning: another machine: a → b",
        "warning: times do not carry across machines; not judged",
    ]
    assert lines[-1] == "not judged: the two were measured on different machines"


@pytest.mark.parametrize(
    ("base", "contender", "expected"),
    [
        ({"f": 1}, {"f": 1}, "ok: no regression"),
        ({"f": 0}, {"f": 1}, "invalid data: no verdict"),
        ({"f": Status.FAILED}, {"f": 1}, "nothing was compared: no verdict"),
    ],
)
def test_the_last_line_is_the_conclusion(
    base: dict[str, object], contender: dict[str, object], expected: str
) -> None:
    """One line for who reads no more."""
    assert terminal.render(compared(base, contender)).splitlines()[-1] == expected


def test_a_fault_is_told() -> None:
    """With the case that it makes invalid."""
    text = terminal.render(compared({"f": 0, "g": 1}, {"f": 1, "g": 1}))
    assert "invalid: f: the base is zero: 0.0" in text


def test_what_no_side_has_is_nothing_to_compare() -> None:
    """Not an empty table."""
    text = terminal.render(compared({}, {}))
    assert "nothing to compare" in text
    assert "verdict  " not in text


def test_color_is_only_there_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain text has no escape character at all."""
    monkeypatch.setenv("TERM", "xterm-256color")
    comparison = compared({"f": 1}, {"f": 2})
    assert "\x1b[1;31m" in terminal.render(comparison, color=True)
    assert "\x1b" not in terminal.render(comparison)


@pytest.mark.parametrize(
    "name",
    ["x" * 300, "a_b." * 75, "ベンチマーク" * 20, "word " * 60, *strategies.HOSTILE],
    ids=strategies.shortened,
)
def test_every_line_fits_eighty_columns(name: str) -> None:
    """With names that are long, wide or hostile."""
    text = terminal.render(compared({name: 100, "g": Status.FAILED}, {name: 160, "g": 1}))
    assert widest(text) <= 80


@pytest.mark.parametrize("letter", ["x", "ベ"])
def test_a_long_name_is_folded_and_not_cut(letter: str) -> None:
    """Three hundred letters are three hundred letters."""
    text = terminal.render(compared({letter * 300: 100}, {letter * 300: 160}))
    assert text.count(letter) == 300


@pytest.mark.parametrize("length", [10, 100, 1000])
def test_long_paths_warnings_reasons_and_units_fit_too(length: int) -> None:
    """Wherever a text comes from."""
    one = benchmark("f", Kind.TRACK, unit="u" * length)
    broken = benchmark("g")
    long = "é" * length
    environment = Environment(machine=long)
    base = result_set([(one, result(one, 1)), (broken, result(broken, 1))], source=long)
    contender = result_set(
        [(one, result(one, 2)), (broken, result(broken, None, Status.FAILED, reason=long))],
        environment=environment,
        release=long,
    )
    text = terminal.render(compare(base, contender, Policy(gate=frozenset(Metric))))
    assert widest(text) <= 80


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_no_name_drives_the_terminal(name: str) -> None:
    """Names, reasons, paths, faults and warnings reach it without control characters."""
    one, bad = benchmark(name), benchmark(f"{name}!", version="1")
    environment = Environment(machine=name)
    base = result_set([(one, result(one, 1.0)), (bad, result(bad, 0))], source=name, release=name)
    contender = result_set(
        [(one, result(one, None, Status.FAILED, reason=name)), (bad, result(bad, 1))],
        environment=environment,
    )
    text = terminal.render(compare(base, contender))
    assert text.replace("\n", "").isprintable()


@given(strategies.any_pairs(), strategies.policies)
def test_any_comparison_can_be_shown(pair: Pair, policy: Policy) -> None:
    """In eighty columns, printable, with the conclusion last."""
    comparison = compare(pair[0], pair[1], policy)
    text = terminal.render(comparison)
    assert widest(text) <= 80
    assert text.replace("\n", "").isprintable()
    assert text.splitlines()[-1] == words.conclusion(comparison)


def test_a_side_says_where_it_comes_from() -> None:
    """A release, a commit, a time, a file: whatever is known."""
    lines = terminal.render(showcase(), width=200).splitlines()
    assert lines[:2] == [
        "base       release v1.2, a1b2c3d4, measured 2026-11-23T19:02:11Z,"
        " benchmarks/baselines/v1.2.json",
        "contender  0f1e2d3c (v1.2-3-gabcdef0), measured 2026-11-23T19:02:11Z, latest_results.json",
    ]
    assert terminal.render(compare(named({"f": 1}), named({"f": 1}))).startswith("base       a1b2")
