// A candidate for a baseline as a pull request: one file on a branch of its own, for a person to approve.
// While one is open no second is made, of main or of one release, and none is changed: people work on it.

import { readFileSync } from "node:fs";

import { finish, fromEnvironment, marked, required } from "../actions/comment/rest.mjs";
import { read } from "../actions/comment/text.mjs";

const FILE = /^benchmarks\/baselines\/candidates\/(\w[\w.-]*\.json)$/;
const LONGEST_FILE = 50_000_000;

async function main() {
  const event = JSON.parse(readFileSync(required("GITHUB_EVENT_PATH"), "utf8"));
  const github = fromEnvironment("PROPOSE_TOKEN");
  const sha = required("GITHUB_SHA");
  const file = required("PROPOSE_FILE");
  const release = process.env.GITHUB_REF_TYPE === "tag" ? required("GITHUB_REF_NAME") : null;
  const found = FILE.exec(file);
  if (!found) throw new Error(`${file} is no candidate`);
  const content = read(`${required("PROPOSE_FROM")}/${found[1]}`, LONGEST_FILE);
  if (content === null) throw new Error(`${file}: not in the artifact`);
  const base = event.repository.default_branch;
  const listed = { state: "open", base, sort: "created", direction: "asc" };
  const open = await github.all("pulls", listed);
  const name = release === null ? sha.slice(0, 12) : plain(release);
  const mark = `<!-- odyssey-asv: baseline of ${release === null ? "main" : name} -->`;
  const waiting = marked(open, mark, required("PROPOSE_AUTHOR"));
  if (waiting) return `::notice::no second proposal: #${waiting.number} waits for a decision`;
  const branch = `odyssey-baseline-${name}`;
  await point(github, branch, base);
  await github.put(`contents/${file}`, {
    branch,
    content: Buffer.from(content).toString("base64"),
    message: `baseline: a candidate of ${sha.slice(0, 12)}`,
  });
  const text = `${mark}\n${body(file, sha, release)}`;
  const asked = { title: `Baseline of ${name}`, head: branch, base, body: text };
  const made = await github.post("pulls", asked);
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
  const why = release
    ? "were measured for the release"
    : "lie beyond the tolerance of the approved baseline, or there is none yet";
  // A person copies this into a shell.
  const tag = release === null ? "" : ` --release ${plain(release) === release ? release : "TAG"}`;
  return `The benchmarks of ${sha.slice(0, 12)} ${why}.
Nothing has changed yet. To approve the candidate, on this branch:

\`\`\`console
$ odyssey baseline approve ${file} --by NAME --reason TEXT${tag}
$ git add benchmarks/baselines && git commit && git push
\`\`\`

To refuse it, close this pull request and delete its branch.
`;
}

// A name that is a name in a shell, in a reference and in Markdown.
function plain(text) {
  return text.replace(/[^\w.+-]+/g, "-");
}

await finish(main);
