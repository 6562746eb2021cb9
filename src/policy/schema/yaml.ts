/**
 * One YAML file to plain data that still knows where each value stands. Takes a small, boring part of YAML 1.2:
 * no anchors, aliases, tags, directives or merge keys, no key twice. Never throws for bad text; what is refused
 * here is refused before anything expands it.
 */
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from "yaml";
import type { PolicyFault } from "../set.ts";

export type Path = readonly PropertyKey[];

export interface PolicyFile {
  /** Path inside the policy folder, with `/`. */
  readonly name: string;
  readonly text: string;
}

/** A file that was read: its data, and the place of every part of it. */
export interface Source {
  readonly file: string;
  readonly raw: unknown;
  /** Place of the value at `path`, or of its key; of the nearest part around it where there is none. */
  place(path: Path, of?: "key" | "value"): { readonly line: number; readonly column: number };
}

/** Files written by people stay far below these. Beyond them the YAML parser's own cost and stack are at risk. */
export const LIMITS = { fileCharacters: 128 * 1024, lineCharacters: 2000, brackets: 32 } as const;

/** Indentation and the marks that open another level, at the start of a line. */
const DEEP_MARGIN = /^[\s\-?:]{65}/;

// Control characters, surrogates without their pair, and the marks that make text read as other than it is.
const UNREADABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2060\u2066-\u2069\ufeff]|\p{Cs}/u;

/** Null when the file cannot be read as data; the faults say why. */
export function readYaml(file: PolicyFile, faults: PolicyFault[]): Source | null {
  const limit = overLimit(file);
  if (limit !== null) {
    faults.push(limit);
    return null;
  }
  const lines = new LineCounter();
  const document = parseDocument(file.text, {
    version: "1.2",
    schema: "core",
    merge: false,
    uniqueKeys: true,
    prettyErrors: false,
    // "silent" would also silence that a second document follows, and drop it.
    logLevel: "error",
    lineCounter: lines,
  });
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const found: PolicyFault[] = [];
  const add = (offset: number, message: string, fix: string | null): void => {
    found.push({ file: file.name, ...place(offset), message, fix });
  };
  for (const error of document.errors) {
    const twice = error.code === "DUPLICATE_KEY";
    add(
      error.pos[0],
      twice ? "this key stands here twice" : `not readable as YAML: ${error.message}`,
      twice ? "keep one of the two" : null,
    );
  }
  refuseDirectives(file.text, lines, add);
  refuseCleverness(document, add);
  faults.push(...found);
  if (found.length > 0) return null;
  return {
    file: file.name,
    raw: plain(document.contents),
    place: (path, of = "value") => place(offsetOf(document, path, of)),
  };
}

/**
 * Deep nesting is refused before the parser sees it: yaml recurses, and thousands of compact sequences on one
 * line abort the whole process inside the regular expression engine, where no `catch` helps.
 */
function overLimit(file: PolicyFile): PolicyFault | null {
  const refuse = (line: number, message: string): PolicyFault => ({
    file: file.name,
    line,
    column: 1,
    message,
    fix: null,
  });
  if (file.text.length > LIMITS.fileCharacters) {
    return refuse(1, `the file is longer than ${LIMITS.fileCharacters} characters`);
  }
  let brackets = 0;
  for (const [index, line] of file.text.split("\n").entries()) {
    if (line.length > LIMITS.lineCharacters) {
      return refuse(index + 1, `the line is longer than ${LIMITS.lineCharacters} characters`);
    }
    for (const character of line) {
      if (character === "[" || character === "{") brackets++;
      else if ((character === "]" || character === "}") && brackets > 0) brackets--;
    }
    if (brackets > LIMITS.brackets || DEEP_MARGIN.test(line)) {
      return refuse(index + 1, "this is nested too deeply");
    }
  }
  return null;
}

type Add = (offset: number, message: string, fix: string | null) => void;

/** `%YAML 1.1` would turn `no` into false and `012` into ten. */
function refuseDirectives(text: string, lines: LineCounter, add: Add): void {
  for (const [index, line] of text.split("\n").entries()) {
    if (line.startsWith("%"))
      add(lines.lineStarts[index] ?? 0, "YAML directives are not used here", "remove the line");
  }
}

function refuseCleverness(document: Document.Parsed, add: Add): void {
  const start = (node: Node): number => node.range?.[0] ?? 0;
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        add(start(node), "YAML aliases are not used here", "write the value out");
        return;
      }
      if (node.anchor !== undefined)
        add(start(node), "YAML anchors are not used here", `remove \`&${node.anchor}\``);
      if (node.tag !== undefined) add(start(node), "YAML tags are not used here", `remove \`${node.tag}\``);
      if (isScalar(node) && typeof node.value === "string" && UNREADABLE.test(node.value)) {
        add(start(node), "holds a control, invisible or text-direction character", "type the text anew");
      }
    },
    Pair: (_key, pair) => {
      const key = pair.key;
      if (isScalar(key) && typeof key.value === "string") {
        // Such names mean something to JavaScript's own objects.
        if (key.value in {})
          add(start(key), `\`${key.value}\` cannot be used as a key`, "choose another name");
        return;
      }
      add(start(key as Node), "a key must be text", "put the key in quotes");
    },
  });
}

function plain(node: unknown): unknown {
  if (isMap(node)) {
    return Object.fromEntries(
      node.items.map((pair) => [String((pair.key as { value: unknown }).value), plain(pair.value)]),
    );
  }
  if (isSeq(node)) return node.items.map(plain);
  return isScalar(node) ? node.value : undefined;
}

function offsetOf(document: Document.Parsed, path: Path, of: "key" | "value"): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range[0] ?? 0;
  for (const [index, step] of path.entries()) {
    if (isMap(node)) {
      const pair = node.items.find((candidate) => isScalar(candidate.key) && candidate.key.value === step);
      if (pair === undefined) break;
      node = of === "key" && index === path.length - 1 ? pair.key : pair.value;
    } else if (isSeq(node) && typeof step === "number" && step < node.items.length) {
      node = node.items[step];
    } else break;
    offset = (node as Node | null)?.range?.[0] ?? offset;
  }
  return offset;
}
