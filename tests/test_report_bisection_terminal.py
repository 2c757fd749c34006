"""A bisection at a terminal: it fits, the answer is last, and no commit can drive the terminal."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from odyssey_asv.culprit.bisection import Bisection, Candidate, Outcome, Skipped
from odyssey_asv.report.bisection import terminal, words
from tests import strategies
from tests.bisection_builders import (
    between,
    bisection,
    bisections,
    card,
    culprit,
    digest,
    found,
    line,
    searched,
    showcase,
    step,
    undecided,
)
from tests.builders import golden


def widest(text: str) -> int:
    return max(cell_len(line) for line in text.splitlines())


def flowing(text: str) -> str:
    """The report without its line ends."""
    return " ".join(text.split())


def last(bisected: Bisection) -> str:
    return terminal.render(bisected, width=200).splitlines()[-1]


def test_the_report_is_the_golden_one() -> None:
    """Culprits, a range, skipped commits and doubts, as it was read and approved."""
    actual = terminal.render(showcase())
    assert golden("bisection.txt", actual) == actual


def test_the_report_of_an_open_search_is_the_golden_one() -> None:
    """With candidates and how to go on."""
    actual = terminal.render(undecided())
    assert golden("bisection-undecided.txt", actual) == actual


def test_the_ends_are_named_first() -> None:
    """Hash, date and subject, and how many commits lie between."""
    assert terminal.render(found()).splitlines()[:3] == [
        "good  00000000 2026-11-01 change number 0",
        "bad   0c0c0c0c 2026-11-13 change number 12",
        "12 commits after the good end, the bad end included",
    ]


def test_the_range_is_drawn_between_its_ends() -> None:
    """With a legend."""
    lines = terminal.render(found(line=line("0..0.11......"))).splitlines()
    at = lines.index("00000000 ▁··▁·!█······ 0c0c0c0c")
    assert lines[at + 1] == "▁ fast; █ slow; · not measured; ! found"
    plain = terminal.render(found(line=line("0..0.11......")), ascii=True)
    assert "00000000 _.._.!^...... 0c0c0c0c" in plain


def test_a_merge_that_brought_a_culprit_in_is_marked() -> None:
    """The culprit itself is not on the line."""
    inner = culprit(5, card=card(5, commit="ab" * 20), within=digest(5))
    text = terminal.render(found(culprits=(inner,), line=line("0....11......")))
    assert "00000000 ▁····!█······ 0c0c0c0c" in text
    assert "\n  within merge 050505050505\n" in text


def test_a_culprit_is_told_in_full() -> None:
    """Who, when, what, how sure, how much, and how to see it again."""
    changed = card(5, files=(("src/add.py", 12, 3), ("table.bin", None, None)))
    text = terminal.render(found(culprits=(culprit(5, card=changed),)))
    expected = """
culprit 050505050505, probability 99.8 %
  change number 5
  Ada Lovelace, 2026-11-06
   change       interval benchmark, against parent 040404040404
  +12.3 % [+10.1, +14.6] add
  files:
    src/add.py +12 -3
    table.bin binary
  git show 050505050505
  odyssey check 050505050505 --base 040404040404
