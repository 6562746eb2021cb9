/**
 * The incident replayed by the AWS SDK three times, each time with one layer around the sessions and the other two taken
 * away: the session policy, the boundary, the service control policies. Without any, production is gone
 * (test/demo/replay.test.ts).
 */
import { expect, test } from "vitest";
import { replay, type Step } from "../../src/cli/demo/replay.ts";
import { demoAccount } from "../../src/cli/demo/world.ts";
import type { AccountOptions, RoleOptions } from "../../src/local-aws/options.ts";
import { BROKER_KEY, directStand } from "../demo/direct-stand.ts";
import { compiled, prepared } from "../policy/served.ts";
import { account, FULL_ACCESS, GUARD, ROLES } from "./deployed.ts";

const world = demoAccount(account, BROKER_KEY);
const roleOf = (template: string): string => {
  const { role } = prepared(template).template;
  return role === "operator" ? account.roles.operator : account.roles.observer;
};

/** What happens, step by step, and who refused. */
async function incident(
  changed: AccountOptions,
  policy: (template: string) => string | null,
): Promise<readonly (readonly [step: string, outcome: string])[]> {
  const stand = await directStand({
    account,
    world: changed,
    session: (template) => ({ roleArn: roleOf(template), policy: policy(template) }),
  });
  const steps: Step[] = [];
  for await (const step of replay(stand)) steps.push(step);
  return steps.map(({ step, ok, expected, answer }) => [
    step,
    !ok ? `NOT ${expected}: ${answer}` : (/explicit deny in (.+)$/.exec(answer)?.[1] ?? "works"),
  ]);
}

const stopped = (by: string) => [
  ["investigate-production", "works"],
  ["delete-production", by],
  ["strip-the-tag", by],
  ["hop-to-another-role", by],
  ["delete-untagged", by],
  ["repair-staging", "works"],
  ["propose-for-production", "works"],
  ["execute-on-production", by],
];

test("the session policy alone stops the incident", async () => {
  const outcome = await incident(world, (template) => JSON.stringify(compiled(template)));
  expect(outcome).toEqual(stopped("a session policy"));
});

test("the boundary alone stops the incident", async () => {
  const bounded = (role: RoleOptions): RoleOptions => {
    const found = ROLES.find(
      ({ arn }) => arn === `arn:aws:iam::${account.id}:role${role.path ?? "/"}${role.name}`,
    );
    return found === undefined ? role : { ...role, boundary: found.boundary.arn };
  };
  const outcome = await incident(
    {
      ...world,
      roles: (world.roles ?? []).map(bounded),
      policies: ROLES.map(({ boundary }) => boundary),
    },
    () => null,
  );
  expect(outcome).toEqual(stopped("a permissions boundary"));
});

test("the service control policies alone stop the incident", async () => {
  const outcome = await incident(
    { ...world, scps: [[FULL_ACCESS, ...GUARD.scps.map(({ document }) => document)]] },
    () => null,
  );
  expect(outcome).toEqual(stopped("a service control policy"));
});
