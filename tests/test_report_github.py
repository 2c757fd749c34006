"""The report as annotations: the right level, one command a line, whatever the names are."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from odyssey_asv.comparison import compare
from odyssey_asv.model import Environment, Kind, ResultSet, Status
from odyssey_asv.policy import OtherMachine, Policy
from odyssey_asv.report import github, words
from odyssey_asv.units import one_line
from tests import strategies
from tests.builders import benchmark, compared, golden, result, result_set, showcase

Pair = tuple[ResultSet, ResultSet]
COMMAND = re.compile(r"::(error|warning|notice) title=([^:,]*)::(.*)")


def commands(text: str) -> list[tuple[str, str, str]]:
    """Level, title and message of each line, unescaped as the runner does it."""
    found = []
    for line in text.removesuffix("\n").split("\n"):
        match = COMMAND.fullmatch(line)
        assert match, line
        level, title, message = match.groups()
        title = title.replace("%2C", ",").replace("%3A", ":")
        found.append((level, *(part.replace("%25", "%") for part in (title, message))))
    return [(level, title, message) for level, title, message in found]


def test_the_report_is_the_golden_one() -> None:
    """Every level, as it was read and approved."""
    actual = github.render(showcase())
    assert golden("annotations.txt", actual) == actual


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (115, ("error", "f", "f: REGRESSION (minor) +15.0 % (100 ms → 115 ms)")),
        (107, ("warning", "f", "f: slower +7.0 % (100 ms → 107 ms)")),
        (80, ("notice", "f", "f: faster -20.0 % (100 ms → 80.0 ms)")),
        (Status.FAILED, ("error", "f", "f: failed (it failed)")),
        (Status.SKIPPED, ("warning", "f", "f: removed (skipped)")),
    ],
)
def test_the_level_follows_the_verdict(after: object, expected: tuple[str, str, str]) -> None:
    """An error for a regression, a warning for 5 to 10 %, a notice for an improvement."""
    assert commands(github.render(compared({"f": 100}, {"f": after})))[0] == expected


def test_what_did_not_change_is_not_annotated() -> None:
    """Only the conclusion is."""
    found = commands(github.render(compared({"f": 1}, {"f": 1})))
    assert found == [("notice", "benchmarks", "ok: no regression")]


def test_both_lists_are_in_the_report() -> None:
    """Added is a notice with a hint, removed a warning."""
    found = commands(github.render(compared({"f": 1, "old": 1}, {"f": 1, "new": 1})))
    assert ("notice", "new", "new: added") in found
    assert ("warning", "old", "old: removed") in found
    hint = "1 added: not gated until the baseline is updated (odyssey baseline)"
    assert ("notice", "benchmarks", hint) in found


def test_a_forbidden_gap_is_an_error() -> None:
    """`--fail-on-missing`: who sees exit code 1 sees why."""
    found = commands(github.render(compared({"f": 1, "g": 1}, {"f": 1}, fail_on_missing=True)))
    assert found[0] == ("error", "g", "g: removed")


def test_what_is_not_judged_is_no_error() -> None:
    """A red mark on a run that passes would say two things at once."""
    base = result_set([(benchmark("f"), result(benchmark("f"), 1.0))])
    contender = result_set(
        [(benchmark("f"), result(benchmark("f"), 2.0))], environment=Environment(machine="b")
    )
    advised = github.render(compare(base, contender, Policy(other_machine=OtherMachine.ADVISE)))
    assert {level for level, _, _ in commands(advised)} == {"warning", "notice"}
    assert "::error title=f::" in github.render(compare(base, contender))


def test_a_fault_is_an_error_and_a_doubt_a_warning() -> None:
    """The faults first."""
    one, two = benchmark("f"), benchmark("g")
    base = result_set([(one, result(one, 0)), (two, result(two, 1))])
    contender = result_set(
        [(one, result(one, 1)), (two, result(two, 1))], environment=Environment(machine="b")
    )
    assert commands(github.render(compare(base, contender))) == [
        ("error", "invalid data", "f: the base is zero: 0"),
        ("warning", "benchmarks", "another machine: bench-1 → b"),
        ("notice", "benchmarks", "invalid data: no verdict"),
    ]


def test_a_metric_that_is_not_gated_is_a_warning_in_one_line() -> None:
    """How many got worse, and the worst of them."""
    one = benchmark("f")
    memory = [benchmark(name, Kind.MEMORY) for name in ("m", "n")]
    base = result_set([(of, result(of, 100)) for of in (one, *memory)])
    contender = result_set(
        [(of, result(of, size)) for of, size in zip((one, *memory), (100, 120, 150), strict=True)]
    )
    assert commands(github.render(compare(base, contender)))[0] == (
        "warning",
        "benchmarks",
        "memory: 2 worse beyond the threshold, worst n +50.0 %; not gated (--gate duration,memory)",
    )


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_a_hostile_name_is_shown_as_text(name: str) -> None:
    """It starts no command of its own, and reads as it was written."""
    one, bad = benchmark(name), benchmark(f"{name}!")
    base = result_set([(one, result(one, 1.0)), (bad, result(bad, 0))])
    contender = result_set(
        [
            (one, result(one, None, Status.FAILED, reason=f"E {' '.join(name.split())}")),
            (bad, result(bad, 1)),
        ],
        environment=Environment(machine=name),
    )
    found = commands(github.render(compare(base, contender)))
    assert len(found) == 4
    assert found[0][2] == one_line(f"{name}!: the base is zero: 0")
    assert found[2] == (
        "error",
        one_line(name),
        f"{one_line(name)}: failed ({one_line(f'it failed: E {name}')})",
    )


@given(strategies.any_pairs(), strategies.policies)
def test_any_comparison_can_be_shown(pair: Pair, policy: Policy) -> None:
    """One command a line, printable, the conclusion last."""
    comparison = compare(pair[0], pair[1], policy)
    text = github.render(comparison)
    assert commands(text)[-1][2] == words.conclusion(comparison)
    assert text.replace("\n", "").isprintable()
