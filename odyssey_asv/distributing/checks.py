"""A check over a fleet: cut into shards, each a job, joined when all are answered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from odyssey_asv import checking
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.config import Config
from odyssey_asv.distributing.parcel import config_words, job_of, limit_words, parcel_of
from odyssey_asv.distributing.session import Session, carry, raise_failures, said_by, stopping
from odyssey_asv.distributing.wish import Wish, check_wish, class_of, engine_of, terms_of
from odyssey_asv.files import plain_name, write_atomically
from odyssey_asv.findings import Check
from odyssey_asv.fleet.drive import Watcher, first_hosts
from odyssey_asv.fleet.jobs import Answer, Job
from odyssey_asv.fleet.line import Line
from odyssey_asv.sharding.gathering import gather, keep
from odyssey_asv.sharding.shards import Shard
from odyssey_asv.store.shards import SUFFIX
from odyssey_asv.workspace import check_writable, start_state


def check_over(
    plan: checking.Plan, wish: Wish, config: Config, asv: AsvConfig, watcher: Watcher
) -> tuple[Check, tuple[Path, ...]]:
    """A check cut into shards by benchmark, each measured in pairs on one host of one class.

    The verdict is that of one machine: every shard judges as a part of the whole suite.
    """
    check_wish(wish)
    check_writable(plan.options.out or config.results)
    start_state(config.state)
    with engine_of(wish, config) as engine:
        hosts = first_hosts(engine, terms_of(wish, wish.wanted))
        name = class_of(wish, hosts)
        parcel = parcel_of(wish, config, asv, [plan.base, plan.contender])
        words = check_words(plan, name)
        session = Session(config, ["check", plan.contender, *words, wish.scheduler])
        count = _count(session, wish.jobs or max(1, len(hosts)))
        jobs = [
            job_of(
                parcel,
                wish,
                session.job_id(str(number)),
                f"shard {number}/{count}",
                (
                    *config_words(asv, config),
                    "check",
                    plan.contender,
                    *words,
                    "--seed",
                    str(plan.seed),
                    "--shard",
                    str(Shard(number, count)),
                ),
            )
            for number in range(1, count + 1)
        ]
        places = {job.id: session.folder / f"{number}" for number, job in enumerate(jobs, 1)}
        line = Line(
            [job for job in jobs if not list(places[job.id].glob(f"*{SUFFIX}"))],
            terms_of(wish, name),
        )

        def keep_one(job: Job, answer: Answer) -> str | None:
            if not answer.files:
                return said_by(answer)
            for file, content in answer.files.items():
                write_atomically(places[job.id] / plain_name(file, "file"), content)
            return None

        with stopping(engine, session):
            carry(line, engine, parcel, keep_one, watcher)
    raise_failures(line)
    gathered = gather([session.folder])
    assert gathered.check is not None
    found = _named(gathered.check, plan)
    paths = keep(replace(gathered, check=found), plan.options.out or config.results)
    session.forget()
    return found, paths


def _count(session: Session, count: int) -> int:
    """How many shards the session has; one that goes on has as many as it had."""
    path = session.folder / "shards"
    if not path.exists():
        write_atomically(path, str(count).encode())
    return int(path.read_text(encoding="ascii"))


def check_words(plan: checking.Plan, name: str) -> list[str]:
    """What is asked of a check, as the command line of a host of this class has it. What differs from
    shard to shard comes on top."""
    options = plan.options
    words = ["--base", plan.base, f"--machine={name}"]
    words += ["--budget", repr(plan.budget_s), "--confidence", repr(plan.confidence)]
    words += ["--clock", plan.clock.value]
    words += limit_words(options)
    if options.same:
        words.append("--self")
    words += ["--strict"] if options.strict else []
    words += ["--thorough"] if options.thorough else []
    return words + (["--fresh"] if options.fresh else [])


def _named(check: Check, plan: checking.Plan) -> Check:
    """The check with its commits called as here: a host has a working tree's changes as a commit."""
    base, contender = plan.commits
    return replace(
        check,
        base=tuple(replace(part, commit=base) for part in check.base),
        contender=tuple(replace(part, commit=contender) for part in check.contender),
    )
