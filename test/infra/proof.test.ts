/**
 * What stands around a session, asked alone: the boundary of each role and the organisation's policies. The proof's own
 * oracle judges the boundaries; it is told what all templates of the role state together.
 */
import { describe, expect, test } from "vitest";
import { evaluate, type PolicyLayers } from "../../src/policy/iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy, type ParseOptions } from "../../src/policy/iam/parse.ts";
import type { ContextValue, Decision, PolicyDocument } from "../../src/policy/iam/types.ts";
import { isSafeRead } from "../../src/policy/safe-reads.ts";
import { fillStatement } from "../../src/policy/fill.ts";
import { accountValues } from "../../src/policy/fill.ts";
import { EVERYTHING, namesTheSession, sessionArn } from "../../src/policy/prove/question.ts";
import { proveTemplate } from "../../src/policy/prove/prove.ts";
import { TEMPLATE_ROLES, type Template, type TemplateRole } from "../../src/policy/set.ts";
import { METHODS } from "../prove/privilege-escalation.ts";
import { accounts, guardrails, served, table, template } from "../prove/set.ts";
import { account, BROKER, DEPLOYER, FULL_ACCESS, GUARD, roleFor } from "./deployed.ts";

const STANDING = ["observer", "operator", "stack_service"] as const;

function parsed(document: unknown, options: ParseOptions = {}): ParsedPolicy {
  const result = parsePolicy(document, options);
  if (!result.ok) throw new Error(result.error.join("; "));
  return result.value;
}

type Context = Readonly<Record<string, ContextValue>>;
interface Asked {
  readonly action: string;
  readonly resource: string;
  readonly context?: Context;
}

/** The tags a session of the role has, as AWS shows them. CloudFormation's carry the role's. */
const tagsOf = (role: TemplateRole): Context => ({
  "aws:PrincipalTag/twokey:principal": "ai-agent",
  ...(role === "stack_service" ? {} : { "aws:PrincipalTag/twokey:session": "tks-x" }),
  ...(role === "escalated" ? { "aws:PrincipalTag/twokey:escalation": "esc-x" } : {}),
});

/** The role may do everything and a resource policy names the session: only an explicit deny says no. */
function ask(role: TemplateRole, layer: Partial<PolicyLayers>, asked: Asked): Decision {
  const arn = sessionArn(account, roleFor(role).arn);
  const { decision } = evaluate(
    {
      principal: { arn, account: account.id, roleArn: roleFor(role).arn },
      action: asked.action,
      resource: asked.resource,
      resourceAccount: account.id,
      context: { "aws:PrincipalArn": roleFor(role).arn, ...tagsOf(role), ...asked.context },
    },
    {
      identity: [parsed(EVERYTHING)],
      session: null,
      boundary: null,
      scp: null,
      resource: parsed(namesTheSession(arn), { resourcePolicy: true }),
      ...layer,
    },
  );
  return decision;
}

const boundary = (role: TemplateRole): Partial<PolicyLayers> => ({
  boundary: [parsed(roleFor(role).boundary.document)],
});
const SCPS = [parsed(FULL_ACCESS), ...GUARD.scps.map(({ document }) => parsed(document))];
const organization = (): Partial<PolicyLayers> => ({ scp: [SCPS] });

/** What the templates of a role state together, parameters as wide as they may be. */
function together(role: TemplateRole): Template {
  const members = [...served.templates.values()].filter((prepared) => prepared.template.role === role);
  const allow = members.flatMap(({ template: { allow: statements, parameters } }) => {
    const values = new Map([
      ...Object.entries(parameters).map(([name, { like }]) => [name, like] as const),
      ...accountValues(account, guardrails.nonProduction),
    ]);
    return statements.flatMap((statement) => {
      const filled = fillStatement(statement, values);
      return filled === null ? [] : [{ ...statement, ...filled }];
    });
  });
  return template(allow, {
    role,
    exceptions: members.flatMap(({ template: { exceptions } }) => exceptions),
  });
}

