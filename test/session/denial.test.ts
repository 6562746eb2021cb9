/** The policy that denies frozen sessions: by name where they fit, by age where they do not, never less than wanted. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { denialOf, type Denial, type DeniedSession } from "../../src/session/denial.ts";
import type { Statement } from "../../src/policy/iam/types.ts";
import { ALLOW_ALL, ask } from "../policy-iam/ask.ts";

const NOW = new Date("2030-01-01T12:00:00.000Z");
const at = (seconds: number): Date => new Date(NOW.getTime() + seconds * 1000);
const named = (session: string, changes: Partial<DeniedSession> = {}): DeniedSession => ({
  session,
  issuedBefore: at(45),
  until: at(1200),
  ...changes,
});
const WANTED = { sessions: [] as readonly DeniedSession[], everyoneBefore: null, everyoneUntil: null };
/** All inline policies of a role, by AWS's documentation. */
const LIMIT = 10_240;

const statementsOf = ({ document }: Denial): readonly Statement[] =>
  document === null ? [] : (JSON.parse(document) as { Statement: readonly Statement[] }).Statement;

/** What a role that may do everything answers a session of it, by the project's evaluator. */
function answer(denial: Denial, session: string, issued: Date): string {
  const context = {
    "aws:SourceIdentity": session,
    // AWS has whole seconds.
    "aws:TokenIssueTime": issued.toISOString().replace(/\.\d+Z$/, "Z"),
  };
  return ask({ identity: [ALLOW_ALL, ...statementsOf(denial)] }, { context }).decision;
}

test("a frozen session is denied everything by its name, and no other session of the role", () => {
  const denial = denialOf({ ...WANTED, sessions: [named("tks-one"), named("tks-two")] }, NOW);
  expect(denial.form).toBe("sessions");
  expect(JSON.parse(denial.document ?? "")).toEqual({
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Deny",
        Action: "*",
        Resource: "*",
        Condition: { StringEquals: { "aws:SourceIdentity": ["tks-one", "tks-two"] } },
      },
    ],
  });
  expect(["tks-one", "tks-two", "tks-three"].map((id) => answer(denial, id, at(-60)))).toEqual([
    "explicitDeny",
    "explicitDeny",
    "allowed",
  ]);
});

test("`everyone` denies every older session, and those that came after by name alone", () => {
  const wanted = {
    sessions: [named("tks-later", { issuedBefore: at(500) })],
    everyoneBefore: at(45),
    everyoneUntil: at(3900),
  };
  const denial = denialOf(wanted, at(460));
  expect([denial.form, denial.until]).toEqual(["everyone", at(3900)]);
  expect(answer(denial, "tks-any", at(44))).toBe("explicitDeny");
  expect(answer(denial, "tks-any", at(45))).toBe("allowed");
  expect(answer(denial, "tks-later", at(480))).toBe("explicitDeny");
});

test("a session that is older than the moment of everyone needs no name", () => {
  const wanted = { sessions: [named("tks-one")], everyoneBefore: at(45), everyoneUntil: at(3900) };
  expect(denialOf(wanted, NOW).document).not.toContain("tks-one");
});

test("what is over needs no policy", () => {
  expect(denialOf({ ...WANTED, sessions: [named("tks-one", { until: NOW })] }, NOW)).toEqual({
    form: "nobody",
    document: null,
    until: null,
  });
  expect(denialOf({ ...WANTED, everyoneBefore: at(-4000), everyoneUntil: NOW }, NOW).document).toBeNull();
  const mixed = [named("tks-over", { until: NOW }), named("tks-live")];
  const { document } = denialOf({ ...WANTED, sessions: mixed }, NOW);
  expect([document?.includes("tks-over"), document?.includes("tks-live")]).toEqual([false, true]);
});

describe("sessions of real ids", () => {
  const many = (count: number): readonly DeniedSession[] =>
    Array.from({ length: count }, (_, index) => named(`tks-${String(index).padStart(24, "a")}`));

  test("are named one by one while they fit: 250 do", () => {
    const denial = denialOf({ ...WANTED, sessions: many(250) }, NOW);
    expect([denial.form, denial.document?.match(/tks-/g)?.length]).toEqual(["sessions", 250]);
    expect(denial.document?.length).toBeLessThanOrEqual(LIMIT);
  });

  test("too many turn into everyone who is older, which still denies each of them", () => {
    const sessions = many(400);
    const denial = denialOf({ ...WANTED, sessions }, NOW);
    expect(denial.form).toBe("everyone");
    expect(denial.document?.length).toBeLessThan(300);
    for (const { session } of sessions) expect(answer(denial, session, NOW)).toBe("explicitDeny");
    expect(answer(denial, "tks-new", at(46))).toBe("allowed");
  });

  test("are not even tried one by one where the role has no room", () => {
    expect(denialOf({ ...WANTED, sessions: many(2) }, NOW, true).form).toBe("everyone");
  });
});

const arbitrarySession = fc.record({
  session: fc.integer({ min: 0, max: 999 }).map((n) => `tks-${String(n).padStart(24, "b")}`),
  issuedBefore: fc.integer({ min: -3_600_000, max: 60_000 }).map((ms) => new Date(NOW.getTime() + ms)),
  until: fc.integer({ min: -600, max: 4_000 }).map(at),
});
const arbitraryWanted = fc.record({
  sessions: fc.uniqueArray(arbitrarySession, {
    selector: ({ session }) => session,
    maxLength: 500,
    size: "max",
  }),
  everyone: fc.option(
    fc.record({
      before: fc.integer({ min: -3_600_000, max: 60_000 }).map((ms) => new Date(NOW.getTime() + ms)),
      until: fc.integer({ min: -600, max: 4_000 }).map(at),
    }),
  ),
});

test("whatever is wanted: what is to be denied is, a session newer than all of it is not, and it fits", () => {
  fc.assert(
    fc.property(arbitraryWanted, fc.boolean(), ({ sessions, everyone }, coarse) => {
      const wanted = {
        sessions,
        everyoneBefore: everyone?.before ?? null,
        everyoneUntil: everyone?.until ?? null,
      };
      const denial = denialOf(wanted, NOW, coarse);
      const live = sessions.filter(({ until }) => until > NOW);
      // STS issued it at the latest in the moment before.
      for (const { session, issuedBefore } of live.slice(0, 20))
        expect(answer(denial, session, new Date(issuedBefore.getTime() - 1))).toBe("explicitDeny");
      if (everyone !== null && everyone.until > NOW)
        expect(answer(denial, "tks-any", new Date(everyone.before.getTime() - 1))).toBe("explicitDeny");
      expect(answer(denial, "tks-new", at(61))).toBe("allowed");
      expect(denial.document?.length ?? 0).toBeLessThanOrEqual(LIMIT - 1_000);
      const over = live.length === 0 && !(everyone !== null && everyone.until > NOW);
      expect([denial.form === "nobody", denial.document === null, denial.until === null]).toEqual([
        over,
        over,
        over,
      ]);
      for (const { until } of live) expect(denial.until?.getTime()).toBeGreaterThanOrEqual(until.getTime());
    }),
    { numRuns: 60 },
  );
});

test("the same is the same text, however it comes out of the record", () => {
  fc.assert(
    fc.property(arbitraryWanted, ({ sessions }) => {
      const turned = [...sessions].reverse();
      expect(denialOf({ ...WANTED, sessions: turned }, NOW)).toEqual(denialOf({ ...WANTED, sessions }, NOW));
    }),
    { numRuns: 30 },
  );
});
