/** The organisation as `infra/` describes it, from the shipped policy set, for the tests of its layers. */
import { aiRoles, type AiRole } from "../../src/policy/ai-roles.ts";
import { organizationGuard, type OrganizationGuard } from "../../src/policy/organization-guard.ts";
import type { PolicyDocument } from "../../src/policy/iam/types.ts";
import type { TemplateRole } from "../../src/policy/set.ts";
import { accounts, served } from "../prove/set.ts";

const [first] = accounts;
if (first === undefined) throw new Error("the shipped set has no account");
export const account = first;
export const BROKER = `arn:aws:iam::${account.id}:user/twokey-broker`;
export const DEPLOYER = `arn:aws:iam::${account.id}:role/cdk-hnb659fds-cfn-exec-role-${account.id}-us-east-1`;

const roles = aiRoles(served, account, BROKER);
if (!roles.ok) throw new Error(JSON.stringify(roles.error));
export const ROLES: readonly AiRole[] = roles.value;

export function roleFor(name: TemplateRole): AiRole {
  const found = ROLES.find((role) => role.name === name);
  if (found === undefined) throw new Error(`no role ${name}`);
  return found;
}

const guard = organizationGuard(served, {
  brokers: [BROKER],
  deployers: ["arn:aws:iam::*:role/cdk-*-cfn-exec-role-*"],
});
if (!guard.ok) throw new Error(JSON.stringify(guard.error));
export const GUARD: OrganizationGuard = guard.value;

/** What AWS attaches beside them: without an Allow at a level nothing is allowed. */
export const FULL_ACCESS: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
};