describe("the boundary alone", () => {
  test.each(STANDING)("of %s lets nothing through that its templates may not do", (role) => {
    const { document } = roleFor(role).boundary;
    const proof = proveTemplate(
      { template: together(role), forms: () => [[document]] },
      // Every action is asked by `policy prove` of each template; here, of what is not the role's own, some.
      { table, guardrails, accounts, every: 7, step: 3 },
    );
    expect(proof.counterexamples).toEqual([]);
    expect(proof.faults).toEqual([]);
    expect(proof.requests).toBeGreaterThan(10_000);
  });

  test("is within what IAM takes", () => {
    for (const role of TEMPLATE_ROLES) expect(roleFor(role).boundary.text.length).toBeLessThanOrEqual(6144);
  });

  test("of a pattern for buckets does not reach into production's objects", () => {
    const object = { action: "s3:DeleteObject", resource: "arn:aws:s3:::orders/backup-staging/1" };
    expect(ask("operator", boundary("operator"), object)).toBe("explicitDeny");
    expect(
      ask("operator", boundary("operator"), { ...object, resource: "arn:aws:s3:::orders-staging/1" }),
    ).toBe("allowed");
  });
});

describe.each([
  ["the boundary", boundary],
  ["the organisation's policies", organization],
] as const)("%s alone", (_name, layer) => {
  test.each(METHODS)("stops a standing session from: $name", ({ calls }) => {
    const open = STANDING.flatMap((role) =>
      calls.flatMap(([action, resource, own = {}]) =>
        [{}, { "aws:ResourceTag/environment": "staging" }].flatMap((tag) => {
          const decision = ask(role, layer(role), { action, resource, context: { ...tag, ...own } });
          return decision === "explicitDeny" ? [] : [`${role}: ${action} is ${decision}`];
        }),
      ),
    );
    expect(open).toEqual([]);
  });

  test("lets nobody take the environment tag off, or turn it, and lets it be said again", () => {
    const stack = `arn:aws:cloudformation:us-east-1:${account.id}:stack/orders/1`;
    const asked = (action: string, is: string, keys: Context): Decision =>
      ask("operator", layer("operator"), {
        action,
        resource: stack,
        context: {
          "aws:ResourceTag/environment": is,
          "aws:TagKeys": ["environment"],
          "cloudformation:RoleArn": account.serviceRoles[is] ?? "",
          "cloudformation:ChangeSetName": "twokey-fix",
          ...keys,
        },
      });
    const update = (keys: Context) => asked("cloudformation:UpdateStack", "staging", keys);
    expect(update({})).toBe("explicitDeny");
    expect(update({ "aws:RequestTag/environment": "production" })).toBe("explicitDeny");
    expect(update({ "aws:RequestTag/environment": "staging" })).toBe("allowed");
    // Executed, it would open production to every standing template.
    const prepare = (keys: Context) => asked("cloudformation:CreateChangeSet", "production", keys);
    expect(prepare({ "aws:RequestTag/environment": "staging" })).toBe("explicitDeny");
    expect(prepare({ "aws:TagKeys": ["team"] })).toBe("allowed");
  });

  test("holds the floor for an escalated session", () => {
    const onFloor = table.services
      .flatMap((service) => table.actions(service))
      .filter(({ name }) => guardrails.floor.some((pattern) => globOf(pattern).test(name)));
    expect(onFloor.length).toBeGreaterThan(300);
    const open = onFloor.filter(
      ({ name }) => ask("escalated", layer("escalated"), { action: name, resource: "*" }) !== "explicitDeny",
    );
    expect(open.map(({ name }) => name)).toEqual([]);
  });
});

const globOf = (pattern: string): RegExp => new RegExp(`^${pattern.replaceAll("*", ".*")}$`, "i");

