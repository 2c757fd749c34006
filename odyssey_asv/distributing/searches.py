"""A search over a fleet: each step a job, one after another, made on the host that made the one before.

What to do next is decided here, from the state that came with the last answer, exactly as on one
machine; a host is handed the state, makes one step and gives it back.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import cache

from odyssey_asv.bisecting import Plan
from odyssey_asv.bisecting.hunt import Task
from odyssey_asv.bisecting.plan import check_question
from odyssey_asv.bisecting.pursuit import Pursuit
from odyssey_asv.culprit.bisection import Bisection
from odyssey_asv.culprit.search import Confirm
from odyssey_asv.distributing.parcel import config_words, each, job_of, limit_words, parcel_of
from odyssey_asv.distributing.session import GOES_ON, Session, carry, said_by, stopping
from odyssey_asv.distributing.wish import Wish, check_wish, class_of, engine_of, terms_of
from odyssey_asv.errors import CannotMeasureError
from odyssey_asv.fleet.drive import Watcher, first_hosts
from odyssey_asv.fleet.engine import DaskEngine
from odyssey_asv.fleet.jobs import Answer, Job
from odyssey_asv.fleet.line import Line
from odyssey_asv.repository import Repository
from odyssey_asv.sharding.shards import fingerprint
from odyssey_asv.store import results as store
from odyssey_asv.store import searches
from odyssey_asv.store.searches import State
from odyssey_asv.workspace import check_writable

STATE = "search.json"
"""The file in which a state travels."""

_TIP = "the same command with --resume goes on from there"


def search_over(pursuit: Pursuit, wish: Wish, watcher: Watcher) -> Bisection:
    """Search on hosts of one class, a step at a time. The state is kept here after each.

    Raises `CannotMeasureError` where no host fits or a step came to nothing, `InterruptedRunError`
    when interrupted.
    """
    check_wish(wish)
    plan, config = pursuit.plan, pursuit.config
    check_writable(plan.ends.options.out or config.results)
    with (
        ExitStack() as stack,
        Repository(plan.ends.repository, search_parents=False) as repository,
    ):

        @cache
        def chain() -> _Chain:
            # Hosts are needed only where something is left to measure.
            return _Chain(pursuit, wish, stack.enter_context(engine_of(wish, config)), watcher)

        state = pursuit.first(lambda: chain().ends())
        found = pursuit.go_on(state, lambda *step: chain().step(*step), repository)
        if chain.cache_info().currsize:
            chain().session.forget()
        return found


class _Chain:
    """The jobs of one search, one after another."""

    def __init__(self, pursuit: Pursuit, wish: Wish, engine: DaskEngine, watcher: Watcher) -> None:
        self._pursuit = pursuit
        self._wish = wish
        self._engine = engine
        self._watcher = watcher
        plan, config, asv = pursuit.plan, pursuit.config, pursuit.asv
        hosts = first_hosts(engine, terms_of(wish, wish.wanted))
        name = class_of(wish, hosts)
        self._terms = terms_of(wish, name)
        self._parcel = parcel_of(wish, config, asv, [plan.question.good, plan.question.bad])
        words = search_words(plan)
        self.session = Session(config, ["bisect", *words, self._parcel.commit, wish.scheduler])
        self._words = (*config_words(asv, config), "bisect", *words, f"--machine={name}")
        # A search that goes on begins where its environments are, and others begin elsewhere.
        self._host = min(hosts, key=lambda host: fingerprint([words, host.id])).id

    def ends(self) -> State:
        """How the ends differ, measured on a host. Its result files are stored here."""
        answer = self._ask("the ends", "ends", None, self._pursuit.deadline)
        state = searches.parse(answer.files[STATE], f"{STATE} of {answer.host}")
        check_question(state, self._pursuit.plan.question, f"what {answer.host} measured")
        try:
            self._store(answer)
        except OSError as error:
            # As on one machine: what cannot be written takes nothing from the search.
            state.warnings.append(f"the results are not stored: {error.strerror}: {error.filename}")
        return state

    def step(self, state: State, task: Task, deadline: float) -> State:
        """See `hunt.Step`."""
        commit = task.commit[:8]
        label = f"{commit} against its parent" if isinstance(task.what, Confirm) else commit
        unit = fingerprint([_known(state)])
        answer = self._ask(label, unit, state, deadline)
        found = searches.parse(answer.files[STATE], f"{STATE} of {answer.host}")
        check_question(found, state.question, f"what {answer.host} measured")
        if _known(found) == _known(state) and self._pursuit.clock() < deadline:
            # Asked for the same again it would say the same again.
            self.session.forget()
            raise CannotMeasureError(f"{label}: {answer.host} had no time for it", tip=_TIP)
        return found

    def _ask(self, label: str, unit: str, state: State | None, deadline: float) -> Answer:
        """The answer to one job. Raises `CannotMeasureError` for what the host said instead."""
        left_s = max(deadline - self._pursuit.clock(), 1.0)
        seed = str(self._pursuit.plan.ends.seed)
        words = [*self._words, "--steps", "1", "--budget", repr(left_s), "--seed", seed]
        words += [] if state is None else ["--resume"]
        job = replace(
            job_of(self._parcel, self._wish, self.session.job_id(unit), label, words),
            places={"--state": STATE},
            files={} if state is None else {STATE: searches.serialise(state)},
        )
        line = Line([job], self._terms, preferred=self._host)
        answers: list[Answer] = []

        def keep_one(_job: Job, answer: Answer) -> str | None:
            if STATE not in answer.files:
                return said_by(answer)
            answers.append(answer)
            return None

        tip = GOES_ON if state is None else _TIP
        with stopping(self._engine, self.session, tip):
            carry(line, self._engine, self._parcel, keep_one, self._watcher)
        if not answers:
            raise CannotMeasureError(f"{label}: {line.failed[job.id]}", tip=tip)
        self._host = line.did[job.id]
        return answers[0]

    def _store(self, answer: Answer) -> None:
        """Keep the result files of the ends, with their commits called as here."""
        plan = self._pursuit.plan
        called = {commit.hash: commit for commit in plan.ends.commits}
        for name, content in sorted(answer.files.items()):
            if name != STATE:
                found = store.parse(content, f"{name} of {answer.host}")
                told = replace(found, commit=called.get(found.commit.hash, found.commit))
                store.save_once(told, plan.ends.options.out or self._pursuit.config.results)


def _known(state: State) -> str:
    """All that a state says, but for the time it took."""
    return state.model_dump_json(exclude={"wall_s"})


def search_words(plan: Plan) -> list[str]:
    """What is asked of a search, as a host's command line has it. What differs from step to step comes
    on top, and what is of this machine stays here: where files are, and what is known already."""
    question, options = plan.question, plan.options
    words = [f"{question.good}..{question.bad}", "--confidence", repr(question.confidence)]
    words += ["--clock", plan.ends.clock.value, *limit_words(options)]
    words += each("--path", options.paths)
    words += ["--improvement"] if options.improvement else []
    words += ["--all-steps"] if options.all_steps else []
    return [*words, "--first-parent" if options.first_parent else "--all-parents"]
