// What may be shown of a report that code of a pull request has made. The report is data: whatever in it
// is not exactly what `odyssey` writes is shown as plain text, in which nothing means anything.

import { lstatSync, readFileSync } from "node:fs";

// GitHub refuses more than 65,536 characters.
export const LONGEST = 60_000;
const LONGEST_FILE = 1_000_000;

const TAGS = /<\/?code>|<details><summary>\d+ unchanged<\/summary>|<\/details>/g;
const ENTITIES = /&(?:amp|lt|gt|#(?:92|96|42|95|91|93|126|124|35|58|46));|&#64;&#8203;/g;
const CODE = /<code>([^<>]*)<\/code>/g;
// Links, images, mentions, references, mark-up beyond bold and tables, characters that nobody sees.
const MEANING = /[<>&@`\\[\]~#_]|:\/\/|www\.|\bGH-\d|(?!\n)[\p{Cc}\p{Cf}\p{Co}\p{Cn}]/iu;

// The text of a file out of an artifact, or null where there is none: a link might lead anywhere, and what
// is too long is no report.
export function read(path, longest = LONGEST_FILE) {
  let found;
  try {
    found = lstatSync(path);
  } catch {
    return null;
  }
  if (!found.isFile() || found.size > longest) return null;
  return readFileSync(path, "utf8");
}

// The report as `odyssey` wrote it, or all of it as plain text.
export function shown(report, room) {
  const text = report.replaceAll("\r\n", "\n");
  if (text.length <= room && ours(text)) return text;
  return fenced(text, room) || "The report cannot be shown here.";
}

// Whether nothing in a text means more than tables, bold type and code.
export function ours(text) {
  // In code an at sign is nobody's name, so none is kept apart there.
  const inside = text.replace(CODE, (_, words) => words.replaceAll("&#64;", ""));
  const rest = inside.replace(TAGS, "").replace(ENTITIES, "");
  return !MEANING.test(rest);
}

// Text in a fence that nothing in it can close; empty where there is no room for such a fence.
export function fenced(text, room) {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = "`".repeat(longest + 1);
  const more = "\n… cut here";
  const left = room - 2 * fence.length - "text\n\n".length - more.length;
  if (left < 0) return "";
  return `${fence}text\n${cut(text, left)}${text.length > left ? more : ""}\n${fence}`;
}

// The first characters of a text, with no half of one at the end.
function cut(text, length) {
  const part = text.slice(0, length);
  return /[\uD800-\uDBFF]$/.test(part) ? part.slice(0, -1) : part;
}
