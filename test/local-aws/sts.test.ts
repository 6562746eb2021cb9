/** sts:AssumeRole: every published limit, trust policies, chaining. Numbers come from the STS service model. */
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
} from "@aws-sdk/client-sts";
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { AccountOptions } from "../../src/local-aws/options.ts";
import type { Statement } from "../../src/policy/iam/types.ts";
import {
  ACCOUNT,
  allow,
  ADMIN_KEYS,
  assume,
  BROKER,
  BROKER_KEYS,
  document,
  FORM,
  HOP,
  OPERATOR,
  refusal,
  send,
  sign,
  startWorld,
  type TestWorld,
  trust,
} from "./world.ts";

const ask = (world: TestWorld, input: Partial<AssumeRoleCommandInput>, keys = BROKER_KEYS) =>
  world.sts(keys).send(new AssumeRoleCommand({ RoleArn: OPERATOR, RoleSessionName: "orders-ci", ...input }));

const services = "cloudformation ecs rds dynamodb ec2 logs lambda cloudwatch sqs sns";
const verbs =
  "Describe* List* GetTemplate CreateStack UpdateStack DeleteStack CreateChangeSet ExecuteChangeSet RollbackStack";
const ACTIONS = services
  .split(" ")
  .flatMap((service) => verbs.split(" ").map((verb) => `${service}:${verb}`));

const tagList = (count: number, value: string) =>
  Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: value }));
const policyOf = (length: number): string => {
  const bare = JSON.stringify(document({ ...allow("*"), Sid: "X" }));
  return bare.replace('"X"', `"${"A".repeat(length - bare.length + 1)}"`);
};

/** The trust policy of `operator` replaced. */
const trusting =
  (...statements: readonly Statement[]) =>
  (account: AccountOptions): AccountOptions => ({
    ...account,
    roles: (account.roles ?? []).map((role) =>
      role.name === "operator" ? { ...role, trust: document(...statements) } : role,
    ),
  });

