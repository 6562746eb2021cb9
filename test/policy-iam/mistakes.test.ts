/** Mistakes that other evaluators of the IAM language are known for, and look-alike requests (security case 23). */
import { describe, expect, test } from "vitest";
import type { Decision, Statement } from "../../src/policy/iam/types.ts";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import { ALLOW_ALL, ask, layers, parsed, question, ROLE, SESSION, USER, type Question } from "./ask.ts";

const withSession = (deny: Partial<Statement>, request: Question = {}): Decision =>
  ask({ identity: [ALLOW_ALL, { Effect: "Deny", Action: "*", Resource: "*", ...deny }] }, request).decision;

describe("known mistakes", () => {
  const fence = {
    Condition: { StringNotEquals: { "aws:ResourceTag/environment": ["staging", "development"] } },
  };

  test("negated values are not OR-ed: a resource with one of the listed values is not denied", () => {
    for (const environment of ["staging", "development"]) {
      expect(withSession(fence, { context: { "aws:ResourceTag/environment": environment } })).toBe("allowed");
    }
    expect(withSession(fence, { context: { "aws:ResourceTag/environment": "production" } })).toBe(
      "explicitDeny",
    );
  });

  test("an absent key satisfies a negated operator: an untagged resource is denied", () => {
    expect(withSession(fence)).toBe("explicitDeny");
  });

  test("NotResource entries are not OR-ed: a resource that one of them names is outside the Deny", () => {
    const deny: Statement = {
      Effect: "Deny",
      Action: "*",
      NotResource: ["arn:aws:s3:::orders/*", "arn:aws:s3:::reports/*"],
    };
    const decide = (resource: string) => ask({ identity: [ALLOW_ALL, deny] }, { resource }).decision;
    expect(decide("arn:aws:s3:::orders/x")).toBe("allowed");
    expect(decide("arn:aws:s3:::reports/x")).toBe("allowed");
    expect(decide("arn:aws:s3:::ledger/x")).toBe("explicitDeny");
  });

  test("NotAction entries are not OR-ed either", () => {
    const deny: Statement = { Effect: "Deny", NotAction: ["s3:Get*", "s3:List*"], Resource: "*" };
    const decide = (action: string) => ask({ identity: [ALLOW_ALL, deny] }, { action }).decision;
    expect(decide("s3:GetObject")).toBe("allowed");
    expect(decide("s3:ListBucket")).toBe("allowed");
    expect(decide("s3:DeleteBucket")).toBe("explicitDeny");
  });

  test("variables are not ignored: their text is no resource name", () => {
    const allow: Statement = {
      Effect: "Allow",
      Action: "*",
      Resource: "arn:aws:s3:::orders/${aws:username}",
    };
    const decide = (resource: string) =>
      ask({ identity: [allow] }, { resource, context: { "aws:username": "lead" } }).decision;
    expect(decide("arn:aws:s3:::orders/lead")).toBe("allowed");
    expect(decide("arn:aws:s3:::orders/${aws:username}")).toBe("implicitDeny");
  });

  test("values and resources keep their case, actions and keys do not", () => {
    const tagged = { Condition: { StringEquals: { "aws:ResourceTag/environment": "production" } } };
    expect(withSession(tagged, { context: { "AWS:resourcetag/Environment": "production" } })).toBe(
      "explicitDeny",
    );
    expect(withSession(tagged, { context: { "aws:ResourceTag/environment": "Production" } })).toBe("allowed");
    const onOrders = { Resource: "arn:aws:s3:::orders/*" };
    expect(withSession(onOrders, { resource: "arn:aws:s3:::Orders/x" })).toBe("allowed");
    expect(withSession({ Action: "S3:getOBJECT" })).toBe("explicitDeny");
  });

  test("patterns are anchored at both ends", () => {
    const allow = (Action: string, Resource: string): Decision =>
      ask({ identity: [{ Effect: "Allow", Action, Resource }] }).decision;
    expect(allow("s3:GetObject", "arn:aws:s3:::orders/2026.csv")).toBe("allowed");
    expect(allow("s3:Get", "*")).toBe("implicitDeny");
    expect(allow("s3:GetObject", "arn:aws:s3:::orders/2026")).toBe("implicitDeny");
    expect(allow("s3:GetObject", "arn:aws:s3:::orders/2026?csv")).toBe("allowed");
    expect(allow("s3:GetObject", "arn:aws:s3:::orders.2026*")).toBe("implicitDeny");
  });

  test.each([
    "GetObject",
    "s3:",
    ":GetObject",
    "s3:Get*",
    "s3:*",
    "*",
    "",
    "s3:GetObject ",
    "s3:GetObject\n",
    "s3:Get:Object",
    "s3/GetObject",
    "\u017F3:GetObject",
    "s3:Get\u200BObject",
  ])("what is no service:Action is never allowed: %j", (action) => {
    const asked = ask({ identity: [ALLOW_ALL], session: [ALLOW_ALL] }, { action });
    expect(asked).toMatchObject({ decision: "implicitDeny", matched: [] });
  });

  test("an access level is nothing to the evaluator: s3:Get* grants no other read", () => {
    const reads: Statement = { Effect: "Allow", Action: "s3:Get*", Resource: "*" };
    expect(ask({ identity: [reads] }, { action: "s3:ListBucket" }).decision).toBe("implicitDeny");
    const byLevel: Statement = { ...reads, Condition: { StringEquals: { "aws:AccessLevel": "Read" } } };
    expect(ask({ identity: [byLevel] }).decision).toBe("implicitDeny");
  });

  test("a key in two spellings is never allowed, as nobody knows which one AWS reads", () => {
    const context = { "aws:RequestTag/environment": "staging", "aws:RequestTag/Environment": "production" };
    expect(ask({ identity: [ALLOW_ALL] }, { context }).decision).toBe("implicitDeny");
  });

  test("an identity policy in the place of a resource policy is a bug, not a grant to everyone", () => {
    const mixedUp = { ...layers({}), resource: parsed([ALLOW_ALL]) };
    expect(() => evaluate(question({}), mixedUp)).toThrow(/resourcePolicy/);
  });
});

