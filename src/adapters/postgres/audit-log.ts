/**
 * The port AuditLog on PostgreSQL or PGlite. Encodes each call, lets concurrent ones share a transaction, and reads
 * back. Decides nothing: what may be recorded is the flows' business. See docs/storage.md.
 */
import type { ReadFigures } from "../../audit/figures.ts";
import type { AuditLog, Outcome } from "../../audit/log.ts";
import type { LogReader } from "../../audit/reader.ts";
import type { Retention } from "../../audit/retention.ts";
import type { Outbox } from "../../escalation/outbox.ts";
import type { EscalationStore } from "../../escalation/store.ts";
import type { HumanStore } from "../../identity/human-store.ts";
import type { ActivationStore } from "../../policy/activation-store.ts";
import { ok } from "../../result.ts";
import type { FreezeStore } from "../../session/freeze-store.ts";
import { escalationStore } from "./escalation-store.ts";
import { readFigures } from "./figures.ts";
import { consumeUnderHead, giveBackUnderHead } from "./grant.ts";
import { activationStore } from "./activation-store.ts";
import { rdsTokens } from "./connection.ts";
import { freezeStore } from "./freeze-store.ts";
import { groupCommit } from "./group-commit.ts";
import { humanStore } from "./human-store.ts";
import { outbox } from "./outbox.ts";
import {
  entryRow,
  FROZEN_OUTCOME,
  intentEntry,
  keyRow,
  outcomeEntry,
  outcomeRow,
  sessionRecord,
  sessionRow,
  storedEntry,
} from "./rows.ts";
import { misfiled } from "./misfiled.ts";
import { retention } from "./retention.ts";
import { migrate, schemaState } from "./schema.ts";
import { search } from "./search.ts";
import { settleUnderHead } from "./settle.ts";
import { openPglite, openPostgres, type Database } from "./sql.ts";
import { underHead, type UnderHead } from "./under-head.ts";
import { watchHead } from "./watch-head.ts";
import type { HeadBelief } from "./head.ts";
import { keepCheckpoint, logReader } from "./log-reader.ts";
import { makeTiles } from "./log-tiles.ts";
import { writeGroup, type Operation, type Recorded } from "./write-group.ts";

/** With a `url`, PostgreSQL; without, PGlite in `folder`, or in memory where that is null too. */
export interface StoreOptions {
  readonly url: string | null;
  readonly folder: string | null;
  /** `iam`: each connection's password is a token of AWS IAM's; absent: the URL has it. */
  readonly auth?: "iam";
  /** Connections for reading, PostgreSQL only; one more writes. Default 10. */
  readonly maxConnections?: number;
  /** See PostgresOptions; PostgreSQL only. Default 5000. */
  readonly timeoutMs?: number;
}

export interface Store extends AuditLog {
  /** The log as it is hashed. */
  readonly tree: LogReader;
  /** Keeps a signed checkpoint of the log's first `size` entries. */
  keepCheckpoint(size: number, note: string): Promise<void>;
  /** See misfiled.ts. */
  misfiled(range: { readonly from: number; readonly to: number }): Promise<readonly number[]>;
  /** Makes proofs cheap that are not yet; see log-tiles.ts. */
  makeTiles(size: number, limit: number): Promise<number>;
  readonly escalations: EscalationStore;
  readonly humans: HumanStore;
  readonly outbox: Outbox;
  readonly activations: ActivationStore;
  readonly freezes: FreezeStore;
  readonly figures: ReadFigures;
  readonly retention: Retention;
  /** Whether the record can be written now. Never rejects. */
  ready(): Promise<boolean>;
  /** Refuses new writes, finishes accepted ones, then closes. */
  close(): Promise<void>;
}

/**
 * Opens the store and applies its migrations. Throws where it cannot be opened or does not keep its promises.
 * `decorate`: what stands between the store and its engine. `demandSchema` throws where the schema is not to be touched.
 */
export async function openAuditLog(
  options: StoreOptions,
  decorate = (engine: Database): Database => engine,
  demandSchema: (state: Awaited<ReturnType<typeof schemaState>>) => void = () => undefined,
): Promise<Store> {
  const { url, folder, auth, maxConnections = 10, timeoutMs = 5_000 } = options;
  const makeToken = auth === "iam" ? await rdsTokens() : null;
  const limits = { maxConnections, timeoutMs, makeToken };
  const db = decorate(url === null ? await openPglite(folder) : await openPostgres(url, limits));
  try {
    if (url !== null) await demandDurability(db);
    demandSchema(await schemaState(db));
    await migrate(db);
  } catch (error) {
    await db.close();
    throw error;
  }
  return auditLogOn(db);
}

export class OutdatedSchemaError extends Error {
  override readonly name = "OutdatedSchemaError";
}

/**
 * For whoever must not bring a schema forward that running brokers stand on: opens a record that is new or current, and
 * throws OutdatedSchemaError for an older one.
 */
export function openCurrentLog(options: StoreOptions): Promise<Store> {
  return openAuditLog(options, undefined, ({ newest, known }) => {
    if (newest === 0 || newest >= known) return;
    throw new OutdatedSchemaError(
      `the database schema is ${newest}, and this version of Twokey needs ${known}`,
    );
  });
}

