/**
 * The guardrails' floor as patterns of EventBridge: an AI session that calls a floor action, whether AWS refused or not.
 * CloudTrail has its own names for some services and calls; what differs stands in one table here. Throws where an IAM
 * pattern has no exact counterpart, so that no floor action is watched in words alone.
 *
 * Calls of data planes are no management events and reach nobody here: see UNSEEN.
 */
import { vended, type AiRole } from "./broker-task-role.ts";
import type { WatchedRule } from "./watch-patterns.ts";

/** EventBridge's quota on a pattern. */
const LARGEST_PATTERN = 2_048;

/** `eventSource` where it is not `<service>.amazonaws.com`. */
const SOURCES: Readonly<Record<string, string>> = { tag: "tagging" };

/** CloudTrail's names of calls that IAM knows by another one. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "s3:PutBucketVersioning": ["PutBucketVersioning"],
  "s3:PutLifecycleConfiguration": [
    "PutBucketLifecycle",
    "PutBucketLifecycleConfiguration",
    "DeleteBucketLifecycle",
  ],
  "s3:PutReplicationConfiguration": ["PutBucketReplication", "DeleteBucketReplication"],
};

/** Permissions that are no call of their own. */
const UNSEEN: ReadonlySet<string> = new Set([
  "s3:BypassGovernanceRetention",
  // Part of AssumeRole, which the first pattern of this list has.
  "sts:TagSession",
  "sts:SetSourceIdentity",
  "sts:SetContext",
  "sts:TagGetWebIdentityToken",
]);

type Name = string | { readonly prefix: string };

/** By `eventSource`. */
export function floorCalls(floor: readonly string[]): ReadonlyMap<string, readonly Name[]> {
  const calls = new Map<string, Name[]>();
  for (const action of floor.filter((one) => !UNSEEN.has(one))) {
    const [service = "", name = ""] = action.split(":");
    const source = `${SOURCES[service] ?? service}.amazonaws.com`;
    calls.set(source, [...(calls.get(source) ?? []), ...(NAMES[action] ?? [nameOf(action, name)])]);
  }
  return calls;
}

function nameOf(action: string, name: string): Name {
  const [, start = "", star] = /^([A-Za-z]*)(\*?)$/.exec(name) ?? [];
  if (start + (star ?? "") === "") throw new Error(`${action}: Watch knows names, and names that end in *`);
  return star === "*" ? { prefix: start } : start;
}

/** As many rules as the quota makes them. */
export function floorRules(roles: readonly AiRole[], floor: readonly string[]): readonly WatchedRule[] {
  const arns = vended(roles).map(({ arn }) => arn);
  const rules: Record<string, unknown>[] = [];
  let open: Call[] = [];
  for (const call of [...floorCalls(floor)].map(([source, names]) => callOf(source, names))) {
    const wider = [...open, call];
    if (open.length > 0 && sizeOf(patternOf(arns, wider)) > LARGEST_PATTERN) {
      rules.push(patternOf(arns, open));
      open = [call];
    } else open = wider;
  }
  if (open.length > 0) rules.push(patternOf(arns, open));
  const large = rules.find((pattern) => sizeOf(pattern) > LARGEST_PATTERN);
  if (large !== undefined)
    throw new Error("A service has more floor actions than one pattern of EventBridge holds");
  return rules.map((pattern, index) => ({
    name: `floor-called-${index + 1}`,
    says: "An AI session called what no AI session may ever call",
    pattern,
  }));
}

interface Call {
  readonly eventSource: readonly string[];
  readonly eventName?: readonly Name[];
}

/** `sso:*` is every call of it. */
function callOf(source: string, names: readonly Name[]): Call {
  const every = names.some((name) => typeof name === "object" && name.prefix === "");
  return every ? { eventSource: [source] } : { eventSource: [source], eventName: names };
}

const sizeOf = (pattern: unknown): number => JSON.stringify(pattern).length;

function patternOf(roleArns: readonly string[], calls: readonly Call[]): Record<string, unknown> {
  return {
    "detail-type": ["AWS API Call via CloudTrail"],
    detail: {
      userIdentity: { sessionContext: { sessionIssuer: { arn: roleArns } } },
      ...(calls.length === 1 ? calls[0] : { $or: calls }),
    },
  };
}
