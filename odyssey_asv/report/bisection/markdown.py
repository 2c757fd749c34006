"""A search for the commit at fault as GitHub-flavoured Markdown, for a comment on an issue or a pull
request. Every text of a commit is data and is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from odyssey_asv.culprit.bisection import Bisection, Candidate, Culprit, Outcome
from odyssey_asv.report.bisection import words
from odyssey_asv.report.markdown import LONGEST, code, escape

_CULPRITS = """\
| commit | subject | author | date | benchmarks | largest change | interval | probability |
| --- | --- | --- | --- | ---: | ---: | :---: | ---: |"""
_CASES = """\
| change | interval | benchmark |
| ---: | :---: | --- |"""
_CANDIDATES = """\
| probability | commit | subject |
| ---: | --- | --- |"""
_SHOWN = 10
_FOLDED = ("<details><summary>details</summary>\n", "\n</details>")


@dataclass(frozen=True, slots=True)
class _Part:
    """A table or a list: what stands above its lines, and the lines, made only when they are shown."""

    head: str
    count: int
    lines: Iterator[str]


def render(bisection: Bisection) -> str:
    """The report: answer, culprits and ranges open, the rest folded away, cut to what a comment may
    hold."""
    blocks = [_head(bisection)]
    if bisection.culprits:
        rows = map(_row, bisection.culprits)
        blocks.append(_cut(_Part(_CULPRITS, len(bisection.culprits), rows), LONGEST // 3))
    if lines := _notes(bisection):
        blocks.append(_cut(_Part("", len(lines), iter(lines)), LONGEST // 4))
    if bisection.outcome is Outcome.UNDECIDED and bisection.candidates:
        shown = words.likeliest(bisection)[:_SHOWN]
        part = _Part(_CANDIDATES, len(shown), map(_candidate, shown))
        blocks.append(_cut(part, LONGEST // 8))
    opening, closing = _FOLDED
    room = LONGEST - sum(len(block) + 1 for block in (*blocks, opening, closing))
    if inside := _details(bisection, room):
        blocks.append(f"{opening}\n{inside}{closing}")
    return "\n".join(blocks).rstrip() + "\n"


def _head(bisection: Bisection) -> str:
    lines = [
        f"**{escape(words.conclusion(bisection))}**",
        "",
        f"Good: {code(words.end(bisection.good))}  ",
        f"Bad: {code(words.end(bisection.bad))}  ",
        *([f"{code(parted)}  "] if (parted := words.fork(bisection)) else []),
        escape(f"{words.length(bisection)}; {words.summary(bisection)}"),
    ]
    return "\n".join(lines) + "\n"


def _row(culprit: Culprit) -> str:
    card = culprit.card
    worst = next(iter(words.worst_first(culprit.steps)), None)
    merge = words.within(culprit)
    # A bare hash is what GitHub makes a link of.
    return _joined(
        escape(words.short(card.commit)) + (f" {escape(merge)}" if merge else ""),
        code(words.subject(card)),
        escape(words.author(card)),
        escape(words.date(card)),
        str(len(culprit.steps)),
        "" if worst is None else escape(words.change(worst)),
        "" if worst is None else escape(words.interval(worst)),
        escape(words.probability(culprit.probability)),
    )


def _notes(bisection: Bisection) -> list[str]:
    """Ranges, what adds up and what went the other way, warnings, and how many commits could not be
    measured."""
    said = (words.together(bisection), words.other_way_told(bisection))
    lines = [f"- {escape(line)}" for line in said if line]
    lines += [
        f"- {escape(words.lacking(bisection, one))}: {code(words.subject(one.card))}"
        for one in bisection.lacking
    ]
    lines += [f"- {code(line)}" for line in words.reversals(bisection)]
    for found in bisection.ranges:
        reason = words.why(found)
        text = f"- {words.kind(found)}: {escape(words.between(bisection, found))}"
        lines.append(text + (f" ({code(reason)})" if reason else ""))
    lines += [f"- warning: {code(doubt)}" for doubt in words.warnings(bisection)]
    if number := len(bisection.skipped):
        lines.append(f"- {words.commits(number)} could not be measured")
    return lines


def _candidate(one: Candidate) -> str:
    return _joined(
        escape(words.probability(one.probability)),
        escape(words.short(one.card.commit)),
        code(words.subject(one.card)),
    )


def _details(bisection: Bisection, room: int) -> str:
    """As much as there is room for. Each part may take half of what is left, so that a long one leaves
    room to the next."""
    blocks: list[str] = []
    for part in _parts(bisection):
        if room < len(part.head) + 300:
            blocks.append("The rest is not shown here.\n")
            break
        block = _cut(part, room // 2)
        room -= len(block) + 1
        blocks.append(block)
    return "\n".join(blocks)


def _parts(bisection: Bisection) -> Iterator[_Part]:
    """What differs between the ends, then each culprit in full, then what could not be measured."""
    if bisection.sought:
        yield _cases("Bad end against good end", bisection.sought)
    for culprit in bisection.culprits:
        name, parent = (escape(words.short(c)) for c in (culprit.card.commit, culprit.parent))
        yield _cases(f"{name} against its parent {parent}", culprit.steps)
        known = (words.see(culprit), words.again(culprit), *words.files(culprit.card))
        yield _Part("", len(known), (f"- {code(line)}" for line in known))
    if skipped := words.skipped(bisection):
        reasons = (f"- {escape(commit)}: {code(reason)}" for commit, reason in skipped)
        yield _Part("Could not be measured:\n", len(skipped), reasons)


def _cases(heading: str, cases: Iterable[words.Changed]) -> _Part:
    ordered = words.worst_first(cases)
    return _Part(f"{heading}:\n\n{_CASES}", len(ordered), map(_case, ordered))


def _case(case: words.Changed) -> str:
    return _joined(
        escape(words.change(case)), escape(words.interval(case)), code(words.label(case))
    )


def _joined(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _cut(part: _Part, room: int) -> str:
    """As many lines of a part as there is room for, the rest counted."""
    kept = [part.head] if part.head else []
    used = len(part.head) + 100
    for shown, line in enumerate(part.lines):
        used += len(line) + 1
        if used > room:
            kept += ["", f"{part.count - shown} more are not shown here."]
            break
        kept.append(line)
    return "\n".join(kept) + "\n"
