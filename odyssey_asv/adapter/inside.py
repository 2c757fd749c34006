"""Runs in asv's process: `python -m odyssey_asv.adapter.inside SETTINGS run …` is `asv run …`, watched.

asv keeps no process boundaries, no output of failures and nothing at all of a run that is killed.
This module wraps four functions of asv, checked against what they look like in the versions that
are allowed, to journal what each process gave, to replay a journal, to leave out what is stored, to
stop when the budget is spent, and to tell the parent what goes on. It changes no measurement.

Events are JSON lines on standard output; asv's own words go to standard error. When the parent
dies, standard input closes and the run interrupts itself.
"""

from __future__ import annotations

import ctypes
import inspect
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from odyssey_asv.adapter.journal import Journal, Measurement, journal_path, last_lines

# What each wrapped function took in asv 0.6.6. Another shape means that nothing here may be relied on.
_EXPECTED = {
    "_run_benchmark_single_param": (
        "benchmark", "spawner", "param_idx", "profile", "extra_params", "cwd",
    ),
    "run_benchmarks": (
        "benchmarks", "env", "results", "show_stderr", "quick", "profile", "extra_params",
        "record_samples", "append_samples", "run_rounds", "launch_method",
    ),
    "skip_benchmarks": ("benchmarks", "env", "results"),
    "_do_build": ("args",),
    "write_json": ("path", "data", "api_version", "compact"),
}  # fmt: skip

# asv ends a process that is silent for its time-out. One that prints, or has closed its output, or
# left a child behind that holds it open, would run for ever; this long after the time-out it is killed.
_GRACE_S = 5.0
_PR_SET_CHILD_SUBREAPER = 36

AS_OF = "ODYSSEY_AS_OF"
"""The variable in the names of environments that are as of a date."""
# pip's and uv's options for the newest upload that may be installed.
_UPLOADED_BEFORE = ("PIP_UPLOADED_PRIOR_TO", "UV_EXCLUDE_NEWER")
# What asv itself needs in an environment.
_ASV_OWN = ("pip+build", "pip+asv_runner", "pip+pympler")

_PACKAGES = (
    "import importlib.metadata as m, json, platform; print(json.dumps({"
    "'python': platform.python_version(), 'packages':"
    " {d.metadata['Name']: d.version for d in m.distributions() if d.metadata['Name']}}))"
)


class BudgetSpentError(Exception):
    """Not a failure of a benchmark: the time allowed for this commit is over."""


@dataclass(frozen=True, slots=True)
class Past:
    """Environments as they were: with nothing uploaded after `moment` (ISO 8601), of `pythons` where the
    configuration's were not out. `name` is what an environment, and so its results, are called after.
    Where other commits' environments of that name are of other moments (`apart`), they are not to be found
    in this one's `env_dir`."""

    name: str
    moment: str
    pythons: tuple[str, ...] | None = None
    apart: bool = False
    env_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """What the parent asks for beyond asv's own arguments.

    `stored` lists, for "commit environment", the cases that need not be measured again, as
    [benchmark id, version, position]; a benchmark stored in asv's own file needs no mention unless
    asv wrote NaN for it. `dirty` says that what is measured is not what the commit holds.
    """

    journals: str
    machine: dict[str, str]
    budget_s: float
    force: bool
    quick: bool
    results_dir: str | None = None
    benchmark_timeout_s: float | None = None
    dirty: bool = False
    past: Past | None = None
    stored: dict[str, list[tuple[str, str, int]]] = field(default_factory=dict)


