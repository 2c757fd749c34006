// One issue about regressions that hold on main: opened once, then kept up to date. A person closes it.

import { finish, fromEnvironment, marked, required } from "../actions/comment/rest.mjs";
import { LONGEST, read, shown } from "../actions/comment/text.mjs";

const LONGEST_FILE = 50_000_000;
const MARK = "<!-- odyssey-asv: regressions -->";

async function main() {
  const folder = required("ISSUE_REPORT");
  const { changes } = JSON.parse(read(`${folder}/report.json`, LONGEST_FILE) ?? "{}");
  if (!Array.isArray(changes)) throw new Error(`${folder}: no report of a history`);
  const github = fromEnvironment("ISSUE_TOKEN");
  const author = required("ISSUE_AUTHOR");
  const listed = { state: "open", creator: author, sort: "created", direction: "asc" };
  const issues = (await github.all("issues", listed)).filter((issue) => !issue.pull_request);
  const old = marked(issues, MARK, author);
  if (!changes.length && !old) return "no regression holds";
  const title = `Benchmarks: ${counted(changes.length)}`;
  const body = written(read(`${folder}/report.md`));
  if (old) {
    await github.patch(`issues/${old.number}`, { title, body });
    return `issue ${old.number} updated`;
  }
  return `issue ${(await github.post("issues", { title, body })).number} opened`;
}

function counted(number) {
  if (number === 0) return "no regression holds";
  return number === 1 ? "1 regression holds" : `${number} regressions hold`;
}

function written(report) {
  const head = `${MARK}\n`;
  const foot = `\n\nFrom [run ${required("GITHUB_RUN_ID")}](${address()}).\n`;
  const room = LONGEST - head.length - foot.length;
  return head + (report === null ? "There is no report." : shown(report, room).trim()) + foot;
}

function address() {
  const repository = `${required("GITHUB_SERVER_URL")}/${required("GITHUB_REPOSITORY")}`;
  return `${repository}/actions/runs/${required("GITHUB_RUN_ID")}`;
}

await finish(main);
