/** A whole broker on loopback: shipped policies with enrolled agents, PGlite in memory, a stub STS, its log kept. */
import { request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openAuditKey } from "../../src/adapters/key-files/key-files.ts";
import type { Config } from "../../src/config.ts";
import { startBroker, type Overrides, type RunningBroker } from "../../src/wire.ts";
import { policyFolder, type EnrolledAgent } from "./policy-folder.ts";
import { startStubSts, type StubSts } from "./stub-sts.ts";

export interface TestBroker {
  readonly broker: RunningBroker;
  readonly url: string;
  /** Of its policy set. */
  readonly folder: string;
  readonly sts: StubSts;
  readonly agent: EnrolledAgent;
  readonly other: EnrolledAgent;
  /** Every line the broker logged. */
  readonly log: readonly string[];
  readonly close: () => Promise<void>;
}

export const BROKER_KEYS = { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "CANARYbrokersecret" } as const;

let auditKey: string | null = null;

/** One for the whole process: brokers that share a database share its key. */
export function testAuditKey(): string {
  if (auditKey === null) {
    auditKey = join(mkdtempSync(join(tmpdir(), "twokey-keys-")), "audit-key.pem");
    const made = openAuditKey(auditKey, true);
    if (!made.ok) throw new Error(made.error);
  }
  return auditKey;
}

export function testConfig(policies: string, stsEndpoint: string): Config {
  return {
    listen: { host: "127.0.0.1", port: 0 },
    policies,
    store: { url: null, folder: null },
    keys: { auditKey: testAuditKey(), operatorToken: null, watchToken: null },
    sts: { region: null, endpoint: stsEndpoint, deadlineMs: 10_000 },
    logLevel: "info",
    awsEndpoint: null,
    publicUrl: null,
    passkeyDelaySeconds: 0,
    oidc: null,
    notify: { slack: null, webhook: null, email: null },
    auditExport: null,
    shutdownGraceMs: 20_000,
    dangerouslyAllowLoopbackHttpIssuers: false,
  };
}

export async function startTestBroker(
  change: (config: Config) => Config = (config) => config,
  overrides: Overrides = {},
): Promise<TestBroker> {
  const sts = await startStubSts();
  const { folder, agents } = await policyFolder({
    "orders-ci": ["observe", "data-repair", "staging-deploy", "production-stack-change"],
    "billing-ci": ["observe"],
  });
  const log: string[] = [];
  const started = await startBroker(change(testConfig(folder, sts.url)), {
    awsCredentials: BROKER_KEYS,
    log: { write: (line) => void log.push(line) },
    ...overrides,
  });
  if (!started.ok) throw new Error(JSON.stringify(started.error));
  const broker = started.value;
  const { "orders-ci": agent, "billing-ci": other } = agents;
  if (agent === undefined || other === undefined) throw new Error("no agents");
  const close = async (): Promise<void> => {
    await broker.close();
    await sts.close();
  };
  return { broker, url: broker.url, folder, sts, agent, other, log, close };
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/** `path` goes onto the wire as it stands: no client normalises it. */
export function send(
  url: string,
  method: string,
  path: string,
  headers: OutgoingHttpHeaders = {},
  body?: string | Uint8Array,
): Promise<Reply> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /json/.test(response.headers["content-type"] ?? "");
        const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json });
      });
    });
    request.on("error", reject);
    request.end(body);
  });
}

export const OBSERVE = {
  template: "observe",
  task: { intent: "observe", summary: "look at the stacks" },
} as const;

/** POST /v1/credentials as `agent`, with a fresh token. */
export async function ask(
  { url, agent }: Pick<TestBroker, "url" | "agent">,
  body: unknown = OBSERVE,
  headers: OutgoingHttpHeaders = {},
): Promise<Reply> {
  const authorization = `Bearer ${await agent.token()}`;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return send(
    url,
    "POST",
    "/v1/credentials",
    { authorization, "content-type": "application/json", ...headers },
    text,
  );
}
