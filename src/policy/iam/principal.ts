/**
 * Principal and NotPrincipal of resource policies: parses them, and says by which name a caller is meant. Must not
 * decide what a grant is worth: that is evaluate.ts's business.
 */
import { err, ok, type Result } from "../../result.ts";
import { isObject } from "./condition.ts";

/** The caller of a request, by every name a resource policy may know it. */
export interface Caller {
  /** User, root, role-session or federated-user ARN; or a service, identity provider or canonical user id. */
  readonly arn: string;
  /** Twelve digits. */
  readonly account: string;
  /** The role behind a role session; null for every other caller. */
  readonly roleArn: string | null;
}

export interface PrincipalNames {
  readonly everyone: boolean;
  /** Named by ARN, service name, identity provider or canonical id. Case-sensitive, never patterns. */
  readonly exact: ReadonlySet<string>;
  readonly accounts: ReadonlySet<string>;
}

/**
 * How far a statement's Principal reaches the caller.
 * `direct`: names the caller itself, or everyone. AWS says that a grant to a user or a session "is not limited by an
 * implicit deny" elsewhere, that for `*` "no other permissions are required" within the account, and that boundaries
 * and session policies "do not limit permissions granted using the aws:PrincipalArn condition key with a wildcard".
 * `role`: names the session's role. `account`: names the account, which only delegates to its identity policies.
 */
export type Reach = "direct" | "role" | "account";

export function reachOf(names: PrincipalNames, caller: Caller): Reach | null {
  if (names.everyone || names.exact.has(caller.arn)) return "direct";
  if (caller.roleArn !== null && names.exact.has(caller.roleArn)) return "role";
  // A service acts for nobody's account: only its own name reaches it.
  return caller.arn.startsWith("arn:") && names.accounts.has(caller.account) ? "account" : null;
}

/**
 * Whether NotPrincipal leaves the caller out of a Deny. AWS may check account, role and session one after the other
 * and tells authors to list all of them; where one is missing it "might" deny. Here it does.
 */
export function isExcepted(names: PrincipalNames, caller: Caller): boolean {
  if (names.everyone) return true;
  if (!caller.arn.startsWith("arn:")) return names.exact.has(caller.arn);
  if (!names.accounts.has(caller.account)) return false;
  const role = caller.roleArn === null || names.exact.has(caller.roleArn);
  return isRootUser(caller.arn) || (role && names.exact.has(caller.arn));
}

export const isRootUser = (arn: string): boolean => /^arn:aws[a-z-]*:iam::\d{12}:root$/.test(arn);

const TYPES = ["AWS", "Service", "Federated", "CanonicalUser"];
const ACCOUNT = /^(\d{12})$|^arn:aws[a-z-]*:iam::(\d{12}):root$/;
const IDENTITY =
  /^arn:aws[a-z-]*:(?:iam::\d{12}:(?:user|role)\/|sts::\d{12}:(?:assumed-role\/[^/]+\/|federated-user\/))[^*?]+$/;

export function parsePrincipal(block: unknown, at: string): Result<PrincipalNames, readonly string[]> {
  const exact = new Set<string>();
  const accounts = new Set<string>();
  if (block === "*") return ok({ everyone: true, exact, accounts });
  if (!isObject(block) || Object.keys(block).length === 0) {
    return err([`${at} must be "*" or an object with ${TYPES.join(", ")}`]);
  }
  const faults: string[] = [];
  let everyone = false;
  for (const [type, value] of Object.entries(block)) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (!TYPES.includes(type)) faults.push(`${at}.${type} is not one of ${TYPES.join(", ")}`);
    if (values.length === 0) faults.push(`${at}.${type} has no values`);
    for (const name of values) {
      const account = typeof name === "string" ? ACCOUNT.exec(name)?.slice(1).join("") : undefined;
      if (typeof name !== "string" || name === "") faults.push(`${at}.${type} must hold strings`);
      else if (type === "AWS" && name === "*") everyone = true;
      else if (/[*?]/.test(name)) faults.push(`${at}.${type}: a wildcard cannot be part of a principal`);
      else if (type !== "AWS") exact.add(name);
      else if (account !== undefined) accounts.add(account);
      else if (IDENTITY.test(name)) exact.add(name);
      else faults.push(`${at}.AWS: ${JSON.stringify(name)} is not an account, user, role or session`);
    }
  }
  return faults.length > 0 ? err(faults) : ok({ everyone, exact, accounts });
}
