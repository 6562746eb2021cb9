/**
 * The composition root: Config → adapters → flows → app. The only file that knows every part. Starts nothing from a
 * policy set with faults, and serves nothing before the start is on record.
 */
import { createAdaptorServer } from "@hono/node-server";
import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { pino, type DestinationStream, type Logger } from "pino";
import { loadActionTable } from "./adapters/action-data/load.ts";
import { createAssumeRole, type StsOptions } from "./adapters/aws/assume-role.ts";
import { createTokenVerifier } from "./adapters/oidc/verify-token.ts";
import { loadPolicyFolder } from "./adapters/policy-files/load.ts";
import { openAuditLog, type Store } from "./adapters/postgres/audit-log.ts";
import type { Entry } from "./audit/entry.ts";
import { VERSION, type Config } from "./config.ts";
import type { Broker } from "./flows/admit.ts";
import { createApp, type App } from "./http/app.ts";
import type { VerifyToken } from "./identity/verify.ts";
import type { LocalAwsOptions } from "./local-aws/options.ts";
import type { LocalAws } from "./local-aws/server.ts";
import type { ServedPolicy } from "./policy/serve.ts";
import type { PolicyFault } from "./policy/set.ts";
import { err, ok, type Result } from "./result.ts";
import { base32 } from "./session/name.ts";

export interface Overrides {
  readonly clock?: () => Date;
  readonly randomBytes?: (count: number) => Uint8Array;
  /** The broker's own AWS credentials, instead of the SDK's default chain. */
  readonly awsCredentials?: NonNullable<StsOptions["credentials"]>;
  /** Where the log goes, instead of standard output. */
  readonly log?: DestinationStream;
}

export interface RunningBroker {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** The record, for the demo and the tests. */
  readonly audit: Store;
  readonly policy: ServedPolicy;
  /** Unready at once, accepted requests finish within the grace, the stop is recorded, the store closes. */
  readonly close: () => Promise<void>;
}

/** `err`: what is wrong with the policy set, line by line. Throws when the store or the address cannot be had. */
export async function startBroker(
  config: Config,
  overrides: Overrides = {},
): Promise<Result<RunningBroker, readonly string[]>> {
  const policy = await loadPolicy(config.policies);
  if (!policy.ok) return policy;
  const clock = overrides.clock ?? (() => new Date());
  const log = createLog(config, overrides.log);
  const verifyToken = tokenVerifier(config, policy.value, clock, log);
  const sts = createAssumeRole({ ...config.sts, credentials: overrides.awsCredentials ?? null });
  const audit = await openAuditLog(config.store);
  const broker: Broker = {
    verifyToken,
    policy: policy.value,
    audit,
    assumeRole: sts.assumeRole,
    clock,
    randomBytes: overrides.randomBytes ?? randomBytes,
  };
  try {
    const app = makeApp(config, broker, audit, log);
    await recordStart(broker);
    const server = await listen(app, config);
    const url = urlOf(server, config.listen.host);
    log.info({ url, version: VERSION, policy: policy.value.set.digest }, "broker started");
    const parts = { app, server, broker, audit, log, graceMs: config.shutdownGraceMs, closeSts: sts.close };
    return ok({ url, audit, policy: policy.value, close: once(() => stop(parts)) });
  } catch (error) {
    sts.close();
    await audit.close();
    throw error;
  }
}

function tokenVerifier(config: Config, policy: ServedPolicy, clock: () => Date, log: Logger): VerifyToken {
  return createTokenVerifier({
    registry: () => policy.set.registry,
    fetch: globalThis.fetch,
    clock,
    onAlert: (alert) => {
      log.warn({ alert }, "token issuer");
    },
    dangerouslyAllowLoopbackHttpIssuers: config.dangerouslyAllowLoopbackHttpIssuers,
  });
}

function makeApp(config: Config, broker: Broker, audit: Store, log: Logger): App {
  return createApp({
    broker,
    version: VERSION,
    publicUrl: config.publicUrl,
    newRequestId: () => `req-${base32(randomBytes(10))}`,
    storeReady: () => audit.ready(),
    logRequest: (line) => {
      log.info(line, "request");
    },
    logThrow: (requestId, error) => {
      log.error({ request_id: requestId, ...whereFrom(error) }, "request threw");
    },
  });
}

