"""Every file of the site, one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote

from odyssey_asv.model import Metric, ResultSet
from odyssey_asv.past.timeline import Found, History, Place, Trend
from odyssey_asv.report.history import words
from odyssey_asv.report.html.paper import environment, number, style, text
from odyssey_asv.report.site.feed import feed
from odyssey_asv.report.site.script import commits, lines, script, spark
from odyssey_asv.report.site.slugs import slugs
from odyssey_asv.units import format_value

_TEMPLATES = Path(__file__).parent / "templates"
# Of the changes of each kind as many are on the overview; of the cases of a benchmark on its page.
_CHANGES, _CASES = 50, 200


@dataclass(frozen=True)
class Site:
    """What the pages show. `commit_url` begins every link to a commit, which ends in its hash; None for no
    links. `baselines` are named sets, the current first, `reports` titled whole HTML pages. `asv_pages`
    says that asv's own site lies one folder up."""

    project: str
    history: History
    commit_url: str | None = None
    baselines: Sequence[tuple[str, ResultSet]] = ()
    reports: Sequence[tuple[str, bytes]] = ()
    asv_pages: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """A change as a table shows it."""

    change: str
    interval: str
    kind: str
    where: str
    url: str
    date: str
    subject: str
    page: str
    name: str
    values: str
    state: str


@dataclass(frozen=True, slots=True)
class _Benchmark:
    """A benchmark in the list: by its worst series."""

    name: str
    page: str
    spark: str
    latest: str
    against_best: str
    against_release: str
    worse: bool
    cases: int


