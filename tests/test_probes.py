"""What is looked at: real repositories, files of other machines, folders that cannot be written to."""

from __future__ import annotations

import itertools
import subprocess
from pathlib import Path

import pytest

from odyssey_asv import probes
from odyssey_asv.adapter import asv_config
from odyssey_asv.config import Config
from odyssey_asv.diagnoses.project import AsvFacts
from odyssey_asv.probes import machine as machines
from odyssey_asv.probes import noise as noises
from odyssey_asv.probes import project as projects
from tests.projects import Project, make

assert probes.__doc__


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path / "project")


def clone(project: Project, path: Path, *words: str) -> Path:
    source = f"file://{project.path}"
    subprocess.run(["git", "clone", "--quiet", *words, source, str(path)], check=True)
    return path


def test_a_sound_repository(project: Project) -> None:
    found = projects.git(project.path)
    head = project.git("rev-parse", "--short=8", "HEAD")
    assert (found.fault, found.apart, found.shallow, found.detached) == (None, None, False, False)
    assert found.head == f"{head} on main"
    assert found.branch == "main"


def test_no_repository_no_commits_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = projects.git(tmp_path).fault
    assert found is not None
    assert "not a git repository" in found.said
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    found = projects.git(tmp_path).fault
    assert found is not None
    assert "no commits yet" in found.said
    monkeypatch.setenv("PATH", str(tmp_path))
    found = projects.git(tmp_path).fault
    assert found is not None
    assert found.remedy == "install git"


def test_a_detached_head(project: Project) -> None:
    project.git("checkout", "--quiet", "--detach")
    found = projects.git(project.path)
    assert found.detached
    assert " on " not in found.head


def test_a_shallow_clone_that_hides_where_branches_part(project: Project, tmp_path: Path) -> None:
    project.commit("second")
    project.git("checkout", "--quiet", "-b", "change", "HEAD~1")
    project.commit("third")
    shallow = clone(
        project, tmp_path / "shallow", "--depth=1", "--no-single-branch", "-b", "change"
    )
    found = projects.git(shallow, ("main",))
    assert found.shallow
    assert found.apart is not None
    assert "--unshallow" in found.apart.remedy


def test_no_branch_to_compare_with(project: Project) -> None:
    project.git("branch", "--move", "main", "odd")
    found = projects.git(project.path)
    assert found.apart is not None
    assert "--base REF" in found.apart.remedy


def looked(project: Project, text: str | None = None) -> AsvFacts:
    if text is not None:
        project.write("asv.conf.json", text)
    return projects.asv(project.path, None, None)[0]


def test_asv_conf_json_is_read(project: Project) -> None:
    found = looked(project)
    assert found.faults == ()
    assert set(found.keys) <= set(found.known)
    assert found.suite is None
    (project.path / "asv.conf.json").unlink()
    assert looked(project) == AsvFacts()


def test_json_faults_have_line_and_column(project: Project) -> None:
    (fault,) = looked(project, '{\n  // fine\n  "repo": "." "x"\n}').faults
    assert "line 3, column 15" in fault.said


def test_every_fault_of_it_is_told(project: Project) -> None:
    faults = looked(project, '{"repo": 1, "branches": 2}').faults
    assert len(faults) == 2


def test_a_suite_that_is_not_there(project: Project) -> None:
    (project.path / "benchmarks" / "__init__.py").unlink()
    found = looked(project)
    assert found.suite is not None
    assert found.suite.remedy


def test_a_configuration_that_was_named_and_is_not_there(project: Project) -> None:
    found, _ = projects.asv(project.path, "other.json", None)
    assert len(found.faults) == 1


def test_settings(project: Project) -> None:
    found, faults, where = projects.settings(project.path)
    assert found == Config(root=project.path)
    assert (faults, where) == ([], None)
    project.write("pyproject.toml", "[tool.odyssey-asv]\nclock = 'cpu'\n")
    assert str(projects.settings(project.path)[2]).endswith("pyproject.toml")
    project.write("odyssey-asv.toml", "tolerence = 1\nclock = 'x'\n")
    found, faults, _ = projects.settings(project.path)
    assert found is None
    assert len(faults) == 2
    assert "did you mean 'tolerance'" in faults[0].said


