/**
 * The composition root: Config → adapters → flows → app. The only file that knows every part. Starts nothing from a
 * policy set with faults, and serves nothing before the start is on record.
 */
import { randomBytes } from "node:crypto";
import type { Server } from "node:http";
import type { DestinationStream, Logger } from "pino";
import { loadActionTable } from "./adapters/action-data/load.ts";
import { createAssumeRole, type StsOptions } from "./adapters/aws/assume-role.ts";
import { createReadChangeSet } from "./adapters/aws/read-change-set.ts";
import { createDenyOnRole } from "./adapters/aws/deny-on-role.ts";
import { loadPolicyFolder } from "./adapters/policy-files/load.ts";
import { watchPolicyFolder } from "./adapters/policy-files/watch.ts";
import { openAuditLog, type Store } from "./adapters/postgres/audit-log.ts";
import type { Database } from "./adapters/postgres/sql.ts";
import { loadUiAssets } from "./adapters/ui-assets/load.ts";
import { createWebauthn } from "./adapters/webauthn/webauthn.ts";
import type { Entry } from "./audit/entry.ts";
import { VERSION, type Config } from "./config.ts";
import type { Broker } from "./flows/admit.ts";
import { createBootstrap } from "./flows/bootstrap.ts";
import { followPolicy, type Following, type WatchPolicy, type WatchRecord } from "./flows/follow-policy.ts";
import type { Reloaded } from "./flows/keep-policy.ts";
import { createApp, type App } from "./http/app.ts";
import { closeServer, listen, urlOf, within } from "./http/server.ts";
import type { ServedPolicy } from "./policy/serve.ts";
import { err, ok, type Result } from "./result.ts";
import type { AssumeRole } from "./session/assume-role.ts";
import type { Secret } from "./session/credentials.ts";
import { base32 } from "./session/name.ts";
import { startBeside, type Beside } from "./wire/beside.ts";
import { openKeys } from "./wire/keys.ts";
import { createLog, whereFrom } from "./wire/log.ts";
import { faultLines, policyNotice, startKeeping, tellReload, TRUSTED, watchRecord } from "./wire/policy.ts";
import { oidcLogin, siteOf, tokenVerifier } from "./wire/sign-in.ts";
import { createTelemetry, type Telemetry } from "./wire/telemetry.ts";

export interface Overrides {
  readonly clock?: () => Date;
  readonly randomBytes?: (count: number) => Uint8Array;
  /** The broker's own AWS credentials, instead of the SDK's default chain. */
  readonly awsCredentials?: NonNullable<StsOptions["credentials"]>;
  /** Where the log goes, instead of standard output. */
  readonly log?: DestinationStream;
  /** What tells that the policy folder may have changed, instead of the file system. */
  readonly watchPolicy?: WatchPolicy;
  /** What tells that the record may have another policy set in force, instead of the clock. */
  readonly watchRecord?: WatchRecord;
  /**
   * Told once, where nobody has a passkey yet: the token that lets the first administrator in at `<origin>/bootstrap`.
   * Without this there is no such token.
   */
  readonly onBootstrap?: (token: Secret, origin: string) => void;
  /** Stands between the flows and what they lose when the machine fails: the fault harness kills the process there. */
  readonly decorate?: {
    readonly database?: (database: Database) => Database;
    readonly assumeRole?: (assumeRole: AssumeRole) => AssumeRole;
  };
}