class Watch:
    """The wrappers and what they share while one commit is measured in one environment."""

    def __init__(self, settings: Settings, tell: Callable[[dict[str, Any]], None]) -> None:
        self._settings = settings
        self._tell = tell
        self._results_dir = ""
        self._journal: Journal | None = None
        self._recorded: dict[tuple[str, str, int, int], Measurement] = {}
        self._rounds: dict[tuple[str, int], int] = {}
        self._deadline = float("inf")
        self._said: dict[str, str] = {}
        self._original: dict[str, Callable[..., Any]] = {}

    def install(self) -> None:
        """Put the wrappers in place. Raises RuntimeError when asv is not the asv they were made for."""
        from asv import config, machine, runner, util
        from asv.commands import run

        modules = {
            "_run_benchmark_single_param": runner,
            "run_benchmarks": run,
            "skip_benchmarks": run,
            "_do_build": run,
            "write_json": util,
        }
        for name, module in modules.items():
            function = getattr(module, name, None)
            shape = tuple(inspect.signature(function).parameters) if function else None
            if shape != _EXPECTED[name]:
                raise RuntimeError(f"{module.__name__}.{name} takes {shape}, not {_EXPECTED[name]}")
            self._original[name] = getattr(module, name)
        runner._run_benchmark_single_param = self._run_process
        run.run_benchmarks = self._run_benchmarks
        run.skip_benchmarks = self._skip_benchmarks
        run._do_build = self._build
        util.write_json = self._write_json
        discover = run.Benchmarks.discover
        run.Benchmarks.discover = lambda *args, **more: self._discovered(
            self._discover(discover, *args, **more), *args
        )
        load = config.Config.load
        config.Config.load = lambda path=None: self._configured(load(path))
        machine.Machine.load = lambda **_: self._machine(machine.Machine())

    def _configured(self, conf: Any) -> Any:
        if self._settings.results_dir is not None:
            conf.results_dir = self._settings.results_dir
        if self._settings.benchmark_timeout_s is not None:
            conf.default_benchmark_timeout = self._settings.benchmark_timeout_s
        self._results_dir = conf.results_dir
        if self._settings.past is not None:
            _go_back(conf, self._settings.past)
        return conf

    @staticmethod
    def _discover(discover: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """The benchmarks of the suite; where none of the commits lets it be imported, those that were known
        before: a commit that breaks the import fails in them, instead of leaving nothing behind."""
        from asv import console, util
        from asv.benchmarks import Benchmarks

        try:
            return discover(*args, **more)
        except util.UserError as error:
            try:
                known = Benchmarks.load(args[0], regex=more.get("regex"))
            except util.UserError:
                raise error from None
            console.log.warning(
                f"{error}: measuring the {len(known)} benchmarks that were known before"
            )
            return known

    def _discovered(self, benchmarks: Any, *args: Any) -> Any:
        # The third argument of asv's own call; that it is there is part of the contract test.
        environments = [env.name for env in args[2]]
        event = {"event": "discovered", "selected": len(benchmarks), "environments": environments}
        self._tell(event)
        return benchmarks

    def _machine(self, machine: Any) -> Any:
        machine.__dict__.update(self._settings.machine)
        return machine

    def _write_json(
        self, path: str, data: Any, api_version: int | None = None, compact: bool = False
    ) -> None:
        """asv writes in place; a kill in the middle would lose the file."""
        beside = f"{path}.{os.getpid()}.tmp"
        try:
            self._original["write_json"](beside, data, api_version, compact)
            Path(beside).replace(path)
        finally:
            Path(beside).unlink(missing_ok=True)

    def _build(self, args: tuple[Any, ...]) -> Any:
        env, _, _, commit = args
        self._tell({"event": "build", "commit": commit, "environment": env.name})
        with self._overheard(env):
            answer = self._original["_do_build"](args)
        self._tell({"event": "built", "ok": bool(answer[1][0]), "seconds": answer[1][1]})
        return answer

    @contextmanager
    def _overheard(self, env: Any) -> Iterator[None]:
        """Remember what a program said that failed to build the project: asv only prints it."""
        from asv.util import ProcessError

        install = env.install_project

        def installing(*given: Any, **more: Any) -> Any:
            try:
                return install(*given, **more)
            except ProcessError as error:
                said = "\n".join(text for text in (error.stdout, error.stderr) if text)
                self._said[env.name] = last_lines(said)
                raise

        env.install_project = installing
        try:
            yield
        finally:
            del env.install_project

    def _skip_benchmarks(self, benchmarks: Any, env: Any, results: Any = None) -> Any:
        self._journal = None
        self._begin(benchmarks, benchmarks, env, results, {})
        self._original["skip_benchmarks"](benchmarks, env, results=results)
        results.save(self._results_dir)
        said = self._said.pop(env.name, "")
        self._end(results, complete=True, built=False, said=said)
        return results

    def _run_benchmarks(self, benchmarks: Any, env: Any, **options: Any) -> Any:
        results = options["results"]
        about = _about(env)
        self._open_journal(env, results, about)
        wanted = self._left_over(benchmarks, env, results)
        self._begin(benchmarks, wanted, env, results, about)
        complete = False
        try:
            self._original["run_benchmarks"](wanted, env, **options)
            complete = True
        except BudgetSpentError:
            pass
        finally:
            # Before asv does, so that the parent finds the file, and also when interrupted.
            results.save(self._results_dir)
            self._end(results, complete=complete, built=True)
        return results

    def _open_journal(self, env: Any, results: Any, about: dict[str, Any]) -> None:
        identity = {
            "commit": results.commit_hash,
            "environment": env.name,
            "machine": self._settings.machine,
            "python": about.get("python"),
            "asv_runner": about.get("packages", {}).get("asv_runner"),
            "benchmark_timeout_s": self._settings.benchmark_timeout_s,
            "quick": self._settings.quick,
            "dirty": self._settings.dirty,
        }
        machine = self._settings.machine["machine"]
        folder = Path(self._settings.journals)
        path = journal_path(folder, machine, results.commit_hash, env.name)
        self._journal = Journal(path, identity)
        recorded = self._journal.start(afresh=self._settings.force)
        self._recorded = {measurement.key: measurement for measurement in recorded}
        self._rounds = {}

    def _left_over(self, benchmarks: Any, env: Any, results: Any) -> Any:
        """The benchmarks without the cases that are stored.

        A case in the journal is not stored but in the middle of being measured.
        """
        if self._settings.force:
            return benchmarks
        key = f"{results.commit_hash} {env.name}"
        known = {tuple(case) for case in self._settings.stored.get(key, ())}
        begun = {(name, version, position) for name, version, position, _ in self._recorded}
        in_asv = results.get_result_keys(benchmarks)
        wanted: dict[str, list[int]] = {}
        for name, benchmark in benchmarks.items():
            values = results.get_result_value(name, benchmark["params"]) if name in in_asv else []
            stored = {
                position
                for position, value in enumerate(values)
                if value == value  # noqa: PLR0124 (NaN: skipped or not selected, who knows)
            }
            wanted[name] = [
                position
                for position in _positions(benchmarks, name)
                if (case := (name, benchmark["version"], position)) in begun
                or (case not in known and position not in stored)
            ]
        left = benchmarks.filter_out({name for name, positions in wanted.items() if not positions})
        for name in left:
            if left[name]["params"]:
                left.benchmark_selection[name] = wanted[name]
        return left

    def _begin(
        self, selected: Any, wanted: Any, env: Any, results: Any, about: dict[str, Any]
    ) -> None:
        processes = sum(
            (1 if self._settings.quick else int(benchmark.get("rounds", 1)))
            * len(_positions(wanted, name))
            for name, benchmark in wanted.items()
        )
        self._deadline = time.monotonic() + self._settings.budget_s
        self._tell(
            {
                "event": "begin",
                "commit": results.commit_hash,
                "environment": env.name,
                "file": str(Path(self._results_dir, results._filename).resolve()),
                "journal": None if self._journal is None else str(self._journal.path),
                "identity": None if self._journal is None else self._journal.identity,
                "selected": _cases(selected),
                "processes": processes,
                "packages": about.get("packages", {}),
                "python": about.get("python"),
            }
        )

    def _end(self, results: Any, *, complete: bool, built: bool, said: str = "") -> None:
        self._tell(
            {
                "event": "end",
                "commit": results.commit_hash,
                "complete": complete,
                "built": built,
                "said": said,
            }
        )

    def _run_process(
        self,
        benchmark: dict[str, Any],
        spawner: Any,
        param_idx: int,
        profile: bool,
        extra_params: Any,
        cwd: str | None,
    ) -> Any:
        """One process of one case: from the journal where it is there, else measured."""
        from asv.runner import BenchmarkResult
        from asv.util import TIMEOUT_RETCODE

        name, version = benchmark["name"], benchmark["version"]
        count = self._rounds.get((name, param_idx), 0)
        self._rounds[name, param_idx] = count + 1
        found = self._recorded.get((name, version, param_idx, count))
        label = name + _parameters(benchmark, param_idx)
        if found is not None and not profile:
            self._tell({"event": "process", "label": label, "replayed": True, **asdict(found)})
            timed = found.samples is not None
            return BenchmarkResult(
                result=[True if timed else found.value],
                samples=[found.samples],
                number=[found.number],
                errcode=found.errcode,
                stderr=found.stderr,
                profile=None,
            )
        if time.monotonic() >= self._deadline:
            raise BudgetSpentError
        self._tell({"event": "start", "label": label})
        started = time.monotonic()
        with _wall_clock(benchmark.get("timeout")) as limit:
            answer = self._original["_run_benchmark_single_param"](
                benchmark, spawner, param_idx, profile, extra_params, cwd
            )
        if limit.struck and answer.errcode != 0:
            said = f"{answer.stderr}\n\nstopped: it took longer than {benchmark['timeout']} s"
            answer = answer._replace(errcode=TIMEOUT_RETCODE, stderr=said.strip())
        samples = answer.samples[0]
        measurement = Measurement(
            name=name,
            version=version,
            position=param_idx,
            round=count,
            value=None if samples is not None else answer.result[0],
            samples=samples,
            number=answer.number[0],
            errcode=answer.errcode,
            stderr=last_lines(answer.stderr),
            seconds=time.monotonic() - started,
        )
        if self._journal is not None:
            self._journal.append(measurement)
        self._tell({"event": "process", "label": label, "replayed": False, **asdict(measurement)})
        return answer


def _go_back(conf: Any, past: Past) -> None:
    """Have environments made as of a date. A variable in the matrix gives them, and so their results, a
    name of their own."""
    from asv.environment import _parse_matrix
    from asv.plugins.uv import Uv
    from asv.plugins.virtualenv import Virtualenv

    matrix: dict[str, dict[str, Any]] = {"env": {AS_OF: [past.name]}}
    for (place, key), values in _parse_matrix(conf.matrix).items():
        matrix.setdefault(place, {})[key] = values
    conf.matrix = matrix
    if past.pythons is not None:
        conf.pythons = list(past.pythons)
    if past.env_dir is not None:
        conf.env_dir = past.env_dir
    os.environ.update(dict.fromkeys(_UPLOADED_BEFORE, past.moment))
    for kind in (Virtualenv, Uv):
        kind._install_requirements = _in_two_parts(kind._install_requirements)


def _in_two_parts(install: Callable[[Any], None]) -> Callable[[Any], None]:
    """The installation of an environment's requirements, of which asv's own are as new as ever: it cannot
    run benchmarks with less. What today's project needs for building is left out, for each commit's build
    asks for what that commit needs."""

    def installed(env: Any) -> None:
        requirements, own = env._requirements, env._base_requirements
        moments = {name: os.environ.pop(name) for name in _UPLOADED_BEFORE}
        env._requirements, env._base_requirements = {}, {k: own[k] for k in own if k in _ASV_OWN}
        install(env)
        os.environ.update(moments)
        env._requirements, env._base_requirements = requirements, {}
        install(env)
        env._base_requirements = own

    return installed


def _positions(benchmarks: Any, name: str) -> list[int]:
    """The selected cases of one benchmark."""
    selection = benchmarks.benchmark_selection.get(name)
    return [0] if selection is None else list(selection)


def _cases(benchmarks: Any) -> list[list[Any]]:
    return [[name, position] for name in benchmarks for position in _positions(benchmarks, name)]


def _parameters(benchmark: dict[str, Any], position: int) -> str:
    if not benchmark["params"]:
        return ""
    values = []
    for axis in reversed(benchmark["params"]):
        position, at = divmod(position, len(axis))
        values.append(axis[at])
    return f"({', '.join(reversed(values))})"


def _about(env: Any) -> dict[str, Any]:
    """Python and installed versions of an environment; nothing where it cannot be asked."""
    from asv.util import ProcessError, UserError

    try:
        answer = env.run(["-c", _PACKAGES], dots=False, display_error=False)
        about: dict[str, Any] = json.loads(answer)
    except (ProcessError, UserError, OSError, ValueError):
        return {}
    return about


@contextmanager
def _event_stream() -> Iterator[Callable[[dict[str, Any]], None]]:
    """Standard output for events alone; what asv and its children print goes to standard error."""
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def tell(event: dict[str, Any]) -> None:
        stream.write(json.dumps(event) + "\n")
        stream.flush()

    with stream:
        yield tell


def _interrupt_when_orphaned() -> None:
    """Watch standard input, which the parent holds open, and keep benchmarks from reading it."""
    parent = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)

    def wait() -> None:
        while os.read(parent, 1024):
            pass
        # A real signal: asv may be waiting for a benchmark, and only that wakes it.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=wait, daemon=True).start()


