"""Environments without building any: what asv's configuration asks for, programs, locks, the storage."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from odyssey_asv.adapter import asv_config
from odyssey_asv.adapter.environments import BuildFailedError, Recipe, recipes
from odyssey_asv.adapter.environments import interpreters as interpreters_module
from odyssey_asv.adapter.environments.built import Side, differences
from odyssey_asv.adapter.environments.commands import (
    Command,
    CommandFailedError,
    Runner,
    end_leftovers,
    last_lines,
)
from odyssey_asv.adapter.environments.installer import Installer, Order, environment, uv
from odyssey_asv.adapter.environments.interpreters import Interpreter
from odyssey_asv.adapter.environments.locks import Locks
from odyssey_asv.adapter.environments.recipes import instructions, requirements
from odyssey_asv.adapter.environments.storage import ENVIRONMENT, STATUS, Storage, read_status
from odyssey_asv.errors import CannotMeasureError, InvalidFileError, InvalidInputError
from tests.projects import gone, wait_for

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def configure(folder: Path, **settings: Any) -> asv_config.AsvConfig:
    path = folder / "asv.conf.json"
    document = {"version": 1, "project": "tiny", "repo": ".", "environment_type": "virtualenv"}
    path.write_text(json.dumps(document | settings), encoding="utf-8")
    return asv_config.load(path)


# --- what the configuration asks for

MATRICES: list[dict[str, Any]] = [
    {},
    {"matrix": {"numpy": ["1.26", ""], "six": [], "pip+mine": ["./mine"]}},
    {"matrix": {"req": {"numpy": ["", None]}, "env": {"A": ["1", "2"]}}},
    {"matrix": {"env": {"A": ["1"]}, "env_nobuild": {"B": ["x", None]}}},
    {"matrix": {"req": {"pip+asv_runner": ["0.3.2"], "pip+setuptools>=61": [""], "six": ""}}},
    {"pythons": [HERE, "3.99"], "matrix": {"six": ["", "1.16"]},
     "exclude": [{"python": "3.99"}, {"six": "1.16"}]},
    {"include": [{"python": HERE, "req": {"six": "1.15"}, "env": {"C": "3"}},
                 {"python": HERE, "environment_type": "conda", "req": {"six": "1"}},
                 {"python": HERE, "sys_platform": "win.*"}]},
    {"exclude": [{"python": HERE}], "include": [{"python": HERE}]},
]  # fmt: skip


@pytest.mark.parametrize("settings", MATRICES)
@pytest.mark.parametrize("specs", [(), (f"virtualenv:{HERE}",), ("virtualenv",), (f":{HERE}",)])
def test_recipes_are_what_asv_would_make(
    settings: dict[str, Any],
    specs: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from asv.config import Config
    from asv.environment import get_environments
    from asv.plugins import virtualenv

    monkeypatch.setattr(virtualenv.Virtualenv, "_find_python", staticmethod(str))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[build-system]\nrequires = ["setuptools>=61"]\n')
    config = configure(tmp_path, **settings)
    theirs = list(get_environments(Config.load(str(config.path)), list(specs), verbose=False))
    ours = recipes(config, environments=specs)
    assert [recipe.name for recipe in ours] == list(dict.fromkeys(env.name for env in theirs))
    by_name = {env.name: env for env in theirs}
    for recipe in ours:
        env = by_name[recipe.name]
        assert recipe.python == env.python
        assert recipe.build_vars == env.build_env_vars
        assert recipe.run_vars == env.env_vars
        assert recipe.requirements.items() >= env.requirements.items()
        assert recipe.kind == env.tool_name


def test_an_environment_by_its_name(tmp_path: Path) -> None:
    config = configure(tmp_path, matrix={"six": ["1.15", "1.16"]})
    name = f"virtualenv-py{HERE}-six1.16"
    (recipe,) = recipes(config, environments=(name,))
    assert recipe == Recipe(name, HERE, {"six": "1.16"}, {}, {})
    assert len(recipes(config, environments=(name, "virtualenv", name))) == 2


def test_a_python_takes_the_place_of_those_of_the_configuration(tmp_path: Path) -> None:
    config = configure(tmp_path, pythons=["3.8", "3.9"], matrix={"six": ["1"]},
                       include=[{"python": "3.7", "req": {"six": "2"}}])  # fmt: skip
    assert [recipe.python for recipe in recipes(config)] == ["3.8", "3.9", "3.7"]
    (recipe,) = recipes(config, python="3.12")
    assert (recipe.name, recipe.python) == ("virtualenv-py3.12-six1", "3.12")
    (recipe,) = recipes(config, environments=("uv:3.13",), python="3.12")
    assert (recipe.name, recipe.kind, recipe.python) == ("uv-py3.13-six1", "uv", "3.13")
    (recipe,) = recipes(config, python="")
    assert (recipe.name, recipe.python) == (f"virtualenv-py{HERE}-six1", "")


@pytest.mark.parametrize(
    ("settings", "specs", "message"),
    [
        ({"environment_type": "conda"}, (), "type 'conda' cannot be built here"),
        ({"environment_type": "rattler"}, (), "type 'rattler' cannot be built here"),
        ({"environment_type": "mamba"}, (), "type 'mamba' cannot be built here"),
        ({"environment_type": "existing"}, (), "two are to be compared"),
        ({}, ("existing:/usr/bin/python3",), "two are to be compared"),
        ({}, ("virtualenv:same",), "two are to be compared"),
        ({}, ("conda:3.11",), "type 'conda' cannot be built here"),
        ({}, ("nothing",), rf"unknown environment 'nothing'; .* virtualenv-py{HERE}"),
        ({"exclude": [{"python": ".*"}]}, (), "has no environment for virtualenv"),
    ],
)
def test_what_cannot_be_built_says_what_to_do(
    tmp_path: Path, settings: dict[str, Any], specs: tuple[str, ...], message: str
) -> None:
    with pytest.raises(InvalidInputError, match=message) as caught:
        recipes(configure(tmp_path, **settings), environments=specs)
    assert caught.value.tip is not None


def test_another_type_than_that_of_the_configuration(tmp_path: Path) -> None:
    config = configure(tmp_path, environment_type="conda", matrix={"six": ["1"]})
    (recipe,) = recipes(config, environments=("virtualenv",))
    assert recipe.name == f"virtualenv-py{HERE}-six1"


def test_no_type_at_all(tmp_path: Path) -> None:
    path = tmp_path / "asv.conf.json"
    path.write_text('{"version": 1, "repo": "."}')
    config = asv_config.load(path)
    with pytest.raises(InvalidFileError, match="environment_type: missing"):
        recipes(config)
    assert recipes(config, environments=("virtualenv",))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"matrix": {"req": {}, "odd": {}}}, "Unknown keys"),
        ({"matrix": {"numpy": [1.2]}}, "numpy: not a text: 1.2"),
        ({"matrix": ["numpy"]}, "matrix, include, exclude or pythons"),
        ({"include": [{"six": "1"}]}, "does not specify Python"),
        ({"pythons": [3.11]}, "python: not a text: 3.11"),
    ],
)
def test_a_faulty_matrix(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidFileError, match=message):
        recipes(configure(tmp_path, **settings))


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("numpy", "", "numpy"),
        ("pip+numpy", "1.26", "numpy==1.26"),
        ("numpy", "1.26.*", "numpy==1.26.*"),
        ("numpy", ">=1,<2", "numpy>=1,<2"),
        ("numpy", "==1.26", "numpy==1.26"),
        ("numpy[extra]", "1", "numpy[extra]==1"),
        ("pip+mine", "./a folder", "mine @ file:///conf/a%20folder"),
        ("pip+./mine", "", "file:///conf/mine"),
        ("pip+-e ../mine", "", "-e file:///mine"),
        ("pip+git+https://host/x@main#egg=x", "", "git+https://host/x@main#egg=x"),
        ("x", "git+https://host/x", "x @ git+https://host/x"),
        ("x @ https://host/x.whl", "", "x @ https://host/x.whl"),
    ],
)
def test_requirements(key: str, value: str, expected: str) -> None:
    assert requirements(Recipe("n", "", {key: value}, {}, {}), Path("/conf")) == (expected,)


def test_options_are_no_requirement() -> None:
    with pytest.raises(InvalidInputError, match="matrix: numpy: '--pre'"):
        requirements(Recipe("n", "", {"numpy": "--pre"}, {}, {}), Path("/conf"))


def test_asv_runner_is_never_installed_and_tools_give_way_to_the_matrix() -> None:
    named = {"pip+asv_runner": "0.3", "pip+asv-runner": "", "Setuptools": "60", "pip+pympler": ""}
    found = requirements(Recipe("n", "", named, {}, {}), Path("/"), ("pip", "setuptools>=61"))
    assert found == ("Setuptools==60", "pympler", "pip")


@pytest.mark.parametrize("subdir", ["/abs", "../up", "a/../../b"])
def test_a_subdir_stays_in_the_repository(tmp_path: Path, subdir: str) -> None:
    with pytest.raises(InvalidFileError, match="leads out of the repository"):
        instructions(configure(tmp_path, repo_subdir=subdir))


def test_instructions(tmp_path: Path) -> None:
    plain = instructions(configure(tmp_path))
    assert (plain.build, plain.install, plain.own_commands) == (None, None, False)
    assert plain.timeout_s == 600
    own = instructions(configure(tmp_path, build_command="make", install_command=[]))
    assert (own.build, own.install, own.own_commands) == (("make",), (), True)
    with pytest.raises(InvalidFileError, match="build_command: not a list of texts"):
        instructions(configure(tmp_path, build_command=[1]))
    with pytest.raises(InvalidFileError, match="install_timeout"):
        instructions(configure(tmp_path, install_timeout="long"))


# --- interpreters


def test_the_running_interpreter() -> None:
    found = interpreters_module.find("", "uv")
    assert found.version == ".".join(map(str, sys.version_info[:3]))
    assert found == interpreters_module.find(sys.executable, "uv")
    assert os.path.realpath(found.path) == found.identity[0]


def test_a_version_is_looked_for_on_the_path_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def program(folder: str, name: str, text: str) -> None:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    program("shims", "python3.77", "echo not chosen >&2; exit 127")
    program("other", "python3.77", """echo '["/x/python", "3.78.1", "CPython"]'""")
    program("right", "python3.77", """echo '["/y/python", "3.77.1", "CPython"]'""")
    program("right", "pypy3.10", """echo '["/z/pypy", "3.10.1", "PyPy"]'""")
    folders = [str(tmp_path / name) for name in ("shims", "other", "right", "missing")]
    monkeypatch.setenv("PATH", os.pathsep.join(folders))
    assert interpreters_module.find("3.77", "no-uv") == Interpreter(
        Path("/y/python"), "3.77.1", "CPython"
    )
    assert interpreters_module.find("pypy3.10", "no-uv").implementation == "PyPy"
    assert interpreters_module.find(HERE, "no-uv") == interpreters_module.find("", "no-uv")


@pytest.mark.parametrize("python", ["3.99", "/no/such/python", "no-such-python", "/bin/false"])
def test_a_python_that_is_not_there_is_named(python: str) -> None:
    with pytest.raises(InvalidInputError, match=f"Python '{python}'") as caught:
        interpreters_module.find(python, uv())
    assert "--python" in (caught.value.tip or "")


# --- programs


def command(tmp_path: Path, text: str, **more: Any) -> Command:
    return Command((sys.executable, "-c", text), dict(os.environ), tmp_path, **more)


def test_what_a_program_says_goes_to_the_log_and_on(tmp_path: Path) -> None:
    echo, log = io.StringIO(), tmp_path / "logs/x.log"
    runner = Runner(60, echo)
    text = "import os, sys; print(sys.stdin.read() or 'closed'); os.write(2, b'\\xff err')"
    runner.run(command(tmp_path, text), log)
    runner.run(command(tmp_path, "print('second')"), log)
    first, *lines = last_lines(log)
    assert first.startswith("$ ")
    assert lines[0] == "closed"
    assert lines[-1] == "second"
    assert "closed" in echo.getvalue()
    assert "second" in echo.getvalue()


def test_exit_codes(tmp_path: Path) -> None:
    log, runner = tmp_path / "log", Runner(60)
    with pytest.raises(CommandFailedError, match="ended with exit code 3"):
        runner.run(command(tmp_path, "exit(3)"), log)
    runner.run(command(tmp_path, "exit(3)", accepted=frozenset({0, 3})), log)
    runner.run(command(tmp_path, "exit(3)", accepted=None), log)
    with pytest.raises(CommandFailedError, match="was killed by SIGKILL"):
        runner.run(command(tmp_path, "import os; os.kill(os.getpid(), 9)"), log)
    with pytest.raises(CommandFailedError, match="No such file"):
        runner.run(Command(("/no/such/program",), {}, tmp_path), log)


def test_a_program_may_be_long_but_not_silent(tmp_path: Path) -> None:
    text = "import time\nfor _ in range(8): print(1, flush=True); time.sleep(0.25)"
    Runner(1.5).run(command(tmp_path, text), tmp_path / "log")
    with pytest.raises(CommandFailedError, match=r"said nothing for 0\.3 s"):
        Runner(0.3).run(command(tmp_path, "import time; time.sleep(60)"), tmp_path / "log")
    quiet = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    with pytest.raises(CommandFailedError, match=r"did not end in 0.3 s|said nothing"):
        Runner(0.3).run(command(tmp_path, quiet), tmp_path / "log")


_PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])
print(child.pid, flush=True)
"""


