/**
 * PackedPolicyTooLarge is answered by the split form: once, as a session of its own. Against local AWS with the real
 * SDK and a real record, and against fakes for what STS does not do on demand.
 */
import { CloudFormationClient, DeleteStackCommand } from "@aws-sdk/client-cloudformation";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { createAssumeRole } from "../../src/adapters/aws/assume-role.ts";
import { createPolicyStore } from "../../src/adapters/aws/publish-policies.ts";
import { loadPolicyFolder } from "../../src/adapters/policy-files/load.ts";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { demoAccount } from "../../src/cli/demo/world.ts";
import type { Broker, Call } from "../../src/flows/admit.ts";
import { issueCredentials } from "../../src/flows/issue-credentials.ts";
import { carryOut, planPublish } from "../../src/flows/publish-policies.ts";
import { createLocalAws } from "../../src/local-aws/server.ts";
import { splitForm } from "../../src/policy/decide.ts";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import { err, ok } from "../../src/result.ts";
import { table } from "../policy/served.ts";
import { ASSUMED, fakeRecord, fakeSts, WITHOUT_PEOPLE } from "../support/flow-fakes.ts";
import { largeTemplate } from "../support/large-template.ts";
import { policyFolder } from "../support/policy-folder.ts";

/** Text that no compression makes shorter, the same each time. */
const noise = (seed: string, length: number): string =>
  Array.from({ length: 8 }, (_, index) => createHash("sha512").update(`${seed}${index}`).digest("base64url"))
    .join("")
    .slice(0, length);

/** Fits 2,048 characters, and is too large once packed: most of it is names. */
const NOISY = `name: noisy
kind: standing
title: Delete some objects
description: A few objects with long names.
role: operator
intent: destroy
accounts: all
duration: { default: 15m, max: 1h }
allow:
  - Sid: Objects
    Action: s3:DeleteObject
    Resource:
${["a", "b", "c"].map((seed) => `      - arn:aws:s3:::orders-staging/${noise(seed, 420)}\n`).join("")}expect:
  - title: no other object
    action: s3:DeleteObject
    resource: arn:aws:s3:::orders/a
    decision: explicitDeny
`;

const KEYS = { accessKeyId: "AKIABROKER0000000001", secretAccessKey: "broker-secret" };

async function policies(): Promise<{ readonly policy: ServedPolicy; readonly kid: string }> {
  const { folder } = await policyFolder({ "orders-ci": ["large", "noisy", "observe"] });
  writeFileSync(join(folder, "templates", "large.yaml"), largeTemplate(table));
  writeFileSync(join(folder, "templates", "noisy.yaml"), NOISY);
  const loaded = await loadPolicyFolder(folder, table);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error, null, 2));
  return { policy: loaded.value, kid: loaded.value.set.registry.agents[0]?.keys[0]?.kid ?? "" };
}

const { policy, kid } = await policies();

function brokerOn(audit: Broker["audit"], assumeRole: Broker["assumeRole"]): Broker {
  let counter = 0;
  return {
    ...WITHOUT_PEOPLE,
    policy,
    audit,
    assumeRole,
    clock: () => new Date(),
    randomBytes: (count) => new Uint8Array(count).fill((counter += 1)),
    verifyToken: async () =>
      ok({
        issuerId: "enrolled",
        subject: "orders-ci",
        tokenId: "t",
        issuedAt: 1,
        expiresAt: 2,
        keyId: kid,
        claims: {},
      }),
  };
}

const CALL: Call = {
  requestId: "req-1",
  route: "POST /v1/credentials",
  unverifiedToken: "t",
  stopping: new AbortController().signal,
  onAgent: () => undefined,
};

const ask = (broker: Broker, template: string, idempotencyKey: string | null = null) =>
  issueCredentials(broker, CALL, async () =>
    ok({
      idempotencyKey,
      wish: {
        template,
        parameters: template === "large" ? { table: ["orders"] } : {},
        account: null,
        durationSeconds: null,
        task: { id: null, intent: "observe", summary: "look" },
      },
    }),
  );