describe("limits of AssumeRole", () => {
  const refused: readonly (readonly [string, Partial<AssumeRoleCommandInput>, string])[] = [
    ["a session name of 1 character", { RoleSessionName: "a" }, "ValidationError"],
    ["a session name of 65 characters", { RoleSessionName: "a".repeat(65) }, "ValidationError"],
    ["a session name with a slash", { RoleSessionName: "a/b" }, "ValidationError"],
    ["a session name with a line break", { RoleSessionName: "ab\n" }, "ValidationError"],
    ["a source identity of 1 character", { SourceIdentity: "a" }, "ValidationError"],
    ["a source identity that begins with aws:", { SourceIdentity: "aws:x" }, "ValidationError"],
    ["an external id of 1 character", { ExternalId: "a" }, "ValidationError"],
    ["an external id with a space", { ExternalId: "a b" }, "ValidationError"],
    ["899 seconds", { DurationSeconds: 899 }, "ValidationError"],
    ["43201 seconds", { DurationSeconds: 43_201 }, "ValidationError"],
    ["more than the role's MaxSessionDuration", { DurationSeconds: 3601 }, "ValidationError"],
    ["a policy of 2,049 characters", { Policy: policyOf(2049) }, "ValidationError"],
    [
      "a policy with a character above U+00FF",
      { Policy: policyOf(200).replace("AAA", "AĀA") },
      "ValidationError",
    ],
    ["a policy that is no JSON", { Policy: "{" }, "MalformedPolicyDocument"],
    ["a policy that is no policy", { Policy: '{"Version":"2012-10-17"}' }, "MalformedPolicyDocument"],
    [
      "a session policy with a Principal",
      { Policy: JSON.stringify(document(trust(BROKER))) },
      "MalformedPolicyDocument",
    ],
    ["11 policy ARNs", { PolicyArns: Array.from({ length: 11 }, () => ({ arn: HOP })) }, "ValidationError"],
    [
      "a policy ARN that does not exist",
      { PolicyArns: [{ arn: `arn:aws:iam::${ACCOUNT}:policy/none` }] },
      "ValidationError",
    ],
    [
      "a policy ARN of another account",
      { PolicyArns: [{ arn: "arn:aws:iam::444455556666:policy/only-look" }] },
      "ValidationError",
    ],
    ["51 tags", { Tags: tagList(51, "") }, "ValidationError"],
    ["a tag key of 129 characters", { Tags: [{ Key: "k".repeat(129), Value: "" }] }, "ValidationError"],
    ["a tag value of 257 characters", { Tags: [{ Key: "k", Value: "v".repeat(257) }] }, "ValidationError"],
    ["a tag value with a star", { Tags: [{ Key: "k", Value: "*" }] }, "ValidationError"],
    ["a tag key with a line break", { Tags: [{ Key: "k\n", Value: "v" }] }, "ValidationError"],
    [
      "tag keys that differ in case only",
      {
        Tags: [
          { Key: "Env", Value: "a" },
          { Key: "env", Value: "b" },
        ],
      },
      "InvalidParameterValue",
    ],
    [
      "a transitive key that is no tag of the request",
      { Tags: tagList(1, "v"), TransitiveTagKeys: ["other"] },
      "InvalidParameterValue",
    ],
    ["nine tags of 252 characters", { Tags: tagList(9, "v".repeat(250)) }, "PackedPolicyTooLarge"],
  ];
  test.each(refused)("refuse %s", async (_, input, code) => {
    const world = await startWorld();
    expect((await refusal(ask(world, input))).code).toBe(code);
    expect(world.aws.state.mints()).toEqual([]);
  });

  const accepted: readonly (readonly [string, Partial<AssumeRoleCommandInput>])[] = [
    ["names of 2 and of 64 characters", { RoleSessionName: "a=", SourceIdentity: "s".repeat(64) }],
    ["an external id of 1,224 characters", { ExternalId: "x".repeat(1224) }],
    ["900 seconds", { DurationSeconds: 900 }],
    [
      "a policy of 2,048 characters, tabs and line breaks",
      { Policy: policyOf(2045).replace("{", "{\t\n\r") },
    ],
    ["a tag with every kind of character", { Tags: [{ Key: "é 1_.:/=+-@", Value: "日本 _.:/=+-@" }] }],
    ["50 tags", { Tags: tagList(50, "") }],
    ["a policy ARN of the account", { PolicyArns: [{ arn: `arn:aws:iam::${ACCOUNT}:policy/only-look` }] }],
  ];
  test.each(accepted)("accept %s", async (_, input) => {
    const world = await startWorld();
    expect((await ask(world, input)).Credentials?.AccessKeyId).toMatch(/^ASIA[A-Z2-7]{16}$/);
  });

  test("nine tags of 252 characters are reported at about 498 percent", async () => {
    const world = await startWorld();
    const { message } = await refusal(ask(world, { Tags: tagList(9, "v".repeat(250)) }));
    const percent = Number(/consumes (\d+)%/.exec(message)?.[1]);
    expect(percent).toBeGreaterThan(488);
    expect(percent).toBeLessThan(508);
  });

  test("a realistic policy near 2,048 characters fits beside Twokey's own tags, and noise does not", async () => {
    const world = await startWorld();
    const tags = [
      { Key: "twokey:principal", Value: "ai-agent" },
      { Key: "twokey:session", Value: `tks-${"a".repeat(24)}` },
    ];
    const realistic = JSON.stringify(
      document(allow("*"), { Effect: "Deny", NotAction: ACTIONS, Resource: "*" }),
    );
    expect(realistic.length).toBeGreaterThan(1900);
    await ask(world, { Policy: realistic, Tags: tags });
    const percent = world.aws.state.mints()[0]?.packedPolicySize;
    expect(percent).toBeGreaterThan(20);
    expect(percent).toBeLessThan(100);
    const digests = Array.from({ length: 32 }, (_, index) =>
      createHash("sha256").update(String(index)).digest("base64url"),
    );
    const noise = JSON.stringify(document(allow("*", `arn:aws:s3:::${digests.join("")}`)));
    expect(noise.length).toBeLessThan(2048);
    expect((await refusal(ask(world, { Policy: noise, Tags: tags }))).code).toBe("PackedPolicyTooLarge");
  });

  test("a duration that is no number is refused", async () => {
    const world = await startWorld();
    const body = `Action=AssumeRole&RoleArn=${OPERATOR}&RoleSessionName=orders&DurationSeconds=1h`;
    const answer = await send(await sign(world, { headers: FORM, body }));
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("<Code>MalformedInput</Code>");
  });
});

