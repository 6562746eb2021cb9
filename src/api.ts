/**
 * The HTTP API's requests and answers: the one place that states their shapes. http/ serves them, client/ reads
 * them. Fields are snake_case on the wire; durations are whole seconds; times are RFC 3339 in UTC.
 */

export interface CredentialsRequest {
  readonly template: string;
  /** One string, or several where the template says so. */
  readonly parameters?: Readonly<Record<string, string | readonly string[]>>;
  /** Twelve digits. May be left out where the template has exactly one account. */
  readonly account?: string;
  /** Seconds (900 to 43200), or text such as `15m`, `1h`. Clamped to what the template allows. */
  readonly duration?: number | string;
  readonly task: {
    readonly intent: "observe" | "change" | "destroy";
    readonly summary: string;
    readonly id?: string;
  };
}

/** Credentials of a grant: everything was fixed when it was approved. A field that is given must be what it says. */
export interface GrantRequest {
  readonly escalation: string;
  readonly template?: string;
  readonly parameters?: Readonly<Record<string, string | readonly string[]>>;
  readonly account?: string;
  readonly duration?: number | string;
}

export interface EscalationRequest {
  readonly template: string;
  readonly parameters?: Readonly<Record<string, string | readonly string[]>>;
  readonly account?: string;
  readonly duration?: number | string;
  /** Why it is needed, for the people who decide: 1 to 2,000 characters. */
  readonly reason: string;
  readonly task: CredentialsRequest["task"];
}

export interface EscalationAnswer {
  readonly id: string;
  readonly state: "pending" | "approved" | "consumed" | "denied" | "expired" | "cancelled";
  /** CIBA's word for an agent that waits; null once it may collect, or did. */
  readonly error: "authorization_pending" | "access_denied" | "expired_token" | null;
  /** SHA-256, hex, of everything that would be executed. */
  readonly digest: string;
  /** Two words, shown to whoever decides as well. */
  readonly code: string;
  /** The page where people decide. */
  readonly url: string;
  readonly template: string;
  readonly account: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly duration: number;
  /** What the session could do, in one sentence. */
  readonly may: string;
  readonly reason: string;
  readonly requested_at: string;
  readonly expires_at: string;
  /** Until when the grant may be used; null while there is none. */
  readonly usable_until: string | null;
  /** Seconds between two questions without `wait`. */
  readonly interval: number;
  readonly approvals: number;
  readonly quorum: number;
  /** Why it was denied, in the approver's words. */
  readonly denial: string | null;
  /** The session that used the grant. */
  readonly session: string | null;
}

export interface EscalationsAnswer {
  readonly escalations: readonly EscalationAnswer[];
  readonly next: string | null;
}

export interface CredentialsAnswer {
  readonly credentials: {
    readonly access_key_id: string;
    readonly secret_access_key: string;
    readonly session_token: string;
    readonly expiration: string;
  };
  readonly session: {
    readonly id: string;
    readonly agent: string;
    readonly template: string;
    readonly account: string;
    readonly region: string;
    readonly role_arn: string;
    readonly expires_at: string;
    readonly duration: number;
    /** What this session may do, in one sentence. */
    readonly may: string;
    readonly policy_version: string;
    /** Index of the audit entry that records this issue. */
    readonly audit_entry: number;
  };
}

export interface TemplatesAnswer {
  readonly agent: string;
  readonly templates: readonly {
    readonly name: string;
    readonly kind: "standing" | "escalation";
    readonly title: string;
    readonly description: string;
    readonly intent: "observe" | "change" | "destroy";
    readonly accounts: readonly string[];
    readonly duration: { readonly default: number; readonly max: number };
    readonly parameters: Readonly<
      Record<
        string,
        {
          readonly description: string;
          readonly like: readonly string[];
          readonly optional: boolean;
          readonly max: number;
        }
      >
    >;
  }[];
}

export interface SessionsAnswer {
  readonly sessions: readonly {
    readonly id: string;
    readonly template: string;
    readonly account: string;
    readonly state: "intent" | "issued" | "failed" | "unknown";
    readonly task: { readonly intent: string; readonly summary: string; readonly id: string | null };
    readonly requested_at: string;
    readonly expires_at: string | null;
    readonly policy_version: string;
    /** False: minted under an older policy set than the one now served. */
    readonly policy_current: boolean;
  }[];
  /** Pass as `before` for the next page; null at the end. */
  readonly next: string | null;
}

/** RFC 9457, as `application/problem+json`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Stable; programs branch on this. */
  readonly code: string;
  readonly detail: string;
  readonly request_id: string;
  /** What an honest agent can do next, in words; may hold a command. */
  readonly next?: string;
  /** Faults in the request, by path. */
  readonly errors?: readonly { readonly at: string; readonly problem: string }[];
}

/** `GET /v1/audit/checkpoint`. */
export interface CheckpointAnswer {
  /** Signed note (C2SP tlog-checkpoint); null: nothing is signed yet. */
  readonly note: string | null;
  readonly size: number;
  /** Verifier key, as C2SP signed-note writes it. */
  readonly key: string;
}

/** `GET /v1/audit/inclusion` and `/consistency`. Hashes are base64, in the order of RFC 6962. */
export interface ProofAnswer {
  readonly size: number;
  readonly root: string;
  /** Leaf hash of the entry; null of a consistency proof. */
  readonly leaf: string | null;
  readonly proof: readonly string[];
}

/** `GET /v1/audit/entries`. */
export interface EntriesAnswer {
  readonly from: number;
  /** The exact texts of the entries: leaf n of the tree is the UTF-8 of entry n. */
  readonly entries: readonly string[];
  readonly size: number;
}

/** `POST /v1/watch`. */
export interface AlarmAnswer {
  /** Index in the audit log. */
  readonly audit_entry: number;
}

export interface FreezeRequest {
  readonly kind: "session" | "agent" | "template" | "all";
  /** Of the session, agent or template; not given for `all`. */
  readonly name?: string;
  readonly reason?: string;
}

export interface FreezeView {
  readonly id: string;
  readonly kind: FreezeRequest["kind"];
  readonly name: string | null;
  readonly reason: string;
  readonly by: "person" | "operator" | "rule";
  readonly person: string | null;
  readonly frozen_at: string;
  /** Index of the audit entry. */
  readonly audit_entry: number;
  /** Whose key lies there, where thawing takes a second within the hour. */
  readonly first_key: string | null;
}

/** What is in force in AWS. */
export interface RoleDenialView {
  readonly role_arn: string;
  readonly state: "waiting" | "in_force" | "failed";
  /** Whether single sessions are denied, or every one older than the freeze. */
  readonly form: "nobody" | "sessions" | "everyone" | null;
  /** When IAM took the policy; AWS puts it into effect within seconds to minutes. */
  readonly since: string | null;
  readonly message: string | null;
}

/** `POST /v1/freezes`. */
export interface FreezeAnswer {
  readonly freeze: FreezeView;
  /** Live sessions that were delivered before it. */
  readonly sessions: readonly { readonly id: string; readonly expires_at: string | null }[];
  readonly roles: readonly RoleDenialView[];
  /** Where people thaw it. */
  readonly url: string;
}

/** `GET /v1/freezes`. */
export interface FreezesAnswer {
  readonly freezes: readonly FreezeView[];
  readonly roles: readonly RoleDenialView[];
  readonly url: string;
}