def pid_in(log: Path) -> int | None:
    return next((int(line) for line in last_lines(log) if line.isdigit()), None)


def test_what_a_program_leaves_running_is_ended(tmp_path: Path) -> None:
    log = tmp_path / "log"
    before = time.monotonic()
    Runner(60).run(command(tmp_path, _PARENT), log)
    assert time.monotonic() - before < 30
    pid = pid_in(log)
    assert pid is not None
    wait_for(lambda: not psutil.pid_exists(pid) or gone([psutil.Process(pid)]))


def test_stopping_from_another_thread(tmp_path: Path) -> None:
    log, runner = tmp_path / "log", Runner(60)
    failed: list[Exception] = []

    def work() -> None:
        try:
            runner.run(command(tmp_path, _PARENT + "time.sleep(600)"), log)
        except CommandFailedError as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    wait_for(lambda: log.exists() and pid_in(log))
    pid = pid_in(log)
    assert pid is not None
    runner.stop()
    thread.join(20)
    assert failed
    wait_for(lambda: not psutil.pid_exists(pid) or gone([psutil.Process(pid)]))
    with pytest.raises(CommandFailedError, match="stopped"):
        runner.run(command(tmp_path, ""), log)
    runner.resume()
    runner.run(command(tmp_path, ""), log)