describe("a trust policy", () => {
  const OK = { sourceIdentity: "tks-1" };
  test("that names the caller's exact ARN is enough in one account, without an identity policy", async () => {
    const world = await startWorld((account) => ({
      ...account,
      users: [{ name: "broker", ...BROKER_KEYS, policies: [] }],
    }));
    expect((await ask(world, {})).AssumedRoleUser?.Arn).toContain("assumed-role/operator/orders-ci");
  });

  test("that names the account only delegates: the caller's own policies must allow too", async () => {
    const delegating = trusting(trust(ACCOUNT));
    const world = await startWorld(delegating);
    await ask(world, {});
    const without = await startWorld((account) => ({
      ...delegating(account),
      users: [{ name: "broker", ...BROKER_KEYS, policies: [] }],
    }));
    const refused = await refusal(ask(without, {}));
    expect(refused.code).toBe("AccessDenied");
    expect(refused.message).toContain("because no identity-based policy allows the sts:AssumeRole action");
  });

  test("that does not name the caller refuses even an administrator, and says nothing of whether the role exists", async () => {
    const world = await startWorld();
    const existing = await refusal(ask(world, {}, ADMIN_KEYS));
    const absent = await refusal(ask(world, { RoleArn: `arn:aws:iam::${ACCOUNT}:role/nothing` }, ADMIN_KEYS));
    expect(existing).toEqual({
      code: "AccessDenied",
      status: 403,
      message: `User: arn:aws:iam::${ACCOUNT}:user/admin is not authorized to perform: sts:AssumeRole on resource: ${OPERATOR}`,
    });
    expect(absent.message.replace("role/nothing", "role/twokey/operator")).toBe(existing.message);
  });

  test("needs sts:TagSession for tags and sts:SetSourceIdentity for a source identity", async () => {
    const world = await startWorld(trusting(trust(BROKER, "sts:AssumeRole")));
    await ask(world, {});
    expect((await refusal(ask(world, { Tags: tagList(1, "v") }))).message).toContain("sts:TagSession");
    expect((await refusal(ask(world, { SourceIdentity: OK.sourceIdentity }))).message).toContain(
      "sts:SetSourceIdentity",
    );
  });

  test("can demand external id, session name, tags, transitive keys and source identity of AssumeRole", async () => {
    const world = await startWorld(
      trusting(trust(BROKER, "sts:TagSession", "sts:SetSourceIdentity"), {
        ...trust(BROKER, "sts:AssumeRole"),
        Condition: {
          StringEquals: { "sts:ExternalId": "secret-id", "aws:RequestTag/twokey:principal": "ai-agent" },
          StringLike: { "sts:RoleSessionName": "orders-*", "sts:SourceIdentity": "tks-*" },
          "ForAnyValue:StringEquals": {
            "sts:TransitiveTagKeys": "twokey:principal",
            "aws:TagKeys": "twokey:principal",
          },
        },
      }),
    );
    const good = {
      ExternalId: "secret-id",
      SourceIdentity: "tks-1",
      Tags: [{ Key: "twokey:principal", Value: "ai-agent" }],
      TransitiveTagKeys: ["twokey:principal"],
    };
    await ask(world, good);
    for (const bad of [
      { ...good, ExternalId: "other" },
      { ...good, RoleSessionName: "other" },
      { ...good, SourceIdentity: "other" },
      { ...good, TransitiveTagKeys: [] },
      { ...good, Tags: [{ Key: "twokey:principal", Value: "human" }] },
    ])
      expect((await refusal(ask(world, bad))).code).toBe("AccessDenied");
  });

  test.each(["sts:ExternalId", "sts:RoleSessionName"])(
    "that makes sts:TagSession depend on %s allows no tags, for that action does not carry the key",
    async (key) => {
      const world = await startWorld(
        trusting(trust(BROKER, "sts:AssumeRole"), {
          ...trust(BROKER, "sts:TagSession"),
          Condition: { StringLike: { [key]: "*" } },
        }),
      );
      const refused = await refusal(ask(world, { ExternalId: "secret-id", Tags: tagList(1, "v") }));
      expect(refused.message).toContain("sts:TagSession");
    },
  );

  test("refuses the account's root user, as AWS does", async () => {
    const keys = { accessKeyId: "AKIAROOT000000000001", secretAccessKey: "root-secret" };
    const world = await startWorld((account) => ({
      ...trusting(trust(ACCOUNT))(account),
      users: [{ name: "root", ...keys }],
    }));
    expect((await refusal(ask(world, {}, keys))).message).toBe("Roles may not be assumed by root accounts.");
    const who = await world.sts(keys).send(new GetCallerIdentityCommand({}));
    expect(who.Arn).toBe(`arn:aws:iam::${ACCOUNT}:root`);
  });
});

