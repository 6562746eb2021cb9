/** A small policy set without faults, as text, and the means to spoil it in one place. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { PolicyFile } from "../../src/policy/parse-set.ts";

export const FILES: Readonly<Record<string, string>> = {
  "guardrails.yaml": `environment:
  tag: environment
  non_production: [staging, sandbox]
  non_production_arns:
    - arn:aws:s3:::*-staging
floor:
  - sts:AssumeRole*
  - sts:AssumeRoot
  - sts:GetFederationToken
  - sts:GetSessionToken
  - sts:GetDelegatedAccessToken
  - sts:GetWebIdentityToken
  - cognito-identity:Get*
  - eks-auth:*
  - sts:SetContext
  - sts:TagGetWebIdentityToken
  - sts:TagSession
  - sts:SetSourceIdentity
  - iam:Create*
  - iam:Update*
  - iam:Delete*
  - iam:Put*
  - iam:Attach*
  - iam:Detach*
  - iam:Add*
  - iam:Remove*
  - iam:Set*
  - iam:Tag*
  - iam:Untag*
  - iam:Upload*
  - iam:Enable*
  - iam:Deactivate*
  - iam:Reset*
  - iam:ChangePassword
  - iam:Accept*
  - iam:Associate*
  - iam:Disable*
  - iam:Reject*
  - iam:Resync*
  - iam:Send*
  - identitystore:*
  - ram:*
  - rolesanywhere:*
  - sso-directory:*
  - sso:*
  - organizations:*
  - account:*
  - tag:*
  - cloudformation:CancelResourceRequest
  - cloudformation:CreateResource
  - cloudformation:DeleteResource
  - cloudformation:GetResource
  - cloudformation:GetResourceRequestStatus
  - cloudformation:ListResourceRequests
  - cloudformation:ListResources
  - cloudformation:UpdateResource
  - cloudtrail:Delete*
  - cloudtrail:Put*
  - cloudtrail:Stop*
  - cloudtrail:Update*
  - config:Delete*
  - config:Stop*
  - guardduty:Delete*
  - s3:BypassGovernanceRetention
  - s3:CreateJob
  - s3:PutBucketVersioning
  - s3:PutLifecycleConfiguration
  - s3:PutReplicationConfiguration
  - kms:DisableKey
  - kms:PutKeyPolicy
  - kms:ScheduleKeyDeletion
`,
  "accounts.yaml": `accounts:
  - id: "111122223333"
    name: demo
    region: us-east-1
    external_id: twokey-demo
    roles:
      observer: arn:aws:iam::111122223333:role/twokey/ai-observer
      operator: arn:aws:iam::111122223333:role/twokey/ai-operator
      escalated: arn:aws:iam::111122223333:role/twokey/ai-escalated
    service_roles:
      production: arn:aws:iam::111122223333:role/twokey/production-service
      staging: arn:aws:iam::111122223333:role/twokey/stack-service
      sandbox: arn:aws:iam::111122223333:role/twokey/stack-service
`,
  "people.yaml": `people:
  - id: orders-lead
    name: Orders lead
    groups: [orders]
    identities:
      - { issuer: "https://login.example.com", subject: orders-lead }
  - id: platform-one
    name: Platform engineer
    groups: [platform]
    identities:
      - { issuer: "https://login.example.com", subject: platform-one }
  - id: platform-two
    name: Second platform engineer
    groups: [platform]
    identities:
      - { issuer: "https://login.example.com", subject: platform-two }
`,
  "agents.yaml": `issuers:
  - id: github
    kind: oidc
    issuer: https://token.actions.githubusercontent.com
    audience: https://twokey.example.com
    algorithms: [RS256]
    max_age: 10m
  - id: enrolled
    kind: enrolled
    issuer: twokey:enrolled
    audience: https://twokey.example.com
    max_age: 60s
agents:
  - name: orders-ci
    owner: orders-lead
    issuer: github
    subject: repo:example-org/orders:ref:refs/heads/main
    claims:
      repository_owner: example-org
    templates: [look, change-stack]
  - name: laptop
    owner: orders-lead
    issuer: enrolled
    keys:
      - kid: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k
        x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo
    templates: [look]
`,
  "approvals.yaml": `rules:
  - templates: [change-stack]
    accounts: all
    quorum: 2
    groups: [platform]
    evidence: passkey
    pending: 1h
    usable: 15m
`,
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
    Action: [cloudformation:DescribeStacks, cloudformation:ListStacks]
    Resource: "*"
expect:
  - title: stacks can be seen
    action: cloudformation:DescribeStacks
    resource: "*"
    decision: allowed
`,
  "templates/read-change-set.yaml": `name: read-change-set
kind: standing
title: Read one change set
description: For Twokey itself.
role: observer
intent: observe
accounts: all
duration: { default: 15m, max: 15m }
parameters:
  stack:
    description: ARN of the stack.
    like: arn:aws:cloudformation:*:*:stack/*/*
  change_set:
    description: ARN of the change set.
    like: arn:aws:cloudformation:*:*:changeSet/twokey-*/*
allow:
  - Sid: Read
    Action: cloudformation:DescribeChangeSet
    Resource: \${stack}
    Condition:
      StringEquals: { "cloudformation:ChangeSetName": "\${change_set}" }
expect:
  - title: it cannot be executed
    parameters:
      stack: arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1
      change_set: arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/2
    action: cloudformation:ExecuteChangeSet
    resource: arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1
    decision: explicitDeny
`,
  "templates/change-stack.yaml": `name: change-stack
kind: escalation
title: Execute one change set
description: Executes the approved change set.
role: escalated
intent: destroy
accounts: all
duration: { default: 15m, max: 30m }
parameters:
  stack:
    description: ARN of the stack.
    like: arn:aws:cloudformation:*:*:stack/*/*
  change_set:
    description: ARN of the change set.
    like: arn:aws:cloudformation:*:*:changeSet/twokey-*/*
allow:
  - Sid: Execute
    Action: cloudformation:ExecuteChangeSet
    Resource: \${stack}
    Condition:
      StringEquals: { "cloudformation:ChangeSetName": "\${change_set}" }
expect:
  - title: nothing can be deleted
    parameters:
      stack: arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1
      change_set: arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/2
    action: cloudformation:DeleteStack
    resource: arn:aws:cloudformation:us-east-1:111122223333:stack/orders/1
    decision: explicitDeny
`,
};

export const asFiles = (files: Readonly<Record<string, string>>): PolicyFile[] =>
  Object.entries(files).map(([name, text]) => ({ name, text }));

/** One occurrence replaced; a `find` that is not there, or twice, is a mistake in the test. */
export function replaceOnce(text: string, find: string, put: string): string {
  const parts = text.split(find);
  if (parts.length !== 2) throw new Error(`found ${parts.length - 1} times: ${find}`);
  return parts.join(put);
}

/** Line and column, from 1, of the only place where `text` holds `marker`; a `|` in it moves the place there. */
export function placeOf(text: string, marker: string): { line: number; column: number } {
  const plain = marker.replace("|", "");
  if (text.split(plain).length !== 2) throw new Error(`not there once: ${plain}`);
  const before = text.slice(0, text.indexOf(plain) + Math.max(marker.indexOf("|"), 0)).split("\n");
  return { line: before.length, column: (before.at(-1) ?? "").length + 1 };
}

/** The shipped policies/, read from the repository. */
export function shipped(): PolicyFile[] {
  const root = join(import.meta.dirname, "..", "..", "policies");
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => ({ name, text: readFileSync(join(root, name), "utf8") }));
}
