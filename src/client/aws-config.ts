/**
 * Edits the text of an AWS config file: one profile that calls `twokey credential-process`, every other byte as
 * it was. Pure: text in, text out. Must never show or keep in a diff what somebody else's profile holds.
 */
import { err, ok, type Result } from "../result.ts";

export interface ProfileEdit {
  readonly profile: string;
  /** The credential_process value, already quoted by `commandLine`. */
  readonly command: string;
  /** Null leaves the profile's region, if any, alone. */
  readonly region: string | null;
  /** Replace a profile of that name that Twokey did not write. */
  readonly force: boolean;
}

/** How Twokey knows its own profile again. */
const MARK = "# Written by `twokey setup aws`; run it again to change it.";

/** The new text, or a sentence saying why the profile is not touched. Doing it twice changes nothing more. */
export function withProfile(text: string, edit: ProfileEdit): Result<string, string> {
  const eol = text.includes("\r\n") ? "\r\n" : "\n";
  const lines = text.split(/(?<=\n)/);
  const headers = lines.flatMap((line, index) =>
    sectionName(line) === sectionOf(edit.profile) ? [index] : [],
  );
  const [header] = headers;
  if (header === undefined) return ok(appended(text, edit, eol));
  if (headers.length > 1)
    return err(`the profile ${edit.profile} stands there ${headers.length} times. Remove all but one.`);
  const next = lines.findIndex((line, index) => index > header && sectionName(line) !== null);
  const end = next === -1 ? lines.length : next;
  const body = lines.slice(header + 1, end);
  const ours = body.some((line) => line.trim() === MARK);
  if (!ours && !edit.force)
    return err(
      `the profile ${edit.profile} exists and was not written by Twokey. Choose another --profile, or replace it with --force.`,
    );
  const section = ours ? changed(body, edit, eol) : [...profileLines(edit, eol), ...trailingBlank(body)];
  // A last line without its line break would run into what follows it.
  const head = lines.slice(0, header + 1).map((line) => (line.endsWith("\n") ? line : line + eol));
  return ok([...head, ...section, ...lines.slice(end)].join(""));
}

/** True where a credentials file holds the profile: its keys would win over the config file's process. */
export function hasCredentials(credentialsText: string, profile: string): boolean {
  return credentialsText.split("\n").some((line) => sectionName(line) === profile);
}

/** Removed and added lines only: the lines around them may be somebody's secrets. */
export function diffOf(before: string, after: string): string {
  const [old, fresh] = [before.split("\n"), after.split("\n")];
  const most = Math.min(old.length, fresh.length);
  let start = 0;
  while (start < most && old[start] === fresh[start]) start += 1;
  let tail = 0;
  while (tail < most - start && old.at(-1 - tail) === fresh.at(-1 - tail)) tail += 1;
  const removed = old.slice(start, old.length - tail).map((line) => `-${masked(line)}`);
  const added = fresh.slice(start, fresh.length - tail).map((line) => `+${line}`);
  return before === after ? "" : [`@@ line ${start + 1} @@`, ...removed, ...added].join("\n");
}

/**
 * A command line that a POSIX shell (the SDKs for JavaScript and Go), Python's shlex (boto3) and the SDKs' INI
 * parsers (which cut at ` #` and ` ;`) all read as exactly these words.
 */
export function commandLine(words: readonly string[]): Result<string, string> {
  if (words.some((word) => /\p{Cc}/u.test(word)))
    return err("a setting holds a line break or control character.");
  return ok(words.map(quoted).join(" "));
}

function quoted(word: string): string {
  if (/^[A-Za-z0-9_./:=@+,-]+$/.test(word)) return word;
  return `'${word.replace(/['#;]/g, (character) => `'\\${character}'`)}'`;
}

const sectionOf = (profile: string): string => (profile === "default" ? "default" : `profile ${profile}`);

/** A section line's name with quotes and doubled spaces taken out, or null for any other line. */
function sectionName(line: string): string | null {
  const match = /^\[([^\]]*)\]/.exec(line.trim());
  return match?.[1]?.replace(/["']/g, "").trim().replace(/\s+/g, " ") ?? null;
}

function profileLines(edit: ProfileEdit, eol: string): string[] {
  const region = edit.region === null ? [] : [`region = ${edit.region}${eol}`];
  return [`${MARK}${eol}`, `credential_process = ${edit.command}${eol}`, ...region];
}

function appended(text: string, edit: ProfileEdit, eol: string): string {
  const gap = text === "" ? "" : text.endsWith("\n") ? eol : eol + eol;
  return [text, gap, `[${sectionOf(edit.profile)}]${eol}`, ...profileLines(edit, eol)].join("");
}

/** Twokey's own lines anew at the mark; what a person added to the profile stays. */
function changed(body: readonly string[], edit: ProfileEdit, eol: string): string[] {
  const own = edit.region === null ? /^credential_process\s*=/i : /^(credential_process|region)\s*=/i;
  return body
    .filter((line) => !own.test(line.trim()))
    .flatMap((line) => (line.trim() === MARK ? profileLines(edit, eol) : [line]));
}

function trailingBlank(body: readonly string[]): string[] {
  const last = body.findLastIndex((line) => line.trim() !== "");
  return body.slice(last + 1);
}

function masked(line: string): string {
  return /^\s*aws_\w*(secret|token|key)\w*\s*=/i.test(line) ? line.replace(/=.*/s, "= [not shown]") : line;
}