"""
    assert expected in text


def test_what_does_not_differ_is_shown_on_demand() -> None:
    """It is counted otherwise."""
    few = terminal.render(found())
    assert "1 without a difference not shown (--all shows them)" in few
    assert " same\n" not in few
    assert " same\n" in terminal.render(found(), everything=True)


@pytest.mark.parametrize(
    ("changes", "hidden"),
    [
        ({"searched": tuple(searched(f"f{n}", 1.2) for n in range(30))}, 10),
        ({"culprits": (culprit(5, *(step(f"f{n}", 1.2) for n in range(30))),)}, 10),
        (
            {
                "culprits": (
                    culprit(5, card=card(5, files=tuple((f"f{n}", 1, 1) for n in range(11)))),
                )
            },
            3,
        ),
        ({"skipped": tuple(Skipped(digest(n), "build failed") for n in range(9))}, 4),
        (
            {
                "culprits": (),
                "finished": False,
                "candidates": tuple(Candidate(card(n), 0.05) for n in range(12)),
            },
            2,
        ),
    ],
)
def test_long_lists_are_cut(changes: dict[str, Any], hidden: int) -> None:
    """And whole on demand."""
    said = f"and {hidden} more (--all shows them)"
    assert said in terminal.render(found(**changes))
    assert said not in terminal.render(found(**changes), everything=True)


def test_cases_are_in_the_order_of_their_change() -> None:
    """The largest first, those that could not be compared last."""
    cases = (
        searched("little", 1.1),
        searched("none", 1.0, ratio=None, interval=None, sought=True),
        searched("fast", 0.5),
        searched("much", 1.9),
    )
    lines = terminal.render(bisection(searched=cases), width=60).splitlines()
    at = next(n for n, said in enumerate(lines) if "against good end" in said)
    assert [said.split()[-1] for said in lines[at + 1 : at + 5]] == [
        "fast", "much", "little", "none",
    ]  # fmt: skip


def test_a_range_says_why_and_which_commits_it_may_be() -> None:
    """Those of the candidates that lie in it."""
    shares = {3: 0.1, 4: 0.3, 5: 0.6, 9: 0.02}
    text = terminal.render(
        bisection(
            ranges=(between(3, 5),),
            candidates=tuple(Candidate(card(n), share) for n, share in shares.items()),
        )
    )
    expected = (
        "range: one of 2 commits, or several together, after 030303030303 up to 050505050505 made"
        " add slower, probability 97.0 % the commits between could not be built probability"
        " commit 60.0 % 050505050505 2026-11-06 change number 5 30.0 % 040404040404 2026-11-05"
        " change number 4 5 probes"
    )
    assert expected in flowing(text)


@pytest.mark.parametrize("before", [0, 3])
def test_commits_of_a_range_are_found_whether_or_not_the_line_has_the_good_end(
    before: int,
) -> None:
    """It may begin with the commit after it."""
    shares = tuple(Candidate(card(n), 0.1) for n in range(1, 13))
    for drawn in (line("0" * 13), line("0" * 13)[1:]):
        bisected = bisection(line=drawn, candidates=shares)
        inside = words.among(bisected, between(before, before + 2))
        assert [one.card.commit for one in inside] == [digest(before + 1), digest(before + 2)]


def test_commits_of_a_range_that_the_line_does_not_have_are_not_guessed() -> None:
    """A range within a merge has its own."""
    shares = (Candidate(card(4), 0.5),)
    within = between(3, 5, before="ab" * 20)
    assert words.among(bisection(candidates=shares), within) == []


def test_commits_of_an_unlikely_range_are_not_listed() -> None:
    """That there may be a further step is told; nobody is pointed at."""
    shares = tuple(Candidate(card(n), 0.1) for n in range(1, 13))
    unlikely = between(3, 5, probability=0.12)
    bisected = bisection(culprits=(culprit(2),), ranges=(unlikely,), candidates=shares)
    assert words.among(bisected, unlikely) == []
    text = flowing(terminal.render(bisected))
    assert "possible step: one of 2 commits" in text
    assert "up to 050505050505 may have made add slower, probability 12.0 %" in text
    assert text.endswith("1 benchmark slower; 1 further step is possible")


def test_candidates_are_shown_while_nothing_is_decided() -> None:
    """The likeliest first."""
    text = flowing(terminal.render(undecided()))
    assert "candidates: probability commit 70.0 % 050505050505" in text
    assert "candidates:" not in terminal.render(undecided(culprits=(culprit(5),)))


def test_an_open_search_says_how_to_go_on() -> None:
    """A finished one does not."""
    said = "the same command with --resume goes on; kept in .odyssey/bisect/0123.json"
    assert said in terminal.render(undecided())
    assert "--resume" not in terminal.render(undecided(finished=True))


@pytest.mark.parametrize(
    ("wall_s", "expected"),
    [(42.0, "42.0 s"), (725.0, "12 min 5 s"), (4980.4, "1 h 23 min"), (3599.9, "1 h 0 min")],
)
def test_the_effort_is_told(wall_s: float, expected: str) -> None:
    """In hours where it took hours."""
    text = terminal.render(found(wall_s=wall_s))
    assert f"\n5 probes, 6 builds, {expected}; confidence 95 %\n" in text


@pytest.mark.parametrize(
    ("bisected", "expected"),
    [
        (found(), "culprit: 1 commit made 1 benchmark slower"),
        (
            showcase(),
            "culprits: 2 commits made 3 benchmarks slower; 1 further step was not placed",
        ),
        (
            found(finished=False),
            "culprit: 1 commit made 1 benchmark slower; the search was not finished",
        ),
        (found(improvement=True), "found: 1 commit made 1 benchmark faster"),
        (
            bisection(searched=(searched("f", 1.0), searched("g", 1.0, detectable=1.11))),
            "no regression in this range; a slowdown of 11 % would have been found",
        ),
        (
            bisection(searched=(searched("f", 1.0), searched("g", 1.0, detectable=None))),
            "no regression in this range; a slowdown of 6.0 % would have been found in 1 of 2"
            " benchmarks",
        ),
        (
            bisection(searched=(searched("f", 1.0, detectable=None),)),
            "no regression in this range",
        ),
        (
            bisection(searched=(searched("f", 1.0, detectable=0.92),), improvement=True),
            "no improvement in this range; a speed-up of 8.0 % would have been found",
        ),
        (
            bisection(ranges=(between(3, 7),)),
            "range: one of 4 commits, or several together, made 1 benchmark slower",
        ),
        (
            bisection(ranges=(between(3, 4),)),
            "range: 1 commit, not confirmed, made 1 benchmark slower",
        ),
        (
            bisection(ranges=(between(3, 7), between(8, 10, cases=("suite.time_sum",)))),
            "range: each of 2 ranges made 2 benchmarks slower",
        ),
        (
            undecided(),
            "undecided: the budget was spent before the commit that made 1 benchmark slower was found;"
            " likeliest 050505050505 (70.0 %)",
        ),
        (
            undecided(spent=False, candidates=()),
            "undecided: the search ended before the commit that made 1 benchmark slower was found",
        ),
        (bisection(), "undecided: the commit that made 1 benchmark slower could not be found"),
        (bisection(searched=()), "undecided: no benchmark was measured at both ends"),
    ],
)
def test_the_last_line_is_the_conclusion(bisected: Bisection, expected: str) -> None:
    """One line for who reads no more."""
    assert last(bisected) == expected


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.998, "99.8 %"),
        (0.9994, "99.9 %"),
        (0.9996, ">99.9 %"),
        (1.0, ">99.9 %"),
        (0.0, "<0.1 %"),
        (0.0004, "<0.1 %"),
        (0.5, "50.0 %"),
    ],
)
def test_nothing_is_certain(share: float, expected: str) -> None:
    """A probability is never shown as all or nothing."""
    assert words.probability(share) == expected


def test_color_is_only_there_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain text has no escape character at all; what became faster is no alarm."""
    monkeypatch.setenv("TERM", "xterm-256color")
    assert "\x1b[1;31m" in terminal.render(showcase(), color=True)
    assert "\x1b[1;31m" not in terminal.render(showcase(improvement=True), color=True)
    assert "\x1b" not in terminal.render(showcase())


