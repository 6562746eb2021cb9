/**
 * What the mint path adds to a bare `STSClient.send(new AssumeRoleCommand(…))`: token signature, policy decision,
 * compilation and two durable commits, against the same stub with the same request, in one process.
 */
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from "jose";
import pg from "pg";
import { fork } from "node:child_process";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadActionTable } from "../src/adapters/action-data/load.ts";
import { createAssumeRole } from "../src/adapters/aws/assume-role.ts";
import { createTokenVerifier } from "../src/adapters/oidc/verify-token.ts";
import { loadPolicyFolder } from "../src/adapters/policy-files/load.ts";
import { openAuditLog, type Store } from "../src/adapters/postgres/audit-log.ts";
import type { Broker } from "../src/flows/admit.ts";
import { issueCredentials } from "../src/flows/issue-credentials.ts";
import type { AgentRegistry } from "../src/identity/registry.ts";
import type { ServedPolicy } from "../src/policy/serve.ts";
import { ok } from "../src/result.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { paced, sideBySide, type Measured } from "./measure.ts";

export interface MintRow {
  readonly engine: string;
  readonly concurrency: number;
  readonly bare: Measured;
  readonly mint: Measured;
}

const AUDIENCE = "https://twokey.example.com";
const CREDENTIALS = { accessKeyId: "AKIABENCHBENCHBENCH0", secretAccessKey: "bench" };

/** `progress` is told each row's name before it is measured. */
export async function mintRows(
  options: { readonly milliseconds: number; readonly rounds: number },
  progress: (name: string) => void,
): Promise<readonly MintRow[]> {
  const stub = await startStub();
  const { endpoint } = stub;
  const rows: MintRow[] = [];
  try {
    for (const engine of await engines()) {
      try {
        const tasks = await prepare(engine.store, endpoint);
        for (const concurrency of [1, 8, 64]) {
          progress(`${engine.name}, ${concurrency} in flight`);
          await sideBySide([tasks.bare, tasks.mint], { concurrency, milliseconds: 500, rounds: 1 });
          const [bare, mint] = await sideBySide([tasks.bare, tasks.mint], { ...options, concurrency });
          rows.push({ engine: engine.name, concurrency, bare, mint });
        }
        tasks.close();
      } finally {
        await engine.close();
      }
    }
  } finally {
    stub.stop();
  }
  return rows;
}

/** The STS stub in a process of its own. */
export async function startStub(): Promise<{ readonly endpoint: string; readonly stop: () => void }> {
  const stub = fork(join(import.meta.dirname, "sts-stub.ts"), { execArgv: ["--import", "tsx"] });
  const [port] = (await once(stub, "message")) as [number];
  return {
    endpoint: `http://127.0.0.1:${port}`,
    stop: () => {
      stub.disconnect();
    },
  };
}

export type Paced = Readonly<Record<"bare" | "commits" | "mint", Measured>>;

/**
 * One mint every 20 ms, whatever the one before it takes, and in between a bare call; then the two commits that no mint can
 * do without: what a quiet broker adds, and how much of it is the machine's.
 */
export async function pacedRow(seconds: number): Promise<Paced> {
  const stub = await startStub();
  const postgres = await startPostgres({ settings: ["min_wal_size=512MB"] });
  if (postgres === null) throw new Error("PostgreSQL is not installed");
  await wornIn(postgres.url);
  const store = await openAuditLog({ url: postgres.url, folder: null });
  const { bare, mint, close } = await prepare(store, stub.endpoint);
  const floor = await twoCommits(await postgres.database());
  try {
    const tasks = { bare, mint };
    // A broker that has run for a while: Node compiles what it has seen often.
    await paced(tasks, { everyMs: 2, rounds: 1_000 });
    const rounds = seconds * 50;
    const both = await paced(tasks, { everyMs: 20 / 2, rounds });
    // By themselves: they would wait for the mints' own flushes, and the mints for theirs.
    return { ...both, ...(await paced({ commits: floor.commits }, { everyMs: 20, rounds })) };
  } finally {
    close();
    await floor.close();
    await store.close();
    await postgres.stop();
    stub.stop();
  }
}

/**
 * A cluster that has run for a while writes its log over old segments; a new one stops everybody for each segment it
 * makes, a fifth of a second here.
 */
async function wornIn(url: string): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(
    "SELECT count(pg_logical_emit_message(false, 'bench', repeat('x', 1000000))) FROM generate_series(1, 512)",
  );
  await client.query("CHECKPOINT");
  await client.end();
}

/** One row of an entry's size, and another when the first is durable. */
async function twoCommits(url: string) {
  const client = new pg.Client(url);
  await client.connect();
  await client.query("CREATE TABLE rows (body text NOT NULL)");
  const commit = { name: "commit", text: "INSERT INTO rows VALUES ($1)", values: ["x".repeat(1_000)] };
  return {
    commits: async (): Promise<void> => {
      await client.query(commit);
      await client.query(commit);
    },
    close: () => client.end(),
  };
}

interface Engine {
  readonly name: string;
  readonly store: Store;
  readonly close: () => Promise<void>;
}

