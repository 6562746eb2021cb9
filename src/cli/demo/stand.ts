/**
 * Sets the demo up: local AWS, policy set with one enrolled agent, broker, and the agent's loopback endpoints.
 * Everything it writes is below one folder that only its user can read.
 */
import { randomBytes } from "node:crypto";
import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { brokerAccess, startAgent } from "../../client/agent.ts";
import type { BrokerAccess } from "../../client/authenticated-call.ts";
import { readSettings } from "../../client/settings.ts";
import { loadConfig } from "../../config.ts";
import type { LocalAws } from "../../local-aws/server.ts";
import type { Account } from "../../policy/set.ts";
import { startBroker, type RunningBroker } from "../../wire.ts";
import { loadPolicy, localAws, lockFolder } from "../../wire/tools.ts";
import { createKey } from "../agent-key.ts";
import { shippedPolicies } from "../init.ts";
import { demoAccount } from "./world.ts";

export const AGENT = "orders-agent";
export const OWNER = "orders-lead";
const AUDIENCE = "https://twokey.example.com";

export interface Stand {
  readonly aws: LocalAws;
  readonly awsUrl: string;
  readonly broker: RunningBroker;
  readonly account: Account;
  /** The operators' token, with which the kill switch is tried. */
  readonly operatorTokenFile: string;
  /** The broker as the agent asks it. */
  readonly access: BrokerAccess;
  /** Starts the agent's endpoint for a template: what `twokey agent serve` does. */
  readonly agent: (template: string, intent: string, task: string) => Promise<EndpointFiles>;
  readonly close: () => Promise<void>;
}

export interface EndpointFiles {
  readonly url: string;
  readonly tokenFile: string;
  readonly may: string;
}

/**
 * `folder` is emptied, unless another demo has it. Throws with a readable message when a part does not start, and
 * then leaves nothing running.
 */
export async function setUp(folder: string): Promise<Stand> {
  const closers = [await claim(folder)];
  const close = async (): Promise<void> => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  try {
    return await start(folder, closers, close);
  } catch (error) {
    await close();
    throw error;
  }
}

export type Close = () => void | Promise<void>;

/** Locked before anything is removed: a second demo must not pull the first one's files from under it. */
async function claim(folder: string): Promise<Close> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  let release: Close;
  try {
    release = lockFolder(folder);
  } catch (error) {
    const why = error instanceof Error ? error.message : "";
    throw new Error(
      `a demo runs in this folder already; end it, or start this one in another folder (${why})`,
      { cause: error },
    );
  }
  const left = (await readdir(folder)).filter((name) => name !== LOCK);
  for (const name of left) await rm(join(folder, name), { recursive: true, force: true });
  return release;
}

/** What lockFolder writes. */
const LOCK = "owner.lock";

async function start(folder: string, closers: Close[], close: () => Promise<void>): Promise<Stand> {
  const keyFile = join(folder, `${AGENT}.key.json`);
  const policies = join(folder, "policies");
  await writePolicies(policies, keyFile);

  const account = await firstAccount(policies);
  const brokerKey = {
    accessKeyId: `AKIA${randomBytes(8).toString("hex").toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString("base64url"),
  };
  const aws = await localAws({ accounts: [demoAccount(account, brokerKey)], region: account.region });
  const { url: awsUrl } = await aws.listen();
  closers.push(() => aws.close());
  return standOn({ folder, policies, keyFile, account, aws, awsUrl, brokerKey }, closers, close);
}

async function firstAccount(policies: string): Promise<Account> {
  const policy = await loadPolicy(policies);
  if (!policy.ok) throw new Error(`the demo's policy set has faults:\n${policy.error.join("\n")}`);
  const [account] = policy.value.set.accounts;
  if (account === undefined) throw new Error("accounts.yaml names no account");
  return account;
}

/** An AWS that runs, whoever made the roles in it, and where the demo's files are. */
export interface Ground {
  readonly folder: string;
  readonly policies: string;
  /** Of the enrolled agent. */
  readonly keyFile: string;
  readonly account: Account;
  readonly aws: LocalAws;
  readonly awsUrl: string;
  readonly brokerKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The broker and its agent on it. */
export async function standOn(ground: Ground, closers: Close[], close: () => Promise<void>): Promise<Stand> {
  const { folder, keyFile, account, aws, awsUrl } = ground;
  const broker = await brokerOn({ ...ground, region: account.region });
  closers.push(() => broker.close());

  const agent = async (template: string, intent: string, task: string): Promise<EndpointFiles> => {
    const settings = readSettings({ url: broker.url, template, intent, task, agentKey: keyFile });
    if (!settings.ok) throw new Error(settings.error.join("\n"));
    const tokenFile = join(folder, `${template}.token`);
    const started = await startAgent({
      settings: settings.value,
      env: {},
      port: 0,
      tokenFile,
      now: () => new Date(),
      onEvent: () => undefined,
    });
    if (!started.ok) throw new Error(`${started.error.code}: ${started.error.detail}`);
    closers.push(() => started.value.close());
    return { url: started.value.url, tokenFile, may: started.value.session.may };
  };
  const access = brokerAccess({ url: new URL(broker.url), agentKey: keyFile, workloadTokenFile: null }, {});
  const operatorTokenFile = join(folder, "data", "operator-token");
  return { aws, awsUrl, broker, account, operatorTokenFile, access, agent, close };
}

/** The shipped set, with the demo's one agent enrolled in it. */
export async function writePolicies(folder: string, keyFile: string): Promise<void> {
  await cp(shippedPolicies(), folder, { recursive: true });
  const key = await createKey({ agent: AGENT, audience: AUDIENCE, out: keyFile });
  if (!key.ok) throw new Error(key.error);
  const { kid, x } = key.value.file.key;
  await writeFile(
    join(folder, "agents.yaml"),
    `issuers:
  - id: enrolled
    kind: enrolled
    issuer: twokey:enrolled
    audience: ${AUDIENCE}
    max_age: 60s
agents:
  - name: ${AGENT}
    owner: ${OWNER}
    issuer: enrolled
    keys:
      - { kid: ${JSON.stringify(kid)}, x: ${JSON.stringify(x)} }
    templates: [observe, staging-deploy, data-repair, propose-change, production-stack-change]
`,
  );
}

interface BrokerParts {
  readonly folder: string;
  readonly policies: string;
  readonly awsUrl: string;
  readonly region: string;
  readonly brokerKey: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

async function brokerOn(parts: BrokerParts): Promise<RunningBroker> {
  const config = loadConfig({
    flags: { listen: "127.0.0.1:0", policies: parts.policies, "data-dir": join(parts.folder, "data") },
    env: {
      TWOKEY_LOG_LEVEL: "silent",
      TWOKEY_STS_ENDPOINT: parts.awsUrl,
      TWOKEY_STS_REGION: parts.region,
      TWOKEY_AWS_ENDPOINT: parts.awsUrl,
      TWOKEY_PASSKEY_DELAY: "0s",
    },
    cwd: parts.folder,
  });
  if (!config.ok) throw new Error(config.error.join("\n"));
  const broker = await startBroker(config.value, { awsCredentials: parts.brokerKey });
  if (!broker.ok) throw new Error(broker.error.join("\n"));
  return broker.value;
}
