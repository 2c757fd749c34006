"""A search with measurements that are made up: what is measured, what is kept, what is answered."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studies.searching import Shape, score
from benchmarks.studies.worlds import World, normal
from odyssey_asv.adapter.paired.outcomes import Failed
from odyssey_asv.bisecting.answer import answer
from odyssey_asv.bisecting.hunt import Hunt, Observer, Probed, Task
from odyssey_asv.bisecting.knowledge import knowledge, level_of
from odyssey_asv.bisecting.steps import Steps
from odyssey_asv.culprit.bisection import Bisection, Card, Outcome
from odyssey_asv.culprit.search import Probe
from odyssey_asv.errors import CannotMeasureError, InvalidFileError
from odyssey_asv.model import Status
from odyssey_asv.pairs.pairing import Enough
from odyssey_asv.pairs.trials import Trial
from odyssey_asv.repository import Link
from odyssey_asv.store import searches
from odyssey_asv.store.searches import Measured, State

LATE = 1e9


@dataclass
class Troubled(World):
    """One in which some commits lack cases, some fail, some pairs do not show their step, and work may be
    killed."""

    without: Mapping[str, Collection[str]] = field(default_factory=dict)
    failing: Collection[str] = ()
    hidden: Collection[tuple[str, str]] = ()
    dies_at: int | None = None

    def effects(self, case: str, base: str, contender: str) -> Iterator[float]:
        step = self.level(case, contender) - self.level(case, base)
        hidden = step if (base, contender) in self.hidden else 0.0
        return (effect - hidden for effect in super().effects(case, base, contender))

    def measure(
        self,
        base: str,
        contender: str,
        cases: Collection[str],
        enough: Enough,
        deadline: float,
        limits: Mapping[str, float] | None = None,
    ) -> dict[str, Trial]:
        if self.dies_at is not None and len(self.asked) >= self.dies_at:
            raise KeyboardInterrupt
        sides = (base, contender)
        without = {
            case
            for case in cases
            if any(
                commit in self.failing or case in self.without.get(commit, ()) for commit in sides
            )
        }
        found = super().measure(base, contender, set(cases) - without, enough, deadline)
        for case in without:
            found[case] = self.trial(case)
            for side, commit in enumerate(sides):
                if case in self.without.get(commit, ()):
                    found[case].missing.add(side)
                elif commit in self.failing:
                    found[case].states[side] = Status.TIMEOUT
                    found[case].faults[side].append(Failed("no answer within 5 s", timeout=True))
        return found


def card(commit: str) -> Card:
    return Card(commit, (), "A Person", "2026-01-01T00:00:00Z", f"change {commit}")


@dataclass
class Search:
    """One search in one world, which may be gone on with."""

    world: World
    state: State
    file: Path
    observer: Observer = field(default_factory=Observer)
    beside: Sequence[Link] = ()

    def go(self, deadline: float = LATE, steps: int | None = None) -> Bisection:
        hunt = Hunt(
            self.state,
            Steps(self.world, lambda: self.world.now),
            self.world.merged,
            self.observer,
            lambda state: searches.save(state, self.file),
            lambda: self.world.now,
            self.beside,
        )
        finished = hunt.run(deadline, steps)
        spent = not finished and self.world.now >= deadline
        return answer(self.state, card, finished=finished, spent=spent, file=self.file)


@pytest.fixture
def search(tmp_path: Path) -> Callable[..., Search]:
    def made(world: World, **question: Any) -> Search:
        return Search(world, world.checked(**question), tmp_path / "state.json")

    return made


Make = Callable[..., Search]


@pytest.mark.parametrize("culprit", ["1", "7", "16"])
def test_the_culprit_is_named(search: Make, culprit: str) -> None:
    found = search(World({"c": {culprit: 0.15}})).go()
    assert found.outcome is Outcome.CULPRIT
    (named,) = found.culprits
    assert named.card.commit == culprit
    assert named.parent == str(int(culprit) - 1)
    assert named.probability > 0.95
    (step,) = named.steps
    assert step.interval[0] < step.ratio < step.interval[1]
    assert step.ratio == pytest.approx(math.exp(0.15), rel=0.03)
    assert found.builds <= 4 + 3
    assert found.ranges == ()


@pytest.mark.parametrize(("commits", "step"), [(64, 15), (64, 30), (256, 15)])
def test_no_more_builds_than_halving_takes(commits: int, step: int) -> None:
    """With noise as it was recorded: where a further step might be is found out from what is built."""
    scored = score(Shape(commits, step), searches=30, seed=5)
    assert scored.answers == {"right": 30}
    assert max(scored.builds) <= math.log2(commits) + 3


def test_what_is_measured_again_is_measured_finer(search: Make) -> None:
    """First so finely that the step shows, then so that the least step that counts would."""
    made = search(World({"c": {"6": 0.3}}, noise=normal(0.03)))
    step = Steps(made.world, lambda: made.world.now)
    task = Task(0, Probe(8), "8", "0")
    state = step(made.state, task, LATE)
    first = list(state.lines[0].measured["8"].effects["c"])
    assert len(first) == 5
    state = step(state, task, LATE)
    measured = state.lines[0].measured["8"]
    again = measured.effects["c"][5:]
    assert measured.times == 2
    assert level_of(again, 1.0, 1).error <= state.cases[0].least / 2
    assert len(again) > 5


def test_nothing_differs(search: Make) -> None:
    """Nothing is measured and nobody is blamed."""
    made = search(World({"c": {}}))
    found = made.go()
    assert found.outcome is Outcome.NO_REGRESSION
    assert made.world.asked == []
    assert found.line == ()


def test_what_the_ends_left_undecided_is_not_called_none(search: Make) -> None:
    made = search(World({"c": {}}))
    made.state.cases[0].decided = False
    assert made.go().outcome is Outcome.UNDECIDED


def test_several_cases_share_probes_and_each_has_its_culprit(search: Make) -> None:
    made = search(World({"a": {"5": 0.2}, "b": {"5": 0.1, "12": 0.15}, "same": {}}))
    found = made.go()
    named = {c.card.commit: {step.case for step in c.steps} for c in found.culprits}
    assert named == {"5": {"a", "b"}, "12": {"b"}}
    assert len(set(made.world.asked)) == len(made.world.asked)


def test_a_later_fix_hides_nothing(search: Make) -> None:
    found = search(World({"c": {"4": 0.3, "11": -0.15}})).go()
    assert [c.card.commit for c in found.culprits] == ["4"]


def test_improvements_are_the_mirror_image(search: Make) -> None:
    found = search(World({"c": {"9": -0.2}}), improvement=True).go()
    (named,) = found.culprits
    assert named.card.commit == "9"
    assert named.steps[0].ratio == pytest.approx(math.exp(-0.2), rel=0.03)


@pytest.mark.parametrize("broken", [["3", "10"], ["8"]])
def test_unbuildable_commits_elsewhere_are_skipped(search: Make, broken: list[str]) -> None:
    found = search(World({"c": {"6": 0.15}}, broken=broken)).go()
    assert [c.card.commit for c in found.culprits] == ["6"]
    assert {skipped.commit for skipped in found.skipped} <= set(broken)
    assert all("could not be built" in skipped.reason for skipped in found.skipped)


def test_unbuildable_commits_around_the_culprit_leave_a_range(search: Make) -> None:
    found = search(World({"c": {"6": 0.15}}, broken=["5", "6", "7"])).go()
    assert found.outcome is Outcome.RANGE
    (between,) = found.ranges
    assert (between.before, between.after, between.commits) == ("4", "8", 4)
    assert between.probability > 0.9
    assert {c.card.commit for c in found.candidates if c.probability > 0.1} == {"5", "6", "7", "8"}


def test_nothing_else_builds(search: Make) -> None:
    """The range is what it was."""
    broken = [str(n) for n in range(1, 16)]
    found = search(World({"c": {"6": 0.15}}, broken=broken)).go()
    (between,) = found.ranges
    assert (between.before, between.after) == ("0", "16")


def test_what_is_wrong_with_the_good_end_is_not_held_against_a_commit(search: Make) -> None:
    """On another machine, or without a network: nothing is skipped, and later the search goes on."""
    made = search(World({"c": {"6": 0.15}}, broken=["0"]))
    with pytest.raises(CannotMeasureError, match="0 could not be built"):
        made.go()
    assert made.state.lines[0].unbuildable == {}
    made.world.broken = ()
    assert [c.card.commit for c in made.go().culprits] == ["6"]


def test_a_commit_without_the_benchmark_says_nothing(search: Make) -> None:
    """It is measured for the others, and skipped where there are none."""
    without = {str(n): ["old"] for n in range(1, 8)}
    world = Troubled({"old": {"3": 0.2}, "c": {"3": 0.2}}, without=without)
    found = search(world).go()
    assert {c.card.commit for c in found.culprits} == {"3"}
    assert {step.case for c in found.culprits for step in c.steps} == {"c"}
    alone = search(Troubled({"old": {"3": 0.2}}, without=without)).go()
    assert alone.outcome is Outcome.RANGE
    assert alone.skipped


def test_what_the_parent_does_not_show_is_not_blamed(search: Make) -> None:
    """Whatever the levels say: the step is looked for with fresh processes."""
    found = search(Troubled({"c": {"6": 0.15}}, hidden=[("5", "6")])).go()
    assert found.culprits == ()
    assert found.outcome in {Outcome.RANGE, Outcome.UNDECIDED}


def merged(
    search: Make, steps: Mapping[str, float], broken: Collection[str] = (), **question: Any
) -> Search:
    """A search in a history whose commit 10 merges a branch, and brings in what that made slower."""
    at_merge = steps.get("10", 0.0) + steps.get("b3", 0.0)
    world = Troubled({"c": {**steps, "10": at_merge}}, broken=broken)
    world.branch(10, fork=7)
    return search(world, **question)


def test_a_culprit_inside_a_merge(search: Make) -> None:
    found = merged(search, {"b3": 0.2}).go()
    (named,) = found.culprits
    assert (named.card.commit, named.parent, named.within) == ("b3", "b2", "10")


def test_first_parents_only(search: Make) -> None:
    found = merged(search, {"b3": 0.2}, first_parent=True).go()
    assert [(c.card.commit, c.within) for c in found.culprits] == [("10", None)]


def test_a_merge_that_is_slower_than_both_its_parents(search: Make) -> None:
    found = merged(search, {"10": 0.2}).go()
    assert [(c.card.commit, c.within) for c in found.culprits] == [("10", None)]


@pytest.mark.parametrize("why", ["does not build", "lacks the case"])
def test_a_branch_whose_fork_cannot_be_measured_is_searched(search: Make, why: str) -> None:
    """It is compared with what the merge came after, which has no more of the branch than its fork has."""
    broken = ["7"] if why == "does not build" else []
    made = merged(search, {"b3": 0.2}, broken=broken)
    assert isinstance(made.world, Troubled)
    if not broken:
        made.world.without = {"7": ["c"]}
    found = made.go()
    (named,) = found.culprits
    assert (named.card.commit, named.parent, named.within) == ("b3", "b2", "10")
    (warning,) = found.warnings
    assert warning.startswith("7, which 5 commits come after, cannot be measured")
    assert "compared with 9" in warning


def test_a_merge_where_nothing_can_be_measured_is_entered(search: Make) -> None:
    """What it brought in can be, and holds the culprit: nothing is left of the range."""
    found = merged(search, {"b3": 0.2}, broken=["8", "9", "10"]).go()
    assert [(c.card.commit, c.within) for c in found.culprits] == [("b3", "10")]
    assert found.ranges == ()
    assert found.outcome is Outcome.CULPRIT


def test_a_merge_that_brought_in_nothing_leaves_the_range(search: Make) -> None:
    """The step is somewhere else among the commits that cannot be measured."""
    found = merged(search, {"9": 0.2}, broken=["8", "9", "10"]).go()
    assert found.culprits == ()
    (between,) = found.ranges
    assert (between.before, between.after) == ("7", "11")


@pytest.mark.parametrize(
    ("steps", "named"),
    [
        ({"6": math.log(100.0)}, {"6"}),
        ({"3": math.log(4.0), "9": math.log(25.0)}, {"3", "9"}),
    ],
)
def test_a_sample_that_need_not_be_stopped_gives_its_level(
    search: Make, steps: Mapping[str, float], named: set[str]
) -> None:
    """The bad end takes ×100, and samples are stopped early from ×10 on. A sample that finishes counts for
    what it took, so a step below ×10 is found too."""
    made = search(World({"c": steps}))
    case = made.state.cases[0]
    case.fails, case.cut, case.at_least = "timeout", True, 10.0
    found = made.go()
    assert {culprit.card.commit for culprit in found.culprits} == named
    assert all(culprit.probability > 0.95 for culprit in found.culprits)


def part(state: State, level: float) -> None:
    """Make `b5`, on a branch that left at commit 0, the good end; the bad end differs by `level`."""
    case = state.cases[0]
    case.sought, case.effects = True, [level] * 5
    (line,) = state.lines
    line.cases, line.instead = ["c"], "b5"
    line.measured.clear()
    state.question = state.question.model_copy(update={"good": "b5"})
    state.fork = "0"


def test_a_good_end_that_alone_does_not_hang_has_a_fix_of_its_own(search: Make) -> None:
    """The ends part at commit 0, which hangs as the bad end does: `b3`, on the good one's branch, ended it,
    and nobody on the way to the bad end is to blame."""
    world = Troubled({"c": {}}, failing=[*map(str, range(17)), "b1", "b2"])
    world.branch(10, fork=0)
    made = search(world)
    made.beside = world.branches.pop("10")
    part(made.state, 3.0)
    made.state.cases[0].fails = "timeout"
    found = made.go()
    assert found.outcome is Outcome.ELSEWHERE
    assert found.culprits == ()
    assert [(c.card.commit, c.parent) for c in found.lacking] == [("b3", "b2")]


def test_where_the_ends_part_and_nothing_can_be_measured_nobody_is_blamed(search: Make) -> None:
    """The good end may have made it better on its own branch, and the other commit lacks that."""
    world = Troubled({"c": {"b3": -0.2}}, broken=["0"])
    world.branch(10, fork=0)
    made = search(world)
    world.branches.clear()
    part(made.state, 0.2)
    found = made.go()
    assert found.culprits == ()
    (between,) = found.ranges
    assert (between.before, between.after) == ("b5", "1")


def test_killed_at_any_moment_it_goes_on(search: Make) -> None:
    """From what is on disk, and measures nothing twice but what it was in the middle of."""
    whole = merged(search, {"b3": 0.2})
    whole.go()
    count = len(whole.world.asked)
    for moment in range(count):
        made = merged(search, {"b3": 0.2})
        assert isinstance(made.world, Troubled)
        made.world.dies_at = moment
        searches.save(made.state, made.file)
        with pytest.raises(KeyboardInterrupt):
            made.go()
        first = made.world.asked
        made.state = searches.load(made.file)
        made.world.dies_at = None
        (named,) = made.go().culprits
        assert named.card.commit == "b3"
        assert len(made.world.asked) == len(set(made.world.asked)), (moment, first)


def test_time_is_up(search: Make) -> None:
    """Nothing half measured is taken for broken or refuted; more time finds it."""
    world = World({"c": {"6": 0.15}})
    made = search(world)
    for deadline in range(0, 600, 14):
        found = made.go(deadline=float(deadline))
        assert found.skipped == ()
        if found.finished:
            break
        assert found.spent
        assert found.outcome in {Outcome.UNDECIDED, Outcome.CULPRIT}
    assert [c.card.commit for c in found.culprits] == ["6"]


class Told(Observer):
    """All that is told of a search, a word or two each."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def searching(self, cases: int, commits: int) -> None:
        self.lines.append(f"{cases} in {commits}")

    def probing(self, probed: Probed) -> None:
        known = any(place.level is not None for place in probed.places)
        assert (probed.left_s > 0.0) is known
        self.lines.append(f"probe of {len(probed.places)}")

    def seen(self, commit: str, ratio: float | None, failing: int, works: int) -> None:
        assert (failing, works) == (0, 0)
        assert ratio is not None
        self.lines.append("slow" if ratio > 1.07 else "fast")

    def unbuildable(self, commit: str, reason: str) -> None:
        self.lines.append(f"broken {commit}")

    def confirming(self, commit: str, parent: str) -> None:
        self.lines.append(f"{commit} against {parent}")

    def confirmed(self, commit: str, *, right: bool) -> None:
        self.lines.append(f"{commit} {right}")

    def entering(self, merge: str, commits: int) -> None:
        self.lines.append(f"{merge} with {commits}")


