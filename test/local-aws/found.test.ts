/** Starting one: what contradicts itself is told at start-up, and a session given from the start works. */
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import { ACCOUNT, assume, document, HOP, refusal, startWorld, trust } from "./world.ts";

test.each([
  ["a role whose boundary does not exist", { boundary: `arn:aws:iam::${ACCOUNT}:policy/none` }],
  ["a role with a policy that does not exist", { attached: [`arn:aws:iam::${ACCOUNT}:policy/none`] }],
  ["a trust policy without a principal", { trust: document({ Effect: "Allow", Action: "sts:AssumeRole" }) }],
])("%s is a fault at start-up", async (_, change) => {
  const role = { name: "x", trust: document(trust(ACCOUNT)), ...change };
  await expect(startWorld((account) => ({ ...account, roles: [role] }))).rejects.toThrow("local AWS: ");
});

test("a broker that runs on a role has a session from the start, and chains from it for an hour at most", async () => {
  const keys = {
    accessKeyId: "ASIABROKERSESSION001",
    secretAccessKey: "session-secret",
    sessionToken: "session-token",
  };
  const world = await startWorld((account) => ({
    ...account,
    sessions: [{ roleName: "operator", sessionName: "broker", expiresAt: new Date("2999-01-01"), ...keys }],
  }));
  const who = await world.sts(keys).send(new GetCallerIdentityCommand({}));
  expect(who.Arn).toBe(`arn:aws:sts::${ACCOUNT}:assumed-role/operator/broker`);
  await assume(world.sts(keys), { RoleArn: HOP, DurationSeconds: 3600 });
  const refused = await refusal(assume(world.sts(keys), { RoleArn: HOP, DurationSeconds: 3601 }));
  expect(refused.message).toContain("role chaining");
});
