/** A vended session is ended in AWS: on local-aws, by the real IAM and CloudFormation clients. */
import { ListStacksCommand } from "@aws-sdk/client-cloudformation";
import { GetRolePolicyCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { describe, expect, test } from "vitest";
import {
  createRevokeSession,
  fit,
  REVOKED_POLICY,
  withSession,
} from "../../src/adapters/aws/revoke-session.ts";
import { ADMIN_KEYS, assume, OPERATOR, REGION, startWorld, type TestWorld } from "../local-aws/world.ts";

const soon = (seconds: number): Date => new Date(Date.now() + seconds * 1000);

/** A vended session's way of listing stacks; answers AWS's code, or `ok`. */
async function sessionOf(world: TestWorld, SourceIdentity: string): Promise<() => Promise<string>> {
  const client = world.cloudformation(await assume(world.sts(), { SourceIdentity }));
  return () =>
    client.send(new ListStacksCommand({})).then(
      () => "ok",
      (error: unknown) => (error as Error).name,
    );
}

async function policyText(world: TestWorld): Promise<string> {
  const query = new GetRolePolicyCommand({ RoleName: "operator", PolicyName: REVOKED_POLICY });
  return decodeURIComponent((await world.iam().send(query)).PolicyDocument ?? "");
}

const revoker = (world: TestWorld) => createRevokeSession({ endpoint: world.url, credentials: ADMIN_KEYS });
const revocation = (sourceIdentity: string, until = soon(900)) => ({
  roleArn: OPERATOR,
  sourceIdentity,
  until,
  region: REGION,
});

test("a live session's next call is denied, and other sessions of the role go on", async () => {
  const world = await startWorld();
  const [one, two] = [await sessionOf(world, "tks-one"), await sessionOf(world, "tks-two")];
  expect([await one(), await two()]).toEqual(["ok", "ok"]);
  expect(await revoker(world)(revocation("tks-one"))).toEqual({ ok: true, value: null });
  expect([await one(), await two()]).toEqual(["AccessDenied", "ok"]);
});

test("sessions that are revoked at the same moment all stay revoked", async () => {
  const world = await startWorld();
  const names = Array.from({ length: 8 }, (_, index) => `tks-${index}`);
  const sessions = await Promise.all(names.map((name) => sessionOf(world, name)));
  const revoke = revoker(world);
  await Promise.all(names.map((name) => revoke(revocation(name))));
  expect(new Set(await Promise.all(sessions.map((call) => call())))).toEqual(new Set(["AccessDenied"]));
});

test("what is over is forgotten when the policy is written again", async () => {
  const world = await startWorld();
  const revoke = revoker(world);
  await revoke(revocation("tks-over", soon(-3600)));
  await revoke(revocation("tks-live"));
  expect(await policyText(world)).not.toContain("tks-over");
  expect(await policyText(world)).toContain("tks-live");
});

test("a role of the same name in another account is left alone", async () => {
  const world = await startWorld();
  const roleArn = OPERATOR.replace("111122223333", "444455556666");
  expect(await revoker(world)({ ...revocation("tks-one"), roleArn })).toMatchObject({ ok: false });
  await expect(policyText(world)).rejects.toThrow();
});

test("what AWS refuses is told in its words, and nothing is thrown", async () => {
  const world = await startWorld();
  const roleArn = `${OPERATOR}-none`;
  const answer = await revoker(world)({ ...revocation("tks-one"), roleArn });
  expect(answer.ok ? "" : answer.error).toMatch(/^NoSuchEntity/);
  const nobody = createRevokeSession({ endpoint: "http://127.0.0.1:1", credentials: ADMIN_KEYS });
  expect((await nobody(revocation("tks-one"))).ok).toBe(false);
});

test("a policy that somebody spoilt is written anew", async () => {
  const world = await startWorld();
  const PolicyDocument = JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Sid: "Mine", Effect: "Deny", Action: "s3:*", Resource: "*" }],
  });
  await world
    .iam()
    .send(new PutRolePolicyCommand({ RoleName: "operator", PolicyName: REVOKED_POLICY, PolicyDocument }));
  expect((await revoker(world)(revocation("tks-one"))).ok).toBe(true);
  expect(await policyText(world)).toContain("tks-one");
});

describe("within the 10,240 characters a role's inline policies have", () => {
  const now = new Date("2030-01-01T00:00:00Z");
  const until = new Date("2030-01-01T01:00:00Z");
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => `tks-${String(index).padStart(24, "a")}`).reduce<
      Parameters<typeof withSession>[0]
    >((before, sourceIdentity) => fit(withSession(before, { sourceIdentity, until }, now), until, now), []);

  test("200 sessions are listed one by one", () => {
    const text = JSON.stringify(many(200));
    expect(text.length).toBeLessThan(10_240);
    expect(text.match(/tks-/g)).toHaveLength(200);
  });

  test("when they are too many, every older session of the role ends instead", () => {
    const statements = many(400);
    const text = JSON.stringify(statements);
    expect(text.length).toBeLessThan(10_240);
    expect(text).toContain('"DateLessThan":{"aws:TokenIssueTime":"2030-01-01T00:00:00.000Z"}');
    // It outlives every session it ended, and stays when further ones are listed.
    const later = withSession(
      statements,
      { sourceIdentity: "tks-x", until },
      new Date("2030-01-01T11:00:00Z"),
    );
    expect(JSON.stringify(later)).toContain("aws:TokenIssueTime");
  });
});