describe("security case 23: look-alike requests stay outside a Deny NotAction ceiling", () => {
  const ceiling: readonly Statement[] = [
    {
      Sid: "Work",
      Effect: "Allow",
      Action: ["s3:GetObject", "s3:ListBucket"],
      Resource: "arn:aws:s3:::orders*",
    },
    { Sid: "Ceiling", Effect: "Deny", NotAction: ["s3:GetObject", "s3:ListBucket"], Resource: "*" },
    {
      Sid: "Elsewhere",
      Effect: "Deny",
      Action: "s3:*",
      NotResource: ["arn:aws:s3:::orders", "arn:aws:s3:::orders/*"],
    },
  ];
  const decide = (request: Question) =>
    // The bucket's own policy gives the session everything: only an explicit Deny stands against that.
    ask(
      {
        identity: [ALLOW_ALL],
        session: ceiling,
        resource: [{ ...ALLOW_ALL, Principal: { AWS: SESSION } }],
      },
      request,
    ).decision;

  test("case 23: the work itself is allowed, in any case of the action", () => {
    expect(decide({ action: "S3:getobject" })).toBe("allowed");
  });

  test.each(["S3:deletebucket", "s3:DELETEBUCKET", "s3:DeleteBucket", "S3:GetObjectAcl"])(
    "case 23: %s is denied whatever its case",
    (action) => {
      expect(decide({ action, resource: "arn:aws:s3:::orders" })).toBe("explicitDeny");
    },
  );

  test.each([
    "s3:GetObject/",
    "s3:GetObject%20",
    "\uFF533:GetObject",
    "s3:G\u0435tObject",
    "s3:GetObject\u0000",
  ])("case 23: %j is not taken for s3:GetObject", (action) => {
    expect(decide({ action })).not.toBe("allowed");
  });

  test.each([
    "arn:aws:s3:::orders-production",
    "arn:aws:s3:::Orders",
    "arn:aws:s3:::\u043Erders",
    "arn:aws:s3::orders",
  ])("case 23: %j is not taken for the bucket orders", (resource) => {
    expect(decide({ action: "s3:ListBucket", resource })).toBe("explicitDeny");
  });

  test("case 23: a trailing slash makes another resource, not the same one", () => {
    const only: Statement = { Effect: "Allow", Action: "s3:*", Resource: "arn:aws:s3:::orders" };
    expect(ask({ identity: [only] }, { resource: "arn:aws:s3:::orders/" }).decision).toBe("implicitDeny");
  });
});

