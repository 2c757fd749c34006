"""The action `comment`: its own steps, its script under Node, a repository that answers on 127.0.0.1."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.actions import GITHUB, Done, Runner, workflows
from tests.fake_github import BOT, LONGEST_BODY, GitHub, serving

GOLDEN = Path(__file__).parent / "golden"
SHA = "5" * 40
MARK = "<!-- odyssey-asv: benchmarks -->"
REPORT = (GOLDEN / "check.md").read_text(encoding="utf-8")


def node() -> str:
    """Node's path. Without it tests are skipped; where CI runs they fail."""
    found = shutil.which("node")
    if found is not None:
        return found
    reason = "no Node here: apt-get install nodejs"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def github() -> Iterator[GitHub]:
    node()
    with serving(GitHub()) as repository:
        yield repository


def finished(**more: Any) -> dict[str, Any]:
    """What GitHub says of a finished run for a fork's pull request: of the pull request itself nothing."""
    run = {
        "id": 4711, "event": "pull_request", "conclusion": "failure", "head_sha": SHA,
        "head_branch": "topic", "head_repository": {"owner": {"login": "fork-owner"}},
        "html_url": "https://github.com/owner/project/actions/runs/4711", "pull_requests": [],
    }  # fmt: skip
    return {"workflow_run": run | more}


def comment(folder: Path, github: GitHub, report: str | bytes | None = REPORT, **run: Any) -> Done:
    """Run the action after a run that kept this report, None where it kept none."""

    def download(runner: Runner, given: dict[str, str]) -> None:
        assert given["run-id"] == "4711"
        if report is not None:
            Path(given["path"]).mkdir(exist_ok=True)
            content = report if isinstance(report, bytes) else report.encode()
            (Path(given["path"]) / "report.md").write_bytes(content)

    runner = Runner(
        folder, folder, "workflow_run", finished(**run),
        more={"GITHUB_API_URL": github.address}, doing={"actions/download-artifact": download},
    )  # fmt: skip
    return runner.action("comment")


def bodies(github: GitHub, number: int = 7) -> list[str]:
    return [comment["body"] for comment in github.comments.get(number, [])]


def test_a_report_becomes_a_comment(tmp_path: Path, github: GitHub) -> None:
    """On the pull request whose head was measured, which is found by the fork's branch."""
    github.pull(7, SHA)
    done = comment(tmp_path, github)
    assert done.code == 0, done.log
    (body,) = bodies(github)
    assert body.startswith(f"{MARK}\n")
    assert REPORT.strip() in body
    assert "did not pass" in body
    assert "https://github.com/owner/project/actions/runs/4711" in body


def test_a_second_report_updates_it(tmp_path: Path, github: GitHub) -> None:
    """And the same once more writes nothing."""
    github.pull(7, SHA)
    comment(tmp_path, github)
    done = comment(tmp_path, github, "**ok: no regression**\n", conclusion="success")
    assert done.code == 0, done.log
    (body,) = bodies(github)
    assert "**ok: no regression**" in body
    assert " passed: " in body
    writes = len(github.writes)
    comment(tmp_path, github, "**ok: no regression**\n", conclusion="success")
    assert len(github.writes) == writes


def test_it_is_found_on_any_page(tmp_path: Path, github: GitHub) -> None:
    """GitHub lists a hundred comments at a time."""
    github.pull(7, SHA)
    for number in range(230):
        github.comment(7, f"number {number}", author="somebody")
    ours = github.comment(7, f"{MARK}\nold")
    assert comment(tmp_path, github).code == 0
    assert len(bodies(github)) == 231
    assert REPORT.strip() in ours["body"]


def test_nobody_elses_comment_is_changed(tmp_path: Path, github: GitHub) -> None:
    """Not even one that begins with the mark; nor one of ours that only quotes it."""
    github.pull(7, SHA)
    trap = github.comment(7, f"{MARK}\nmine", author="mallory")
    quoted = github.comment(7, f"the mark is\n{MARK}")
    assert comment(tmp_path, github).code == 0
    assert trap["body"] == f"{MARK}\nmine"
    assert quoted["body"] == f"the mark is\n{MARK}"
    assert len(bodies(github)) == 3


