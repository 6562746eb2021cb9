/** An AI role's trust policy is asked about everything it must refuse: one mistake at a time, and doctor names it. */
import { describe, expect, test } from "vitest";
import { judgeTrust } from "../../src/policy/doctor/trust.ts";
import type { PolicyDocument, Statement } from "../../src/policy/iam/types.ts";
import type { RoleName } from "../../src/policy/set.ts";
import { ACCOUNT, BROKER, documentOf, ID, trustOf, type Trust } from "./hand-written.ts";

const judge = (role: RoleName, seen: unknown, brokerArn = BROKER) =>
  judgeTrust({
    ...{ account: ACCOUNT, role, roleArn: ACCOUNT.roles[role], brokerArn },
    ...{ seen, expected: documentOf(trustOf(role)) },
  });

/** A statement without one condition key, in whichever operator it stands. */
function without({ Condition = {}, ...rest }: Statement, name: string): Statement {
  const left = Object.entries(Condition)
    .map(([operator, keys]) => [operator, Object.entries(keys).filter(([key]) => key !== name)] as const)
    .filter(([, keys]) => keys.length > 0)
    .map(([operator, keys]) => [operator, Object.fromEntries(keys)]);
  const kept = Object.fromEntries(left) as NonNullable<Statement["Condition"]>;
  return left.length === 0 ? rest : { ...rest, Condition: kept };
}

const inAll = (trust: Trust, name: string): Trust => ({
  ...trust,
  assume: without(trust.assume, name),
  tag: without(trust.tag, name),
  identity: without(trust.identity, name),
});

describe.each(["observer", "operator", "escalated"] as const)("%s", (role) => {
  test("the trust policy that demands all it must is good, however AWS writes it down", () => {
    const right = documentOf(trustOf(role));
    expect(judge(role, right)).toMatchObject({ id: "trust", account: ID, role, status: "ok", fix: null });
    const [first, ...rest] = right.Statement;
    const listed = { ...right, Statement: [{ ...first, Action: ["sts:AssumeRole"] }, ...rest] };
    expect(judge(role, listed).status).toBe("ok");
  });

  test.each([
    [
      "aws:RequestTag/twokey:principal",
      "gives the tag twokey:principal another value",
      "twokey:principal equal to ai-agent",
    ],
    [
      "aws:RequestTag/twokey:session",
      "gives the tag twokey:session another value",
      "aws:RequestTag/twokey:session like tks-*",
    ],
    ["aws:TagKeys", "carries a tag that is not Twokey's", "aws:TagKeys holds Twokey's keys alone"],
    ["sts:SourceIdentity", "sets no source identity", "sts:SourceIdentity like tks-*"],
    ["sts:ExternalId", "gives no external id", "sts:ExternalId equal to the account's external_id"],
  ])("without the condition on %s it is a fault, and the fix demands it", (key, says, demands) => {
    const found = judge(role, documentOf(inAll(trustOf(role), key)));
    expect(found.status).toBe("fault");
    expect(found.line).toContain(says);
    expect(found.fix).toContain(demands);
  });

  test("each transitive key must be demanded, one by one", () => {
    const trust = trustOf(role);
    trust.transitive.forEach((_statement, index) => {
      const left = trust.transitive.filter((_one, at) => at !== index);
      const found = judge(role, documentOf({ ...trust, transitive: left }));
      const key = ["twokey:principal", "twokey:session", "twokey:escalation"][index] ?? "";
      expect(found).toMatchObject({ status: "fault" });
      expect(found.line).toContain(`does not make ${key} transitive`);
      expect(found.fix).toContain(`${key} among sts:TransitiveTagKeys`);
    });
  });
});

test("a standing role that takes an escalation's tag is a fault", () => {
  const found = judge(
    "operator",
    documentOf(inAll(inAll(trustOf("operator"), "aws:RequestTag/twokey:escalation"), "aws:TagKeys")),
  );
  expect(found).toMatchObject({ status: "fault" });
  expect(found.line).toContain("carries a tag twokey:escalation, which only the escalated role takes");
  expect(found.fix).toContain("aws:RequestTag/twokey:escalation is absent");
});

