/** The documentation as data: every page of README.md and docs/, its blocks, code spans, links and anchors. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const ROOT = join(import.meta.dirname, "../..");

export interface Block {
  /** What follows the fence; empty for none. */
  readonly language: string;
  readonly text: string;
  /** `page:line`, for people. */
  readonly at: string;
}

export interface Page {
  /** Path in the repository. */
  readonly name: string;
  readonly blocks: readonly Block[];
  /** The text between the blocks. */
  readonly prose: string;
  /** Texts between back-quotes in the prose. */
  readonly spans: readonly string[];
  readonly links: readonly string[];
  readonly anchors: ReadonlySet<string>;
}

export const PAGES: readonly Page[] = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`)
    .sort(),
].map((name) => readPage(name, readFileSync(join(ROOT, name), "utf8")));

export const blocksOf = (language: string): readonly Block[] =>
  PAGES.flatMap(({ blocks }) => blocks.filter((block) => block.language === language));

/** Each match with the page it stands on, once. */
export function mentions(
  pattern: RegExp,
  of: (page: Page) => readonly string[],
): readonly (readonly [string, string])[] {
  return PAGES.flatMap((page) => {
    const found = of(page).flatMap((text) =>
      [...text.matchAll(pattern)].map((match) => match[1] ?? match[0]),
    );
    return [...new Set(found)].map((text) => [page.name, text] as const);
  });
}

/** All of a page that a reader may type. */
export const codeOf = ({ spans, blocks }: Page): readonly string[] => [
  ...spans,
  ...blocks.flatMap(({ text }) => text.split("\n")),
];

function readPage(name: string, text: string): Page {
  const blocks: Block[] = [];
  const prose: string[] = [];
  let open: { language: string; lines: string[]; at: string } | null = null;
  for (const [index, line] of text.split("\n").entries()) {
    const [, fence] = /^```(.*)$/.exec(line) ?? [];
    if (fence === undefined) (open?.lines ?? prose).push(line);
    else if (open === null) open = { language: fence.trim(), lines: [], at: `${name}:${index + 1}` };
    else {
      blocks.push({ language: open.language, text: open.lines.join("\n"), at: open.at });
      open = null;
    }
  }
  if (open !== null) throw new Error(`${open.at}: the block has no end`);
  const whole = prose.join("\n");
  return {
    name,
    blocks,
    prose: whole,
    spans: [...whole.matchAll(/`([^`]+)`/g)].map((match) => (match[1] ?? "").replaceAll(/\s+/g, " ")),
    links: [...whole.matchAll(/\]\(([^()\s]+)\)/g)].map((match) => match[1] ?? ""),
    anchors: new Set(prose.flatMap((line) => anchorOf(line) ?? [])),
  };
}

/** GitHub's rule: lower case, punctuation dropped, blanks to dashes. */
function anchorOf(line: string): string | null {
  const [, heading] = /^#{1,6} (.+)$/.exec(line) ?? [];
  return heading === undefined
    ? null
    : heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-");
}
