/**
 * Keeps one policy set in service and takes up the next one safely:
 *
 *   read the folder → faults: refused and recorded, the last good set stays
 *   → what is in force (see activate-policy.ts) → same meaning: nothing to do → load recorded, with what changed → served
 *
 * A set with faults is never served, neither is one that waits for approval, nor a load that could not be recorded.
 * Reloads run one after another, so that the last set read is the last one served.
 */
import type { AuditLog } from "../audit/log.ts";
import type { EntryBase } from "../audit/entry.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { PolicyFault } from "../policy/set.ts";
import { ok, type Result } from "../result.ts";
import { settlePolicy, type ActivationParts, type Held, type Settled } from "./activate-policy.ts";

export interface KeepPolicyParts extends ActivationParts {
  /** The folder as it is now, checked. Rejects for lost infrastructure alone. */
  readonly read: () => Promise<Result<ServedPolicy, readonly PolicyFault[]>>;
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: () => Date;
}

export type Reloaded =
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "served"; readonly digest: string; readonly changes: readonly string[] }
  /** The folder holds a set that is not in force. `again`: the same as the last time. */
  | { readonly outcome: "held"; readonly held: Held; readonly again: boolean }
  /** `again`: the same faults as the last time, already on record. */
  | { readonly outcome: "refused"; readonly faults: readonly PolicyFault[]; readonly again: boolean }
  /** Another set is in force, and this replica cannot serve it: it stays with its own. */
  | { readonly outcome: "unloadable"; readonly reasons: readonly string[]; readonly again: boolean }
  /** The record was not certain: try again, nothing changed. */
  | { readonly outcome: "not_recorded"; readonly error: unknown };

export interface PolicyKeeper {
  /** The set in service. A request reads it once and finishes on it. */
  readonly current: () => ServedPolicy;
  /** Faults of the set that now stands in the folder and is not served; null when what stands there is served. */
  readonly refused: () => readonly PolicyFault[] | null;
  /** The set that stands in the folder without faults and is not in force; null where there is none. */
  readonly held: () => Held | null;
  /** The database had no set in force: the folder's was trusted. */
  readonly trustedOnFirstUse: boolean;
  readonly reload: () => Promise<Reloaded>;
  /** Takes up what another replica or an approval has put in force; reads no folder and asks nobody. */
  readonly look: () => Promise<Reloaded>;
}

/** Lines of faults and of changes that go into one entry; the rest is counted. */
const LINES = 20;
/** A line may hold a file's text, which may be long. */
const LINE_CHARACTERS = 300;

/** Serves what is in force, which need not be `first`, the folder's. `err`: why that cannot be served. */
export async function keepPolicy(
  first: ServedPolicy,
  parts: KeepPolicyParts,
): Promise<Result<PolicyKeeper, readonly string[]>> {
  const start = await settlePolicy(parts, { folder: first, moved: true, asking: true, before: null });
  if (!start.ok) return start;
  const { policy, active } = start.value;
  await parts.audit.append(loadedEntry(policy, null, { at: parts.clock(), escalation: active.escalation }));

  let [folder, settled]: [ServedPolicy, Settled] = [first, start.value];
  let refused: readonly PolicyFault[] | null = null;
  let [onRecord, unloadable, told] = ["", "", ""];
  let running: Promise<unknown> = Promise.resolve();

  const refuse = async (faults: readonly PolicyFault[]): Promise<Reloaded> => {
    refused = faults;
    const lines = JSON.stringify(faults);
    if (lines === onRecord) return { outcome: "refused", faults, again: true };
    await parts.audit.append(refusedEntry(settled.policy, faults, parts.clock()));
    onRecord = lines;
    return { outcome: "refused", faults, again: false };
  };

  const take = async (next: ServedPolicy, asking: boolean): Promise<Reloaded> => {
    const moved = next.set.digest !== folder.set.digest;
    const found = await settlePolicy(parts, { folder: next, moved, asking, before: settled });
    if (!found.ok) {
      const again = unloadable === JSON.stringify(found.error);
      unloadable = JSON.stringify(found.error);
      return { outcome: "unloadable", reasons: found.error, again };
    }
    const [before, after] = [settled.policy, found.value];
    const changed = after.policy.set.digest !== before.set.digest;
    const changes = changed ? parts.changes(before, after.policy) : [];
    if (changed) {
      const { escalation } = after.active;
      await parts.audit.append(loadedEntry(after.policy, changes, { at: parts.clock(), escalation }));
    }
    [folder, settled, unloadable] = [next, after, ""];
    const again = told === JSON.stringify(after.held);
    told = changed ? "" : JSON.stringify(after.held);
    if (changed) return { outcome: "served", digest: after.policy.set.digest, changes };
    return after.held === null ? { outcome: "unchanged" } : { outcome: "held", held: after.held, again };
  };

  const reload = async (): Promise<Reloaded> => {
    const read = await parts.read();
    if (!read.ok) return refuse(read.error);
    [refused, onRecord] = [null, ""];
    return take(read.value, true);
  };

  const inTurn = (work: () => Promise<Reloaded>): Promise<Reloaded> => {
    const mine = running.then(work).catch((error: unknown): Reloaded => ({ outcome: "not_recorded", error }));
    running = mine;
    return mine;
  };

  return ok({
    current: () => settled.policy,
    refused: () => refused,
    held: () => settled.held,
    trustedOnFirstUse: settled.first,
    reload: () => inTurn(reload),
    look: () => inTurn(() => take(folder, false)),
  });
}

type NewEntry = Parameters<AuditLog["append"]>[0];

const nobody = (at: Date, policy: ServedPolicy): EntryBase => ({
  at,
  requestId: null,
  agent: null,
  owner: null,
  person: null,
  session: null,
  escalation: null,
  policyVersion: policy.set.digest,
});

/** `changes` null: the first load of a broker's life, with nothing to compare. `escalation`: what approved the set. */
function loadedEntry(
  policy: ServedPolicy,
  changes: readonly string[] | null,
  { at, escalation }: Pick<EntryBase, "at" | "escalation">,
): NewEntry {
  const { digest, templates } = policy.set;
  const names = templates.map(({ name }) => name);
  const detail = { digest, templates: names, changes: changes === null ? null : firstLines(changes) };
  return { kind: "policy.loaded", ...nobody(at, policy), escalation, detail };
}

function refusedEntry(serving: ServedPolicy, faults: readonly PolicyFault[], at: Date): NewEntry {
  const lines = faults.map(({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`);
  return {
    kind: "policy.refused",
    ...nobody(at, serving),
    detail: { faults: faults.length, lines: firstLines(lines) },
  };
}

function firstLines(lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, LINES).map((line) => line.slice(0, LINE_CHARACTERS));
  return lines.length > LINES ? [...shown, `and ${lines.length - LINES} more`] : shown;
}
