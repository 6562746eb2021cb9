/** Agents that are frozen by a rule: what breaks one, by the log alone. */
import { describe, expect, test } from "vitest";
import { agentWatch } from "../../src/audit/agent-watch.ts";
import type { Entry } from "../../src/audit/entry.ts";
import type { FreezeRules } from "../../src/policy/set.ts";
import { aSession, REFUSED } from "../store/records.ts";

const NONE: FreezeRules = { refusals: null, sessions: null, repeats: null };
const START = Date.parse("2026-03-01T10:00:00Z");
const at = (seconds: number): Date => new Date(START + seconds * 1000);

const refused = (
  seconds: number,
  changes: { agent?: string; code?: string; reason?: string } = {},
): Entry => {
  const { agent = "orders-ci", code = "template_not_open", reason = `r${seconds}` } = changes;
  const base = { ...REFUSED, agent, owner: "orders-lead", at: at(seconds) };
  return { ...base, kind: "request.refused", detail: { route: "POST /v1/credentials", code, reason } };
};

const asked = (seconds: number, summary = `s${seconds}`): Entry => {
  const { requestedAt, ...detail } = aSession({ task: { id: null, intent: "observe", summary } });
  expect(requestedAt).toBeInstanceOf(Date);
  return { ...REFUSED, agent: "orders-ci", at: at(seconds), kind: "session.intent", detail };
};

/** Reasons by the position of the entry that completes them. */
function breaches(
  entries: readonly Entry[],
  rules: Partial<FreezeRules>,
): readonly (readonly [number, string])[] {
  const watch = agentWatch();
  return entries.flatMap((entry, n) =>
    watch.see(entry, { ...NONE, ...rules }).map(({ agent, reason }) => [n, `${agent}: ${reason}`] as const),
  );
}

const five = { count: 5, seconds: 60 };

describe("refusals", () => {
  test("so many within so long freeze the agent, at the last of them", () => {
    const entries = [0, 10, 20, 30, 40].map((second) => refused(second));
    expect(breaches(entries, { refusals: five })).toEqual([
      [4, "orders-ci: 5 refused requests within 1 minutes"],
    ]);
  });
  test("as many over a longer time do not", () => {
    expect(
      breaches(
        [0, 16, 32, 48, 64, 80].map((second) => refused(second)),
        { refusals: five },
      ),
    ).toEqual([]);
  });
  test("another agent's count for that one", () => {
    const entries = [0, 1, 2, 3].flatMap((second) => [
      refused(second),
      refused(second, { agent: "billing-ci" }),
    ]);
    expect(breaches(entries, { refusals: five })).toEqual([]);
  });
  test("those an honest agent meets while it waits do not count", () => {
    const codes = ["authorization_pending", "slow_down", "already_issued", "sts_throttled", "frozen"];
    const entries = codes.flatMap((code) => [0, 1, 2, 3, 4].map((second) => refused(second, { code })));
    expect(breaches(entries, { refusals: five, repeats: five })).toEqual([]);
  });
  test("those nobody knows whose they are freeze nobody", () => {
    const entries = [0, 1, 2, 3, 4].map((second): Entry => ({ ...refused(second), agent: null }));
    expect(breaches(entries, { refusals: five })).toEqual([]);
  });
});

test("more sessions than the budget freeze the agent", () => {
  expect(
    breaches(
      [0, 1, 2, 3, 4].map((second) => asked(second)),
      { sessions: five },
    ),
  ).toEqual([[4, "orders-ci: 5 sessions within 1 minutes"]]);
});

describe("the same request in a loop", () => {
  test("freezes the agent, refused or granted", () => {
    expect(
      breaches(
        [0, 1, 2, 3, 4].map((second) => asked(second, "again")),
        { repeats: five },
      ),
    ).toEqual([[4, "orders-ci: 5 times the very same request within 1 minutes"]]);
    const same = [0, 1, 2, 3, 4].map((second) => refused(second, { reason: "same" }));
    expect(breaches(same, { repeats: five })).toHaveLength(1);
  });
  test("different requests are none", () => {
    expect(
      breaches(
        [0, 1, 2, 3, 4].map((second) => asked(second)),
        { repeats: five },
      ),
    ).toEqual([]);
  });
  test("is seen among a hundred others, more than are remembered", () => {
    const entries = Array.from({ length: 5 }, (_, round) => [
      ...Array.from({ length: 20 }, (__, n) => asked(round, `other ${round} ${n}`)),
      asked(round, "again"),
    ]).flat();
    expect(breaches(entries, { repeats: five })).toHaveLength(1);
  });
});

test("without a rule nobody is frozen", () => {
  expect(
    breaches(
      Array.from({ length: 500 }, (_, n) => refused(n / 100)),
      {},
    ),
  ).toEqual([]);
});

test("after a freeze or a thaw the count begins anew", () => {
  const target = { kind: "agent", name: "orders-ci" } as const;
  const thawed: Entry = {
    ...REFUSED,
    agent: "orders-ci",
    kind: "freeze.thawed",
    detail: { id: "frz-1", target, state: "thawed", keys: ["p"] },
  };
  const four = [0, 1, 2, 3].map((second) => refused(second));
  expect(breaches([...four, thawed, refused(4)], { refusals: five })).toEqual([]);
});
