/** The example of docs/audit.md: a real checkpoint, a real key, a real entry. */
import { expect, test } from "vitest";
import { verifyEd25519 } from "../../src/adapters/key-files/key-files.ts";
import { openCheckpoint, parseVerifierLine } from "../../src/audit/checkpoint.ts";
import { readEntry } from "../../src/audit/read-entry.ts";
import { ENTRY_KINDS } from "../../src/audit/sentence.ts";
import { blocksOf, PAGES } from "./pages.ts";

const texts = blocksOf("").flatMap(({ at, text }) => (at.startsWith("docs/audit.md") ? [text] : []));
const block = (start: RegExp): string => texts.find((text) => start.test(text)) ?? "";

test("the checkpoint shown is one that the key shown signed", () => {
  const key = parseVerifierLine(block(/^twokey\.log\/\S+\+/));
  if (!key.ok) throw new Error(key.error);
  const opened = openCheckpoint(`${block(/^twokey\.log\/\S+\n/)}\n`, [key.value], verifyEd25519);
  expect(opened).toMatchObject({ ok: true, value: { origin: key.value.name, size: 37 } });
});

test("the entry shown is one", () => {
  expect(readEntry(34, block(/^\{/))).toMatchObject({ ok: true, value: { kind: "session.issued" } });
});

test("every kind of entry is on the page", () => {
  const spans = PAGES.find(({ name }) => name === "docs/audit.md")?.spans ?? [];
  expect(ENTRY_KINDS.filter((kind) => !spans.includes(kind))).toEqual([]);
});
