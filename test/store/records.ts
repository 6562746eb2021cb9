/** Sessions and outcomes for the store's tests, with ids that never repeat in one process. */
import { randomBytes } from "node:crypto";
import type { Entry, Idempotency, Outcome } from "../../src/audit/log.ts";
import type { Session } from "../../src/session/session.ts";

export const AT = new Date("2026-03-01T10:00:00.123Z");
export const CONTEXT = { requestId: "req-1", idempotency: null, grant: null };
export const LATER = { requestId: "req-2", at: new Date("2026-03-01T10:00:01.456Z") };

export function aSession(changes: Partial<Session> = {}): Session {
  return {
    id: `tks-${randomBytes(12).toString("hex")}`,
    agent: "deploy-agent",
    owner: "orders-lead",
    proof: { issuer: "github", subject: "repo:example/orders:ref:refs/heads/main" },
    template: "staging-deploy",
    parameters: { stack: ["orders-staging"] },
    account: "111122223333",
    roleArn: "arn:aws:iam::111122223333:role/twokey/ai-operator",
    roleSessionName: "deploy-agent-1",
    task: { id: null, intent: "change", summary: "repair staging" },
    durationSeconds: 900,
    policyDigest: "a".repeat(64),
    policyArns: [],
    policyVersion: "b".repeat(64),
    escalation: null,
    requestedAt: AT,
    ...changes,
  };
}

export function withKey(
  key: string,
  bodyDigest = "c".repeat(64),
): {
  readonly requestId: string;
  readonly idempotency: Idempotency;
  readonly grant: null;
} {
  return { requestId: "req-1", idempotency: { key, bodyDigest }, grant: null };
}

export const ISSUED: Extract<Outcome, { state: "issued" }> = {
  state: "issued",
  accessKeyId: "ASIAEXAMPLE",
  assumedRoleArn: "arn:aws:sts::111122223333:assumed-role/ai-operator/deploy-agent-1",
  expiresAt: new Date("2026-03-01T10:15:00.789Z"),
  packedPolicySize: 41,
};

export const FAILED: Outcome = { state: "failed", code: "AccessDenied", message: "not authorized" };

export const UNKNOWN: Outcome = { state: "unknown", code: "TimeoutError", message: "no answer" };

export const REFUSED: Entry = {
  kind: "request.refused",
  at: AT,
  requestId: "req-9",
  agent: null,
  owner: null,
  person: null,
  session: null,
  escalation: null,
  policyVersion: null,
  detail: { route: "POST /v1/credentials", code: "invalid_token", reason: "expired" },
};
