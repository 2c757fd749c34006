"""The layers of the house, held by reading every import of the package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import odyssey_asv

PACKAGE = Path(odyssey_asv.__file__).parent

# Each module and its layer. A folder stands for all its modules, unless it gathers modules of several
# layers about one matter: then each is named, and the folder itself holds nothing. Imports point only
# downwards or stay within a layer. A new module belongs here, in the layer of its docstring.
LAYERS: dict[str, int] = {
    "errors": 0,
    "faults": 0,
    "nonfinite": 0,
    "model": 0,
    "units": 0,
    "files": 0,
    "stats": 1,
    "past.changepoints": 1,
    "changed.imports": 1,
    "policy": 2,
    "doubts": 2,
    "comparison": 2,
    "pairs.evidence": 2,
    "findings": 2,
    "pairs.failures": 2,
    "culprit.posterior": 2,
    "culprit.search": 2,
    "culprit.bisection": 2,
    "culprit.suspicion": 2,
    "past.sheets": 2,
    "past.timeline": 2,
    "past.assembly": 2,
    "sharding.shards": 2,
    "sharding.joining": 2,
    "past.trends": 2,
    "changed.builds": 2,
    "changed.reach": 2,
    "diagnoses": 2,
    "config": 3,
    "repository": 3,
    "store": 3,
    "adapter": 3,
    "mojo": 3,
    "formats": 3,
    "measure": 4,
    "pairs.clocks": 4,
    "pairs.tracebacks": 4,
    "pairs.discovery": 4,
    "pairs.trials": 4,
    "pairs.pairing": 4,
    "pairs.arena": 4,
    "pairs.noise": 4,
    "pairs.probing": 4,
    "select": 4,
    "project": 4,
    "sharding.portions": 4,
    "fleet": 4,
    "workspace": 4,
    "changed.changes": 4,
    "probes": 4,
    "run": 5,
    "sharding.slicing": 5,
    "sharding.gathering": 5,
    "distributing": 5,
    "baseline": 5,
    "doctor": 5,
    "checking": 5,
    "bisecting": 5,
    "past.histories": 5,
    "publishing": 5,
    "adopting": 5,
    "importing": 5,
    "exporting": 5,
    "report": 6,
    "cli": 7,
    "__main__": 8,
    "__init__": 8,
}
GATHERED = {name.partition(".")[0] for name in LAYERS if "." in name}
# Within layer 3 each room has one outside thing and does not know the others'.
ROOMS = ("adapter", "store", "repository", "config", "mojo", "formats")
# Each runs in a process of its own, and is a place besides the command that exits.
OWN_PROGRAMS = ("adapter/inside.py", "adapter/paired/worker.py", "mojo/odyssey_mojo.py")

FOLDERS = [PACKAGE / name / "__init__.py" for name in sorted(GATHERED)]
FILES = sorted(set(PACKAGE.rglob("*.py")) - set(FOLDERS))


def _module(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _room(path: Path) -> str:
    """What of `LAYERS` a file belongs to."""
    first, *rest = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join((first, *rest)) if first in GATHERED else first


def _imports(path: Path) -> Iterator[str]:
    """The full name of everything a file imports, anywhere in it, types included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _inner(path: Path) -> Iterator[str]:
    """The rooms of the package that a file imports from."""
    for name in _imports(path):
        if name == "odyssey_asv" or name.startswith("odyssey_asv."):
            _, first, second = [*name.split("."), "", ""][:3]
            room = f"{first}.{second}" if first in GATHERED else first
            yield room if room in LAYERS else "__init__"


def _outer(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in _imports(path)}


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_every_module_has_a_layer(path: Path) -> None:
    assert _room(path) in LAYERS, f"{_module(path)} is missing in the table of this test"


@pytest.mark.parametrize("path", FOLDERS, ids=_module)
def test_a_folder_of_several_layers_holds_nothing_but_its_docstring(path: Path) -> None:
    (docstring,) = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)


def test_the_table_names_nothing_that_is_not_there() -> None:
    assert set(LAYERS) == {_room(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_imports_point_only_downwards(path: Path) -> None:
    here = _room(path)
    for room in _inner(path):
        if room == "__init__":
            # Its version, which everybody may know.
            names = [n for n in _imports(path) if n.startswith("odyssey_asv.")]
            assert "odyssey_asv.__version__" in names or here == "__init__", _module(path)
            continue
        assert LAYERS[room] <= LAYERS[here], f"{_module(path)} imports {room} from above"


@pytest.mark.parametrize("path", [p for p in FILES if _room(p) in ROOMS], ids=_module)
def test_rooms_of_outside_things_do_not_know_each_other(path: Path) -> None:
    others = {room for room in _inner(path) if room in ROOMS} - {_room(path)}
    assert others == set()


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_only_the_adapter_knows_asv(path: Path) -> None:
    if _room(path) != "adapter":
        assert not _outer(path) & {"asv", "asv_runner"}


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_only_the_repository_knows_git(path: Path) -> None:
    if _room(path) != "repository":
        assert "git" not in _outer(path)


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_pure_layers_know_no_outside(path: Path) -> None:
    if LAYERS[_room(path)] <= 2 and _room(path) != "files":
        outside = {"os", "pathlib", "subprocess", "time", "random", "datetime", "json", "click"}
        assert not _outer(path) & outside
        calls = [n.func for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)]
        assert "open" not in {call.id for call in calls if isinstance(call, ast.Name)}


def _says_or_exits(path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="print" | "exit" | "quit" as name)):
                found.append(name)
            case ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr" | "exit" as name):
                found.append(f"sys.{name}")
            case ast.Attribute(value=ast.Name(id="os"), attr="_exit" | "abort" as name):
                found.append(f"os.{name}")
            case ast.Attribute(value=ast.Name(id="click"), attr="echo" | "secho" as name):
                found.append(f"click.{name}")
            case ast.Name(id="SystemExit" as name):
                found.append(name)
    return found


@pytest.mark.parametrize("path", FILES, ids=_module)
def test_only_the_command_line_prints_or_exits(path: Path) -> None:
    if _room(path) == "cli" or _module(path) in OWN_PROGRAMS:
        return
    assert _says_or_exits(path) == []


def test_this_test_would_see_it() -> None:
    assert {"sys.exit"} <= set(_says_or_exits(PACKAGE / OWN_PROGRAMS[0]))
    assert "click" in _outer(PACKAGE / "cli/run.py")