class _Limit:
    """Kills everything this process has started when it strikes."""

    struck = False

    def strike(self) -> None:
        import psutil

        self.struck = True
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                process.kill()


@contextmanager
def _wall_clock(timeout_s: float | None) -> Iterator[_Limit]:
    """A limit that holds whatever the benchmark does with its output; none where there is no time-out."""
    limit = _Limit()
    timer = threading.Timer((timeout_s or 0) + _GRACE_S, limit.strike)
    timer.daemon = True
    if timeout_s:
        timer.start()
    try:
        yield limit
    finally:
        timer.cancel()


def _adopt_orphans() -> None:
    """What a benchmark leaves running becomes our child, so that it can be found (Linux only)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> NoReturn:
    """Run asv with the wrappers. `sys.argv` is `[…, settings file, asv arguments …]`."""
    with Path(sys.argv[1]).open(encoding="utf-8") as stream:
        given = json.load(stream)
    past = given.pop("past")
    settings = Settings(**given, past=None if past is None else Past(**past))
    _adopt_orphans()
    _interrupt_when_orphaned()
    with _event_stream() as tell:
        watch = Watch(settings, tell)
        try:
            watch.install()
        except (ImportError, RuntimeError) as error:
            tell({"event": "unsupported", "message": str(error)})
            sys.exit(1)
        from asv.main import main as asv_main

        sys.argv = ["asv", *sys.argv[2:]]
        asv_main()
        sys.exit(0)


if __name__ == "__main__":
    main()
