"""Our settings: every key, every wrong value, where they are looked for, and which one holds."""

from __future__ import annotations

import re
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest

from odyssey_asv import config
from odyssey_asv.config import Config, load, parse_gate
from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.model import Better, Metric
from odyssey_asv.policy import Limits, OtherMachine

PYPROJECT = "[tool.odyssey-asv]\n"


def written(folder: Path, toml: str) -> Config:
    """The settings that `toml` makes as the project's own file."""
    (folder / "odyssey-asv.toml").write_text(toml)
    return load(folder)


def faults(folder: Path, toml: str) -> tuple[str, ...]:
    """What is wrong with `toml`."""
    with pytest.raises(InvalidFileError) as caught:
        written(folder, toml)
    assert str(folder / "odyssey-asv.toml") == caught.value.path
    return caught.value.faults


def test_without_settings_every_default_holds(tmp_path: Path) -> None:
    """5 %, 10 %, durations, 900 s, and the folders of the design."""
    found = load(tmp_path)
    assert Config(root=tmp_path) == found
    assert found.policy().limits == Limits(Fraction(5, 100), Fraction(10, 100))
    assert found.policy().gate == frozenset({Metric.DURATION})
    assert (found.budget_s, found.benchmark_timeout_s) == (900.0, None)
    assert found.results == tmp_path / "benchmarks" / "results"
    assert found.baselines == tmp_path / "benchmarks" / "baselines"
    assert found.state == tmp_path / ".odyssey"


@pytest.mark.parametrize(
    ("key", "toml", "expected"),
    [
        ("tolerance", "0.03", Fraction(3, 100)),
        ("tolerance", '"3%"', Fraction(3, 100)),
        ("threshold", "0.3", Fraction(3, 10)),
        ("threshold", '"150%"', Fraction(3, 2)),
        ("gate", '["duration", "memory"]', frozenset({Metric.DURATION, Metric.MEMORY})),
        ("gate", '"track, memory"', frozenset({Metric.TRACK, Metric.MEMORY})),
        ("other_machine", '"refuse"', OtherMachine.REFUSE),
        ("strict_environment", "true", True),
        ("fail_on_missing", "true", True),
        ("budget_s", "60", 60.0),
        ("confidence", '"95%"', 0.95),
        ("clock", '"wall"', "wall"),
        ("benchmark_timeout_s", "1.5", 1.5),
        ("asv_config", '"../asv.conf.json"', "../asv.conf.json"),
        ("results_dir", '"out/results"', "out/results"),
        ("baselines_dir", '"out/baselines"', "out/baselines"),
    ],
)
def test_a_key_is_read(tmp_path: Path, key: str, toml: str, expected: object) -> None:
    """And has the type that the code works with."""
    assert expected == getattr(written(tmp_path, f"{key} = {toml}\n"), key)


