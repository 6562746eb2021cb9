import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createAssumeRole, type StsAdapter } from "../../src/adapters/aws/assume-role.ts";
import { scrub } from "../../src/adapters/aws/sts-fault.ts";
import type { AssumeRoleRequest } from "../../src/session/assume-role.ts";
import {
  assumed,
  CANARY,
  respond,
  startStubSts,
  stsError,
  type Answer,
  type StubSts,
} from "../support/stub-sts.ts";

const REQUEST: AssumeRoleRequest = {
  roleArn: "arn:aws:iam::111122223333:role/twokey/ai-observer",
  roleSessionName: "orders-ci-abcdefgh",
  sourceIdentity: "tks-abcdefghijklmnopqrstuvwx",
  externalId: "external-id-of-the-account",
  tags: [
    { key: "twokey:principal", value: "ai-agent" },
    { key: "twokey:session", value: "tks-abcdefghijklmnopqrstuvwx" },
  ],
  policy: '{"Version":"2012-10-17","Statement":[]}',
  policyArns: ["arn:aws:iam::111122223333:policy/twokey/fence-1"],
  durationSeconds: 900,
  region: "us-east-1",
};

const CREDENTIALS = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "broker-secret" };

let sts: StubSts;
let adapter: StsAdapter;

const adapterAt = (endpoint: string, deadlineMs = 5_000): StsAdapter =>
  createAssumeRole({ region: null, endpoint, credentials: CREDENTIALS, deadlineMs });

beforeEach(async () => {
  sts = await startStubSts();
  adapter = adapterAt(sts.url);
});
afterEach(async () => {
  adapter.close();
  await sts.close();
});

test("the request carries the policy's exact bytes, every limit, and all tags as transitive", async () => {
  const result = await adapter.assumeRole(REQUEST);
  expect(result.ok).toBe(true);
  const [form] = sts.received;
  expect(Object.fromEntries(form ?? [])).toMatchObject({
    Action: "AssumeRole",
    RoleArn: REQUEST.roleArn,
    RoleSessionName: "orders-ci-abcdefgh",
    SourceIdentity: "tks-abcdefghijklmnopqrstuvwx",
    ExternalId: "external-id-of-the-account",
    DurationSeconds: "900",
    Policy: REQUEST.policy,
    "PolicyArns.member.1.arn": "arn:aws:iam::111122223333:policy/twokey/fence-1",
    "Tags.member.1.Key": "twokey:principal",
    "Tags.member.2.Value": "tks-abcdefghijklmnopqrstuvwx",
    "TransitiveTagKeys.member.1": "twokey:principal",
    "TransitiveTagKeys.member.2": "twokey:session",
  });
});

test("an answer is read whole, its secrets wrapped", async () => {
  const result = await adapter.assumeRole(REQUEST);
  if (!result.ok) throw new Error("refused");
  const { credentials, assumedRoleArn, packedPolicySize } = result.value;
  expect(credentials.secretAccessKey.reveal()).toBe(CANARY.secretKey);
  expect(credentials.sessionToken.reveal()).toBe(CANARY.sessionToken);
  expect(credentials.expiration.toISOString()).toBe("2099-01-01T00:00:00.000Z");
  expect([assumedRoleArn, packedPolicySize]).toEqual([
    "arn:aws:sts::111122223333:assumed-role/ai-observer/x",
    42,
  ]);
  expect(JSON.stringify(result)).not.toContain("CANARY");
});

const halfAnAnswer: Answer = (response) => {
  response.writeHead(200, { "content-type": "text/xml", "content-length": "5000" });
  response.write(`<AssumeRoleResponse><SessionToken>${CANARY.sessionToken}`);
  setImmediate(() => response.socket?.resetAndDestroy());
};

