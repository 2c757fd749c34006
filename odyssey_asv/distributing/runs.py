"""A run over a fleet: each commit a job, each result stored at once."""

from __future__ import annotations

from dataclasses import replace

from odyssey_asv import run
from odyssey_asv.config import Config
from odyssey_asv.distributing.parcel import config_words, each, job_of, parcel_of
from odyssey_asv.distributing.session import Session, carry, raise_failures, said_by, stopping
from odyssey_asv.distributing.wish import Wish, check_wish, class_of, engine_of, terms_of
from odyssey_asv.errors import InvalidInputError
from odyssey_asv.fleet.drive import Watcher, first_hosts
from odyssey_asv.fleet.jobs import Answer, Job
from odyssey_asv.fleet.line import Line
from odyssey_asv.measure import Request
from odyssey_asv.repository import Repository
from odyssey_asv.store import results as store
from odyssey_asv.workspace import check_writable, start_state


def run_over(plan: run.Plan, wish: Wish, config: Config, watcher: Watcher) -> run.Outcome:
    """Measure the commits that a plan leaves to measure, each on one host of one class.

    Each commit's files are stored the moment they are there. Raises `CannotMeasureError` where a commit
    could not be measured, after all others are.
    """
    check_wish(wish)
    asv, request = plan.request.config, plan.request
    if request.existing:
        raise InvalidInputError(
            "an existing environment is that of this machine, not of the hosts",
            tip="choose another environment with -E",
        )
    check_writable(plan.out)
    start_state(config.state)
    written: list[run.Kept] = []
    if not request.commits:
        return run.Outcome((), plan.stored)
    with engine_of(wish, config) as engine, Repository(plan.repository) as repository:
        name = class_of(wish, first_hosts(engine, terms_of(wish, wish.wanted)))
        parcel = parcel_of(wish, config, asv, request.commits)
        words = _run_words(request, name)
        session = Session(config, ["run", *words, parcel.commit, wish.scheduler])
        jobs = [
            job_of(
                parcel,
                wish,
                session.job_id(commit),
                f"commit {commit[:8]}",
                (*config_words(asv, config), "run", commit, *words),
            )
            for commit in request.commits
        ]
        of = dict(zip((job.id for job in jobs), request.commits, strict=True))
        line = Line(jobs, terms_of(wish, name))

        def keep_one(job: Job, answer: Answer) -> str | None:
            if not answer.files:
                return said_by(answer)
            known = run.describe(repository, of[job.id], plan)
            for file, content in sorted(answer.files.items()):
                found = store.parse(content, f"{file} of {answer.host}")
                told = replace(found, commit=known, run=replace(found.run, request=request.digest))
                path = store.save_in(told, plan.out)
                written.append((path, replace(told, source=str(path))))
            return None

        with stopping(engine, session):
            carry(line, engine, parcel, keep_one, watcher)
    raise_failures(line)
    session.forget()
    return run.Outcome(tuple(written), plan.stored)


def _run_words(request: Request, name: str) -> list[str]:
    # What is stored is known here; what a host may have kept of the commit is no answer.
    words = [f"--machine={name}", "--budget", repr(request.budget_s), "--force"]
    words += each("--bench", request.benches) + each("--environment", request.environments)
    # All have the name of what was asked for.
    return words + [f"--as-of={past.name}" for past in list(request.pasts.values())[:1]]
