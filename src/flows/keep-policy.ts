/**
 * Keeps one policy set in service and takes up the next one safely:
 *
 *   read the folder → faults: refused and recorded, the last good set stays → same meaning: nothing to do
 *   → load recorded, with what changed → served
 *
 * A set with faults is never served, and neither is a load that could not be recorded. Reloads run one after
 * another, so that the last set read is the last one served.
 */
import type { AuditLog } from "../audit/log.ts";
import type { EntryBase } from "../audit/entry.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { PolicyFault } from "../policy/set.ts";
import type { Result } from "../result.ts";

export interface KeepPolicyParts {
  /** The folder as it is now, checked. Rejects for lost infrastructure alone. */
  readonly read: () => Promise<Result<ServedPolicy, readonly PolicyFault[]>>;
  /** What the next set means against the one before, a sentence each. */
  readonly changes: (before: ServedPolicy, after: ServedPolicy) => readonly string[];
  readonly audit: Pick<AuditLog, "append">;
  readonly clock: () => Date;
}

export type Reloaded =
  | { readonly outcome: "unchanged" }
  | { readonly outcome: "served"; readonly digest: string; readonly changes: readonly string[] }
  /** `again`: the same faults as the last time, already on record. */
  | { readonly outcome: "refused"; readonly faults: readonly PolicyFault[]; readonly again: boolean }
  /** The record was not certain: try again, nothing changed. */
  | { readonly outcome: "not_recorded"; readonly error: unknown };

export interface PolicyKeeper {
  /** The set in service. A request reads it once and finishes on it. */
  readonly current: () => ServedPolicy;
  /** Faults of the set that now stands in the folder and is not served; null when what stands there is served. */
  readonly refused: () => readonly PolicyFault[] | null;
  readonly reload: () => Promise<Reloaded>;
}

/** Lines of faults and of changes that go into one entry; the rest is counted. */
const LINES = 20;
/** A line may hold a file's text, which may be long. */
const LINE_CHARACTERS = 300;

export function keepPolicy(first: ServedPolicy, parts: KeepPolicyParts): PolicyKeeper {
  let current = first;
  let refused: readonly PolicyFault[] | null = null;
  let onRecord = "";
  let running: Promise<unknown> = Promise.resolve();

  const once = async (): Promise<Reloaded> => {
    const read = await parts.read();
    const next = read.ok ? read.value : null;
    if (next === null) {
      const faults = read.ok ? [] : read.error;
      refused = faults;
      const told = JSON.stringify(faults);
      if (told === onRecord) return { outcome: "refused", faults, again: true };
      const failed = await appended(parts, refusedEntry(current, faults, parts.clock()));
      if (failed !== null) return { outcome: "not_recorded", error: failed.error };
      onRecord = told;
      return { outcome: "refused", faults, again: false };
    }
    [refused, onRecord] = [null, ""];
    if (next.set.digest === current.set.digest) return { outcome: "unchanged" };
    const changes = parts.changes(current, next);
    const failed = await appended(parts, loadedEntry(next, changes, parts.clock()));
    if (failed !== null) return { outcome: "not_recorded", error: failed.error };
    current = next;
    return { outcome: "served", digest: next.set.digest, changes };
  };

  return {
    current: () => current,
    refused: () => refused,
    reload: () => {
      const mine = running.then(once);
      running = mine.catch(() => null);
      return mine;
    },
  };
}

type NewEntry = Parameters<AuditLog["append"]>[0];

async function appended(
  parts: KeepPolicyParts,
  entry: NewEntry,
): Promise<{ readonly error: unknown } | null> {
  try {
    await parts.audit.append(entry);
    return null;
  } catch (error) {
    return { error };
  }
}

const nobody = (at: Date, policy: ServedPolicy): EntryBase => ({
  at,
  requestId: null,
  agent: null,
  owner: null,
  session: null,
  policyVersion: policy.set.digest,
});

/** `changes` null: the first load of a broker's life, with nothing to compare. */
export function loadedEntry(policy: ServedPolicy, changes: readonly string[] | null, at: Date): NewEntry {
  const { digest, templates } = policy.set;
  const names = templates.map(({ name }) => name);
  const detail = { digest, templates: names, changes: changes === null ? null : firstLines(changes) };
  return { kind: "policy.loaded", ...nobody(at, policy), detail };
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
