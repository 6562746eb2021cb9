/** Publishing into local AWS through the real SDK: what is created, what is left alone, and what may be removed. */
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  DeletePolicyCommand,
  GetPolicyCommand,
  ListPoliciesCommand,
  type IAMClient,
} from "@aws-sdk/client-iam";
import { describe, expect, test } from "vitest";
import { createPolicyStore } from "../../src/adapters/aws/publish-policies.ts";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import type { Outcome } from "../../src/audit/log.ts";
import { carryOut, planPublish, type Publisher } from "../../src/flows/publish-policies.ts";
import type { PublishPlan } from "../../src/policy/publish.ts";
import { publishedPolicies } from "../../src/policy/published-policies.ts";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import { ADMIN_KEYS, startWorld, type TestWorld } from "../local-aws/world.ts";
import { ACCOUNT, served } from "../policy/served.ts";
import { aSession } from "../store/records.ts";

const NOW = new Date("2026-03-01T10:00:00Z");
const WANTED = publishedPolicies(served).map(({ arn }) => arn);

/** The shipped set with other guardrails: its guardrails policy is another one, and the old one is not wanted. */
const later: ServedPolicy = {
  ...served,
  set: {
    ...served.set,
    guardrails: { ...served.set.guardrails, floor: [...served.set.guardrails.floor, "s3:DeleteBucket"] },
  },
};
const [OLD = ""] = WANTED.filter((arn) => !publishedPolicies(later).some((policy) => policy.arn === arn));

function publisherOf(world: TestWorld, sessions: Publisher["sessions"]): Publisher {
  const store = createPolicyStore({ region: "us-east-1", endpoint: world.url, credentials: ADMIN_KEYS });
  return { store, sessions, clock: () => NOW };
}

async function planned(publisher: Publisher, policy: ServedPolicy): Promise<PublishPlan> {
  const plan = await planPublish(publisher, policy, null);
  if (!plan.ok) throw new Error(JSON.stringify(plan.error));
  return plan.value;
}

async function publish(publisher: Publisher, policy: ServedPolicy) {
  return carryOut(publisher, await planned(publisher, policy));
}

async function arnsIn(iam: IAMClient): Promise<readonly string[]> {
  const { Policies = [] } = await iam.send(new ListPoliciesCommand({ Scope: "Local" }));
  return Policies.map(({ Arn }) => Arn ?? "").filter((arn) => arn.includes("/twokey/"));
}

/** A record with one session, made with `policyArns` and ended as the outcome says. */
async function recordOf(
  policyArns: readonly string[],
  outcome: Outcome | null,
  requestedAt = NOW,
): Promise<Store> {
  const store = await openAuditLog({ url: null, folder: null });
  const session = aSession({ policyArns, requestedAt });
  await store.recordIntent(session, { requestId: "req-1", idempotency: null, grant: null });
  if (outcome !== null) await store.recordOutcome(session, outcome, { requestId: "req-1", at: requestedAt });
  return store;
}

const issuedUntil = (expiresAt: Date): Outcome => ({
  state: "issued",
  accessKeyId: "ASIAEXAMPLEEXAMPLE00",
  assumedRoleArn: "arn:aws:sts::111122223333:assumed-role/ai-operator/x",
  expiresAt,
  packedPolicySize: 40,
});
const minutes = (count: number): Date => new Date(NOW.getTime() + count * 60_000);

test("the policies the set needs are created, and published again nothing changes", async () => {
  const world = await startWorld();
  const publisher = publisherOf(world, async () => []);
  expect((await publish(publisher, served)).created).toEqual(WANTED);
  expect([...(await arnsIn(world.iam()))].sort()).toEqual([...WANTED].sort());
  const again = await planned(publisher, served);
  expect([again.create, again.remove, again.altered]).toEqual([[], [], []]);
  expect(again.keep).toEqual(WANTED);
});

test("a policy the set no longer needs is removed, and its successor created", async () => {
  const world = await startWorld();
  const publisher = publisherOf(world, async () => []);
  await publish(publisher, served);
  const done = await publish(publisher, later);
  expect(done.removed).toEqual([OLD]);
  expect(done.created).toHaveLength(1);
  expect(await arnsIn(world.iam())).not.toContain(OLD);
});

