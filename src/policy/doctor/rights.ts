/**
 * What the broker itself may do in IAM, asked of IAM's simulator and never tried: it must be able to deny frozen sessions
 * on the AI roles, and must be able to do nothing to any other role, nor to what bounds the AI roles. Whoever takes the
 * broker over has its rights.
 */
import type { Result } from "../../result.ts";
import type { AiRole } from "../ai-roles.ts";
import type { Account } from "../set.ts";
import { saidBy, type SimulatedAnswer, type Simulation, type Unread } from "./aws.ts";
import { bad, good, odd, type CheckId, type Finding, type Subject } from "./finding.ts";
import { fixFor } from "./needs.ts";

type Answers = Result<readonly SimulatedAnswer[], Unread>;

/** One question to the simulator, on one resource. */
export interface RightQuestion {
  readonly broker: string;
  readonly actions: readonly string[];
  readonly resource: string;
  readonly boundary: string | null;
}

export const asSimulation = ({ broker, actions, resource, boundary }: RightQuestion): Simulation => ({
  of: { principal: broker },
  actions,
  resource,
  context: boundary === null ? {} : { "iam:PermissionsBoundary": boundary },
});

/** A role that nobody has: what may be done to it may be done to any. */
export function anyOtherRole({ id, roles }: Account): string {
  return `arn:${roles.observer.split(":")[1] ?? "aws"}:iam::${id}:role/twokey-doctor-other`;
}

/** What would let whoever has the broker widen a role. */
const WIDENING = [
  "iam:AttachRolePolicy",
  "iam:UpdateAssumeRolePolicy",
  "iam:PutRolePermissionsBoundary",
  "iam:DeleteRolePermissionsBoundary",
] as const;

export const REVOKING = ["iam:GetRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy"] as const;

export const assumesOthers = (broker: string, account: Account): RightQuestion => ({
  ...{ broker, actions: ["sts:AssumeRole"], resource: anyOtherRole(account) },
  boundary: null,
});

export const writesOthers = (broker: string, account: Account): RightQuestion => ({
  ...{
    broker,
    actions: ["iam:PutRolePolicy", ...WIDENING, "iam:CreateRole"],
    resource: anyOtherRole(account),
  },
  boundary: null,
});

/** On one AI role: everything but what a freeze takes, on the role and on what bounds it. */
export const widens = (broker: string, role: AiRole): readonly RightQuestion[] => [
  { broker, actions: WIDENING, resource: role.arn, boundary: role.boundary.arn },
  {
    ...{ broker, actions: ["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion"] },
    ...{ resource: role.boundary.arn, boundary: null },
  },
];

export const revokes = (broker: string, role: AiRole): RightQuestion => ({
  ...{ broker, actions: REVOKING, resource: role.arn, boundary: role.boundary.arn },
});

/** The same without the boundary on the role. */
export const writesUnbounded = (broker: string, role: AiRole): RightQuestion => ({
  ...{ broker, actions: ["iam:PutRolePolicy"], resource: role.arn, boundary: null },
});

const allowedIn = (answers: readonly SimulatedAnswer[]): readonly string[] =>
  answers.filter(({ decision }) => decision === "allowed").map(({ action }) => action);

const unasked = (id: CheckId, subject: Subject, unread: Unread, broker: string): Finding =>
  odd(id, subject, `not checked: ${saidBy(unread)}`, fixFor(unread, broker));

export function judgeAssumes(subject: Subject, question: RightQuestion, answers: Answers): Finding {
  const id = "broker_assumes";
  if (!answers.ok) return unasked(id, subject, answers.error, question.broker);
  return allowedIn(answers.value).length > 0
    ? bad(
        id,
        subject,
        `${question.broker} may assume other roles than the AI roles`,
        "allow it sts:AssumeRole, sts:TagSession and sts:SetSourceIdentity on the AI roles of accounts.yaml and on nothing else",
      )
    : good(id, subject, "the broker may assume no role but those it is allowed by name");
}

/** `asked`: each question with its answers. */
export function judgeWrites(
  subject: Subject,
  asked: readonly { readonly question: RightQuestion; readonly answers: Answers }[],
): Finding {
  const id = "broker_writes";
  const open = asked.flatMap(({ question, answers }) =>
    answers.ok ? allowedIn(answers.value).map((action) => `${action} on ${question.resource}`) : [],
  );
  if (open.length > 0)
    return bad(
      id,
      subject,
      `the broker may change what bounds it: ${open.join(", ")}`,
      `allow it ${REVOKING.join(", ")} on the AI roles, and no other writing call of IAM`,
    );
  for (const { question, answers } of asked)
    if (!answers.ok) return unasked(id, subject, answers.error, question.broker);
  return good(
    id,
    subject,
    "the broker may write to no other role, and to the AI roles nothing but their frozen sessions",
  );
}

/** `bounded`: with the boundary on the role, `unbounded`: without. */
export function judgeRevocation(
  subject: Subject,
  question: RightQuestion,
  { bounded, unbounded }: { readonly bounded: Answers; readonly unbounded: Answers },
): Finding {
  const id = "revocation";
  if (!bounded.ok) return unasked(id, subject, bounded.error, question.broker);
  const allowed = allowedIn(bounded.value);
  const missing = question.actions.filter((action) => !allowed.includes(action));
  if (missing.length > 0)
    return bad(
      id,
      subject,
      `frozen sessions of the role cannot be denied: the broker may not ${missing.join(", ")}`,
      `allow the broker ${JSON.stringify({ Effect: "Allow", Action: question.actions, Resource: question.resource })}`,
    );
  if (unbounded.ok && allowedIn(unbounded.value).length > 0)
    return odd(
      id,
      subject,
      "frozen sessions can be denied, and the broker may put a policy on the role without its boundary too",
      `add the condition StringEquals iam:PermissionsBoundary ${question.boundary ?? ""} to what allows it iam:PutRolePolicy`,
    );
  return good(id, subject, "frozen sessions of the role can be denied");
}

/** What no AI session may do, whoever approves: an SCP for AI sessions denies it. */
export const SCP_PROBE = "iam:CreateUser";

export const scpQuestion = (role: AiRole, account: Account): Simulation => ({
  of: { principal: role.arn },
  actions: [SCP_PROBE],
  resource: `arn:${role.arn.split(":")[1] ?? "aws"}:iam::${account.id}:user/twokey-doctor`,
  context: { "aws:PrincipalTag/twokey:principal": "ai-agent" },
});

/** IAM's simulator leaves out service control policies that have conditions, so only a `no` is certain. */
export function judgeScp(subject: Subject, role: AiRole, answers: Answers): Finding {
  const id = "scp";
  const look =
    "look in the management account which SCPs are on this account; Twokey's is not seen from here";
  if (!answers.ok)
    return odd(id, subject, `not visible: ${saidBy(answers.error)}`, fixFor(answers.error, role.arn));
  const organisation = answers.value[0]?.allowedByOrganisation ?? null;
  if (organisation === false) return good(id, subject, `the organisation denies AI sessions ${SCP_PROBE}`);
  return odd(
    id,
    subject,
    organisation === null
      ? "not visible: IAM tells of no organisation for this account"
      : `not visible: IAM sees no SCP that denies AI sessions ${SCP_PROBE}, and it leaves out those with conditions`,
    look,
  );
}
