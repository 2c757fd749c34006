"""The published JSON Schema says what the model says."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings

from odyssey_asv.adapter.tree import read_asv_tree
from odyssey_asv.store.results import serialise
from odyssey_asv.store.schema import check, json_schema, milliseconds
from odyssey_asv.store.text import dumps
from tests.strategies import result_sets

PUBLISHED = Path(__file__).parents[1] / "docs/result.schema.json"
SCHEMA = json_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
MINIMAL: dict[str, Any] = {
    "timestamp": "2025-01-13T10:00:00Z",
    "environment": {},
    "benchmarks": [{"name": "a", "duration_ms": 1.5}],
}


def test_published_schema_is_the_model_s() -> None:
    """Made again by: python -c "from odyssey_asv.store import schema, text;
    print(text.dumps(schema.json_schema()), end='')" > docs/result.schema.json
    """
    assert PUBLISHED.read_text(encoding="utf-8") == dumps(SCHEMA)


def test_published_schema_is_a_schema() -> None:
    """Of the draft that it names."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_seed_s_file_is_valid(fixtures: Path) -> None:
    """For other programs as for us."""
    VALIDATOR.validate(json.loads((fixtures / "seed/minimal.json").read_bytes()))


def test_files_made_of_asv_s_are_valid(fixtures: Path) -> None:
    """Every kind of benchmark, both formats."""
    for name in ("asv_tree", "asv_tree_v1"):
        for results in read_asv_tree(fixtures / name):
            VALIDATOR.validate(json.loads(serialise(results)))


@settings(deadline=None, max_examples=30)
@given(result_sets().filter(lambda results: results.results))
def test_files_of_any_run_are_valid(results: Any) -> None:
    """Whatever was measured."""
    VALIDATOR.validate(json.loads(serialise(results)))


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    document = copy.deepcopy(MINIMAL)
    here: Any = document
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("timestamp",), 5),
        (("timestamp",), ""),
        (("schema_version",), "one"),
        (("environment",), []),
        (("environment", "os"), 5),
        (("environment", "cores"), -1),
        (("benchmarks",), {}),
        (("benchmarks", 0), "a"),
        (("benchmarks", 0, "name"), ""),
        (("benchmarks", 0, "duration_ms"), -1),
        (("benchmarks", 0, "duration_ms"), "1"),
        (("benchmarks", 0, "duration_ms"), True),
        (("benchmarks", 0, "status"), "fine"),
        (("benchmarks", 0, "type"), "speed"),
        (("benchmarks", 0, "work"), 0),
        (("benchmarks", 0, "iterations"), 1.5),
        (("benchmarks", 0, "samples"), [None]),
        (("benchmarks", 0, "samples"), [{"nonfinite": "big"}]),
        (("benchmarks", 0, "params"), {"n": 1}),
        (("benchmarks", 0, "stats"), {"ci_99": [1, 2, 3]}),
        (("commit",), {"hash": "HEAD"}),
        (("approval",), {"by": "a"}),
    ],
)
def test_schema_and_model_refuse_the_same(path: tuple[Any, ...], value: Any) -> None:
    """Neither lets pass what the other does not."""
    document = changed(path, value)
    assert not VALIDATOR.is_valid(document)
    file, faults = check(document)
    assert file is None
    assert faults


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("mine",), [1]),
        (("environment", "mine"), None),
        (("benchmarks", 0, "mine"), {}),
        (("benchmarks", 0, "duration_ms"), 2),
        (("benchmarks", 0, "iterations"), 5.0),
        (("benchmarks", 0, "samples"), [1, 2.5, {"nonfinite": "NaN"}]),
        (("benchmarks", 0, "stats"), {"ci_99": [None, {"nonfinite": "Infinity"}]}),
        (("commit",), {"hash": "a1b2c3d"}),
        (("commit",), {"hash": "ab" * 32}),
    ],
)
def test_schema_and_model_accept_the_same(path: tuple[Any, ...], value: Any) -> None:
    """Unknown keys among it."""
    document = changed(path, value)
    VALIDATOR.validate(document)
    assert check(document)[1] == ()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0.0125, 12.5),
        (3e-4, 0.3),
        (0, 0.0),
        (1, 1000.0),
        (-1, None),
        (True, None),
        ("1", None),
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (1e307, None),
        (10**400, None),
    ],
)
def test_milliseconds_of_a_value(value: Any, expected: float | None) -> None:
    """Decimal, and none where the value is no duration."""
    assert milliseconds(value) == expected