describe("a policy stays", () => {
  test.each<[string, Outcome | null, Date]>([
    ["while a session that refers to it lives", issuedUntil(minutes(5)), NOW],
    ["while a mint with it is on its way", null, NOW],
    [
      "while a session may exist that nobody heard of",
      { state: "unknown", code: "TimeoutError", message: "" },
      NOW,
    ],
  ])("%s", async (_title, outcome, requestedAt) => {
    const world = await startWorld();
    const record = await recordOf([OLD], outcome, requestedAt);
    const publisher = publisherOf(world, (query) => record.sessions(query));
    await publish(publisher, served);
    const plan = await planned(publisher, later);
    await record.close();
    expect(plan.remove).toEqual([]);
    expect(plan.left).toEqual([{ arn: OLD, why: "live_session" }]);
  });

  test("where the record cannot be read", async () => {
    const world = await startWorld();
    const publisher = publisherOf(world, null);
    await publish(publisher, served);
    expect((await planned(publisher, later)).left).toEqual([{ arn: OLD, why: "record_unread" }]);
  });

  test("while it is attached to a role", async () => {
    const world = await startWorld();
    const publisher = publisherOf(world, async () => []);
    await publish(publisher, served);
    await world.iam().send(new AttachRolePolicyCommand({ RoleName: "operator", PolicyArn: OLD }));
    expect((await planned(publisher, later)).left).toEqual([{ arn: OLD, why: "attached" }]);
  });

  test("when it comes into use between the plan and its removal", async () => {
    const world = await startWorld();
    const record = await recordOf([OLD], null);
    let asked = 0;
    const publisher = publisherOf(world, (query) =>
      (asked += 1) < 3 ? Promise.resolve([]) : record.sessions(query),
    );
    await publish(publisher, served);
    const plan = await planned(publisher, later);
    expect(plan.remove).toEqual([OLD]);
    const done = await carryOut(publisher, plan);
    await record.close();
    expect([done.removed, done.keptInUse]).toEqual([[], [OLD]]);
    expect(await arnsIn(world.iam())).toContain(OLD);
  });
});

describe("a policy is removed", () => {
  test.each<[string, Outcome | null, Date]>([
    ["once its last session has expired", issuedUntil(minutes(-1)), minutes(-20)],
    ["where STS refused the session", { state: "failed", code: "AccessDenied", message: "no" }, NOW],
    ["long after a mint that never ended", null, minutes(-60)],
  ])("%s", async (_title, outcome, requestedAt) => {
    const world = await startWorld();
    const record = await recordOf([OLD], outcome, requestedAt);
    const publisher = publisherOf(world, (query) => record.sessions(query));
    await publish(publisher, served);
    const { removed } = await publish(publisher, later);
    await record.close();
    expect(removed).toEqual([OLD]);
  });
});

describe("others' policies", () => {
  const someone = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }] };

  test("under /twokey/ are never touched, whatever they are called", async () => {
    const world = await startWorld();
    for (const PolicyName of ["by-hand", "guardrails-0123456789abcdef01234567"]) {
      await world
        .iam()
        .send(
          new CreatePolicyCommand({ PolicyName, Path: "/twokey/", PolicyDocument: JSON.stringify(someone) }),
        );
    }
    const publisher = publisherOf(world, async () => []);
    const plan = await planned(publisher, served);
    expect(plan.left.map(({ why }) => why)).toEqual(["not_ours", "not_ours"]);
    await carryOut(publisher, plan);
    expect(await arnsIn(world.iam())).toHaveLength(WANTED.length + 2);
  });

  test("elsewhere are not even looked at", async () => {
    const world = await startWorld();
    await world.iam().send(
      new CreatePolicyCommand({
        PolicyName: "guardrails-0123456789abcdef01234567",
        Path: "/twokey/deeper/",
        PolicyDocument: JSON.stringify(someone),
        Description: "Published by Twokey.",
      }),
    );
    const plan = await planned(
      publisherOf(world, async () => []),
      served,
    );
    expect([plan.left, plan.remove]).toEqual([[], []]);
  });

  test("a policy of ours with another document is named, and not repaired in place", async () => {
    const world = await startWorld();
    const publisher = publisherOf(world, async () => []);
    await publish(publisher, served);
    const { Policy } = await world.iam().send(new GetPolicyCommand({ PolicyArn: OLD }));
    await world.iam().send(new DeletePolicyCommand({ PolicyArn: OLD }));
    await world.iam().send(
      new CreatePolicyCommand({
        PolicyName: Policy?.PolicyName,
        Path: "/twokey/",
        Description: Policy?.Description,
        PolicyDocument: JSON.stringify(someone),
      }),
    );
    const plan = await planned(publisher, served);
    expect(plan.altered).toEqual([OLD]);
    expect([plan.create, plan.remove]).toEqual([[], []]);
  });
});

describe("the account", () => {
  test("must be the one that was named", async () => {
    const world = await startWorld();
    const publisher = publisherOf(world, null);
    expect(await planPublish(publisher, served, "999988887777")).toMatchObject({
      ok: false,
      error: { reason: "other_account", actual: ACCOUNT },
    });
    expect((await planPublish(publisher, served, ACCOUNT)).ok).toBe(true);
  });

  test("must be in accounts.yaml", async () => {
    const world = await startWorld();
    const elsewhere = { ...served, set: { ...served.set, accounts: [] } };
    expect(await planPublish(publisherOf(world, null), elsewhere, null)).toMatchObject({
      ok: false,
      error: { reason: "unknown_account", actual: ACCOUNT },
    });
  });
});
