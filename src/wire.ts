/**
 * The composition root: Config → adapters → flows → app. The only file that knows every part. Starts nothing from a
 * policy set with faults, and serves nothing before the start is on record.
 */
import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import { pino, type DestinationStream, type Logger } from "pino";
import { loadActionTable } from "./adapters/action-data/load.ts";
import { createAssumeRole, type StsOptions } from "./adapters/aws/assume-role.ts";
import { createTokenVerifier } from "./adapters/oidc/verify-token.ts";
import { examinePolicyFolder, loadPolicyFolder, readPolicyFolder } from "./adapters/policy-files/load.ts";
import { watchPolicyFolder } from "./adapters/policy-files/watch.ts";
import { openAuditLog, type Store } from "./adapters/postgres/audit-log.ts";
import { lockFolder } from "./adapters/postgres/folder-lock.ts";
import type { Entry } from "./audit/entry.ts";
import { VERSION, type Config } from "./config.ts";
import type { Broker } from "./flows/admit.ts";
import { followPolicy, type Following, type WatchPolicy } from "./flows/follow-policy.ts";
import { keepPolicy, loadedEntry, type PolicyKeeper, type Reloaded } from "./flows/keep-policy.ts";
import { createApp, type App } from "./http/app.ts";
import { closeServer, listen, urlOf, within } from "./http/server.ts";
import type { VerifyToken } from "./identity/verify.ts";
import type { LocalAwsOptions } from "./local-aws/options.ts";
import type { LocalAws } from "./local-aws/server.ts";
import type { ActionTable } from "./policy/knowledge.ts";
import type { Examination } from "./policy/check-set.ts";
import type { Proposed, ProposalWish } from "./policy/propose/for-folder.ts";
import { changeSentence, diffPolicies } from "./policy/diff.ts";
import type { ServedPolicy } from "./policy/serve.ts";
import type { PolicyFault } from "./policy/set.ts";
import { err, ok, type Result } from "./result.ts";
import type { AssumeRoleRequest } from "./session/assume-role.ts";
import { base32, sessionTags } from "./session/name.ts";

export interface Overrides {
  readonly clock?: () => Date;
  readonly randomBytes?: (count: number) => Uint8Array;
  /** The broker's own AWS credentials, instead of the SDK's default chain. */
  readonly awsCredentials?: NonNullable<StsOptions["credentials"]>;
  /** Where the log goes, instead of standard output. */
  readonly log?: DestinationStream;
  /** What tells that the policy folder may have changed, instead of the file system. */
  readonly watchPolicy?: WatchPolicy;
}

export interface RunningBroker {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** The record, for the demo and the tests. */
  readonly audit: Store;
  /** The set served now; another after a reload. */
  readonly policy: () => ServedPolicy;
  /** Reads the policy folder again at once. Never rejects: what went wrong is the answer, and in the log. */
  readonly reloadPolicy: () => Promise<Reloaded>;
  /** Unready at once, accepted requests finish within the grace, the stop is recorded, the store closes. */
  readonly close: () => Promise<void>;
}

/** `err`: what is wrong with the policy set, line by line. Throws when the store or the address cannot be had. */
export async function startBroker(
  config: Config,
  overrides: Overrides = {},
): Promise<Result<RunningBroker, readonly string[]>> {
  const table = loadActionTable();
  const policy = inLines(await loadPolicyFolder(config.policies, table));
  if (!policy.ok) return policy;
  const clock = overrides.clock ?? (() => new Date());
  const log = createLog(config, overrides.log);
  let served = (): ServedPolicy => policy.value;
  const verifyToken = tokenVerifier(config, () => served(), clock, log);
  const sts = createAssumeRole({ ...config.sts, credentials: overrides.awsCredentials ?? null });
  const audit = await openAuditLog(config.store);
  const keeper = keepPolicy(policy.value, {
    read: () => loadPolicyFolder(config.policies, table),
    changes: (before, after) => diffPolicies(before, after, table).changes.map(changeSentence),
    audit,
    clock,
  });
  served = keeper.current;
  const { assumeRole } = sts;
  const ports = { verifyToken, audit, assumeRole, clock, randomBytes: overrides.randomBytes ?? randomBytes };
  const broker = (): Broker => ({ ...ports, policy: served() });
  try {
    const app = makeApp(config, { broker, keeper, audit, log });
    await recordStart(broker());
    const server = await listen(app, config.listen);
    const url = urlOf(server, config.listen.host);
    const watchPolicy = overrides.watchPolicy ?? watchPolicyFolder(config.policies);
    const following = followPolicy(keeper, watchPolicy, (result) => {
      tellReload(result, keeper.current().set.digest, log);
    });
    // For what changed between the first reading and the watch.
    void following.reload();
    const graceMs = config.shutdownGraceMs;
    const parts = { app, server, broker, audit, log, graceMs, following, closeSts: sts.close };
    const { reload: reloadPolicy } = following;
    log.info({ url, version: VERSION, policy: policy.value.set.digest }, "broker started");
    return ok({ url, audit, policy: keeper.current, reloadPolicy, close: once(() => stop(parts)) });
  } catch (error) {
    sts.close();
    await audit.close();
    throw error;
  }
}

