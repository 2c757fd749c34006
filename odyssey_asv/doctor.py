"""`odyssey doctor`: looks at everything that measuring needs, one thing after the other. Prints nothing.

No probe can take the others down: what one cannot find out is a finding of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.config import Config
from odyssey_asv.diagnoses import Diagnosis, Level, Topic, unknown, worst
from odyssey_asv.diagnoses import project as judges
from odyssey_asv.diagnoses.machine import MachineFacts, of_machine
from odyssey_asv.diagnoses.noise import NoiseFacts, of_noise
from odyssey_asv.diagnoses.project import PythonFacts
from odyssey_asv.units import one_line

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Examination:
    """All findings, in the order they were looked for; the facts on machine and noise where they were
    looked at."""

    findings: tuple[Diagnosis, ...]
    machine: MachineFacts | None = None
    noise: NoiseFacts | None = None

    @property
    def ill(self) -> bool:
        """Whether something needs doing."""
        return worst(self.findings) is Level.PROBLEM


class Observer:
    """Told what takes its time."""

    def measuring(self, seconds: float) -> None:
        """The noise is measured, for so many seconds."""


@dataclass(slots=True)
class _Ward:
    """An examination under way."""

    found: list[Diagnosis] = field(default_factory=list)

    def look(
        self, topic: Topic, probe: Callable[[], T], judge: Callable[[T], Iterable[Diagnosis]]
    ) -> T | None:
        """What a probe brings, once it is judged; None, and a finding, where that fails in whatever way."""
        try:
            facts = probe()
            self.found += judge(facts)
        except Exception as error:  # noqa: BLE001 (one probe must not take the others down)
            self.found.append(unknown(topic, one_line(str(error) or type(error).__name__)))
            return None
        return facts


def examine(
    folder: str | Path = ".",
    *,
    asv_config: str | None = None,
    noise_s: float = 10.0,
    observer: Observer | None = None,
) -> Examination:
    """Look at everything that measuring the project in `folder` needs.

    `noise_s` are the seconds to measure the machine's noise for; 0 leaves that out. Raises nothing but
    KeyboardInterrupt.
    """
    ward, here = _Ward(), Path(folder).resolve()
    settings = _project(ward, here, asv_config)
    machine, noise = _machine(ward, settings or Config(root=here), noise_s, observer or Observer())
    order = list(Topic)
    findings = sorted(ward.found, key=lambda finding: order.index(finding.topic))
    return Examination(tuple(findings), machine, noise)


def _project(ward: _Ward, folder: Path, named: str | None) -> Config | None:
    from odyssey_asv.probes import project as probes

    told = ward.look(
        Topic.SETTINGS,
        lambda: probes.settings(folder),
        lambda told: judges.of_settings(told[1], told[2]),
    )
    settings = told[0] if told is not None else None
    looked = ward.look(
        Topic.ASV,
        lambda: probes.asv(folder, named, settings),
        lambda looked: judges.of_asv(looked[0]),
    )
    asv = looked[1] if looked is not None else None
    _repository(ward, probes.repository(folder, asv), asv)
    config = settings or Config(root=folder)
    ward.look(Topic.FOLDERS, lambda: probes.folders(config, asv), judges.of_folders)
    ward.look(Topic.DISK, lambda: probes.disk(config), judges.of_disk)
    return settings


def _repository(ward: _Ward, root: Path | None, asv: AsvConfig | None) -> None:
    """The history, and what building a commit of it needs."""
    from odyssey_asv.probes import project as probes

    pythons: list[PythonFacts] = []
    if asv is not None:
        pythons = ward.look(Topic.PYTHON, lambda: probes.pythons(asv), judges.of_pythons) or []
        if root is None:
            ward.look(Topic.GIT, lambda: asv.repo, judges.of_address)
    if root is None:
        return
    git = ward.look(Topic.GIT, lambda: probes.git(root, asv.branches if asv else ()), judges.of_git)
    if git is not None and git.fault is None:
        ward.look(
            Topic.COMPILER,
            lambda: probes.compilers(root),
            lambda facts: judges.of_compilers(facts, pythons),
        )


def _machine(
    ward: _Ward, settings: Config, noise_s: float, observer: Observer
) -> tuple[MachineFacts | None, NoiseFacts | None]:
    from odyssey_asv.probes import machine as machines
    from odyssey_asv.probes import noise as noises

    machine = ward.look(Topic.MACHINE, machines.machine, of_machine)
    if noise_s <= 0.0:
        return machine, None
    observer.measuring(noise_s)
    return machine, ward.look(Topic.NOISE, lambda: noises.measure(settings, noise_s), of_noise)
