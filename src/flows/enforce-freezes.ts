/**
 * Brings AWS to what the record says is frozen:
 *
 *   frozen agents' sessions listed → a role claimed → its policy made → IAM told → what IAM said recorded → the next role
 *
 * The record is the truth and the policy is made from it whole, so this may run at any time, on any replica, and again
 * after a crash. Never thaws and never freezes.
 */
import { denialOf, type DenyOnRole } from "../session/denial.ts";
import type { DueDenial, FreezeStore } from "../session/freeze-store.ts";
import type { Account } from "../policy/set.ts";

export interface Enforcer {
  readonly freezes: FreezeStore;
  readonly denyOnRole: DenyOnRole;
  readonly accounts: readonly Account[];
  readonly policyVersion: string;
  readonly clock: () => Date;
}

/** Longer than IAM's three answers may take. */
const LEASE_SECONDS = 60;
/** IAM is global; the region only signs the call. */
const ANY_REGION = "us-east-1";

/**
 * Until nothing is due, or it is `until`. Rejects when the record cannot be read or written: what was claimed is due
 * again.
 */
export async function enforceFreezes(enforcer: Enforcer, until: Date | null = null): Promise<void> {
  const { freezes, clock } = enforcer;
  while (await freezes.spread());
  while (until === null || clock() < until) {
    const due = await freezes.claimRole(LEASE_SECONDS);
    if (due === null) return;
    await enforceRole(enforcer, due);
  }
}

async function enforceRole(enforcer: Enforcer, due: DueDenial): Promise<void> {
  const { freezes, denyOnRole, accounts, policyVersion, clock } = enforcer;
  const { roleArn } = due;
  const account = accounts.find(({ id }) => id === roleArn.split(":")[4]);
  const tell = (document: string | null) =>
    denyOnRole({ roleArn, region: account?.region ?? ANY_REGION, document });
  let denial = denialOf(due, clock());
  // Where IAM has no policy of ours and none is needed, there is nothing to tell it.
  const idle = denial.document === null && due.document === null;
  let answer = idle ? ("in_force" as const) : await tell(denial.document);
  if (answer === "too_large") {
    denial = denialOf(due, clock(), true);
    answer = await tell(denial.document);
  }
  const fault = answer === "in_force" ? null : answer === "too_large" ? TOO_LARGE : answer.fault;
  const sessions = denial.form === "nobody" ? 0 : due.sessions.length;
  await freezes.settleRole(due, { ...denial, sessions, fault }, policyVersion);
}

const TOO_LARGE = "the role's inline policies leave no room for one that denies";
