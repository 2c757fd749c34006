"""Which modules of a suite reach a change: by hand, by property, and against what Python loads."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.changed.imports import imports_of
from odyssey_asv.changed.reach import Project, Reach, Tree, module_name, reach, reached

FILES = {
    "package/__init__.py": "",
    "package/one.py": "from . import shared",
    "package/two.py": "",
    "package/shared.py": "import random",
    "package/sub/__init__.py": "",
    "package/sub/deep.py": "from ..two import x",
    "bench/__init__.py": "",
    "bench/first.py": "import package.one",
    "bench/second.py": "from package import two",
    "bench/third.py": "from package.sub.deep import f",
}


def tree(files: Mapping[str, str], roots: tuple[str, ...] = ("",)) -> Tree:
    python = [path for path in files if path.endswith(".py")]
    return Tree(python, lambda path: imports_of(files[path].encode()), roots)


def of(
    *differing: str,
    files: Mapping[str, str] | None = None,
    before: Mapping[str, str] | None = None,
    alike: tuple[str, ...] = (),
    **project: object,
) -> Reach:
    """What a change of these files comes to."""
    after = dict(FILES) | dict(files or {})
    known = Project(suite="bench", **project)  # type: ignore[arg-type]
    old = after if before is None else dict(FILES) | dict(before)
    return reach(tree(old), tree(after), differing, known, alike)


def measured(found: Reach) -> set[str]:
    """Without the suite's own package."""
    return {module for module, why in found.modules.items() if why is not None} - {""}


ALL = {"first", "second", "third"}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("package/one.py", {"first"}),
        ("package/shared.py", {"first"}),
        ("package/two.py", {"second", "third"}),
        ("package/sub/deep.py", {"third"}),
        ("package/sub/__init__.py", {"third"}),
        ("package/__init__.py", ALL),
        ("bench/first.py", {"first"}),
        ("bench/__init__.py", ALL),
        ("package/unused.py", set()),
        ("setup.py", ALL),
        ("conftest.py", ALL),
        ("package/tests/conftest.py", ALL),
        ("package/fast.c", ALL),
        ("package/data.md", ALL),
        ("bench/readme.md", ALL),
        ("requirements.txt", ALL),
        ("pyproject.toml", ALL),
        ("README.md", set()),
        ("LICENSE.txt", set()),
        ("docs/conf.json", set()),
        ("doc/index.rst", set()),
        ("notes/design.md", set()),
        ("docs/helper.py", set()),
        (".github/workflows/tests.yml", set()),
        (".gitignore", set()),
        (".gitattributes", ALL),
    ],
)
def test_who_reaches_a_change(changed: str, expected: set[str]) -> None:
    assert measured(of(changed)) == expected


def test_documentation_that_is_imported_is_code() -> None:
    files = {"docs/helper.py": "", "bench/first.py": "import package.one, helper"}
    assert measured(of("docs/helper.py", files=files)) == {"first"}


def test_a_suite_among_the_documentation_is_no_documentation() -> None:
    files = {"docs/bench/__init__.py": "", "docs/bench/it.py": "import package.one"}
    after = tree(FILES | files)
    for data in ("docs/bench/data.json", "docs/bench/data.md"):
        assert reach(after, after, [data], Project("docs/bench")).modules["it"] is not None


def test_a_package_may_come_from_two_folders() -> None:
    files = {"bench/first.py": "import package.split", "lib/package/split.py": "from . import more"}
    assert measured(of("other/more.py", files=files | {"other/more.py": ""})) == {"first"}


def test_either_side_can_reach_it() -> None:
    """A module that only the base imports, and one that shadows Python's own once it is there."""
    gone = of(
        "package/old.py", before={"package/one.py": "from . import old", "package/old.py": ""}
    )
    assert measured(gone) == {"first"}
    assert measured(of("random.py", files={"random.py": ""}, before={})) == {"first"}


def test_where_the_code_lies_does_not_matter() -> None:
    files = {f"src/lib/{path}": text for path, text in FILES.items() if path.startswith("package")}
    suite = {path: text for path, text in FILES.items() if path.startswith("bench")}
    after = tree(files | suite)
    found = reach(after, after, ["src/lib/package/shared.py"], Project("bench"))
    assert measured(found) == {"first"}


