"""What a source imports, and when that cannot be told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.changed.imports import Imports, Wanted, imports_of, same_code

FOLLOWED = {
    "import a.b": {Wanted(0, ("a", "b"))},
    "import a as x, b.c as y": {Wanted(0, ("a",)), Wanted(0, ("b", "c"))},
    "from a.b import c, d": {Wanted(0, ("a", "b", "c")), Wanted(0, ("a", "b", "d"))},
    "from . import a": {Wanted(1, ("a",))},
    "from ..a import b": {Wanted(2, ("a", "b"))},
    "from .a import *": {Wanted(1, ("a",), star=True)},
    "def f():\n    import a": {Wanted(0, ("a",))},
    "try:\n    import a\nexcept ImportError:\n    import b": {Wanted(0, ("a",)), Wanted(0, ("b",))},
    "if TYPE_CHECKING:\n    import a": {Wanted(0, ("a",))},
    "plugin = 'a.b:c'": {Wanted(0, ("a", "b"))},
    "from importlib import import_module\nimport_module('a')": {
        Wanted(0, ("a",)),
        Wanted(0, ("importlib", "import_module")),
    },
    "__import__('a.b')": {Wanted(0, ("a", "b"))},
    "import re\nre.compile('x')": {Wanted(0, ("re",))},
    "frame.eval('x')": set(),
    "class A:\n    def __getattr__(self, name): ...": set(),
    "import platform\nplatform.system()": {Wanted(0, ("platform",))},
    "from importlib.metadata import version": {Wanted(0, ("importlib", "metadata", "version"))},
}


@pytest.mark.parametrize("source", FOLLOWED)
def test_what_is_imported(source: str) -> None:
    found = imports_of(source.encode())
    assert (found.wanted, found.doubt) == (frozenset(FOLLOWED[source]), None)


@pytest.mark.parametrize(
    "source",
    [
        "import importlib\nimportlib.import_module(name)",
        "from importlib import import_module as load\nload('a')",
        "load = import_module",
        "import_module('.a', package)",
        "import_module('.a')",
        "__import__(name)",
        "__import__('a', fromlist=names)",
        "import importlib.util",
        "from importlib import *",
        "from importlib.metadata import entry_points",
        "importlib.metadata.entry_points()",
        "exec(text)",
        "run = eval",
        "code = compile(text, '', 'exec')",
        "import builtins",
        "import pkgutil",
        "import runpy",
        "import pickle",
        "from _pickle import loads",
        "from unittest import mock",
        "import unittest.loader",
        "import doctest",
        "from logging import config",
        "import logging.config",
        "def __getattr__(name): ...",
        "if True:\n    def __getattr__(name): ...",
        "__getattr__, __dir__ = attach()",
        "module.__getattr__ = load",
        "import sys\nsys.path.insert(0, 'x')",
        "import sys as s\ns.path.append('x')",
        "from sys import path",
        "import os as o\no.system('x')",
        "from os import system",
        "os.execv('x', [])",
        "import subprocess",
        "open(__file__)",
        "__path__ = []",
        "def timeraw_start(): return 'import a'",
        "timeraw_start = make()",
        "from .other import timeraw_start",
        "class TimerawStart: ...",
    ],
)
def test_what_cannot_be_told(source: str) -> None:
    found = imports_of(source.encode())
    assert found.doubt is not None
    assert found.doubt.startswith("line ")


@pytest.mark.parametrize("source", [b"def", b"a = \0", b"\xff\xfe\xfa", b"(" * 5000])
def test_what_is_no_python_is_in_doubt(source: bytes) -> None:
    assert imports_of(source).doubt == "it cannot be read as Python"


def test_the_first_doubt_is_named_with_its_line() -> None:
    assert imports_of(b"import a\n\neval(x)\nimport pickle\n").doubt == (
        "line 3 runs code from a text"
    )


@pytest.mark.parametrize("source", ["f.benchmark_name = 'x'", "setattr(f, 'benchmark_name', 'x')"])
def test_benchmarks_that_take_another_name_are_seen(source: str) -> None:
    assert imports_of(source.encode()).names_benchmarks


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def time_it(): ...", True),
        ("class Suite:\n    def peakmem_it(self): ...", True),
        ("class TimeIt: ...", True),
        ("track_size = make()", True),
        ("from .other import mem_it", True),
        ("from .other import *", True),
        ("def timed(): ...", False),
        ("import time", False),
    ],
)
def test_what_may_be_a_benchmark_is_seen(source: str, expected: bool) -> None:
    assert imports_of(source.encode()).benchmarks is expected


def test_an_escape_that_warns_does_not() -> None:
    """Warnings of the code that is read are its own business."""
    assert imports_of(b"import a\nx = '\\d'") == Imports(frozenset({Wanted(0, ("a",))}))


def test_comments_and_layout_are_not_code() -> None:
    assert same_code(b"x = 1\n", b"# why\n\nx   =  (1)\n")
    assert not same_code(b"x = 1\n", b"x = 2\n")
    assert not same_code(b"def f():\n    'one'\n", b"def f():\n    'two'\n")
    assert not same_code(b"x = (", b"x = (")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_anything_can_be_read(source: bytes) -> None:
    """Whatever a repository holds under a name that ends in .py."""
    found = imports_of(source)
    assert found.doubt is None or found.doubt
    assert all(wanted.parts or wanted.level for wanted in found.wanted)
