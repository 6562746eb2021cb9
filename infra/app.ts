/**
 * The CDK app: `npx cdk synth` writes every stack as a plain CloudFormation template into cdk.out, offline. What only
 * the deployment knows is a parameter of its stack; what changes their shape is context (cdk.json, or `-c name=value`).
 */
import { Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { AccountRolesStack } from "./account-roles-stack.ts";
import { OrganizationGuardStack } from "./organization-guard-stack.ts";
import { plainApp } from "./plain-app.ts";
import { readPolicySet } from "./policy-set.ts";

const app = plainApp();
const served = await readPolicySet(String(app.node.getContext("twokey:policies")));

for (const account of served.set.accounts)
  new AccountRolesStack(app, `TwokeyAccountRoles-${account.name}`, { served, account });
new OrganizationGuardStack(app, "TwokeyOrganizationGuard", {
  served,
  deployers: app.node.getContext("twokey:deployers") as readonly string[],
});

// A finding ends the synthesis; each that does not apply is acknowledged where it arises, with its reason.
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));
