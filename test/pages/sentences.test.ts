/** Every kind of entry as a sentence, each written by hand. */
import { expect, test } from "vitest";
import type { Entry, EntryBase } from "../../src/audit/entry.ts";
import { ENTRY_KINDS, entrySentence } from "../../src/audit/sentence.ts";

const BASE: EntryBase = {
  at: new Date("2030-01-01T00:00:00Z"),
  requestId: "req-1",
  agent: "orders-ci",
  owner: "orders-lead",
  person: "platform-engineer",
  session: "ses-1",
  escalation: "esc-1",
  policyVersion: "f".repeat(64),
};
const LATER = new Date("2030-01-01T01:00:00Z");
const ACCOUNT = { issuer: "https://login.example.com", subject: "platform-engineer" };
const EVIDENCE = {
  kind: "passkey",
  credentialId: "abcdefghijklmnop",
  publicKey: "",
  nonce: "",
  origin: "",
  rpId: "",
  clientDataJSON: "",
  authenticatorData: "",
  signature: "",
} as const;
const decided = (verdict: "approve" | "deny", reason: string | null): Entry => ({
  ...BASE,
  kind: "escalation.decided",
  detail: {
    digest: "",
    state: verdict === "deny" ? "denied" : "pending",
    decision: { verdict, person: "platform-engineer", account: ACCOUNT, reason, evidence: EVIDENCE },
    counting: [],
  },
});

const settled = (detail: Extract<Entry, { kind: "session.settled" }>["detail"]): Entry => ({
  ...BASE,
  kind: "session.settled",
  detail,
});

