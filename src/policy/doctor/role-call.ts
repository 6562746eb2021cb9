/**
 * One call of sts:AssumeRole as a trust policy sees it, the one that Twokey makes, and every call that lacks one thing a
 * trust policy must demand. The same table is put to the trust policy as text and to STS itself.
 */
import type { ContextValue } from "../iam/types.ts";
import { AI_PRINCIPAL, ESCALATION_TAG } from "../role-trust.ts";
import type { RoleName } from "../set.ts";

export interface RoleCall {
  readonly externalId: string | null;
  readonly sourceIdentity: string | null;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly transitiveKeys: readonly string[];
}

/** The escalation that doctor's sessions name where one must be named. There is none of that id. */
export const NO_ESCALATION = "esc-doctor";

const withTags = <T extends RoleCall>(call: T, tags: RoleCall["tags"]): T => ({
  ...call,
  tags,
  // STS takes no transitive key without its tag.
  transitiveKeys: call.transitiveKeys.filter((key) => tags.some((tag) => tag.key === key)),
});

/** What one call lacks. `lacks` finishes "… when the call"; `demand` finishes "the trust policy must demand". */
export interface Lack {
  readonly lacks: string;
  readonly demand: string;
  readonly of: <T extends RoleCall>(call: T) => T;
}

const ESCALATION = { key: ESCALATION_TAG, value: NO_ESCALATION } as const;

const BEFORE: readonly Lack[] = [
  {
    lacks: "carries no session tags",
    demand: "aws:RequestTag/twokey:principal and aws:RequestTag/twokey:session",
    of: (call) => withTags(call, []),
  },
  otherwise("twokey:principal", "aws:RequestTag/twokey:principal equal to ai-agent"),
  otherwise("twokey:session", "aws:RequestTag/twokey:session like tks-*"),
];

const AFTER: readonly Lack[] = [
  {
    lacks: "sets no source identity",
    demand: "sts:SourceIdentity like tks-*",
    of: (call) => ({ ...call, sourceIdentity: null }),
  },
  {
    lacks: "gives no external id",
    demand: "sts:ExternalId equal to the account's external_id",
    of: (call) => ({ ...call, externalId: null }),
  },
];

/** Another value and not none: a call without the tag cannot make it transitive either, and is refused for that. */
function otherwise(name: string, demand: string): Lack {
  return {
    lacks: `gives the tag ${name} another value`,
    demand,
    of: (call) =>
      withTags(
        call,
        call.tags.map(({ key, value }) => ({ key, value: key === name ? "doctor" : value })),
      ),
  };
}

const WITHOUT_ESCALATION: Lack = {
  lacks: `carries no tag ${ESCALATION.key}`,
  demand: `aws:RequestTag/${ESCALATION.key} like esc-*`,
  of: (call) =>
    withTags(
      call,
      call.tags.filter(({ key }) => key !== ESCALATION.key),
    ),
};

const notTransitive = (name: string): Lack => ({
  lacks: `does not make ${name} transitive`,
  demand: `${name} among sts:TransitiveTagKeys, by a Deny where it is missing`,
  of: (call) => ({ ...call, transitiveKeys: call.transitiveKeys.filter((key) => key !== name) }),
});

const WITH_ESCALATION: Lack = {
  lacks: `carries a tag ${ESCALATION_TAG}, which only the escalated role takes`,
  demand: `that aws:RequestTag/${ESCALATION_TAG} is absent (Null)`,
  of: (call) => ({
    ...call,
    tags: [...call.tags, ESCALATION],
    transitiveKeys: [...call.transitiveKeys, ESCALATION.key],
  }),
};

const OTHER = { key: "twokey-doctor", value: "other" } as const;

const WITH_ANOTHER: Lack = {
  lacks: "carries a tag that is not Twokey's",
  demand: "that aws:TagKeys holds Twokey's keys alone",
  of: (call) => ({ ...call, tags: [...call.tags, OTHER] }),
};

/** In the order they are tried. */
export const lacksOf = (role: RoleName): readonly Lack[] => [
  ...BEFORE,
  notTransitive("twokey:principal"),
  notTransitive("twokey:session"),
  ...AFTER,
  WITH_ANOTHER,
  ...(role === "escalated"
    ? [
        WITHOUT_ESCALATION,
        otherwise(ESCALATION.key, `aws:RequestTag/${ESCALATION.key} like esc-*`),
        notTransitive(ESCALATION.key),
      ]
    : [WITH_ESCALATION]),
];

/** The call as Twokey makes it for a session called `session`. */
export function rightCall(role: RoleName, externalId: string, session: string): RoleCall {
  const tags = [
    { key: "twokey:principal", value: AI_PRINCIPAL },
    { key: "twokey:session", value: session },
    ...(role === "escalated" ? [ESCALATION] : []),
  ];
  return { externalId, sourceIdentity: session, tags, transitiveKeys: tags.map(({ key }) => key) };
}

/** The actions that AWS authorises for one call, each with the condition keys it carries and no others. */
export function actionsOf(
  call: RoleCall,
): readonly { readonly action: string; readonly context: Readonly<Record<string, ContextValue>> }[] {
  const tagging: Record<string, ContextValue> = {
    ...Object.fromEntries(call.tags.map(({ key, value }) => [`aws:RequestTag/${key}`, value])),
    ...(call.tags.length === 0 ? {} : { "aws:TagKeys": call.tags.map(({ key }) => key) }),
    ...(call.transitiveKeys.length === 0 ? {} : { "sts:TransitiveTagKeys": call.transitiveKeys }),
  };
  const naming: Record<string, ContextValue> =
    call.sourceIdentity === null ? {} : { "sts:SourceIdentity": call.sourceIdentity };
  const outside: Record<string, ContextValue> =
    call.externalId === null ? {} : { "sts:ExternalId": call.externalId };
  return [
    {
      action: "sts:AssumeRole",
      context: { ...tagging, ...naming, ...outside, "sts:RoleSessionName": "twokey-doctor" },
    },
    ...(call.tags.length === 0 ? [] : [{ action: "sts:TagSession", context: tagging }]),
    ...(call.sourceIdentity === null ? [] : [{ action: "sts:SetSourceIdentity", context: naming }]),
  ];
}
