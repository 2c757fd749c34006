"""asv's results folder: read without loss, broken files apart, written so that asv reads it."""

from __future__ import annotations

import copy
import json
import os
import tempfile
import tracemalloc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asv.results import Results, iter_results
from hypothesis import given, settings

from benchmarks.generated import write_tree
from odyssey_asv.adapter.tree import (
    BrokenResultWarning,
    parse_json,
    read_asv_file,
    read_asv_tree,
    read_suite,
    write_asv_tree,
)
from odyssey_asv.errors import InvalidFileError, InvalidInputError
from odyssey_asv.model import Commit, Environment, ResultSet, Status
from odyssey_asv.store.results import load, save, serialise
from tests.asv_documents import (
    MACHINE,
    Tree,
    contents,
    document,
    identical,
    record,
    row,
    tree,
    trees,
)

NAME = "suite.time_f"
SUITE = {NAME: record(NAME)}
GOOD = document({NAME: [[0.5], [], "1"]})


def read_all(folder: Path) -> tuple[list[ResultSet], list[InvalidFileError]]:
    """Every set of a tree, and every fault."""
    faults: list[InvalidFileError] = []
    return list(read_asv_tree(folder, on_fault=faults.append)), faults


@contextmanager
def written(made: Tree) -> Iterator[Path]:
    """The tree on disk; hypothesis wants a folder for each example."""
    with tempfile.TemporaryDirectory() as folder:
        yield made.write(Path(folder, "tree"))


def through_our_file(results: ResultSet, path: Path) -> ResultSet:
    """What `save` and `load` make of a set."""
    save(results, path)
    return load(path)


# Round trips


@pytest.mark.parametrize("name", ["asv_tree", "asv_tree_v1_updated"])
def test_recorded_tree_comes_back_as_it_was(name: str, fixtures: Path, tmp_path: Path) -> None:
    """What real asv wrote is written again: results, machines and suite."""
    sets, faults = read_all(fixtures / name)
    write_asv_tree(tmp_path, sets)
    found, expected = contents(tmp_path), contents(fixtures / name)
    assert faults == []
    assert all(identical(found[path], expected[path]) for path in expected)


def test_recorded_tree_comes_back_through_our_files(fixtures: Path, tmp_path: Path) -> None:
    """The whole promise: tree, result files, tree, and nothing lost."""
    source = fixtures / "asv_tree"
    sets = [
        through_our_file(results, tmp_path / f"{number}.json")
        for number, results in enumerate(read_asv_tree(source))
    ]
    write_asv_tree(tmp_path / "tree", sets)
    assert identical(contents(tmp_path / "tree"), contents(source))


def test_recorded_sets_are_equal_after_save_and_load(fixtures: Path, tmp_path: Path) -> None:
    """Benchmarks, results, their order, origin: all of the model is in the file."""
    for number, results in enumerate(read_asv_tree(fixtures / "asv_tree")):
        assert identical(through_our_file(results, tmp_path / f"{number}.json"), results)


@settings(deadline=None, max_examples=60)
@given(trees())
def test_generated_tree_comes_back_as_it_was(made: Tree) -> None:
    """Any columns in any order, any values, any attributes, unknown keys."""
    with written(made) as folder:
        sets, faults = read_all(folder)
        write_asv_tree(folder / "again", sets)
        assert faults == []
        assert identical(contents(folder / "again"), made.files)


@settings(deadline=None, max_examples=60)
@given(trees())
def test_generated_tree_comes_back_through_our_files(made: Tree) -> None:
    """The whole promise for generated trees, the sets being equal on the way."""
    with written(made) as folder:
        sets = []
        for number, results in enumerate(read_asv_tree(folder)):
            loaded = through_our_file(results, folder.parent / f"{number}.json")
            assert identical(loaded, results)
            assert serialise(loaded) == serialise(results)
            sets.append(loaded)
        write_asv_tree(folder / "again", sets)
        assert identical(contents(folder / "again"), made.files)


@settings(deadline=None, max_examples=20)
@given(trees())
def test_reading_twice_gives_equal_sets(made: Tree) -> None:
    """Reading changes nothing on disk and remembers nothing."""
    with written(made) as folder:
        first, _ = read_all(folder)
        second, _ = read_all(folder)
        assert identical(first, second)
        assert identical(contents(folder), made.files)


# Format 1