def test_pythons(tmp_path: Path) -> None:
    here = make(tmp_path / "here")
    (found,) = projects.pythons(asv_config.load(here.path / "asv.conf.json"))
    assert found.version is not None
    assert found.headers is not None
    gone = make(tmp_path / "gone", pythons=["2.4"])
    (found,) = projects.pythons(asv_config.load(gone.path / "asv.conf.json"))
    assert found.fault is not None
    assert "2.4" in found.fault.said


def test_compilers(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project.write("fast.c", "")
    project.write("pyproject.toml", "[project]\n")
    project.commit()
    assert projects.compilers(project.path).needed == ()
    project.write("setup.py", "setup(ext_modules=[Extension('fast', ['fast.c'])])")
    tool = tmp_path / "tools" / "my-cc"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.setenv("CC", f"{tool} -O2")
    assert projects.compilers(project.path).needed == (("C", "fast.c", str(tool)),)


def test_folders_that_cannot_be_written_to(project: Project) -> None:
    """A file where a folder should be stops everybody, root as well."""
    (project.path / "benchmarks" / "results").write_text("")
    found = {f.what: f.fault for f in projects.folders(Config(root=project.path), None)}
    assert found["results"] is not None
    assert found["state"] is None
    assert not (project.path / ".odyssey").exists()


def test_the_disk(project: Project) -> None:
    kept = project.path / ".odyssey" / "environments" / "one"
    kept.mkdir(parents=True)
    (kept / "file").write_bytes(b"x" * 100_000)
    (kept / "again").hardlink_to(kept / "file")
    found = projects.disk(Config(root=project.path))
    assert found.free is not None
    assert 100_000 <= found.kept < 200_000


def test_files_of_another_machine(tmp_path: Path) -> None:
    cpus = tmp_path / "sys/devices/system/cpu"
    texts = {
        cpus / "cpu0/cpufreq/scaling_governor": "powersave\n",
        cpus / "cpu1/cpufreq/scaling_governor": "powersave\n",
        cpus / "intel_pstate/no_turbo": "0\n",
        cpus / "smt/active": "1\n",
        tmp_path / "sys/class/dmi/id/sys_vendor": "QEMU\n",
        tmp_path / "proc/cpuinfo": "processor\t: 0\nflags\t\t: fpu hypervisor sse\n",
        tmp_path / ".dockerenv": "",
    }
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = machines.machine(tmp_path, ask_pyperf=False)
    assert found.governors == ("powersave",)
    assert (found.turbo, found.smt, found.container) == (True, True, True)
    assert found.virtual == "a virtual machine (QEMU)"
    (cpus / "intel_pstate/no_turbo").unlink()
    (cpus / "cpufreq").mkdir()
    (cpus / "cpufreq/boost").write_text("0")
    assert machines.machine(tmp_path, ask_pyperf=False).turbo is False


def test_a_machine_without_such_files(tmp_path: Path) -> None:
    """As in a container without /sys, or on macOS."""
    found = machines.machine(tmp_path, ask_pyperf=False)
    assert (found.governors, found.turbo, found.smt, found.virtual) == (None, None, None, None)
    assert found.container is False
    assert found.cores
    assert found.resolution_s is not None
    assert 0.0 < found.resolution_s < 0.1


def test_the_advice_of_pyperf_is_read() -> None:
    state, warnings = "State\n=====\n\nCPU: 2\n\n", "Warnings\n========\n\nC: no\n"
    text = f"{state}Advices\n=======\n\nA: do this\nB: and that\n\n{warnings}"
    assert machines.advices(text) == ("A: do this", "B: and that")
    assert machines.advices("") == ()


def test_the_noise_is_of_real_processes(tmp_path: Path) -> None:
    ticks = itertools.count()
    found = noises.measure(Config(root=tmp_path), 14.0, clock=lambda: float(next(ticks)))
    assert sorted(found.effects) == ["allocation", "arithmetic", "memory"]
    assert all(len(effects) >= 2 for effects in found.effects.values())
    assert found.seconds >= 10.0
    assert list(tmp_path.iterdir()) == []
