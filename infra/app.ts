/**
 * The CDK app: `npx cdk synth` writes every stack as a plain CloudFormation template into cdk.out, offline. What differs
 * from account to account is a parameter of its stack; what changes the stacks' shape is context (context.ts).
 */
import { Validations, type App } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { aiRoles } from "../src/policy/ai-roles.ts";
import type { ServedPolicy } from "../src/policy/serve.ts";
import { AccountRolesStack } from "./account-roles-stack.ts";
import { BrokerDataStack } from "./broker-data-stack.ts";
import { BrokerServiceStack } from "./broker-service-stack.ts";
import type { AiRole } from "./broker-task-role.ts";
import { readContext, type Context } from "./context.ts";
import { OrganizationGuardStack } from "./organization-guard-stack.ts";
import { ANY_BROKER } from "./placeholders.ts";
import { plainApp } from "./plain-app.ts";
import { readPolicySet } from "./policy-set.ts";
import { WatchStack } from "./watch-stack.ts";

const app = plainApp();
const context = readContext(app);
const served = await readPolicySet(context.policies);

for (const account of served.set.accounts)
  new AccountRolesStack(app, `TwokeyAccountRoles-${account.name}`, { served, account });
new OrganizationGuardStack(app, "TwokeyOrganizationGuard", { served, deployers: context.deployers });
if (context.watch !== null) watch(app, context.watch);
if (context.broker !== null) broker(app, context.broker);

// A finding ends the synthesis; each that does not apply is acknowledged where it arises, with its reason.
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }));

function watch(scope: App, said: NonNullable<Context["watch"]>): void {
  const { guardrails } = served.set;
  for (const env of said.places)
    new WatchStack(scope, `TwokeyWatch-${env.account}-${env.region}`, {
      env,
      aiRoles: everyRole(served),
      brokerRoleId: said.broker_role_id,
      floor: guardrails.floor,
      environmentTag: guardrails.environmentTag,
      relayAccount: context.broker?.account ?? null,
    });
}

function broker(scope: App, said: NonNullable<Context["broker"]>): void {
  const env = { account: said.account, region: said.region };
  const data = new BrokerDataStack(scope, "TwokeyBrokerData", {
    env,
    network: { cidr: said.cidr, internetEgress: said.internet_egress },
    databaseCapacity: said.database_capacity,
    auditRetentionDays: said.audit_retention_days,
    aiRoles: everyRole(served),
  });
  new BrokerServiceStack(scope, "TwokeyBroker", {
    env,
    data,
    imageUri: said.image,
    publicUrl: said.public_url,
    certificateArn: said.certificate,
    clientCidrs: said.client_cidrs,
    tasks: said.tasks,
    settings: said.settings,
    secretSettings: said.secret_settings,
    watchTopicArns: said.watch_topics,
  });
}

function everyRole(policy: ServedPolicy): readonly AiRole[] {
  return policy.set.accounts.flatMap((account) => {
    const roles = aiRoles(policy, account, ANY_BROKER);
    if (!roles.ok) throw new Error(roles.error.map(({ message, fix }) => `${message}; ${fix}`).join("\n"));
    return roles.value.map(({ name, arn, boundary }) => ({ name, arn, boundaryArn: boundary.arn }));
  });
}
