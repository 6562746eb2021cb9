/** A template that fits no inline session policy as a whole: many named reads, and one table to repair. */
import type { ActionTable } from "../../src/policy/knowledge.ts";
import { isSafeRead } from "../../src/policy/safe-reads.ts";

export function manyReads(table: ActionTable, count = 70): readonly string[] {
  return table
    .actions("ec2")
    .filter(isSafeRead)
    .map(({ name }) => name)
    .slice(0, count);
}

/** `templates/large.yaml` of a policy folder. */
export const largeTemplate = (table: ActionTable): string => `name: large
kind: standing
title: Look around and repair one table
description: More named actions than an inline session policy can hold.
role: operator
intent: destroy
accounts: all
duration: { default: 15m, max: 1h }
parameters:
  table:
    description: Name of the table.
    like: ["*"]
    max: 5
allow:
  - Sid: Look
    Action:
${manyReads(table)
  .map((name) => `      - ${name}\n`)
  .join("")}    Resource: "*"
  - Sid: Repair
    Action: [dynamodb:DeleteItem, dynamodb:PutItem]
    Resource: arn:aws:dynamodb:\${region}:\${account}:table/\${table}
expect:
  - title: production's table cannot be emptied
    parameters: { table: orders }
    action: dynamodb:DeleteItem
    resource: arn:aws:dynamodb:us-east-1:111122223333:table/orders
    context: { "aws:ResourceTag/environment": production }
    decision: explicitDeny
`;