@pytest.mark.parametrize(
    ("state", "sha"), [("closed", SHA), ("open", "6" * 40)], ids=["closed", "went on"]
)
def test_no_comment_where_it_would_be_wrong(
    tmp_path: Path, github: GitHub, state: str, sha: str
) -> None:
    """A pull request that is closed, or whose head is another by now."""
    github.pull(7, sha, state=state)
    done = comment(tmp_path, github)
    assert done.code == 0
    assert "no open pull request" in done.log
    assert github.writes == []


def test_two_pull_requests_of_one_commit(tmp_path: Path, github: GitHub) -> None:
    """Which of them was measured cannot be known, and their bases differ."""
    github.pull(7, SHA)
    github.pull(8, SHA)
    done = comment(tmp_path, github)
    assert (done.code, github.writes) == (0, [])
    assert "several pull requests" in done.log


def test_a_branch_that_was_renamed_is_found_by_its_commit(tmp_path: Path, github: GitHub) -> None:
    github.commits.add(SHA)
    github.pull(7, SHA, head={"sha": SHA, "label": "owner:new-name"})
    assert comment(tmp_path, github, head_branch="old-name").code == 0
    assert len(bodies(github)) == 1


def test_names_of_branches_are_data(tmp_path: Path, github: GitHub) -> None:
    """Whatever a fork calls its branch, it is asked for and nothing else."""
    branch = "a&state=closed#/../x?y %00$(id)"
    github.pull(7, SHA, head={"sha": SHA, "label": f"fork-owner:{branch}"})
    assert comment(tmp_path, github, head_branch=branch).code == 0
    assert len(bodies(github)) == 1


def test_runs_for_no_pull_request_are_left_alone(tmp_path: Path, github: GitHub) -> None:
    done = comment(tmp_path, github, event="push")
    assert (done.code, github.asked) == (0, [])


def test_no_report(tmp_path: Path, github: GitHub) -> None:
    """The run that broke before it measured still gets its line."""
    github.pull(7, SHA)
    assert comment(tmp_path, github, None).code == 0
    assert "left no report" in bodies(github)[0]


def test_a_report_that_is_a_link_or_a_flood_is_none(tmp_path: Path, github: GitHub) -> None:
    """What came out of an artifact might point anywhere."""
    github.pull(7, SHA)
    secret = tmp_path / "secret"
    secret.write_text("the secret", encoding="utf-8")
    folder = tmp_path / "_temp" / "odyssey-report"
    folder.mkdir(parents=True)
    (folder / "report.md").symlink_to(secret)
    assert comment(tmp_path, github, None).code == 0
    assert "the secret" not in bodies(github)[0]
    (folder / "report.md").unlink()
    assert comment(tmp_path, github, "a" * 1_000_001).code == 0
    assert "left no report" in bodies(github)[0]


HOSTILE = (
    "@everybody, look", "&#64;everybody", "<code>&#64;everybody", "&commat;everybody", "a#1 b/c#2",
    "GH-1", "[press here](https://example.invalid)", "https://example.invalid", "www.example.invalid",
    "![x](y)", "<img src=x>", "<code onclick=x>y</code>", "</details", "````\n@everybody\n````",
    "`" * 300 + "@everybody", "hidden\u202eturned", "zero\u200bwidth", "\\@everybody", "~~gone~~",
    "<details><summary>x unchanged</summary>", MARK, "\x1b[31mred", "_so_", "a\r@b",
)  # fmt: skip