def test_format_1_is_read_as_asv_would_update_it(fixtures: Path, tmp_path: Path) -> None:
    """A format 1 tree, written, is what `asv update` makes of it."""
    sets, faults = read_all(fixtures / "asv_tree_v1")
    write_asv_tree(tmp_path, sets)
    found, expected = contents(tmp_path), contents(fixtures / "asv_tree_v1_updated")
    assert faults == []
    assert identical({path: found[path] for path in expected}, expected)


def test_format_1_survives_our_files(fixtures: Path, tmp_path: Path) -> None:
    """The same through save and load."""
    sets = [
        through_our_file(results, tmp_path / f"{number}.json")
        for number, results in enumerate(read_asv_tree(fixtures / "asv_tree_v1"))
    ]
    write_asv_tree(tmp_path / "tree", sets)
    expected = contents(fixtures / "asv_tree_v1_updated")
    found = contents(tmp_path / "tree")
    assert identical({path: found[path] for path in expected}, expected)


def test_format_1_document_is_kept_whole(fixtures: Path, tmp_path: Path) -> None:
    """What asv's own upgrade drops (means, when a benchmark ended) is in the origin."""
    for results in read_asv_tree(fixtures / "asv_tree_v1"):
        old = json.loads(Path(results.source).read_bytes())
        assert old.pop("version") == 1
        assert results.origin is not None
        assert identical(results.origin["format_1"], old)
        loaded = through_our_file(results, tmp_path / Path(results.source).name)
        assert loaded.origin is not None
        assert identical(loaded.origin["format_1"], old)


@pytest.mark.parametrize("missing", ["commit_hash", "results", "python", "params"])
def test_format_1_without_a_key_is_reported(missing: str, fixtures: Path, tmp_path: Path) -> None:
    """asv's upgrade names the key; the fault names the file."""
    source = next((fixtures / "asv_tree_v1").rglob("2c3d4e5f-*.json"))
    old = json.loads(source.read_bytes())
    del old[missing]
    made = Tree({"m/machine.json": MACHINE, "m/2c3d4e5f-e.json": old})
    sets, faults = read_all(made.write(tmp_path))
    assert sets == []
    assert "2c3d4e5f-e.json" in str(faults[0])
    assert missing in str(faults[0])


# asv reads what was written


def test_asv_loads_what_was_written(fixtures: Path, tmp_path: Path) -> None:
    """`Results.load` finds in our file what it finds in asv's."""
    write_asv_tree(tmp_path, read_asv_tree(fixtures / "asv_tree"))
    for path in sorted((fixtures / "asv_tree").glob("*/*-*.json")):
        ours = Results.load(str(tmp_path / path.relative_to(fixtures / "asv_tree")))
        theirs = Results.load(str(path))
        assert identical(dict(vars(ours)), dict(vars(theirs)))


def test_asv_iterates_over_what_was_written(fixtures: Path, tmp_path: Path) -> None:
    """`iter_results`, which `asv publish` and `asv show` use, accepts every file and machine."""
    written_files = write_asv_tree(tmp_path, read_asv_tree(fixtures / "asv_tree"))
    assert len(list(iter_results(str(tmp_path)))) == len(written_files) == 5


def test_asv_loads_an_updated_format_1_tree(fixtures: Path, tmp_path: Path) -> None:
    """asv refuses the old tree; ours, written from it, it reads."""
    write_asv_tree(tmp_path, read_asv_tree(fixtures / "asv_tree_v1"))
    assert len(list(iter_results(str(tmp_path)))) == 3


def test_asv_loads_a_set_that_was_never_an_asv_file(fixtures: Path, tmp_path: Path) -> None:
    """An imported set gets a document, a machine and a suite of its own."""
    seed = load(fixtures / "seed/minimal.json")
    write_asv_tree(tmp_path, [replace(seed, commit=Commit(hash="ab" * 20))])
    (found,) = iter_results(str(tmp_path))
    assert found.commit_hash == "ab" * 20
    assert found.get_result_value("tensor_add", []) == [0.0125]
    assert set(read_suite(tmp_path / "benchmarks.json")) == {"tensor_add", "tensor_add memory"}