def test_what_still_builds_into_a_folder_is_ended(tmp_path: Path) -> None:
    words = [sys.executable, "-c", "import time; time.sleep(600)"]
    ours = subprocess.Popen(words, env={**os.environ, "ASV_ENV_DIR": str(tmp_path / "a")})
    other = subprocess.Popen(words, env={**os.environ, "ASV_ENV_DIR": str(tmp_path / "ab")})
    try:
        end_leftovers(tmp_path / "a")
        assert ours.wait(10) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "error: Request failed\n  cause: tcp connect error\n",
            "no package index could be reached",
        ),
        ("hint: because the network was disabled.\n", "no package index could be reached"),
        ("WARNING: Temporary failure in name resolution\n", "no package index could be reached"),
        ("OSError: [Errno 28] No space left on device\n", "the disk is full"),
        ("error: No solution found when resolving dependencies:\n", "no versions of its"),
        ("SyntaxError\n", "it broke"),
    ],
)
def test_a_failed_build_says_why(tmp_path: Path, said: str, reason: str) -> None:
    log = tmp_path / "log"
    log.write_text("".join(f"line {n}\n\n" for n in range(100)) + said)
    error = BuildFailedError("base", "0123456789" * 4, "it broke", log)
    assert str(error).startswith(f"base 01234567 could not be built: {reason}")
    assert str(log) in str(error)
    assert said.splitlines()[-1].strip() in str(error)
    assert "line 99" in str(error)
    assert "line 70" not in str(error)
    assert (error.side, error.log) == ("base", log)