def shown(*reports: str, room: int = 60_000) -> list[str]:
    """What the script would show of some reports, by one start of Node."""
    code = (
        "import { readFileSync } from 'node:fs';"
        f"import {{ shown }} from {json.dumps((GITHUB / 'actions/comment/text.mjs').as_uri())};"
        "const { reports, room } = JSON.parse(readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(reports.map((report) => shown(report, room))));"
    )
    asked = json.dumps({"reports": reports, "room": room})
    words = [node(), "--input-type=module", "--eval", code]
    done = subprocess.run(words, input=asked, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_hostile_reports_mean_nothing() -> None:
    """Whatever a pull request puts into its report is shown as plain text, in a fence it cannot close."""
    for hostile, text in zip(
        HOSTILE, shown(*(f"**ok**\n\n{one}\n" for one in HOSTILE)), strict=True
    ):
        fence, _, rest = text.partition("text\n")
        assert re.fullmatch("`{3,}", fence), hostile
        inside, closing, after = rest.rpartition(f"\n{fence}")
        assert (closing, after) == (f"\n{fence}", ""), hostile
        assert hostile in inside
        # A line of as many backticks would close it.
        assert not re.search(rf"^\s*{fence}", inside, re.MULTILINE)


def test_our_own_reports_keep_their_tables() -> None:
    reports = [(GOLDEN / name).read_text(encoding="utf-8") for name in ("check.md", "report.md")]
    assert shown(*reports) == reports


def test_every_name_that_our_reports_escape_keeps_the_table() -> None:
    """The escaping of the report and what the comment lets through are one rule in two languages."""
    from odyssey_asv.report.markdown import code, escape

    letters = "".join(map(chr, range(32, 127)))
    name = f"{letters} @me #1 [x](http://y) www.z <b> `q` é µ 日本\u202e\x07"
    text = f"| {escape(name)} | {code(name)} |\n"
    assert shown(text) == [text]


def test_long_reports_are_cut() -> None:
    """To what there is room for, never within a character, and the fence is closed."""
    for letter in ("a", "\U0001f600", "@"):
        for room in (1000, 60_000):
            (text,) = shown(letter * 100_000, room=room)
            # JavaScript and GitHub count in units of UTF-16.
            assert room - 10 <= len(text.encode("utf-16-le", "surrogatepass")) // 2 <= room
            assert not re.search("[\ud800-\udfff]", text)
            assert text.endswith("… cut here\n```")
    assert shown("`" * 100_000) == ["The report cannot be shown here."]


def test_a_long_hostile_report_fits_a_comment(tmp_path: Path, github: GitHub) -> None:
    github.pull(7, SHA)
    done = comment(tmp_path, github, "@everybody " * 20_000)
    assert done.code == 0, done.log
    (body,) = bodies(github)
    assert len(body) <= 60_000 < LONGEST_BODY
    assert body.rstrip().endswith("keeps the whole report.")


def test_what_github_refuses_fails_the_job(tmp_path: Path, github: GitHub) -> None:
    """With the reason, as an annotation of one line."""
    github.pull(7, SHA)
    github.permissions.clear()
    done = comment(tmp_path, github)
    assert done.code == 1
    (line,) = [line for line in done.log.splitlines() if line.startswith("::error::")]
    assert "403" in line
    assert "Resource not accessible" in line


def test_the_author_is_the_bot_of_actions() -> None:
    """The name that GitHub gives the token of a job."""
    assert BOT in (GITHUB / "actions" / "comment" / "action.yml").read_text(encoding="utf-8")


Job = Callable[..., Done]


@pytest.fixture
def job(tmp_path: Path, github: GitHub) -> Job:
    """Run a job of `benchmarks.yml` in a checkout, after one that handed on a `candidate`."""
    (tmp_path / ".github").symlink_to(GITHUB)

    def run(name: str, *, candidate: str = "", **more: str) -> Done:
        event = {"repository": {"default_branch": "main"}}
        given = {"GITHUB_API_URL": github.address, **more}
        runner = Runner(tmp_path / "runner", tmp_path, "push", event, given)
        context = runner.context() | {"needs": {"measure": {"outputs": {"candidate": candidate}}}}
        found = workflows()["benchmarks.yml"]
        shell = found["defaults"]["run"]["shell"]
        return runner.steps(found["jobs"][name]["steps"], context, {}, shell=shell)

    return run


def propose(job: Job, folder: Path, **more: str) -> Done:
    path = "benchmarks/baselines/candidates/one.json"
    artifact = folder / "runner" / "_temp" / "candidate"
    artifact.mkdir(parents=True, exist_ok=True)
    (artifact / "one.json").write_text('{"µ": 1}', encoding="utf-8")
    (artifact / "link.json").unlink(missing_ok=True)
    (artifact / "link.json").symlink_to("/proc/self/environ")
    given = {
        "candidate": path, "GITHUB_SHA": SHA, "GITHUB_REF_TYPE": "branch", "GITHUB_REF_NAME": "main",
    }  # fmt: skip
    return job("propose", **(given | more))


def test_a_candidate_becomes_a_pull_request(job: Job, tmp_path: Path, github: GitHub) -> None:
    """One file on a branch at the tip of main; the baseline itself is not touched."""
    done = propose(job, tmp_path)
    assert done.code == 0, done.log
    (pull,) = github.pulls
    branch = f"odyssey-baseline-{SHA[:12]}"
    assert github.refs[f"heads/{branch}"] == github.refs["heads/main"]
    candidate = "benchmarks/baselines/candidates/one.json"
    assert github.files == {(branch, candidate): '{"µ": 1}'.encode()}
    assert f"odyssey baseline approve {candidate} --by NAME --reason TEXT\n" in pull["body"]


def test_no_second_proposal_while_one_waits(job: Job, tmp_path: Path, github: GitHub) -> None:
    """Somebody may be at work on the first. A stranger's with the same mark stands in nobody's way."""
    github.pull(3, SHA, body="<!-- odyssey-asv: baseline of main -->\nnot ours")
    propose(job, tmp_path)
    assert len(github.pulls) == 2
    writes = len(github.writes)
    done = propose(job, tmp_path, GITHUB_SHA="7" * 40)
    assert (done.code, len(github.writes)) == (0, writes)
    assert "waits for a decision" in done.log
    # A release waits for none but its own.
    propose(job, tmp_path, GITHUB_REF_TYPE="tag", GITHUB_REF_NAME="v1.0")
    propose(job, tmp_path, GITHUB_REF_TYPE="tag", GITHUB_REF_NAME="v1.0")
    assert [pull.get("title") for pull in github.pulls] == [
        None, f"Baseline of {SHA[:12]}", "Baseline of v1.0",
    ]  # fmt: skip
    assert len({pull["head"]["ref"] for pull in github.pulls[1:]}) == 2


def test_a_branch_that_was_left_is_used_again(job: Job, tmp_path: Path, github: GitHub) -> None:
    github.refs[f"heads/odyssey-baseline-{SHA[:12]}"] = "b" * 40
    assert propose(job, tmp_path).code == 0
    assert github.refs[f"heads/odyssey-baseline-{SHA[:12]}"] == "a" * 40


def test_a_release_is_named(job: Job, tmp_path: Path, github: GitHub) -> None:
    """A tag is data: only one of plain letters stands in a command to type."""
    propose(job, tmp_path, GITHUB_REF_TYPE="tag", GITHUB_REF_NAME="v1.0")
    assert "--release v1.0\n" in github.pulls[0]["body"]
    assert github.pulls[0]["title"] == "Baseline of v1.0"
    github.pulls.clear()
    propose(job, tmp_path, GITHUB_REF_TYPE="tag", GITHUB_REF_NAME="v1;$(id)@me")
    assert github.pulls[0]["title"] == "Baseline of v1-id-me"
    assert "--release TAG\n" in github.pulls[0]["body"]
    assert "$(id)" not in github.pulls[0]["body"]


def test_only_a_candidate_is_proposed(job: Job, tmp_path: Path, github: GitHub) -> None:
    folder = "benchmarks/baselines/candidates"
    for path in (
        "../secret.json", "/etc/passwd", "pyproject.json", f"{folder}/../x.json", f"{folder}/no.json",
        f"{folder}/link.json",
    ):  # fmt: skip
        done = propose(job, tmp_path, candidate=path)
        assert done.code == 1
    assert github.writes == []


def regressions(job: Job, folder: Path, count: int, text: str = "**1 regression holds**\n") -> Done:
    report = folder / "runner" / "_temp" / "odyssey-history"
    report.mkdir(parents=True, exist_ok=True)
    (report / "report.json").write_text(json.dumps({"changes": [{}] * count}), encoding="utf-8")
    (report / "report.md").write_text(text, encoding="utf-8")
    return job("issue")


def test_one_issue_about_regressions(job: Job, tmp_path: Path, github: GitHub) -> None:
    """None where nothing regressed; one that is opened, updated, and told when all is well again."""
    assert regressions(job, tmp_path, 0).code == 0
    assert github.issues == []
    assert regressions(job, tmp_path, 1).code == 0
    assert regressions(job, tmp_path, 2, "**2 regressions hold**\n").code == 0
    (issue,) = github.issues
    assert issue["title"] == "Benchmarks: 2 regressions hold"
    assert "**2 regressions hold**" in issue["body"]
    assert regressions(job, tmp_path, 0, "**no regression holds**\n").code == 0
    assert github.issues == [issue]
    assert issue["title"] == "Benchmarks: no regression holds"


def test_pull_requests_are_no_issues(job: Job, tmp_path: Path, github: GitHub) -> None:
    """GitHub lists them as such."""
    github.issues.append(
        {"number": 5, "body": "<!-- odyssey-asv: regressions -->\n", "user": {"login": BOT},
         "pull_request": {}, "title": "t"}
    )  # fmt: skip
    regressions(job, tmp_path, 1)
    assert len(github.issues) == 2
