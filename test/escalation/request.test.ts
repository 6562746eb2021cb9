/** Asking, waiting and taking back, on two replicas of one PostgreSQL where it is installed. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { escalationDigest } from "../../src/escalation/digest.ts";
import type { Failure } from "../../src/failure.ts";
import type { Broker, Call } from "../../src/flows/admit.ts";
import { cancelEscalation } from "../../src/flows/cancel-escalation.ts";
import { getEscalation, listEscalations, type ShownEscalation } from "../../src/flows/show-escalations.ts";
import { err, ok, type Result } from "../../src/result.ts";
import { startPostgres, type Postgres } from "../support/postgres.ts";
import {
  callOf,
  changed,
  CHANGE_SET,
  decide,
  enrol,
  mint,
  policy,
  request,
  STACK,
  startWorld,
  value,
  WISH,
  type Approver,
  type Replica,
  type World,
} from "./world.ts";
import { requestEscalation } from "../../src/flows/request-escalation.ts";

let postgres: Postgres | null = null;
let world: World;
let here: Replica;
let there: Replica;
let platform: Approver;
let security: Approver;

beforeAll(async () => {
  postgres = await startPostgres();
  world = await startWorld(postgres?.url ?? null, postgres === null ? 1 : 2);
  [here, there = here] = world.replicas;
  platform = await enrol(here, "platform-engineer");
  security = await enrol(here, "security-engineer");
}, 60_000);
afterAll(async () => {
  await world.close();
  await postgres?.stop();
});
beforeEach(async () => {
  world.setDatabaseClock(null);
  await world.query("UPDATE escalations SET state = 'expired', open = NULL, denied_at = NULL", []);
});

const stack = (number: number): typeof WISH.wish => ({
  ...WISH.wish,
  parameters: { stack: [STACK.replace("/1", `/${number}`)], change_set: [CHANGE_SET] },
});
const code = (answer: Result<unknown, Failure>): string => (answer.ok ? "ok" : answer.error.code);
const requestedEntries = async (): Promise<number> =>
  (await here.store.search({ ...ALL, kinds: ["escalation.requested"] })).length;
const ALL = {
  kinds: null,
  agent: null,
  person: null,
  session: null,
  escalation: null,
  text: null,
  before: null,
  limit: 10_000,
};

test("an escalation says, to the byte, what would be executed, and its digest is over that", async () => {
  const shown = value(await request(here.broker));
  const { escalation, content } = shown;
  expect(escalation.id).toMatch(/^esc-[a-z2-7]{24}$/);
  expect(escalation.digest).toBe(escalationDigest(escalation.canonical));
  expect(JSON.parse(escalation.canonical)).toEqual(content);
  expect(content).toMatchObject({
    agent: "orders-ci",
    owner: "orders-lead",
    account: "111122223333",
    template: "production-stack-change",
    parameters: WISH.wish.parameters,
    durationSeconds: 900,
    reason: "the queue loses orders",
    rule: { quorum: 2, groups: ["platform"], evidence: "passkey", pendingSeconds: 3600, usableSeconds: 900 },
  });
  expect(content.policy).toContain("cloudformation:ExecuteChangeSet");
  expect(content.templateVersion).toMatch(/^[0-9a-f]{64}$/);
  expect(shown).toMatchObject({
    url: `https://twokey.example.com/escalations/${escalation.id}`,
    approvals: 0,
    interval: 5,
  });
  expect(escalation.expiresAt.getTime() - escalation.requestedAt.getTime()).toBe(3_600_000);
});

describe("case 10: one workload token", () => {
  const token = (): string => `orders-ci token-${crypto.randomUUID()}`;

  test("case 10: asks once: on either replica the second request is a replay", async () => {
    const one = token();
    expect((await request(here.broker, {}, callOf("orders-ci", one))).ok).toBe(true);
    for (const { broker } of [here, there]) {
      expect(code(await request(broker, {}, callOf("orders-ci", one)))).toBe("token_replayed");
      expect(code(await request(broker, { wish: stack(7) }, callOf("orders-ci", one)))).toBe(
        "token_replayed",
      );
    }
  });

  test("case 10: with the same Idempotency-Key and body the first answer is given again", async () => {
    const [one, idempotencyKey] = [token(), crypto.randomUUID()];
    const first = value(await request(here.broker, { idempotencyKey }, callOf("orders-ci", one)));
    const again = value(await request(there.broker, { idempotencyKey }, callOf("orders-ci", one)));
    expect(again.escalation.id).toBe(first.escalation.id);
    // A fresh token with the same key and body is the same request as well; another body is not.
    const fresh = value(await request(there.broker, { idempotencyKey }));
    expect(fresh.escalation.id).toBe(first.escalation.id);
    expect(code(await request(there.broker, { idempotencyKey, reason: "another" }))).toBe(
      "escalation_key_conflict",
    );
    expect(
      code(await request(there.broker, { idempotencyKey, reason: "another" }, callOf("orders-ci", one))),
    ).toBe("token_replayed");
  });

  test("case 10: 20 parallel uses on two replicas make one escalation", async () => {
    const one = token();
    const before = await requestedEntries();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        request(
          index % 2 === 0 ? here.broker : there.broker,
          { wish: stack(index) },
          callOf("orders-ci", one),
        ),
      ),
    );
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await requestedEntries()).toBe(before + 1);
  });
});

describe("case 46: 50 escalations from one agent", () => {
  test("case 46: past three that wait they are 429, and nobody is notified of those", async () => {
    const notices = async (): Promise<number> =>
      Number(
        (await world.query("SELECT count(*) AS n FROM notices WHERE kind = 'escalation.requested'", []))[0]?.[
          "n"
        ],
      );
    const [entries, told] = [await requestedEntries(), await notices()];
    const answers: string[] = [];
    for (let index = 0; index < 50; index += 1) {
      const { broker } = index % 2 === 0 ? here : there;
      answers.push(code(await request(broker, { wish: stack(index) })));
    }
    expect(answers).toEqual(
      Array.from({ length: 50 }, (_, index) => (index < 3 ? "ok" : "too_many_pending")),
    );
    expect([await requestedEntries(), await notices()]).toEqual([entries + 3, told + 3]);
  });

  test("case 46: for the same thing they are one escalation and one notification", async () => {
    const before = await requestedEntries();
    const ids = new Set<string>();
    for (let index = 0; index < 50; index += 1) {
      const { broker } = index % 2 === 0 ? here : there;
      ids.add(value(await request(broker, { reason: `please ${index}` })).escalation.id);
    }
    expect([ids.size, await requestedEntries()]).toEqual([1, before + 1]);
  });

  test("another agent's queue is its own", async () => {
    for (let index = 0; index < 3; index += 1) value(await request(here.broker, { wish: stack(index) }));
    expect((await request(here.broker, { wish: stack(1) }, callOf("billing-ci"))).ok).toBe(true);
  });
});

test("after a denial the same agent does not ask for the template again for ten minutes", async () => {
  const { escalation } = value(await request(here.broker));
  const denied = value(await decide(here, platform, "deny", escalation));
  const at = denied.decisions[0]?.at.getTime() ?? Number.NaN;
  expect(await request(there.broker, { wish: stack(2) })).toMatchObject({
    error: { code: "cooling_down", until: new Date(at + 600_000) },
  });
  world.setDatabaseClock(new Date(at + 599_999));
  expect(code(await request(there.broker, { wish: stack(2) }))).toBe("cooling_down");
  world.setDatabaseClock(new Date(at + 600_000));
  expect(code(await request(there.broker, { wish: stack(2) }))).toBe("ok");
});

describe("nothing is asked of people", () => {
  const broker = (set: Parameters<typeof changed>[0]): Broker => ({ ...here.broker, policy: changed(set) });
  test.each<readonly [string, () => Promise<Result<unknown, Failure>>, string]>([
    [
      "for a standing template",
      () => request(here.broker, { wish: { ...WISH.wish, template: "observe" } }),
      "template_is_standing",
    ],
    [
      "for a template that is not open",
      () => request(here.broker, { wish: { ...WISH.wish, template: "data-repair" } }),
      "template_not_open",
    ],
    [
      "where the owner is nobody in people.yaml",
      () => request(broker({ people: policy.set.people.filter(({ id }) => id !== "orders-lead") })),
      "owner_not_resolved",
    ],
    ["where no rule says who decides", () => request(broker({ approvals: [] })), "no_approval_rule"],
    [
      "where the rule is for other accounts",
      () =>
        request(
          broker({
            approvals: policy.set.approvals.map((rule) => ({ ...rule, accounts: ["999988887777"] })),
          }),
        ),
      "no_approval_rule",
    ],
    [
      "where the change set cannot be shown",
      () =>
        requestEscalation(
          here.broker,
          callOf(),
          async () => ok(WISH),
          async () => err({ code: "change_set_unreadable", arn: CHANGE_SET, reason: "no such change set" }),
        ),
      "change_set_unreadable",
    ],
    [
      "for parameters the template does not take",
      () => request(here.broker, { wish: { ...WISH.wish, parameters: {} } }),
      "invalid_parameters",
    ],
  ])("%s", async (_name, work, expected) => {
    const before = await requestedEntries();
    expect(code(await work())).toBe(expected);
    expect(await requestedEntries()).toBe(before);
  });
});

const get = (
  { broker }: Replica,
  id: string,
  waitSeconds: number,
  { agent = "orders-ci", stopping }: { readonly agent?: string; readonly stopping?: AbortSignal } = {},
): Promise<Result<ShownEscalation, Failure>> => {
  const call: Call = callOf(agent, undefined, "GET /v1/escalations/:id");
  return getEscalation(broker, stopping === undefined ? call : { ...call, stopping }, () =>
    ok({ id, waitSeconds }),
  );
};

describe("waiting", () => {
  test("ends with the decision, whichever replica took it", async () => {
    const { escalation } = value(await request(here.broker));
    const waiting = get(there, escalation.id, 60);
    value(await decide(here, platform, "deny", escalation, { reason: "not today" }));
    expect(value(await waiting)).toMatchObject({ denial: "not today", escalation: { state: "denied" } });
  });

  test("ends at once when the broker stops, and nothing is decided then", async () => {
    const { escalation } = value(await request(here.broker));
    const stop = new AbortController();
    const waiting = get(here, escalation.id, 60, { stopping: stop.signal });
    stop.abort();
    expect(value(await waiting).escalation.state).toBe("pending");
  });

  test("ends when its time is up", async () => {
    const { escalation } = value(await request(here.broker));
    let now = Date.now();
    // Every reading is 20 s later.
    const broker = { ...here.broker, clock: () => new Date((now += 20_000)) };
    const escalations = { ...here.store.escalations, changed: async () => undefined };
    const waited = await get({ ...here, broker: { ...broker, escalations } }, escalation.id, 60);
    expect(value(waited).escalation.state).toBe("pending");
  });

  test("without waiting, asking again within five seconds is too often, for that escalation", async () => {
    const [one, two] = [
      value(await request(here.broker)),
      value(await request(here.broker, { wish: stack(2) })),
    ];
    expect(code(await get(here, one.escalation.id, 0))).toBe("ok");
    expect(await get(here, one.escalation.id, 0)).toMatchObject({
      error: { code: "slow_down", interval: 5 },
    });
    expect(code(await get(here, two.escalation.id, 0))).toBe("ok");
  });
});

describe("case 49: another agent's escalation", () => {
  test("case 49: is not there to be read, waited for, listed, cancelled or used", async () => {
    const { escalation } = value(await request(here.broker));
    const other = { agent: "billing-ci" };
    expect(code(await get(here, escalation.id, 0, other))).toBe("not_found");
    expect(code(await get(here, escalation.id, 60, other))).toBe("not_found");
    expect(code(await cancelEscalation(here.broker, callOf("billing-ci"), () => ok(escalation.id)))).toBe(
      "not_found",
    );
    expect(code(await mint(here.broker, escalation.id, {}, other))).toBe("not_found");
    const page = { limit: 100, before: null };
    const listed = value(await listEscalations(here.broker, callOf("billing-ci"), () => ok(page)));
    expect(
      listed.escalations.map(({ content }) => content.agent).filter((agent) => agent !== "billing-ci"),
    ).toEqual([]);
    const before = { limit: 100, before: escalation.id };
    expect(
      value(await listEscalations(here.broker, callOf("billing-ci"), () => ok(before))).escalations,
    ).toEqual([]);
    expect((await here.store.escalations.find(escalation.id))?.state).toBe("pending");
  });
});

test("an agent's escalations are listed newest first, page by page", async () => {
  const ids: string[] = [];
  for (let index = 0; index < 3; index += 1) {
    ids.unshift(value(await request(here.broker, { wish: stack(index) })).escalation.id);
  }
  const page = async (limit: number, before: string | null) =>
    value(await listEscalations(there.broker, callOf(), () => ok({ limit, before })));
  const first = await page(2, null);
  expect(first.escalations.map(({ escalation }) => escalation.id)).toEqual(ids.slice(0, 2));
  expect(first.next).toBe(ids[1]);
  expect((await page(1, first.next)).escalations.map(({ escalation }) => escalation.id)).toEqual([ids[2]]);
});

describe("taking back", () => {
  const cancel = (id: string) => cancelEscalation(here.broker, callOf(), () => ok(id));

  test("ends what waits and what was granted, and nothing else", async () => {
    const { escalation } = value(await request(here.broker));
    expect(value(await cancel(escalation.id)).escalation.state).toBe("cancelled");
    expect(await cancel(escalation.id)).toMatchObject({
      error: { code: "escalation_closed", state: "cancelled" },
    });
    const granted = value(await request(here.broker)).escalation;
    await decide(here, platform, "approve", granted);
    await decide(here, security, "approve", granted);
    expect(value(await cancel(granted.id)).escalation.state).toBe("cancelled");
    expect(await mint(here.broker, granted.id)).toMatchObject({ error: { code: "escalation_closed" } });
  });

  test("does not undo a session", async () => {
    const granted = value(await request(here.broker)).escalation;
    await decide(here, platform, "approve", granted);
    await decide(here, security, "approve", granted);
    value(await mint(here.broker, granted.id));
    expect(await cancel(granted.id)).toMatchObject({
      error: { code: "escalation_closed", state: "consumed" },
    });
  });
});