# Broken files


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"\n  \n", "not JSON", id="blank"),
        pytest.param(json.dumps(GOOD).encode()[:-40], "not JSON", id="truncated"),
        pytest.param(b"\x00\x01\x02\xff", "not JSON", id="binary"),
        pytest.param(b'{"a": "\xff"}', "not JSON", id="not UTF-8"),
        pytest.param(b"[" * 100_000, "not JSON", id="huge nesting"),
        pytest.param(b"[1, 2]", "expected an object, found list", id="list"),
        pytest.param(b"null", "expected an object, found NoneType", id="null"),
        pytest.param(b'{"a": 1}', "format None is unknown", id="no version"),
        pytest.param(b'{"version": 3}', "format 3 is unknown", id="newer"),
        pytest.param(b'{"version": "2"}', "format '2' is unknown", id="version of a wrong type"),
        pytest.param(b'{"version": 2}', "missing key 'commit_hash'", id="nothing but version"),
        pytest.param(b'{"version": 1}', "missing key", id="nothing but version 1"),
    ],
)
def test_broken_file_is_reported_and_the_rest_read(
    content: bytes, words: str, tmp_path: Path
) -> None:
    """One bad file loses only itself."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / "m/ffffffff-broken.json").write_bytes(content)
    sets, faults = read_all(folder)
    assert [results.results[0].value for results in sets] == [0.5]
    assert len(faults) == 1
    assert "ffffffff-broken.json" in str(faults[0])
    assert words in str(faults[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"commit_hash": None},
        {"commit_hash": 12},
        {"commit_hash": "../../x"},
        {"commit_hash": "0A1B2C3D" * 5},
        {"result_columns": None},
        {"result_columns": 5},
        {"result_columns": ["result"]},
        {"result_columns": ["result", "params", "params"]},
        {"result_columns": [["result"], "params"]},
        {"results": []},
        {"results": None},
        {"params": 3},
        {"params": "linux"},
    ],
    ids=str,
)
def test_wrong_type_in_a_file_is_reported(changes: dict[str, Any], tmp_path: Path) -> None:
    """A file whose keys are of the wrong type is reported by name, the rest is read."""
    made = tree(GOOD, suite=SUITE)
    made.files["m/ffffffff-e.json"] = {**GOOD, **changes}
    sets, faults = read_all(made.write(tmp_path))
    assert len(sets) == 1
    assert "ffffffff-e.json" in str(faults[0])


@pytest.mark.parametrize("missing", ["commit_hash", "env_name", "result_columns", "results"])
def test_missing_key_is_named(missing: str, tmp_path: Path) -> None:
    """What a result file cannot be without."""
    made = tree()
    made.files["m/0a1b2c3d-e.json"] = {k: v for k, v in GOOD.items() if k != missing}
    _, faults = read_all(made.write(tmp_path))
    assert f"missing key '{missing}'" in str(faults[0])


@pytest.mark.parametrize("key", ["date", "python", "requirements", "env_vars", "durations"])
def test_file_without_a_lesser_key_comes_back_without_it(key: str, tmp_path: Path) -> None:
    """Other versions of asv write fewer keys."""
    made = tree({k: v for k, v in GOOD.items() if k != key}, suite=SUITE)
    sets, faults = read_all(made.write(tmp_path))
    write_asv_tree(tmp_path / "again", sets)
    assert faults == []
    assert identical(contents(tmp_path / "again"), made.files)


def test_directory_in_place_of_a_file_is_reported(tmp_path: Path) -> None:
    """A folder that has a result file's name loses only itself."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / "m/ffffffff-e.json").mkdir()
    sets, faults = read_all(folder)
    assert len(sets) == 1
    assert str(faults[0]).endswith("ffffffff-e.json: Is a directory")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_unreadable_file_is_reported(tmp_path: Path) -> None:
    """A file without permission loses only itself."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / "m/ffffffff-e.json").touch(mode=0)
    sets, faults = read_all(folder)
    assert len(sets) == 1
    assert "Permission denied" in str(faults[0])


def test_unreadable_machine_folder_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine's folder that cannot be listed loses only itself."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / "a").mkdir()
    real = Path.iterdir

    def iterdir(path: Path) -> Iterator[Path]:
        if path.name == "a":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    sets, faults = read_all(folder)
    assert len(sets) == 1
    assert str(faults[0]) == f"{folder / 'a'}: Permission denied"


def test_faults_are_warnings_unless_asked_for(tmp_path: Path) -> None:
    """Without `on_fault` a broken file is a `BrokenResultWarning`."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / "m/ffffffff-e.json").write_text("{")
    with pytest.warns(BrokenResultWarning, match="ffffffff-e.json"):
        assert len(list(read_asv_tree(folder))) == 1


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    """No results folder is a mistake of the caller, not an empty history."""
    with pytest.raises(InvalidInputError, match="no such folder"):
        list(read_asv_tree(tmp_path / "results"))


def test_tree_without_suite_and_machine_is_read(tmp_path: Path) -> None:
    """Kinds follow from names, the machine from the result file."""
    made = Tree({"m/0a1b2c3d-e.json": GOOD})
    sets, faults = read_all(made.write(tmp_path))
    assert faults == []
    assert sets[0].environment.machine == "m"
    assert sets[0].benchmarks[NAME].unit == "seconds"


@pytest.mark.parametrize("content", ["{", "[]", "[[[["])
@pytest.mark.parametrize("name", ["benchmarks.json", "m/machine.json"])
def test_broken_suite_or_machine_is_reported_and_results_read(
    name: str, content: str, tmp_path: Path
) -> None:
    """The files beside the results lose only what they say themselves."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / name).write_text(content)
    sets, faults = read_all(folder)
    assert len(sets) == 1
    assert [name in str(fault) for fault in faults] == [True]


def test_record_of_the_wrong_type_is_reported(tmp_path: Path) -> None:
    """`benchmarks.json` may hold records and its version, nothing else."""
    folder = tree(GOOD, suite={**SUITE, "other": "text"}).write(tmp_path)
    sets, faults = read_all(folder)
    assert len(sets) == 1
    assert "benchmarks.json: other: expected an object" in str(faults[0])


def test_other_files_in_a_tree_are_not_read(tmp_path: Path) -> None:
    """Notes, temporary files and folders without results say nothing and raise nothing."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / "m/notes.json").write_text("{")
    (folder / "m/.0a1b2c3d-e.json.tmp").write_text("{")
    (folder / "graphs").mkdir()
    (folder / "readme.txt").write_text("{")
    sets, faults = read_all(folder)
    assert (len(sets), faults) == (1, [])


def test_only_reads_no_other_files(tmp_path: Path) -> None:
    """`only` names a commit; a broken file of another is not even opened."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    (folder / "m/ffffffff-e.json").write_text("{")
    faults: list[InvalidFileError] = []
    sets = list(read_asv_tree(folder, only="0a1b2c3d", on_fault=faults.append))
    assert (len(sets), faults) == (1, [])


def test_one_file_is_read_alone(fixtures: Path) -> None:
    """`read_asv_file` gives what reading the tree gives."""
    expected = next(read_asv_tree(fixtures / "asv_tree"))
    machine = json.loads((fixtures / "asv_tree/other-machine/machine.json").read_bytes())
    del machine["version"]
    suite = read_suite(fixtures / "asv_tree/benchmarks.json")
    assert identical(read_asv_file(Path(expected.source), suite, machine), expected)


def test_one_broken_file_is_an_error(tmp_path: Path) -> None:
    """A single file is wanted whole: a bad row in it is an error."""
    path = tmp_path / "0a1b2c3d-e.json"
    path.write_text(json.dumps(document({NAME: [[1.0, 2.0], []]})))
    with pytest.raises(InvalidFileError, match=NAME):
        read_asv_file(path, SUITE, {})
    path.write_text("{")
    with pytest.raises(InvalidFileError, match="not JSON"):
        read_asv_file(path, SUITE, {})


def test_duplicate_keys_count_as_in_asv(tmp_path: Path) -> None:
    """Of two equal keys the last one holds, as in Python's parser and so in asv."""
    raw = b'{"a": 1, "b": NaN, "a": 2}'
    assert parse_json(raw)["a"] == json.loads(raw)["a"] == 2


def test_lone_surrogates_are_read() -> None:
    """Half a character, which the fast parser refuses, may be in a tracked text."""
    assert parse_json(b'["\\ud800"]') == ["\ud800"]


# Writing


def imported(machine: str | None = "m", environment: str | None = "e") -> ResultSet:
    """A set that was never in a tree."""
    return ResultSet(
        timestamp="2026-11-23T19:02:11Z",
        commit=Commit(hash="ab" * 20),
        environment=Environment(machine=machine, env_name=environment),
        run=next(iter_fixture()).run,
        benchmarks={},
        results=(),
    )


def iter_fixture() -> Iterator[ResultSet]:
    return read_asv_tree(Path(__file__).parent / "fixtures/asv_tree")


@pytest.mark.parametrize("name", ["a/b", "../b", "..", ".", "-rf", "a\0b", "a\\b", "/etc"])
def test_machine_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    """Nothing is written outside the tree, whatever a file says of its machine."""
    with pytest.raises(InvalidInputError, match=r"machine .* cannot be part of a file name"):
        write_asv_tree(tmp_path / "tree", [imported(machine=name)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a/b", "../b", "..", "-rf", "a\0b", "a\\b"])
def test_environment_names_that_lead_elsewhere_are_refused(name: str, tmp_path: Path) -> None:
    """The same for the environment, which is part of the file's name."""
    with pytest.raises(InvalidInputError, match=r"environment .* cannot be part of a file name"):
        write_asv_tree(tmp_path / "tree", [imported(environment=name)])
    assert not list(tmp_path.iterdir())


def test_absent_names_get_plain_ones(tmp_path: Path) -> None:
    """A set that says neither machine nor environment is still kept."""
    (path,) = write_asv_tree(tmp_path, [imported(machine=None, environment=None)])
    assert path == tmp_path / "unknown/abababab-imported.json"


def test_set_without_commit_is_refused(tmp_path: Path) -> None:
    """asv keeps results by commit."""
    with pytest.raises(InvalidInputError, match="no commit"):
        write_asv_tree(tmp_path, [replace(imported(), commit=Commit())])


def test_linked_machine_folder_is_not_written_through(tmp_path: Path) -> None:
    """A link in a tree, which a stranger's commit may hold, leads nowhere."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/m").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInputError, match="symbolic link"):
        write_asv_tree(tmp_path / "tree", [imported()])
    assert not list((tmp_path / "elsewhere").iterdir())


def test_linked_machine_folder_is_not_read(tmp_path: Path) -> None:
    """asv does not follow links to folders; a link is reported."""
    tree(GOOD, suite=SUITE).write(tmp_path / "elsewhere")
    folder = tree(GOOD, suite=SUITE).write(tmp_path / "tree")
    (folder / "linked").symlink_to(tmp_path / "elsewhere/m")
    sets, faults = read_all(folder)
    assert len(sets) == 1
    assert "linked: a symbolic link" in str(faults[0])


def test_linked_result_file_is_replaced_not_followed(tmp_path: Path) -> None:
    """Writing over a link leaves what it pointed at alone."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "m").mkdir()
    (tmp_path / "m/abababab-e.json").symlink_to(tmp_path / "precious")
    write_asv_tree(tmp_path, [imported()])
    assert (tmp_path / "precious").read_text() == "precious"


def test_suite_keeps_the_benchmarks_it_had(tmp_path: Path) -> None:
    """Writing into a tree forgets no benchmark of it."""
    folder = tree(GOOD, suite=SUITE).write(tmp_path / "tree")
    other = {"suite.time_g": record("suite.time_g")}
    second = tree(document({"suite.time_g": [[1.0], []]}), suite=other).write(tmp_path / "other")
    write_asv_tree(folder, read_asv_tree(second))
    assert set(read_suite(folder / "benchmarks.json")) == {NAME, "suite.time_g"}


def test_broken_suite_is_not_overwritten(tmp_path: Path) -> None:
    """A `benchmarks.json` that cannot be read stops the writing before anything is lost."""
    (tmp_path / "benchmarks.json").write_text("{")
    with pytest.raises(InvalidFileError):
        write_asv_tree(tmp_path, [imported()])
    assert (tmp_path / "benchmarks.json").read_text() == "{"


def test_suite_is_written_for_what_came_before_an_error(tmp_path: Path) -> None:
    """The sets written before a bad one are in the suite: the tree stays whole."""
    made = tree(GOOD, suite=SUITE).write(tmp_path / "source")
    sets = [*read_asv_tree(made), imported(machine="..")]
    with pytest.raises(InvalidInputError):
        write_asv_tree(tmp_path / "tree", sets)
    assert identical(contents(tmp_path / "tree"), contents(made))


def test_nothing_is_written_for_no_sets(tmp_path: Path) -> None:
    """No sets, no tree."""
    assert write_asv_tree(tmp_path / "tree", []) == []
    assert not list(tmp_path.iterdir())


def test_same_commit_and_environment_replaces(tmp_path: Path) -> None:
    """A file of the same machine, commit and environment is replaced."""
    paths = write_asv_tree(tmp_path, [imported(), imported()])
    assert paths[0] == paths[1]
    assert len(contents(tmp_path)) == 3


def test_value_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    """What no parser would read again is not written."""
    deep: Any = 1
    for _ in range(2000):
        deep = [deep]
    sets = list(read_asv_tree(tree(GOOD, suite=SUITE).write(tmp_path / "source")))
    deep_set = replace(sets[0], results=(sets[0].results[0]._replace(value=deep),))
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        write_asv_tree(tmp_path / "tree", [deep_set])
    with pytest.raises(InvalidInputError, match="nested too deeply"):
        save(deep_set, tmp_path / "x.json")


def test_machine_record_without_a_name_takes_it_from_the_results(tmp_path: Path) -> None:
    """asv wants the name in `machine.json`; a file that lacks it gets it."""
    made = tree(GOOD, suite=SUITE)
    del made.files["m/machine.json"]["machine"]
    sets, _ = read_all(made.write(tmp_path / "source"))
    write_asv_tree(tmp_path / "tree", sets)
    assert read(tmp_path / "tree/m/machine.json")["machine"] == "m"


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


# Rows that cannot be read


BAD_ROWS: dict[str, Any] = {
    "two values for one case": [[1.0, 2.0], []],
    "no value for one case": [[], []],
    "one value for two cases": [[1.0], [["1", "2"]]],
    "three values for two cases": [[1.0, 2.0, 3.0], [["1", "2"]]],
    "a text for results": ["ab", [["1", "2"]]],
    "a number for results": [5, []],
    "no list": 5,
    "a text": "row",
    "null": None,
    "an object": {"result": 1},
    "parameters of the wrong type": [[1.0], 3],
    "parameters that are no axes": [[1.0], [3]],
    "two statistics for one case": row(COLUMNS_OF := tuple(GOOD["result_columns"]), result=[1.0],
        params=[], stats_number=[1, 2]),
    "one statistic for two cases": row(COLUMNS_OF, result=[1.0, 2.0], params=[["1", "2"]],
        stats_number=[1]),
    "a text statistic": row(COLUMNS_OF, result=[1.0], params=[], stats_repeat=["x"]),
    "all statistics texts": row(COLUMNS_OF, result=[1.0], params=[],
        **{name: ["x"] for name in COLUMNS_OF if name.startswith("stats")}),
    "a text for statistics": row(COLUMNS_OF, result=[1.0], params=[], stats_repeat="x"),
    "text statistics of two cases": row(COLUMNS_OF, result=[1.0, 2.0], params=[["1", "2"]],
        stats_repeat=["x", "y"]),
    "samples of the wrong type": row(COLUMNS_OF, result=[1.0], params=[], samples=[5]),
    "text samples": row(COLUMNS_OF, result=[1.0], params=[], samples=[["x"]]),
    "null samples": row(COLUMNS_OF, result=[1.0], params=[], samples=[[None]]),
    "samples of two cases for one": row(COLUMNS_OF, result=[1.0], params=[], samples=[[1.0], [2.0]]),
    "samples of one case for two": row(COLUMNS_OF, result=[1.0, 2.0], params=[["1", "2"]],
        samples=[[1.0]]),
}  # fmt: skip


@pytest.mark.parametrize("through", [False, True], ids=["at once", "through our file"])
@pytest.mark.parametrize("bad", BAD_ROWS.values(), ids=BAD_ROWS)
@pytest.mark.parametrize("name", ["suite.time_bad", "suite: odd: time_bad"])
def test_bad_row_is_named_and_the_rest_read(
    name: str, bad: Any, through: bool, tmp_path: Path
) -> None:
    """One row loses only itself, and comes back as it was when the tree is written."""
    made = tree(document({name: bad, NAME: [[0.5], [], "1"]}), suite=SUITE)
    (results,), (fault,) = read_all(copy.deepcopy(made).write(tmp_path))
    assert [result.case.benchmark for result in results.results] == [NAME]
    assert set(results.benchmarks) == {NAME}
    assert fault.faults[0].startswith(f"{name}: not a row of results: ")
    if through:
        results = through_our_file(results, tmp_path / "ours.json")
    write_asv_tree(tmp_path / "again", [results])
    assert identical(contents(tmp_path / "again"), made.files)


@pytest.mark.parametrize("columns", [None, ["params", "result"]])
def test_row_without_cases_comes_back(columns: list[str] | None, tmp_path: Path) -> None:
    """A parameter without values makes a benchmark without cases: no fault, no result, no loss."""
    cells: dict[str, Any] = {"result": None, "params": [[]], "version": "1"}
    names = columns or list(GOOD["result_columns"])
    found = document({NAME: row(names, **cells)}, result_columns=names)
    made = tree(found, suite=SUITE)
    (results,), faults = read_all(made.write(tmp_path))
    assert (results.results, faults) == ((), [])
    loaded = through_our_file(results, tmp_path / "ours.json")
    write_asv_tree(tmp_path / "again", [loaded])
    assert identical(contents(tmp_path / "again"), made.files)


def test_file_without_rows_comes_back_through_our_file(tmp_path: Path) -> None:
    """asv writes a file even where nothing was measured."""
    made = tree(document({}), suite=SUITE)
    (results,), _ = read_all(made.write(tmp_path))
    loaded = through_our_file(results, tmp_path / "ours.json")
    assert identical(loaded, results)
    write_asv_tree(tmp_path / "again", [loaded])
    assert identical(contents(tmp_path / "again"), made.files)


def test_lone_surrogate_in_a_tracked_text_comes_back(tmp_path: Path) -> None:
    """A value that UTF-8 cannot hold is escaped in our file and in asv's."""
    found = document({"suite.track_text": [["half \ud800"], []]})
    made = tree(found, suite={"suite.track_text": record("suite.track_text")})
    (results,), _ = read_all(made.write(tmp_path))
    loaded = through_our_file(results, tmp_path / "ours.json")
    assert loaded.results[0].value == "half \ud800"
    write_asv_tree(tmp_path / "again", [loaded])
    assert identical(contents(tmp_path / "again"), made.files)


@pytest.mark.parametrize("value", [-0.5, 1e308, 5e-324, 0.0, 0, "fast", True, [1.0], {"a": 1}])
def test_odd_values_of_a_timing_come_back(value: Any, tmp_path: Path) -> None:
    """asv stores what a benchmark's own `timer` gives, be it no duration at all."""
    made = tree(document({NAME: [[value], []]}), suite=SUITE)
    (results,), _ = read_all(made.write(tmp_path))
    loaded = through_our_file(results, tmp_path / "ours.json")
    assert identical(loaded, results)
    write_asv_tree(tmp_path / "again", [loaded])
    assert identical(contents(tmp_path / "again"), made.files)


# Memory


def peak_of(folder: Path) -> int:
    """The most memory that reading a tree took, file by file."""
    tracemalloc.start()
    try:
        for results in read_asv_tree(folder):
            assert results.results
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    """Eight times the files take as much memory at the peak; half as much again is margin."""
    write_tree(tmp_path / "few", files=5, rows=200)
    write_tree(tmp_path / "many", files=40, rows=200)
    peak_of(tmp_path / "few")
    assert peak_of(tmp_path / "many") < 1.5 * peak_of(tmp_path / "few")


def test_collector_stays_off_where_it_was_off(tmp_path: Path) -> None:
    """Reading leaves the cycle collector as it found it."""
    import gc

    folder = tree(GOOD, suite=SUITE).write(tmp_path)
    gc.disable()
    try:
        list(read_asv_tree(folder))
        assert not gc.isenabled()
    finally:
        gc.enable()
    list(read_asv_tree(folder))
    assert gc.isenabled()


def test_status_says_what_asv_says(fixtures: Path) -> None:
    """null is failed; NaN is skipped or not selected, which asv does not tell apart."""
    sets = {results.source: results for results in read_asv_tree(fixtures / "asv_tree")}
    (found,) = [r for s, r in sets.items() if "tiny-machine/c54aa0f6" in s and "MODEa" in s]
    statuses = {result.case.benchmark: result.status for result in found.results}
    assert statuses["timing.time_fails"] is Status.FAILED
    assert statuses["skips.SkipInSetup.time_skipped_in_setup"] is Status.SKIPPED
    assert statuses["timing.time_plain"] is Status.OK


def test_no_warnings_for_sound_trees(fixtures: Path, recwarn: pytest.WarningsRecorder) -> None:
    """A sound tree is read in silence."""
    warnings.simplefilter("always")
    list(read_asv_tree(fixtures / "asv_tree"))
    assert not recwarn.list