def test_a_failed_build_without_a_log(tmp_path: Path) -> None:
    error = BuildFailedError("base", "0" * 40, "it broke", tmp_path / "none")
    assert str(error) == "base 00000000 could not be built: it broke"


# --- the environment of a process


def test_the_environment_is_composed_as_asv_does(monkeypatch: pytest.MonkeyPatch) -> None:
    outer = {"PATH": "/bin", "PYTHONPATH": "/outer", "A": "outer", "B": "outer"}
    own = {"ASV": "true"}
    found = environment(outer, {"A": "chosen", "ASV": "no"}, own, Path("/env"))
    assert found == {
        "PATH": f"/env/bin{os.pathsep}/bin", "A": "chosen", "B": "outer", "ASV": "true",
        "PIP_USER": "false",
    }  # fmt: skip
    assert environment({}, {}, {}, Path("/env"))["PATH"] == "/env/bin"
    found = environment({"ASV_PYTHONPATH": "/mine", "PYTHONPATH": "/x"}, {}, {}, Path("/env"))
    assert found["PYTHONPATH"] == "/mine"
    assert "ASV_PYTHONPATH" not in found


# --- commands of the project's own


class Recorder(Runner):
    """Runs nothing."""

    commands: list[Command]

    def run(self, command: Command, log: Path) -> None:
        self.commands = [*getattr(self, "commands", []), command]


