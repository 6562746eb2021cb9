/** Finding entries: the contract of audit/log.ts, the same on every engine. */
import { expect, test } from "vitest";
import type { Entry, EntrySearch } from "../../src/audit/log.ts";
import { onEveryEngine } from "./engines.ts";
import { requested } from "./escalations.ts";
import { REFUSED } from "./records.ts";

const ALL: EntrySearch = {
  kinds: null,
  agent: null,
  person: null,
  session: null,
  escalation: null,
  text: null,
  before: null,
  limit: 100,
};
type Refused = Extract<Entry, { kind: "request.refused" }>;

onEveryEngine("a search", (opened) => {
  const append = async (changes: Partial<Refused>) =>
    (await opened.log.append({ ...(REFUSED as Refused), ...changes })).entry;
  const found = async (query: Partial<EntrySearch>) =>
    (await opened.log.search({ ...ALL, ...query })).map(({ index }) => index);
  const saying = (reason: string) =>
    append({ detail: { route: "POST /v1/x", code: "invalid_token", reason } });

  test("finds by each field, newest first, and by all that are given", async () => {
    const both = [
      await append({ agent: "a-1", person: "p-1" }),
      await append({ agent: "a-1", person: "p-1" }),
    ];
    const one = await append({ agent: "a-1", person: "p-2" });
    const other = await append({ agent: "a-2", session: "s-1", escalation: "e-1" });
    expect(await found({ agent: "a-1" })).toEqual([one, both[1], both[0]]);
    expect(await found({ agent: "a-1", person: "p-1" })).toEqual([both[1], both[0]]);
    expect(await found({ session: "s-1" })).toEqual([other]);
    expect(await found({ escalation: "e-1" })).toEqual([other]);
    expect(await found({ agent: "a-2", person: "p-1" })).toEqual([]);
  });

  test("pages without gaps while entries are written", async () => {
    const indexes: number[] = [];
    for (let n = 0; n < 5; n += 1) indexes.unshift(await append({ agent: "a-paging" }));
    const first = await found({ agent: "a-paging", limit: 2 });
    await append({ agent: "a-paging" });
    expect(first).toEqual(indexes.slice(0, 2));
    expect(await found({ agent: "a-paging", before: first.at(-1) ?? 0 })).toEqual(indexes.slice(2));
  });

  test("finds several kinds in one order, a kind asked for twice once, and no kind nothing", async () => {
    const agent = "a-kinds";
    const one = await append({ agent });
    const { id } = await requested(opened.log, { content: { agent } });
    const two = await append({ agent });
    const kinds = ["request.refused", "escalation.requested", "request.refused"];
    expect(await found({ kinds, agent })).toEqual([two, one + 1, one]);
    expect(await found({ kinds: ["escalation.requested"], escalation: id })).toEqual([one + 1]);
    expect(await found({ kinds: [], agent })).toEqual([]);
  });

  test.each([
    ["100% of it", "is 100% of it all", "is 1000 of it all"],
    ["a_b", "x a_b x", "x aXb x"],
    ["back\\slash", "a back\\slash here", "a backslash here"],
    ['say "yes"', 'they say "yes" twice', "they say yes twice"],
    ["line\nbreak", "a line\nbreak here", "a line break here"],
    ["' OR 1=1 --", "x ' OR 1=1 -- x", "anything"],
    ["nul \0 here", "a nul \0 here", "a nul here"],
    ["Grüße 漢字", "viele Grüße 漢字", "viele Gruesse"],
  ])("looks for %j as it is written", async (text, yes, no) => {
    const hit = await saying(yes);
    await saying(no);
    expect(await found({ text })).toEqual([hit]);
  });

  test("looks into an escalation's content, which is JSON within the entry", async () => {
    const { id } = await requested(opened.log, { content: { reason: 'the "visibility" time-out' } });
    const hits = await opened.log.search({ ...ALL, text: 'the "visibility" time-out' });
    expect(hits.map(({ escalation }) => escalation)).toEqual([id]);
  });

  test("reads entries of the first version, which knew no person and no escalation", async () => {
    const first = Object.entries(REFUSED).filter(([name]) => name !== "person" && name !== "escalation");
    const { entry } = await opened.log.append({ ...REFUSED, agent: "a-first" });
    await opened.db.query("UPDATE entries SET body = $2 WHERE idx = $1::bigint", [
      entry,
      JSON.stringify({ ...Object.fromEntries(first), agent: "a-first" }),
    ]);
    expect(await opened.log.search({ ...ALL, agent: "a-first" })).toEqual([
      { ...REFUSED, agent: "a-first", index: entry },
    ]);
  });
});
