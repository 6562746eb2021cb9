/** Entries that a search would not find by what they say, in what order of columns and however odd their text. */
import { expect, test } from "vitest";
import { misfiled } from "../../src/adapters/postgres/misfiled.ts";
import type { Queries } from "../../src/adapters/postgres/sql.ts";
import { onEveryEngine } from "./engines.ts";
import { REFUSED } from "./records.ts";

/** Columns that searches go by, and a value that is no entry's. */
const COLUMNS = {
  at: "2026-03-01T10:00:00.124Z",
  kind: "session.issued",
  agent: "somebody-else",
  owner: "somebody-else",
  person: "somebody-else",
  session: "tks-other",
  escalation: "tke-other",
  request_id: "req-other",
  policy_version: "other",
};

/** NUL and a lone surrogate, which no column can hold, and what JSON escapes. */
const ODD = '\u202e\0\ud800 ü"\\\n\u2028 \ud83d\ude00';

onEveryEngine("search columns", (opened) => {
  const all = async (): Promise<readonly number[]> =>
    opened.log.misfiled({ from: 0, to: await opened.log.size() });
  /** Of one entry by itself: nothing beside it makes the engine give up. */
  const one = (entry: number): Promise<readonly number[]> =>
    opened.log.misfiled({ from: entry, to: entry + 1 });

  test("as they were written are right, whatever the text", async () => {
    for (const agent of [null, "deploy-agent", 'with "quotes" \\ and\ttabs', ODD]) {
      await opened.log.append({ ...REFUSED, agent });
    }
    expect(await all()).toEqual([]);
  });

  test.each(Object.entries(COLUMNS))(
    "an entry whose %s says something else is found",
    async (column, value) => {
      for (const agent of ["deploy-agent", ODD]) {
        const { entry } = await opened.log.append({ ...REFUSED, agent });
        const [before] = await opened.db.query(
          `SELECT ${column}::text AS value FROM entries WHERE idx = $1`,
          [entry],
        );
        const set = `UPDATE entries SET ${column} = $2::text::${column === "at" ? "timestamptz" : "text"} WHERE idx = $1`;
        await opened.db.write(set, [entry, value]);
        expect([await all(), await one(entry)]).toEqual([[entry], [entry]]);
        expect(await opened.log.misfiled({ from: 0, to: entry })).toEqual([]);
        await opened.db.write(set, [entry, before?.["value"] as string | null]);
      }
      expect(await all()).toEqual([]);
    },
  );

  const deep = "[".repeat(20_000) + "]".repeat(20_000);
  test.each([
    // The columns are those of REFUSED: all they say, this says too.
    ["has no detail", JSON.stringify({ ...REFUSED, detail: undefined })],
    ["is no JSON", "no JSON"],
    ["has a time that is none", '{"at":"no time"}'],
    ["is null", "null"],
    ["is an array", "[]"],
    ["is a text", '"text"'],
    ["is empty", "{}"],
    ["is nested deeper than the engine reads", deep],
    ["has a field that is", `{"agent":${deep}}`],
  ])("a text that is no entry is found, and no other: it %s", async (_, body) => {
    const { entry } = await opened.log.append(REFUSED);
    await opened.log.append(REFUSED);
    const [before] = await opened.db.query("SELECT body FROM entries WHERE idx = $1", [entry]);
    await opened.db.write("UPDATE entries SET body = $2 WHERE idx = $1", [entry, body]);
    expect([await all(), await one(entry)]).toEqual([[entry], [entry]]);
    await opened.db.write("UPDATE entries SET body = $2 WHERE idx = $1", [entry, before?.["body"] as string]);
  });

  test("an odd text is looked at by itself, and the engine need not hand over all that is beside it", async () => {
    const asked: string[] = [];
    const { entry } = await opened.log.append({ ...REFUSED, agent: ODD });
    const { entry: last } = await opened.log.append(REFUSED);
    const counting = {
      query: (text: string, parameters: Parameters<Queries["query"]>[1]) => {
        asked.push(text);
        return opened.db.query(text, parameters);
      },
    };
    expect(await misfiled(counting, { from: entry, to: last + 1 })).toEqual([]);
    expect(asked).toHaveLength(1);
  });
});