/** A server that answers COMMIT before it is on disk would turn "recorded" into a guess. */
async function demandDurability(db: Database): Promise<void> {
  const [row] = await db.query(
    "SELECT current_setting('fsync', true) AS fsync, current_setting('synchronous_commit', true) AS sync",
    [],
  );
  if (row?.["fsync"] === "off" || row?.["sync"] === "off") {
    throw new Error("PostgreSQL runs with fsync or synchronous_commit off: the record would not be durable");
  }
}

/** The log on an open, migrated database, which it closes. */
export function auditLogOn(db: Database): Store {
  const belief: HeadBelief = { head: null };
  const queue = groupCommit<Operation, Recorded>((group) => writeGroup(db, group, belief), {
    maxGroup: 256,
    maxWaiting: MAX_WAITING,
  });
  const size = async () => Number((await db.query(SIZE, []))[0]?.["size"]);
  const watch = watchHead(size);
  const changes = oneByOne();
  const change: UnderHead = (run) =>
    changes
      .submit(() => underHead(db, belief, run))
      .finally(() => {
        watch.wake();
      });
  return {
    escalations: escalationStore({ db, underHead: change, changed: watch.changed }),
    humans: humanStore(db, change),
    outbox: outbox(db),
    activations: activationStore(db),
    freezes: freezeStore(db, change),
    retention: retention(db, change),
    tree: logReader(db),
    keepCheckpoint: (at, note) => keepCheckpoint(db, at, note),
    misfiled: (range) => misfiled(db, range),
    makeTiles: (at, limit) => makeTiles(db, at, limit),
    recordIntent: async (session, { requestId, idempotency, grant }) => {
      if (grant !== null) {
        const intent = { session, requestId, idempotency, grant };
        return change((tx, writing) => consumeUnderHead(tx, writing, intent));
      }
      const written = await queue.submit({
        entry: entryRow(intentEntry(session, requestId)),
        freezable: session,
        session: sessionRow(session),
        ...(idempotency !== null && { key: keyRow(session, idempotency) }),
      });
      return written.ok ? ok({ entry: written.value.entry }) : written;
    },
    recordOutcome: async (session, outcome, context) => {
      if (outcome.state === "failed" && session.escalation !== null) {
        const failed = { session, outcome, context };
        const given = await change((tx, writing) => giveBackUnderHead(tx, writing, failed));
        return { ...given, delivered: true };
      }
      const written = (what: Outcome) => ({
        entry: entryRow(outcomeEntry(session, what, context)),
        outcome: outcomeRow(session, what),
      });
      const { entry, frozen } = accepted(
        await queue.submit({
          ...written(outcome),
          ...(outcome.state === "issued" && { freezable: session, ifFrozen: written(FROZEN_OUTCOME) }),
        }),
      );
      return { entry, delivered: !frozen };
    },
    append: async (entry) => ({ entry: accepted(await queue.submit({ entry: entryRow(entry) })).entry }),
    settle: (session, settlement) =>
      change((tx, writing) => settleUnderHead(tx, writing, { session, settlement })),
    sessions: async ({ agent, limit, before }) =>
      (await db.query(SESSIONS, [agent, before, limit])).map(sessionRecord),
    session: async (id) => (await db.query(SESSION, [id])).map(sessionRecord)[0] ?? null,
    entries: async ({ from, limit }) => (await db.query(ENTRIES, [from, limit])).map(storedEntry),
    search: async (query) => (await search(db, query)).map(storedEntry),
    size,
    figures: () => readFigures(db),
    ready: () =>
      db.query(READY, []).then(
        ([row]) => row?.["read_only"] === "off",
        () => false,
      ),
    close: async () => {
      watch.close();
      await Promise.all([queue.drain(), changes.drain()]);
      await db.close();
    },
  };
}

const MAX_WAITING = 10_000;

/**
 * Changes queue here, one after the other, and not for the connection: that wait is short. Beside the groups of plain
 * writes, which so never wait for more than one of them.
 */
function oneByOne() {
  const queue = groupCommit<() => Promise<unknown>, unknown>(
    ([work]) => Promise.all(work === undefined ? [] : [work().then((value) => ({ value }))]),
    { maxGroup: 1, maxWaiting: MAX_WAITING },
  );
  return {
    submit: <T>(work: () => Promise<T>): Promise<T> => queue.submit(work) as Promise<T>,
    drain: () => queue.drain(),
  };
}

function accepted(recorded: Recorded): Extract<Recorded, { ok: true }>["value"] {
  if (!recorded.ok) throw new Error("an entry that makes no session was refused");
  return recorded.value;
}

// `before` is looked up under the same agent: another agent's session id pages nothing.
const SESSIONS = `
  SELECT e.body, s.state, s.access_key_id, s.expires_at, s.frozen_at
  FROM sessions s JOIN entries e ON e.idx = s.entry
  WHERE ($1::text IS NULL OR s.agent = $1)
    AND ($2::text IS NULL OR s.entry <
      (SELECT b.entry FROM sessions b WHERE b.id = $2 AND ($1::text IS NULL OR b.agent = $1)))
  ORDER BY s.entry DESC LIMIT $3::integer`;
const SESSION = `
  SELECT e.body, s.state, s.access_key_id, s.expires_at, s.frozen_at
  FROM sessions s JOIN entries e ON e.idx = s.entry WHERE s.id = $1`;
const ENTRIES = "SELECT idx, body FROM entries WHERE idx >= $1::bigint ORDER BY idx LIMIT $2::integer";
const SIZE = "SELECT size FROM log_head WHERE id = 1";
const READY = `SELECT size, current_setting('transaction_read_only', true) AS read_only FROM log_head WHERE id = 1`;
