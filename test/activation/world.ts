/**
 * Policy sets under two keys on a real store: replicas that each keep a folder of their own, and people with software
 * passkeys. A folder is a value here; a restart is another keeper on the same store.
 */
import type { StoredEntry } from "../../src/audit/entry.ts";
import type { Escalation } from "../../src/escalation/escalation.ts";
import { keepPolicy, type PolicyKeeper } from "../../src/flows/keep-policy.ts";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { checkSet } from "../../src/policy/check-set.ts";
import { changeSentence, diffPolicies } from "../../src/policy/diff.ts";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import { ok } from "../../src/result.ts";
import { decide, enrol, startWorld, value, type Replica, type World } from "../escalation/world.ts";
import { asFiles, FILES, replaceOnce } from "../policy-set/fixture.ts";

export const table = loadActionTable();

const RULE = "{ quorum: 2, groups: [platform], evidence: passkey, pending: 24h }";
/** Two of `platform` (platform-one, platform-two) decide a change. */
export const APPROVAL = `activation: approval\nactivation_rule: ${RULE}\n`;

export type Edit = readonly [file: string, find: string, put: string];

const made = new Map<string, ServedPolicy>();

/** The small set, with its changes decided as `activation` says. */
export function setOf(activation: string, ...edits: readonly Edit[]): ServedPolicy {
  const key = JSON.stringify([activation, edits]);
  const known = made.get(key);
  if (known !== undefined) return known;
  const files: Record<string, string> = { ...FILES };
  for (const [file, find, put] of [
    ["approvals.yaml", "rules:\n", `${activation}rules:\n`] as const,
    ...edits,
  ]) {
    files[file] = replaceOnce(files[file] ?? "", find, put);
  }
  const checked = checkSet(asFiles(files), table);
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  made.set(key, checked.value);
  return checked.value;
}

const FEWER: Edit = [
  "templates/look.yaml",
  "[cloudformation:DescribeStacks, cloudformation:ListStacks]",
  "cloudformation:DescribeStacks",
];
const LONGER: Edit = ["approvals.yaml", "usable: 15m", "usable: 30m"];

/** Changes of it need two people. */
export const FIRST = setOf(APPROVAL);
export const SECOND = setOf(APPROVAL, FEWER);
export const THIRD = setOf(APPROVAL, LONGER);
/** The same as the first, but that its changes need nobody. */
export const IMMEDIATE = setOf("");

/** A broker as far as its policy goes. */
export interface Keeping extends PolicyKeeper {
  readonly serving: () => string;
}

/** `folder`: read anew at each reload. */
export async function keep(
  { store }: Pick<Replica, "store">,
  folder: { now: ServedPolicy },
  parts: Partial<Parameters<typeof keepPolicy>[1]> = {},
): Promise<Keeping> {
  const kept = value(await tryKeep({ store }, folder, parts));
  return { ...kept, serving: () => kept.current().set.digest };
}

export const tryKeep = (
  { store }: Pick<Replica, "store">,
  folder: { now: ServedPolicy },
  parts: Partial<Parameters<typeof keepPolicy>[1]> = {},
): ReturnType<typeof keepPolicy> =>
  keepPolicy(folder.now, {
    read: async () => ok(folder.now),
    changes: (before, after) => diffPolicies(before, after, table).changes.map(changeSentence),
    activations: store.activations,
    escalations: store.escalations,
    humans: store.humans,
    audit: store,
    clock: () => new Date(),
    ...parts,
  });

export interface People {
  /** Approves or denies as this person of FIRST's people.yaml, on the replica's store. */
  readonly decide: (
    person: "platform-one" | "platform-two" | "orders-lead",
    verdict: "approve" | "deny",
    id: string,
    serving?: ServedPolicy,
  ) => Promise<{ readonly ok: boolean }>;
  /** Both of `platform`. */
  readonly approve: (id: string) => Promise<void>;
}

export async function people(replica: Replica): Promise<People> {
  const on = (policy: ServedPolicy) => ({ broker: { ...replica.broker, policy } });
  const everybody = new Map(
    await Promise.all(
      ["platform-one", "platform-two", "orders-lead"].map(
        async (id) => [id, await enrol(on(FIRST), id)] as const,
      ),
    ),
  );
  const one: People["decide"] = async (person, verdict, id, serving = FIRST) => {
    const approver = everybody.get(person);
    const escalation = await replica.store.escalations.find(id);
    if (approver === undefined || escalation === null) throw new Error(`no ${person} or no ${id}`);
    return decide(on(serving), approver, verdict, escalation);
  };
  return {
    decide: one,
    approve: async (id) => {
      for (const person of ["platform-one", "platform-two"] as const) {
        if (!(await one(person, "approve", id)).ok) throw new Error(`${person} was refused`);
      }
    },
  };
}

export interface Started {
  readonly world: World;
  readonly replica: Replica;
  readonly people: People;
}

let running: World | null = null;

/** PGlite in which no set was ever in force. One engine a file of tests: `stop` ends it. */
export async function fresh(): Promise<Started> {
  const world = (running ??= await startWorld());
  for (const each of ["policy_active", "policy_sets", "escalations", "decisions", "passkeys", "challenges"]) {
    await world.query(`DELETE FROM ${each}`, []);
  }
  const [replica] = world.replicas;
  return { world, replica, people: await people(replica) };
}

/** The same, with FIRST in force by first use. */
export async function started(): Promise<Started> {
  const begun = await fresh();
  await keep(begun.replica, { now: FIRST });
  return begun;
}

export async function stop(): Promise<void> {
  await running?.close();
  running = null;
}

/** The request that the keeper's folder waits for. */
export function requestOf(keeper: PolicyKeeper): string {
  const id = keeper.held()?.request?.id;
  if (id === undefined) throw new Error("nobody was asked");
  return id;
}

export const requests = async ({ store }: Replica): Promise<readonly Escalation[]> =>
  store.escalations.list({ agent: null, states: null, limit: 100, before: null });

export const entriesOf = async (
  { store }: Replica,
  kind: StoredEntry["kind"],
): Promise<readonly StoredEntry[]> =>
  (await store.entries({ from: 0, limit: 1000 })).filter((entry) => entry.kind === kind);