def test_the_observer_is_told(search: Make) -> None:
    """In order: what is searched, each commit with what is known, the confirmation."""
    made = search(World({"c": {"6": 0.15}}, broken=["8"]))
    made.observer = observer = Told()
    made.go()
    told = observer.lines
    assert told[0] == "1 in 16"
    assert told[1:3] == ["probe of 16", "broken 8"]
    assert told[-2:] == ["6 against 5", "6 True"]
    assert set(told[3:-2]) == {"probe of 16", "slow", "fast"}


def test_one_step_at_a_time_is_the_same_search(search: Make) -> None:
    """Each makes one measurement, goes on from what is on disk, and knows when it was the last."""
    whole = merged(search, {"b3": 0.2})
    expected = whole.go()
    made = merged(search, {"b3": 0.2})
    searches.save(made.state, made.file)
    for number in range(1, len(whole.world.asked) + 1):
        made.state = searches.load(made.file)
        found = made.go(steps=1)
        assert len(made.world.asked) == number
        assert found.finished is (number == len(whole.world.asked))
        assert not found.spent
    assert made.world.asked == whole.world.asked
    assert replace(found, state="") == replace(expected, state="")


def test_steps_made_elsewhere_are_told_of_as_if_they_were_made_here(search: Make) -> None:
    """What comes back of each is another state, in which a merge may have been entered already."""
    here = merged(search, {"b3": 0.2}, broken=["8"])
    here.observer = told = Told()
    here.go()
    made = merged(search, {"b3": 0.2}, broken=["8"])
    saved: list[State] = []

    def elsewhere(state: State, task: Task, deadline: float) -> State:
        there = replace(made, state=searches.parse(searches.serialise(state), "there"))
        there.go(deadline, steps=1)
        return there.state

    observer = Told()
    hunt = Hunt(made.state, elsewhere, made.world.merged, observer, saved.append)
    assert hunt.run(LATE)
    assert observer.lines == told.lines
    assert "10 with 5" in observer.lines
    assert "broken 8" in observer.lines
    timeless = {"deciding_s": 0.0}
    assert saved[-1] == hunt.state
    assert hunt.state.model_copy(update=timeless) == here.state.model_copy(update=timeless)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"question": {}}', '{"question": 1, "cases": [], "more": 2}']
)
def test_a_state_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    """With what is wrong and where."""
    path = tmp_path / "state.json"
    path.write_text(text)
    with pytest.raises(InvalidFileError, match=r"state\.json"):
        searches.load(path)