class _Builder:
    def __init__(self, site: Site) -> None:
        self.site = site
        self.history = site.history
        by_name = sorted(site.history.trends, key=lambda trend: trend.series.benchmark.id)
        self.benchmarks = {
            name: list(found)
            for name, found in groupby(by_name, key=lambda trend: trend.series.benchmark.id)
        }
        self.slugs = slugs(self.benchmarks)
        self._url = _safe_url(site.commit_url)

    def link(self, benchmark: str) -> str:
        """The page of a benchmark, from the top of the site."""
        return f"benchmarks/{quote(self.slugs[benchmark])}.html"

    def page(self, template: str, up: str, here: str, **parts: Any) -> bytes:
        """One page; `up` leads from it to the top."""
        made = environment("site").get_template(template)
        return made.render(
            up=up,
            here=here,
            project=text(self.site.project),
            asv_pages=self.site.asv_pages,
            **parts,
        ).encode("utf-8", "replace")

    def row(self, found: Found, up: str) -> _Row:
        change, line = found.change, self.history.line
        after = line.moments[change.after]
        kind = "regression" if change.worse else "improvement"
        return _Row(
            change=words.change(change),
            interval=words.interval(change),
            kind=kind if change.confirmed else "fresh",
            where=words.where(change, line),
            url=f"{self._url}{after.commit}" if self._url and change.exact else "",
            date=words.when(change, line),
            subject=text(after.subject) if change.exact else words.commits(change, line),
            page=up + self.link(found.trend.series.benchmark.id),
            name=text(words.case(found.trend, self.history)),
            values=words.values(found),
            state=words.state(change, line),
        )

    def overview(self) -> bytes:
        sections = [
            (heading, [self.row(one, "") for one in found[:_CHANGES]], len(found))
            for heading, found in words.sections(self.history, regressions=False)
        ]
        return self.page(
            "overview.html",
            "",
            "overview",
            line=words.line(self.history.line),
            places=words.places(self.history),
            warnings=self.history.warnings,
            headline=words.headline(self.history),
            conclusion=words.conclusion(self.history) if self.history.regressions else "",
            counts=words.counts(self.history),
            sections=sections,
            overall=[self._overall(place) for place in self.history.places],
            benchmarks=[self._listed(name) for name in self.benchmarks],
        )

    def _overall(self, place: Place) -> dict[str, str]:
        """The geometric mean over time as a small picture."""
        points = self.history.overall.get(place, ())
        found = {"place": words.place(place), "path": "", "low": "", "high": "", "latest": ""}
        if len(points) < 2:
            return found
        ratios = [point.ratio for point in points]
        low, high = min(ratios), max(ratios)
        first, last = points[0].position, points[-1].position
        spots: list[str] = []
        for point in points:
            x = 640.0 * (point.position - first) / max(1, last - first)
            y = 90.0 - 80.0 * (point.ratio - low) / ((high - low) or 1.0)
            spots.append(f"H{number(x)}V{number(y)}" if spots else f"M{number(x)} {number(y)}")
        return found | {
            "path": "".join(spots),
            "low": words.moved(low),
            "high": words.moved(high),
            "latest": words.moved(ratios[-1]),
        }

    def _listed(self, name: str) -> _Benchmark:
        current = [t for t in self.benchmarks[name] if t.series.place in self.history.current]
        found = current or self.benchmarks[name]
        worst = max(found, key=_badness)
        unit = worst.series.benchmark.unit
        return _Benchmark(
            name=text(name),
            page=self.link(name),
            spark=spark(worst),
            latest=format_value(worst.levels[-1].value, unit),
            against_best=_moved(worst.against_best),
            against_release=_moved(worst.against_release),
            worse=any(c.worse and c.recovered is None for t in current for c in t.changes),
            cases=len({trend.series.case for trend in found}),
        )

    def benchmark(self, name: str) -> Iterator[tuple[str, bytes]]:
        """The page of one benchmark and, for each place, its numbers."""
        found = self.benchmarks[name]
        slug = self.slugs[name]
        places = sorted({trend.series.place for trend in found})
        places.sort(key=lambda place: place not in self.history.current)
        scripts = []
        for position, place in enumerate(places):
            file = f"data/{slug}-{position}.js"
            scripts.append((words.place(place), f"../{quote(file)}"))
            of_place = [trend for trend in found if trend.series.place == place]
            yield file, lines(of_place)
        changes = [Found(trend, change) for trend in found for change in trend.changes]
        changes.sort(key=lambda one: -one.change.after)
        described = found[0].series.benchmark
        yield (
            f"benchmarks/{slug}.html",
            self.page(
                "benchmark.html",
                "../",
                "benchmarks",
                name=text(name),
                unit=text(described.unit),
                better=found[0].series.better.value,
                timed=described.metric is Metric.DURATION,
                param_names=[text(param) for param in described.param_names],
                scripts=scripts,
                setup=script({"unit": described.unit, "url": self._url}),
                changes=[self.row(one, "../") for one in changes[:_CASES]],
                more=max(0, len(changes) - _CASES),
                cases=[self._case(trend) for trend in found[:_CASES]],
                more_cases=max(0, len(found) - _CASES),
            ),
        )

    def _case(self, trend: Trend) -> dict[str, str]:
        unit = trend.series.benchmark.unit
        last = self.history.line.moments[trend.series.points[-1].position]
        return {
            "name": text(words.case(trend, self.history)),
            "latest": format_value(trend.levels[-1].value, unit),
            "best": _moved(trend.against_best),
            "release": _moved(trend.against_release),
            "noise": f"{100 * trend.noise:.1f} %",
            "date": last.date[:10],
        }

    def baselines(self) -> bytes:
        rows = []
        for name, found in self.site.baselines:
            approval = found.approval
            rows.append(
                {
                    "name": text(name),
                    "release": text(found.release or ""),
                    "commit": (found.commit.hash or "")[:12],
                    "machine": text(found.environment.machine or ""),
                    "cases": len(found.results),
                    "by": text(approval.by) if approval else "",
                    "at": text(approval.approved_at) if approval else "",
                    "reason": text(approval.reason) if approval else "",
                    "candidate": text(approval.candidate) if approval else "",
                    "sha256": text(approval.sha256) if approval else "",
                }
            )
        return self.page("baselines.html", "", "baselines", rows=rows)

    def reports(self) -> Iterator[tuple[str, bytes]]:
        names = slugs(title for title, _ in self.site.reports)
        listed = [(text(title), f"reports/{names[title]}.html") for title, _ in self.site.reports]
        yield "reports.html", self.page("reports.html", "", "reports", reports=listed)
        for title, content in self.site.reports:
            yield f"reports/{names[title]}.html", content


def pages(site: Site) -> Iterator[tuple[str, bytes]]:
    """Path below the site's folder, and content, of every file. The same site gives the same bytes."""
    build = _Builder(site)
    sheet = style() + "\n" + (_TEMPLATES / "site.css").read_text(encoding="utf-8")
    yield "style.css", sheet.encode()
    yield "app.js", (_TEMPLATES / "app.js").read_bytes()
    yield "plotly.min.js", plotly()
    yield "data/commits.js", commits(site.history.line)
    yield "index.html", build.overview()
    for name in build.benchmarks:
        yield from build.benchmark(name)
    yield "baselines.html", build.baselines()
    yield from build.reports()
    links: Mapping[str, str] = {name: build.link(name) for name in build.benchmarks}
    yield "feed.xml", feed(site.project, site.history, dict(links))


def plotly() -> bytes:
    """The library that draws, from the package that brings it."""
    # The package itself takes a second to import.
    package = resources.files("plotly.package_data")
    return package.joinpath("plotly.min.js").read_bytes()


def _safe_url(url: str | None) -> str:
    known = url is not None and url.startswith(("https://", "http://"))
    return url if known and url is not None else ""


def _moved(ratio: float | None) -> str:
    return "" if ratio is None else words.moved(ratio)


def _badness(trend: Trend) -> float:
    ratio = trend.against_best or 1.0
    return ratio if trend.series.better.value == "lower" else 1.0 / ratio
