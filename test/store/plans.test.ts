/** That the questions pages and agents ask are answered from an index, however much is stored. */
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { FIND } from "../../src/adapters/postgres/escalation-rows.ts";
import { FIGURES } from "../../src/adapters/postgres/figures.ts";
import { LIST, LIST_OF_AGENT, rowsOfState } from "../../src/adapters/postgres/escalation-store.ts";
import { searchText } from "../../src/adapters/postgres/search.ts";
import { fillStore } from "../support/fill-store.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";

const STORED = 20_000;

const title = `with ${STORED} escalations stored`;

describe.skipIf(!postgresInstalled)(postgresInstalled ? title : `${title} (needs PostgreSQL)`, () => {
  let cluster: Postgres;
  let client: pg.Client;
  beforeAll(async () => {
    cluster = (await startPostgres()) as Postgres;
    await (await openAuditLog({ url: cluster.url, folder: null })).close();
    client = new pg.Client(cluster.url);
    await client.connect();
    await fillStore(client, STORED);
  }, 120_000);
  afterAll(async () => {
    await client.end();
    await cluster.stop();
  });

  interface Node {
    readonly "Node Type": string;
    readonly "Relation Name"?: string;
    readonly "Actual Rows": number;
    readonly "Rows Removed by Filter"?: number;
    readonly "Actual Loops": number;
    readonly Plans?: readonly Node[];
  }
  /** Tables of one row, and of one for each AI role. */
  const SMALL: readonly (string | undefined)[] = ["log_head", "role_denials"];
  /** Scans of tables that grow, and the most rows any step went through. */
  async function planOf(text: string, parameters: readonly unknown[]) {
    const { rows } = await client.query<{ "QUERY PLAN": readonly [{ readonly Plan: Node }] }>(
      `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
      [...parameters],
    );
    const nodes = (node: Node): readonly Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)];
    const root = rows[0]?.["QUERY PLAN"][0].Plan;
    const all = root === undefined ? [] : nodes(root);
    const scans = all
      .filter((node) => node["Node Type"] === "Seq Scan")
      .map((node) => node["Relation Name"])
      .filter((name) => !SMALL.includes(name));
    const rowsOf = (node: Node) =>
      (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0)) * node["Actual Loops"];
    return { scans, most: Math.max(...all.map(rowsOf)) };
  }
  const states = (...names: Parameters<typeof rowsOfState>[0][]) =>
    JSON.stringify(names.flatMap(rowsOfState));
  const PAGE = 25;

  test.each([
    ["what waits", LIST, [states("pending", "approved"), null, null, PAGE]],
    ["what was decided", LIST, [states("consumed", "denied", "expired", "cancelled"), null, null, PAGE]],
    ["a later page", LIST, [states("consumed"), null, STORED / 2, PAGE]],
    ["a rare state", LIST, [states("cancelled"), null, null, PAGE]],
    ["an agent's own", LIST_OF_AGENT, [states("consumed", "pending"), "agent-7", null, PAGE]],
    ["an agent that has none", LIST_OF_AGENT, [states("consumed"), "agent-none", null, PAGE]],
    ["one escalation", FIND, [`esc-${STORED / 2}`]],
    ["how many wait", FIGURES, []],
  ])("%s is read from an index, no more than some pages of it", async (_, text, parameters) => {
    const { scans, most } = await planOf(text, parameters);
    expect(scans).toEqual([]);
    expect(most).toBeLessThanOrEqual(8 * PAGE);
  });

  const ALL = { kinds: null, agent: null, person: null, session: null, escalation: null, text: null };
  test.each([
    ["the newest", {}],
    ["a kind", { kinds: ["escalation.requested"] }],
    ["a kind that never was", { kinds: ["policy.refused"] }],
    ["an agent", { agent: "agent-7" }],
    ["a person", { person: "nobody" }],
    ["a session", { session: "tks-none" }],
    ["an escalation's story", { escalation: `esc-${STORED / 2}` }],
    ["an agent that never was", { agent: "agent-none" }],
    ["a kind and an agent that never was", { kinds: ["escalation.decided"], agent: "agent-none" }],
    ["a person's entries of a kind", { kinds: ["escalation.decided"], person: "person-3" }],
  ])("entries of %s are found by an index, no more than some pages of it", async (_, changes) => {
    const query = { ...ALL, ...changes, before: null, limit: PAGE };
    const { agent, person, session, escalation, kinds } = query;
    const parameters = [escalation, session, person, agent, null, PAGE, null, null, null];
    const { scans, most } = await planOf(searchText(query), [...parameters, kinds && JSON.stringify(kinds)]);
    expect(scans).toEqual([]);
    expect(most).toBeLessThanOrEqual(8 * PAGE);
  });
});
