"""Facts in, findings out: one fact at a time, and anything at all."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.diagnoses import Diagnosis, Level, machine, noise, project, worst
from odyssey_asv.diagnoses.machine import MachineFacts
from odyssey_asv.diagnoses.noise import NoiseFacts, of_noise, sight
from odyssey_asv.diagnoses.project import (
    AsvFacts,
    CompilerFacts,
    DiskFacts,
    Fault,
    FolderFacts,
    GitFacts,
    PythonFacts,
)
from odyssey_asv.pairs.evidence import Promise, estimate, zone_of

GIT = GitFacts(head="a1b2c3d4 on main", branch="main")
ASV = AsvFacts("asv.conf.json", (), ("repo",), ("repo", "benchmark_dir", "pythons"), "virtualenv")
FAULT = Fault("it is broken", "mend it")
QUIET = MachineFacts(
    cores=4, all_cores=4, load=0.1, governors=("performance",), turbo=False, smt=False,
    resolution_s=5e-8,
)  # fmt: skip


def levels(found: list[Diagnosis]) -> list[Level]:
    return [finding.level for finding in found]


@pytest.mark.parametrize(
    ("facts", "expected", "word"),
    [
        (GIT, Level.FINE, "compared with main"),
        (replace(GIT, fault=FAULT), Level.PROBLEM, "it is broken"),
        (replace(GIT, apart=FAULT, shallow=True), Level.PROBLEM, "it is broken"),
        (replace(GIT, shallow=True), Level.ADVICE, "shallow"),
        (replace(GIT, detached=True), Level.ADVICE, "detached"),
    ],
)
def test_git(facts: GitFacts, expected: Level, word: str) -> None:
    (found,) = project.of_git(facts)
    assert found.level is expected
    assert word in found.said


@pytest.mark.parametrize(
    ("facts", "expected", "word"),
    [
        (ASV, Level.FINE, "virtualenv"),
        (AsvFacts(), Level.PROBLEM, "odyssey init"),
        (replace(ASV, faults=(FAULT,)), Level.PROBLEM, "mend it"),
        (replace(ASV, suite=FAULT), Level.PROBLEM, "mend it"),
        (replace(ASV, keys=("benchmarks_dir",)), Level.PROBLEM, "'benchmark_dir'?"),
        (replace(ASV, keys=("zzz",)), Level.ADVICE, "remove it"),
        (replace(ASV, environment_type="unset"), Level.PROBLEM, "virtualenv"),
        (replace(ASV, environment_type="virtualenw"), Level.PROBLEM, "did you mean 'virtualenv'?"),
        (replace(ASV, environment_type="conda"), Level.PROBLEM, "-E virtualenv"),
        (replace(ASV, environment_type="existing"), Level.PROBLEM, "-E virtualenv"),
        (replace(ASV, environment_type="docker"), Level.PROBLEM, '"virtualenv"'),
    ],
)
def test_asv(facts: AsvFacts, expected: Level, word: str) -> None:
    (found,) = project.of_asv(facts)
    assert found.level is expected
    assert word in f"{found.said} {found.remedy}"


def test_an_address_is_no_folder() -> None:
    assert levels(project.of_address("https://example.invalid/x.git")) == [Level.FINE]
    assert levels(project.of_address("git@example.invalid:x.git")) == [Level.FINE]
    assert levels(project.of_address("../nowhere")) == [Level.PROBLEM]


def test_every_fault_of_the_settings_is_told() -> None:
    assert levels(project.of_settings([FAULT, FAULT], None)) == [Level.PROBLEM] * 2
    assert levels(project.of_settings([], "pyproject.toml")) == [Level.FINE]


def test_a_missing_python_is_a_problem() -> None:
    here = PythonFacts("3.12", "CPython 3.12.1")
    assert levels(project.of_pythons([here, PythonFacts("3.9", fault=FAULT)])) == [Level.PROBLEM]
    assert project.of_pythons([here, here])[0].said == "CPython 3.12.1"


def test_compilers_are_asked_for_where_something_is_compiled() -> None:
    fine = CompilerFacts((("C", "fast.c", "cc"), ("Rust", "src/lib.rs", "cargo")))
    python = PythonFacts("3.12", "CPython 3.12.1", headers=True)
    assert levels(project.of_compilers(CompilerFacts())) == [Level.FINE]
    assert levels(project.of_compilers(fine, [python])) == [Level.FINE]
    missing = CompilerFacts((("C", "fast.c", None), ("Fortran", "x.f90", None)))
    assert levels(project.of_compilers(missing)) == [Level.PROBLEM] * 2
    (found,) = project.of_compilers(fine, [replace(python, headers=False)])
    assert "Python.h" in found.said
    rust = CompilerFacts((("Rust", "src/lib.rs", "cargo"),))
    assert levels(project.of_compilers(rust, [replace(python, headers=False)])) == [Level.FINE]


def test_folders_and_disk() -> None:
    good, bad = FolderFacts("results", "r"), FolderFacts("state", "s", "Permission denied")
    assert levels(project.of_folders([good])) == [Level.FINE]
    assert "state: s" in project.of_folders([good, bad])[0].said
    expected = {None: Level.UNKNOWN, 10**8: Level.PROBLEM, 10**9: Level.ADVICE, 10**11: Level.FINE}
    for free, level in expected.items():
        assert levels(project.of_disk(DiskFacts(".", free))) == [level]


def test_a_machine_made_for_measuring_takes_one_line() -> None:
    assert levels(machine.of_machine(QUIET)) == [Level.FINE]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"cores": 1}, "one processor"),
        ({"load": 2.0}, "load 2.0"),
        ({"governors": ("performance", "powersave")}, "'powersave'"),
        ({"turbo": True}, "turbo"),
        ({"smt": True}, "SMT"),
        ({"virtual": "a virtual machine (QEMU)"}, "QEMU"),
        ({"container": True}, "container"),
        ({"resolution_s": 1.6e-5}, "16 µs"),
        ({"pyperf": ("one: a", "two: b")}, "one: a and 1 more"),
    ],
)
def test_what_a_machine_could_do_better_is_advice(changes: dict[str, object], word: str) -> None:
    (found,) = machine.of_machine(replace(QUIET, **changes))  # type: ignore[arg-type]
    assert found.level is Level.ADVICE
    assert word in found.said
    assert found.remedy


def test_what_a_machine_does_not_say_is_said_once() -> None:
    (found,) = machine.of_machine(MachineFacts())
    assert found.level is Level.UNKNOWN
    assert found.said.startswith("processors, load, governor, turbo, SMT, clock:")


def noisy(spread: float, blocks: int = 12, **changes: object) -> NoiseFacts:
    effects = tuple(spread * (-1) ** number for number in range(blocks))
    known = NoiseFacts(
        effects={"a": effects, "b": tuple(effect / 2.0 for effect in effects)},
        seconds=10.0,
        zone=zone_of(0.05, 0.10),
        confidence=0.99,
        budget_s=900.0,
    )
    return replace(known, **changes)  # type: ignore[arg-type]


def test_the_noise_has_a_plain_verdict() -> None:
    (found,) = of_noise(noisy(0.01))
    assert found.level is Level.FINE
    assert found.said.startswith("you can see ")
    assert " % here in 15 minutes, and alert from " in found.said


def test_a_machine_that_cannot_show_the_threshold_is_a_problem() -> None:
    assert levels(of_noise(noisy(0.25))) == [Level.PROBLEM]
    assert levels(of_noise(noisy(0.035))) == [Level.ADVICE]


def test_too_few_blocks_say_nothing() -> None:
    assert levels(of_noise(noisy(0.01, blocks=4))) == [Level.UNKNOWN]
    assert levels(of_noise(noisy(0.01, effects={}))) == [Level.UNKNOWN]
    assert levels(of_noise(noisy(0.01, effects={"a": (0.1,) * 9, "b": ()}))) == [Level.UNKNOWN]
    assert noise.assumed(noisy(0.01, blocks=4)) is None


def test_what_can_be_seen_is_what_a_check_says_of_as_many_blocks() -> None:
    """No second statistic: 120 blocks, ten times the twelve that were seen."""
    facts = noisy(0.05, budget_s=120 * 25 * 10.0 / 24)
    found = sight(facts)
    assert found is not None
    assert found.expected == 100
    again = estimate(facts.effects["a"] * 8, facts.zone, Promise(25, 1.0 - 0.99), 0.99)
    assert again is not None
    assert found.accused == again.detectable


@given(st.floats(1e-4, 0.5), st.integers(5, 60), st.floats(30.0, 1e5), st.floats(1.0, 4.0))
def test_more_noise_never_lets_see_more(
    spread: float, blocks: int, budget_s: float, louder: float
) -> None:
    facts = noisy(spread, blocks, budget_s=budget_s)
    quiet, loud = sight(facts), sight(noisy(spread * louder, blocks, budget_s=budget_s))
    assert quiet is not None
    assert loud is not None
    assert loud.seen >= quiet.seen - 1e-12
    assert 0.0 < quiet.seen < quiet.accused
    assert quiet.accused >= math.log1p(0.05)


def test_the_worst_counts() -> None:
    fine = project.of_git(GIT)
    assert worst([]) is worst(fine) is Level.FINE
    assert worst([*fine, *project.of_asv(AsvFacts())]) is Level.PROBLEM
