import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Escalation, EscalationEvent, EscalationFault } from "../../src/escalation/escalation.ts";
import { apply, stateAt } from "../../src/escalation/machine.ts";
import { approve, at, CANCEL, consume, deny, EVERYBODY, EXPIRE, giveBack, PENDING } from "./escalations.ts";

/** Applies the events in order, each so many seconds after the request; every one must be taken. */
function after(...steps: readonly (readonly [number, EscalationEvent])[]): Escalation {
  return steps.reduce((escalation, [second, event]) => {
    const applied = apply(escalation, event, at(second));
    if (!applied.ok) throw new Error(`${event.kind}: ${applied.error.reason}`);
    return applied.value.escalation;
  }, PENDING);
}

const fault = (escalation: Escalation, event: EscalationEvent, second: number): EscalationFault | null => {
  const applied = apply(escalation, event, at(second));
  return applied.ok ? null : applied.error;
};

const approved = after([10, approve("p1")], [20, approve("p2")]);
const consumed = after([10, approve("p1")], [20, approve("p2")], [30, consume("tks-1")]);

describe("an escalation that waits", () => {
  test("is approved by the second person, and usable from then for the rule's time", () => {
    expect(after([10, approve("p1")]).state).toBe("pending");
    expect([approved.state, approved.usableUntil]).toEqual(["approved", at(920)]);
  });

  test("is not approved by one person twice, nor by somebody whose approval does not count now", () => {
    expect(fault(after([10, approve("p1")]), approve("p1"), 11)).toEqual({ reason: "already_decided" });
    const uncounted = after([10, approve("p1")], [20, approve("p2", ["p2", "p3"])]);
    expect([uncounted.state, uncounted.decisions.length]).toEqual(["pending", 2]);
    const counted = after([10, approve("p1")], [20, approve("p2", ["p2", "p3"])], [30, approve("p3")]);
    expect(counted.state).toBe("approved");
  });

  test("is denied by one person, who may have approved before", () => {
    const denied = after([10, approve("p1")], [20, deny("p1")]);
    expect([denied.state, denied.decisions.map(({ verdict }) => verdict)]).toEqual([
      "denied",
      ["approve", "deny"],
    ]);
  });

  test("is over at its end and not a moment before", () => {
    expect(fault(PENDING, EXPIRE, 3599.999)).toEqual({ reason: "not_expired" });
    expect(after([3600, EXPIRE]).state).toBe("expired");
    for (const event of [approve("p1"), deny("p1"), CANCEL, consume("tks-1"), giveBack("tks-1")]) {
      expect(fault(PENDING, event, 3600)).toEqual({ reason: "expired" });
    }
  });

  test("gives no session, and takes none back", () => {
    expect(fault(PENDING, consume("tks-1"), 10)).toEqual({ reason: "not_approved" });
    expect(fault(PENDING, giveBack("tks-1"), 10)).toEqual({ reason: "not_this_session" });
    expect(after([10, CANCEL]).state).toBe("cancelled");
  });
});

describe("an approved escalation", () => {
  test("gives one session until its end", () => {
    expect([consumed.state, consumed.session]).toEqual(["consumed", "tks-1"]);
    expect(fault(consumed, consume("tks-2"), 31)).toEqual({ reason: "closed", state: "consumed" });
    expect(fault(approved, consume("tks-1"), 920)).toEqual({ reason: "expired" });
    expect(apply(approved, consume("tks-1"), at(919.999)).ok).toBe(true);
  });

  test("is denied or cancelled still, and approved no more", () => {
    expect(apply(approved, deny("p3"), at(30))).toMatchObject({ value: { escalation: { state: "denied" } } });
    expect(apply(approved, CANCEL, at(30))).toMatchObject({ value: { escalation: { state: "cancelled" } } });
    expect(fault(approved, approve("p3"), 30)).toEqual({ reason: "closed", state: "approved" });
    expect(fault(approved, EXPIRE, 919)).toEqual({ reason: "not_expired" });
    expect(apply(approved, EXPIRE, at(920))).toMatchObject({ value: { escalation: { state: "expired" } } });
    expect(fault(approved, giveBack("tks-1"), 30)).toEqual({ reason: "not_this_session" });
  });
});

