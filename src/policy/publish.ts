/**
 * What `twokey policy publish` would do to one account: a pure comparison of the policies that should be there with
 * those that are. Port: the account's managed policies. Nothing is ever changed in place: a policy is created, kept
 * or removed, and only what Twokey made and nobody uses is removed.
 */
import { canonicalJson } from "./digest.ts";
import { PUBLISHED_NAME, type PublishedPolicy } from "./split.ts";

/** A customer managed policy under PUBLISHED_PATH, as IAM has it. */
export interface StoredPolicy {
  readonly arn: string;
  readonly name: string;
  /** Description; IAM never changes it once the policy exists. */
  readonly description: string;
  /** JSON of the version in force. */
  readonly text: string;
  /** To a user, group or role, or as somebody's boundary. */
  readonly attached: boolean;
}

/** Contract: errors of AWS reject. `list` answers with everything under PUBLISHED_PATH, nothing else. */
export interface PolicyStore {
  /** Id of the account the credentials belong to. */
  account(): Promise<string>;
  list(): Promise<readonly StoredPolicy[]>;
  create(policy: PublishedPolicy, description: string): Promise<void>;
  /** `in_use`: IAM refused because it is attached or has versions nobody but its editor knows of. */
  remove(arn: string): Promise<"removed" | "in_use">;
}

/** Says in IAM who made a policy. A policy that does not begin like this is somebody else's. */
export const MARKER = "Published by Twokey.";
export const DESCRIPTION = `${MARKER} Named by the hash of its document: never edit it, publish instead.`;

/** Why a policy that the set does not refer to stays. */
export type Left = "not_ours" | "attached" | "live_session" | "record_unread";

export interface PublishPlan {
  readonly account: string;
  readonly create: readonly PublishedPolicy[];
  /** There already, byte for byte in meaning. ARNs. */
  readonly keep: readonly string[];
  readonly remove: readonly string[];
  readonly left: readonly { readonly arn: string; readonly why: Left }[];
  /** Under a name of ours with another document, or made by somebody else: sessions must not rest on them. */
  readonly altered: readonly string[];
}

export function planPublication(input: {
  readonly account: string;
  readonly wanted: readonly PublishedPolicy[];
  readonly stored: readonly StoredPolicy[];
  /** ARNs that sessions which may still live refer to; null where the record was not read. */
  readonly live: ReadonlySet<string> | null;
}): PublishPlan {
  const { account, live } = input;
  const wanted = new Map(input.wanted.map((policy) => [policy.arn, policy]));
  const stored = new Map(input.stored.map((policy) => [policy.arn, policy]));
  const present = [...wanted.values()].flatMap((policy) => {
    const found = stored.get(policy.arn);
    return found === undefined ? [] : [{ arn: policy.arn, intact: isIntact(policy, found) }];
  });
  const others = [...stored.values()]
    .filter(({ arn }) => !wanted.has(arn))
    .map((policy) => ({ arn: policy.arn, why: whyLeft(policy, live) }));
  return {
    account,
    create: [...wanted.values()].filter(({ arn }) => !stored.has(arn)),
    keep: present.filter(({ intact }) => intact).map(({ arn }) => arn),
    remove: others.flatMap(({ arn, why }) => (why === null ? [arn] : [])),
    left: others.flatMap(({ arn, why }) => (why === null ? [] : [{ arn, why }])),
    altered: present.filter(({ intact }) => !intact).map(({ arn }) => arn),
  };
}

function isIntact(policy: PublishedPolicy, found: StoredPolicy): boolean {
  return isOurs(found) && canonicalJson(parsed(found.text)) === canonicalJson(policy.document);
}

const isOurs = ({ name, description }: StoredPolicy): boolean =>
  PUBLISHED_NAME.test(name) && description.startsWith(MARKER);

function whyLeft(policy: StoredPolicy, live: ReadonlySet<string> | null): Left | null {
  if (!isOurs(policy)) return "not_ours";
  if (policy.attached) return "attached";
  if (live === null) return "record_unread";
  return live.has(policy.arn) ? "live_session" : null;
}

/** Text that is no JSON is no document of ours. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