@pytest.mark.parametrize("name", strategies.HOSTILE, ids=strategies.shortened)
def test_no_commit_drives_the_terminal(name: str) -> None:
    """Authors, subjects, paths, labels, reasons and hashes reach it without control characters."""
    hostile = card(5, commit=name, author=name, date=name, subject=name, files=((name, 1, 2),))
    bisected = bisection(
        good=hostile,
        bad=hostile,
        searched=(searched(name, 1.2),),
        culprits=(culprit(5, step(name, 1.2), card=hostile, parent=name, within=name),),
        ranges=(between(3, 5, before=name, after=name, cases=(name,), why=name),),
        skipped=(Skipped(name, name),),
        warnings=(name,),
        finished=False,
        state=name,
    )
    for known in (bisected, undecided(candidates=(Candidate(hostile, 0.5),), state=name)):
        text = terminal.render(known)
        assert text.replace("\n", "").isprintable()
        assert widest(text) <= 80


def test_a_hash_is_quoted_where_it_is_part_of_a_command() -> None:
    """Whoever copies the command runs no other."""
    odd = culprit(5, card=card(5, commit="a;rm -rf"), parent="$(reboot)")
    assert words.see(odd) == "git show 'a;rm -rf'"
    assert words.again(odd) == "odyssey check 'a;rm -rf' --base '$(reboot)'"


@given(bisections, st.sampled_from((60, 80, 100)), st.booleans(), st.booleans())
def test_any_bisection_can_be_shown(
    bisected: Bisection, width: int, everything: bool, ascii_: bool
) -> None:
    """In as many columns as there are, printable, with the conclusion last."""
    text = terminal.render(bisected, width=width, everything=everything, ascii=ascii_)
    assert widest(text) <= width
    assert text.replace("\n", "").isprintable()
    assert flowing(text).endswith(flowing(words.conclusion(bisected)))


@given(bisections)
def test_the_conclusion_begins_with_the_outcome(bisected: Bisection) -> None:
    """In the words of the report for programs."""
    expected = {
        Outcome.CULPRIT: "found: " if bisected.improvement else "culprit",
        Outcome.ELSEWHERE: "no regression",
        Outcome.RANGE: "range: ",
        Outcome.NO_REGRESSION: "no ",
        Outcome.UNDECIDED: "undecided: ",
    }
    assert words.conclusion(bisected).startswith(expected[bisected.outcome])
