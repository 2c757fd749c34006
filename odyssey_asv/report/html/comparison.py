"""A comparison of stored results as a page: the verdict, every change on one axis and in a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from odyssey_asv.comparison import Comparison, Delta, Outcome
from odyssey_asv.policy import Verdict
from odyssey_asv.report import words
from odyssey_asv.report.html.head import Head, known, machine, tone, word
from odyssey_asv.report.html.intervals import Mark, plot
from odyssey_asv.report.html.paper import document
from odyssey_asv.units import one_line


@dataclass(frozen=True, slots=True)
class Entry:
    """One case as the table shows it. `change` is a share to sort by, None where nothing was divided."""

    number: int
    name: str
    tone: str
    verdict: str
    gated: bool
    change: float | None
    shown: str
    base: str
    contender: str
    reason: str

    @property
    def anchor(self) -> str:
        """The id of its row in the table."""
        return f"case-{self.number}"


def render(comparison: Comparison) -> str:
    """The whole document. It asks nothing of any network and is readable without its script."""
    ordered = _ordered(comparison.deltas)
    entries = [_entry(delta, number) for number, delta in enumerate(ordered)]
    marks = [_mark(*pair) for pair in zip(ordered, entries, strict=True)]
    return document("comparison.html", head=_head(comparison), entries=entries, plot=plot(marks))


def _ordered(deltas: Sequence[Delta]) -> list[Delta]:
    """What may raise an alarm before what may not, and regressions first; worst first in each."""
    return sorted(deltas, key=lambda d: (not d.gated, d.verdict is not Verdict.REGRESSION))


def _head(comparison: Comparison) -> Head:
    kind, word = _verdict(comparison)
    places = [machine([side]) for side in (comparison.base, comparison.contender)]
    return Head(
        kind="odyssey compare",
        tone=kind,
        verdict=word,
        conclusion=words.conclusion(comparison),
        facts=known(
            ("base", words.side(comparison.base)),
            ("contender", words.side(comparison.contender)),
            ("cases", words.counts(comparison)),
            ("geometric mean", words.geometric_mean(comparison)),
            ("machine", "; ".join(dict.fromkeys(place for place in places if place))),
        ),
        faults=tuple(words.faults(comparison)),
        warnings=tuple(words.warnings(comparison)),
        notes=(*words.ungated(comparison), *words.hints(comparison)),
    )


def _verdict(comparison: Comparison) -> tuple[str, str]:
    """The class and the word of the verdict on the whole."""
    match comparison.outcome:
        case Outcome.INVALID:
            return "error", "invalid"
        case Outcome.NOTHING_COMPARED:
            return "error", "nothing compared"
        case Outcome.NOT_JUDGED:
            return "inconclusive", "not judged"
        case Outcome.REGRESSION:
            return "regression", "regression"
        case Outcome.OK:
            return "ok", "ok"


def _entry(delta: Delta, number: int) -> Entry:
    return Entry(
        number=number,
        name=words.metric(delta),
        tone=tone(delta.verdict),
        verdict=words.verdict(delta),
        gated=delta.gated,
        change=None if delta.change is None else float(delta.change),
        shown=words.change(delta),
        base=words.value(delta, delta.base),
        contender=words.value(delta, delta.contender),
        reason=one_line(delta.reason or ""),
    )


def _mark(delta: Delta, entry: Entry) -> Mark:
    limits = delta.limits
    return Mark(
        name=entry.name,
        anchor=entry.anchor,
        tone=entry.tone,
        verdict=word(delta.verdict),
        shown=entry.shown,
        change=entry.change,
        interval=None,
        tolerance=float(limits.worsening(limits.tolerance)),
        threshold=float(limits.worsening(limits.threshold)),
        alarm=delta.alarm,
    )
