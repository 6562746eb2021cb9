import { describe, expect, test } from "vitest";
import type { Escalation } from "../../src/escalation/escalation.ts";
import type { Channel, Message, NoticeKind, Undelivered } from "../../src/escalation/outbox.ts";
import { deliverDue, retryIn, superseded, type FailedDelivery } from "../../src/flows/notify.ts";
import { err, ok } from "../../src/result.ts";
import { fakeOutbox } from "./fake-outbox.ts";
import { CONTEXT, decision, escalation, ID, notice } from "./samples.ts";

const UNREACHED: Undelivered = { reason: "HTTP 503", retry: true };

/** One database, and as many replicas on it as `replica()` is called. */
function world() {
  const outbox = fakeOutbox();
  const record = new Map<string, Escalation>();
  const sent: Message[] = [];
  const failures: FailedDelivery[] = [];
  const answers: Undelivered[] = [];
  const stop = new AbortController();
  const channel: Channel = {
    name: "chat",
    deliver: async (message) => {
      sent.push(message);
      const failure = answers.shift();
      return failure === undefined ? ok({ thread: null }) : err(failure);
    },
  };
  const replica = () =>
    deliverDue({
      ...CONTEXT,
      outbox,
      channel,
      escalations: { find: async (id) => record.get(id) ?? null },
      stopping: stop.signal,
      onFailure: (failed) => void failures.push(failed),
    });
  const happens = (change: Partial<Escalation>, kind: NoticeKind, id: string): void => {
    record.set(ID, escalation({ ...record.get(ID), ...change }));
    outbox.add(notice(kind, { id }));
  };
  const told = (): readonly string[] =>
    sent.map(({ notice, title }) => `${notice.id} ${title.split(" ")[0] ?? ""}`);
  return { outbox, record, sent, failures, answers, stop, channel, replica, happens, told };
}

const APPROVED: Partial<Escalation> = {
  state: "approved",
  usableUntil: new Date("2030-01-01T12:20:00Z"),
  decisions: [decision("platform-first", "approve"), decision("platform-second", "approve")],
};
const DENIED: Partial<Escalation> = {
  state: "denied",
  decisions: [decision("platform-first", "deny", "Not now.")],
};

test("a request is told once, and what becomes of it once more", async () => {
  const { replica, happens, told, outbox } = world();
  happens({}, "escalation.requested", "ntc-1");
  await replica();
  await replica();
  happens(DENIED, "escalation.denied", "ntc-2");
  await replica();
  expect(told()).toEqual(["ntc-1 orders-ci", "ntc-2 Denied:"]);
  expect(outbox.row("chat", "ntc-2")?.state).toBe("delivered");
});

test("requested and decided before anybody heard of it is told once, as it is by then", async () => {
  const { replica, happens, told, outbox } = world();
  happens({}, "escalation.requested", "ntc-1");
  happens(APPROVED, "escalation.approved", "ntc-2");
  happens({ state: "consumed", session: "ses-1" }, "escalation.consumed", "ntc-3");
  await replica();
  expect(told()).toEqual(["ntc-3 Used:"]);
  expect(["ntc-1", "ntc-2"].map((id) => outbox.row("chat", id)?.state)).toEqual(["delivered", "delivered"]);
});

test("a passkey is told without an escalation", async () => {
  const { replica, outbox, sent } = world();
  outbox.add(notice("passkey.enrolled", { detail: { person: "platform-first" } }));
  await replica();
  expect(sent.map(({ title }) => title)).toEqual(["A passkey was enrolled for platform-first"]);
});

describe("a notice is skipped only where a later one tells more", () => {
  const frozen = { state: "consumed", decisions: [decision("platform-first", "deny", "Stop.")] } as const;
  test.each<[NoticeKind, string, Partial<Escalation>, boolean]>([
    ["escalation.requested", "pending", { state: "pending" }, false],
    ["escalation.requested", "expired", { state: "expired" }, true],
    ["escalation.approved", "approved", APPROVED, false],
    ["escalation.approved", "denied", DENIED, true],
    ["escalation.consumed", "consumed", { state: "consumed" }, false],
    ["escalation.consumed", "denied after the mint", frozen, true],
    ["escalation.denied", "denied after the mint", frozen, false],
    ["escalation.denied", "denied", DENIED, false],
    ["escalation.expired", "expired", { state: "expired" }, false],
    // STS certainly issued nothing: the grant came back, and no notice says so.
    ["escalation.consumed", "approved again", APPROVED, false],
  ])("%s of what is %s by now: skipped: $3", (kind, _state, change, skipped) => {
    expect(superseded(kind, escalation(change))).toBe(skipped);
  });
});