def test_every_setting_has_a_key() -> None:
    """What a `Config` holds can be written in the file, but for where the file is."""
    assert set(config.KEYS) == set(config._KEYS)
    assert set(config.KEYS) == {field.name for field in fields(Config)} - {"root"}


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("tolerance = 5", "tolerance: expected a share such as 0.05 or '5%', found 5"),
        ("threshold = true", "threshold: expected a share such as 0.05 or '5%', found True"),
        ("threshold = -0.1", "threshold: expected a share such as 0.05 or '5%', found -0.1"),
        ("threshold = nan", "threshold: expected a share such as 0.05 or '5%', found nan"),
        ('gate = "time"', "gate: expected some of duration, memory, track, found 'time'"),
        ("gate = []", "gate: expected some of duration, memory, track, found []"),
        ("gate = 3", "gate: expected some of duration, memory, track, found 3"),
        ('gate = "duration,"', "gate: expected some of duration, memory, track, found 'duration,'"),
        ("gate = [1]", "gate: expected some of duration, memory, track, found [1]"),
        (
            'other_machine = "ignore"',
            "other_machine: expected one of gate, advise, refuse, found 'ignore'",
        ),
        ("other_machine = []", "other_machine: expected one of gate, advise, refuse, found []"),
        ("strict_environment = 1", "strict_environment: expected true or false, found 1"),
        ('fail_on_missing = "yes"', "fail_on_missing: expected true or false, found 'yes'"),
        ("confidence = 0.2", "confidence: expected a confidence from 50% to below 100%, found 0.2"),
        ('clock = "sun"', "clock: expected one of auto, wall, cpu, found 'sun'"),
        ("budget_s = 0", "budget_s: expected seconds above zero, found 0"),
        ("budget_s = inf", "budget_s: expected seconds above zero, found inf"),
        ("budget_s = nan", "budget_s: expected seconds above zero, found nan"),
        ("budget_s = true", "budget_s: expected seconds above zero, found True"),
        ('budget_s = "60"', "budget_s: expected seconds above zero, found '60'"),
        (
            "benchmark_timeout_s = -1",
            "benchmark_timeout_s: expected seconds above zero, found -1",
        ),
        ("asv_config = 3", "asv_config: expected a path, found 3"),
        ('asv_config = ""', "asv_config: expected a path, found ''"),
        ("results_dir = []", "results_dir: expected a path, found []"),
        ('results_dir = "a\\u0000"', r"results_dir: expected a path, found 'a\x00'"),
        (
            'results_dir = "/tmp/results"',
            "results_dir: expected a path inside the project, found '/tmp/results'",
        ),
        (
            'baselines_dir = "a/../../b"',
            "baselines_dir: expected a path inside the project, found 'a/../../b'",
        ),
        (
            "overrides = 3",
            "overrides: expected [[tool.odyssey-asv.overrides]] tables, found 3",
        ),
        ("overrides = [3]", "overrides[1]: expected a table, found 3"),
        ("overrides = [{}]", "overrides[1].match: missing"),
        (
            'overrides = [{match = ""}]',
            "overrides[1].match: expected a regular expression, found ''",
        ),
        (
            "overrides = [{match = 1}]",
            "overrides[1].match: expected a regular expression, found 1",
        ),
        (
            'overrides = [{match = "f"}, {match = "g", better = "more"}]',
            "overrides[2].better: expected 'lower' or 'higher', found 'more'",
        ),
        (
            'overrides = [{match = "f", tresholdd = 1}]',
            "overrides[1].tresholdd: unknown key; did you mean 'threshold'?",
        ),
        (
            'overrides = [{match = "f", tolerance = 0.3, threshold = 0.2}]',
            "overrides[1].tolerance: is above threshold",
        ),
        ("treshold = 0.1", "treshold: unknown key; did you mean 'threshold'?"),
        ("result_dir = 'x'", "result_dir: unknown key; did you mean 'results_dir'?"),
        (
            "tolerance = 0.2",
            "tolerance: is above threshold, so nothing could ever be merely slower",
        ),
        (
            "threshold = 0.01",
            "tolerance: is above threshold, so nothing could ever be merely slower",
        ),
    ],
)
def test_a_wrong_value_names_its_key_and_what_was_found(
    tmp_path: Path, toml: str, expected: str
) -> None:
    """Also where a value of another type would have been taken for true."""
    assert (expected,) == faults(tmp_path, toml)


def test_tolerance_and_threshold_may_be_equal(tmp_path: Path) -> None:
    """Then nothing is merely slower, which may be meant."""
    found = written(tmp_path, "tolerance = 0.1\nthreshold = 0.1\n")
    assert found.tolerance == found.threshold


def test_an_unknown_key_like_no_other_lists_the_known_ones(tmp_path: Path) -> None:
    """Where nothing is near, everything is told."""
    (fault,) = faults(tmp_path, "zzz = 1")
    assert fault == f"zzz: unknown key; known are {', '.join(sorted(config.KEYS))}"


@pytest.mark.parametrize("match", ["(", "a{9999999999999999999}", "(" * 5000])
def test_a_match_that_is_no_expression_is_refused(tmp_path: Path, match: str) -> None:
    """Whatever way `re` refuses it."""
    (fault,) = faults(tmp_path, f'overrides = [{{match = "{match}"}}]')
    assert fault.startswith("overrides[1].match: not a regular expression: ")


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    """Nobody mends a file one message at a time."""
    found = faults(tmp_path, 'gate = 3\nbudget_s = 0\noverrides = [{}, {match = "("}]')
    assert [fault.split(":")[0] for fault in found] == [
        "gate",
        "budget_s",
        "overrides[1].match",
        "overrides[2].match",
    ]


def test_faults_come_with_a_place_to_read(tmp_path: Path) -> None:
    """The message names the file; the tip names the documentation."""
    (tmp_path / "odyssey-asv.toml").write_text("gate = 3\nbudget_s = 0\n")
    with pytest.raises(InvalidFileError, match=r"odyssey-asv\.toml: 2 faults\n  gate: ") as caught:
        load(tmp_path)
    assert caught.value.tip == "see docs/configuration.md for every key"


def test_overrides_become_limits(tmp_path: Path) -> None:
    """Each with its expression; what it does not say stays None."""
    (one, other) = written(
        tmp_path,
        '[[overrides]]\nmatch = "^io\\\\."\nthreshold = "30%"\ntolerance = 0.2\n'
        '[[overrides]]\nmatch = "score"\nbetter = "higher"\n',
    ).overrides
    assert (one.match.pattern, one.tolerance, one.threshold, one.better) == (
        r"^io\.",
        Fraction(1, 5),
        Fraction(3, 10),
        None,
    )
    assert (other.tolerance, other.threshold, other.better) == (None, None, Better.HIGHER)