@pytest.fixture
def run_all(tmp_path: Path) -> Callable[..., list[Command]]:
    """Which programs a list of commands comes to."""

    def ask(*commands: str, **settings: Any) -> list[Command]:
        folder = tmp_path / "environment"
        for program in ("python", "pip"):
            (folder / "bin").mkdir(parents=True, exist_ok=True)
            (folder / "bin" / program).touch()
        (folder / "project" / settings.get("repo_subdir", "")).mkdir(parents=True, exist_ok=True)
        runner = Recorder(60)
        own = instructions(configure(tmp_path, build_command=list(commands), **settings))
        recipe = Recipe("virtualenv-py3", "3", {}, {"B": "1"}, {"B": "1", "N": "2"})
        order = Order(recipe, "c" * 40, Interpreter(Path("/p"), "3", "CPython"), tmp_path / "log")
        Installer(own, runner, "uv").build(order, folder)
        return runner.commands

    return ask


def test_commands_are_interpolated_as_asv_does(
    tmp_path: Path, run_all: Callable[..., list[Command]]
) -> None:
    folder = tmp_path / "environment"
    cache = folder / "asv-build-cache" / ("c" * 40)
    cache.mkdir(parents=True)
    (cache / "x.whl").touch()
    first, second = run_all(
        "X=1 return-code=0,2 in-dir={env_dir} python -m 'a b' {project} {commit} {conf_dir} {env_name}",
        "return-code=any pip {build_dir} {build_cache_dir} {wheel_dir} {wheel_file} {env_type}",
        repo_subdir="sub",
    )
    assert first.words == (
        str(folder / "bin/python"), "-m", "a b", "tiny", "c" * 40, str(tmp_path), "virtualenv-py3",
    )  # fmt: skip
    assert first.cwd == folder
    assert first.accepted == frozenset({0, 2})
    assert first.env["X"] == "1"
    assert first.env["B"] == "1"
    assert "N" not in first.env
    assert first.env["ASV_BUILD_DIR"] == str(folder / "project/sub")
    assert first.env["PATH"].startswith(str(folder / "bin") + os.pathsep)
    assert second.words[1:] == (
        str(folder / "project/sub"), str(cache), str(cache), str(cache / "x.whl"), "virtualenv",
    )  # fmt: skip
    assert second.cwd == folder / "project/sub"
    assert second.accepted is None


@pytest.mark.parametrize(
    "text", ["python {nothing}", "python 'open", "python {wheel_file}", "return-code=x python"]
)
def test_a_command_that_cannot_be_read(run_all: Callable[..., list[Command]], text: str) -> None:
    with pytest.raises(InvalidInputError, match=r"asv.conf.json: "):
        run_all(text)


def test_only_programs_of_the_environment_have_short_names(
    run_all: Callable[..., list[Command]],
) -> None:
    with pytest.raises(CommandFailedError, match="Could not find 'ls'"):
        run_all("ls")
    (found,) = run_all("/bin/ls -l")
    assert found.words == ("/bin/ls", "-l")