async function engines(): Promise<readonly Engine[]> {
  const folder = mkdtempSync(join(tmpdir(), "twokey-bench-"));
  const pglite = await openAuditLog({ url: null, folder: join(folder, "data") });
  const found: Engine[] = [
    {
      name: "PGlite",
      store: pglite,
      close: async () => {
        await pglite.close();
        rmSync(folder, { recursive: true, force: true });
      },
    },
  ];
  const postgres = await startPostgres();
  if (postgres !== null) {
    const store = await openAuditLog({ url: postgres.url, folder: null });
    found.push({
      name: "PostgreSQL",
      store,
      close: async () => {
        await store.close();
        await postgres.stop();
      },
    });
  }
  return found;
}

const NEVER = new AbortController().signal;

export interface Tasks {
  readonly bare: () => Promise<void>;
  readonly mint: () => Promise<void>;
  readonly close: () => void;
}

export async function prepare(audit: Store, endpoint: string): Promise<Tasks> {
  const { served, token } = await policyAndToken();
  const sts = createAssumeRole({ region: null, endpoint, credentials: CREDENTIALS, deadlineMs: 10_000 });
  const bareClient = new STSClient({
    region: "us-east-1",
    endpoint,
    credentials: CREDENTIALS,
    maxAttempts: 1,
    requestHandler: { httpAgent: { keepAlive: true, maxSockets: 256 } },
  });
  const refused = async (): Promise<never> => {
    throw new Error("a standing session asks for none of this");
  };
  const broker: Broker = {
    policyRefused: null,
    escalations: audit.escalations,
    humans: audit.humans,
    freezes: audit.freezes,
    denyOnRole: refused,
    tree: audit.tree,
    auditKey: new Uint8Array(32),
    isOperator: () => false,
    isWatch: () => false,
    readChangeSet: refused,
    webauthn: { verifyAssertion: refused, verifyRegistration: refused },
    oidc: null,
    site: { origin: "http://localhost", rpId: "localhost" },
    passkeyDelaySeconds: 0,
    polls: new Map(),
    verifyToken: createTokenVerifier({
      registry: () => served.set.registry,
      fetch: globalThis.fetch,
      clock: () => new Date(),
      onAlert: () => undefined,
      dangerouslyAllowLoopbackHttpIssuers: false,
    }),
    policy: served,
    audit,
    assumeRole: sts.assumeRole,
    clock: () => new Date(),
    randomBytes,
  };
  const request = ok({
    wish: {
      template: "staging-deploy",
      parameters: {},
      account: null,
      durationSeconds: null,
      task: { id: null, intent: "change" as const, summary: "bench" },
    },
    idempotencyKey: null,
  });
  const mint = async (): Promise<void> => {
    const unverifiedToken = await token();
    const call = {
      requestId: randomUUID(),
      route: "POST /v1/credentials",
      unverifiedToken,
      stopping: NEVER,
      onAgent: () => undefined,
    };
    const issued = await issueCredentials(broker, call, () =>
      Promise.resolve(ok({ ...request.value, idempotencyKey: randomUUID() })),
    );
    if (!issued.ok) throw new Error(JSON.stringify(issued.error));
    last = issued.value.plan.compiled.policy;
  };
  let last = "";
  await mint();
  const policy = last;
  const bare = async (): Promise<void> => {
    await bareClient.send(
      new AssumeRoleCommand({
        RoleArn: "arn:aws:iam::111122223333:role/twokey/ai-operator",
        RoleSessionName: "bench-abcdefgh",
        SourceIdentity: "tks-abcdefghijklmnopqrstuvwx",
        ExternalId: "bench-external-id",
        DurationSeconds: 900,
        Policy: policy,
        Tags: [
          { Key: "twokey:principal", Value: "ai-agent" },
          { Key: "twokey:session", Value: "tks-abcdefghijklmnopqrstuvwx" },
        ],
        TransitiveTagKeys: ["twokey:principal", "twokey:session"],
      }),
    );
  };
  return {
    bare,
    mint,
    close: () => {
      sts.close();
      bareClient.destroy();
    },
  };
}

async function policyAndToken(): Promise<{
  readonly served: ServedPolicy;
  readonly token: () => Promise<string>;
}> {
  const loaded = await loadPolicyFolder(join(import.meta.dirname, "../policies"), loadActionTable());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const { privateKey, publicKey } = await generateKeyPair("EdDSA");
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  const registry: AgentRegistry = {
    issuers: [
      { kind: "enrolled", id: "enrolled", issuer: "twokey:enrolled", audience: AUDIENCE, maxAgeSeconds: 60 },
    ],
    agents: [
      {
        name: "bench",
        owner: "orders-lead",
        issuer: "enrolled",
        subject: "bench",
        claims: {},
        keys: [{ kid, x: jwk.x ?? "" }],
        templates: ["staging-deploy"],
      },
    ],
  };
  // An agent signs its own tokens, so making one is not the broker's cost: a token serves for half its life.
  let made = { at: 0, token: "" };
  const token = async (): Promise<string> => {
    const now = Math.floor(Date.now() / 1000);
    if (now - made.at < 25) return made.token;
    const signed = await new SignJWT({ jti: randomUUID() })
      .setProtectedHeader({ alg: "EdDSA", kid })
      .setIssuer("twokey:enrolled")
      .setSubject("bench")
      .setAudience(AUDIENCE)
      .setIssuedAt(now)
      .setExpirationTime(now + 60)
      .sign(privateKey);
    made = { at: now, token: signed };
    return signed;
  };
  return { served: { ...loaded.value, set: { ...loaded.value.set, registry } }, token };
}
