/**
 * The harness's policy set: the shipped guardrails, accounts and people with one small standing template and one small
 * escalation template, since checking the shipped ones is most of a broker's start.
 */
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { policyFolder, type EnrolledAgent } from "../support/policy-folder.ts";
import { tableEscalation } from "../support/table-escalation.ts";

/** The two people the rule lets decide. */
export const PEOPLE = ["platform-engineer", "security-engineer"] as const;

export const TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";

const TASK = { intent: "destroy", summary: "take the old table away" } as const;
/** Bodies of POST /v1/credentials and POST /v1/escalations. */
export const LOOK = {
  template: "look",
  task: { intent: "observe", summary: "look at the tables" },
} as const;
export const DROP = {
  template: "drop-table",
  parameters: { table: TABLE },
  task: TASK,
  reason: "its orders were moved",
} as const;

const LOOK_YAML = `name: look
kind: standing
title: Look at tables
description: Describes DynamoDB tables.
role: observer
intent: observe
accounts: all
duration: { default: 15m, max: 1h }
allow:
  - Sid: Look
    Action: dynamodb:DescribeTable
    Resource: "*"
expect:
  - title: a table can be described
    action: dynamodb:DescribeTable
    resource: ${TABLE}
    decision: allowed
`;

const DROP_YAML = tableEscalation("drop-table", {
  title: "Delete one table",
  action: "dynamodb:DeleteTable",
});

const APPROVALS_YAML = `administrators: [platform]
activation: immediate
rules:
  - templates: [drop-table]
    accounts: all
    quorum: 2
    groups: [platform]
    evidence: passkey
    pending: 1h
    usable: 15m
`;

export interface FaultPolicies {
  readonly folder: string;
  readonly agents: readonly EnrolledAgent[];
}

/** With so many agents, to which both templates are open. Their owner is `orders-lead`. */
export async function faultPolicies(count: number): Promise<FaultPolicies> {
  const names = Array.from({ length: count }, (_, index) => `agent-${index}`);
  const open = ["look", "drop-table"];
  const { folder, agents } = await policyFolder(Object.fromEntries(names.map((name) => [name, open])));
  const templates = join(folder, "templates");
  for (const name of readdirSync(templates)) rmSync(join(templates, name));
  writeFileSync(join(templates, "look.yaml"), LOOK_YAML);
  writeFileSync(join(templates, "drop-table.yaml"), DROP_YAML);
  writeFileSync(join(folder, "approvals.yaml"), APPROVALS_YAML);
  return { folder, agents: Object.values(agents) };
}
