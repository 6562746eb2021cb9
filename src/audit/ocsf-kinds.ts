/**
 * What each kind of entry is in the words of OCSF. Total: a new kind does not compile until it has its row. Says only
 * what the entry says.
 */
import type { EntryKind, StoredEntry } from "./entry.ts";

/** `activity_id` of class 6003, API Activity. */
export const API = { create: 1, read: 2, update: 3, delete: 4, other: 99 } as const;
/** `activity_id` of class 3002, Authentication. */
export const LOGON = { on: 1, off: 2 } as const;
export const STATUS = { unknown: 0, success: 1, failure: 2, other: 99 } as const;
export const SEVERITY = { informational: 1, low: 2, medium: 3, high: 4 } as const;

interface Outcome {
  readonly status: keyof typeof STATUS;
  readonly severity: keyof typeof SEVERITY;
  /** The source's own code and words for the outcome. */
  readonly code?: string;
  readonly words?: string;
}

export type Facts = Outcome &
  (
    | {
        readonly class: "api";
        readonly activity: keyof typeof API;
        readonly operation: string;
        /** Whose API it is; default: Twokey's own. */
        readonly service?: string;
        /** ARN of the role it is about. */
        readonly role?: string;
        /** The AWS account it is about, where no ARN says so. */
        readonly account?: string;
      }
    | {
        readonly class: "authentication";
        readonly activity: keyof typeof LOGON;
        readonly method?: "passkey" | "oidc" | "invitation";
        readonly issuer?: string;
        readonly expiresAt?: Date;
      }
  );

type Rows = { readonly [K in EntryKind]: (entry: StoredEntry & { readonly kind: K }) => Facts };

const STS = {
  class: "api",
  activity: "create",
  operation: "AssumeRole",
  service: "sts.amazonaws.com",
} as const;
const DONE = { status: "success", severity: "informational" } as const;

const ROWS: Rows = {
  "session.intent": ({ detail }) => ({
    ...STS,
    role: detail.roleArn,
    account: detail.account,
    status: "other",
    words: "intent: STS has not been asked yet",
    severity: "informational",
  }),
  "session.issued": ({ detail }) => ({ ...STS, ...DONE, role: detail.assumedRoleArn }),
  "session.failed": ({ detail }) => ({
    ...STS,
    status: "failure",
    severity: "low",
    code: detail.code,
    words: detail.message,
  }),
  "session.unknown": ({ detail }) => ({
    ...STS,
    status: "unknown",
    severity: "medium",
    code: detail.code,
    words: detail.message,
  }),
  "freeze.made": ({ detail }) => ({ ...own("create", "Freeze", "medium"), words: detail.reason }),
  "freeze.thawed": ({ detail }) =>
    detail.state === "thawed" ? own("delete", "Thaw", "medium") : own("update", "AskThaw", "medium"),
  "role.denied": ({ detail }) => ({
    class: "api",
    activity: "update",
    operation: "DenyFrozenSessions",
    role: detail.roleArn,
    ...(detail.message !== null && { words: detail.message }),
    ...(detail.state === "in_force"
      ? { status: "success", severity: "medium" }
      : { status: "failure", severity: "high" }),
  }),
  "session.settled": ({ detail }) => ({
    ...STS,
    status: detail.issued ? "success" : "failure",
    severity: detail.issued ? "medium" : "informational",
    words: detail.issued
      ? "settled by CloudTrail: STS issued it, and nothing was delivered"
      : "settled by CloudTrail: STS issued nothing",
  }),
  "request.refused": ({ detail }) => refused(detail),
  "human.refused": ({ detail }) =>
    detail.code === "sign_in_refused"
      ? {
          class: "authentication",
          activity: "on",
          status: "failure",
          severity: "low",
          code: detail.code,
          words: detail.reason,
        }
      : refused(detail),
  "escalation.requested": () => own("create", "RequestEscalation"),
  "escalation.joined": () => own("other", "JoinEscalation"),
  "escalation.decided": ({ detail: { decision } }) => ({
    ...own("update", decision.verdict === "approve" ? "ApproveEscalation" : "DenyEscalation"),
    ...(decision.reason === null ? {} : { words: decision.reason }),
  }),
  "escalation.changed": ({ detail }) => own("update", CHANGES[detail.event]),
  "human.signed_in": ({ detail }) => ({
    class: "authentication",
    activity: "on",
    ...DONE,
    method: detail.method,
    issuer: detail.account.issuer,
    expiresAt: detail.expiresAt,
  }),
  "human.signed_out": () => ({ class: "authentication", activity: "off", ...DONE }),
  "passkey.enrolled": () => own("create", "EnrolPasskey", "low"),
  "passkey.removed": () => own("delete", "RemovePasskey", "low"),
  // The bootstrap token is nobody: whoever has it makes the first administrator.
  "invitation.created": ({ detail }) =>
    own("create", "CreateInvitation", detail.by === "bootstrap" ? "medium" : "low"),
  "policy.loaded": () => own("update", "LoadPolicySet"),
  "policy.refused": ({ detail }) => ({
    class: "api",
    activity: "update",
    operation: "LoadPolicySet",
    status: "failure",
    severity: "medium",
    words: detail.lines.join("; "),
  }),
  "watch.alarm": ({ detail }) => ({
    ...own("other", "WatchAlarm", "high"),
    account: detail.account,
    words: `${detail.rule}: ${detail.event}`,
  }),
  "record.pruned": () => own("delete", "PruneRecord", "low"),
  "doctor.ran": ({ detail }) =>
    own("read", "RunDoctor", detail.counts.fault > 0 ? "medium" : "informational"),
  "broker.started": () => own("other", "StartBroker"),
  "broker.stopped": () => own("other", "StopBroker"),
};

const CHANGES = {
  cancelled: "CancelEscalation",
  expired: "ExpireEscalation",
  consumed: "ConsumeEscalation",
  returned: "ReturnEscalation",
} as const;

const METHODS: Readonly<Record<string, keyof typeof API>> = {
  POST: "create",
  GET: "read",
  PUT: "update",
  PATCH: "update",
  DELETE: "delete",
};

function refused({ route, code, reason }: { route: string; code: string; reason: string }): Facts {
  const activity = METHODS[route.split(" ")[0] ?? ""] ?? "other";
  const words = reason;
  return { class: "api", activity, operation: route, status: "failure", severity: "low", code, words };
}

function own(
  activity: keyof typeof API,
  operation: string,
  severity: Outcome["severity"] = "informational",
): Facts {
  return { class: "api", activity, operation, status: "success", severity };
}

/** Null for a kind that this version does not know. */
export function factsOf(entry: StoredEntry): Facts | null {
  // Each row takes the entries of its own kind, which is what looks it up; the compiler cannot follow that.
  const row = (ROWS as Readonly<Record<string, ((entry: never) => Facts) | undefined>>)[entry.kind];
  return Object.hasOwn(ROWS, entry.kind) && row !== undefined ? row(entry as never) : null;
}
