/**
 * The audit log over HTTP: its latest checkpoint, proofs, entries. Proofs are hashes and are for operators and agents,
 * who hold receipts; entries are for operators alone. Never answers with a proof that does not prove what was asked: a
 * record that was changed is an error here, and `twokey audit verify` says where.
 */
import { verifierLine } from "../audit/checkpoint.ts";
import {
  consistencyProof,
  inclusionProof,
  provesConsistency,
  provesInclusion,
  rootAt,
} from "../audit/proof.ts";
import { leafHash, type Hash } from "../audit/tree.ts";
import type { Failure } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { refuse, type Broker, type Call } from "./admit.ts";
import { admitOperator, admitReader } from "./admit-operator.ts";

export interface LatestCheckpoint {
  /** Null: nothing is signed yet. */
  readonly note: string | null;
  readonly size: number;
  /** What verifies it; see checkpoint.ts. */
  readonly key: string;
}

export async function readCheckpoint(broker: Broker, call: Call): Promise<Result<LatestCheckpoint, Failure>> {
  const admitted = await admitReader(broker, call);
  if (!admitted.ok) return admitted;
  return reading(async () => {
    const [{ origin }, latest] = await Promise.all([broker.tree.head(), broker.tree.latestCheckpoint()]);
    const key = verifierLine({ name: origin, publicKey: broker.auditKey });
    return ok({ note: latest?.note ?? null, size: latest?.size ?? 0, key });
  });
}

export interface Proof {
  readonly size: number;
  readonly root: Hash;
  /** Of the entry, where one is proved. */
  readonly leaf: Hash | null;
  readonly hashes: readonly Hash[];
}

/** `size` null: of the latest checkpoint. */
export async function readInclusion(
  broker: Broker,
  call: Call,
  readQuery: () => Result<{ readonly index: number; readonly size: number | null }, Failure>,
): Promise<Result<Proof, Failure>> {
  const asked = await admittedQuery(broker, call, readQuery);
  if (!asked.ok) return asked;
  return recorded(broker, call, async () => {
    const { index } = asked.value;
    const size = await sizeOf(broker, asked.value.size);
    if (size === null || index >= size) return err(NOT_FOUND);
    const [text] = await broker.tree.leaves({ from: index, to: index + 1 });
    if (text === undefined) throw new Error(`the log lacks entry ${index}`);
    const [root, hashes] = await Promise.all([
      rootAt(size, readerOf(broker)),
      inclusionProof(index, size, readerOf(broker)),
    ]);
    const leaf = leafHash(text);
    if (!provesInclusion({ leaf, index, size, root }, hashes)) throw new Error("a proof does not prove");
    return ok({ size, root, leaf, hashes });
  });
}

export async function readConsistency(
  broker: Broker,
  call: Call,
  readQuery: () => Result<{ readonly old: number; readonly size: number | null }, Failure>,
): Promise<Result<Proof, Failure>> {
  const asked = await admittedQuery(broker, call, readQuery);
  if (!asked.ok) return asked;
  return recorded(broker, call, async () => {
    const { old } = asked.value;
    const size = await sizeOf(broker, asked.value.size);
    if (size === null || old > size) return err(NOT_FOUND);
    const reader = readerOf(broker);
    const [oldRoot, root, hashes] = await Promise.all([
      rootAt(old, reader),
      rootAt(size, reader),
      consistencyProof(old, size, reader),
    ]);
    const claim = { old, oldRoot, size, root };
    if (!provesConsistency(claim, hashes)) throw new Error("a proof does not prove");
    return ok({ size, root, leaf: null, hashes });
  });
}

export interface EntryPage {
  readonly from: number;
  /** The exact texts: what the tree's leaves are. */
  readonly texts: readonly string[];
  /** Entries there are. */
  readonly size: number;
}

export async function readEntries(
  broker: Broker,
  call: Call,
  readQuery: () => Result<{ readonly from: number; readonly limit: number }, Failure>,
): Promise<Result<EntryPage, Failure>> {
  const admitted = await admitOperator(broker, call);
  if (!admitted.ok) return admitted;
  const query = readQuery();
  if (!query.ok) return err(await refuse(broker, call, null, query.error));
  const { from, limit } = query.value;
  return reading(async () => {
    const { frontier } = await broker.tree.head();
    const texts = await broker.tree.leaves({ from, to: Math.min(frontier.size, from + limit) });
    return ok({ from, texts, size: frontier.size });
  });
}

const NOT_FOUND: Failure = { code: "not_found" };

async function admittedQuery<Q>(
  broker: Broker,
  call: Call,
  readQuery: () => Result<Q, Failure>,
): Promise<Result<Q, Failure>> {
  const admitted = await admitReader(broker, call);
  if (!admitted.ok) return admitted;
  const query = readQuery();
  return query.ok ? query : err(await refuse(broker, call, null, query.error));
}

const readerOf = ({ tree }: Broker) => ({
  read: (wanted: Parameters<Broker["tree"]["hashes"]>[0]) => tree.hashes(wanted),
});

/** Null: the log has fewer entries. */
async function sizeOf(broker: Broker, asked: number | null): Promise<number | null> {
  if (asked === null) return (await broker.tree.latestCheckpoint())?.size ?? 0;
  const { frontier } = await broker.tree.head();
  return asked <= frontier.size ? asked : null;
}

async function recorded<T>(
  broker: Broker,
  call: Call,
  work: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  const done = await reading(work);
  return done.ok ? done : err(await refuse(broker, call, null, done.error));
}

async function reading<T>(work: () => Promise<Result<T, Failure>>): Promise<Result<T, Failure>> {
  try {
    return await work();
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}
