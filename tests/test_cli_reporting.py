"""What is printed of a report, what is written, and that the two verbs agree on it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from odyssey_asv.cli import check as check_verb
from odyssey_asv.cli import compare as compare_verb
from odyssey_asv.cli.exits import Exit
from odyssey_asv.cli.reporting import Report, Wanted, keep_page, publish, report_options
from odyssey_asv.findings import Conclusion
from odyssey_asv.policy import Verdict
from odyssey_asv.report.check import json as check_json
from tests.check_builders import check, finding, unchanged


def drawn(*, width: int, color: bool = False, everything: bool = False) -> str:
    """A table that says what it was asked for."""
    return f"width={width} color={color} everything={everything}\n"


REPORT = Report(
    table=drawn,
    json=lambda: "the json\n",
    markdown=lambda: "the markdown\n",
    github=lambda: "the annotations\n",
    html=lambda: "the page\n",
    pipe_width=321,
)
NAMES = {"report.txt", "report.json", "report.md", "report.html", "annotations.txt"}


def on_terminal(patch: pytest.MonkeyPatch, **variables: str) -> None:
    """Make stdout a terminal with colours."""
    patch.setattr(sys.stdout, "isatty", lambda: True)
    patch.delenv("NO_COLOR", raising=False)
    for name, value in ({"TERM": "xterm-256color", "COLUMNS": "90"} | variables).items():
        patch.setenv(name, value)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("table", "width=321 color=False everything=False\n"),
        ("json", "the json\n"),
        ("markdown", "the markdown\n"),
        ("github", "the annotations\n"),
    ],
)
def test_the_form_that_is_wanted_is_printed(
    capsys: pytest.CaptureFixture[str], form: str, expected: str
) -> None:
    """And nothing else, on either stream."""
    publish(REPORT, Wanted(form))
    assert capsys.readouterr() == (expected, "")


def test_every_form_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Whole, whatever is printed; the paths go to stderr."""
    publish(REPORT, Wanted("json", folder=tmp_path / "new"))
    written = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert written == {
        "report.txt": "width=100 color=False everything=True\n",
        "report.json": "the json\n",
        "report.md": "the markdown\n",
        "report.html": "the page\n",
        "annotations.txt": "the annotations\n",
    }
    out, err = capsys.readouterr()
    assert out == "the json\n"
    assert err.startswith("reports: ")
    assert all(str(tmp_path / "new" / name) in err for name in NAMES)


def test_a_report_without_a_page_has_every_other_form(tmp_path: Path) -> None:
    """Nothing stands in for it."""
    publish(replace(REPORT, html=None), Wanted("json", folder=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == NAMES - {"report.html"}


def test_a_page_is_kept_over_the_last_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """And nothing is said of it."""
    for _ in range(2):
        keep_page(REPORT, tmp_path / "reports" / "check.html")
    assert (tmp_path / "reports" / "check.html").read_text() == "the page\n"
    assert capsys.readouterr() == ("", "")


def _cannot_be_drawn() -> str:
    raise KeyError("a bug\x1b[31m")


@pytest.mark.parametrize(
    ("html", "folder", "reason"),
    [(lambda: "the page\n", "taken", "File exists"), (_cannot_be_drawn, "free", "KeyError: ")],
)
def test_a_page_that_cannot_be_kept_is_a_warning(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    html: Callable[[], str],
    folder: str,
    reason: str,
) -> None:
    """In one line; the verdict has been given before."""
    (tmp_path / "taken").write_text("a file")
    keep_page(replace(REPORT, html=html), tmp_path / folder / "check.html")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("warning: the page of this report is not kept: ")
    assert reason in err
    assert err.count("\n") == 1
    assert "\x1b" not in err
    assert not (tmp_path / "free").exists()


@pytest.mark.parametrize(("columns", "width"), [("90", 90), ("20", 60)])
def test_a_terminal_is_filled(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: str, width: int
) -> None:
    """In colour, and in the 60 columns at least that a table needs."""
    on_terminal(monkeypatch, COLUMNS=columns)
    publish(REPORT, Wanted("table", everything=True))
    assert capsys.readouterr().out == f"width={width} color=True everything=True\n"


@pytest.mark.parametrize("refusal", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_may_be_refused(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, refusal: dict[str, str]
) -> None:
    """By a variable, as elsewhere."""
    on_terminal(monkeypatch, **refusal)
    publish(REPORT, Wanted("table"))
    assert capsys.readouterr().out == "width=90 color=False everything=False\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], Wanted("table")),
        (["--json"], Wanted("json")),
        (["--format", "markdown", "--all"], Wanted("markdown", everything=True)),
        (["--format", "github", "--json"], Wanted("json")),
        (["--report", "here"], Wanted("table", folder=Path("here"))),
    ],
)
def test_options_become_one_wish(words: list[str], expected: Wanted) -> None:
    """`--json` beats `--format`; what a verb has of its own passes through."""
    seen: list[Any] = []

    @click.command()
    @click.argument("name")
    @report_options
    def verb(name: str, wanted: Wanted) -> int:
        seen.extend((name, wanted))
        return 0

    done = CliRunner().invoke(verb, ["x", *words])
    assert done.exit_code == 0, done.output
    assert seen == ["x", expected]


def test_verbs_with_reports_share_their_options() -> None:
    """Same flags, same words."""
    shared = []
    for verb in (check_verb.check, compare_verb.compare):
        found = {p.name: p for p in verb.params if isinstance(p, click.Option)}
        wanted = ("everything", "form", "as_json", "folder")
        shared.append([(found[name].opts, found[name].help) for name in wanted])
    assert shared[0] == shared[1]


@given(st.lists(st.sampled_from(Verdict), max_size=4), st.booleans(), st.booleans())
def test_the_exit_code_of_a_check_agrees_with_its_verdict(
    verdicts: list[Verdict], same: bool, strict: bool
) -> None:
    """0 for ok, 1 for a regression, 3 for neither."""
    findings = [finding(f"f{number}", verdict) for number, verdict in enumerate(verdicts)]
    found = check(findings, same=same, strict=strict)
    code = check_verb.exit_code(found)
    assert (
        check_json.document(found, exit_code=code)["verdict"]
        in {
            Exit.OK: {"ok"},
            Exit.REGRESSION: {"regression"},
            Exit.CANNOT: {"inconclusive", "error"},
        }[code]
    )


def test_false_alarms_are_no_regression() -> None:
    """Code against itself exits 0 and says ok."""
    found = check([finding("f", Verdict.REGRESSION, 0.2), *unchanged(1)], same=True)
    assert found.conclusion is Conclusion.OK
    assert check_verb.exit_code(found) is Exit.OK
    text = check_json.render(found, exit_code=check_verb.exit_code(found))
    assert (json.loads(text)["verdict"], json.loads(text)["exit_code"]) == ("ok", 0)