def test_settings_make_a_policy(tmp_path: Path) -> None:
    """Everything that turns changes into verdicts comes from one place."""
    found = written(
        tmp_path,
        'tolerance = 0.01\nthreshold = 0.02\ngate = "memory"\nother_machine = "advise"\n'
        'strict_environment = true\nfail_on_missing = true\noverrides = [{match = "f"}]\n',
    )
    policy = found.policy()
    assert policy.limits == Limits(Fraction(1, 100), Fraction(2, 100))
    assert (set(policy.gate), policy.other_machine) == ({Metric.MEMORY}, OtherMachine.ADVISE)
    assert (policy.strict_environment, policy.fail_on_missing) == (True, True)
    assert (policy.overrides, policy.forced) == (found.overrides, {})


def test_limits_that_were_not_given_are_not_forced(tmp_path: Path) -> None:
    """None on the command line is no word."""
    policy = load(tmp_path).policy(tolerance=None, threshold=Fraction(1, 4))
    assert policy.forced == {"threshold": Fraction(1, 4)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("duration", {Metric.DURATION}),
        (" duration , track ", {Metric.DURATION, Metric.TRACK}),
        (("memory", "memory"), {Metric.MEMORY}),
    ],
)
def test_a_gate_is_a_list_or_a_text_with_commas(text: object, expected: set[Metric]) -> None:
    """As the command line and the file have it."""
    assert expected == parse_gate(text)


@pytest.mark.parametrize("name", ["odyssey-asv.toml", "pyproject.toml"])
def test_a_syntax_error_names_the_line(tmp_path: Path, name: str) -> None:
    """In either file."""
    (tmp_path / name).write_text("[tool.odyssey-asv]\nthreshold = 0.1\ntolerance 0.05\n")
    with pytest.raises(InvalidFileError, match=r"not TOML: .*line 3") as caught:
        load(tmp_path)
    assert str(tmp_path / name) == caught.value.path


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"a = " + b"[" * 100_000])
def test_what_is_no_toml_at_all_is_a_fault(tmp_path: Path, raw: bytes) -> None:
    """Bytes that are no text, and text made to exhaust the parser."""
    (tmp_path / "odyssey-asv.toml").write_bytes(raw)
    with pytest.raises(InvalidFileError, match="not TOML: "):
        load(tmp_path)


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """It is not taken for absent."""
    (tmp_path / "pyproject.toml").mkdir()
    expected = re.escape(f"{tmp_path / 'pyproject.toml'}: Is a directory")
    with pytest.raises(InvalidInputError, match=expected):
        load(tmp_path)


def test_settings_are_found_in_pyproject(tmp_path: Path) -> None:
    """In its table `[tool.odyssey-asv]`."""
    (tmp_path / "pyproject.toml").write_text(f"{PYPROJECT}budget_s = 7\n")
    assert load(tmp_path).budget_s == 7


def test_our_own_file_goes_before_pyproject(tmp_path: Path) -> None:
    """As a whole: the two are not merged."""
    (tmp_path / "pyproject.toml").write_text(f"{PYPROJECT}budget_s = 7\nfail_on_missing = true\n")
    found = written(tmp_path, "budget_s = 8\n")
    assert (found.budget_s, found.fail_on_missing) == (8, False)


@pytest.mark.parametrize("toml", ["", "[project]\nname = 'x'\n", "tool = 3\n", "[tool.other]\n"])
def test_a_pyproject_of_others_is_passed_by(tmp_path: Path, toml: str) -> None:
    """The search goes on upwards."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(toml)
    (tmp_path / "pyproject.toml").write_text(f"{PYPROJECT}budget_s = 7\n")
    found = load(inner)
    assert (found.root, found.budget_s) == (tmp_path, 7)


def test_a_table_that_is_none_is_refused(tmp_path: Path) -> None:
    """Settings that were meant and not read would leave the defaults in force unnoticed."""
    (tmp_path / "pyproject.toml").write_text("[tool]\nodyssey-asv = 5\n")
    with pytest.raises(InvalidFileError, match=r"tool\.odyssey-asv: expected a table, found 5"):
        load(tmp_path)


def test_the_nearest_folder_upwards_holds(tmp_path: Path) -> None:
    """Not the outermost, and its folder is the root of the paths."""
    inner = tmp_path / "a" / "b" / "c"
    inner.mkdir(parents=True)
    (tmp_path / "odyssey-asv.toml").write_text("budget_s = 1\n")
    (tmp_path / "a" / "odyssey-asv.toml").write_text("budget_s = 2\n")
    found = load(inner)
    assert (found.root, found.budget_s) == (tmp_path / "a", 2)
    assert found.results == tmp_path / "a" / "benchmarks" / "results"


def test_settings_above_go_before_an_asv_configuration_below(tmp_path: Path) -> None:
    """A folder without settings of ours is only the root where none has any."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "asv.conf.json").write_text("{}")
    (tmp_path / "odyssey-asv.toml").write_text("budget_s = 1\n")
    assert load(inner).root == tmp_path


@pytest.mark.parametrize("name", ["asv.conf.json", "asv.conf.jsonc"])
def test_without_settings_the_root_is_where_asv_is_configured(tmp_path: Path, name: str) -> None:
    """From any folder below."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / name).write_text("{}")
    assert load(inner) == Config(root=tmp_path)
