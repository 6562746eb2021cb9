/** What the harness saw from outside the broker: what clients were told, and what STS was asked and issued. */
import type { Mint } from "../../src/local-aws/state.ts";

export interface Delivered {
  readonly accessKeyId: string;
  readonly session: string;
  /** Null for a standing session. */
  readonly escalation: string | null;
}

/** Grows only. */
export interface Seen {
  /** Credentials a client has in its hands. */
  readonly delivered: Delivered[];
  /** Escalations that were answered 201. */
  readonly requested: string[];
  /** Decisions that were answered 200. */
  readonly decided: { readonly escalation: string; readonly person: string }[];
  /** Answers nobody should get, whatever fails. */
  readonly strange: string[];
  /** Bodies of problem answers. */
  readonly problems: string[];
  /** Workload tokens, invitations and cookies that were sent. */
  readonly tokens: string[];
  /** What brokers logged, in the order in which it was collected. */
  readonly logs: string[];
}

export const nothingSeen = (): Seen => ({
  delivered: [],
  requested: [],
  decided: [],
  strange: [],
  problems: [],
  tokens: [],
  logs: [],
});

/** STS's own ledger. */
export type Mints = () => readonly Mint[];
