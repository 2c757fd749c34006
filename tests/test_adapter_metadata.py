"""`benchmarks.json` → `Benchmark`: kinds, names, and the attributes set on functions."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from odyssey_asv.adapter.metadata import benchmark_of, short_name
from odyssey_asv.adapter.tree import read_suite
from odyssey_asv.model import Benchmark, Better, Kind
from tests.asv_documents import json_values, record

NAME = "suite.time_f"
AXES = [["1", "2"], ["'a'", "'b'"]]


def described(params: Any = (), **attributes: Any) -> Benchmark:
    """The benchmark of a record with these attributes."""
    return benchmark_of(NAME, record(NAME, params, **attributes))


@pytest.mark.parametrize(
    ("benchmark_id", "name"),
    [
        ("tensors.TensorAdd.time_tensor_add", "tensor_add"),
        ("tensors.timeraw_import", "import"),
        ("tensors.mem_list", "list"),
        ("tensors.peakmem_list", "list"),
        ("tensors.track_loss", "loss"),
        ("time_alone", "alone"),
        ("suite.time_time_zone", "time_zone"),
        ("suite.daytime_sum", "daytime_sum"),
        ("suite.time_", "time_"),
        ("suite.TimeSum", "TimeSum"),
        ("suite.", "suite."),
    ],
)
def test_short_name_is_the_function_without_its_prefix(benchmark_id: str, name: str) -> None:
    """What people call a benchmark; never empty."""
    assert short_name(benchmark_id) == name


@pytest.mark.parametrize(
    ("benchmark_id", "kind", "unit"),
    [
        ("m.time_f", Kind.TIME, "seconds"),
        ("m.timeraw_f", Kind.TIME, "seconds"),
        ("m.mem_f", Kind.MEMORY, "bytes"),
        ("m.peakmem_f", Kind.PEAKMEMORY, "bytes"),
        ("m.track_f", Kind.TRACK, "unit"),
        ("m.something", Kind.TRACK, "unit"),
    ],
)
def test_kind_follows_from_the_name_of_a_deleted_benchmark(
    benchmark_id: str, kind: Kind, unit: str
) -> None:
    """asv forgets the records of deleted benchmarks, not their results."""
    found = benchmark_of(benchmark_id, None, params=AXES, version="7")
    assert (found.kind, found.unit, found.version) == (kind, unit, "7")
    assert found.param_names == ("param1", "param2")


def test_declared_type_wins_over_the_name() -> None:
    """asv's own `type` is what it measured."""
    assert benchmark_of("m.time_f", record("m.time_f", type="memory")).kind is Kind.MEMORY


def test_a_type_of_the_user_s_own_is_tracked() -> None:
    """`track_` functions may set any type and unit."""
    found = benchmark_of("m.track_f", record("m.track_f", type="ratio", unit="rows/s"))
    assert (found.kind, found.unit) == (Kind.TRACK, "rows/s")


def test_row_wins_over_the_record() -> None:
    """A result may be older than the benchmark: its own version and parameters hold."""
    found = benchmark_of(NAME, record(NAME, AXES), params=[["5"]], version="older")
    assert (found.params, found.version) == ((("5",),), "older")


def test_record_says_what_the_row_does_not() -> None:
    """Rows without a version take the record's."""
    found = benchmark_of(NAME, record(NAME, AXES, version=3))
    assert (found.params, found.version) == ((("1", "2"), ("'a'", "'b'")), "3")
    assert benchmark_of(NAME, {}).version is None


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["n", "mode"], ("n", "mode")),
        (["n", "n"], ("n", "n#2")),
        (["n#2", "n", "n"], ("n#2", "n", "n#3")),
        (["n"], ("n", "param2", "param3")),
        (["a", "b", "c", "d"], ("a", "b", "c")),
        ([], ("param1", "param2", "param3")),
        ([1, None], ("1", "None")),
    ],
)
def test_every_axis_has_a_name_of_its_own(names: list[Any], expected: tuple[str, ...]) -> None:
    """asv allows too few names, too many and equal ones."""
    axes = [["1"]] * len(expected)
    found = benchmark_of(NAME, record(NAME, axes, param_names=names))
    assert found.param_names == expected