describe("a grant that was used", () => {
  test("case 38: is denied afterwards: the decision is kept and the session must be frozen", () => {
    const denied = apply(consumed, deny("p1"), at(40));
    expect(denied).toMatchObject({ ok: true, value: { freeze: true, escalation: { state: "consumed" } } });
    if (!denied.ok) throw new Error("refused");
    expect(denied.value.escalation.decisions.at(-1)).toMatchObject({ verdict: "deny", person: "p1" });
    expect(fault(denied.value.escalation, deny("p1"), 41)).toEqual({ reason: "already_decided" });
    expect(apply(denied.value.escalation, deny("p2"), at(41))).toMatchObject({ value: { freeze: true } });
  });

  test("is there again when STS certainly issued nothing to that session", () => {
    expect(apply(consumed, giveBack("tks-1"), at(40))).toMatchObject({
      value: { freeze: false, escalation: { state: "approved", session: null, usableUntil: at(920) } },
    });
    expect(fault(consumed, giveBack("tks-2"), 40)).toEqual({ reason: "not_this_session" });
  });

  test("is not there again when it was denied meanwhile, or its time is over", () => {
    const denied = apply(consumed, deny("p3"), at(40));
    if (!denied.ok) throw new Error("refused");
    expect(apply(denied.value.escalation, giveBack("tks-1"), at(41))).toMatchObject({
      value: { escalation: { state: "denied", session: null } },
    });
    expect(apply(consumed, giveBack("tks-1"), at(920))).toMatchObject({
      value: { escalation: { state: "expired", session: null } },
    });
  });

  test("is closed to everything else", () => {
    for (const event of [approve("p3"), CANCEL, EXPIRE]) {
      expect(fault(consumed, event, 5000)).toEqual({ reason: "closed", state: "consumed" });
    }
  });
});

test.each([
  ["denied", after([1, deny("p1")])],
  ["expired", after([3600, EXPIRE])],
  ["cancelled", after([1, CANCEL])],
] as const)("what is %s is closed to everything, for ever", (state, escalation) => {
  const everything = [approve("p2"), deny("p2"), CANCEL, EXPIRE, consume("tks-1"), giveBack("tks-1")];
  for (const event of everything) {
    for (const second of [2, 5000])
      expect(fault(escalation, event, second)).toEqual({ reason: "closed", state });
  }
});

test("the state at a time does not wait for anybody to write it down", () => {
  expect([3599.999, 3600].map((second) => stateAt(PENDING, at(second)))).toEqual(["pending", "expired"]);
  expect([919.999, 920].map((second) => stateAt(approved, at(second)))).toEqual(["approved", "expired"]);
  expect(stateAt({ ...approved, usableUntil: null }, at(21))).toBe("expired");
  expect(stateAt(consumed, at(99_999))).toBe("consumed");
});

const people = fc.constantFrom(...EVERYBODY);
const counting = fc.subarray([...EVERYBODY]);
const sessions = fc.constantFrom("tks-1", "tks-2");
const anyEvent: fc.Arbitrary<EscalationEvent> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(people, counting).map(([person, able]) => approve(person, able)) },
  fc.tuple(people, counting).map(([person, able]) => deny(person, able)),
  fc.constant(CANCEL),
  fc.constant(EXPIRE),
  { weight: 2, arbitrary: sessions.map(consume) },
  { weight: 2, arbitrary: sessions.map(giveBack) },
);
const RUNS = process.env["TWOKEY_NIGHTLY"] === "1" ? 20_000 : 1_000;

test("whatever happens in whatever order: no false quorum, no second session, no lost decision", () => {
  const history = fc.array(fc.tuple(fc.integer({ min: 0, max: 1500 }), anyEvent), { maxLength: 14 });
  fc.assert(
    fc.property(history, (steps) => {
      let escalation = PENDING;
      let second = 0;
      const acknowledged: string[] = [];
      const holders = new Set<string>();
      let denied = false;
      for (const [later, event] of steps) {
        second += later;
        const before = escalation;
        const applied = apply(before, event, at(second));
        if (!applied.ok) continue;
        escalation = applied.value.escalation;
        if (event.kind === "decided") {
          acknowledged.push(`${event.decision.verdict} ${event.decision.person}`);
          denied ||= event.decision.verdict === "deny";
          if (before.state === "pending" && escalation.state === "approved") {
            const approvers = acknowledged
              .filter((line) => line.startsWith("approve "))
              .map((line) => line.slice(8));
            expect(
              new Set(approvers.filter((id) => event.counting.includes(id))).size,
            ).toBeGreaterThanOrEqual(2);
            expect(second).toBeLessThan(3600);
          }
        }
        if (event.kind === "consumed") {
          expect([denied, before.state, holders.size]).toEqual([false, "approved", 0]);
          holders.add(event.session);
        }
        if (event.kind === "returned") expect(holders.delete(event.session)).toBe(true);
        expect(applied.value.freeze).toBe(denied && holders.size > 0 && event.kind === "decided");
        expect(escalation.session).toBe([...holders][0] ?? null);
        if (denied) expect(["denied", "consumed"]).toContain(escalation.state);
      }
      expect(escalation.decisions.map(({ verdict, person }) => `${verdict} ${person}`)).toEqual(acknowledged);
    }),
    { numRuns: RUNS },
  );
});
