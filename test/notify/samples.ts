/** An escalation and its notices, as the record would hold them. */
import type { Store } from "../../src/adapters/postgres/audit-log.ts";
import { escalationDigest } from "../../src/escalation/digest.ts";
import type {
  Decision,
  Escalation,
  PolicyContent,
  SessionContent,
  Verdict,
} from "../../src/escalation/escalation.ts";
import type { Message, Notice, NoticeKind } from "../../src/escalation/outbox.ts";
import { escalationMessage, freezeMessage, type MessageContext } from "../../src/flows/notify-message.ts";
import { canonicalJson } from "../../src/policy/digest.ts";

export const ID = "esc-mfrggzdfmztwq2lknnwg23tp";

const RULE = {
  quorum: 2,
  groups: ["platform", "security"],
  evidence: "passkey",
  pendingSeconds: 3600,
  usableSeconds: 900,
} as const;

export const CONTENT: SessionContent = {
  kind: "session",
  id: ID,
  agent: "orders-ci",
  owner: "orders-lead",
  proof: { issuer: "https://ci.example.com", subject: "orders" },
  account: "111122223333",
  roleArn: "arn:aws:iam::111122223333:role/ai-escalated",
  template: "production-stack-change",
  templateVersion: "0".repeat(64),
  parameters: { change_set: ["arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/1"] },
  policy: "{}",
  policyArns: [],
  tags: [],
  durationSeconds: 1800,
  reason: "The queue is stuck.",
  task: { id: null, intent: "change", summary: "Raise the visibility timeout" },
  rule: RULE,
  changeSets: [],
};

export const POLICY: PolicyContent = {
  kind: "policy",
  id: ID,
  from: "a".repeat(64),
  to: "b".repeat(64),
  changes: ["observe reads sqs too"],
  rule: RULE,
};

export function escalation(change: Partial<Escalation> = {}): Escalation {
  const content = change.content ?? CONTENT;
  const canonical = canonicalJson(content);
  return {
    id: ID,
    content,
    canonical,
    digest: escalationDigest(canonical),
    state: "pending",
    requestedAt: new Date("2030-01-01T12:00:00Z"),
    expiresAt: new Date("2030-01-01T13:00:00Z"),
    usableUntil: null,
    decisions: [],
    session: null,
    ...change,
  };
}

export function decision(person: string, verdict: Verdict, reason: string | null = null): Decision {
  return {
    verdict,
    person,
    account: { issuer: "https://login.example.com", subject: `${person}-subject` },
    reason,
    evidence: {
      kind: "passkey",
      credentialId: "SECRETISHcredential",
      publicKey: "SECRETISHkey",
      nonce: "SECRETISHnonce",
      origin: "https://twokey.example.com",
      rpId: "twokey.example.com",
      clientDataJSON: "SECRETISHclient",
      authenticatorData: "SECRETISHauthenticator",
      signature: "SECRETISHsignature",
    },
    at: new Date("2030-01-01T12:05:00Z"),
  };
}

export function notice(kind: NoticeKind, change: Partial<Notice> = {}): Notice {
  return {
    id: "ntc-mfrggzdfmztwq2lknnwg23tp",
    kind,
    escalation: kind === "passkey.enrolled" ? null : ID,
    detail: {},
    at: new Date("2030-01-01T12:00:00Z"),
    ...change,
  };
}

export const CONTEXT: MessageContext = {
  origin: "https://twokey.example.com",
  accounts: [
    {
      id: "111122223333",
      name: "orders-production",
      region: "us-east-1",
      externalId: "example",
      roles: { observer: "", operator: "", escalated: "" },
      serviceRoles: {},
    },
  ],
};

/** The message of a freeze for which somebody gave `reason`. */
export function frozen(reason: string): Message {
  const detail = { kind: "agent", name: "orders-ci", reason, by: "person", person: "security-engineer" };
  return freezeMessage(notice("freeze.made", { escalation: null, detail }), CONTEXT);
}

/** The message of a request in which the agent wrote `text` wherever it may. */
export function requested(text: string): Message {
  const content = { ...CONTENT, reason: text, task: { ...CONTENT.task, summary: text } };
  return escalationMessage(notice("escalation.requested"), escalation({ content }), CONTEXT);
}

/** Asks for it in a real store. */
export async function request(
  store: Pick<Store, "escalations">,
  change: Partial<SessionContent> = {},
): Promise<void> {
  const content = { ...CONTENT, ...change };
  const canonical = canonicalJson(content);
  const requested = await store.escalations.request({
    content,
    canonical,
    digest: escalationDigest(canonical),
    joinKey: content.id,
    request: null,
    policyVersion: "0".repeat(64),
  });
  if (!requested.ok) throw new Error(JSON.stringify(requested.error));
}