async function world() {
  const [account] = policy.set.accounts;
  if (account === undefined) throw new Error("no account");
  const aws = createLocalAws({ actions: table, accounts: [demoAccount(account, KEYS)] });
  const { url } = await aws.listen();
  const sts = createAssumeRole({ region: null, endpoint: url, credentials: KEYS, deadlineMs: 10_000 });
  const audit = await openAuditLog({ url: null, folder: null });
  const store = createPolicyStore({ region: "us-east-1", endpoint: url, credentials: KEYS });
  onTestFinished(async () => {
    sts.close();
    store.close();
    await audit.close();
    await aws.close();
  });
  const publisher = { store, sessions: null, clock: () => new Date() };
  return {
    url,
    audit,
    broker: brokerOn(audit, sts.assumeRole),
    publish: async () => {
      const plan = await planPublish(publisher, policy, null);
      if (!plan.ok) throw new Error(JSON.stringify(plan.error));
      await carryOut(publisher, plan.value);
    },
  };
}

async function kinds(audit: Broker["audit"]): Promise<readonly string[]> {
  return (await audit.entries({ from: 0, limit: 50 })).map(({ kind }) => kind);
}

describe("against local AWS", () => {
  test("a template too large inline is minted in the split form, and its published ceiling denies", async () => {
    const { url, broker, publish } = await world();
    await publish();
    const issued = await ask(broker, "large");
    if (!issued.ok) throw new Error(JSON.stringify(issued.error));
    const { session, plan, credentials } = issued.value;
    expect(session.policyArns).toHaveLength(1);
    expect(session.policyArns).toEqual(plan.compiled.policyArns);
    const agent = new CloudFormationClient({
      region: "us-east-1",
      endpoint: url,
      credentials: {
        accessKeyId: credentials.accessKeyId,
        secretAccessKey: credentials.secretAccessKey.reveal(),
        sessionToken: credentials.sessionToken.reveal(),
      },
    });
    await expect(agent.send(new DeleteStackCommand({ StackName: "orders-staging" }))).rejects.toThrow(
      /explicit deny in a session policy/,
    );
    agent.destroy();
  });

  test("PackedPolicyTooLarge is answered by a second session in the split form; the first one failed", async () => {
    const { broker, audit, publish } = await world();
    await publish();
    const issued = await ask(broker, "noisy");
    if (!issued.ok) throw new Error(JSON.stringify(issued.error));
    expect(await kinds(audit)).toEqual([
      "session.intent",
      "session.failed",
      "session.intent",
      "session.issued",
    ]);
    const [second, first] = await audit.sessions({ agent: "orders-ci", limit: 5, before: null });
    expect([first?.state, second?.state]).toEqual(["failed", "issued"]);
    expect([first?.session.policyArns.length, second?.session.policyArns.length]).toEqual([0, 1]);
    expect(second?.session.id).toBe(issued.value.session.id);
    expect(first?.session.id).not.toBe(second?.session.id);
    expect(first?.session.policyDigest).not.toBe(second?.session.policyDigest);
  });

  test("without the published policies the answer names them, and both attempts failed for certain", async () => {
    const { broker, audit } = await world();
    const refused = await ask(broker, "noisy");
    expect(refused.ok ? null : refused.error).toMatchObject({
      code: "sts_refused",
      policyArns: [expect.stringMatching(/:policy\/twokey\/noisy-[0-9a-f]{24}$/)],
    });
    expect(await kinds(audit)).toEqual([
      "session.intent",
      "session.failed",
      "session.intent",
      "session.failed",
    ]);
  });

  test("the Idempotency-Key stays spent by the first attempt, although the second was issued", async () => {
    const { broker, audit, publish } = await world();
    await publish();
    const issued = await ask(broker, "noisy", "key-1");
    expect(issued.ok).toBe(true);
    const [, first] = await audit.sessions({ agent: "orders-ci", limit: 5, before: null });
    expect(await ask(broker, "noisy", "key-1")).toEqual(
      err({ code: "already_issued", session: first?.session.id }),
    );
    expect((await audit.sessions({ agent: null, limit: 50, before: null })).length).toBe(2);
  });
});