def test_what_cannot_be_followed_reaches_everything() -> None:
    dynamic = of("package/unused.py", files={"package/shared.py": "eval(x)"})
    assert dynamic.modules["first"] == "package/shared.py: line 1 runs code from a text"
    assert dynamic.modules["second"] is None
    assert measured(of("package/unused.py", unfollowed="the build is odd")) == ALL
    assert measured(of("README.md", unfollowed="the build is odd")) == set()


def test_plug_ins_are_reached_by_everybody() -> None:
    assert measured(of("package/two.py", always=frozenset({"package.two"}))) == ALL


def test_a_name_of_the_project_must_be_found() -> None:
    moved = {"bench/first.py": "import package.one, odd_name"}
    found = of("package/unused.py", files=moved, names=frozenset({"odd_name"}))
    assert found.modules["first"] == "bench/first.py: odd_name is not where its name says"


def test_a_benchmark_of_nothing_known_is_measured() -> None:
    alone = "import numpy\ndef time_it(): ..."
    found = of("package/one.py", files={"bench/second.py": alone, "bench/third.py": "import numpy"})
    assert found.modules["second"] is not None
    assert found.modules["third"] is None
    inherited = {
        "bench/base.py": "class Base:\n    def time_it(self): ...",
        "bench/third.py": "from .base import Base\nclass Suite(Base): ...",
    }
    assert of("package/one.py", files=inherited).modules["third"] is not None


def test_what_differs_in_comments_only_is_passed_over() -> None:
    found = of("package/one.py", alike=("package/one.py",))
    assert found.nothing
    assert found.change.passed_over == ("package/one.py",)


def test_patterns_of_the_settings_are_passed_over() -> None:
    import re

    pattern = (re.compile(r"package/(?s:.)*\.c"),)
    found = of("package/fast.c", "package/two.py", unreached=pattern)
    assert found.change.passed_over == ("package/fast.c",)
    assert measured(found) == {"second", "third"}


def test_names_of_benchmarks_lead_to_their_modules() -> None:
    files = {"bench/deep/__init__.py": "", "bench/deep/it.py": "import package.one"}
    found = of("package/one.py", files=files)
    assert found.why("first.Class.time_it") == "package/one.py has changed"
    assert found.why("second.time_it") is None
    assert found.why("nowhere.time_it") == "its module is not known"
    assert found.why("deep.it.time_it") == "package/one.py has changed"
    assert found.why("deep.time_it") is None
    renamed = of(
        "package/one.py",
        files={"bench/second.py": "from package import two\nf.benchmark_name = 'x'"},
    )
    assert measured(renamed) == ALL


def test_the_suites_own_package_may_have_benchmarks() -> None:
    """They bear no module's name, so they are measured unless nothing at all is reached."""
    files = {"bench/__init__.py": "import package.sub.deep"}
    found = of("package/sub/deep.py", files=files)
    assert found.why("time_it") == found.why("Class.time_it") == "package/sub/deep.py has changed"
    assert of("package/one.py", files=files).why("time_it") is not None
    alone = {"bench/__init__.py": "import package.two", "package/two.py": ""}
    after = tree(alone)
    assert not reach(after, after, ["package/two.py"], Project("bench")).nothing
    assert reach(after, after, ["package/one.py"], Project("bench")).nothing


def test_a_suite_without_modules_is_not_nothing_to_measure() -> None:
    after = tree({"package/one.py": ""})
    assert not reach(after, after, [], Project("bench")).nothing


def test_module_names() -> None:
    assert module_name("bench/__init__.py", "bench") == ""
    assert module_name("other/first.py", "bench") is None
    assert module_name("first.py", "") == "first"


word = st.sampled_from(["alpha", "beta", "gamma", "random", "package", "bench"])
paths = st.lists(word, min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from(["/".join(parts) + ".py", "/".join(parts) + "/__init__.py"])
)
dotted = st.lists(word, min_size=1, max_size=3).map(".".join)
dots = st.sampled_from([".", "..", "..."])
statement = st.one_of(
    st.builds("import {}".format, dotted),
    st.builds("from {} import {}".format, dotted, word),
    st.builds("from {}{} import *".format, dots, word),
    st.builds("from {} import {}".format, dots, word),
)
sources = st.lists(statement, max_size=3).map("\n".join)
trees = st.dictionaries(paths, sources, max_size=8)


