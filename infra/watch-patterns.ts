/**
 * What must never happen, as patterns of EventBridge over CloudTrail's events. Pure: plain data in, patterns out. A
 * pattern says who, where the event says who; what it cannot tell apart it matches, since silence is the worse mistake.
 */
import { accountOf, vended, type AiRole } from "./broker-task-role.ts";

export interface WatchedRule {
  readonly name: string;
  readonly says: string;
  readonly pattern: Readonly<Record<string, unknown>>;
}

export interface Watched {
  /** Of this account. */
  readonly aiRoles: readonly AiRole[];
  /** Unique id of the broker's role, `AROA…`: what CloudTrail calls it in other accounts too, and nobody can take again. */
  readonly brokerRoleId: string;
  /** IAM patterns of the guardrails' floor. */
  readonly floor: readonly string[];
  readonly environmentTag: string;
}

/** What every event of CloudTrail comes as. */
const CALLED = { "detail-type": ["AWS API Call via CloudTrail"] };
const CLOUDFORMATION = "cloudformation.amazonaws.com";
/** The one inline policy that the broker writes; see src/adapters/aws/deny-on-role.ts. */
const DENIAL_POLICY = "twokey-frozen-sessions";

/** Its sessions are `AROA…:<session>`. Absent: an AWS service, or a caller CloudTrail does not name. */
const notBy = (roleId: string) => ({
  userIdentity: { principalId: [{ "anything-but": { prefix: `${roleId}:` } }, { exists: false }] },
});

const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);

/** Whoever assumes an AI role and is not the broker; for CloudFormation's own, and is not CloudFormation. */
export function assumedByOthers({ aiRoles, brokerRoleId }: Watched): WatchedRule {
  const vendedArns = vended(aiRoles).map(({ arn }) => arn);
  const service = aiRoles.map(({ arn }) => arn).filter((arn) => !vendedArns.includes(arn));
  const ways = ["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"];
  return {
    name: "role-assumed-by-others",
    says: "An AI role was assumed, or tried, by somebody else than the broker",
    pattern: {
      ...CALLED,
      source: ["aws.sts"],
      detail: {
        eventName: ways,
        $or: [
          { requestParameters: { roleArn: vendedArns }, ...notBy(brokerRoleId) },
          ...(service.length === 0
            ? []
            : [
                {
                  requestParameters: { roleArn: service },
                  userIdentity: { invokedBy: [{ "anything-but": CLOUDFORMATION }, { exists: false }] },
                },
              ]),
        ],
      },
    },
  };
}

const ROLE_CHANGES = [
  "AttachRolePolicy",
  "CreateRole",
  "DeleteRole",
  "DeleteRolePermissionsBoundary",
  "DetachRolePolicy",
  "PutRolePermissionsBoundary",
  "TagRole",
  "UntagRole",
  "UpdateAssumeRolePolicy",
  "UpdateRole",
  "UpdateRoleDescription",
];
const INLINE_CHANGES = ["PutRolePolicy", "DeleteRolePolicy"];
const POLICY_CHANGES = [
  "CreatePolicyVersion",
  "DeletePolicy",
  "DeletePolicyVersion",
  "SetDefaultPolicyVersion",
  "TagPolicy",
  "UntagPolicy",
];

/** Roles and boundaries. Of inline policies only the broker's own denial of frozen sessions, by the broker, is left out. */
export function fenceChanged({ aiRoles, brokerRoleId }: Watched): WatchedRule {
  const roleName = aiRoles.map(({ arn }) => nameOf(arn));
  const policyArn = aiRoles.map(({ boundaryArn }) => boundaryArn);
  const inline = { eventName: INLINE_CHANGES };
  return {
    name: "fence-changed",
    says: "An AI role or its boundary was changed, or somebody tried",
    pattern: {
      ...CALLED,
      source: ["aws.iam"],
      detail: {
        $or: [
          { eventName: ROLE_CHANGES, requestParameters: { roleName } },
          {
            ...inline,
            requestParameters: { roleName, policyName: [{ "anything-but": DENIAL_POLICY }] },
          },
          {
            ...inline,
            requestParameters: { roleName, policyName: [DENIAL_POLICY] },
            ...notBy(brokerRoleId),
          },
          { eventName: POLICY_CHANGES, requestParameters: { policyArn } },
        ],
      },
    },
  };
}

/** Seen in the organisation's management account alone; elsewhere there are no such events. */
export function guardChanged(): WatchedRule {
  return {
    name: "organization-guard-changed",
    says: "A policy of the organisation was changed, or an account moved from under it",
    pattern: {
      ...CALLED,
      source: ["aws.organizations"],
      detail: {
        eventName: [
          "DeletePolicy",
          "DetachPolicy",
          "DisablePolicyType",
          "MoveAccount",
          "RemoveAccountFromOrganization",
          "UpdatePolicy",
        ],
      },
    },
  };
}

/** Whoever switches Watch off is seen by the rule they did not switch off yet. A deployment of Watch is seen too. */
export function watchChanged(): WatchedRule {
  return {
    name: "watch-changed",
    says: "A rule of Watch was changed or taken away, or CloudTrail was stopped",
    pattern: {
      ...CALLED,
      detail: {
        $or: [
          {
            eventSource: ["events.amazonaws.com"],
            eventName: ["DeleteRule", "DisableRule", "PutRule"],
            requestParameters: { name: [{ prefix: RULE_PREFIX }] },
          },
          {
            eventSource: ["events.amazonaws.com"],
            eventName: ["RemoveTargets", "PutTargets"],
            requestParameters: { rule: [{ prefix: RULE_PREFIX }] },
          },
          {
            eventSource: ["cloudtrail.amazonaws.com"],
            eventName: ["DeleteTrail", "PutEventSelectors", "StopLogging", "UpdateTrail"],
          },
        ],
      },
    },
  };
}

/** Of every rule's name. */
export const RULE_PREFIX = "twokey-watch-";

/**
 * The environment tag of a resource that had tags before. `version` counts its changes of tags, so that what is created
 * with its tag does not alarm. The event has the tags as they are now and not as they were, nor who changed them: what
 * becomes known non-production, from production or from no such tag, looks the same, and all of it alarms.
 */
export function environmentChanged({ environmentTag }: Watched): WatchedRule {
  return {
    name: "environment-tag-changed",
    says: "The tag that says what is production was changed on a resource",
    pattern: {
      source: ["aws.tag"],
      "detail-type": ["Tag Change on Resource"],
      detail: {
        "changed-tag-keys": [{ "equals-ignore-case": environmentTag }],
        version: [{ numeric: [">", 1] }, { exists: false }],
      },
    },
  };
}

/** The roles of an account. */
export const rolesOf = (roles: readonly AiRole[], account: string): readonly AiRole[] =>
  roles.filter(({ arn }) => accountOf(arn) === account);