describe("with an STS that says so", () => {
  test.each(["PackedPolicyTooLarge", "PackedPolicyTooLargeException"])(
    "%s is tried once more and never twice",
    async (code) => {
      const record = fakeRecord();
      const sts = fakeSts(record);
      sts.answer = err({ certainty: "definite", code, message: "words" });
      expect(await ask(brokerOn(record.audit, sts.assumeRole), "observe")).toEqual(
        err({ code: "packed_policy_too_large", template: "observe" }),
      );
      expect(record.happened).toEqual(["intent", "sts", "outcome:failed", "intent", "sts", "outcome:failed"]);
      expect(sts.requests.map(({ policyArns }) => policyArns.length)).toEqual([0, 1]);
    },
  );

  test("a session already split is not split again", async () => {
    const record = fakeRecord();
    const sts = fakeSts(record);
    sts.answer = err({ certainty: "definite", code: "PackedPolicyTooLarge", message: "words" });
    await ask(brokerOn(record.audit, sts.assumeRole), "large");
    expect(sts.requests.map(({ policyArns }) => policyArns.length)).toEqual([1]);
  });

  test("an unclear answer is never tried again, whatever it says", async () => {
    const record = fakeRecord();
    const sts = fakeSts(record);
    sts.answer = err({ certainty: "unknown", code: "PackedPolicyTooLarge", message: "words" });
    await ask(brokerOn(record.audit, sts.assumeRole), "observe");
    expect(record.happened).toEqual(["intent", "sts", "outcome:unknown"]);
  });

  test("there is no second attempt before the first one's failure is on record", async () => {
    const record = fakeRecord();
    const sts = fakeSts(record);
    sts.answer = err({ certainty: "definite", code: "PackedPolicyTooLarge", message: "words" });
    record.fail.outcome = true;
    expect(await ask(brokerOn(record.audit, sts.assumeRole), "observe")).toEqual(
      err({ code: "record_unavailable", step: "outcome" }),
    );
    expect(sts.requests).toHaveLength(1);
  });

  test("the second attempt is recorded before STS hears of it", async () => {
    const record = fakeRecord();
    const sts = fakeSts(record);
    const answers = [
      err({ certainty: "definite" as const, code: "PackedPolicyTooLarge", message: "w" }),
      ok(ASSUMED),
    ];
    const issued = await ask(
      brokerOn(record.audit, async (request) => {
        await sts.assumeRole(request);
        return answers.shift() ?? ok(ASSUMED);
      }),
      "observe",
    );
    expect(issued.ok).toBe(true);
    expect(record.happened).toEqual(["intent", "sts", "outcome:failed", "intent", "sts", "outcome:issued"]);
    expect(record.intents[1]?.policyArns).toEqual(sts.requests[1]?.policyArns);
  });
});

test("nothing of a session that has gone from the set is split", () => {
  const empty: ServedPolicy = { ...policy, templates: new Map() };
  const prepared = policy.templates.get("observe");
  const [account] = policy.set.accounts;
  if (prepared === undefined || account === undefined) throw new Error("no template");
  const plan = {
    template: prepared.template,
    account,
    roleArn: account.roles.observer,
    parameters: {},
    durationSeconds: 900,
    compiled: {
      document: { Version: "2012-10-17" as const, Statement: [] },
      policy: "",
      policyArns: [],
      published: [],
      digest: "",
    },
    may: "",
  };
  expect(splitForm(plan, empty)).toBeNull();
});
