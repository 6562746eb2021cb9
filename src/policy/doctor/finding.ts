/**
 * What doctor says: one finding for each check, account and role. Data and three ways to make one; decides nothing.
 *
 * What could not be looked at is never `ok`: it is a warning, or a fault where nothing else can be relied on without it.
 */

/** Every check there is, in the order of docs/doctor.md, which tells what each means and its fix. */
export const CHECKS = [
  "configuration",
  "policy_set",
  "audit_key",
  "issuer",
  "record",
  "record_clock",
  "caller",
  "caller_account",
  "caller_chained",
  "sts_endpoint",
  "clock",
  "expected_roles",
  "role",
  "trust",
  "boundary",
  "boundary_current",
  "permissions",
  "max_session",
  "role_tags",
  "service_role",
  "published",
  "broker_assumes",
  "broker_writes",
  "revocation",
  "scp",
  "assume",
  "trust_refuses",
  "time_to_mint",
  "simulate",
  "record_written",
] as const;
export type CheckId = (typeof CHECKS)[number];

export type Status = "ok" | "warning" | "fault";

export interface Finding {
  readonly id: CheckId;
  /** Account id; null: it is about the broker itself. */
  readonly account: string | null;
  /** The role's name in accounts.yaml, or the environment of a service role; null: none in particular. */
  readonly role: string | null;
  readonly status: Status;
  /** One sentence without its full stop. May hold AWS's words: whoever shows it shows it inert. */
  readonly line: string;
  /** What to do; null where there is nothing to be done. */
  readonly fix: string | null;
}

/** What a check is about. */
export interface Subject {
  readonly account: string | null;
  readonly role: string | null;
}

export const THE_BROKER: Subject = { account: null, role: null };

export const good = (id: CheckId, { account, role }: Subject, line: string): Finding => ({
  ...{ id, account, role, status: "ok", line },
  fix: null,
});

export const odd = (id: CheckId, { account, role }: Subject, line: string, fix: string | null): Finding => ({
  ...{ id, account, role, status: "warning", line },
  fix,
});

export const bad = (id: CheckId, { account, role }: Subject, line: string, fix: string): Finding => ({
  ...{ id, account, role, status: "fault", line },
  fix,
});
