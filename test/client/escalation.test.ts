import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requestEscalation, type Asking } from "../../src/client/escalation.ts";
import { waitForDecision, type Waiting } from "../../src/client/wait-escalation.ts";
import { singleSession } from "../../src/client/single-session.ts";
import { lines } from "../../src/client/refusal.ts";
import { ok } from "../../src/result.ts";
import { CANARY, fakeBroker, problem, type FakeBroker } from "./fake-broker.ts";

let broker: FakeBroker;
let now: Date;
let pauses: number[];
let tokens: number;
beforeEach(async () => {
  broker = await fakeBroker();
  now = new Date("2026-11-21T04:00:00.000Z");
  pauses = [];
  tokens = 0;
});
afterEach(() => broker.close());

const access = () => ({
  url: new URL(broker.url),
  workloadToken: async () => {
    tokens += 1;
    return ok(CANARY.workloadToken);
  },
});
/** Time goes by in pauses alone. */
const pause = async (ms: number): Promise<void> => {
  pauses.push(ms);
  now = new Date(now.getTime() + ms);
};

const request = {
  template: "production-stack-change",
  parameters: { stack: "arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1" },
  reason: "orders are processed twice",
  task: { intent: "destroy", summary: "repair orders" },
} as const;

const asking = (): Asking => ({ ...access(), request, idempotencyKey: "key-1", pause });

const fails = (status: number, code: string) => {
  broker.escalations.instead.push((response) => {
    problem(response, { status, code, detail: "Not now." });
  });
};

describe("asking for an escalation", () => {
  test("the request arrives as it was made, under its Idempotency-Key", async () => {
    const got = await requestEscalation(asking());
    expect(broker.escalations.requests).toEqual([{ body: request, idempotencyKey: "key-1" }]);
    expect(got.ok && [got.value.code, got.value.state]).toEqual(["amber-falcon", "pending"]);
  });

  test("a lost answer and a broker that stops are asked again under the same key, each time with a fresh token", async () => {
    broker.escalations.instead.push((response) => response.destroy());
    fails(503, "shutting_down");
    const got = await requestEscalation(asking());
    expect(got.ok).toBe(true);
    expect(broker.escalations.requests.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["key-1"]);
    expect([tokens, pauses]).toEqual([3, [250, 1000]]);
  });

  test.each([
    [403, "template_not_open"],
    [429, "too_many_pending"],
    [429, "cooling_down"],
    [409, "token_replayed"],
  ])("a refusal is final: %d %s is not asked again", async (status, code) => {
    fails(status, code);
    const got = await requestEscalation(asking());
    expect(got.ok ? null : got.error.code).toBe(code);
    expect([tokens, pauses]).toEqual([1, []]);
  });

  test.each([
    ["another program's page", "<html>"],
    ["an id that could leave its path", { id: "../../credentials" }],
    ["a state nobody knows", { state: "minted" }],
    ["votes that are no number", { approvals: "2" }],
  ])("%s is no escalation", async (_name, change) => {
    const sample = broker.escalations.add();
    broker.escalations.instead.push((response) => {
      response.writeHead(201);
      response.end(JSON.stringify(typeof change === "string" ? change : { ...sample, ...change }));
    });
    const got = await requestEscalation(asking());
    expect(got.ok ? null : got.error.code).toBe("broker_unreadable");
  });
});

