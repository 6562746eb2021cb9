/** The count of destructive actions by barrier: consistent with itself, with the guardrails and with the checks. */
import { describe, expect, test } from "vitest";
import { BARRIERS, barrierOf, coverageOf } from "../../src/policy/coverage.ts";
import { isDestructive } from "../../src/policy/destroyers.ts";
import { served, table } from "./shipped.ts";

const { guardrails } = served.set;
const coverage = coverageOf(guardrails, table);

function barrier(action: string): string {
  const facts = table.action(action);
  if (facts === undefined) throw new Error(`no action ${action}`);
  return barrierOf(facts, { guardrails, table });
}

describe("policy coverage", () => {
  test("every destructive action of every service is counted exactly once", () => {
    const all = table.services.flatMap((service) => table.actions(service)).filter(isDestructive);
    const counted = coverage.services.flatMap(({ service, actions }) =>
      BARRIERS.flatMap((one) => actions[one].map((name) => `${service}:${name}`)),
    );
    expect(counted.sort()).toEqual(all.map(({ name }) => name).sort());
    expect(coverage.destructive).toBe(all.length);
    expect(BARRIERS.reduce((sum, one) => sum + coverage.totals[one], 0)).toBe(all.length);
    for (const one of BARRIERS) {
      const sum = coverage.services.reduce((total, { actions }) => total + actions[one].length, 0);
      expect(coverage.totals[one]).toBe(sum);
    }
  });

  test("the published data has the scale that AWS has", () => {
    expect(coverage.services.length).toBeGreaterThan(300);
    expect(coverage.destructive).toBeGreaterThan(3_500);
    expect(coverage.totals.tag).toBeGreaterThan(coverage.destructive / 2);
  });

  test.each([
    ["cloudformation:DeleteStack", "tag"],
    ["ec2:TerminateInstances", "tag"],
    ["rds:DeleteDBInstance", "tag"],
    ["cloudformation:DeleteChangeSet", "tag"],
    ["s3:DeleteObject", "arns"],
    ["s3:DeleteBucket", "arns"],
    ["glue:DeleteTable", "escalation"],
    ["iam:DeleteRole", "floor"],
    ["cloudformation:DeleteResource", "floor"],
    ["kms:ScheduleKeyDeletion", "floor"],
    ["s3:DeleteBucketPolicy", "unfenceable"],
    ["cloudformation:DeactivateType", "unfenceable"],
  ])("%s: %s", (action, wanted) => {
    expect(barrier(action)).toBe(wanted);
  });

  test("without non-production ARNs, what they opened takes an escalation", () => {
    const bare = coverageOf({ ...guardrails, nonProductionArns: [] }, table);
    expect(bare.totals.arns).toBe(0);
    expect(bare.totals.escalation).toBe(coverage.totals.escalation + coverage.totals.arns);
  });

  test("whatever is put on the floor is never", () => {
    const tight = coverageOf({ ...guardrails, floor: ["*"] }, table);
    expect(tight.totals).toEqual({
      tag: 0,
      arns: 0,
      escalation: 0,
      unfenceable: 0,
      floor: coverage.destructive,
    });
  });
});
