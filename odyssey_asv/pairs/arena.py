"""Where two builds of a project meet: the processes of both sides, what is measured there, and what
each side's result file says of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import Built
from odyssey_asv.adapter.paired.workers import Side
from odyssey_asv.adapter.provenance import hardware, with_packages
from odyssey_asv.adapter.versions import asv_version, runner_version
from odyssey_asv.model import Commit, ResultSet, Run, Status
from odyssey_asv.pairs.trials import Trial
from odyssey_asv.store.results import now


@dataclass(slots=True)
class Arena:
    """A pair of environments, base first, with the processes to be started in them and the trials
    that are measured there. `whole` are the trials of all shards. `own` is the folder of the base's own
    benchmarks, with which the base measures the trials in `of_base`: the contender's cannot be imported."""

    pair: tuple[Built, Built]
    sides: tuple[Side, Side]
    trials: Sequence[Trial] = ()
    whole: Sequence[Trial] = ()
    of_base: Sequence[Trial] = ()
    own: Path | None = None

    @property
    def groups(self) -> tuple[tuple[tuple[Side, Side], Sequence[Trial]], ...]:
        """The trials that remain to be measured, with the sides to measure them on."""
        base, contender = self.sides
        apart = [trial for trial in self.trials if trial in self.of_base]
        together = [trial for trial in self.trials if trial not in self.of_base]
        groups = [(self.sides, together)] if together else []
        if apart and self.own is not None:
            groups.append(((replace(base, suite=self.own), contender), apart))
        return tuple(groups)

    @property
    def name(self) -> str:
        return self.pair[0].recipe.name

    def result_set(
        self, side: int, commit: Commit, run: Run, record: Mapping[str, str]
    ) -> ResultSet:
        """One side as an ordinary result set; `record` describes the machine, `run` is corrected where
        a case was not measured."""
        built = self.pair[side]
        given = [trial.result(side) for trial in self.trials]
        results = tuple(result for result in given if result is not None)
        whole = not any(result.status is Status.NOT_SELECTED for result in results)
        environment = replace(
            hardware(record),
            python_version=built.python_version,
            env_name=self.name,
            asv_version=asv_version(),
        )
        return ResultSet(
            timestamp=now(),
            commit=commit,
            # Its own asv_runner, if it has one, is not what measured.
            environment=replace(
                with_packages(environment, built.packages), asv_runner_version=runner_version()
            ),
            run=replace(run, complete=run.complete and whole),
            benchmarks={trial.benchmark.id: trial.benchmark for trial in self.trials},
            results=results,
        )


def arena(
    pair: tuple[Built, Built], suite: Path, state: Path, work: Path, caches: Path | None = None
) -> Arena:
    """Prepare folders in `work` for the processes of both sides. In `caches` what `setup_cache` gives is
    kept by environment, for pairs to come."""
    support = support_folder(state)
    made = []
    # Paths of both have one length: it moves memory about.
    for name, folder, built in zip(("base", "contender"), ("a", "b"), pair, strict=True):
        (work / folder).mkdir(parents=True)
        made.append(
            Side(
                name=name,
                python=built.python,
                # Code that is compiled anew in every process leaves memory laid out otherwise.
                vars={
                    name: value
                    for name, value in built.environment(os.environ).items()
                    if name != "PYTHONDONTWRITEBYTECODE"
                },
                suite=suite,
                support=support,
                bytecode=built.folder / "bytecode",
                folder=work / folder,
                project=built.checkout,
                caches=work / folder / "caches" if caches is None else caches / built.folder.name,
            )
        )
    return Arena(pair, (made[0], made[1]))


def suite_of(asv: AsvConfig, repository: Path, built: Built) -> Path:
    """The benchmarks as they are in what was built; those of the working tree where the suite does not
    live in the repository under test."""
    with suppress(ValueError):
        inside = asv.benchmark_dir.resolve().relative_to(repository.resolve())
        if (built.checkout / inside / "__init__.py").is_file():
            return built.checkout / inside
    return asv.benchmark_dir


@contextmanager
def work_folder(state: Path) -> Iterator[Path]:
    """A folder for what processes leave, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=state))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def support_folder(state: Path) -> Path:
    """A folder with this program's own asv_runner and nothing else, so that both sides use one."""
    folder = state / f"support-{runner_version()}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("asv_runner", "pympler"):
        spec = find_spec(name)
        if spec is None or not spec.submodule_search_locations:
            continue
        place, link = Path(spec.submodule_search_locations[0]), folder / name
        if not link.is_symlink() or link.readlink() != place:
            with tempfile.TemporaryDirectory(dir=folder) as made:
                Path(made, name).symlink_to(place)
                Path(made, name).replace(link)
    return folder