def test_a_state_survives_the_disk(search: Make) -> None:
    made = search(World({"c": {"6": 0.15}}))
    made.go()
    assert searches.load(made.file) == made.state


def test_time_that_was_up_before_the_first_block_is_not_held_against_a_commit(
    search: Make,
) -> None:
    """Nothing was measured because the budget was spent while it was built: the next time goes on."""

    class Slow(World):
        def measure(
            self,
            base: str,
            contender: str,
            cases: Collection[str],
            enough: Enough,
            deadline: float,
            limits: Mapping[str, float] | None = None,
        ) -> dict[str, Trial]:
            self.now = deadline
            return super().measure(base, contender, cases, enough, deadline)

    made = search(Slow({"c": {"7": 0.15}}))
    assert made.go(deadline=100.0).outcome is Outcome.UNDECIDED
    (line,) = made.state.lines
    assert line.unbuildable == {}
    made.world = World({"c": {"7": 0.15}})
    found = made.go()
    assert [culprit.card.commit for culprit in found.culprits] == ["7"]


def test_a_confirmation_that_was_cut_short_is_made_again(search: Make) -> None:
    """A commit is not cleared because the time was up in the middle of measuring it against its parent."""

    class Cut(World):
        def measure(
            self,
            base: str,
            contender: str,
            cases: Collection[str],
            enough: Enough,
            deadline: float,
            limits: Mapping[str, float] | None = None,
        ) -> dict[str, Trial]:
            if (base, contender) == ("6", "7"):
                deadline = self.now + 2.0
                found = super().measure(base, contender, cases, enough, deadline)
                self.now = LATE
                return found
            return super().measure(base, contender, cases, enough, deadline)

    made = search(Cut({"c": {"7": 0.15}}))
    made.go()
    (line,) = made.state.lines
    assert "7" not in line.answered
    made.world = World({"c": {"7": 0.15}})
    assert [culprit.card.commit for culprit in made.go().culprits] == ["7"]


