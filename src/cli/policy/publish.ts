/**
 * `twokey policy publish`: shows what would be created and removed in IAM, asks, and does it. The only verb of
 * `twokey policy` that talks to AWS.
 */
import { Command } from "commander";
import type { Left, PublishPlan } from "../../policy/publish.ts";
import type { ServedPolicy } from "../../policy/serve.ts";
import type { OpenPublisher, Published, PublishFault } from "../../wire/publish.ts";
import { refuse } from "./open-template.ts";

interface PublishOptions {
  readonly account?: string;
  readonly folder: string;
  readonly dryRun?: true;
  readonly yes?: true;
  readonly endpointUrl?: string;
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: true;
}

const HELP = `
Makes the managed policies that sessions in the split form refer to, and the guardrails for the AI roles, all under
/twokey/ and named by the hash of their document. A policy is created, kept or removed, never changed. Removed is
only what Twokey made, nothing is attached to, and neither the set nor a session of the record that may still live
refers to. Policies of others are never touched.

The credentials are those of the AWS SDK's default chain; their account is the one published to. Needs
iam:CreatePolicy, iam:DeletePolicy, iam:GetPolicy, iam:GetPolicyVersion and iam:ListPolicies.

Examples:
  twokey policy publish --dry-run
  AWS_PROFILE=production twokey policy publish --account 111122223333 --yes

Exit code: 0 published, or nothing to do; 1 refused or failed; 2 wrong usage.`;

export function publishCommand(): Command {
  return new Command("publish")
    .description("publish the managed policies that a policy folder needs, into one AWS account")
    .option("--account <id>", "refuse unless the credentials belong to this account")
    .option("--folder <folder>", "the policy folder", "policies")
    .option("--dry-run", "show what would be done, and do nothing")
    .option("--yes", "do not ask")
    .option("--endpoint-url <url>", "URL called instead of AWS")
    .option("--data-dir <folder>", "folder of the embedded record, which no broker may have open")
    .option("--config <file>", "the broker's configuration file, for the record; its environment counts too")
    .option("--json", "print the result as JSON; needs --yes or --dry-run")
    .addHelpText("after", HELP)
    .action(run);
}

async function run(options: PublishOptions): Promise<void> {
  const { loadConfig } = await import("../../config.ts");
  const flags = { config: options.config, "data-dir": options.dataDir };
  const config = loadConfig({ flags, env: process.env, cwd: process.cwd() });
  if (!config.ok) return void refuse(config.error, options.json);
  const { loadPolicy } = await import("../../wire/tools.ts");
  const policy = await loadPolicy(options.folder);
  if (!policy.ok) return void refuse(policy.error, options.json);
  const { openPublisher } = await import("../../wire/publish.ts");
  const publisher = await openPublisher({
    region: regionOf(policy.value, options.account),
    endpoint: options.endpointUrl ?? null,
    credentials: null,
    record: config.value.store,
  });
  try {
    await publish(publisher, policy.value, options);
  } finally {
    await publisher.close();
  }
}

/** Of the account that is meant; the partition's IAM and STS are reached from any of its regions. */
function regionOf({ set }: ServedPolicy, account: string | undefined): string {
  const chosen = set.accounts.find(({ id }) => id === account) ?? set.accounts[0];
  return chosen?.region ?? "us-east-1";
}

async function publish(
  publisher: OpenPublisher,
  policy: ServedPolicy,
  options: PublishOptions,
): Promise<void> {
  const planned = await publisher.plan(policy, options.account ?? null);
  if (!planned.ok) return void refuse([faultText(planned.error)], options.json);
  const plan = planned.value;
  if (options.json !== true) process.stdout.write(planText(plan, publisher.withoutRecord));
  const done = await perform(publisher, plan, options);
  if (options.json === true) process.stdout.write(`${asJson(plan, publisher.withoutRecord, done)}\n`);
  else if (done !== null) process.stdout.write(doneText(done));
}

/** What was done; null where nothing was, with exit code 1 where it should have been. */
async function perform(
  publisher: OpenPublisher,
  plan: PublishPlan,
  options: PublishOptions,
): Promise<Published | null> {
  if (plan.altered.length > 0) {
    process.exitCode = 1;
    return null;
  }
  if (options.dryRun === true || plan.create.length + plan.remove.length === 0) return null;
  if (options.yes !== true && !(await agreed(options))) {
    process.exitCode = 1;
    return null;
  }
  return publisher.carryOut(plan);
}

async function agreed({ json }: PublishOptions): Promise<boolean> {
  if (json === true || !process.stdin.isTTY) {
    process.stderr.write("twokey: nothing was changed; add --yes, or --dry-run to only look\n");
    return false;
  }
  const { createInterface } = await import("node:readline/promises");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question("Do this? [y/N] ");
  terminal.close();
  return /^y(?:es)?$/i.test(answer.trim());
}

function faultText(fault: PublishFault): string {
  switch (fault.reason) {
    case "other_account":
      return `these credentials belong to account ${fault.actual}, not ${fault.wanted}`;
    case "unknown_account":
      return `these credentials belong to account ${fault.actual}, which accounts.yaml does not have`;
  }
}

const WHY_LEFT: Readonly<Record<Left, string>> = {
  not_ours: "not made by Twokey",
  attached: "attached",
  live_session: "a session may still live that refers to it",
  record_unread: "the record was not read",
};

function planText(plan: PublishPlan, withoutRecord: string | null): string {
  const lines = [
    `Account ${plan.account}`,
    ...plan.create.map(({ arn, text }) => `  + ${arn} (${text.length} characters)`),
    ...plan.remove.map((arn) => `  - ${arn}`),
    ...plan.altered.map((arn) => `  ! ${arn}: not the document it is named for. Find out who changed it`),
    ...plan.left.map(({ arn, why }) => `    ${arn} stays: ${WHY_LEFT[why]}`),
    `${plan.create.length} to create, ${plan.remove.length} to remove, ${plan.keep.length} there already`,
    ...(withoutRecord === null
      ? []
      : [`Nothing is removed without the record of sessions: ${withoutRecord}`]),
  ];
  return `${lines.join("\n")}\n`;
}

function doneText({ created, removed, keptInUse }: Published): string {
  const kept = keptInUse.length === 0 ? "" : `, ${keptInUse.length} came into use and stay`;
  return `Created ${created.length}, removed ${removed.length}${kept}\n`;
}

function asJson(plan: PublishPlan, withoutRecord: string | null, done: Published | null): string {
  const result = {
    ok: plan.altered.length === 0 && process.exitCode !== 1,
    account: plan.account,
    create: plan.create.map(({ arn }) => arn),
    keep: plan.keep,
    remove: plan.remove,
    left: plan.left,
    altered: plan.altered,
    without_record: withoutRecord,
    done:
      done === null ? null : { created: done.created, removed: done.removed, kept_in_use: done.keptInUse },
  };
  return JSON.stringify(result, null, 2);
}