describe("waiting for the decision", () => {
  const waiting = (id: string, change: Partial<Waiting> = {}): Waiting => ({
    access: access(),
    id,
    until: null,
    now: () => now,
    pause,
    onAnswer: () => undefined,
    onTrouble: () => undefined,
    ...change,
  });
  const stateAfter = async (wait: Waiting): Promise<string> => {
    const got = await waitForDecision(wait);
    return got.ok ? got.value.state : got.error.code;
  };
  const pendingAtOnce = (id: string) => {
    broker.escalations.instead.push((response) => {
      const found = broker.escalations.all.find((one) => one.id === id);
      response.writeHead(200);
      response.end(JSON.stringify(found));
    });
  };

  test.each(["approved", "denied", "expired", "cancelled", "consumed"] as const)(
    "a long poll ends with the escalation: %s",
    async (state) => {
      const { id } = broker.escalations.add();
      const ended = stateAfter(waiting(id));
      await broker.escalations.polled();
      broker.escalations.set(id, { state });
      expect(await ended).toBe(state);
      expect(broker.escalations.questions).toEqual([`GET /v1/escalations/${id}?wait=30`]);
    },
  );

  test("a broker that answers at once, as one that stops does, is asked again after the interval it names", async () => {
    const { id } = broker.escalations.add({ interval: 7 });
    pendingAtOnce(id);
    pendingAtOnce(id);
    const ended = stateAfter(waiting(id));
    await broker.escalations.polled();
    broker.escalations.set(id, { state: "approved" });
    expect(await ended).toBe("approved");
    expect(pauses).toEqual([7000, 7000]);
  });

  test("a lost connection, a restart and slow_down are asked again with growing pauses, each time with a fresh token", async () => {
    const { id } = broker.escalations.add({ state: "approved" });
    broker.escalations.instead.push((response) => response.destroy());
    fails(503, "shutting_down");
    fails(429, "slow_down");
    const troubles: string[] = [];
    const onTrouble = ({ code }: { readonly code: string }): void => void troubles.push(code);
    expect(await stateAfter(waiting(id, { onTrouble }))).toBe("approved");
    expect(pauses).toEqual([1000, 2000, 4000]);
    expect(troubles).toEqual(["broker_silent", "shutting_down", "slow_down"]);
    expect(tokens).toBe(4);
  });

  test("a broker that stays away is given up after five minutes, and not before the escalation's time is over", async () => {
    const { id } = broker.escalations.add({ expires_at: "2026-11-21T04:20:00.000Z" });
    pendingAtOnce(id);
    const onAnswer = (): void => void broker.close();
    const got = await waitForDecision(waiting(id, { onAnswer }));
    expect(got.ok ? null : got.error.code).toBe("broker_unreachable");
    expect(now.getTime()).toBeGreaterThanOrEqual(Date.parse("2026-11-21T04:20:00.000Z"));
    expect(now.getTime()).toBeLessThan(Date.parse("2026-11-21T04:21:00.000Z"));
    now = new Date("2026-11-21T05:00:00.000Z");
    expect(await stateAfter(waiting(id))).toBe("broker_unreachable");
    expect(now.getTime()).toBeLessThan(Date.parse("2026-11-21T05:06:00.000Z"));
  });

  test("a refusal ends it", async () => {
    expect(await stateAfter(waiting("esc-aaaaaaaaaaaaaaaaaaaaaaaa"))).toBe("not_found");
    expect(pauses).toEqual([]);
  });

  test("it waits no longer than it was told to, and says how to go on", async () => {
    const { id } = broker.escalations.add({ interval: 5 });
    pendingAtOnce(id);
    pendingAtOnce(id);
    const got = await waitForDecision(waiting(id, { until: new Date(now.getTime() + 8000) }));
    expect(got.ok ? null : [got.error.code, got.error.next]).toEqual([
      "still_pending",
      `twokey escalation wait ${id}`,
    ]);
    expect(broker.escalations.questions.map((question) => question.split("?")[1])).toEqual([
      "wait=8",
      "wait=3",
    ]);
  });
});

test("the session of a grant is served until it ends, and then refused with the reason that it cannot be renewed", async () => {
  const expiration = new Date("2026-11-21T04:15:00.000Z");
  const session = { id: "tks-1", template: "t", account: "111122223333", region: "us-east-1", may: "" };
  const issued = {
    accessKeyId: "ASIA1",
    expiration,
    session,
    reveal: () => ({ secretAccessKey: "s", sessionToken: "t" }),
  };
  const told: string[] = [];
  const sessions = singleSession(
    issued,
    () => now,
    ({ code }) => told.push(code),
  );
  expect(await sessions.get()).toEqual({ ok: true, value: issued });
  now = expiration;
  const over = await sessions.get();
  expect(over.ok ? null : over.error).toMatchObject({ kind: "refused", code: "session_over" });
  expect(over.ok ? "" : over.error.detail).toContain("cannot be renewed");
  await sessions.get();
  expect(told).toEqual(["session_over"]);
});

describe("a refusal on a terminal", () => {
  const refusal = {
    kind: "refused",
    code: "escalation_required",
    detail: "Two people have to approve it.",
  } as const;

  test("has the command that asks for an escalation alone on its line, to copy", () => {
    const next = 'Ask them: twokey escalation request data-repair --parameter table=orders --reason "why"';
    expect(lines({ ...refusal, next }).split("\n")).toEqual([
      "twokey: Two people have to approve it. (escalation_required)",
      "Ask them:",
      '  twokey escalation request data-repair --parameter table=orders --reason "why"',
    ]);
  });

  test("without such a command is the paragraph it always was", () => {
    expect(lines({ ...refusal, next: "Name fewer resources." })).toBe(
      "twokey: Two people have to approve it. (escalation_required) Next: Name fewer resources.",
    );
  });
});
