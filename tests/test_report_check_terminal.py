"""A check at a terminal: it fits, it says everything, and no name can drive the terminal."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from odyssey_asv.findings import Check, Clock
from odyssey_asv.model import Better, Commit, Kind
from odyssey_asv.pairs.evidence import Estimate
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import terminal, words
from tests import strategies
from tests.builders import benchmark, golden
from tests.check_builders import EFFORT, check, checks, finding, showcase, side, unchanged


def widest(text: str) -> int:
    return max(cell_len(line) for line in text.splitlines())


def flowing(text: str) -> str:
    """The report without its line ends."""
    return " ".join(text.split())


def test_the_report_is_the_golden_one() -> None:
    """Every verdict, clock and doubt, as it was read and approved."""
    actual = terminal.render(showcase())
    assert golden("check.txt", actual) == actual


def test_the_report_on_code_against_itself_is_the_golden_one() -> None:
    """What `--self` shows."""
    actual = terminal.render(check(unchanged(45), same=True))
    assert golden("check-self.txt", actual) == actual


def test_a_regression_is_told_in_full() -> None:
    """The change, its interval, where it lies, the word, the blocks and the name in one line."""
    text = terminal.render(check([finding("tensor_add", Verdict.REGRESSION, 0.123)]))
    (line,) = [line for line in text.splitlines() if "tensor_add" in line]
    expected = "+12.3 % [+10.1, +14.6]         │ ┊ ━●━   REGRESSION      5 tensor_add"
    assert line == expected
    assert text.splitlines()[-1] == "REGRESSION: the contender must not pass"


def test_without_lines_it_is_drawn_in_ascii() -> None:
    """For terminals that have no others."""
    text = terminal.render(check([finding("f", Verdict.REGRESSION, 0.123)]), ascii=True)
    assert "|" in text
    assert text.isascii()


def test_a_narrow_terminal_has_names_and_no_plot() -> None:
    """The plot is what one can do without."""
    found = check([finding("tensor_add", Verdict.REGRESSION, 0.123)])
    text = terminal.render(found, width=60)
    assert "●" not in text
    assert "+12.3 % [+10.1, +14.6] REGRESSION      5 tensor_add" in text


def test_the_header_names_both_sides() -> None:
    """With what was not committed."""
    assert terminal.render(check()).splitlines()[:2] == [
        "base       a1b2c3d4 (v1.2)",
        "contender  0f1e2d3c (v1.2-3-gabcdef0) + uncommitted changes",
    ]
    unknown = terminal.render(check(base=(), contender=(side(Commit()),)))
    assert unknown.splitlines()[:2] == ["base       unknown", "contender  unknown commit"]


def test_unchanged_cases_are_cut_to_what_a_screen_holds() -> None:
    """And all are shown on demand."""
    few = terminal.render(check(unchanged(60)))
    assert few.count("unchanged      5 f") == 40
    assert "20 unchanged not shown (--all shows them)" in few
    every = terminal.render(check(unchanged(60)), everything=True)
    assert every.count("unchanged      5 f") == 60
    assert "not shown" not in every


@pytest.mark.parametrize(
    ("clock", "letter", "legend"),
    [
        (Clock.CPU, "", ""),
        (Clock.WALL, "w", "w: judged by wall-clock time"),
        (Clock.OWN, "o", "o: judged by the benchmark's own timer"),
    ],
)
def test_a_clock_is_shown_where_it_is_not_the_processors(
    clock: Clock, letter: str, legend: str
) -> None:
    """As a letter, which is explained where it stands."""
    text = terminal.render(check([finding("f", Verdict.UNCHANGED, 0.0, clock=clock)]))
    (line,) = [line for line in text.splitlines() if line.endswith(" f")]
    assert line.split("unchanged")[1].split() == [*letter, "5", "f"]
    assert legend in flowing(text)
    assert ("judged by" in text) == bool(legend)


def test_an_environment_is_named_where_there_are_several() -> None:
    """After the case."""
    found = finding("f", Verdict.SLOWER, 0.07, environment="py3.12")
    assert " f [py3.12]\n" in terminal.render(check([found]))


def test_a_reason_is_told_once() -> None:
    """However many cases have it."""
    late = [finding(f"f{n}", Verdict.INCONCLUSIVE, reason="time was up") for n in range(7)]
    assert "f0, f1, f2, f3, f4 and 2 more: time was up\n" in terminal.render(check(late))


def test_effort_and_promise_are_told() -> None:
    """What it took, and how often it raises a false alarm."""
    text = flowing(terminal.render(check(unchanged(1))))
    assert (
        "6.1 s, 62 % of it sampling, 14 processes; at most 1 % of suites of unchanged code raise an"
        " alarm"
    ) in text
    spent = Check(
        (), (), (), effort=type(EFFORT)(900.4, 1.0, 1, 900.0, spent=True), confidence=0.999
    )
    assert (
        "900 s, 0 % of it sampling, 1 process, the budget of 900 s was spent; at most 0.1 % of"
    ) in flowing(terminal.render(spent))


@pytest.mark.parametrize(
    ("spread", "expected"),
    [
        (0.0, "very quiet"),
        (0.0099, "very quiet"),
        (0.01, "quiet"),
        (0.03, "noisy"),
        (0.08, "very noisy"),
        (700.0, "very noisy"),
    ],
)
def test_noise_has_a_word(spread: float, expected: str) -> None:
    """A number alone says little."""
    assert words.noisiness(spread) == expected


@pytest.mark.parametrize(
    ("load", "cores", "told"),
    [
        (7.04, 2, "the load average was 7.0 on 2 cores"),
        (1.2, 1, "1.2 on 1 core"),
        (1.9, 2, None),
        (None, None, None),
    ],
)
def test_a_machine_that_was_busy_before_is_not_called_quiet_alone(
    load: float | None, cores: int | None, told: str | None
) -> None:
    text = terminal.render(check(unchanged(3), effort=replace(EFFORT, load=load, cores=cores)))
    if told is None:
        assert "load average" not in text
    else:
        assert told in text


def test_one_build_is_mentioned_with_a_regression_only() -> None:
    """Nobody asks where nothing was found."""
    slow = [finding("f", Verdict.REGRESSION, 0.2)]
    assert "one build of each side" in terminal.render(check(slow))
    assert "one build" not in terminal.render(check(slow, same=True))
    assert "one build" not in terminal.render(check(unchanged(1)))


@pytest.mark.parametrize(
    ("verdicts", "changes", "expected"),
    [
        ([Verdict.UNCHANGED], {}, "ok: no regression"),
        ([Verdict.UNCHANGED, Verdict.INCONCLUSIVE], {}, "ok: no regression; 1 undecided"),
        (
            [Verdict.UNCHANGED, Verdict.INCONCLUSIVE],
            {"strict": True},
            "undecided: 1 of 2 cases; the time was too short",
        ),
        ([Verdict.INCONCLUSIVE], {}, "undecided: 1 of 1 cases; the time was too short"),
        ([Verdict.REGRESSION, Verdict.FAILED], {}, "REGRESSION: the contender must not pass"),
        ([Verdict.FAILED], {}, "FAILED: 1 case that the base can run fails in the contender"),
        ([], {}, "error: nothing could be measured on both sides: no verdict"),
        ([Verdict.ADDED], {"same": True}, words.conclusion(check())),
        ([Verdict.UNCHANGED], {"same": True}, "0 false alarms in 1 case of the same code"),
        (
            [Verdict.REGRESSION, Verdict.FAILED, Verdict.UNCHANGED],
            {"same": True},
            "2 false alarms in 3 cases of the same code",
        ),
        (
            [Verdict.UNCHANGED, Verdict.INCONCLUSIVE],
            {"same": True},
            "0 false alarms in 2 cases of the same code; 1 undecided",
        ),
    ],
)
def test_the_last_line_is_the_conclusion(
    verdicts: list[Verdict], changes: dict[str, bool], expected: str
) -> None:
    """One line for who reads no more."""
    found = [finding(f"f{n}", verdict) for n, verdict in enumerate(verdicts)]
    assert terminal.render(check(found, **changes)).splitlines()[-1] == expected


def test_what_would_have_been_found_is_told_of_code_against_itself() -> None:
    """In every case, and in the median one; of the cases that can tell."""
    found = [
        finding(f"f{n}", Verdict.UNCHANGED, 0.0, estimate=Estimate(0.0, -0.01, 0.01, math.log1p(d)))
        for n, d in enumerate((0.06, 0.09, 0.12))
    ]
    said = "a slowdown of 12 % would have been found in every case, of 9.0 % in the median case"
    assert said in flowing(terminal.render(check(found, same=True)))
    assert "a slowdown of" not in terminal.render(check(found))
    found.append(finding("g", Verdict.INCONCLUSIVE))
    assert "found in each of 3 of 4 cases, of" in flowing(terminal.render(check(found, same=True)))


def test_a_metric_that_is_not_gated_is_told_in_one_line() -> None:
    """How many got worse, and the worst of them."""
    found = [
        finding("m", Verdict.REGRESSION, 0.2, Kind.MEMORY),
        finding("n", Verdict.REGRESSION, 0.5, Kind.PEAKMEMORY),
        finding("t", Verdict.FAILED, kind=Kind.TRACK),
    ]
    lines = terminal.render(check(found)).splitlines()
    assert "memory: 2 worse, worst n +50.0 %; not gated (--gate duration,memory)" in lines
    assert "track: 1 failed; not gated (--gate duration,track)" in lines


def test_higher_may_be_better() -> None:
    """The change is what happened to the value; the limits lie where it is worse."""
    rate = benchmark("rate", Kind.TRACK, better=Better.HIGHER)
    found = finding("rate", Verdict.REGRESSION, 0.125, Kind.TRACK, benchmark=rate, gated=True)
    line = terminal.render(check([found])).splitlines()[4]
    assert line == "-11.1 % [-12.9, -9.3]    ━● ┊ │         REGRESSION      5 rate [track]"


def test_a_geometric_mean_beyond_any_number_ends_somewhere() -> None:
    """It is not worth an error."""
    wild = finding("f", Verdict.INCONCLUSIVE, effects=(-700.0, 0.0, 700.0))
    assert "geometric mean" in terminal.render(check([wild]))
    assert "geometric mean +0.0 %" in terminal.render(check(unchanged(2)))


def test_color_is_only_there_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain text has no escape character at all."""
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[1;31m" in terminal.render(showcase(), color=True)
    assert "\x1b" not in terminal.render(showcase())


@pytest.mark.parametrize("letter", ["x", "ベ"])
def test_a_long_name_is_folded_and_not_cut(letter: str) -> None:
    """Three hundred letters are three hundred letters."""
    text = terminal.render(check([finding(letter * 300, Verdict.REGRESSION, 0.2)]))
    assert text.count(letter) == 300
    assert widest(text) <= 80


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_no_name_drives_the_terminal(name: str) -> None:
    """Names, environments, reasons, commits and warnings reach it without control characters."""
    found = [
        finding(name, Verdict.FAILED, reason=name, environment=name),
        finding(name, Verdict.REGRESSION, 0.5, Kind.MEMORY),
    ]
    commit = Commit(hash="ab" * 20, describe=name)
    text = terminal.render(check(found, base=(side(commit),), warnings=(name,)))
    assert text.replace("\n", "").isprintable()
    assert widest(text) <= 80


@given(checks, st.sampled_from((60, 80, 100)), st.booleans(), st.booleans())
def test_any_check_can_be_shown(found: Check, width: int, everything: bool, ascii_: bool) -> None:
    """In as many columns as there are, printable, with the conclusion last."""
    text = terminal.render(found, width=width, everything=everything, ascii=ascii_)
    assert widest(text) <= width
    assert text.replace("\n", "").isprintable()
    assert flowing(text).endswith(words.conclusion(found))