@given(trees, st.data())
def test_more_changes_never_mean_less_to_measure(
    files: dict[str, str], data: st.DataObject
) -> None:
    after = tree(files)
    some = data.draw(st.sets(st.sampled_from(sorted(files) or ["x.py"])))
    more = some | data.draw(st.sets(paths))
    project = Project("bench")
    assert measured(reach(after, after, some, project)) <= measured(
        reach(after, after, more, project)
    )


@given(trees)
def test_nothing_changed_is_nothing_to_measure(files: dict[str, str]) -> None:
    after = tree(files | {"bench/__init__.py": ""})
    assert reach(after, after, [], Project("bench")).nothing


@given(trees, st.data())
def test_a_module_reaches_itself_and_what_it_reaches_reaches(
    files: dict[str, str], data: st.DataObject
) -> None:
    """The closure is one: nothing that a reached file reaches is missing."""
    after = tree(files)
    start = data.draw(st.sampled_from(sorted(files) or [""]))
    found = reached(after, [start])
    assert (start in found.files) == (start in files)
    for file in found.files:
        assert reached(after, [file]).files <= found.files


LOAD = """
import json, sys
found = []
before = set(sys.modules)
for root in sys.argv[1:]:
    kept = list(sys.path)
    sys.path[:0] = [root, root + "/src"]
    try:
        import bench.start
    except Exception as error:
        pass
    mine = {name: module for name, module in sys.modules.items() if name not in before}
    files = [getattr(module, "__file__", None) for module in mine.values()]
    found.append(sorted(f[len(root) + 1:] for f in files if f and f.startswith(root)))
    for name in mine:
        del sys.modules[name]
    sys.path[:] = kept
print(json.dumps(found))
"""


def _line(rng: random.Random, modules: list[str], here: str) -> str:
    """One import, of whatever kind, that may or may not work."""
    target = rng.choice(modules)
    package, _, last = target.rpartition(".")
    depth = here.count("/")
    dots = "." * rng.randint(1, max(1, depth))
    lines = [
        f"import {target}",
        f"import {target} as x",
        f"from {package or target} import {last if package else 'x'}",
        f"from {package or target} import *",
        f"from {dots} import {last}",
        f"from {dots}{last} import *",
        f"def f():\n    import {target}\ntry:\n    f()\nexcept Exception: pass",
        f"from importlib import import_module\nimport_module({target!r})",
        f"x = __import__({target!r})",
        f"try:\n    import nowhere\nexcept ImportError:\n    import {target}",
    ]
    chosen = rng.choice(lines).replace("\n", "\n    ")
    return f"try:\n    {chosen}\nexcept ImportError: pass"


def _write(root: Path, rng: random.Random) -> dict[str, str]:
    """A project with packages in packages, at the top or in `src`, and a suite with one module."""
    top = rng.choice(["", "src/"])
    modules = ["alpha", "alpha.one", "alpha.two", "alpha.sub", "alpha.sub.one", "alpha.sub.two",
               "beta", "beta.one", "loose", "space.one"]  # fmt: skip
    places = {
        "alpha": "alpha/__init__.py", "alpha.sub": "alpha/sub/__init__.py", "beta": "beta/__init__.py"
    }  # fmt: skip
    files = {}
    for module in modules:
        path = top + places.get(module, module.replace(".", "/") + ".py")
        lines = [_line(rng, modules, path) for _ in range(rng.randint(0, 2))]
        if path.endswith("__init__.py") and rng.random() < 0.5:
            lines.append("__all__ = ['one', 'two', 'sub']")
        files[path] = "\n".join(lines) + "\n"
    files["bench/__init__.py"] = ""
    files["bench/start.py"] = (
        "\n".join(_line(rng, modules, "bench/start.py") for _ in range(2)) + "\n"
    )
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return files


def test_whatever_python_loads_was_said_to_be_reached(tmp_path: Path) -> None:
    """Two hundred projects, imported by a real interpreter."""
    rng = random.Random(7)
    roots = [tmp_path / str(number) for number in range(200)]
    projects = [_write(root, rng) for root in roots]
    words = [sys.executable, "-I", "-S", "-c", LOAD, *map(str, roots)]
    answer = subprocess.run(words, capture_output=True, text=True, check=True, timeout=300)
    loaded = json.loads(answer.stdout)
    assert sum(len(files) > 2 for files in loaded) > 100
    for files, project in zip(loaded, projects, strict=True):
        said = reached(tree(project), ["bench/start.py"])
        assert said.doubt is None
        assert set(files) <= said.files | {"bench/__init__.py"}
