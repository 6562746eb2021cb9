/**
 * `twokey demo`: broker, store and a local AWS on loopback, and the incident of December 2025 replayed by an agent
 * that can do its work and cannot delete production. Needs no AWS account and reads no credential of its user.
 */
import { Command } from "commander";
import { rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { StoredEntry } from "../audit/entry.ts";
import { writePrivateFile } from "../client/private-file.ts";
import { invitationLink } from "./demo/approver.ts";
import { replay, type Step } from "./demo/replay.ts";
import { AGENT, setUp, type EndpointFiles, type Stand } from "./demo/stand.ts";
import { APPROVERS, peopleAtThePage, softwarePeople, twoKeys } from "./demo/two-keys.ts";

interface DemoOptions {
  readonly once?: true;
  readonly json?: true;
  readonly serve?: true;
}

export function demoCommand(): Command {
  return new Command("demo")
    .description("replay the incident against a local AWS, then take two keys to production, yours to turn")
    .option("--once", "turn the keys by software and end; exit 0 only if every step ended as it should")
    .option("--json", "print the steps and the audit entries as JSON")
    .option("--serve", "skip the replay")
    .addHelpText(
      "after",
      "\nWrites .twokey/demo.env below this folder; source it to point your own AWS tools here. At its end it leaves in\n" +
        ".twokey/cloudtrail.json what its AWS saw, for twokey audit reconcile.",
    )
    .action(async (options: DemoOptions, self: Command) => {
      if (options.once && options.serve)
        self.error("twokey: --once and --serve exclude each other", { exitCode: 2 });
      process.exitCode = await demo(options);
    });
}

async function demo(options: DemoOptions): Promise<number> {
  // The SDK's notice about a later release's Node is for whoever runs the broker, not for a first look.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  const home = resolve(".twokey");
  const stand = await setUp(join(home, "demo"));
  const envFile = join(home, "demo.env");
  const trailFile = join(home, "cloudtrail.json");
  await rm(trailFile, { force: true });
  try {
    return await run(options, stand, envFile);
  } finally {
    await rm(envFile, { force: true });
    // Not before: CloudTrail's last event is of the demo's last call.
    const written = writePrivateFile(trailFile, stand.aws.state.cloudTrailFile());
    if (!written.ok) process.stderr.write(`twokey: ${written.error}\n`);
    await stand.close();
  }
}

async function run(options: DemoOptions, stand: Stand, envFile: string): Promise<number> {
  const steps: Step[] = [];
  const play = async (part: AsyncGenerator<Step>): Promise<void> => {
    for await (const step of part) {
      steps.push(step);
      if (!options.json) say(narrate(step, steps.length));
    }
  };
  if (!options.serve) {
    if (!options.json) say(opening(stand));
    await play(replay(stand));
  }
  if (options.once) {
    await play(twoKeys(stand, softwarePeople(stand)));
    const entries = await stand.broker.audit.entries({ from: 0, limit: 200 });
    say(options.json ? JSON.stringify({ steps, audit: entries }, null, 2) : record(entries));
    return verdict(steps);
  }
  const agent = await stand.agent("staging-deploy", "destroy", "whatever you try by hand");
  const stopped = untilSignal();
  const written = writePrivateFile(envFile, environment(stand, agent));
  if (!written.ok) throw new Error(written.error);
  if (!options.json) say(await hint(stand));
  if (!options.serve) await Promise.race([play(twoKeys(stand, peopleAtThePage(stand))), stopped]);
  if (options.json) {
    const entries = await stand.broker.audit.entries({ from: 0, limit: 200 });
    say(JSON.stringify({ steps, audit: entries }, null, 2));
  }
  await stopped;
  return verdict(steps);
}

const verdict = (steps: readonly Step[]): number => (steps.every(({ ok }) => ok) ? 0 : 1);

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const colour = (code: number, text: string): string =>
  process.stdout.isTTY && process.env["NO_COLOR"] === undefined ? `\u001b[${code}m${text}\u001b[0m` : text;

function opening({ account }: Stand): string {
  return `
Twokey: AWS credentials for AI agents. Production takes two keys.

Account ${account.id} (${account.region}, a local AWS) has three stacks:
  orders-production   environment=production
  orders-staging      environment=staging
  orders-untagged     no tag, so it counts as production
Orders are processed twice. The agent ${AGENT} is asked to see to it. It holds no human's credentials: its AWS SDK
gets 15-minute sessions from Twokey. The roles behind them may do everything; the session policy decides.
`;
}

function narrate({ title, template, expected, answer, ok }: Step, number: number): string {
  const sign = ok ? colour(32, "✓") : colour(31, "✗");
  const wanted = expected === "works" ? "should work" : "must be refused";
  const said = answer.replaceAll("\n", "\n     ");
  return `${sign} ${number}. ${colour(1, title)}\n     ${colour(2, `${template} session, ${wanted}`)}\n     ${said}\n`;
}

function record(entries: readonly StoredEntry[]): string {
  const lines = entries.map(({ index, kind, agent, owner, person, session, escalation }) =>
    [
      String(index).padStart(3),
      kind.padEnd(20),
      (person ?? agent ?? "-").padEnd(17),
      (owner ?? "-").padEnd(12),
      session ?? escalation ?? "-",
    ].join("  "),
  );
  const head = [
    "  #",
    "entry".padEnd(20),
    "who".padEnd(17),
    "owner".padEnd(12),
    "session or escalation",
  ].join("  ");
  return `${colour(1, "What the audit log holds:")}\n${head}\n${lines.join("\n")}\n`;
}

/**
 * For `source`. A person's own keys and profiles come before a container's in every SDK, so they are put out of
 * reach here: the demo must never run with them.
 */
function environment(
  { awsUrl, account, broker, operatorTokenFile }: Stand,
  { url, tokenFile }: EndpointFiles,
): string {
  const variables = {
    AWS_ENDPOINT_URL: awsUrl,
    AWS_REGION: account.region,
    AWS_DEFAULT_REGION: account.region,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: url,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
    AWS_SHARED_CREDENTIALS_FILE: "/dev/null",
    AWS_CONFIG_FILE: "/dev/null",
    AWS_EC2_METADATA_DISABLED: "true",
    TWOKEY_URL: broker.url,
    TWOKEY_OPERATOR_TOKEN_FILE: operatorTokenFile,
  };
  const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
  return [
    "# Points AWS tools in this shell at the Twokey demo, with an AI session and none of your own credentials.",
    "unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE",
    "unset AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_WEB_IDENTITY_TOKEN_FILE AWS_ROLE_ARN",
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
    "",
  ].join("\n");
}

async function hint({ broker, awsUrl }: Stand): Promise<string> {
  const links = [];
  for (const person of APPROVERS)
    links.push(`  ${person.padEnd(18)} ${await invitationLink(broker, person)}`);
  return `Broker    ${broker.url}   (its API: ${broker.url}/docs)
Local AWS ${awsUrl}

Now the agent asks for two keys. Be both people: open each link once, the second in a private window (a browser is one
person), make a passkey, and decide on the page. The demo waits for you and goes on.
${links.join("\n")}

Try it with your own tools, in another shell in this folder:
  source .twokey/demo.env
  aws cloudformation describe-stacks --query 'Stacks[].StackName'
  aws cloudformation delete-stack --stack-name orders-production   # AccessDenied
  aws cloudformation delete-stack --stack-name orders-untagged     # AccessDenied
  aws cloudformation delete-stack --stack-name orders-staging      # works
  twokey freeze agent ${AGENT}                              # and then no more

Ctrl-C ends it. What its AWS saw is then in .twokey/cloudtrail.json, to hold against the record:
  twokey audit reconcile --cloudtrail .twokey/cloudtrail.json --data-dir .twokey/demo/data --policies .twokey/demo/policies
`;
}

function untilSignal(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => {
        done();
      });
  });
}