/** A folder with faults must not be overlooked: it means that what its author wrote is not in force. */
function tellReload(result: Reloaded, serving: string, log: Logger): void {
  if (result.outcome === "served")
    log.info({ policy: serving, changes: result.changes }, "policy set loaded");
  if (result.outcome === "refused" && !result.again) {
    const faults = asLines(result.faults);
    log.error(
      { policy: serving, faults },
      "the policy folder has faults and is NOT served; the last good set stays",
    );
  }
  if (result.outcome === "not_recorded") {
    const error = whereFrom(result.error);
    log.error({ policy: serving, ...error }, "the policy load could not be recorded and is NOT served");
  }
}

function tokenVerifier(
  config: Config,
  policy: () => ServedPolicy,
  clock: () => Date,
  log: Logger,
): VerifyToken {
  return createTokenVerifier({
    registry: () => policy().set.registry,
    fetch: globalThis.fetch,
    clock,
    onAlert: (alert) => {
      log.warn({ alert }, "token issuer");
    },
    dangerouslyAllowLoopbackHttpIssuers: config.dangerouslyAllowLoopbackHttpIssuers,
  });
}

interface AppParts {
  readonly broker: () => Broker;
  readonly keeper: PolicyKeeper;
  readonly audit: Store;
  readonly log: Logger;
}

function makeApp(config: Config, { broker, keeper, audit, log }: AppParts): App {
  return createApp({
    broker,
    version: VERSION,
    publicUrl: config.publicUrl,
    newRequestId: () => `req-${base32(randomBytes(10))}`,
    storeReady: () => audit.ready(),
    notice: () =>
      keeper.refused() === null
        ? null
        : "the policy folder has faults: the last good set is served, see the log",
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

/** The same with warnings, sizes and reach. */
export function examinePolicy(folder: string): Promise<Examination> {
  return examinePolicyFolder(folder, loadActionTable());
}

/** A template for the folder, and what `policy check` says of it. Writes nothing. */
export async function proposeTemplate(
  folder: string,
  wish: ProposalWish,
): Promise<Result<Proposed, readonly string[]>> {
  const files = await readPolicyFolder(folder);
  if (!files.ok) return files;
  const { proposeFor } = await import("./policy/propose/for-folder.ts");
  return proposeFor(files.value, wish, loadActionTable());
}

/** The same, every fault as a line. */
export async function loadPolicy(folder: string): Promise<Result<ServedPolicy, readonly string[]>> {
  return inLines(await checkPolicy(folder));
}

function inLines(
  checked: Result<ServedPolicy, readonly PolicyFault[]>,
): Result<ServedPolicy, readonly string[]> {
  return checked.ok ? checked : err(asLines(checked.error));
}

const asLines = (faults: readonly PolicyFault[]): readonly string[] =>
  faults.map(
    ({ file, line, column, message, fix }) =>
      `${file}:${line}:${column}: ${message}${fix === null ? "" : ` (${fix})`}`,
  );

/** For the demo, which empties its folder first. */
export { lockFolder };

/** The published action data, for commands that explain and compare policies. */
export function actionTable(): ActionTable {
  return loadActionTable();
}

/** The session tags that every session carries with the same value: all but its own id. */
export function constantSessionTags(): AssumeRoleRequest["tags"] {
  return sessionTags("", null).filter(({ key }) => key !== "twokey:session");
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
  await broker.audit.append(loadedEntry(broker.policy, null, broker.clock()));
  await broker.audit.append(own(broker, { kind: "broker.started", detail: { version: VERSION } }));
}

type OwnEvent = Extract<Entry, { kind: "broker.started" | "broker.stopped" }>;

/** An entry about the broker itself: no request, no agent. */
function own(broker: Broker, event: Pick<OwnEvent, "kind" | "detail">): Entry {
  const nobody = { requestId: null, agent: null, owner: null, session: null };
  return { at: broker.clock(), ...nobody, policyVersion: broker.policy.set.digest, ...event };
}

interface Parts {
  readonly app: App;
  readonly server: Server;
  readonly broker: () => Broker;
  readonly audit: Store;
  readonly log: Logger;
  readonly graceMs: number;
  readonly following: Following;
  readonly closeSts: () => void;
}

async function stop(parts: Parts): Promise<void> {
  const { app, server, broker, audit, log, graceMs, following, closeSts } = parts;
  log.info("broker stopping");
  const finished = await within(app.drain(), graceMs);
  await following.close();
  if (!finished) log.warn("requests were still open when the grace ended");
  await closeServer(server, { flush: finished });
  closeSts();
  try {
    await audit.append(own(broker(), { kind: "broker.stopped", detail: { version: VERSION } }));
  } finally {
    await audit.close();
  }
  log.info("broker stopped");
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}
