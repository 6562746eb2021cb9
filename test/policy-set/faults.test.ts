import { expect, test } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { parseSet } from "../../src/policy/parse-set.ts";
import type { PolicyFault } from "../../src/policy/set.ts";
import { asFiles, FILES, placeOf, replaceOnce } from "./fixture.ts";
import { SEEDED_FAULTS } from "./seeded-faults.ts";

const table = loadActionTable();

const faultsOf = (files: Readonly<Record<string, string>>): readonly PolicyFault[] => {
  const parsed = parseSet(asFiles(files), table);
  return parsed.ok ? [] : parsed.error;
};

test("the set that the rows spoil has no fault", () => {
  expect(faultsOf(FILES)).toEqual([]);
});

for (const { file, find, put, at, says, fix } of SEEDED_FAULTS) {
  test(`${file}: ${JSON.stringify(put.slice(0, 60))} is reported where it stands, and alone`, () => {
    const text = replaceOnce(FILES[file] ?? "", find, put);
    const faults = faultsOf({ ...FILES, [file]: text });
    expect(faults.map((fault) => fault.message).join("\n")).toContain(says);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatchObject({ file, ...placeOf(text, at) });
    if (fix !== undefined) expect(faults[0]?.fix).toBe(fix);
  });
}

/** Faults of the text itself stop their file from being read further, so they are not in the run below. */
const OF_THE_TEXT = /anchors|aliases|tags are|key stands here twice|not readable/;

/** What these compare themselves with is faulty there too (the environments, an id, a role, a name). */
const NEEDS_ITS_NEIGHBOURS =
  /no service role for|not an environment|not of 111122223333|the same `name`|not in accounts.yaml|^change_set$|must hold|already `/;

test("as many of these faults as fit into one set are all reported in one run", () => {
  const files: Record<string, string> = { ...FILES };
  const seeded = SEEDED_FAULTS.filter(({ file, find, put, says }) => {
    const text = files[file] ?? "";
    if (OF_THE_TEXT.test(says) || text.split(find).length !== 2) return false;
    files[file] = replaceOnce(text, find, put);
    return true;
  });
  const faults = faultsOf(files);
  const standing = seeded.filter(
    ({ file, put, says }) => files[file]?.includes(put) && !NEEDS_ITS_NEIGHBOURS.test(says),
  );
  const unreported = standing.filter(
    ({ file, says }) => !faults.some((fault) => fault.file === file && fault.message.includes(says)),
  );
  expect(unreported.map(({ put, says }) => ({ put, says }))).toEqual([]);
  expect(standing.length).toBeGreaterThanOrEqual(45);
  expect(new Set(faults.map(({ file }) => file)).size).toBe(Object.keys(FILES).length);
});