def test_cases_pair_names_and_values_in_the_product_s_order() -> None:
    """The order in which asv stores results."""
    found = described([["1", "2"], ["x", "y"]], param_names=["n", "k"])
    assert [(dict(case.params), case.position) for case in found.cases()] == [
        ({"n": "1", "k": "x"}, 0),
        ({"n": "1", "k": "y"}, 1),
        ({"n": "2", "k": "x"}, 2),
        ({"n": "2", "k": "y"}, 3),
    ]


def test_without_parameters_there_is_one_case() -> None:
    """It has no position: there is nothing to count."""
    (case,) = described().cases()
    assert (case.params, case.position) == ((), None)


def test_attributes_of_the_function_arrive() -> None:
    """`work`, `work_unit`, `threshold`, `tolerance`, `better`, and asv's own `warmup_time`."""
    found = described(
        work=1000,
        work_unit="row",
        threshold="20%",
        tolerance=0.1,
        better="higher",
        warmup_time=0.5,
    )
    assert (found.work, found.work_unit) == (1000.0, "row")
    assert (found.threshold, found.tolerance) == (0.2, 0.1)
    assert found.better is Better.HIGHER
    assert found.warmup_s == 0.5


def test_attributes_recorded_by_asv_arrive(fixtures: Any) -> None:
    """Through real asv: what was set on a function is in its `benchmarks.json`."""
    suite = read_suite(fixtures / "asv_tree/benchmarks.json")
    found = benchmark_of("meta.time_work", suite["meta.time_work"])
    assert (found.work, found.work_unit, found.threshold) == (1000.0, "rows", 0.2)
    rate = benchmark_of("meta.track_rate", suite["meta.track_rate"])
    assert (rate.better, rate.threshold, rate.unit) == (Better.HIGHER, 0.1, "rows/s")


@pytest.mark.parametrize(
    ("work", "expected"),
    [
        ([1, 2, 3, 4], (1.0, 2.0, 3.0, 4.0)),
        ([5, 5, 5, 5], 5.0),
        ([1, None, 3, "x"], (1.0, None, 3.0, None)),
        ([1, -2, 0, True], (1.0, None, None, None)),
        ([1, 2], (1.0, 2.0, None, None)),
        ([1, 2, 3, 4, 5], (1.0, 2.0, 3.0, 4.0)),
        ([None] * 4, None),
        ([], None),
        (7, 7.0),
    ],
)
def test_work_of_each_case_keeps_its_place(work: Any, expected: Any) -> None:
    """A list is in product order; what is no positive number is none for that case alone."""
    assert described(AXES, work=work).work == expected


def test_work_in_a_list_for_the_only_case() -> None:
    """A benchmark without parameters has one case, and a list of one work."""
    assert described(work=[3]).work == 3.0


@pytest.mark.parametrize("work", [0, -1, "10", True, None, math.nan, math.inf, 10**400, {"a": 1}])
def test_work_that_is_no_positive_number_is_ignored(work: Any) -> None:
    """A bad attribute loses only itself."""
    assert described(work=work).work is None


@pytest.mark.parametrize("share", [-0.1, "x", "", True, [], {}, math.nan, math.inf, "1e400", None])
@pytest.mark.parametrize("attribute", ["threshold", "tolerance"])
def test_share_that_is_none_is_ignored(attribute: str, share: Any) -> None:
    """The defaults hold where an attribute makes no sense."""
    assert getattr(described(**{attribute: share}), attribute) is None


@pytest.mark.parametrize("better", ["lower", "Higher", None, 1, ["higher"]])
def test_better_is_lower_unless_said(better: Any) -> None:
    """Only the word `higher` turns the direction around."""
    assert described(better=better).better is Better.LOWER


@pytest.mark.parametrize("warmup", [-1, -0.5, "1", None, True])
def test_warmup_that_asv_leaves_to_the_interpreter_is_unknown(warmup: Any) -> None:
    """asv writes -1 for "whatever suits"."""
    assert described(warmup_time=warmup).warmup_s is None


def test_a_benchmark_without_a_name_is_an_error() -> None:
    """Nothing could refer to it."""
    with pytest.raises(ValueError, match="without a name"):
        benchmark_of("", {})


@given(json_values, json_values)
def test_no_attribute_can_break_the_reading(one: Any, other: Any) -> None:
    """Whatever JSON an attribute is, the benchmark is described."""
    found = described(
        AXES,
        work=one,
        threshold=other,
        tolerance=one,
        better=other,
        work_unit=one,
        warmup_time=other,
    )
    assert isinstance(json.dumps(found.name), str)
    assert isinstance(found.work_unit, str)
