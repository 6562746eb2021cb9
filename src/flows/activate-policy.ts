/**
 * Which policy set is in force, and how another comes to be:
 *
 *   what the record has in force → nothing: the folder's, trusted on first use
 *   → the folder's means the same: in force → changes need no approval: the folder's is put in force
 *   → else what is in force stays, and the folder's is asked for → approved: consumed → put in force
 *
 * The rule of the set in force judges every change, never the new set's own. Between any two steps the broker may die:
 * each is found done or done again, and the swap in the record lets one replica do it once. Must never serve files
 * whose digest is not the one in force.
 */
import type { Escalation } from "../escalation/escalation.ts";
import type { ActivationStore, ActiveSet } from "../policy/activation-store.ts";
import { checkSet } from "../policy/check-set.ts";
import { digestOf } from "../policy/digest.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import { err, ok, type Result } from "../result.ts";
import {
  lastRequest,
  mayActivate,
  withdrawRequests,
  type Here,
  type RequestPolicyParts,
} from "./request-policy.ts";

export interface ActivationParts extends RequestPolicyParts {
  readonly activations: ActivationStore;
}

/** What a replica brings along. */
export interface View {
  /** The folder as last read, without faults. */
  readonly folder: ServedPolicy;
  /** The folder holds another set than the last time, or there was no last time. */
  readonly moved: boolean;
  /** Somebody wants the folder's set now: the broker starts, or the folder was read. Otherwise nobody is asked. */
  readonly asking: boolean;
  /** Null at the start. */
  readonly before: Settled | null;
}

/** The folder's set, where it is not in force. */
export interface Held {
  readonly digest: string;
  /** The last request for it; null: nobody was asked. */
  readonly request: Pick<Escalation, "id" | "state"> | null;
}

export interface Settled {
  /** What this replica serves. */
  readonly policy: ServedPolicy;
  readonly active: ActiveSet;
  /** What `active` means. Another than `policy` only where each replica serves its own folder. */
  readonly inForce: ServedPolicy;
  /** Null: what the folder holds is served. */
  readonly held: Held | null;
  /** No set had ever been in force. */
  readonly first: boolean;
}

/** `err`: why the set in force cannot be served, in lines. Rejects where the record is out of reach. */
export async function settlePolicy(
  parts: ActivationParts,
  view: View,
): Promise<Result<Settled, readonly string[]>> {
  const { folder, moved } = view;
  let [first, swapped] = [false, false];
  // Again only when this replica or another has just put a set in force.
  for (;;) {
    const active = await parts.activations.active();
    if (active === null) {
      first = swapped = await activate(parts, folder, { over: null, escalation: null });
      continue;
    }
    const loaded = await load(parts, active, view);
    if (!loaded.ok) return loaded;
    const inForce = loaded.value;
    const here = { active, inForce, folder };
    const next = await following(parts, here, view);
    if (next.activate) {
      swapped = await activate(parts, folder, { over: active, escalation: next.escalation });
      continue;
    }
    if (moved || swapped) await withdrawRequests(parts, here, view.before);
    const { held } = next;
    return ok({ policy: held === null ? folder : inForce, active, inForce, held, first });
  }
}

type Next =
  | { readonly activate: true; readonly escalation: string | null }
  | { readonly activate: false; readonly held: Held | null };

/** Whether the folder's set comes next, and what it waits for otherwise. */
async function following(parts: ActivationParts, here: Here, view: View): Promise<Next> {
  const { inForce, folder } = here;
  if (inForce.set.digest === folder.set.digest) return { activate: false, held: null };
  const rule = inForce.set.activation;
  const held = { digest: folder.set.digest, request: null };
  if (rule === null) {
    if (view.moved) return { activate: true, escalation: null };
    return { activate: false, held: servesItsOwn(view) ? null : held };
  }
  const request = await lastRequest(parts, here, { rule, asking: view.asking });
  if (request === null) return { activate: false, held };
  if (await mayActivate(parts, request, here, rule)) return { activate: true, escalation: request.id };
  const { id, state } = request;
  return { activate: false, held: { ...held, request: { id, state } } };
}

/** Where changes need no approval, each replica serves its own folder, which may lag behind another's for a while. */
function servesItsOwn({ before, folder }: View): boolean {
  return before?.policy.set.activation === null && before.policy.set.digest === folder.set.digest;
}

/** False: another set is in force by now. */
function activate(
  { activations }: ActivationParts,
  { set, files, table }: ServedPolicy,
  { over, escalation }: { readonly over: ActiveSet | null; readonly escalation: string | null },
): Promise<boolean> {
  const kept = { digest: set.digest, files, actionData: table.version };
  return activations.activate({ ...kept, escalation }, over?.generation ?? null);
}

/** The set in force, ready to be served: what this replica has already, else the kept files. */
async function load(
  { activations }: ActivationParts,
  { digest }: ActiveSet,
  { folder, before }: View,
): Promise<Result<ServedPolicy, readonly string[]>> {
  if (before?.active.digest === digest) return ok(before.inForce);
  if (folder.set.digest === digest) return ok(folder);
  const kept = await activations.kept(digest);
  if (kept === null) return err([`the files of the policy set in force (${digest}) are not in the record`]);
  const checked = checkSet(kept.files, folder.table);
  if (!checked.ok) {
    const lines = checked.error.map(({ file, line, message }) => `${file}:${line}: ${message}`);
    return err([`the policy set in force (${digest}) cannot be served by this version:`, ...lines]);
  }
  // With the action data of that time: after an upgrade the same files have another digest, and are still approved.
  const { digest: today, ...set } = checked.value.set;
  return today === digest || digestOf(set, kept.actionData) === digest
    ? ok(checked.value)
    : err([`the files kept in the record are not the policy set in force (${digest})`]);
}
