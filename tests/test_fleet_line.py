"""Who gets the next job: by hand, and by simulation of fleets in which anything may be lost at any time."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.fleet.drive import DisconnectedError, Event, Watcher, drive, first_hosts
from odyssey_asv.fleet.jobs import Answer, Host, Job, job_of
from odyssey_asv.fleet.line import MOST_LOSSES, Line, Terms

TERMS = Terms("1.0", "fast", patience_s=60.0, grace_s=10.0)


def job(name: str) -> Job:
    return Job(name, f"the {name}", ("run",), "project", "a" * 40)


def host(name: str, **changes: object) -> Host:
    known = {"address": f"tcp://{name}", "id": name, "version": "1.0"}
    return Host(**{**known, "classes": frozenset({"fast"}), **changes})  # type: ignore[arg-type]


def names(handed: Sequence[tuple[Job, Host]]) -> list[tuple[str, str]]:
    return [(j.id, h.id) for j, h in handed]


def test_a_host_has_one_job_at_a_time() -> None:
    line = Line([job("a"), job("b"), job("c")], TERMS)
    line.seen([host("x"), host("y")], 0.0)
    assert names(line.next(0.0)) == [("a", "x"), ("b", "y")]
    assert line.next(1.0) == []
    assert line.answered("tcp://x", "a") == job("a")
    assert names(line.next(1.0)) == [("c", "x")]


def test_a_host_with_two_addresses_is_one() -> None:
    """As when a worker was started twice, or came back while its old one was still known."""
    line = Line([job("a"), job("b")], TERMS)
    line.seen([host("x"), host("x", address="tcp://x2")], 0.0)
    assert names(line.next(0.0)) == [("a", "x")]


def test_the_host_that_is_preferred_is_asked_first_and_another_where_it_is_gone() -> None:
    """And who answered is known by the name that stays."""
    line = Line([job("a")], TERMS, preferred="y")
    line.seen([host("x"), host("y")], 0.0)
    assert names(line.next(0.0)) == [("a", "y")]
    line.answered("tcp://y", "a")
    assert line.did == {"a": "y"}
    other = Line([job("a")], TERMS, preferred="y")
    other.seen([host("x"), host("y", classes=frozenset({"slow"}))], 0.0)
    assert names(other.next(0.0)) == [("a", "x")]
    other.seen([], 1.0)
    other.answered("tcp://x", "a")
    assert other.did == {"a": "x"}


def test_a_job_travels_as_json_with_its_files() -> None:
    made = replace(job("a"), places={"--state": "s"}, files={"s": bytes(range(256))})
    assert job_of(json.loads(json.dumps(made.plain()))) == made


def test_a_lost_job_waits_for_its_host_before_it_goes_to_another() -> None:
    """That host may have the answer already."""
    line = Line([job("a")], TERMS)
    line.seen([host("x"), host("y")], 0.0)
    line.next(0.0)
    assert line.seen([host("y")], 1.0) == [job("a")]
    assert line.next(1.0) == []
    line.seen([host("y"), host("x", address="tcp://new")], 2.0)
    assert names(line.next(2.0)) == [("a", "x")]
    line.seen([host("y")], 3.0)
    assert line.failed
    other = Line([job("a")], TERMS)
    other.seen([host("x")], 0.0)
    other.next(0.0)
    other.seen([host("y")], 1.0)
    assert names(other.next(1.0 + TERMS.grace_s)) == [("a", "y")]


def test_the_job_that_takes_two_hosts_down_is_blamed_alone() -> None:
    line = Line([job("poison"), job("b"), job("c")], TERMS)
    line.seen([host("x"), host("y")], 0.0)
    line.next(0.0)
    line.answered("tcp://y", "b")
    line.seen([host("y"), host("z")], 1.0)
    assert names(line.next(1.0)) == [("c", "y")]
    assert names(line.next(20.0)) == [("poison", "z")]
    line.answered("tcp://y", "c")
    line.seen([host("y")], 21.0)
    assert line.finished
    assert line.done == {"b", "c"}
    assert line.failed == {"poison": "2 hosts were lost while they did it: x, z"}


def test_a_scheduler_that_goes_is_no_jobs_fault() -> None:
    line = Line([job("a"), job("b")], TERMS)
    for now in range(5):
        line.seen([host("x")], float(now))
        assert names(line.next(float(now))) == [("a", "x")]
        line.disconnected(float(now))
    assert not line.failed


def test_an_answer_that_comes_after_its_host_was_given_up_counts_once() -> None:
    line = Line([job("a")], TERMS)
    line.seen([host("x")], 0.0)
    line.next(0.0)
    line.seen([], 1.0)
    assert line.answered("tcp://x", "a") == job("a")
    assert line.answered("tcp://x", "a") is None
    assert line.finished


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"version": "2.0"}, "it has odyssey-asv 2.0, here it is 1.0"),
        ({"version": None}, "odyssey-asv is not installed there; here it is 1.0"),
        ({"classes": frozenset({"slow"})}, "it offers slow, not fast"),
        ({"classes": frozenset()}, "it offers no class, not fast"),
        ({"exclusive": False}, 'does not offer "bench"'),
        ({"fault": "it cannot be used: no disk"}, "no disk"),
    ],
)
def test_a_host_that_does_not_fit_gets_no_job_and_the_reason_is_kept(
    changes: dict[str, object], said: str
) -> None:
    line = Line([job("a")], TERMS)
    line.seen([host("x", **changes)], 0.0)
    assert line.next(0.0) == []
    assert said in line.refused["x"]
    assert not line.stuck(0.0)
    assert line.stuck(TERMS.patience_s)
    assert said in line.why_nobody()
    assert "no host of class fast" in line.why_nobody()


def test_a_late_joiner_ends_the_waiting() -> None:
    line = Line([job("a"), job("b")], TERMS)
    assert not line.stuck(0.0)
    line.seen([host("x")], 59.0)
    assert not line.stuck(59.0)
    line.seen([], 60.0)
    assert not line.stuck(60.0)
    assert line.stuck(60.0 + TERMS.patience_s)


def test_hosts_are_gone_through_when_they_come_or_go_and_not_for_each_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone_through: list[str] = []
    judge = Line._against

    def counted(line: Line, seen: Host) -> str | None:
        gone_through.append(seen.id)
        return judge(line, seen)

    monkeypatch.setattr(Line, "_against", counted)
    there = tuple(host(f"h{number}") for number in range(50))

    class Fifty(Empty):
        def __init__(self) -> None:
            super().__init__()
            self.doing: list[Event] = []
            self.sendings = 0

        def hosts(self) -> tuple[Host, ...]:
            return there

        def submit(self, handed: Sequence[tuple[Job, Host]]) -> None:
            self.sendings += 1
            for sent, to in handed:
                answer = Answer(sent.id, to.id, 0, "", 0.0, 1.0)
                self.doing.append(Event(to.address, sent.id, answer))

        def events(self, timeout_s: float) -> list[Event]:
            return [self.doing.pop(0)]

    fifty, line = Fifty(), Line([job(str(number)) for number in range(200)], TERMS)
    drive(line, fifty, lambda *_: None, Watcher())
    assert len(line.done) == 200
    assert sorted(gone_through) == sorted(known.id for known in there)
    assert fifty.sendings == 1 + 150


def test_jobs_of_many_lost_hosts_go_to_others_in_the_order_in_which_they_were_lost() -> None:
    line = Line([job(name) for name in "abcd"], TERMS)
    line.seen([host(name) for name in "wxyz"], 0.0)
    line.next(0.0)
    line.seen([host("z"), host("y")], 1.0)
    line.seen([host("z")], 2.0)
    assert line.answered("tcp://z", "d") == job("d")
    assert line.next(1.0 + TERMS.grace_s - 0.1) == []
    assert names(line.next(1.0 + TERMS.grace_s)) == [("a", "z")]
    line.seen([host("z"), host("n"), host("x", address="tcp://new")], 12.5)
    assert sorted(names(line.next(12.5))) == [("b", "x"), ("c", "n")]


def test_a_job_goes_through_json() -> None:
    assert job_of(job("a").plain()) == job("a")


class Fleet:
    """An engine with hosts that are lost, come back, and answer by chance; and a clock."""

    def __init__(self, rng: random.Random, poison: frozenset[str], broken: frozenset[str]) -> None:
        self.rng, self.poison, self.broken = rng, poison, broken
        self.now = 0.0
        self.up = {f"h{number}" for number in range(4)}
        self.doing: dict[str, Job] = {}
        self.begun: list[str] = []
        self.told: tuple[Host, ...] = ()

    def clock(self) -> float:
        return self.now

    def hosts(self) -> tuple[Host, ...]:
        if self.rng.random() < 0.05:
            self.doing.clear()
            raise DisconnectedError
        self.up |= {name for name in ("h0", "h1", "h2", "h3", "h4") if self.rng.random() < 0.3}
        if self.up != {known.id for known in self.told}:
            self.told = tuple(host(name) for name in sorted(self.up))
        return self.told

    def submit(self, handed: Sequence[tuple[Job, Host]]) -> None:
        for sent, to in handed:
            assert to.id not in self.doing, "two jobs on one host"
            self.doing[to.id] = sent
            self.begun.append(sent.id)

    def events(self, timeout_s: float) -> list[Event]:
        self.now += 1.0
        found = []
        for name, doing in list(self.doing.items()):
            chance = self.rng.random()
            if doing.id in self.poison:
                self.up.discard(name)
                del self.doing[name]
            elif chance < 0.5:
                del self.doing[name]
                found.append(self._end(name, doing))
        return found

    def _end(self, name: str, doing: Job) -> Event:
        if doing.id in self.broken:
            return Event(f"tcp://{name}", doing.id, reason="it is broken")
        answer = Answer(doing.id, name, 0, "", self.now, self.now)
        return Event(f"tcp://{name}", doing.id, answer=answer)

    def reconnect(self, timeout_s: float) -> None:
        self.now += 5.0


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 25),
    st.integers(0, 2**32),
    st.frozensets(st.integers(0, 24), max_size=3),
    st.frozensets(st.integers(0, 24), max_size=3),
)
def test_nothing_is_lost_whatever_happens(
    count: int, seed: int, poison: frozenset[int], broken: frozenset[int]
) -> None:
    """Every job is kept once or given up for a reason of its own; only the poisonous are given up for
    hosts that were lost, after as many as may be."""
    jobs = [job(str(number)) for number in range(count)]
    fleet = Fleet(
        random.Random(seed), frozenset(map(str, poison)), frozenset(map(str, broken - poison))
    )
    line = Line(jobs, TERMS)
    kept: list[str] = []

    def keep(done: Job, answer: Answer) -> None:
        kept.append(done.id)

    drive(line, fleet, keep, Watcher(), clock=fleet.clock)
    assert len(kept) == len(set(kept))
    assert set(kept) | set(line.failed) == {j.id for j in jobs}
    assert not set(kept) & set(line.failed)
    assert {name for name in line.failed if "lost" in line.failed[name]} == {
        j.id for j in jobs if j.id in fleet.poison
    }
    for name in line.failed:
        if name in fleet.poison:
            assert fleet.begun.count(name) >= MOST_LOSSES


class Empty:
    """An engine without hosts."""

    def __init__(self) -> None:
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def hosts(self) -> tuple[Host, ...]:
        return ()

    def submit(self, handed: Sequence[tuple[Job, Host]]) -> None:
        raise AssertionError("to nobody")

    def events(self, timeout_s: float) -> list[Event]:
        self.now += 1.0
        return []

    def reconnect(self, timeout_s: float) -> None:
        raise AssertionError("it is there")


def test_a_class_nobody_offers_ends_in_a_clear_message() -> None:
    empty, line = Empty(), Line([job("a")], TERMS)
    with pytest.raises(CannotMeasureError, match="no host of class fast was there for 60 s"):
        drive(line, empty, lambda *_: None, Watcher(), clock=empty.clock)
    assert 60.0 <= empty.now <= 70.0
    with pytest.raises(CannotMeasureError, match="no host of class fast was there for 60 s"):
        first_hosts(empty, TERMS, clock=empty.clock)


def test_an_answer_that_is_none_is_a_failure() -> None:
    class One(Empty):
        sent: str | None = None

        def hosts(self) -> tuple[Host, ...]:
            return (host("x"),)

        def submit(self, handed: Sequence[tuple[Job, Host]]) -> None:
            self.sent = handed[0][0].id

        def events(self, timeout_s: float) -> list[Event]:
            sent, self.sent = self.sent, None
            answer = Answer(sent or "", "x", 3, "error: no", 0.0, 1.0)
            return [Event("tcp://x", sent, answer)] if sent else []

    line = Line([job("a"), job("b")], TERMS)
    drive(line, One(), lambda j, answer: answer.said if j.id == "a" else None, Watcher())
    assert line.failed == {"a": "error: no"}
    assert line.done == {"b"}
