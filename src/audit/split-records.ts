/**
 * Cuts the text of CloudTrail files into its records as it comes, so that a file of any size takes the memory of one
 * record. Reads `{"Records": […]}`, a list, one record a line, and any of these after one another. Pure; knows brackets
 * and strings, and leaves what a record holds to others.
 */
import { err, ok, type Result } from "../result.ts";

export interface SplitRecord {
  /** From 1, in the file. */
  readonly number: number;
  /** Line on which it begins, from 1. */
  readonly line: number;
  readonly text: string;
}

export interface SplitFault {
  readonly line: number;
  readonly message: string;
}

export interface Splitter {
  /** The records that this part completes. After a fault there is no more to come. */
  readonly push: (chunk: string) => Result<readonly SplitRecord[], SplitFault>;
  readonly end: () => Result<null, SplitFault>;
}

/** Characters. AWS's largest event is 1 MB. */
export const LONGEST_RECORD = 2 * 1_048_576;
/** Far above any event's: what is deeper could exhaust the stack of whoever reads it. */
export const DEEPEST_RECORD = 64;

/**
 * Where the next character stands: between documents; in a list `first` of all, `after` a record, or at the `next` one
 * after a comma; `behind` the list of `{"Records": […]}`. In a record (`depth` above 0): what comes when it has ended.
 */
type State = "between" | "first" | "after" | "next" | "behind";

interface Cutter {
  state: State;
  line: number;
  records: number;
  documents: number;
  /** The list is that of `{"Records": […]}`. */
  wrapped: boolean;
  /** Of brackets in the record under way; 0: in none. */
  depth: number;
  inString: boolean;
  escaped: boolean;
  /** Line on which the record under way began, and its place in this chunk. */
  began: number;
  start: number;
  /** What earlier chunks had of it. */
  kept: string[];
  length: number;
}

export function splitter(): Splitter {
  const cutter: Cutter = {
    state: "between",
    line: 1,
    records: 0,
    documents: 0,
    wrapped: false,
    depth: 0,
    inString: false,
    escaped: false,
    began: 1,
    start: 0,
    kept: [],
    length: 0,
  };
  return { push: (chunk) => push(cutter, chunk), end: () => end(cutter) };
}

type Fault = ReturnType<typeof err<SplitFault>>;
const fault = ({ line }: Cutter, message: string): Fault => err({ line, message });

function end(cutter: Cutter): Result<null, SplitFault> {
  if (cutter.state !== "between" || cutter.depth > 0)
    return fault(cutter, "the text ends in the middle: it was cut off");
  return cutter.documents === 0 ? fault(cutter, "there is nothing in it") : ok(null);
}

function push(cutter: Cutter, chunk: string): Result<readonly SplitRecord[], SplitFault> {
  const done: SplitRecord[] = [];
  cutter.start = 0;
  for (let at = 0; at < chunk.length; at += 1) {
    if (chunk.charCodeAt(at) === NEWLINE) cutter.line += 1;
    const wrong = cutter.depth === 0 ? outside(cutter, chunk, at) : inside(cutter, chunk, at, done);
    if (wrong !== null) return fault(cutter, wrong);
  }
  if (cutter.depth === 0) return ok(done);
  cutter.kept.push(chunk.slice(cutter.start));
  cutter.length += chunk.length - cutter.start;
  return cutter.length > LONGEST_RECORD
    ? fault(cutter, `a record is longer than ${LONGEST_RECORD} characters`)
    : ok(done);
}

const NEWLINE = 10;
const QUOTE = 34;
const BACKSLASH = 92;
const BRACKET = { open: 91, close: 93 } as const;
const BRACE = { open: 123, close: 125 } as const;

/** What may stand in each state besides white space, with the state that follows. `{` begins a record in three of them. */
const NEXT: Readonly<Record<State, Readonly<Partial<Record<string, State>>>>> = {
  between: { "{": "between", "[": "first" },
  first: { "{": "after", "]": "between" },
  after: { ",": "next", "]": "between" },
  next: { "{": "after" },
  behind: { "}": "between" },
};

/** One character outside any record: what is wrong with it, or null. */
function outside(cutter: Cutter, chunk: string, at: number): string | null {
  const character = chunk.charAt(at);
  if (" \t\r\n".includes(character)) return null;
  const next = NEXT[cutter.state][character];
  if (next === undefined) return 'this is no CloudTrail file: {"Records": [...]} or one JSON record a line';
  if (cutter.state === "between") {
    cutter.documents += 1;
    cutter.wrapped = false;
  }
  cutter.state = character === "]" && cutter.wrapped ? "behind" : next;
  if (character === "{")
    Object.assign(cutter, { depth: 1, began: cutter.line, start: at, kept: [], length: 0 });
  return null;
}

/** One character of a record. The one that ends it adds it to `done`. */
function inside(cutter: Cutter, chunk: string, at: number, done: SplitRecord[]): string | null {
  const code = chunk.charCodeAt(at);
  if (cutter.inString) {
    if (cutter.escaped) cutter.escaped = false;
    else if (code === BACKSLASH) cutter.escaped = true;
    else if (code === QUOTE) cutter.inString = false;
    return null;
  }
  if (code === QUOTE) cutter.inString = true;
  else if (code === BRACKET.open && opensRecords(cutter, chunk, at))
    Object.assign(cutter, { state: "first", wrapped: true, depth: 0 });
  else if (code === BRACE.open || code === BRACKET.open) {
    cutter.depth += 1;
    if (cutter.depth > DEEPEST_RECORD) return `a record is nested deeper than ${DEEPEST_RECORD} levels`;
  } else if (code === BRACE.close || code === BRACKET.close) {
    cutter.depth -= 1;
    if (cutter.depth > 0) return null;
    cutter.records += 1;
    done.push({ number: cutter.records, line: cutter.began, text: textTo(cutter, chunk, at + 1) });
  }
  return null;
}

const textTo = ({ kept, start }: Cutter, chunk: string, to: number): string =>
  kept.join("") + chunk.slice(start, to);

/** What looked like a record is the head of `{"Records": [`. */
function opensRecords(cutter: Cutter, chunk: string, at: number): boolean {
  const { state, depth, length, start } = cutter;
  if (state !== "between" || depth !== 1 || length + at - start > LONGEST_HEAD) return false;
  return /^\{\s*"Records"\s*:\s*$/.test(textTo(cutter, chunk, at));
}

const LONGEST_HEAD = 200;
