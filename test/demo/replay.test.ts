/** The replay against a broker without a fence: it must be able to say that production is gone. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { replay, type Step } from "../../src/cli/demo/replay.ts";
import { demoAccount } from "../../src/cli/demo/world.ts";
import { loadPolicy } from "../../src/wire/tools.ts";
import { BROKER_KEY, directStand } from "./direct-stand.ts";

test("without the session policy every step that must be refused works, and is shown as not ok", async () => {
  const policy = await loadPolicy(join(import.meta.dirname, "../../policies"));
  const account = policy.ok ? policy.value.set.accounts[0] : undefined;
  if (account === undefined) throw new Error("no account");
  const stand = await directStand({
    account,
    world: demoAccount(account, BROKER_KEY),
    session: () => ({ roleArn: account.roles.operator, policy: null }),
  });
  const steps: Step[] = [];
  for await (const step of replay(stand)) steps.push(step);
  const refused = steps.filter(({ expected }) => expected === "AccessDenied");
  expect(refused.map(({ step, ok }) => [step, ok])).toEqual([
    ["delete-production", false],
    ["strip-the-tag", false],
    ["hop-to-another-role", false],
    ["delete-untagged", false],
    ["execute-on-production", false],
  ]);
  expect(refused[0]?.answer).toBe("production is gone");
});