export interface RunningBroker {
  /** Base URL, without a trailing slash. */
  readonly url: string;
  /** Where people's browsers reach the pages: passkeys are bound to it. */
  readonly origin: string;
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
  const policy = await loadPolicyFolder(config.policies, table);
  if (!policy.ok) return err(faultLines(policy.error));
  const keys = openKeys(config);
  if (!keys.ok) return keys;
  const clock = overrides.clock ?? (() => new Date());
  const log = createLog(config, overrides.log);
  let served = (): ServedPolicy => policy.value;
  const bareVerifyToken = tokenVerifier(config, () => served(), clock, log);
  const sts = createAssumeRole({ ...config.sts, credentials: overrides.awsCredentials ?? null });
  const decorate = overrides.decorate ?? {};
  const bare = {
    audit: await openAuditLog(config.store, decorate.database),
    assumeRole: (decorate.assumeRole ?? same)(sts.assumeRole),
    verifyToken: bareVerifyToken,
  };
  const telemetry = createTelemetry(bare, () => served());
  const { audit, assumeRole, verifyToken } = telemetry;
  const kept = await startKeeping(policy.value, { folder: config.policies, audit, clock }).catch(
    async (error: unknown) => {
      sts.close();
      await audit.close();
      throw error;
    },
  );
  if (!kept.ok) {
    sts.close();
    await audit.close();
    return kept;
  }
  const keeper = kept.value;
  served = keeper.current;
  const aws = { endpoint: config.awsEndpoint, credentials: overrides.awsCredentials ?? null };
  const ports = {
    verifyToken,
    audit,
    escalations: audit.escalations,
    humans: audit.humans,
    assumeRole,
    freezes: audit.freezes,
    denyOnRole: createDenyOnRole(aws),
    tree: audit.tree,
    auditKey: keys.value.audit.publicKey,
    isOperator: keys.value.isOperator,
    isWatch: keys.value.isWatch,
    readChangeSet: createReadChangeSet(aws),
    webauthn: createWebauthn(),
    oidc: oidcLogin(config),
    passkeyDelaySeconds: config.passkeyDelaySeconds,
    polls: new Map(),
    clock,
    randomBytes: overrides.randomBytes ?? randomBytes,
  };
  let site = siteOf(config.publicUrl ?? "http://localhost");
  const broker = (): Broker => ({ ...ports, policy: served(), policyRefused: keeper.refused(), site });
  let beside: Beside | null = null;
  const notice = () => beside?.fault() ?? policyNotice(keeper, site.origin);
  try {
    const app = makeApp(config, { broker, notice, audit, log, telemetry });
    await recordStart(broker());
    const server = await listen(app, config.listen);
    const url = urlOf(server, config.listen.host);
    // Passkeys need a name; this is the one browsers give this machine.
    site = siteOf(config.publicUrl ?? `http://localhost:${new URL(url).port}`);
    if (overrides.onBootstrap !== undefined) {
      const token = await createBootstrap(broker());
      if (token !== null) overrides.onBootstrap(token, site.origin);
    }
    const watches = {
      folder: overrides.watchPolicy ?? watchPolicyFolder(config.policies),
      record: overrides.watchRecord ?? watchRecord,
    };
    const following = followPolicy(keeper, watches, (result) => {
      tellReload(result, { policy: keeper.current().set.digest, notice: notice() }, log);
    });
    // For what changed between the first reading and the watch.
    void following.reload();
    beside = await startBeside({ config, broker, audit, keys: keys.value, log });
    const graceMs = config.shutdownGraceMs;
    const parts = { app, server, broker, audit, log, graceMs, following, beside, closeSts: sts.close };
    const { reload: reloadPolicy } = following;
    if (keeper.trustedOnFirstUse) log.warn({ policy: served().set.digest }, TRUSTED);
    log.info({ url, version: VERSION, policy: served().set.digest }, "broker started");
    return ok({
      url,
      origin: site.origin,
      audit,
      policy: keeper.current,
      reloadPolicy,
      close: once(() => stop(parts)),
    });
  } catch (error) {
    sts.close();
    await audit.close();
    throw error;
  }
}

const same = (inner: AssumeRole): AssumeRole => inner;

interface AppParts {
  readonly broker: () => Broker;
  readonly notice: () => string | null;
  readonly audit: Store;
  readonly log: Logger;
  readonly telemetry: Telemetry;
}

function makeApp(config: Config, { broker, notice, audit, log, telemetry }: AppParts): App {
  const { metrics, traceRequest } = telemetry;
  return createApp({
    broker,
    version: VERSION,
    publicUrl: config.publicUrl,
    newRequestId: () => `req-${base32(randomBytes(10))}`,
    assets: loadUiAssets(),
    storeReady: () => audit.ready(),
    notice,
    metrics: metrics.text,
    metricsType: metrics.contentType,
    traceRequest,
    logRequest: (line, failure) => {
      log.info(line, "request");
      metrics.answered(line, failure);
    },
    logThrow: (requestId, error) => {
      log.error({ request_id: requestId, ...whereFrom(error) }, "request threw");
    },
  });
}

async function recordStart(broker: Broker): Promise<void> {
  await broker.audit.append(own(broker, { kind: "broker.started", detail: { version: VERSION } }));
}

type OwnEvent = Extract<Entry, { kind: "broker.started" | "broker.stopped" }>;

/** An entry about the broker itself: no request, no agent. */
function own(broker: Broker, event: Pick<OwnEvent, "kind" | "detail">): Entry {
  const nobody = {
    requestId: null,
    agent: null,
    owner: null,
    person: null,
    session: null,
    escalation: null,
  };
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
  readonly beside: Beside;
  readonly closeSts: () => void;
}

async function stop(parts: Parts): Promise<void> {
  const { app, server, broker, audit, log, graceMs, following, beside, closeSts } = parts;
  log.info("broker stopping");
  // What is not settled by then is delivered again after its lease, by whoever runs.
  const [finished] = await Promise.all([within(app.drain(), graceMs), beside.close()]);
  await following.close();
  if (!finished) log.warn("requests were still open when the grace ended");
  await closeServer(server, { flush: finished });
  closeSts();
  try {
    await audit.append(own(broker(), { kind: "broker.stopped", detail: { version: VERSION } }));
  } finally {
    await beside.seal();
    await audit.close();
  }
  log.info("broker stopped");
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => (running ??= work());
}
