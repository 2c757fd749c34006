"""What runs of the accuracy study found, one JSON line each, and the table made of them.

Knows nothing of how a run is made. A case counts as called when its verdict is `regression`, as undecided
when it is `inconclusive`, and as not measured when there is no verdict that says anything of its speed;
such a case is in no share, and stands beside it.
"""

from __future__ import annotations

import json
import math
import statistics
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.studies.pairs import spread
from benchmarks.studies.subjects import FAILS, ONE, Case

ASV, ODYSSEY = "asv continuous", "odyssey check"
CHANGED, SAME, COLD, WARM = "changed", "same", "cold", "warm"
_WHATS = {
    CHANGED: "with slowdowns",
    SAME: "unchanged",
    COLD: "from nothing",
    WARM: "environments there",
}
_FORMAT = 1
_WIDTH = 100
_SHOWN = 6
_MEASURED = frozenset({"regression", "slower", "unchanged", "faster", "inconclusive"})


@dataclass(frozen=True, slots=True)
class Judged:
    """What a tool said of one case. `ratio` is None where it gave none."""

    verdict: str
    ratio: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Zone:
    """In per cent: up to `tolerance` a slowdown must pass, from `threshold` on it must alert."""

    tolerance: float = 5.0
    threshold: float = 10.0

    def __str__(self) -> str:
        return f"{self.tolerance:g} % to {self.threshold:g} %"


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what a run is made: runs of one setting are counted together."""

    family: str
    zone: Zone = Zone()
    load: bool = False
    cpu: int | None = None

    def __str__(self) -> str:
        load = "a process comes and goes on the processor" if self.load else "no load made"
        pinned = "" if self.cpu is None else f", on processor {self.cpu}"
        return f"{load}{pinned}, zone {self.zone}"


@dataclass(slots=True)
class Tally:
    """Cases of one slowdown in one run. `alarms` are those called a regression, of cases that newly fail
    those called failed; `faster` those called faster. `ratio` is the median of what the tool says."""

    cases: int = 0
    alarms: int = 0
    undecided: int = 0
    missing: int = 0
    ratio: float | None = None
    faster: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one tool. `turn` is shared by the runs of both tools that belong together; `sampling` is
    the share of the wall time. `wrong`, `undecided` and `missing` name cases: the falsely called with
    the ratio that the tool gave, the others with the reason."""

    date: str
    turn: str
    tool: str
    version: str
    what: str
    setting: Setting
    seconds: float
    exit_code: int
    tallies: Mapping[int, Tally]
    sampling: float | None = None
    wrong: Mapping[str, float | None] = field(default_factory=dict)
    undecided: Mapping[str, str | None] = field(default_factory=dict)
    missing: Mapping[str, str | None] = field(default_factory=dict)

    def line(self) -> str:
        """The run as one line of JSON."""
        return json.dumps({"format": _FORMAT, **asdict(self)}, sort_keys=True, allow_nan=False)

    def total(self, what: str) -> int:
        """The sum over all slowdowns of `cases`, `alarms`, `undecided` or `missing`."""
        return sum(getattr(tally, what) for tally in self.tallies.values())


def read(path: Path) -> list[Run]:
    """The runs of a log, in its order. Raises ValueError that names the line which is none."""
    runs = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            runs.append(_run(json.loads(line)))
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path}:{number}: not a run of this study: {error}") from error
    return runs


def _run(entry: dict[str, Any]) -> Run:
    if entry.pop("format") != _FORMAT:
        raise ValueError("another format")
    setting = entry.pop("setting")
    zone = Zone(**setting.pop("zone"))
    tallies = {int(slowdown): Tally(**tally) for slowdown, tally in entry.pop("tallies").items()}
    return Run(setting=Setting(zone=zone, **setting), tallies=tallies, **entry)


@dataclass(frozen=True, slots=True)
class Counts:
    """The cases of one run, counted."""

    tallies: dict[int, Tally] = field(default_factory=dict)
    wrong: dict[str, float | None] = field(default_factory=dict)
    undecided: dict[str, str | None] = field(default_factory=dict)
    missing: dict[str, str | None] = field(default_factory=dict)


