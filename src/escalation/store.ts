/**
 * Port: escalations as they are kept. Stands for the flows; adapters/postgres keeps it beside the audit log, in the
 * same transactions, so that no change of state is without its entry.
 */
import type { AgentName, PersonId } from "../identity/agent.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import type { Result } from "../result.ts";
import type {
  Escalation,
  EscalationContent,
  EscalationEvent,
  EscalationFault,
  EscalationState,
} from "./escalation.ts";

/** What a new escalation is held against, in the transaction that writes it. */
export interface EscalationDraft {
  readonly content: EscalationContent;
  readonly canonical: string;
  readonly digest: string;
  /** The same for two requests that ask for the same thing; see join-key.ts. */
  readonly joinKey: string;
  /** Null for a policy set: nobody's token asked. */
  readonly request: {
    readonly requestId: string;
    /** The workload token's id, and when it may be forgotten. One token asks once (security case 10). */
    readonly tokenId: string;
    readonly tokenExpiresAt: Date;
    readonly idempotencyKey: string | null;
    /** SHA-256, hex, of the request's meaning. */
    readonly bodyDigest: string;
    readonly limits: FatigueLimits;
  } | null;
  readonly policyVersion: string;
}

/** So that approvers are not worn down. */
export interface FatigueLimits {
  readonly maxPending: number;
  /** After a denial, for the same agent and template. */
  readonly coolDownSeconds: number;
}

export interface Requested {
  readonly escalation: Escalation;
  /** `created`: new. `repeated`: the same Idempotency-Key and body. `joined`: the same thing is already waiting. */
  readonly outcome: "created" | "repeated" | "joined";
}

export type RequestRefusal =
  /** The agent, the template or everything is frozen. */
  | { readonly reason: "frozen"; readonly by: FreezeTarget }
  | { readonly reason: "token_replayed" }
  | { readonly reason: "idempotency_key_used"; readonly escalation: string }
  | { readonly reason: "too_many_pending"; readonly pending: readonly string[] }
  | { readonly reason: "cooling_down"; readonly until: Date };

export interface ChangeContext {
  readonly requestId: string | null;
  readonly policyVersion: string;
  /** Nonce of a challenge that this change uses up (see identity/human-store.ts); the change fails without it. */
  readonly nonce: string | null;
  /** A passkey's signature counter as the assertion gave it, moved forward with the change. */
  readonly counter: { readonly credentialId: string; readonly value: number } | null;
}

export interface Changed {
  readonly escalation: Escalation;
  /** True where a denial came after the mint: the session is frozen now and must be revoked in AWS. */
  readonly freeze: boolean;
}

export type ChangeRefusal<F> =
  | { readonly reason: "not_found" }
  | { readonly reason: "nonce_used" }
  | { readonly reason: "machine"; readonly fault: EscalationFault }
  | { readonly reason: "refused"; readonly failure: F };

export interface EscalationQuery {
  readonly agent: AgentName | null;
  readonly states: readonly EscalationState[] | null;
  readonly limit: number;
  /** An escalation's id: the page starts after it. */
  readonly before: string | null;
}

/**
 * Contract. Every writing method resolves only once its transaction, its audit entries and its notifications are
 * durable, and rejects when that is not certain. All changes of one escalation, on all replicas, happen one after the
 * other. `choose` runs inside the transaction on the escalation as it is, with the database's clock read after the
 * lock was had; it is pure and may run more than once. An escalation whose time is over is read as `expired`, whether
 * or not anybody has written that down yet.
 */
export interface EscalationStore {
  request(draft: EscalationDraft): Promise<Result<Requested, RequestRefusal>>;

  /** Runs `choose`, then the machine, then writes. Where `choose` refuses, nothing changes. */
  change<F>(
    id: string,
    context: ChangeContext,
    choose: (escalation: Escalation, now: Date) => Result<EscalationEvent, F>,
  ): Promise<Result<Changed, ChangeRefusal<F>>>;

  find(id: string): Promise<Escalation | null>;

  /** Newest first. */
  list(query: EscalationQuery): Promise<readonly Escalation[]>;

  /** What the person decided, the latest decision first. */
  decidedBy(person: PersonId, limit: number): Promise<readonly Escalation[]>;

  /** Writes down what is over: `expired`, its entry, its notification. How many there were. */
  expire(): Promise<number>;

  /** Resolves when anything of the record may have changed, the signal aborts, or `ms` are over. Never rejects. */
  changed(ms: number, signal: AbortSignal): Promise<void>;
}