describe("role chaining", () => {
  const first = {
    SourceIdentity: "tks-1",
    Tags: [
      { Key: "twokey:principal", Value: "ai-agent" },
      { Key: "local", Value: "x" },
    ],
    TransitiveTagKeys: ["twokey:principal"],
  };
  const hop = (
    world: TestWorld,
    keys: Parameters<TestWorld["sts"]>[0],
    input: Partial<AssumeRoleCommandInput> = {},
  ) => world.sts(keys).send(new AssumeRoleCommand({ RoleArn: HOP, RoleSessionName: "hop", ...input }));

  test("carries transitive tags and the source identity, and nothing else", async () => {
    const world = await startWorld();
    const keys = await assume(world.sts(), first);
    const answer = await hop(world, keys);
    expect(answer.SourceIdentity).toBe("tks-1");
    const [, second] = world.aws.state.mints();
    expect(second).toMatchObject({
      tags: [{ key: "twokey:principal", value: "ai-agent" }],
      transitiveKeys: ["twokey:principal"],
      sourceIdentity: "tks-1",
      policy: null,
      by: `arn:aws:sts::${ACCOUNT}:assumed-role/operator/orders-ci`,
    });
  });

  test("cannot pass an inherited key again, in any case, nor change the source identity", async () => {
    const world = await startWorld();
    const keys = await assume(world.sts(), first);
    for (const Key of ["twokey:principal", "TwoKey:Principal"])
      expect((await refusal(hop(world, keys, { Tags: [{ Key, Value: "human" }] }))).code).toBe(
        "InvalidParameterValue",
      );
    expect((await refusal(hop(world, keys, { SourceIdentity: "other" }))).code).toBe("AccessDenied");
    await hop(world, keys, { SourceIdentity: "tks-1", Tags: [{ Key: "local", Value: "y" }] });
  });

  test("lasts an hour at most, whatever the role allows", async () => {
    const world = await startWorld((account) => ({
      ...account,
      roles: (account.roles ?? []).map((role) => ({ ...role, maxSessionDuration: 43_200 })),
    }));
    const keys = await assume(world.sts(), { DurationSeconds: 43_200 });
    expect((await refusal(hop(world, keys, { DurationSeconds: 3601 }))).message).toContain("role chaining");
    const { Credentials } = await hop(world, keys, { DurationSeconds: 3600 });
    const left = ((Credentials?.Expiration?.getTime() ?? 0) - world.now().getTime()) / 1000;
    expect(left).toBeGreaterThan(3500);
    expect(left).toBeLessThanOrEqual(3600);
  });

  test("needs sts:TagSession and sts:SetSourceIdentity of the next role for what is inherited", async () => {
    const world = await startWorld((account) => ({
      ...account,
      roles: (account.roles ?? []).map((role) =>
        role.name === "hop" ? { ...role, trust: document(trust(OPERATOR, "sts:AssumeRole")) } : role,
      ),
    }));
    const keys = await assume(world.sts(), first);
    expect((await refusal(hop(world, keys))).message).toContain("sts:TagSession");
  });

  test("case 24: is denied by a session policy that denies it, although the trust policy names the role", async () => {
    const world = await startWorld();
    const fence = JSON.stringify(
      document(allow("*"), { Effect: "Deny", Action: "sts:AssumeRole*", Resource: "*" }),
    );
    const refused = await refusal(hop(world, await assume(world.sts(), { Policy: fence })));
    expect(refused.message).toBe(
      `User: arn:aws:sts::${ACCOUNT}:assumed-role/operator/orders-ci is not authorized to perform: sts:AssumeRole on resource: ${HOP} with an explicit deny in a session policy`,
    );
  });
});