const CASES: readonly (readonly [Entry, string])[] = [
  [
    settled({ issued: true, eventId: "ev-1", accessKeyId: "ASIAX", covers: null }),
    "Session ses-1 is settled by CloudTrail: STS issued it, with key ASIAX (event ev-1); nothing was delivered",
  ],
  [
    settled({ issued: false, eventId: "ev-2", accessKeyId: null, covers: null }),
    "Session ses-1 is settled by CloudTrail: STS refused it (event ev-2)",
  ],
  [
    settled({
      issued: false,
      eventId: null,
      accessKeyId: null,
      covers: "2030-01-01T00:00:00.000Z/2030-01-02T00:00:00.000Z",
    }),
    "Session ses-1 is settled by CloudTrail: STS issued nothing, as no event of 2030-01-01T00:00:00.000Z/2030-01-02T00:00:00.000Z shows it",
  ],
  [
    {
      ...BASE,
      escalation: null,
      kind: "session.intent",
      detail: {
        id: "ses-1",
        roleSessionName: "orders-ci-x",
        agent: "orders-ci",
        owner: "orders-lead",
        proof: { issuer: "github", subject: "repo:x" },
        template: "observe",
        parameters: {},
        account: "111122223333",
        roleArn: "arn:aws:iam::111122223333:role/ai",
        task: { id: null, intent: "observe", summary: "look at the stacks" },
        durationSeconds: 900,
        policyDigest: "",
        policyArns: [],
        policyVersion: "",
        escalation: null,
      },
    },
    "orders-ci asks STS for session ses-1: observe in account 111122223333 for 15 min, to observe: look at the stacks",
  ],
  [
    {
      ...BASE,
      kind: "session.issued",
      detail: { accessKeyId: "A", assumedRoleArn: "arn", expiresAt: LATER, packedPolicySize: null },
    },
    "STS issued session ses-1 to orders-ci, until 2030-01-01 01:00:00 UTC",
  ],
  [
    { ...BASE, kind: "session.failed", detail: { code: "AccessDenied", message: "no" } },
    "STS issued nothing for session ses-1: AccessDenied: no",
  ],
  [
    { ...BASE, kind: "session.unknown", detail: { code: "TimeoutError", message: "late" } },
    "Whether STS issued session ses-1 is unknown, and nothing was delivered: TimeoutError: late",
  ],
  [
    {
      ...BASE,
      person: "security-engineer",
      kind: "freeze.made",
      detail: { id: "frz-1", target: { kind: "session", name: "ses-1" }, reason: "odd calls", by: "person" },
    },
    "security-engineer froze session ses-1: odd calls",
  ],
  [
    {
      ...BASE,
      kind: "freeze.made",
      detail: { id: "frz-1", target: { kind: "all", name: null }, reason: "drill", by: "operator" },
    },
    "An operator froze everything: drill",
  ],
  [
    {
      ...BASE,
      kind: "freeze.made",
      detail: { id: "frz-1", target: { kind: "agent", name: "ci" }, reason: "20 refusals", by: "rule" },
    },
    "A rule of guardrails.yaml froze agent ci: 20 refusals",
  ],
  [
    {
      ...BASE,
      person: "security-engineer",
      kind: "freeze.thawed",
      detail: {
        id: "frz-1",
        target: { kind: "all", name: null },
        keys: ["security-engineer"],
        state: "first_key",
      },
    },
    "security-engineer turned the first of two keys to thaw everything",
  ],
  [
    {
      ...BASE,
      person: "b",
      kind: "freeze.thawed",
      detail: { id: "frz-1", target: { kind: "all", name: null }, keys: ["a", "b"], state: "thawed" },
    },
    "a and b thawed everything",
  ],
  [
    {
      ...BASE,
      kind: "role.denied",
      detail: { roleArn: "arn:r", state: "in_force", form: "sessions", sessions: 2, message: null },
    },
    "AWS denies 2 frozen sessions on arn:r",
  ],
  [
    {
      ...BASE,
      kind: "role.denied",
      detail: { roleArn: "arn:r", state: "failed", form: "everyone", sessions: 2, message: "no" },
    },
    "AWS could NOT be told to deny frozen sessions on arn:r: no",
  ],
  [
    {
      ...BASE,
      agent: null,
      kind: "request.refused",
      detail: { route: "POST /v1/credentials", code: "invalid_token", reason: "invalid_token: expired" },
    },
    "an unknown agent was refused POST /v1/credentials: invalid_token: expired",
  ],
  [
    {
      ...BASE,
      kind: "escalation.requested",
      detail: { digest: "", code: "amber-falcon", expiresAt: LATER, content: "{}" },
    },
    "orders-ci asks for escalation esc-1 (amber-falcon), open until 2030-01-01 01:00:00 UTC",
  ],
  [
    {
      ...BASE,
      agent: null,
      kind: "escalation.requested",
      detail: { digest: "", code: "amber-falcon", expiresAt: LATER, content: "{}" },
    },
    "A changed policy folder asks for escalation esc-1 (amber-falcon), open until 2030-01-01 01:00:00 UTC",
  ],
  [
    { ...BASE, kind: "escalation.joined", detail: { digest: "" } },
    "orders-ci asked again for escalation esc-1, which waits already",
  ],
  [
    decided("approve", null),
    "platform-engineer approved escalation esc-1 with passkey abcdefghijkl…; it is pending",
  ],
  [
    decided("deny", "not today"),
    "platform-engineer denied escalation esc-1 with passkey abcdefghijkl…; it is denied: not today",
  ],
  [
    {
      ...BASE,
      kind: "escalation.changed",
      detail: { digest: "", from: "approved", to: "consumed", event: "consumed" },
    },
    "Escalation esc-1 was used for its one session: it was approved and is consumed",
  ],
  [
    {
      ...BASE,
      kind: "human.signed_in",
      detail: { account: ACCOUNT, method: "oidc", expiresAt: LATER },
    },
    "platform-engineer signed in by oidc as platform-engineer of https://login.example.com, until 2030-01-01 01:00:00 UTC",
  ],
  [
    { ...BASE, kind: "human.signed_out", detail: { everywhere: false, count: 1 } },
    "platform-engineer signed out",
  ],
  [
    { ...BASE, kind: "human.signed_out", detail: { everywhere: true, count: 3 } },
    "platform-engineer ended 3 sign-ins, in every browser",
  ],
  [
    {
      ...BASE,
      kind: "human.refused",
      detail: { route: "POST /v1/decisions", code: "owner_cannot_approve", reason: "owner_cannot_approve" },
    },
    "platform-engineer was refused POST /v1/decisions: owner_cannot_approve",
  ],
  [
    {
      ...BASE,
      kind: "passkey.enrolled",
      detail: {
        credentialId: "abcdefghijklmnop",
        publicKey: "pQECAyYgAQ",
        account: ACCOUNT,
        label: "laptop",
        countsFrom: LATER,
      },
    },
    'platform-engineer enrolled the passkey "laptop" (abcdefghijkl…), which counts from 2030-01-01 01:00:00 UTC',
  ],
  [
    { ...BASE, kind: "passkey.removed", detail: { credentialId: "abcdefghijklmnop", of: "orders-lead" } },
    "platform-engineer removed passkey abcdefghijkl… of orders-lead",
  ],
  [
    {
      ...BASE,
      kind: "invitation.created",
      detail: { invited: "orders-lead", expiresAt: LATER, by: "administrator" },
    },
    "platform-engineer invited orders-lead, until 2030-01-01 01:00:00 UTC",
  ],
  [
    {
      ...BASE,
      person: null,
      kind: "invitation.created",
      detail: { invited: "orders-lead", expiresAt: LATER, by: "bootstrap" },
    },
    "The bootstrap token made an invitation for orders-lead, good until 2030-01-01 01:00:00 UTC",
  ],
  [
    {
      ...BASE,
      kind: "policy.loaded",
      detail: { digest: "abcdef0123456789", templates: ["observe"], changes: ["gained: x", "lost: y"] },
    },
    "Policy set abcdef012345… with 1 template is served, changed: gained: x; lost: y",
  ],
  [
    {
      ...BASE,
      person: null,
      kind: "watch.alarm",
      detail: {
        rule: "role-assumed-by-others",
        eventId: "17793124-05d4-b198-2fde-7ededc63b103",
        account: "111122223333",
        region: "us-east-1",
        event: "sts.amazonaws.com AssumeRole",
        principal: null,
        resource: "arn:aws:iam::111122223333:role/twokey/ai-operator",
        refusal: "AccessDenied",
        happenedAt: new Date("2029-12-31T23:59:00Z"),
      },
    },
    "ALARM role-assumed-by-others: somebody called sts.amazonaws.com AssumeRole on arn:aws:iam::111122223333:role/twokey/ai-operator in account 111122223333, us-east-1, at 2029-12-31 23:59:00 UTC, which AWS refused (AccessDenied)",
  ],
  [
    { ...BASE, kind: "policy.refused", detail: { faults: 2, lines: ["a.yaml:1:1: bad", "and 1 more"] } },
    "The policy folder has 2 faults and is not served: a.yaml:1:1: bad; and 1 more",
  ],
  [
    {
      ...BASE,
      person: null,
      kind: "record.pruned",
      detail: {
        olderThan: new Date("2029-10-03T12:00:00Z"),
        counts: {
          deliveries: 4,
          notices: 0,
          idempotency: 30,
          escalation_keys: 0,
          invitations: 1,
          checkpoints: 500,
          denied_sessions: 0,
        },
        by: "operator",
      },
    },
    "An operator deletes rows older than 2029-10-03 12:00:00 UTC that are of no more use: 4 of deliveries, 30 of idempotency, 1 of invitations, 500 of checkpoints",
  ],
  [
    {
      ...BASE,
      person: null,
      kind: "doctor.ran",
      detail: {
        version: "0.4.0",
        caller: "arn:aws:iam::111122223333:user/twokey-broker",
        counts: { ok: 40, warning: 1, fault: 2 },
        found: [
          { id: "trust", account: "111122223333", role: "operator", status: "fault" },
          { id: "record_clock", account: null, role: null, status: "warning" },
        ],
        by: "operator",
      },
    },
    "An operator ran doctor as arn:aws:iam::111122223333:user/twokey-broker: 40 ok, 1 warning, 2 faults: trust 111122223333 operator, record_clock",
  ],
  [{ ...BASE, kind: "broker.started", detail: { version: "0.4.0" } }, "The broker started, version 0.4.0"],
  [{ ...BASE, kind: "broker.stopped", detail: { version: "0.4.0" } }, "The broker stopped, version 0.4.0"],
];

test.each(CASES)("%o", (entry, sentence) => {
  expect(entrySentence(entry)).toBe(sentence);
});

test("every kind of entry has a case here", () => {
  expect([...new Set(CASES.map(([{ kind }]) => kind))].sort()).toEqual([...ENTRY_KINDS].sort());
});
