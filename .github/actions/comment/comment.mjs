// One comment on a pull request, made once and then updated, that shows the report of a finished check.
//
// Runs in a `workflow_run` job, whose token may write. Which pull request it is comes from GitHub alone:
// from the commit and branch that the finished run was for, never from the artifact.

import { readFileSync } from "node:fs";

import { finish, fromEnvironment, marked, required } from "./rest.mjs";
import { LONGEST, read, shown } from "./text.mjs";

const MARK = "<!-- odyssey-asv: benchmarks -->";

export async function main() {
  const event = JSON.parse(readFileSync(required("GITHUB_EVENT_PATH"), "utf8"));
  const run = event.workflow_run;
  if (run?.event !== "pull_request") return "the finished run was for no pull request";
  const github = fromEnvironment("COMMENT_TOKEN");
  const found = await pulls(github, run);
  if (found.length !== 1) {
    const reason = found.length ? "several pull requests have" : "no open pull request has";
    return `::notice::no comment: ${reason} ${run.head_sha} as head`;
  }
  const body = written(run, read(required("COMMENT_REPORT")));
  const comments = `issues/${found[0].number}/comments`;
  const old = marked(await github.all(comments), MARK, required("COMMENT_AUTHOR"));
  if (old?.body === body) return `comment ${old.id} says so already`;
  if (old) {
    await github.patch(`issues/comments/${old.id}`, { body });
    return `comment ${old.id} updated`;
  }
  return `comment ${(await github.post(comments, { body })).id} made`;
}

// The open pull requests whose head is still the commit that was measured. The first question is for
// branches of forks, which GitHub does not list by commit; the second for a branch that was renamed since.
async function pulls(github, run) {
  const current = (list) =>
    list.filter((pull) => pull.state === "open" && pull.head.sha === run.head_sha);
  const owner = run.head_repository?.owner?.login;
  const query = { state: "open", head: `${owner}:${run.head_branch}` };
  const named = owner && run.head_branch ? current(await github.all("pulls", query)) : [];
  if (named.length) return named;
  return current(await github.all(`commits/${encodeURIComponent(run.head_sha)}/pulls`));
}

function written(run, report) {
  const outcome = run.conclusion === "success" ? "passed" : "did not pass";
  const head = `${MARK}\n### Benchmarks\n\n`;
  const foot =
    `\n\nThe check of ${run.head_sha.slice(0, 12)} ${outcome}: ` +
    `[run ${run.id}](${run.html_url}), which keeps the whole report.\n`;
  const room = LONGEST - head.length - foot.length;
  const body = report === null ? "The check left no report." : shown(report, room).trim();
  return `${head}${body}${foot}`;
}

await finish(main);