describe("the organisation's policies alone", () => {
  /** What a standing session may do to production, all of it stated by a template: prepare, and hand over the pinned role. */
  const STATED = new Set(["cloudformation:CreateChangeSet"]);

  test.each(["production", null])(
    "leave a resource tagged %s read-only, for every published action",
    (tag) => {
      const open = table.services
        .flatMap((service) => table.actions(service))
        .filter((facts) => !isSafeRead(facts) && !STATED.has(facts.name))
        .filter((facts) => {
          const resource = facts.resources[0]?.arn.replaceAll(/\$\{[^}]+\}|\*/g, "orders") ?? "*";
          const context: Context = tag === null ? {} : { "aws:ResourceTag/environment": tag };
          return (
            ask("operator", organization(), { action: facts.name, resource, context }) !== "explicitDeny"
          );
        });
      expect(open.map(({ name }) => name)).toEqual([]);
    },
  );

  test("are within what Organizations takes, five with AWS's own on one target", () => {
    for (const { text } of [...GUARD.scps, ...GUARD.rcps]) expect(text.length).toBeLessThanOrEqual(5120);
    expect(GUARD.scps.length + 1).toBeLessThanOrEqual(5);
  });

  const person = `arn:aws:iam::${account.id}:role/deploy-admin`;
  /** A role calls by a session of its own. */
  const calling = (arn: string): string =>
    arn.includes(":role/")
      ? `arn:aws:sts::${account.id}:assumed-role/${arn.slice(arn.lastIndexOf("/") + 1)}/x`
      : arn;
  const asPerson = (caller: string, asked: Asked, document: PolicyDocument[] = []): Decision =>
    evaluate(
      {
        principal: { arn: calling(caller), account: account.id },
        action: asked.action,
        resource: asked.resource,
        resourceAccount: account.id,
        context: { "aws:PrincipalArn": caller, ...asked.context },
      },
      {
        identity: [parsed(EVERYTHING)],
        session: null,
        boundary: null,
        scp: document.length > 0 ? null : [SCPS],
        resource: document[0] === undefined ? null : parsed(document[0], { resourcePolicy: true }),
      },
    ).decision;
  const user = `arn:aws:iam::${account.id}:user/anna`;

  test("leave people alone who call AWS themselves", () => {
    const asked = {
      action: "dynamodb:DeleteTable",
      resource: `arn:aws:dynamodb:us-east-1:${account.id}:table/orders`,
      context: { "aws:ResourceTag/environment": "production" },
    };
    expect(asPerson(user, asked)).toBe("allowed");
  });

  test("take whoever calls through AWS's managed MCP server for an agent", () => {
    const asked = {
      action: "dynamodb:DeleteTable",
      resource: `arn:aws:dynamodb:us-east-1:${account.id}:table/orders`,
      context: { "aws:ResourceTag/environment": "production", "aws:ViaAWSMCPService": true },
    };
    expect(asPerson(user, asked)).toBe("explicitDeny");
  });

  test("let nobody but the deployment change Twokey's roles and boundaries, and the broker write denials", () => {
    const role = { resource: roleFor("operator").arn };
    const policy = { resource: roleFor("operator").boundary.arn };
    const outcome = (caller: string) =>
      [
        { action: "iam:UpdateAssumeRolePolicy", ...role },
        { action: "iam:DeleteRolePermissionsBoundary", ...role },
        { action: "iam:PutRolePolicy", ...role },
        { action: "iam:CreatePolicyVersion", ...policy },
        { action: "iam:GetRole", ...role },
      ].map((asked) => asPerson(caller, asked));
    const no = "explicitDeny";
    expect(outcome(user)).toEqual([no, no, no, no, "allowed"]);
    expect(outcome(BROKER)).toEqual([no, no, "allowed", no, "allowed"]);
    expect(outcome(DEPLOYER)).toEqual(["allowed", "allowed", "allowed", "allowed", "allowed"]);
  });

  test("let the broker write denials on the roles it vends, and on no other", () => {
    const asked = { action: "iam:PutRolePolicy", resource: account.serviceRoles["production"] ?? "" };
    expect(asPerson(BROKER, asked)).toBe("explicitDeny");
  });

  test("let nobody tag a role as an AI's, or take the tag off, in whatever case", () => {
    for (const action of ["iam:TagRole", "iam:UntagRole"]) {
      const asked = { action, resource: person, context: { "aws:TagKeys": ["twokey:principal"] } };
      expect(asPerson(user, asked)).toBe("explicitDeny");
      expect(asPerson(user, { ...asked, context: { "aws:TagKeys": ["TwoKey:session"] } })).toBe(
        "explicitDeny",
      );
      expect(asPerson(user, { ...asked, context: { "aws:TagKeys": ["team"] } })).toBe("allowed");
    }
  });

  test.each(["twokey:principal", "twokey:session", "twokey:escalation"])(
    "let nobody but the broker set the session tag %s",
    (key) => {
      const asked = {
        action: "sts:TagSession",
        resource: person,
        context: { [`aws:RequestTag/${key}`]: "x", "aws:TagKeys": [key] },
      };
      const documents = GUARD.rcps.map(({ document }) => document);
      expect(asPerson(user, asked, documents)).toBe("explicitDeny");
      expect(asPerson(BROKER, asked, documents)).toBe("allowed");
      expect(asPerson(user, { ...asked, context: { "aws:RequestTag/team": "x" } }, documents)).toBe(
        "allowed",
      );
    },
  );
});
