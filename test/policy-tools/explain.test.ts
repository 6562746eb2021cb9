/** What each shipped template is said to do. Written from its description, as a security engineer would read it. */
import { describe, expect, test } from "vitest";
import { explain, placeholderParameters, type Explanation } from "../../src/policy/explain.ts";
import { account, compiledSession, prepared, served, table } from "./shipped.ts";

function explained(name: string, parameters?: Readonly<Record<string, readonly string[]>>): Explanation {
  const given = parameters ?? placeholderParameters(prepared(name).template);
  const input = { account: account(), parameters: given, compiled: compiledSession(name, given) };
  return explain(prepared(name), input, table);
}

const NON_PRODUCTION = "tagged environment = staging, development, test or sandbox";

describe("policy explain", () => {
  test("observe reads, anywhere, and does nothing else", () => {
    const { services, may, never, intent } = explained("observe");
    expect(intent).toBe("observe");
    const lines = services.flatMap((service) => service.may);
    expect(new Set(lines.map(({ power }) => power))).toEqual(new Set(["read"]));
    expect(new Set(lines.map(({ sentence }) => sentence))).toEqual(
      new Set(["anywhere, production included"]),
    );
    expect(may).toContain(
      "May read with sqs: GetQueueAttributes and ListQueues, anywhere, production included.",
    );
    expect(never).toContain("Change anything, in any environment.");
  });

  test("staging-deploy destroys and changes what is known not to be production", () => {
    const { services, may, never } = explained("staging-deploy");
    const [first] = services;
    expect(first?.service).toBe("cloudformation");
    expect(first?.may[0]).toMatchObject({ power: "destroy", where: ["non-production"], resources: ["*"] });
    expect(first?.may[0]?.actions).toEqual(expect.arrayContaining(["DeleteStack", "UpdateStack"]));
    expect(may[0]).toMatch(/^May destroy with cloudformation: .*DeleteStack/);
    expect(may[0]).toContain(`only what is ${NON_PRODUCTION}.`);
    expect(may).toContain(
      `May change with cloudformation: CreateStack, only new ones, ${NON_PRODUCTION} as they are made.`,
    );
    expect(may).toContain(
      "May change with iam: PassRole, only arn:aws:iam::111122223333:role/twokey/ai-stack-service, " +
        "and only with iam:PassedToService = cloudformation.amazonaws.com.",
    );
    expect(never).toContain(
      `Change what is not ${NON_PRODUCTION}: any other value, and no tag at all, counts as production.`,
    );
    expect(never).toContain(
      "Let CloudFormation work as any role but the one pinned for the stack's environment.",
    );
    expect(first?.never).toContain("DeleteStackSet");
    expect(first?.never).not.toContain("DeleteStack");
  });

  test("data-repair names the table and the bucket it is for", () => {
    const { may, parameters, services } = explained("data-repair", { table: ["orders"] });
    expect(parameters).toEqual({ table: ["orders"] });
    expect(services.map(({ service }) => service)).toEqual(["dynamodb"]);
    expect(may[0]).toBe(
      "May destroy with dynamodb: BatchWriteItem, DeleteItem, PutItem and UpdateItem, only on " +
        `arn:aws:dynamodb:us-east-1:111122223333:table/orders, and only if ${NON_PRODUCTION}.`,
    );
    expect(may.at(-1)).toMatch(/^May read with dynamodb: DescribeTable, only on .*, whatever the tags\.$/);
    expect(explained("data-repair", { bucket: ["orders-staging"] }).may[0]).toBe(
      "May destroy with s3: DeleteObject and PutObject, only on arn:aws:s3:::orders-staging/*, " +
        "which the guardrails list as non-production.",
    );
  });

  test("propose-change prepares on production and executes nothing", () => {
    const { may, services } = explained("propose-change");
    expect(may[0]).toBe(
      "May change with cloudformation: CreateChangeSet, on arn:aws:cloudformation:us-east-1:111122223333:stack/*, " +
        "production included, which changes nothing until somebody executes it, and only with " +
        "cloudformation:ChangeSetName like twokey-*.",
    );
    expect(services.find(({ service }) => service === "cloudformation")?.never).toContain("ExecuteChangeSet");
  });

  test("production-stack-change executes exactly what was approved", () => {
    const { may, kind, never, duration } = explained("production-stack-change");
    expect(kind).toBe("escalation");
    expect(may[0]).toBe(
      "May destroy with cloudformation: ExecuteChangeSet, only on <stack>, as approved, and only with " +
        "cloudformation:ChangeSetName = <change_set>.",
    );
    expect(may.slice(1).every((sentence) => sentence.startsWith("May read"))).toBe(true);
    expect(never).toContain("Change any resource but exactly those approved.");
    expect(duration).toEqual({ default: 900, max: 1800 });
  });

  test("destruction stands before change, and change before reading", () => {
    for (const { name } of served.set.templates) {
      const powers = explained(name).may.map((sentence) => /^May (\w+)/.exec(sentence)?.[1] ?? "");
      const rank = powers.map((power) => ["destroy", "change", "read"].indexOf(power));
      expect(rank).toEqual([...rank].sort());
    }
  });

  test("every action a template allows stands in its explanation, once for each place", () => {
    for (const { name, allow } of served.set.templates) {
      const said = explained(name).services.flatMap(({ service, may }) =>
        may.flatMap(({ actions }) => actions.map((action) => `${service}:${action}`.toLowerCase())),
      );
      const written = allow.flatMap(({ action }) => action.map((pattern) => pattern.toLowerCase()));
      expect([...new Set(said)].sort()).toEqual([...new Set(written)].sort());
    }
  });
});