def test_a_subdir_that_this_commit_has_not(tmp_path: Path) -> None:
    own = instructions(configure(tmp_path, build_command=["python"], repo_subdir="sub"))
    recipe = Recipe("virtualenv-py3", "3", {}, {}, {})
    order = Order(recipe, "c" * 40, Interpreter(Path("/p"), "3", "CPython"), tmp_path / "log")
    with pytest.raises(CommandFailedError, match="'sub': not there at this commit"):
        Installer(own, Runner(60), "uv").build(order, tmp_path)


# --- locks


def test_readers_share_and_a_writer_is_alone(tmp_path: Path) -> None:
    one, two = Locks(tmp_path), Locks(tmp_path)
    first, second = one.shared("a"), two.shared("a")
    assert two.exclusive("a") is None
    first.release()
    first.release()
    second.release()
    alone = two.exclusive("a")
    assert alone is not None
    assert one.exclusive("a") is None
    alone.share()
    one.shared("a").release()
    alone.release()


def test_a_lock_whose_file_was_removed_is_taken_anew(tmp_path: Path) -> None:
    one, two = Locks(tmp_path), Locks(tmp_path)
    alone = one.exclusive("a")
    assert alone is not None
    waited: list[bool] = []
    got = []
    thread = threading.Thread(
        target=lambda: got.append(two.shared("a", lambda: waited.append(True)))
    )
    thread.start()
    wait_for(lambda: waited)
    alone.remove()
    thread.join(20)
    assert (tmp_path / "a.lock").exists()
    assert one.exclusive("a") is None
    got[0].release()


# --- storage


STATUS_OF: dict[str, Any] = {
    "kind": ENVIRONMENT, "name": "n", "commit": "c", "content": "", "parts": ["part"],
    "preferences": ["p"],
}  # fmt: skip


def finished(storage: Storage, name: str, **more: Any) -> Path:
    status = STATUS_OF | {"content": name}
    with storage.claimed([name]) as claims:
        claim = claims[name]
        if claim.status is None:
            (claim.folder / "part").write_text("x" * 1000)
            storage.finish(claim, status | more)
    return storage.folder / name


