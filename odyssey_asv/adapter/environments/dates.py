"""Dates as of which an environment is made: of build tools, of requirements, and a Python of that time.

A commit that is built years later meets build tools that refuse what was usual then, and requirements
that have dropped what it calls. uv leaves out what was uploaded after a date; the Python has to go with
it, for tools of 2019 do not run on a Python of 2022.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from odyssey_asv.adapter.asv_config import AsvConfig
from odyssey_asv.adapter.environments import interpreters
from odyssey_asv.adapter.environments.recipes import Dates, Recipe, recipes

COMMIT = "commit"

# The first final release of each version, from the release schedules: PEP 494, 537, 569, 596, 619, 664,
# 693, 719, 745 and 790.
RELEASED: Mapping[tuple[int, int], date] = {
    (3, 6): date(2016, 12, 23),
    (3, 7): date(2018, 6, 27),
    (3, 8): date(2019, 10, 14),
    (3, 9): date(2020, 10, 5),
    (3, 10): date(2021, 10, 4),
    (3, 11): date(2022, 10, 24),
    (3, 12): date(2023, 10, 2),
    (3, 13): date(2024, 10, 7),
    (3, 14): date(2025, 10, 7),
    (3, 15): date(2026, 10, 1),
}
# Below it benchmarks cannot be run.
_OLDEST = (3, 8)
# Wheels for a new Python come in the months after its release.
_CATCHING_UP = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class AsOf:
    """What a user asks for: things as they were at `moment`, or at each commit's own date (None)."""

    moment: datetime | None = None

    def __str__(self) -> str:
        return COMMIT if self.moment is None else f"{self.moment:%Y-%m-%dT%H:%M:%SZ}"

    def dates(self, contender: datetime) -> Dates:
        """The dates of a comparison. Requirements are those of one moment, the contender's, on both
        sides: else the sides would differ in more than the project."""
        return Dates(requirements=self.moment or contender, tools=self.moment)


def parse_as_of(text: str) -> AsOf:
    """`commit`, a day, which is meant to its end, or a moment in ISO 8601; UTC where no zone is given.
    Raises `ValueError`.

    >>> str(parse_as_of("2019-06-01")), str(parse_as_of("2019-06-01T12:00+02:00"))
    ('2019-06-02T00:00:00Z', '2019-06-01T10:00:00Z')
    """
    if text == COMMIT:
        return AsOf()
    try:
        day = date.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(
                f"{text!r} is neither 'commit' nor a date such as 2019-06-01 or 2019-06-01T12:00:00Z"
            ) from None
        return AsOf((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC))
    return AsOf(datetime.combine(day + timedelta(days=1), time(), UTC))


def usable(moment: datetime, version: str) -> datetime:
    """The date itself, or, where a Python came out later, one at which tools knew that Python. An empty
    version is that of the running interpreter."""
    released = _released(version or "{}.{}".format(*_running()))
    if released is None or released <= moment.date():
        return moment
    return datetime.combine(released + _CATCHING_UP, time(), UTC)


@dataclass(frozen=True, slots=True)
class Choice:
    """Environments as of a date. `python` is the version that stands in for the configuration's, None
    where that was kept; `warnings` say what could not be as it was then."""

    recipes: tuple[Recipe, ...]
    python: str | None
    warnings: tuple[str, ...] = ()


def choose(  # noqa: PLR0913 (what recipes take, and two dates)
    config: AsvConfig,
    as_of: AsOf,
    *,
    base: datetime,
    contender: datetime,
    environments: tuple[str, ...] = (),
    python: str | None = None,
    uv: str,
    oldest: tuple[int, int] = _OLDEST,
) -> Choice:
    """The environments of a comparison of two commits, of these dates.

    A Python that is asked for, by `python` or `environments`, is kept. Otherwise those of the
    configuration are that were out at the older of the two dates, for both commits have to run on it;
    where none was, the newest that is installed here, is not newer than the configuration's, and was;
    where there is none of them either, the oldest. None is older than `oldest`. Raises
    `InvalidInputError`.
    """
    moment = as_of.moment or min(base, contender)
    found = recipes(config, environments=environments, python=python)
    chosen = python
    if python is None and not environments:
        fitting = [recipe for recipe in found if _was_out(recipe, moment)]
        if not fitting:
            chosen = _newest(moment, [_pair(recipe.python) for recipe in found], oldest, uv)
            fitting = recipes(config, python=chosen) if chosen is not None else found
        found = fitting
    dates = as_of.dates(contender)
    return Choice(
        tuple(replace(recipe, dates=dates) for recipe in found),
        chosen,
        tuple(dict.fromkeys(text for r in found if (text := _warning(r, moment)) is not None)),
    )


def _newest(
    moment: datetime, limits: Sequence[tuple[int, int] | None], oldest: tuple[int, int], uv: str
) -> str | None:
    """The newest of the versions installed here that was out then, else the oldest of them."""
    limit = max((pair for pair in limits if pair is not None), default=_running())
    here = sorted(
        pair
        for interpreter in interpreters.installed(uv)
        if (pair := _pair(interpreter.version)) is not None
        and interpreter.implementation == "CPython"
        and oldest <= pair <= limit
        and pair in RELEASED
    )
    if not here:
        return None
    out = [pair for pair in here if RELEASED[pair] <= moment.date()]
    return "{}.{}".format(*(out[-1] if out else here[0]))


def _was_out(recipe: Recipe, moment: datetime) -> bool:
    """Whether a recipe's Python was; what is no version (a path, PyPy) is the user's business."""
    if recipe.python and not recipe.python[0].isdigit():
        return True
    released = _released(recipe.python or "{}.{}".format(*_running()))
    return released is not None and released <= moment.date()


def _warning(recipe: Recipe, moment: datetime) -> str | None:
    if _was_out(recipe, moment):
        return None
    version = recipe.python or "{}.{}".format(*_running())
    then = usable(moment, version)
    return (
        f"no Python of {moment:%Y-%m-%d} is used but {version}, which came out later: build tools and"
        f" requirements are as of {then:%Y-%m-%d}, the first that knew it"
    )


def _released(version: str) -> date | None:
    pair = _pair(version)
    return None if pair is None else RELEASED.get(pair)


def _pair(version: str) -> tuple[int, int] | None:
    """Major and minor number, None where the text does not begin with them.

    >>> _pair("3.11.7"), _pair("3.13t"), _pair("pypy3.10"), _pair("3")
    ((3, 11), (3, 13), None, None)
    """
    parts = version.rstrip("t").split(".")
    if len(parts) < 2 or not all(part.isdigit() for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def _running() -> tuple[int, int]:
    return sys.version_info[0], sys.version_info[1]