def count(cases: Iterable[Case], judged: Mapping[str, Judged], what: str, zone: Zone) -> Counts:
    """Compare what a tool said with the truth; where `what` is not `changed`, every case stayed as it was.

    >>> count([Case("a", 10), Case("b", 10)], {"a": Judged("regression")}, CHANGED, Zone()).tallies
    {10: Tally(cases=2, alarms=1, undecided=0, missing=1, ratio=None, faster=0)}
    """
    counts = Counts()
    ratios: dict[int, list[float]] = {}
    for case in cases:
        slowdown = case.slowdown if what == CHANGED else 0
        tally = counts.tallies.setdefault(slowdown, Tally())
        said = judged.get(case.label, Judged("absent"))
        tally.cases += 1
        if said.ratio is not None:
            ratios.setdefault(slowdown, []).append(said.ratio)
        if slowdown == FAILS:
            tally.alarms += said.verdict == "failed"
            tally.undecided += said.verdict == "inconclusive"
        elif said.verdict not in _MEASURED:
            tally.missing += 1
            counts.missing[case.label] = said.reason or said.verdict
        elif said.verdict == "inconclusive":
            tally.undecided += 1
            counts.undecided[case.label] = said.reason
        elif said.verdict == "regression":
            tally.alarms += 1
            if slowdown <= zone.tolerance:
                counts.wrong[case.label] = said.ratio
        elif said.verdict == "faster":
            tally.faster += 1
    for slowdown, found in ratios.items():
        counts.tallies[slowdown].ratio = round(statistics.median(found), 5)
    return counts


def table(runs: Sequence[Run]) -> list[str]:
    """The figures, one a line of at most a hundred characters: setting by setting, tool by tool."""
    lines: list[str] = []
    for setting in dict.fromkeys(run.setting for run in runs):
        here = [run for run in runs if run.setting == setting]
        if setting.family == ONE:
            name = "one benchmark that did not change"
        else:
            name = f"{setting.family}, {here[0].total('cases')} cases"
        lines += [""] * bool(lines) + [f"{name}, {setting}:"]
        for tool in (ASV, ODYSSEY):
            mine = [run for run in here if run.tool == tool]
            if mine:
                lines += [f"  {tool}", *_accuracy(mine), *_times(mine)]
        lines += _beside(here)
        shares = [run.sampling for run in here if run.sampling is not None]
        if shares:
            lines.append(f"  of odyssey's wall time sampling: {statistics.median(shares):.0%}")
    return [part for line in lines for part in _wrapped(line)]


def _wrapped(line: str) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(
        line.strip(), _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  "
    ) or [""]


def _accuracy(runs: Sequence[Run]) -> list[str]:
    changed = [run for run in runs if run.what == CHANGED]
    same = [run for run in runs if run.what == SAME]
    if not changed and not same:
        return []
    lines = []
    for slowdown in sorted({slowdown for run in changed for slowdown in run.tallies}):
        tallies = [run.tallies[slowdown] for run in changed if slowdown in run.tallies]
        shown = _share([tally.alarms for tally in tallies], tallies)
        if slowdown == FAILS:
            lines.append(f"    newly failing: called failed in {shown}")
            continue
        lines.append(f"    true {slowdown:+} %: called a regression in {shown}")
        if slowdown < 0:
            shown = _share([tally.faster for tally in tallies], tallies)
            lines.append(f"    true {slowdown:+} %: called faster in {shown}")
    if same:
        tallies = [tally for run in same for tally in run.tallies.values()]
        whole = [run for run in same if run.total("missing") < run.total("cases")]
        # A case that newly fails is an alarm too, though it says nothing of its speed.
        alarmed = sum(1 for run in whole if run.total("alarms") or run.exit_code == 1)
        lines.append(
            f"    unchanged code: {_share([t.alarms for t in tallies], tallies, beside=False)} of cases"
        )
        lines.append(f"                    {share(alarmed, len(whole))} of runs")
    for word, what in (("undecided", "undecided"), ("not measured", "missing")):
        sums = [sum(run.total(what) for run in part) for part in (changed, same)]
        if what == "undecided" or any(sums):
            apart = f" ({sums[0]} with slowdowns, {sums[1]} unchanged)" if all(sums) else ""
            lines.append(f"    {word}: {sum(sums)}{apart}")
    failed = Counter(run.exit_code for run in runs if run.total("missing") == run.total("cases"))
    lines += [
        f"    runs that ended with exit code {c} and no verdict: {n}" for c, n in failed.items()
    ]
    return lines + _wrong([*changed, *same])