def test_what_is_explained_is_not_searched_on(search: Make) -> None:
    """The culprit makes the whole difference: measurements of unlike work that differ by more than their
    errors make no further steps, unless all steps are asked for."""
    asked = {}
    for every in (False, True):
        world = World({"c": {"7": 2.0}}, length=64, drift=0.06, rng=random.Random(4))
        found = search(world, all_steps=every).go()
        assert [one.card.commit for one in found.culprits] == ["7"]
        assert found.culprits[0].share == pytest.approx(1.0, abs=0.15)
        asked[every] = found.probes
    assert asked[False] <= 9
    assert asked[False] <= asked[True]


def test_culprits_come_largest_first_and_add_up(search: Make) -> None:
    found = search(World({"c": {"3": 0.1, "12": 0.5}})).go()
    assert [culprit.card.commit for culprit in found.culprits] == ["12", "3"]
    shares = [culprit.share or 0.0 for culprit in found.culprits]
    assert shares == pytest.approx([0.5 / 0.6, 0.1 / 0.6], abs=0.03)
    assert math.fsum(shares) == pytest.approx(1.0, abs=0.05)


def test_a_step_back_on_the_way_is_told(search: Make) -> None:
    """Nobody searches for it, but without it the culprit's step and the ends' difference do not add up."""
    found = search(World({"c": {"4": 0.5, "11": -0.25}})).go()
    assert [culprit.card.commit for culprit in found.culprits] == ["4"]
    (back,) = found.reversals
    assert int(back.before) < 11 <= int(back.after)
    assert back.ratio == pytest.approx(math.exp(-0.25), rel=0.05)


def test_commits_to_documents_are_no_step_until_they_are_confirmed(search: Make) -> None:
    made = search(World({"c": {"7": 0.3}}))
    for commit in made.state.lines[0].commits:
        commit.files = ["docs/index.md"]
    found = made.go(steps=4)
    assert all(one.probability <= 0.1 for one in found.ranges)


def test_what_is_measured_twice_is_kept_apart(search: Make) -> None:
    made = search(World({"c": {"7": 0.3}}))
    made.go(steps=1)
    line = made.state.lines[0]
    (probed,) = set(line.measured) - {"16"}
    effects = line.measured[probed].effects["c"]
    assert line.measured[probed].blocks == {"c": [len(effects)]}
    made.state.lines[0].measured[probed] = Measured(
        effects={"c": [0.30, 0.31, 0.32, 0.10, 0.11, 0.12]}, times=2, blocks={"c": [3, 3]}
    )
    level = knowledge(made.state, line).levels[int(probed)]["c"]
    assert [round(effect, 2) for effect, _ in level.readings] == [0.31, 0.11]
