/**
 * What doctor finds about the AI roles of the broker's own account, and about the roles CloudFormation acts with:
 *
 *   who the broker is as a role or user → the roles as they must be → each as IAM has it → its policies → what they say
 *
 * IAM takes a role's name and looks in the caller's account alone, so of other accounts nothing is read here.
 */
import { aiRoles, type AiRole } from "../../policy/ai-roles.ts";
import { roleNameOf, saidBy, type Caller, type RoleSeen, type Unread } from "../../policy/doctor/aws.ts";
import { roleOfCaller } from "../../policy/doctor/caller.ts";
import { bad, good, odd, type CheckId, type Finding, type Subject } from "../../policy/doctor/finding.ts";
import { fixFor } from "../../policy/doctor/needs.ts";
import {
  judgeBoundary,
  judgeBoundaryDocument,
  judgeMaxSession,
  judgePermissions,
  judgeRoleTags,
} from "../../policy/doctor/role.ts";
import { judgeServiceTrust } from "../../policy/doctor/service-trust.ts";
import { judgeTrust } from "../../policy/doctor/trust.ts";
import type { Account } from "../../policy/set.ts";
import { err, ok, type Result } from "../../result.ts";

import { DENIAL_POLICY } from "../../session/denial.ts";
import type { Doctor } from "./ports.ts";

/** The IAM role or user behind the broker's credentials. `err`: why it is not known. */
export async function brokerArn(
  doctor: Doctor,
  account: Account,
  caller: Caller,
): Promise<Result<string, Unread>> {
  const role = roleOfCaller(caller);
  if (role === null) return ok(caller.arn);
  // The session's ARN leaves out the role's path.
  const seen = await doctor.aws.role(account.region, role);
  if (!seen.ok) return seen;
  return seen.value === null
    ? err({ action: "iam:GetRole", code: "NoSuchEntity", message: `no role ${role}` })
    : ok(seen.value.arn);
}

/** The roles as they must be; null where that cannot be told, with the findings that say why. */
export async function* expectedRoles(
  doctor: Doctor,
  account: Account,
  broker: string,
): AsyncGenerator<Finding, readonly AiRole[] | null> {
  const expected = aiRoles(doctor.policy, account, broker);
  if (expected.ok) return expected.value;
  for (const { role, message, fix } of expected.error)
    yield bad("expected_roles", { account: account.id, role }, message, fix);
  return null;
}

export async function* theRoles(
  doctor: Doctor,
  account: Account,
  { broker, roles }: { readonly broker: string; readonly roles: readonly AiRole[] },
): AsyncGenerator<Finding> {
  for (const role of roles) yield* theRole(doctor, account, broker, role);
  const known = new Set(roles.map(({ arn }) => arn));
  const own = Object.entries(account.serviceRoles).filter(([, arn]) => !known.has(arn));
  for (const [environment, arn] of new Map(own.map((pair) => [pair[1], pair])).values())
    yield* ownServiceRole(doctor, account, environment, arn);
}

async function* theRole(
  doctor: Doctor,
  account: Account,
  broker: string,
  expected: AiRole,
): AsyncGenerator<Finding> {
  const subject = { account: account.id, role: expected.name };
  const seen = await readRole(doctor, account, expected.arn);
  if (!seen.ok) {
    yield missing("role", subject, expected.arn, seen.error, "deploy the AI roles");
    return;
  }
  yield good("role", subject, `${expected.arn} is there`);
  yield expected.name === "stack_service"
    ? judgeServiceTrust({
        ...{ id: "trust", subject, account, roleArn: expected.arn },
        ...{ seen: seen.value.trust, expected: expected.trust },
      })
    : judgeTrust({
        ...{ account, role: expected.name, roleArn: expected.arn, brokerArn: broker },
        ...{ seen: seen.value.trust, expected: expected.trust },
      });
  yield judgeBoundary(subject, expected, seen.value);
  yield* policies(doctor, account, expected);
  yield judgeMaxSession(subject, expected, seen.value);
  yield judgeRoleTags(subject, expected, seen.value);
}

async function* policies(doctor: Doctor, account: Account, expected: AiRole): AsyncGenerator<Finding> {
  const { boundary, arn } = expected;
  const subject = { account: account.id, role: expected.name };
  const document = await doctor.aws.managedPolicy(account.region, boundary.arn);
  yield document.ok
    ? judgeBoundaryDocument(subject, expected, document.value)
    : unread("boundary_current", subject, document.error, boundary.arn);
  const held = await doctor.aws.policiesOf(account.region, roleNameOf(arn));
  yield held.ok
    ? judgePermissions(subject, expected, held.value, DENIAL_POLICY)
    : unread("permissions", subject, held.error, arn);
}

async function* ownServiceRole(
  doctor: Doctor,
  account: Account,
  environment: string,
  arn: string,
): AsyncGenerator<Finding> {
  const id = "service_role";
  const subject = { account: account.id, role: environment };
  const seen = await readRole(doctor, account, arn);
  yield seen.ok
    ? judgeServiceTrust({ id, subject, account, roleArn: arn, seen: seen.value.trust, expected: null })
    : missing(
        id,
        subject,
        arn,
        seen.error,
        `make the role, or correct service_roles.${environment} in accounts.yaml`,
      );
}

/** `err`: what AWS answered, or the ARN of the role that bears the name instead; null: nobody bears it. */
async function readRole(
  { aws }: Doctor,
  { region }: Account,
  arn: string,
): Promise<Result<RoleSeen, Unread | string | null>> {
  const seen = await aws.role(region, roleNameOf(arn));
  if (!seen.ok) return seen;
  if (seen.value === null) return err(null);
  return seen.value.arn === arn ? ok(seen.value) : err(seen.value.arn);
}

function missing(
  id: CheckId,
  subject: Subject,
  arn: string,
  why: Unread | string | null,
  fix: string,
): Finding {
  if (why === null) return bad(id, subject, `there is no role ${arn}`, fix);
  return typeof why === "string"
    ? bad(id, subject, `there is no role ${arn}; ${why} bears its name`, fix)
    : unread(id, subject, why, arn);
}

/** Nothing is known of what bounds the AI's sessions: that is no warning. */
const unread = (id: CheckId, subject: Subject, why: Unread, resource: string): Finding =>
  bad(id, subject, `not checked: ${saidBy(why)}`, fixFor(why, resource));

/** Every check of this page, for an account whose IAM the broker cannot read. */
export function notOurAccount(account: Account, caller: Caller | null): readonly Finding[] {
  const why =
    caller === null ? "AWS does not say who the broker is" : `the broker is of account ${caller.account}`;
  const fix =
    caller === null
      ? "see the findings about the broker"
      : "run doctor with the credentials of a broker of this account, or look at its roles in IAM";
  const checks = {
    role: "the AI roles",
    revocation: "denying frozen sessions",
    published: "published policies",
  };
  return (["role", "revocation", "published"] as const).map((id) =>
    odd(id, { account: account.id, role: null }, `${checks[id]}: not checked, as ${why}`, fix),
  );
}