def _share(hits: Sequence[int], tallies: Sequence[Tally], *, beside: bool = True) -> str:
    """A share of the measured cases, and beside it the ones that cannot be right."""
    undecided, missing = (sum(getattr(t, n) for t in tallies) for n in ("undecided", "missing"))
    text = share(sum(hits), sum(tally.cases for tally in tallies) - missing)
    if beside and undecided:
        text += f", {undecided} undecided"
    if beside and missing:
        text += f", {missing} not measured"
    return text


def _wrong(runs: Sequence[Run]) -> list[str]:
    """Which cases were falsely called, the most frequent first."""
    ratios: dict[str, list[float | None]] = {}
    for run in runs:
        for name, ratio in run.wrong.items():
            ratios.setdefault(name.removeprefix("suite."), []).append(ratio)
    often = sorted(ratios, key=lambda name: (-len(ratios[name]), name))
    shown = []
    for name in often[:_SHOWN]:
        known = [ratio for ratio in ratios[name] if ratio is not None]
        times = f"{len(ratios[name])} times " if len(ratios[name]) > 1 else ""
        shown.append(f"{name} {times}" + (f"at {statistics.median(known):.3f}" if known else ""))
    if len(often) > _SHOWN:
        shown.append(f"and {len(often) - _SHOWN} more")
    if not shown:
        return []
    return ["    falsely called: " + ", ".join(each.strip() for each in shown)]


def _times(runs: Sequence[Run]) -> list[str]:
    lines = []
    for what, words in _WHATS.items():
        seconds = [run.seconds for run in runs if run.what == what]
        if seconds:
            lines.append(
                f"    wall time {words}: {statistics.median(seconds):.1f} s"
                f" ({min(seconds):.1f} to {max(seconds):.1f})"
            )
    return lines


def _beside(runs: Sequence[Run]) -> list[str]:
    """Wall time over asv's, of what was run in the same turn."""
    lines = []
    for what, words in _WHATS.items():
        mine, its = (
            {run.turn: run.seconds for run in runs if run.tool == tool and run.what == what}
            for tool in (ODYSSEY, ASV)
        )
        both = [turn for turn in mine if turn in its]
        if not both:
            continue
        if what in (COLD, WARM):
            middle = [statistics.median(seconds[turn] for turn in both) for seconds in (mine, its)]
            shown = f"{middle[0] / middle[1]:.2f} (of medians, {len(both)} turns)"
        else:
            shown = spread([mine[turn] / its[turn] for turn in both])
        lines.append(f"  wall time over asv's, {words}: {shown}")
    return lines


def share(hits: int, of: int) -> str:
    """`3 of 40 (7.5%, 1.6% to 20.4%)`: with the 95 % interval of Clopper and Pearson (1934).

    >>> share(3, 40), share(0, 0)
    ('3 of 40 (7.5%, 1.6% to 20.4%)', '0 of 0')
    """
    if of == 0:
        return "0 of 0"
    low = 0.0 if hits == 0 else _root(lambda p: _tail(hits, of, p) - 0.025)
    high = 1.0 if hits == of else _root(lambda p: _tail(hits + 1, of, p) - 0.975)
    return f"{hits} of {of} ({hits / of:.1%}, {low:.1%} to {high:.1%})"


def _tail(hits: int, of: int, chance: float) -> float:
    """The probability of at least so many hits, with a `chance` between 0 and 1."""
    yes, no = math.log(chance), math.log1p(-chance)
    return math.fsum(
        math.exp(
            math.lgamma(of + 1) - math.lgamma(k + 1) - math.lgamma(of - k + 1)
            + k * yes + (of - k) * no
        )
        for k in range(hits, of + 1)
    )  # fmt: skip


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > 0 else (middle, high)
    return low