test("the escalated role that takes a session without an escalation is a fault", () => {
  const found = judge(
    "escalated",
    documentOf(inAll(trustOf("escalated"), "aws:RequestTag/twokey:escalation")),
  );
  expect(found.line).toContain("gives the tag twokey:escalation another value");
});

describe("a trust policy that lets in anybody but the broker is a fault", () => {
  const opened = (principal: Statement["Principal"], rest: Partial<Statement> = {}): PolicyDocument => {
    const right = documentOf(trustOf("operator"));
    const more: Statement = {
      Effect: "Allow",
      Action: "sts:AssumeRole",
      ...rest,
      ...(principal && { Principal: principal }),
    };
    return { ...right, Statement: [...right.Statement, more] };
  };

  test.each<[string, PolicyDocument, string]>([
    ["the account's root", opened({ AWS: `arn:aws:iam::${ID}:root` }), `whoever account ${ID} allows it`],
    ["another role", opened({ AWS: `arn:aws:iam::${ID}:role/deploy` }), `arn:aws:iam::${ID}:role/deploy`],
    ["another account", opened({ AWS: "444455556666" }), "whoever account 444455556666 allows it"],
    ["everybody", opened("*"), "everybody"],
    ["a service", opened({ Service: "lambda.amazonaws.com" }), "lambda.amazonaws.com"],
    [
      "an identity provider, whatever its conditions",
      opened(
        { Federated: `arn:aws:iam::${ID}:oidc-provider/token.actions.githubusercontent.com` },
        {
          Action: "sts:AssumeRoleWithWebIdentity",
          Condition: {
            StringEquals: { "token.actions.githubusercontent.com:sub": "repo:a/b:ref:refs/heads/main" },
          },
        },
      ),
      "oidc-provider/token.actions.githubusercontent.com",
    ],
  ])("%s", (_who, document, says) => {
    const found = judge("operator", document);
    expect(found.status).toBe("fault");
    expect(found.line).toContain(says);
    expect(found.fix).toContain(`name ${BROKER} as its only principal`);
  });
});

test("a trust policy for another broker is a fault, for this one is refused", () => {
  const found = judge(
    "observer",
    documentOf(trustOf("observer")),
    `arn:aws:iam::${ID}:role/ops/twokey-broker`,
  );
  expect(found.status).toBe("fault");
});

test("a broker that runs on a role is known by its sessions", () => {
  const role = `arn:aws:iam::${ID}:role/ops/twokey-broker`;
  const trust = JSON.parse(
    JSON.stringify(documentOf(trustOf("observer"))).replaceAll(BROKER, role),
  ) as unknown;
  // The text is not the one expected for the user, and as strict.
  expect(judge("observer", trust, role)).toMatchObject({ status: "warning" });
});

test("a trust policy that refuses the right call is a fault", () => {
  const text = JSON.stringify(documentOf(trustOf("observer"))).replace(ACCOUNT.externalId, "another");
  expect(judge("observer", JSON.parse(text))).toMatchObject({
    status: "fault",
    line: `the trust policy refuses the call that Twokey makes as ${BROKER}`,
  });
});

test("one that differs and is as strict is a warning, one that cannot be read a fault", () => {
  const right = documentOf(trustOf("observer"));
  const more: Statement = { Effect: "Deny", Principal: "*", Action: "sts:AssumeRoleWithSAML" };
  expect(judge("observer", { ...right, Statement: [...right.Statement, more] }).status).toBe("warning");
  expect(judge("observer", null)).toMatchObject({ status: "fault" });
  expect(judge("observer", { Version: "2012-10-17", Statement: [{ Effect: "Allow" }] }).status).toBe("fault");
});
