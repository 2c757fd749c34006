// A candidate for a baseline as a pull request: one file on a branch of its own, for a person to approve.
// While one such pull request is open no second is made, and none is ever changed: people work on it.

import { readFileSync } from "node:fs";

import { finish, fromEnvironment, marked, required } from "../actions/comment/rest.mjs";

const MARK = "<!-- odyssey-asv: baseline -->";
const FILE = /^[\w][\w./-]*\.json$/;

async function main() {
  const event = JSON.parse(readFileSync(required("GITHUB_EVENT_PATH"), "utf8"));
  const github = fromEnvironment("PROPOSE_TOKEN");
  const sha = required("GITHUB_SHA");
  const file = required("PROPOSE_FILE");
  const release = process.env.GITHUB_REF_TYPE === "tag" ? required("GITHUB_REF_NAME") : null;
  if (!FILE.test(file) || file.includes("..")) throw new Error(`${file} is no file of a baseline`);
  const base = event.repository.default_branch;
  const open = await github.all("pulls", { state: "open", base, sort: "created", direction: "asc" });
  const waiting = marked(open, MARK, required("PROPOSE_AUTHOR"));
  if (waiting) return `::notice::no second proposal: #${waiting.number} waits for a decision`;
  const branch = `odyssey-baseline-${sha.slice(0, 12)}`;
  await point(github, branch, event.repository.default_branch);
  await github.put(`contents/${file.split("/").map(encodeURIComponent).join("/")}`, {
    branch,
    content: readFileSync(file).toString("base64"),
    message: `baseline: a candidate of ${sha.slice(0, 12)}`,
  });
  const title = release ? `Baseline of ${plain(release)}` : `Baseline of ${sha.slice(0, 12)}`;
  const made = await github.post("pulls", { title, head: branch, base, body: body(file, sha, release) });
  return `pull request ${made.number} made`;
}

// Let a branch stand at the tip of the default branch, whether it is there already or not.
async function point(github, branch, from) {
  const tip = (await github.get(`git/ref/heads/${from}`)).object.sha;
  try {
    await github.post("git/refs", { ref: `refs/heads/${branch}`, sha: tip });
  } catch (error) {
    if (error.status !== 422) throw error;
    await github.patch(`git/refs/heads/${branch}`, { sha: tip, force: true });
  }
}

function body(file, sha, release) {
  const words = release && !/^[\w.+-]+$/.test(release) ? " --release TAG" : release && ` --release ${release}`;
  return `${MARK}
The benchmarks of ${sha.slice(0, 12)} ${release ? "were measured for the release" : "lie beyond the tolerance of the approved baseline"}.
Nothing has changed yet. To approve the candidate, on this branch:

\`\`\`console
$ odyssey baseline approve ${file} --by NAME --reason TEXT${words || ""}
$ git add benchmarks/baselines && git commit && git push
\`\`\`

To refuse it, close this pull request and delete its branch.
`;
}

function plain(text) {
  return text.replace(/[^\w.+-]/g, "?");
}

await finish(main);