def age(folder: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(folder / STATUS, (then, then))


def test_what_is_finished_is_found(tmp_path: Path) -> None:
    finished(Storage(tmp_path, 5), "a")
    storage = Storage(tmp_path, 5)
    found = storage.find("a", "p")
    assert found is not None
    assert found["folder"] == str(tmp_path / "a")
    assert storage.find("a", "other") is None
    assert storage.find("b", "p") is None
    storage.prefer(found, "other")
    assert storage.find("a", "other") is not None


def test_names_are_of_one_length(tmp_path: Path) -> None:
    storage = Storage(tmp_path, 5)
    names = {storage.name("environment", {"number": n}, None) for n in range(50)}
    assert len(names) == 50
    assert {len(name) for name in names} == {16}


def test_what_was_not_finished_is_discarded(tmp_path: Path) -> None:
    storage = Storage(tmp_path, 5)

    def fail() -> None:
        with storage.claimed(["a", "b"]) as claims:
            (claims["a"].folder / "half").touch()
            storage.finish(claims["b"], STATUS_OF | {"parts": []})
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert not (tmp_path / "a").exists()
    assert not (tmp_path / "locks/a.lock").exists()
    assert read_status(tmp_path / "b") is not None


def test_a_damaged_build_in_use_elsewhere_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from odyssey_asv.adapter.environments import storage as module

    monkeypatch.setattr(module, "_LOOKS", 3)
    (finished(other := Storage(tmp_path, 5), "a") / "part").unlink()

    def claim() -> None:
        with Storage(tmp_path, 5).claimed(["a"]):
            pass

    with pytest.raises(CannotMeasureError, match="damaged, and in use"):
        claim()
    other.release()
    claim()


@pytest.mark.parametrize("damage", ["missing", "broken", "other", "moved", "part", "less"])
def test_half_a_build_is_never_used(tmp_path: Path, damage: str) -> None:
    storage = Storage(tmp_path, 5)
    folder = finished(storage, "a")
    (folder / "old").touch()
    status = json.loads((folder / STATUS).read_text())
    match damage:
        case "missing":
            (folder / STATUS).unlink()
        case "broken":
            (folder / STATUS).write_text("{")
        case "other":
            (folder / STATUS).write_text(json.dumps(status | {"format": 99}))
        case "moved":
            (folder / STATUS).write_text(json.dumps(status | {"folder": "/elsewhere/a"}))
        case "less":
            del status["preferences"]
            (folder / STATUS).write_text(json.dumps(status))
        case "part":
            (folder / "part").unlink()
    assert storage.find("a", "p") is None
    with storage.claimed(["a"]) as claims:
        assert claims["a"].status is None
        assert list(claims["a"].folder.iterdir()) == []


def test_the_last_used_are_kept(tmp_path: Path) -> None:
    storage = Storage(tmp_path, 2)
    for position, name in enumerate("abcd"):
        age(finished(storage, name), 100 - position)
    (tmp_path / "half").mkdir()
    storage.release()
    assert storage.find("a", "p") is not None
    storage.release()
    storage.evict()
    assert sorted(kept.folder.name for kept in storage.contents()) == ["a", "d"]
    assert sorted(path.name for path in (tmp_path / "locks").iterdir()) == ["a.lock", "d.lock"]


def test_kinds_are_counted_apart(tmp_path: Path) -> None:
    storage = Storage(tmp_path, 1)
    finished(storage, "a")
    finished(storage, "b", kind="wheel")
    storage.release()
    storage.evict()
    assert len(storage.contents()) == 2


def test_what_is_in_use_is_never_removed(tmp_path: Path) -> None:
    mine, theirs = Storage(tmp_path, 1), Storage(tmp_path, 1)
    for name in "abc":
        age(finished(mine, name), 100)
    mine.release()
    assert theirs.find("a", "p") is not None
    age(tmp_path / "a", 1000)
    mine.evict()
    names = {kept.folder.name for kept in mine.contents()}
    assert "a" in names
    assert len(names) == 2
    assert [kept.folder.name for kept in mine.clear()] == ["a"]
    theirs.release()
    assert mine.clear() == []


def test_contents(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "none", 1)
    assert storage.contents() == []
    assert storage.clear() == []
    folder = finished(storage, "a", commit="1" * 40)
    age(folder, 50)
    (kept,) = storage.contents()
    assert (kept.name, kept.commit, kept.folder) == ("n", "1" * 40, folder)
    assert kept.bytes > 1000
    assert abs(kept.last_used - (time.time() - 50)) < 20


def test_many_at_once_build_once(tmp_path: Path) -> None:
    built: list[str] = []
    failed: list[OSError] = []

    def work(names: list[str]) -> None:
        storage = Storage(tmp_path, 9)
        try:
            with storage.claimed(names) as claims:
                for name, claim in claims.items():
                    if claim.status is None:
                        built.append(name)
                        time.sleep(0.05)
                        storage.finish(claim, STATUS_OF | {"parts": []})
        except OSError as error:
            failed.append(error)

    orders = [["a", "b"], ["b", "a"], ["a"], ["c", "b"], ["a", "b", "c"]]
    threads = [threading.Thread(target=work, args=(names,)) for names in orders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    assert failed == []
    assert sorted(built) == ["a", "b", "c"]


# --- differences


def side(name: str, packages: dict[str, str]) -> Side:
    order = Order(Recipe("n", "", {}, {}, {}), "c" * 40, Interpreter(Path(), "", ""), Path())
    made = Side(name, order, {}, {})
    made.status = {"packages": packages, "project": ["Tiny"]}
    return made


def test_differences_are_said_but_for_the_project() -> None:
    base = side("base", {"Tiny": "1", "a_b": "1", "same": "1", "old": "3"})
    contender = side("contender", {"Tiny": "2", "A-B": "2", "same": "1", "new": "4"})
    assert differences(base, contender) == (
        "base and contender need different versions of a-b (1 and 2): a difference in speed may be"
        " theirs",
        "only the base needs old",
        "only the contender needs new",
    )
    assert differences(base, base) == ()
