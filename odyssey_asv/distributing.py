"""A run or a check over a fleet: jobs of what is asked, each answer stored at once, what came of it all.

Prints nothing. Each job is the same command with `--shard` or one commit, on a host, so measuring is
exactly what a single machine does. A session is remembered until it is done: asked again after a kill, what
was answered is not measured again, and hosts still know what they measured for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from odyssey_asv import __version__, checking, run
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.config import Config
from odyssey_asv.errors import CannotMeasureError, InterruptedRunError, InvalidInputError
from odyssey_asv.files import plain_name, write_atomically
from odyssey_asv.findings import Check
from odyssey_asv.fleet.drive import Keep, Watcher, drive, first_hosts
from odyssey_asv.fleet.engine import DaskEngine, Local, connected
from odyssey_asv.fleet.jobs import Answer, Host, Job
from odyssey_asv.fleet.line import Line, Terms
from odyssey_asv.gathering import gather, keep
from odyssey_asv.measure import Request
from odyssey_asv.repository import Repository
from odyssey_asv.repository.bundles import bundle
from odyssey_asv.shards import Shard, fingerprint
from odyssey_asv.store import results as store
from odyssey_asv.store.shards import SUFFIX
from odyssey_asv.workspace import check_machine, check_writable, start_state

_LOCAL = re.compile(r"^local(?::([0-9]{1,3}))?$")
LOCAL_CLASS = "local"


@dataclass(frozen=True, slots=True)
class Wish:
    """Where and how to distribute. `scheduler` is an address, `local` or `local:N`; `wanted` the class
    of hosts; `jobs` how many shards a check is cut into, None for one a host; `address` a repository
    that hosts fetch themselves."""

    scheduler: str
    wanted: str | None = None
    jobs: int | None = None
    patience_s: float = 60.0
    address: str | None = None


@dataclass(frozen=True, slots=True)
class _Parcel:
    """What hosts need of a project: its name, the commit to check out, the folder in it, and the
    repository packed, None where they fetch it."""

    project: str
    commit: str
    folder: str
    content: bytes | None = None
    digest: str | None = None


def check_wish(wish: Wish) -> None:
    """Raise `InvalidInputError` for what can be no scheduler, no class, no repository."""
    if not _LOCAL.match(wish.scheduler) and not re.match(
        r"^(tcp|tls|ws|wss)://\S+$", wish.scheduler
    ):
        raise InvalidInputError(
            f"--scheduler {wish.scheduler!r} is no address",
            tip="tcp://HOST:8786, tls://HOST:8786, local, or local:N for N hosts on this machine",
        )
    if wish.scheduler == "local:0":
        raise InvalidInputError("--scheduler local:0 has no hosts")
    if wish.wanted is not None:
        check_machine(wish.wanted)
    if wish.address is not None and wish.address.startswith("-"):
        raise InvalidInputError(f"--repository {wish.address!r} begins with '-'")


@contextmanager
def _engine(wish: Wish, config: Config) -> Iterator[DaskEngine]:
    match = _LOCAL.match(wish.scheduler)
    home = config.state / "fleet"
    place = wish.scheduler if match is None else Local(int(match[1] or 1), home)
    with connected(place) as engine:
        yield engine


def _terms(wish: Wish, wanted: str | None) -> Terms:
    return Terms(__version__, wanted, wish.patience_s)


def _class_of(wish: Wish, hosts: Sequence[Host]) -> str:
    """The class to measure on: the one asked for, else the only one that is offered."""
    if wish.wanted is not None:
        return wish.wanted
    offered = sorted({name for host in hosts for name in host.classes})
    if len(offered) > 1:
        raise InvalidInputError(
            f"the hosts at {wish.scheduler} are of more than one class: {', '.join(offered)}",
            tip="numbers of different machines are not to be mixed: choose one with --class NAME",
        )
    if not offered:
        raise InvalidInputError(
            f"no host at {wish.scheduler} says of which class it is",
            tip='start hosts with --resources "bench=1,class:NAME=1"; docs/fleet.md says how',
        )
    return offered[0]


def _parcel(wish: Wish, config: Config, asv: AsvConfig, commits: Sequence[str]) -> _Parcel:
    """The repository around the suite, with the working tree's changes, on its way to the hosts."""
    with Repository(asv.folder) as repository:
        root = repository.root.resolve()
        _check_reach(asv, root)
        head = repository.resolve("HEAD")
        commit = repository.snapshot() or head
        if wish.address is not None and commit != head:
            raise InvalidInputError(
                "hosts that fetch the repository themselves cannot see uncommitted changes",
                tip="commit and push them, or leave out --repository",
            )
        # A project that is cloned from its address has its commits there.
        wanted = [commit, *commits] if asv.local_repo is not None else [commit]
        content = None if wish.address is not None else bundle(repository, wanted)
    folder = config.root.resolve().relative_to(root)
    name = plain_name(f"{asv.project[:40]}-{fingerprint([str(root), wish.address])}", "project")
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return _Parcel(name, commit, folder.as_posix(), content, digest)