describe("what the request implies is in its context", () => {
  const when = (key: string, value: string, request: Question): Decision =>
    ask({ identity: [{ ...ALLOW_ALL, Condition: { StringEquals: { [key]: value } } }] }, request).decision;

  test("aws:PrincipalArn is the role of a session, and the user itself", () => {
    expect(when("aws:PrincipalArn", ROLE, {})).toBe("allowed");
    expect(when("aws:PrincipalArn", USER, { by: USER })).toBe("allowed");
  });

  test("a role known to nobody is taken to have no path", () => {
    const by = "arn:aws:sts::111122223333:assumed-role/observer/x-1";
    expect(when("aws:PrincipalArn", "arn:aws:iam::111122223333:role/observer", { by })).toBe("allowed");
  });

  test("the accounts of caller and resource are there", () => {
    expect(when("aws:PrincipalAccount", "111122223333", {})).toBe("allowed");
    expect(when("aws:ResourceAccount", "111122223333", {})).toBe("allowed");
  });

  test("what the context says already stands", () => {
    const context = { "AWS:PrincipalArn": "arn:aws:iam::111122223333:role/from-context" };
    expect(when("aws:PrincipalArn", context["AWS:PrincipalArn"], { context })).toBe("allowed");
  });

  test("a role ARN as the caller is a bug", () => {
    expect(() => ask({}, { by: ROLE })).toThrow(/role sessions/);
  });
});

describe("the reason is one sentence for a person", () => {
  const deny: Statement = {
    Sid: "Fence",
    Effect: "Deny",
    Action: "cloudformation:DeleteStack",
    Resource: "*",
    Condition: { StringNotEqualsIgnoreCase: { "aws:ResourceTag/environment": "staging" } },
  };
  const request: Question = {
    action: "cloudformation:DeleteStack",
    resource: "arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1",
  };

  test("a deny names statement, layer and condition", () => {
    const answer = ask({ identity: [ALLOW_ALL], session: [ALLOW_ALL, deny] }, request);
    expect(answer.reason).toBe(
      'Deny statement `Fence` in the session policy matched cloudformation:DeleteStack on "arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1": aws:ResourceTag/environment is absent.',
    );
    expect(answer.matched).toEqual([{ layer: "session", policy: "0", statement: "Fence", effect: "Deny" }]);
  });

  test("a missing allow names the layer", () => {
    const answer = ask({ identity: [ALLOW_ALL], session: [{ ...ALLOW_ALL, Action: "s3:*" }] }, request);
    expect(answer.reason).toMatch(
      /^No statement in the session policy allows cloudformation:DeleteStack on /,
    );
  });

  test("an allow names the statements that made it", () => {
    const answer = ask(
      { identity: [ALLOW_ALL], scp: [[ALLOW_ALL], [{ ...ALLOW_ALL, Sid: "Top" }]] },
      { resource: "*" },
    );
    expect(answer.reason).toBe(
      "Allowed s3:GetObject by statement `0` in the identity policy and statement `0` in the service control policy and statement `Top` in the service control policy.",
    );
    expect(answer.matched.map(({ layer, policy }) => [layer, policy])).toEqual([
      ["identity", "0"],
      ["scp", "0.0"],
      ["scp", "1.0"],
    ]);
  });

  test("hostile text of the request is inert in it", () => {
    const context = { "aws:ResourceTag/environment": "x\n\u202Eevil`" + "y".repeat(1000) };
    const { reason } = ask({ identity: [deny] }, { ...request, context });
    expect(reason).toContain(String.raw`x\n\u202eevil`);
    expect(reason).not.toMatch(/[\n\u202E]/);
    expect(reason.length).toBeLessThan(500);
  });
});
