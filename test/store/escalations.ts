/** Escalations, decisions and grants for the store's tests, with ids that never repeat in one process. */
import { createHash, randomBytes } from "node:crypto";
import type { Store } from "../../src/adapters/postgres/audit-log.ts";
import type {
  Escalation,
  EscalationEvent,
  PolicyContent,
  SessionContent,
  Verdict,
} from "../../src/escalation/escalation.ts";
import type { Changed, ChangeContext, EscalationDraft, FatigueLimits } from "../../src/escalation/store.ts";
import { canonicalJson } from "../../src/policy/digest.ts";
import { ok, type Result } from "../../src/result.ts";

export const VERSION = "b".repeat(64);
export const APPROVERS = ["orders-second", "platform-oncall", "security-oncall"];
const FREE: FatigueLimits = { maxPending: 1_000, coolDownSeconds: 0 };

const random = (): string => randomBytes(12).toString("hex");

export function sessionContent(changes: Partial<SessionContent> = {}): SessionContent {
  return {
    kind: "session",
    id: `esc-${random()}`,
    agent: "deploy-agent",
    owner: "orders-lead",
    proof: { issuer: "github", subject: "repo:example/orders:ref:refs/heads/main" },
    account: "111122223333",
    roleArn: "arn:aws:iam::111122223333:role/twokey/ai-operator",
    template: "production-stack-change",
    templateVersion: "c".repeat(64),
    parameters: { changeSet: ["arn:aws:cloudformation:eu-west-1:111122223333:changeSet/twokey-a/1"] },
    policy: "{}",
    policyArns: [],
    tags: [{ key: "twokey:principal", value: "ai-agent" }],
    durationSeconds: 900,
    reason: "orders time out",
    task: { id: null, intent: "change", summary: "raise the time-out" },
    rule: {
      quorum: 2,
      groups: ["approvers"],
      evidence: "passkey",
      pendingSeconds: 3_600,
      usableSeconds: 900,
    },
    changeSets: [],
    ...changes,
  };
}

export function policyContent(): PolicyContent {
  const { rule } = sessionContent();
  return {
    kind: "policy",
    id: `esc-${random()}`,
    from: "d".repeat(64),
    to: "e".repeat(64),
    changes: ["approvals.yaml: quorum 2 → 1"],
    rule,
  };
}

interface DraftChanges extends Partial<Omit<EscalationDraft, "content" | "request">> {
  readonly content?: Partial<SessionContent>;
  readonly request?: Partial<NonNullable<EscalationDraft["request"]>>;
}

/** One of its own: its join key, token and body are shared with none, unless `changes` say so. */
export function aDraft(changes: DraftChanges = {}): EscalationDraft {
  const content = sessionContent(changes.content);
  const request = {
    requestId: "req-1",
    tokenId: `jti-${random()}`,
    tokenExpiresAt: new Date(Date.now() + 600_000),
    idempotencyKey: null,
    bodyDigest: "f".repeat(64),
    limits: FREE,
    ...changes.request,
  };
  return { policyVersion: VERSION, joinKey: random(), ...changes, ...encoded(content), content, request };
}

export function encoded(content: SessionContent | PolicyContent) {
  const canonical = canonicalJson(content);
  return { canonical, digest: createHash("sha256").update(canonical).digest("hex") };
}

/** A pending escalation. */
export async function requested(log: Store, changes: DraftChanges = {}): Promise<Escalation> {
  const answer = await log.escalations.request(aDraft(changes));
  if (!answer.ok) throw new Error(`refused: ${answer.error.reason}`);
  return answer.value.escalation;
}

export const CHANGE: ChangeContext = {
  requestId: "req-2",
  policyVersion: VERSION,
  nonce: null,
  counter: null,
};

export function decided(
  person: string,
  verdict: Verdict = "approve",
): Extract<EscalationEvent, { kind: "decided" }> {
  const evidence = {
    kind: "passkey",
    credentialId: `key-of-${person}`,
    publicKey: "pQ",
    nonce: "nonce",
    origin: "https://twokey.example.com",
    rpId: "twokey.example.com",
    clientDataJSON: "e30",
    authenticatorData: "AA",
    signature: "MEU",
  } as const;
  const account = { issuer: "twokey:invited", subject: person };
  const reason = verdict === "deny" ? "not during the sale \u202e \0" : null;
  return { kind: "decided", decision: { verdict, person, account, reason, evidence }, counting: APPROVERS };
}

/** Any event, chosen without asking. */
export async function happen(
  log: Store,
  id: string,
  event: EscalationEvent,
): Promise<Result<Changed, unknown>> {
  return log.escalations.change(id, CHANGE, () => ok(event));
}

/** A grant. */
export async function approved(log: Store, changes: DraftChanges = {}): Promise<Escalation> {
  const { id } = await requested(log, changes);
  await happen(log, id, decided("orders-second"));
  const last = await happen(log, id, decided("platform-oncall"));
  if (!last.ok || last.value.escalation.state !== "approved") throw new Error("it was not approved");
  return last.value.escalation;
}

/** Consumes a grant for a session, as the flow does. */
export const consuming = (escalation: string, session: string) => ({
  escalation,
  choose: () => ok({ kind: "consumed", session } as const),
});