describe("what a failure proves", () => {
  const cases: readonly [string, Answer, "definite" | "unknown", string][] = [
    ["400 throttling", stsError(400, "Throttling", "Rate exceeded"), "definite", "Throttling"],
    ["403 AccessDenied", stsError(403, "AccessDenied"), "definite", "AccessDenied"],
    ["400 PackedPolicyTooLarge", stsError(400, "PackedPolicyTooLarge"), "definite", "PackedPolicyTooLarge"],
    [
      "400 MalformedPolicyDocument",
      stsError(400, "MalformedPolicyDocument"),
      "definite",
      "MalformedPolicyDocument",
    ],
    [
      "503, whatever its words",
      stsError(503, "ServiceUnavailable", CANARY.sessionToken),
      "unknown",
      "ServiceUnavailable",
    ],
    ["500", stsError(500, "InternalFailure"), "unknown", "InternalFailure"],
    [
      "a 400 that is not STS's",
      (r) => {
        respond(r, 400, "<html><body>proxy</body></html>");
      },
      "unknown",
      "Unknown",
    ],
    [
      "a 400 with no body",
      (r) => {
        respond(r, 400, "");
      },
      "unknown",
      "Unknown",
    ],
    [
      "garbage in a 200",
      (r) => {
        respond(r, 200, `<broken ${CANARY.sessionToken}`);
      },
      "unknown",
      "Error",
    ],
    ["a reset before the answer", (r) => r.socket?.resetAndDestroy(), "unknown", "ECONNRESET"],
    ["a reset in the middle of the answer", halfAnAnswer, "unknown", "ECONNRESET"],
    [
      "a 200 without a session token",
      assumed(undefined, { SessionToken: "" }),
      "unknown",
      "IncompleteAnswer",
    ],
    [
      "a 200 without a secret key",
      assumed(undefined, { SecretAccessKey: "" }),
      "unknown",
      "IncompleteAnswer",
    ],
    ["a 200 without an access key", assumed(undefined, { AccessKeyId: "" }), "unknown", "IncompleteAnswer"],
    ["a 200 without an expiry", assumed(undefined, { Expiration: "" }), "unknown", "IncompleteAnswer"],
  ];
  test.each(cases)("%s", async (_name, answer, certainty, code) => {
    sts.answer = answer;
    const result = await adapter.assumeRole(REQUEST);
    expect(result).toMatchObject({ ok: false, error: { certainty, code } });
    expect(JSON.stringify(result)).not.toContain("CANARY");
    expect(sts.received).toHaveLength(1);
  });

  test("no answer within the deadline is unknown", async () => {
    sts.answer = () => undefined;
    adapter.close();
    adapter = adapterAt(sts.url, 100);
    const result = await adapter.assumeRole(REQUEST);
    expect(result).toMatchObject({ ok: false, error: { certainty: "unknown", code: "TimeoutError" } });
    expect(sts.received).toHaveLength(1);
  });

  test("a refused connection is definite", async () => {
    const port = await freePort();
    const result = await adapterAt(`http://127.0.0.1:${port}`).assumeRole(REQUEST);
    expect(result).toMatchObject({ ok: false, error: { certainty: "definite", code: "ECONNREFUSED" } });
  });

  test("a name that does not resolve is definite", async () => {
    const result = await adapterAt("http://sts.invalid").assumeRole(REQUEST);
    expect(result).toMatchObject({ ok: false, error: { certainty: "definite" } });
  });

  test("credentials of its own that cannot be had are definite: nothing was sent", async () => {
    const credentials = (): Promise<never> => Promise.reject(new Error(`no ${CANARY.secretKey}`));
    const broke = createAssumeRole({ region: null, endpoint: sts.url, credentials, deadlineMs: 5_000 });
    const result = await broke.assumeRole(REQUEST);
    expect(result).toMatchObject({ ok: false, error: { certainty: "definite" } });
    expect(JSON.stringify(result)).not.toContain("CANARY");
    expect(sts.received).toHaveLength(0);
  });

  test("credentials of its own that never come end at the deadline, and nothing is sent afterwards", async () => {
    let give: (value: typeof CREDENTIALS) => void = () => undefined;
    const late = new Promise<typeof CREDENTIALS>((resolve) => (give = resolve));
    const slow = createAssumeRole({
      region: null,
      endpoint: sts.url,
      credentials: () => late,
      deadlineMs: 50,
    });
    const result = await slow.assumeRole(REQUEST);
    expect(result).toMatchObject({ ok: false, error: { certainty: "definite", code: "TimeoutError" } });
    give(CREDENTIALS);
    // A later call through the same client is served after whatever the first might still have sent.
    const next = createAssumeRole({
      region: null,
      endpoint: sts.url,
      credentials: () => late,
      deadlineMs: 5_000,
    });
    expect((await next.assumeRole(REQUEST)).ok).toBe(true);
    expect(sts.received).toHaveLength(1);
  });
});

test("STS's words are stored without tokens, control characters or undue length", () => {
  const signature = `The canonical string was 'x-amz-security-token:${CANARY.sessionToken}\nhost:sts'`;
  expect(scrub(signature)).not.toContain("CANARY");
  expect(scrub("a\u0000b\u001b[31mc\nd")).toBe("a b [31mc d");
  expect(scrub("word ".repeat(500))).toHaveLength(512);
  const plain =
    "User: arn:aws:sts::111122223333:assumed-role/broker/i is not authorized to perform: sts:AssumeRole";
  expect(scrub(plain)).toBe(plain);
});

test("64 calls at once share pooled connections and each gets its own answer", async () => {
  const results = await Promise.all(Array.from({ length: 64 }, () => adapter.assumeRole(REQUEST)));
  expect(results.every((result) => result.ok)).toBe(true);
  expect(sts.received).toHaveLength(64);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
