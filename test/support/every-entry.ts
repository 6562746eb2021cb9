/** One entry of every kind, for whatever must be total over them. A new kind does not compile until it stands here. */
import type { Entry, EntryKind, StoredEntry } from "../../src/audit/entry.ts";

const AT = new Date("2030-01-01T12:00:00.123Z");
const LATER = new Date("2030-01-01T20:00:00Z");
const DIGEST = "d".repeat(64);
const ACCOUNT = { issuer: "https://idp.example.com", subject: "maria@example.com" };

type Details = { readonly [K in EntryKind]: (Entry & { readonly kind: K })["detail"] };

const DETAILS: Details = {
  "session.intent": {
    id: "tks-aaaaaaaaaaaaaaaaaaaaaaaa",
    agent: "orders-ci",
    owner: "orders-lead",
    proof: { issuer: "github", subject: "repo:example/orders:ref:refs/heads/main" },
    template: "staging-deploy",
    parameters: { stack: ["orders-staging"] },
    account: "111122223333",
    roleArn: "arn:aws:iam::111122223333:role/twokey/ai-operator",
    roleSessionName: "orders-ci-1",
    task: { id: null, intent: "change", summary: "repair staging" },
    durationSeconds: 900,
    policyDigest: DIGEST,
    policyArns: [],
    policyVersion: DIGEST,
    escalation: null,
  },
  "session.issued": {
    accessKeyId: "ASIAEXAMPLE",
    assumedRoleArn: "arn:aws:sts::444455556666:assumed-role/ai-operator/orders-ci-1",
    expiresAt: LATER,
    packedPolicySize: 41,
  },
  "session.failed": { code: "AccessDenied", message: "not authorized" },
  "session.unknown": { code: "TimeoutError", message: "no answer" },
  "freeze.made": {
    id: "frz-aaaaaaaaaaaaaaaaaaaaaaaa",
    target: { kind: "session", name: "tks-aaaaaaaaaaaaaaaaaaaaaaaa" },
    reason: "it deletes what it should read",
    by: "person",
  },
  "freeze.thawed": {
    id: "frz-aaaaaaaaaaaaaaaaaaaaaaaa",
    target: { kind: "session", name: "tks-aaaaaaaaaaaaaaaaaaaaaaaa" },
    state: "thawed",
    keys: ["joel", "maria"],
  },
  "role.denied": {
    roleArn: "arn:aws:iam::111122223333:role/twokey/ai-operator",
    state: "failed",
    form: "sessions",
    sessions: 1,
    message: "AccessDenied",
  },
  "session.settled": { issued: true, eventId: "e-1", accessKeyId: "ASIAEXAMPLE", covers: null },
  "request.refused": { route: "POST /v1/credentials", code: "invalid_token", reason: "expired" },
  "human.refused": { route: "GET /queue", code: "not_signed_in", reason: "no sign-in" },
  "escalation.requested": { digest: DIGEST, code: "maple-river", expiresAt: LATER, content: "{}" },
  "escalation.joined": { digest: DIGEST },
  "escalation.decided": {
    digest: DIGEST,
    state: "denied",
    decision: {
      verdict: "deny",
      person: "maria",
      account: ACCOUNT,
      reason: "not today",
      evidence: {
        kind: "passkey",
        credentialId: "Y3JlZGVudGlhbA",
        publicKey: "a2V5",
        nonce: "bm9uY2U",
        origin: "https://twokey.example.com",
        rpId: "twokey.example.com",
        clientDataJSON: "e30",
        authenticatorData: "YXV0aA",
        signature: "c2ln",
      },
    },
    counting: [],
  },
  "escalation.changed": { digest: DIGEST, from: "approved", to: "consumed", event: "consumed" },
  "human.signed_in": { account: ACCOUNT, method: "oidc", expiresAt: LATER },
  "human.signed_out": { everywhere: true, count: 2 },
  "passkey.enrolled": {
    credentialId: "Y3JlZGVudGlhbA",
    account: ACCOUNT,
    publicKey: "a2V5",
    label: "laptop",
    countsFrom: LATER,
  },
  "passkey.removed": { credentialId: "Y3JlZGVudGlhbA", of: "maria" },
  "invitation.created": { invited: "maria", expiresAt: LATER, by: "bootstrap" },
  "policy.loaded": { digest: DIGEST, templates: ["observe"], changes: null },
  "policy.refused": { faults: 1, lines: ["agents.yaml:1:1: no"] },
  "watch.alarm": {
    rule: "role-assumed-by-others",
    eventId: "17793124-05d4-b198-2fde-7ededc63b103",
    account: "111122223333",
    region: "us-east-1",
    event: "sts.amazonaws.com AssumeRole",
    principal: "arn:aws:iam::111122223333:user/mallory",
    resource: "arn:aws:iam::111122223333:role/twokey/ai-operator",
    refusal: null,
    happenedAt: new Date("2029-12-31T23:59:00Z"),
  },
  "record.pruned": {
    olderThan: new Date("2029-10-03T12:00:00Z"),
    counts: {
      deliveries: 4,
      notices: 2,
      idempotency: 30,
      escalation_keys: 1,
      invitations: 1,
      checkpoints: 500,
      denied_sessions: 0,
    },
    by: "operator",
  },
  "doctor.ran": {
    version: "1.2.3",
    caller: "arn:aws:iam::111122223333:user/twokey-broker",
    counts: { ok: 40, warning: 1, fault: 0 },
    found: [{ id: "scp", account: "111122223333", role: null, status: "warning" }],
    by: "operator",
  },
  "broker.started": { version: "1.2.3" },
  "broker.stopped": { version: "1.2.3" },
};

const KINDS = Object.keys(DETAILS) as EntryKind[];

/** Its index is the kind's place. Agents act on sessions and requests, maria on what people do, else the broker. */
export function entryOf(kind: EntryKind): StoredEntry {
  const byAgent = /^(session|request)\./.test(kind);
  const byPerson = /^(human|passkey|freeze)\.|decided/.test(kind);
  return {
    index: KINDS.indexOf(kind),
    at: AT,
    requestId: byAgent || byPerson ? "req-1" : null,
    agent: byAgent ? "orders-ci" : null,
    owner: byAgent ? "orders-lead" : null,
    person: byPerson ? "maria" : null,
    session: kind.startsWith("session.") ? "tks-aaaaaaaaaaaaaaaaaaaaaaaa" : null,
    escalation: kind.startsWith("escalation.") ? "esc-aaaaaaaaaaaaaaaaaaaaaaaa" : null,
    policyVersion: DIGEST,
    kind,
    detail: DETAILS[kind],
  } as StoredEntry;
}

export const INTENT = entryOf("session.intent");