describe("faults", () => {
  test("a crash between delivery and settlement: delivered again after the lease, under the same id", async () => {
    const { replica, happens, told, outbox } = world();
    happens({}, "escalation.requested", "ntc-1");
    outbox.loseSettlement = true;
    await expect(replica()).rejects.toThrow("gone");
    await replica();
    expect(told()).toEqual(["ntc-1 orders-ci"]);
    outbox.pass(60);
    await replica();
    expect(told()).toEqual(["ntc-1 orders-ci", "ntc-1 orders-ci"]);
    outbox.pass(3600);
    await replica();
    expect(told()).toHaveLength(2);
  });

  test("two replicas do not both send", async () => {
    const { replica, outbox, record, told } = world();
    record.set(ID, escalation());
    for (let index = 0; index < 20; index += 1)
      outbox.add(notice("escalation.requested", { id: `ntc-${index}` }));
    await Promise.all([replica(), replica()]);
    expect([...told()].sort()).toEqual(
      Array.from({ length: 20 }, (_, index) => `ntc-${index} orders-ci`).sort(),
    );
  });

  test("a receiver that is down is tried again, later each time, and the failure is told to the operator", async () => {
    const { replica, happens, told, outbox, answers, failures } = world();
    happens({}, "escalation.requested", "ntc-1");
    answers.push(UNREACHED, UNREACHED);
    await replica();
    outbox.pass(4);
    await replica();
    expect(told()).toHaveLength(1);
    outbox.pass(1);
    await replica();
    outbox.pass(9);
    await replica();
    expect(told()).toHaveLength(2);
    outbox.pass(1);
    await replica();
    expect(told()).toHaveLength(3);
    expect(outbox.row("chat", "ntc-1")?.state).toBe("delivered");
    expect(failures.map(({ reason, retrySeconds }) => [reason, retrySeconds])).toEqual([
      ["HTTP 503", 5],
      ["HTTP 503", 10],
    ]);
  });

  test("what will never work is not tried again, and stays on record with its reason", async () => {
    const { replica, happens, told, outbox, answers } = world();
    happens({}, "escalation.requested", "ntc-1");
    answers.push({ reason: "HTTP 404", retry: false });
    await replica();
    outbox.pass(86_400);
    await replica();
    expect(told()).toHaveLength(1);
    expect(outbox.row("chat", "ntc-1")).toMatchObject({ state: "given_up", reason: "HTTP 404" });
  });

  test("one that fails does not hold up the next", async () => {
    const { replica, outbox, record, told, answers } = world();
    record.set(ID, escalation());
    for (const id of ["ntc-1", "ntc-2"]) outbox.add(notice("escalation.requested", { id }));
    answers.push(UNREACHED);
    await replica();
    expect(told()).toEqual(["ntc-1 orders-ci", "ntc-2 orders-ci"]);
  });

  test("a broker that stops finishes what it holds and claims nothing more", async () => {
    const { replica, outbox, record, stop, channel, told } = world();
    record.set(ID, escalation());
    for (const id of ["ntc-1", "ntc-2"]) outbox.add(notice("escalation.requested", { id }));
    const original = { ...channel };
    Object.assign(channel, {
      deliver: (message: Message) => {
        stop.abort();
        return original.deliver(message, null);
      },
    });
    await replica();
    expect(told()).toEqual(["ntc-1 orders-ci"]);
    expect(outbox.row("chat", "ntc-1")?.state).toBe("delivered");
    expect(outbox.row("chat", "ntc-2")?.attempts).toBe(0);
  });

  test("a notice whose escalation is gone is given up", async () => {
    const { replica, outbox, sent } = world();
    outbox.add(notice("escalation.requested", { id: "ntc-1" }));
    await replica();
    expect(sent).toEqual([]);
    expect(outbox.row("chat", "ntc-1")?.state).toBe("given_up");
  });
});

describe("when it is tried again", () => {
  test("after 5 s, doubling to 10 min, for a day", () => {
    const waits: number[] = [];
    for (let attempt = 1; ; attempt += 1) {
      const wait = retryIn(attempt, UNREACHED);
      if (wait === null) break;
      waits.push(wait);
    }
    expect(waits.slice(0, 9)).toEqual([5, 10, 20, 40, 80, 160, 320, 600, 600]);
    expect(Math.max(...waits)).toBe(600);
    const total = waits.reduce((sum, wait) => sum + wait, 0);
    expect(total).toBeGreaterThanOrEqual(86_400);
    expect(total - 600).toBeLessThan(86_400);
  });

  test("no sooner than the receiver asked, and within the hour", () => {
    expect(retryIn(1, { ...UNREACHED, afterSeconds: 120 })).toBe(120);
    expect(retryIn(7, { ...UNREACHED, afterSeconds: 1 })).toBe(320);
    expect(retryIn(1, { ...UNREACHED, afterSeconds: 999_999_999 })).toBe(3600);
  });
});