def _check_reach(asv: AsvConfig, root: Path) -> None:
    """Hosts have the repository around the suite; of everything else they know only addresses."""
    local = asv.local_repo
    if local is not None and local.resolve() != root:
        raise InvalidInputError(
            f"{asv.path}: repo {asv.repo!r} is a folder outside {root}, which hosts cannot reach",
            tip="name the repository by its address, which hosts clone themselves",
        )


class _Session:
    """The jobs of one question, remembered until it is answered."""

    def __init__(self, config: Config, question: Sequence[object]) -> None:
        self.folder = config.state / "sessions" / fingerprint(question)
        path = self.folder / "name"
        if not path.exists():
            write_atomically(path, secrets.token_hex(6).encode())
        self.name = path.read_text(encoding="ascii")

    def job_id(self, unit: str) -> str:
        """The same whenever the question is asked again before it is answered."""
        return f"{self.name}-{unit}"

    def forget(self) -> None:
        """The question is answered; asked again, it is a new one."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _stopping(engine: DaskEngine, session: _Session) -> Iterator[None]:
    """Interrupted, tell the hosts to end."""
    try:
        yield
    except KeyboardInterrupt as error:
        engine.stop(session.name)
        raise InterruptedRunError(
            "interrupted", tip="the same command goes on where it stopped"
        ) from error


def _drive(
    line: Line, engine: DaskEngine, parcel: _Parcel, keep_one: Keep, watcher: Watcher
) -> None:
    if parcel.digest is not None and parcel.content is not None:
        engine.offer(parcel.digest, parcel.content)
    drive(line, engine, keep_one, watcher)


def _failures(line: Line) -> None:
    """Raise for the jobs that were given up, after all others are done."""
    if line.failed:
        labels = {job.id: job.label for job in line.jobs}
        lines = [f"  {labels[name]}: {reason}" for name, reason in sorted(line.failed.items())]
        raise CannotMeasureError(
            "\n".join([f"{len(lines)} of {len(line.jobs)} jobs came to nothing", *lines]),
            tip="the same command does only what is left",
        )


def _said(answer: Answer) -> str:
    """Why an answer without files is none, by the last thing that the command said."""
    said = [line for line in answer.said.splitlines() if line.strip()]
    errors = [line for line in said if line.startswith("error:")] or said[-1:]
    return f"on {answer.host}: {errors[0] if errors else f'exit code {answer.code}'}"


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
    with _engine(wish, config) as engine, Repository(plan.repository) as repository:
        name = _class_of(wish, first_hosts(engine, _terms(wish, wish.wanted)))
        parcel = _parcel(wish, config, asv, request.commits)
        words = _run_words(request, name)
        session = _Session(config, ["run", *words, parcel.commit, wish.scheduler])
        jobs = [
            _job(
                parcel,
                wish,
                session.job_id(commit),
                f"commit {commit[:8]}",
                (*_config_words(asv, config), "run", commit, *words),
            )
            for commit in request.commits
        ]
        of = dict(zip((job.id for job in jobs), request.commits, strict=True))
        line = Line(jobs, _terms(wish, name))

        def keep_one(job: Job, answer: Answer) -> str | None:
            if not answer.files:
                return _said(answer)
            known = run.describe(repository, of[job.id], plan)
            for file, content in sorted(answer.files.items()):
                found = store.parse(content, f"{file} of {answer.host}")
                told = replace(found, commit=known, run=replace(found.run, request=request.digest))
                path = store.save_in(told, plan.out)
                written.append((path, replace(told, source=str(path))))
            return None

        with _stopping(engine, session):
            _drive(line, engine, parcel, keep_one, watcher)
    _failures(line)
    session.forget()
    return run.Outcome(tuple(written), plan.stored)


def _config_words(asv: AsvConfig, config: Config) -> list[str]:
    """Which asv configuration, from the folder in which a host gives the command."""
    return [f"--config={os.path.relpath(asv.path, config.root.resolve())}"]


def _run_words(request: Request, name: str) -> list[str]:
    # What is stored is known here; what a host may have kept of the commit is no answer.
    words = [f"--machine={name}", "--budget", repr(request.budget_s), "--force"]
    words += _each("--bench", request.benches) + _each("--environment", request.environments)
    return words


def _job(parcel: _Parcel, wish: Wish, job_id: str, label: str, words: Sequence[str]) -> Job:
    return Job(
        id=job_id,
        label=label,
        words=tuple(words),
        project=parcel.project,
        commit=parcel.commit,
        bundle=parcel.digest,
        address=wish.address,
        folder=parcel.folder,
    )


def check_over(
    plan: checking.Plan, wish: Wish, config: Config, asv: AsvConfig, watcher: Watcher
) -> tuple[Check, tuple[Path, ...]]:
    """A check cut into shards by benchmark, each measured in pairs on one host of one class.

    The verdict is that of one machine: every shard judges as a part of the whole suite.
    """
    check_wish(wish)
    check_writable(plan.options.out or config.results)
    start_state(config.state)
    with _engine(wish, config) as engine:
        hosts = first_hosts(engine, _terms(wish, wish.wanted))
        name = _class_of(wish, hosts)
        parcel = _parcel(wish, config, asv, [plan.base, plan.contender])
        words = _check_words(plan, name)
        session = _Session(config, ["check", plan.contender, *words, wish.scheduler])
        count = _count(session, wish.jobs or max(1, len(hosts)))
        jobs = [
            _job(
                parcel,
                wish,
                session.job_id(str(number)),
                f"shard {number}/{count}",
                (
                    *_config_words(asv, config),
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
            _terms(wish, name),
        )

        def keep_one(job: Job, answer: Answer) -> str | None:
            if not answer.files:
                return _said(answer)
            for file, content in answer.files.items():
                write_atomically(places[job.id] / plain_name(file, "file"), content)
            return None

        with _stopping(engine, session):
            _drive(line, engine, parcel, keep_one, watcher)
    _failures(line)
    gathered = gather([session.folder])
    assert gathered.check is not None
    found = _named(gathered.check, plan)
    paths = keep(replace(gathered, check=found), plan.options.out or config.results)
    session.forget()
    return found, paths


def _count(session: _Session, count: int) -> int:
    """How many shards the session has; one that goes on has as many as it had."""
    path = session.folder / "shards"
    if not path.exists():
        write_atomically(path, str(count).encode())
    return int(path.read_text(encoding="ascii"))


def _check_words(plan: checking.Plan, name: str) -> list[str]:
    options = plan.options
    words = ["--base", plan.base, f"--machine={name}"]
    words += ["--budget", repr(plan.budget_s), "--confidence", repr(plan.confidence)]
    words += ["--clock", plan.clock.value]
    words += _each("--bench", options.benches) + _each("--environment", options.environments)
    if options.python is not None:
        words += ["--python", options.python]
    for flag, share in (("--tolerance", options.tolerance), ("--threshold", options.threshold)):
        if share is not None:
            words += [flag, repr(float(share))]
    if options.gate is not None:
        words += ["--gate", ",".join(sorted(metric.value for metric in options.gate))]
    if options.cpu is not None:
        words += ["--cpu", str(options.cpu)]
    if options.same:
        words.append("--self")
    words += ["--strict"] if options.strict else []
    return words + (["--fresh"] if options.fresh else [])


def _each(flag: str, values: Sequence[str]) -> list[str]:
    # With "=", so that a value that begins with "-" is none.
    return [f"{flag}={value}" for value in values]


def _named(check: Check, plan: checking.Plan) -> Check:
    """The check with its commits called as here: a host has a working tree's changes as a commit."""
    base, contender = plan.commits
    return replace(
        check,
        base=tuple(replace(part, commit=base) for part in check.base),
        contender=tuple(replace(part, commit=contender) for part in check.contender),
    )
