/** What the steps of one reconciliation share. Shapes only. */
import type { AuditLog } from "../../audit/log.ts";
import type { Covers } from "../../audit/reconciliation.ts";
import type { ActionTable } from "../../policy/knowledge.ts";
import type { Account } from "../../policy/set.ts";
import type { Findings } from "./findings.ts";
import type { AiRoles, KnownSessions } from "./known.ts";
import type { Attempts } from "./judge-assumption.ts";
import type { Tally } from "./tally.ts";

export interface Known {
  readonly audit: Pick<AuditLog, "session" | "sessions" | "search">;
  /** Of the served policy set. */
  readonly accounts: readonly Account[];
  readonly table: ActionTable;
  /** Where STS is called for every account; null: in each account's own region. */
  readonly stsRegion: string | null;
  /** Null: nobody says that the events are complete. */
  readonly covers: Covers | null;
  readonly now: Date;
}

/** First and last event of an account in a region. */
export interface Span {
  first: Date;
  last: Date;
}

export interface Work extends Known {
  readonly sessions: KnownSessions;
  readonly roles: AiRoles;
  readonly findings: Findings;
  /** By session. */
  readonly tallies: Map<string, Tally>;
  readonly attempts: Attempts;
  /** By `account region`. */
  readonly spans: Map<string, Span>;
}

/** A source identity that only Twokey gives. Another one is looked up under AI roles alone. */
export const looksLikeOurs = (sourceIdentity: string): boolean => sourceIdentity.startsWith("tks-");
