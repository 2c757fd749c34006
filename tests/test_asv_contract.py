"""What `adapter/` relies on inside asv, which promises nothing. A new asv that fails here is not ours."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import asv.benchmarks
import asv.commands.run
import asv.config
import asv.environment
import asv.machine
import asv.results
import asv.runner
import asv.util
import pytest

from odyssey_asv.adapter import collect, inside
from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.process import AsvRun

WRAPPED = {
    "_run_benchmark_single_param": asv.runner,
    "run_benchmarks": asv.commands.run,
    "skip_benchmarks": asv.commands.run,
    "_do_build": asv.commands.run,
    "write_json": asv.util,
}


def _parameters(function: Any) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def test_the_list_here_is_the_list_there() -> None:
    assert set(WRAPPED) == set(inside._EXPECTED)


@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped_functions_have_the_expected_shape(name: str) -> None:
    assert _parameters(getattr(WRAPPED[name], name)) == inside._EXPECTED[name]


@pytest.mark.parametrize("name", ["run_benchmarks", "skip_benchmarks", "_do_build"])
def test_the_run_command_finds_them_by_global(name: str) -> None:
    assert name in asv.commands.run.Run.run.__func__.__code__.co_names


def test_the_runner_finds_a_process_by_global() -> None:
    assert "_run_benchmark_single_param" in asv.runner.run_benchmark.__code__.co_names


def test_result_files_are_written_through_the_module() -> None:
    source = inspect.getsource(asv.results.Results.save)
    assert "util.write_json(" in source


def test_run_benchmarks_is_called_with_keywords() -> None:
    """All but the benchmarks and the environment, `results` among them."""
    (call,) = _calls("run_benchmarks")
    assert len(call.args) == 2
    assert "results" in {keyword.arg for keyword in call.keywords}


def test_skipped_benchmarks_are_called_with_their_results() -> None:
    (call,) = _calls("skip_benchmarks")
    assert len(call.args) == 2
    assert [keyword.arg for keyword in call.keywords] == ["results"]


def _calls(name: str) -> list[ast.Call]:
    tree = ast.parse(inspect.getsource(asv.commands.run))
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_known_benchmarks_can_be_loaded() -> None:
    """And a suite that cannot be imported is an error of its own kind."""
    assert _parameters(asv.benchmarks.Benchmarks.load) == ("conf", "regex")
    assert issubclass(asv.util.UserError, Exception)


def test_discovery_is_told_the_environments_third() -> None:
    assert _parameters(asv.benchmarks.Benchmarks.discover)[:3] == ("conf", "repo", "environments")
    tree = ast.parse(inspect.getsource(asv.commands.run))
    (call,) = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "discover"
    )
    assert [arg.id for arg in call.args[:3] if isinstance(arg, ast.Name)] == [
        "conf", "repo", "environments",
    ]  # fmt: skip


def test_the_machine_is_loaded_through_its_class() -> None:
    assert asv.commands.run.Machine is asv.machine.Machine
    parameters = _parameters(asv.machine.Machine.load)
    assert {"machine_name", "_path", "interactive"} <= set(parameters)
    assert "save" in dir(asv.machine.Machine)


def test_the_configuration_is_loaded_through_its_class() -> None:
    assert _parameters(asv.config.Config.load) == ("path",)
    conf = asv.config.Config()
    assert isinstance(conf.results_dir, str)
    assert conf.default_benchmark_timeout == 60.0


def test_the_code_of_a_time_out() -> None:
    assert asv.util.TIMEOUT_RETCODE == collect._TIMEOUT == -256


def test_what_a_process_gives() -> None:
    assert asv.runner.BenchmarkResult._fields == (
        "result", "samples", "number", "errcode", "stderr", "profile",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["_filename", "save", "load_data", "get_result_keys", "get_result_value", "commit_hash",
     "env_name", "update_to_2"],
)  # fmt: skip
def test_results_have(name: str) -> None:
    assert hasattr(asv.results.Results.unnamed(), name)


def test_benchmarks_can_be_filtered() -> None:
    assert _parameters(asv.benchmarks.Benchmarks.filter_out) == ("self", "skip")
    assert isinstance(asv.benchmarks.Benchmarks.benchmark_selection, property)


def test_a_selection_can_be_narrowed_in_place() -> None:
    conf = asv.config.Config()
    conf.benchmark_dir = "."
    record = {"name": "m.time_f", "params": [["1", "2"]], "version": "x"}
    suite = asv.benchmarks.Benchmarks(conf, [record, record | {"name": "m.time_g", "params": []}])
    left = suite.filter_out({"m.time_g"})
    left.benchmark_selection["m.time_f"] = [1]
    assert list(left) == ["m.time_f"]
    assert left.benchmark_selection["m.time_f"] == [1]


def test_environments_can_be_asked() -> None:
    assert {"dots", "display_error"} <= set(
        _parameters(asv.environment.ExistingEnvironment.run)
    ) or "kwargs" in _parameters(asv.environment.ExistingEnvironment.run)
    assert {"dots", "display_error"} <= set(_parameters(asv.util.check_output))


def test_the_words_that_asv_is_given(tmp_path: Path) -> None:
    """Every option we use exists and takes its value after `=`, so a value is never an option."""
    from asv.commands import make_argparser

    config = AsvConfig(
        path=tmp_path / "asv.conf.json", project="p", repo=".", branches=("HEAD",),
        environment_type="virtualenv", benchmark_dir=tmp_path, results_dir=tmp_path,
        env_dir=tmp_path, html_dir=tmp_path, digest="",
    )  # fmt: skip
    machine = {"machine": "m"}
    settings = inside.Settings(str(tmp_path), machine, 1.0, force=False, quick=True)
    for existing in (False, True):
        run = AsvRun(
            config, ("a" * 40,), settings, tmp_path / "log", benches=("--x", "b"),
            environments=("-e",), existing=existing, work=tmp_path,
        )  # fmt: skip
        parser, _ = make_argparser()
        found = parser.parse_args(run.arguments())
        assert found.bench == ["--x", "b"]
        assert found.env_spec == ["-e"]
        assert found.quick
        assert found.show_stderr
        assert found.no_pull
        assert found.config == str(tmp_path / "asv.conf.json")
        assert found.set_commit_hash == ("a" * 40 if existing else None)
        assert found.range == (None if existing else f"HASHFILE:{tmp_path / 'commits.txt'}")


def test_another_shape_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = inside.Settings("", {"machine": "m"}, 1.0, force=False, quick=False)
    watch = inside.Watch(settings, lambda _: None)
    monkeypatch.setattr(asv.runner, "_run_benchmark_single_param", lambda _: None)
    with pytest.raises(RuntimeError, match="takes"):
        watch.install()
