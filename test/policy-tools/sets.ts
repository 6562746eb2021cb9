/** Policy sets made of text, for comparing: the fixture's files, a template that changes things, and edits. */
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { parseSet } from "../../src/policy/parse-set.ts";
import { serve, type ServedPolicy } from "../../src/policy/serve.ts";
import { FILES as BASE, replaceOnce } from "../policy-set/fixture.ts";

export const table = loadActionTable();

export const FILES: Readonly<Record<string, string>> = {
  ...BASE,
  "guardrails.yaml": replaceOnce(
    BASE["guardrails.yaml"] ?? "",
    "    - arn:aws:s3:::*-staging\n",
    "    - arn:aws:s3:::*-staging\n    - arn:aws:s3:::*-staging/*\n",
  ),
  "templates/look.yaml": `name: look
kind: standing
title: Look around
description: Describes stacks.
role: observer
intent: observe
accounts: ["111122223333"]
duration: { default: 15m, max: 1h }
allow:
  - Sid: Look
    Action: [cloudformation:DescribeStacks, ecs:List*]
    Resource: "*"
expect:
  - title: stacks can be seen
    action: cloudformation:DescribeStacks
    resource: "*"
    decision: allowed
`,
  "templates/repair.yaml": `name: repair
kind: standing
title: Repair tables and buckets
description: Outside production.
role: operator
intent: destroy
accounts: ["111122223333"]
duration: { default: 15m, max: 1h }
parameters:
  table: { description: Table., like: ["orders-*"], optional: true, max: 2 }
  bucket: { description: Bucket., like: ["orders-*-staging"], optional: true }
allow:
  - Sid: Items
    Action: [dynamodb:DeleteItem, dynamodb:DescribeTable, dynamodb:PutItem]
    Resource: arn:aws:dynamodb:\${region}:\${account}:table/\${table}
  - Sid: Objects
    Action: [s3:DeleteObject]
    Resource: arn:aws:s3:::\${bucket}/*
  - Sid: Prepare
    Action: cloudformation:CreateChangeSet
    Resource: arn:aws:cloudformation:\${region}:\${account}:stack/*
    Condition:
      StringLike: { "cloudformation:ChangeSetName": "twokey-orders-*" }
expect:
  - title: no other table
    parameters: { table: orders-1 }
    action: dynamodb:DeleteItem
    resource: arn:aws:dynamodb:us-east-1:111122223333:table/customers
    decision: explicitDeny
`,
};

/** One place of one file, and what stands there instead. */
export type Edit = readonly [file: string, from: string, to: string];

export function setOf(...edits: readonly Edit[]): ServedPolicy {
  const files: Record<string, string> = { ...FILES };
  for (const [file, from, to] of edits) files[file] = replaceOnce(files[file] ?? "", from, to);
  return served(files);
}

export function served(files: Readonly<Record<string, string>>): ServedPolicy {
  const list = Object.entries(files).map(([name, text]) => ({ name, text }));
  const set = parseSet(list, table);
  if (!set.ok) throw new Error(JSON.stringify(set.error, null, 2));
  const result = serve(set.value, table);
  if (!result.ok) throw new Error(JSON.stringify(result.error, null, 2));
  return result.value;
}
