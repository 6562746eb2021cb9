/** Escalations as plain values, for tests of what is pure. */
import type {
  Decision,
  Escalation,
  EscalationEvent,
  PasskeyEvidence,
  SessionContent,
} from "../../src/escalation/escalation.ts";

export const REQUESTED = new Date("2030-01-01T00:00:00Z");
export const at = (seconds: number): Date => new Date(REQUESTED.getTime() + seconds * 1000);

/** Waits 3,600 s for two of `platform`, usable for 900 s. */
export const CONTENT: SessionContent = {
  kind: "session",
  id: "esc-aaaaaaaaaaaaaaaaaaaaaaaa",
  agent: "orders-ci",
  owner: "orders-lead",
  proof: { issuer: "enrolled", subject: "orders-ci" },
  account: "111122223333",
  roleArn: "arn:aws:iam::111122223333:role/twokey/ai-escalated",
  template: "production-stack-change",
  templateVersion: "0".repeat(64),
  parameters: { stack: ["arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/1"] },
  policy: "{}",
  policyArns: [],
  tags: [
    { key: "twokey:principal", value: "ai-agent" },
    { key: "twokey:escalation", value: "esc-aaaaaaaaaaaaaaaaaaaaaaaa" },
  ],
  durationSeconds: 900,
  reason: "the queue loses orders",
  task: { id: "ORDERS-7", intent: "destroy", summary: "repair the queue" },
  rule: { quorum: 2, groups: ["platform"], evidence: "passkey", pendingSeconds: 3600, usableSeconds: 900 },
  changeSets: [],
};

export const PENDING: Escalation = {
  id: CONTENT.id,
  content: CONTENT,
  canonical: "{}",
  digest: "0".repeat(64),
  state: "pending",
  requestedAt: REQUESTED,
  expiresAt: at(3600),
  usableUntil: null,
  decisions: [],
  session: null,
};

export const EVIDENCE: PasskeyEvidence = {
  kind: "passkey",
  credentialId: "a",
  publicKey: "a",
  nonce: "a",
  origin: "https://twokey.example.com",
  rpId: "twokey.example.com",
  clientDataJSON: "a",
  authenticatorData: "a",
  signature: "a",
};

type Undated = Omit<Decision, "at">;
const decision = (verdict: Undated["verdict"], person: string): Undated => ({
  verdict,
  person,
  account: { issuer: "https://login.example.com", subject: person },
  reason: verdict === "deny" ? "not today" : null,
  evidence: EVIDENCE,
});

export const EVERYBODY = ["p1", "p2", "p3"];

export const approve = (person: string, counting = EVERYBODY): EscalationEvent => ({
  kind: "decided",
  decision: decision("approve", person),
  counting,
});
export const deny = (person: string, counting = EVERYBODY): EscalationEvent => ({
  kind: "decided",
  decision: decision("deny", person),
  counting,
});
export const consume = (session: string): EscalationEvent => ({ kind: "consumed", session });
export const giveBack = (session: string): EscalationEvent => ({ kind: "returned", session });
export const CANCEL: EscalationEvent = { kind: "cancelled", by: "agent" };
export const EXPIRE: EscalationEvent = { kind: "expired" };
