/** Who the broker is in AWS, as STS tells it: which role or user it runs as, and whether that can be right. Pure. */
import type { Account } from "../set.ts";
import type { Caller, CallerSeen } from "./aws.ts";
import { bad, good, odd, THE_BROKER, type Finding } from "./finding.ts";

const ROOT = /^arn:aws[a-z-]*:iam::\d{12}:root$/;
const SESSION = /^arn:aws[a-z-]*:sts::\d{12}:assumed-role\/([^/]+)\//;

/** Name of the role whose session the caller is; null: it is none. */
export const roleOfCaller = ({ arn }: Caller): string | null => SESSION.exec(arn)?.[1] ?? null;

export function judgeCaller(caller: Caller): Finding {
  return ROOT.test(caller.arn)
    ? bad(
        "caller",
        THE_BROKER,
        `the broker's credentials are the root user's of account ${caller.account}, which no policy limits and which may assume no role`,
        "give the broker a role of its own, and delete the root user's access key",
      )
    : good("caller", THE_BROKER, `the broker is ${caller.arn}`);
}

export function judgeCallerAccount({ account }: Caller, accounts: readonly Account[]): Finding {
  const id = "caller_account";
  const own = accounts.find((one) => one.id === account);
  if (own !== undefined)
    return good(id, THE_BROKER, `it is in account ${account} (${own.name}) of accounts.yaml`);
  const known = accounts.map((one) => `${one.id} (${one.name})`).join(", ");
  return bad(
    id,
    THE_BROKER,
    `the broker's credentials belong to account ${account}, which accounts.yaml does not have: from there no role's frozen sessions can be denied`,
    `give the broker credentials of ${known}, or add account ${account} to accounts.yaml`,
  );
}

export function judgeChained(caller: Caller): Finding {
  const role = roleOfCaller(caller);
  return good(
    "caller_chained",
    THE_BROKER,
    role === null
      ? "it is no role's session, so its sessions are not chained"
      : `it is a session of the role ${role}: STS lets what it vends live one hour at most, and Twokey asks for no more`,
  );
}

/** A global endpoint is one region's, which the others then depend on. `configured`: sts_endpoint, where it is set. */
export function judgeEndpoint({ host }: CallerSeen, configured: string | null): Finding {
  const id = "sts_endpoint";
  if (host === null)
    return odd(
      id,
      THE_BROKER,
      "STS could not be called, so its endpoint is not known",
      "see the findings beside this one",
    );
  if (/^sts\.amazonaws\.com(?:\.cn)?$/.test(host))
    return odd(
      id,
      THE_BROKER,
      `STS is called at the global endpoint ${host}`,
      "take sts_endpoint out of the configuration, or AWS_STS_REGIONAL_ENDPOINTS=legacy out of the environment",
    );
  return good(
    id,
    THE_BROKER,
    configured === null ? `STS is called at ${host}` : `STS is called at ${host}, as sts_endpoint says`,
  );
}