/** A local AWS on the published action data, for the demo and the tests. Loaded only when asked for. */
export async function localAws(options: Omit<LocalAwsOptions, "actions">): Promise<LocalAws> {
  const { createLocalAws } = await import("./local-aws/server.ts");
  return createLocalAws({ ...options, actions: loadActionTable() });
}

/** The policy set as `twokey policy check` sees it: parsed, prepared, every expectation met. */
export function checkPolicy(folder: string): Promise<Result<ServedPolicy, readonly PolicyFault[]>> {
  return loadPolicyFolder(folder, loadActionTable());
}

/** The same, every fault as a line. */
export async function loadPolicy(folder: string): Promise<Result<ServedPolicy, readonly string[]>> {
  const checked = await checkPolicy(folder);
  if (checked.ok) return checked;
  return err(
    checked.error.map(
      ({ file, line, column, message, fix }) =>
        `${file}:${line}:${column}: ${message}${fix === null ? "" : ` (${fix})`}`,
    ),
  );
}

/** The store alone, for commands that read the record. */
export function openStore(config: Config): Promise<Store> {
  return openAuditLog(config.store);
}

function createLog(config: Config, destination: DestinationStream | undefined): Logger {
  const options = {
    level: config.logLevel,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Nothing logs headers; should anything ever, the token still does not show.
    redact: ["authorization", "*.authorization", "*.*.authorization"],
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** An error's message and cause may hold anything; its name and frames are ours. */
function whereFrom(error: unknown): { readonly error: string; readonly at: readonly string[] } {
  if (!(error instanceof Error)) return { error: typeof error, at: [] };
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  return { error: error.name, at: frames.slice(0, 8).map((line) => line.trim()) };
}

async function recordStart(broker: Broker): Promise<void> {
  const { digest, templates } = broker.policy.set;
  const names = templates.map((template) => template.name);
  await broker.audit.append(own(broker, { kind: "policy.loaded", detail: { digest, templates: names } }));
  await broker.audit.append(own(broker, { kind: "broker.started", detail: { version: VERSION } }));
}

type OwnEvent = Extract<Entry, { kind: "policy.loaded" | "broker.started" | "broker.stopped" }>;

/** An entry about the broker itself: no request, no agent. */
function own(broker: Broker, event: Pick<OwnEvent, "kind" | "detail">): Entry {
  const nobody = { requestId: null, agent: null, owner: null, session: null };
  return { at: broker.clock(), ...nobody, policyVersion: broker.policy.set.digest, ...event } as OwnEvent;
}

// A client that trickles its request holds a socket, not the broker: headers in 10 s, all of it in 30.
const SERVER_OPTIONS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 16 * 1024,
};

async function listen(app: App, config: Config): Promise<Server> {
  const fetch = app.fetch as Parameters<typeof createAdaptorServer>[0]["fetch"];
  const server = createAdaptorServer({ fetch, serverOptions: SERVER_OPTIONS }) as Server;
  const { host, port } = config.listen;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return server;
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

interface Parts {
  readonly app: App;
  readonly server: Server;
  readonly broker: Broker;
  readonly audit: Store;
  readonly log: Logger;
  readonly graceMs: number;
  readonly closeSts: () => void;
}

async function stop({ app, server, broker, audit, log, graceMs, closeSts }: Parts): Promise<void> {
  log.info("broker stopping");
  const finished = await within(app.drain(), graceMs);
  if (!finished) log.warn("requests were still open when the grace ended");
  await closeServer(server, finished ? FLUSH_MS : 0);
  closeSts();
  try {
    await audit.append(own(broker, { kind: "broker.stopped", detail: { version: VERSION } }));
  } finally {
    await audit.close();
  }
  log.info("broker stopped");
}

// Answers are given with `Connection: close`; this is for a client that does not take its answer off the wire.
const FLUSH_MS = 1_000;

async function closeServer(server: Server, flushMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => {
      resolve();
    });
  });
  server.closeIdleConnections();
  if (!(await within(closed, flushMs))) server.closeAllConnections();
  await closed;
}

async function within(work: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, ms);
  });
  const finished = await Promise.race([work.then(() => true), late]);
  clearTimeout(timer);
  return finished;
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}
